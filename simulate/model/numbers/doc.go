// Package numbers computes what must follow from events about phone numbers, e-mail addresses and the people behind
// them: the naive reading of docs/definitions.md section 5, on the attempts that a [model.Model] has folded.
//
// Like the model it shares nothing with the rest of the program.
package numbers
