// Package schema is the only place that knows what an event and a column are: the event's fields and their validation,
// the tables and their migrations, and the columnar batches that ingest fills.
//
// Its guarantee: a row of a fact table is merged by operations that are commutative, associative and idempotent
// (earliest time, bitwise or, greatest value), so storing an event again, or events in another order, changes no
// figure.
package schema
