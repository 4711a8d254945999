// Package ingest moves events from a Kafka topic into the fact tables, and is the only package that reads Kafka.
//
// Its guarantee: every event that Kafka accepted is stored at least once, and storing it twice changes no figure.
// Offsets are committed only after ClickHouse has acknowledged everything that the events up to them lead to, so a
// crash anywhere makes events come again, and facts are merges (package schema), so that does no harm. An event that is
// refused becomes a dead letter with its bytes, before its offset is committed. Every event is counted: see [Balance].
//
// The events of a block are merged before they are stored, where that makes fewer rows of them (package schema/state).
// What they change of each message is announced in table changes, by one touch for each block, when the facts and the
// changes are acknowledged. So who reads a change finds its fact, and merging all changes of a message gives the state
// that its facts have. An event that ClickHouse refused changes nothing.
//
// Kafka's side: records of aborted transactions are not filtered, because the reader of package kafka-go hands them out
// whatever the isolation level; producers that use transactions must not rely on an abort to hide what they wrote.
// Control markers are skipped and counted. Topics must not be compacted: a compacted log has lost events before ingest
// could see them.
package ingest
