// Package model computes what must follow from events: the naive reading of docs/definitions.md sections 1 to 4.
//
// A [Model] keeps every attempt in memory, folds events in whatever order they come, and computes the reports with
// exact integer arithmetic. It shares nothing, not even a constant, with the decoder, the tables, the SQL, package
// money or the simulated world: when they agree, they agree because all follow the definitions.
//
// Package numbers has the verdicts on numbers and the reports of section 5, package settings what both are given
// besides events.
package model
