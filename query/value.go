package query

import (
	"encoding/base64"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-faster/jx"

	"kaskad/money"
)

type kind uint8

const (
	kindNull kind = iota
	kindNumber
	kindText
	kindBool
	// kindMoney is a decimal that JSON carries as a text: no reader makes a float of it. In a CSV it is a number.
	kindMoney
	// kindJSON is JSON already.
	kindJSON
	// kindTime is a time in Unix milliseconds.
	kindTime
	// kindCounts is a packed map of names to counts (see eachCount): an object in JSON.
	kindCounts
	// kindAbsent leaves the field out of a JSON object; in a CSV it is empty.
	kindAbsent
)

// value is one cell of an answer. Numbers are decimals: n ÷ 10^digits, never floats.
type value struct {
	kind   kind
	digits uint8
	n      int64
	text   string
}

var (
	null   = value{}
	absent = value{kind: kindAbsent}
)

func count(n uint64) value                { return value{kind: kindNumber, n: int64(n)} }
func decimal(n int64, digits uint8) value { return value{kind: kindNumber, n: n, digits: digits} }
func decimalOf(n *big.Int, digits uint8) value {
	if n.IsInt64() {
		return decimal(n.Int64(), digits)
	}
	return value{kind: kindJSON, text: string(appendDecimal(nil, n.String(), int(digits)))}
}
func text(s string) value         { return value{kind: kindText, text: s} }
func truth(b bool) value          { return value{kind: kindBool, n: int64(bit(b))} }
func amount(a money.Amount) value { return value{kind: kindMoney, text: a.String()} }

// rawJSON is JSON already.
func rawJSON(s string) value { return value{kind: kindJSON, text: s} }

// plainMoney is money as it is printed.
func plainMoney(s string) value { return value{kind: kindMoney, text: s} }

// packedCounts is a packed map of names to counts (see eachCount): an object in JSON.
func packedCounts(packed string) value { return value{kind: kindCounts, text: packed} }

func instant(ms int64) value { return text(timeText(ms)) }

// moment is a time in the rows of a list, where 0 stands for none.
func moment(ms int64) value {
	if ms == 0 {
		return null
	}
	return value{kind: kindTime, n: ms}
}
func instantIn(ms int64, z *time.Location) value {
	return text(time.UnixMilli(ms).In(z).Format(time.RFC3339))
}

func bit(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

// timeText prints Unix milliseconds as RFC 3339 in UTC.
func timeText(ms int64) string {
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z07:00")
}

// appendNumber prints the decimal without an exponent and without zeros at the end of its fraction.
func (v value) appendNumber(dst []byte) []byte {
	if v.digits == 0 {
		return strconv.AppendInt(dst, v.n, 10)
	}
	return appendDecimal(dst, strconv.FormatInt(v.n, 10), int(v.digits))
}

// appendDecimal does so for n ÷ 10^places, with n of any length.
func appendDecimal(dst []byte, n string, places int) []byte {
	digits, negative := strings.CutPrefix(n, "-")
	if negative {
		dst = append(dst, '-')
	}
	if missing := places + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	dst = append(dst, digits[:len(digits)-places]...)
	if fraction := strings.TrimRight(digits[len(digits)-places:], "0"); fraction != "" {
		dst = append(append(dst, '.'), fraction...)
	}
	return dst
}

// plain prints the value for a CSV field or a header: null is empty.
func (v value) plain() string {
	switch v.kind {
	case kindNumber:
		return string(v.appendNumber(nil))
	case kindText, kindMoney, kindJSON:
		return v.text
	case kindBool:
		return strconv.FormatBool(v.n == 1)
	case kindTime:
		return timeText(v.n)
	case kindCounts:
		var w jx.Encoder
		v.json(&w)
		return w.String()
	}
	return ""
}

func (v value) json(w *jx.Encoder) {
	switch v.kind {
	case kindNumber:
		var buffer [24]byte
		w.Raw(v.appendNumber(buffer[:0]))
	case kindText:
		// What providers send is stored as it came; JSON must be UTF-8.
		w.Str(strings.ToValidUTF8(v.text, "\ufffd"))
	case kindMoney:
		w.Str(v.text)
	case kindJSON:
		w.Raw([]byte(v.text))
	case kindBool:
		w.Bool(v.n == 1)
	case kindTime:
		w.Str(timeText(v.n))
	case kindCounts:
		w.ObjStart()
		for name, n := range eachCount(v.text) {
			w.FieldStart(strings.ToValidUTF8(name, "\ufffd"))
			w.UInt32(n)
		}
		w.ObjEnd()
	default:
		w.Null()
	}
}

// textOrBase64 returns bytes as a text where they are one, else as base64 and the name of that encoding.
func textOrBase64(raw string) (shown, encoding string) {
	if utf8.ValidString(raw) {
		return raw, ""
	}
	return base64.StdEncoding.EncodeToString([]byte(raw)), "base64"
}
