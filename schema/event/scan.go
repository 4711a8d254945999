package event

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"

	"github.com/go-faster/jx"
)

// token is a value that scan found, for the readers of fields to take.
type token struct {
	kind jx.Type
	raw  []byte // the text of a string, without quotes, or the digits of a number
}

// scan reads an object as gateways write them: flat, without escapes, numbers whole. It reports whether it came to the
// end; if not, which says nothing of the object, the JSON library has to look at it from the start. It is there for
// speed alone, three times that of the library, and must not accept or read anything that the library would not.
func (d *Decoder) scan(raw []byte) bool {
	i := skipSpace(raw, 0)
	if i >= len(raw) || raw[i] != '{' {
		return false
	}
	ascii := true
	i = skipSpace(raw, i+1)
	for {
		// The key.
		end, plain := scanString(raw, i)
		if end < 0 {
			return false
		}
		ascii = ascii && plain
		key := raw[i+1 : end-1]
		if i = skipSpace(raw, end); i >= len(raw) || raw[i] != ':' {
			return false
		}
		// The value.
		if i = skipSpace(raw, i+1); i >= len(raw) {
			return false
		}
		switch c := raw[i]; {
		case c == '"':
			if end, plain = scanString(raw, i); end < 0 {
				return false
			}
			ascii = ascii && plain
			d.token = token{jx.String, raw[i+1 : end-1 : end-1]}
		case c == '-' || c >= '0' && c <= '9':
			if end = scanWhole(raw, i); end < 0 {
				return false
			}
			d.token = token{jx.Number, raw[i:end:end]}
		default:
			if end = d.scanWord(raw, i); end < 0 {
				return false
			}
		}
		if d.readField(nil, key) != nil {
			return false
		}
		if i = skipSpace(raw, end); i >= len(raw) {
			return false
		}
		switch raw[i] {
		case ',':
			i = skipSpace(raw, i+1)
		case '}':
			return skipSpace(raw, i+1) == len(raw) && (ascii || utf8.Valid(raw))
		default:
			return false
		}
	}
}

// scanString returns where the string that starts at i with a quote ends, behind its last quote, and whether it may
// hold bytes beyond ASCII; -1 where there is none, or one with an escape or a control character.
func scanString(raw []byte, i int) (end int, ascii bool) {
	if i >= len(raw) || raw[i] != '"' {
		return -1, false
	}
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	ascii = true
	i++
	for ; i+8 <= len(raw); i += 8 {
		x := binary.LittleEndian.Uint64(raw[i:])
		// The lowest bit set is right; above it a borrow may set others.
		quote, slash := x^('"'*ones), x^('\\'*ones)
		stop := ((quote-ones)&^quote | (slash-ones)&^slash | (x-' '*ones)&^x) & highs
		if stop != 0 {
			i += bits.TrailingZeros64(stop) / 8
			ascii = ascii && x&highs&(stop-1) == 0
			if raw[i] != '"' {
				return -1, false
			}
			return i + 1, ascii
		}
		ascii = ascii && x&highs == 0
	}
	for ; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '"':
			return i + 1, ascii
		case c == '\\' || c < ' ':
			return -1, false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return -1, false
}

// scanWhole returns where the whole number at i ends, -1 when it is another kind of number, or none.
func scanWhole(raw []byte, i int) int {
	if raw[i] == '-' {
		i++
	}
	start := i
	for i < len(raw) && raw[i] >= '0' && raw[i] <= '9' {
		i++
	}
	if i == start || (raw[start] == '0' && i > start+1) || i == len(raw) {
		return -1
	}
	switch raw[i] {
	case ',', '}', ' ', '\n', '\r', '\t':
		return i
	}
	return -1
}

// scanWord reads null, true or false.
func (d *Decoder) scanWord(raw []byte, i int) int {
	for _, w := range [...]struct {
		text string
		kind jx.Type
	}{{"null", jx.Null}, {"true", jx.Bool}, {"false", jx.Bool}} {
		if end := i + len(w.text); end <= len(raw) && string(raw[i:end]) == w.text {
			d.token = token{w.kind, raw[i:end]}
			return end
		}
	}
	return -1
}

// kind returns the type of the value to be read.
func (d *Decoder) kind() jx.Type {
	if d.scanning {
		return d.token.kind
	}
	return d.json.Next()
}

// null passes over a null.
func (d *Decoder) null() error {
	if d.scanning {
		return nil
	}
	return d.json.Null()
}

// number returns the digits of a number.
func (d *Decoder) number() ([]byte, error) {
	if d.scanning {
		return d.token.raw, nil
	}
	return d.json.Num()
}

// bool returns true or false.
func (d *Decoder) bool() (bool, error) {
	if d.scanning {
		return d.token.raw[0] == 't', nil
	}
	return d.json.Bool()
}
