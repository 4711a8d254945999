// Package verdicts decides whether numbers are alive, beside the passes of the aggregator: health says what follows
// from the evidence, this package brings the evidence of touched numbers and stores what follows.
//
// A round reads side by side, in the order of accounts and numbers, the attempts of each touched number, its look-ups,
// what its owner said, what was set by hand and how the verdict stands. Verdicts that come out different are announced
// in the feed and then stored, a chunk at a time. A round that dies is made again: the feed then has a line twice, and
// lacks none.
//
// What is known of nearly all numbers takes seconds to read, so a round goes through the touched ones in slices of that
// order, between which it rests while editions follow each other.
package verdicts
