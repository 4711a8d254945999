// Package query answers over HTTP. Each part of the API is a room, a package below this one, that lists its routes.
// Here are the server that serves them, its listener and guards, the intake of events, erasures, the state of the
// pipeline, and the definitions of all figures.
//
// Its guarantees: a report reads one published edition and no other, from the first page of a cursor to the
// last; a figure is an exact integer or an exact quotient of two, rounded once; what cannot be known is null; and
// nothing that a request carries becomes SQL text (values are ClickHouse query parameters, identifiers come from lists
// in the code).
package query
