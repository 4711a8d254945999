// Package output writes what commands print: numbers and texts for people, and files.
package output

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode"
)

// Unknown is shown for null.
const Unknown = "–"

// Printable is a text without what would move a terminal's cursor, change its colours or turn its writing round: what
// came with events may hold anything.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) && !unicode.Is(unicode.Cf, r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// Grouped sets the thousands of an amount apart: "-1234567.50" is "-1 234 567.50".
func Grouped(amount string) string {
	sign, digits := "", amount
	if rest, negative := strings.CutPrefix(amount, "-"); negative {
		sign, digits = "-", rest
	}
	whole, fraction, decimals := strings.Cut(digits, ".")
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + " " + whole[at:]
	}
	if decimals {
		whole += "." + fraction
	}
	return sign + whole
}

// Thousands prints a count with its thousands apart.
func Thousands(n uint64) string { return Grouped(fmt.Sprint(n)) }

// WriteFile writes a file whole or not at all; "-" is standard output.
func WriteFile(name string, write func(io.Writer) error) (err error) {
	if name == "-" {
		return write(os.Stdout)
	}
	if strings.TrimSpace(name) == "" {
		return errors.New("name a file")
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".kaskad-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
