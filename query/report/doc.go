// Package report holds the reports of the API: each is a value in a file of its own, of which its route, parameters,
// columns, document and definitions follow, and the room reads it, keeps it and cuts it into pages.
//
// Its guarantee: all pages of an answer are of the snapshot that the first page took, or the cursor is refused.
package report
