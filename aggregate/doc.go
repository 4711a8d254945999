// Package aggregate turns facts into the rollups that reports read.
//
// Its guarantee: a report sees one edition, in which every bucket counts what was computed from all facts acknowledged
// before the freshness it states. What a bucket counts is always computed from facts, and never incremented, so it does
// not matter how often or in which order events arrived; an edition publishes by how much that differs from what was
// published before. The order of a pass makes it hold through a crash at any point:
//
//  1. take an edition id that was never used before, and note that it is begun: what is begun alone never counts;
//  2. read the open touches (ingest opens a touch only after its facts are acknowledged);
//  3. compute the touched buckets from facts: first the dialogs, which decide the units of conversations and reply
//     windows and may move units of other buckets, so that these join the pass; then all other rollups, from facts that
//     are folded once, less what is published of these buckets;
//  4. publish the edition by one insert of one row;
//  5. close exactly the touches read in step 2;
//  6. state the freshness.
//
// A crash before 4 leaves rows that nobody counts and touches that are still open; a crash after 4 leaves touches open
// that lead to one more edition without a difference.
//
// Days that are quiet or have changed much are summed under an edition of their own, which readers take in place of all
// older rows of the day.
//
// Beside the passes, rounds read what is known of the numbers that passes touched, let package health decide, and store
// the verdicts that came out different after the feed of changes has announced them. Package notify announces that feed
// to others.
package aggregate
