package main

import (
	"strings"
	"unicode"
)

// unknown is shown for null.
const unknown = "–"

// printable is a text without what would move a terminal's cursor, change its colours or turn its writing round: what
// came with events may hold anything.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) && !unicode.Is(unicode.Cf, r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}
