// Package query answers over HTTP: reports, one message's timeline, the pipeline's state, dead letters, and the intake
// of events.
//
// Its guarantees: a report reads one set of published generations and no other, from the first page of a cursor to the
// last; a figure is an exact integer or an exact quotient of two, rounded once; what cannot be known is null; and
// nothing that a request carries becomes SQL text (values are ClickHouse query parameters, identifiers come from the
// list in keys.go).
package query
