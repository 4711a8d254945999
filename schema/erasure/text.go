package erasure

import (
	"bytes"

	"github.com/go-faster/jx"

	"kaskad/schema/event"
)

// minPhone and maxPhone bound the digits of a phone number.
const minPhone, maxPhone = 7, 15

// HideText overwrites erased numbers in the bytes of an event: phone-like runs of digits, with a + before them or not.
// Without an account (nil) the numbers of all accounts are looked for. It returns the bytes as they are when there is
// nothing to hide.
func (e *Index) HideText(account, raw []byte) []byte {
	if e.Empty() {
		return raw
	}
	return replaceRuns(raw, func(digits []byte) (string, bool) {
		if account != nil {
			found, ok := e.lookUpDigits(account, digits)
			return found.pseudonym, ok
		}
		for _, a := range e.accounts {
			if found, ok := e.lookUpDigits([]byte(a), digits); ok {
				return found.pseudonym, true
			}
		}
		return "", false
	})
}

// replaceRuns replaces the phone-like runs of digits that find knows; JSON stays JSON. A + before the digits goes with
// them.
func replaceRuns(raw []byte, find func(digits []byte) (pseudonym string, ok bool)) []byte {
	plain := unescapeDigits(raw)
	var out []byte
	copied, quoted := 0, false
	for i := 0; i < len(plain); {
		switch c := plain[i]; {
		case c == '\\' && quoted:
			i += 2
			continue
		case c == '"':
			quoted = !quoted
		case c >= '0' && c <= '9':
			end := i
			for end < len(plain) && plain[end] >= '0' && plain[end] <= '9' {
				end++
			}
			digits := plain[i:end]
			if n := len(digits); n >= minPhone && n <= maxPhone && digits[0] != '0' {
				if pseudonym, ok := find(digits); ok {
					start := i
					if start > copied && plain[start-1] == '+' {
						start--
					} else {
						pseudonym = bare(pseudonym)
					}
					out = append(out, plain[copied:start]...)
					if !quoted && jx.Valid(plain) {
						pseudonym = `"` + pseudonym + `"` // a JSON number becomes a text
					}
					out = append(out, pseudonym...)
					copied = end
				}
			}
			i = end
			continue
		}
		i++
	}
	if copied == 0 {
		return raw
	}
	return append(out, plain[copied:]...)
}

// holdsNumber reports whether the bytes hold these digits, with no digit before or after them.
func holdsNumber(raw []byte, digits string) bool {
	found := false
	replaceRuns(raw, func(run []byte) (string, bool) {
		found = found || string(run) == digits
		return "", false
	})
	return found
}

// unescapeDigits writes digits and the plus sign as themselves that JSON may write as \u0030. It returns raw when there
// are none.
func unescapeDigits(raw []byte) []byte {
	if !bytes.Contains(raw, []byte(`\u00`)) {
		return raw
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); {
		if raw[i] != '\\' || i+1 == len(raw) {
			out = append(out, raw[i])
			i++
			continue
		}
		if c, ok := escapedDigit(raw[i:]); ok {
			out = append(out, c)
			i += len(`\u0030`)
			continue
		}
		out = append(out, raw[i], raw[i+1])
		i += 2
	}
	return out
}

func escapedDigit(s []byte) (byte, bool) {
	if len(s) < 6 || string(s[:4]) != `\u00` {
		return 0, false
	}
	switch hi, lo := s[4], s[5]; {
	case hi == '3' && lo >= '0' && lo <= '9':
		return lo, true
	case hi == '2' && (lo == 'b' || lo == 'B'):
		return '+', true
	}
	return 0, false
}

// letterAccount returns the account of a dead letter, or nil when it cannot be read.
func letterAccount(raw []byte) []byte {
	if !jx.Valid(raw) {
		return nil
	}
	d := jx.DecodeBytes(raw)
	if d.Next() != jx.Object {
		return nil
	}
	var account []byte
	err := d.ObjBytes(func(d *jx.Decoder, key []byte) error {
		if string(key) != "account" || d.Next() != jx.String {
			return d.Skip()
		}
		var err error
		account, err = d.StrAppend(nil)
		return err
	})
	if err != nil || len(account) == 0 {
		return nil
	}
	return account
}

// letterHolds reports whether a dead letter holds a number of the account. One that does not say whose it is counts as
// the account's.
func letterHolds(raw []byte, account, digits string) bool {
	if event.IsArrow(raw) {
		held := holdsNumber(raw, digits)
		// What can be read of the stream is judged row by row; its bytes may be compressed, or in columns of several
		// accounts.
		_, _ = event.ArrowLines(raw, func(_ int, row []byte) { held = held || letterHolds(row, account, digits) })
		return held
	}
	if !holdsNumber(raw, digits) {
		return false
	}
	whose := letterAccount(raw)
	return whose == nil || string(whose) == account
}
