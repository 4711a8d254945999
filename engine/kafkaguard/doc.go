// Package kafkaguard stands between the network and kfake, the embedded broker.
//
// kfake is made for tests and trusts its clients: an API key that it does not
// know is a nil pointer, a length prefix is memory, and both happen in goroutines
// of its own, where nobody can recover. [Wrap] takes the listener that kfake is
// given and returns one whose connections hand over whole, checked requests and
// nothing else; there is no second port that leads around it.
//
// What holds for every connection:
//
//   - Only the requests in served reach kfake, in versions that it knows. What
//     destroys data or changes the broker (DeleteTopics, DeleteRecords,
//     AlterConfigs, CreatePartitions, DeleteGroups, ...) is not among them:
//     Kaskad does that in process. ApiVersions says so, so clients know.
//   - A request is decoded here first, under a recover; a length prefix allocates
//     nothing, memory follows the bytes that arrived.
//   - Where the broker asks for a login, nothing else is served before it: no
//     metadata and no data. Who may not be there any more is put out at once.
//   - Numbers that kfake would believe (a wait of 24 days, an answer of 2 GB) are
//     cut to what makes sense; more than 10 000 elements, long strings and more
//     groups than 1 000 end the connection. New producers come at a bounded rate.
//   - Records are read to their end, decompressed where they are compressed, as
//     Apache Kafka does, so that a consumer finds no batch that it cannot read.
//   - All connections together hold 256 MiB of requests and answers that their
//     clients have not taken, and are at most 1 000. Under pressure those that have made no
//     progress for longest are closed; without pressure a request must arrive
//     within 30 s of its first byte and an answer be taken within a minute.
//   - kfake hears that a client is gone when it has answered it, for otherwise it
//     would keep a member that left while joining its group forever.
//
// Answers go to the client in the order of its requests, and are passed through
// as they are; only ApiVersions is rewritten.
package kafkaguard
