package schema

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/currency"
	"golang.org/x/text/language"
)

// ParseMicros reads a plain decimal with at most 6 decimals into micro-units. No exponent, no sign but a leading minus.
func ParseMicros(s []byte) (int64, bool) {
	negative := len(s) > 0 && s[0] == '-'
	if negative {
		s = s[1:]
	}
	whole, fraction, dotted := bytes.Cut(s, []byte{'.'})
	if len(whole) == 0 || len(whole) > 12 || len(fraction) > 6 || (dotted && len(fraction) == 0) {
		return 0, false
	}
	w, ok1 := Digits(whole)
	f, ok2 := Digits(fraction)
	if !ok1 || !ok2 {
		return 0, false
	}
	for i := len(fraction); i < 6; i++ {
		f *= 10
	}
	n := w*1_000_000 + f
	if negative {
		n = -n
	}
	return n, true
}

// KnownCurrency reports whether the code is in ISO 4217, in capitals.
func KnownCurrency(code string) bool {
	if len(code) != 3 || strings.ToUpper(code) != code {
		return false
	}
	_, err := currency.ParseISO(code)
	return err == nil || slices.Contains(newCurrencies, code)
}

// newCurrencies are codes of ISO 4217 that are younger than the table of golang.org/x/text.
var newCurrencies = []string{"MRU", "SLE", "UYW", "VED", "VES", "XAD", "XCG", "ZWG"}

// AppendMicros appends micro-units as a plain decimal with at least 2 and at most 6 decimals: 2500000 becomes 2.50.
func AppendMicros(dst []byte, micros int64) []byte {
	if micros < 0 {
		dst = append(dst, '-')
	}
	whole, fraction := micros/1_000_000, micros%1_000_000
	if micros < 0 {
		whole, fraction = -whole, -fraction
	}
	dst = append(strconv.AppendInt(dst, whole, 10), '.')
	for unit := int64(100_000); unit > 0 && (fraction > 0 || unit >= 10_000); unit /= 10 {
		dst = append(dst, byte('0'+fraction/unit))
		fraction %= unit
	}
	return dst
}

// KnownCountry reports whether the code is one of ISO 3166-1, in capitals.
func KnownCountry(code string) bool {
	if len(code) != 2 || strings.ToUpper(code) != code {
		return false
	}
	region, err := language.ParseRegion(code)
	return err == nil && region.IsCountry() && region.String() == code
}
