// Package event is the event on the wire: reading it from JSON and Arrow, judging it, and writing it in canonical form.
//
// Its guarantee: a decoded event obeys all rules of docs/events.md, a refused one says everything that is wrong with
// it, and no bytes, however broken, make it panic or take memory without bounds.
package event
