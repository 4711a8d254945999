// Package bench measures the whole product from its outside: it starts the program `kaskad run`, fills worlds of any
// size straight into facts, sends events to the topic, asks the HTTP API, and writes what it saw to
// docs/performance.md. It knows tables of facts and touches, and nothing of how figures are published, so the same
// benchmarks measure any version of it. `make bench` runs them all; nothing here is a timed test.
package bench
