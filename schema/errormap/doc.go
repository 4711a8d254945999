// Package errormap knows what providers' error codes mean: the shipped lines and aliases, and those that accounts put
// over them.
//
// Its guarantee: SQL and Go give every failure the same class, and no code is hard that its source does not call
// permanent or unknown.
package errormap
