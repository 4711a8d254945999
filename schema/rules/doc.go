// Package rules holds the rules by which a phone number is dead, alive or revived, and what accounts put in their
// place.
package rules
