// Package aggregate turns facts into the rollups that reports read.
//
// Its guarantee: a report sees, of every bucket, one whole generation that was computed from all facts acknowledged
// before the freshness it states. A bucket is recomputed from facts and replaced, never incremented, so it does not
// matter how often or in which order events arrived. The order of a pass makes that hold through a crash at any point:
//
//  1. take a generation id that was never used before;
//  2. read the open touches (ingest opens a touch only after its facts are acknowledged);
//  3. compute the touched buckets from facts under that id, where no reader looks yet: first the dialogs, which decide
//     the units of conversations and reply windows and may move units of other buckets, so that these join the pass;
//     then all other rollups, from facts that are folded once;
//  4. publish all of them by one insert of one block into generations;
//  5. close exactly the touches read in step 2;
//  6. state the freshness.
//
// A crash before 4 leaves rows that nobody reads and touches that are still open; a crash after 4 leaves touches open
// that lead to one more generation with the same figures.
//
// While there is nothing to do, cells of quiet days are summed. These sums name the generations that they were made
// from: a cache that a report may use or leave.
//
// Beside the passes, rounds read what is known of the numbers that passes touched, let package health decide, and store
// the verdicts that came out different after the feed of changes has announced them. Package notify announces that feed
// to others.
package aggregate
