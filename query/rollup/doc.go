// Package rollup is what the rooms of reports read rollups by: what a request asks (its period, keys and filters), the
// statements over cells that answer it, the sums of days that editions move on, and answers that stand until their
// tables change. The reports themselves are above it (package report, savings, forecast).
//
// Its guarantees: a statement is made of identifiers and expressions of the program alone, and what a request carries
// travels as parameters; what is remembered adds up to what a server says that remembers nothing.
package rollup
