// Package engine embeds the two servers that Kaskad stands on, so that one
// command on a bare machine runs everything: ClickHouse and a Kafka broker.
//
// # ClickHouse
//
// [StartClickHouse] loads libchdb, the real ClickHouse engine, in a re-executed
// copy of the program and lets its local mode listen on two loopback ports;
// without the library it runs an official clickhouse binary in the same way. The
// program must call [MaybeChild] first thing in main, and tests in TestMain.
//
// The child lives as long as its parent: it ends in order when its standard
// input closes, and on Linux the kernel kills it when the parent is killed.
// Rows of an acknowledged insert survive the death of either; with
// fsync_after_insert also power loss. The data directory is locked by both, so
// no second engine starts while the first one's child is still dying.
//
// Access: nobody but the program reaches ClickHouse. The gate holds the port of
// the DSN as long as the program runs and lets those through who know the
// password, 128 random bits made at every start, of which only the hash is on
// disk. User kaskad has the rights that the program uses, and on Linux the child
// is restricted by Landlock to its own directory and to no outgoing connection.
// [ClickHouse.Dial] goes past the gate's relay and reaches nothing but the child.
//
// The gate is there because of a weakness of ClickHouse 26.7's local mode: an
// exception in the handshake of the native protocol (a wrong password, garbage,
// or a DSN with a database that does not exist) ends the server. The engine
// starts it again with the same address and password in about 0.2 s; nothing is
// lost, running queries fail once. A client that resets its connection during
// its login would do the same, so connections to ClickHouse are never reset (see
// gentleConn). On Linux a filter in the kernel keeps all
// connections but the gate's from it; on other systems another user of the
// machine can end it at its own port. So create a database over a connection to
// another one, and let users retry.
//
// # Broker
//
// [StartBroker] runs kfake, the Kafka protocol in process, with a directory.
// What its source says about durability:
//
//   - A record is written to its log file before it is acknowledged, so kill -9
//     loses nothing that was acknowledged; an offset commit likewise. Power loss
//     may lose the last seconds, unless Durable syncs every write.
//   - Half a batch at the end of a log file is cut off at the next start.
//   - Records of a transaction that was open at a kill count as aborted.
//   - After a kill, an idempotent producer may have to start a new sequence,
//     which can repeat its last batch. Facts are merges, so that changes nothing.
//   - Offsets of a group without members are forgotten after 30 days.
//
// Three of its habits are not fit for data that must last, and this package
// replaces them: retention (see runRetention), the recovery after a kill, which
// would read everything into memory (see recoverLogs), and writing until the
// disk is full (see guardDisk). Retention goes by the time of the broker's write
// and never deletes what a consumer group has not read yet.
//
// Two more make it unfit for strangers: it believes what it reads, and it panics
// in goroutines of its own. Package kafkaguard stands before it and hands over
// checked requests only, and [SuperviseBroker] runs all of it in a re-executed
// copy of the program, which is started again when it dies: on the same port,
// whose socket the parent keeps, with the same data. Brokers in memory, for
// tests, stay in the process of their test.
//
// One goroutine serves all requests, and its log is not replicated: it is a
// broker for one machine. For more, use Apache Kafka with --kafka; package
// kafkatest runs it for tests.
package engine
