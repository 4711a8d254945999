// Package schema is the only place that knows a column: the fields of an event as they are stored, the tables and their
// migrations, and the columnar batches that ingest fills. What several roles share besides lies in the packages below
// it.
//
// Its guarantee: a row of a fact table is merged by operations that are commutative, associative and idempotent
// (earliest time, bitwise or, greatest value), so storing an event again, or events in another order, changes no
// figure.
package schema
