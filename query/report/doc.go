// Package report is what all reports of the API have in common: how a request is read, which keys group and filter
// rows, how a statement is filled in for them, and how an answer is cut into pages.
//
// Its guarantees: a statement is made of identifiers and expressions of the program alone, what a request carries
// travels as parameters; all pages of an answer are of the snapshot that the first page took, or the cursor is refused.
package report
