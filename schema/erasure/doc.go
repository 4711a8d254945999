// Package erasure erases a person's phone number: it overwrites what is stored, and what is still to be stored.
//
// Its guarantee: when an erasure has ended, no file of the database holds the number, and every figure is what it was.
package erasure
