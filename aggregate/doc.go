// Package aggregate turns facts into the cells that reports add up.
//
// Its guarantee: a report sees one whole edition, computed from all facts acknowledged before the freshness that it
// states. What a message counts always follows from all that is known of it, and is never incremented by an event, so
// it does not matter how often or in which order events arrive. What is published of a change is a difference: what its
// messages count now, less what they counted before.
//
//	changes of the batches       one message          the edition
//	(a state per event) ─┐                        ┌─ rollup_*               new cells − old cells
//	                     ├─▶ old state ─┐         │  attempts_by_recipient  rows that differ
//	message_states ──────┘   new state ─┴─ fold ─▶│  dialogs, opt_outs      rows that differ
//	(one per message)           ▲                 └─ state_log              new state
//	      ▲                     │                                               │
//	      │            units of dialogs: a walk through                         │
//	      │            all that a person was sent                               │
//	      └──────────────── applied when the edition is published ──────────────┘
//
// A pass (pass.go) takes the oldest open batches and makes one edition of them:
//
//  1. read the open touches (ingest opens one when a batch's facts and changes are acknowledged), and join what arrived
//     apart (package join);
//  2. read the changes of the batches (changes.go), and the stored state of each message that they name (package
//     states);
//  3. decide the units of dialogs that have changed (package conversations); messages whose units that moves join the
//     edition (dialogs.go);
//  4. fold: package cells takes back what the old states contributed, and adds what the new ones do (edition.go);
//  5. write all of it under the edition's id, a block while the next one is folded, where no reader looks yet: the
//     edition is begun, and not published;
//  6. publish it by one row, then make the stored states those of the log, then close the touches.
//
// A crash before the publication leaves rows of an edition that counts for nobody, and touches that are open. After it
// the next aggregator first applies what the log has and the store has not (states.Store.Redo); the changes that it
// then finds open change nothing more.
//
// # Whole hours
//
// The stored states are a copy of what facts say. An hour whose states are not known is cold: after an update of the
// program, when the store was lost, or where facts are missing. A change of a cold hour has it computed whole
// (whole.go): all of its messages are folded from facts, and what is published of the hour, if anything, is taken away
// as a sum, in SQL (net_*.sql). So is an hour that a touch names: facts were joined, moved or erased there, or cannot
// be read. Whatever way it comes about, the result is the same, and tests compare both.
//
// Before a whole hour is published it is compared with what was published (loss.go): no event takes facts away, so
// fewer of them are lost ones.
//
// # Guards
//
// The stored states are bounded: those of quiet hours move to where a scan finds them (package states). And what is
// published is compared with facts all the time, an hour after the other; what differs is told, and computed whole
// (audit.go, look.go).
//
// # Besides
//
// Cells of days that are quiet, or that have changed much, are summed, so that reports read a few sums instead of every
// difference (days.go; daystands.go counts what is not summed). Beside the passes, package verdicts reads what is known
// of the numbers that editions touched, lets package health decide, and stores the verdicts that came out different
// after the feed of changes has announced them; package watch judges what accounts watch. Package notify tells others
// of both.
package aggregate
