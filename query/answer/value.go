package answer

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

// Value is one cell of an answer. Numbers are decimals: n ÷ 10^digits, never floats.
type Value struct {
	kind   kind
	digits uint8
	n      int64
	text   string
}

var (
	Null   = Value{}
	Absent = Value{kind: kindAbsent}
)

func Count(n uint64) Value                { return Value{kind: kindNumber, n: int64(n)} }
func Decimal(n int64, digits uint8) Value { return Value{kind: kindNumber, n: n, digits: digits} }
func BigDecimal(n *big.Int, digits uint8) Value {
	if n.IsInt64() {
		return Decimal(n.Int64(), digits)
	}
	return Value{kind: kindJSON, text: string(appendDecimal(nil, n.String(), int(digits)))}
}
func Text(s string) Value         { return Value{kind: kindText, text: s} }
func Bool(b bool) Value           { return Value{kind: kindBool, n: int64(Bit(b))} }
func Amount(a money.Amount) Value { return Value{kind: kindMoney, text: a.String()} }

// JSON is JSON already.
func JSON(s string) Value { return Value{kind: kindJSON, text: s} }

// Money is money as it is printed.
func Money(s string) Value { return Value{kind: kindMoney, text: s} }

// Counts is a packed map of names to counts (see eachCount): an object in JSON.
func Counts(packed string) Value { return Value{kind: kindCounts, text: packed} }

func Instant(ms int64) Value { return Text(TimeText(ms)) }

// Moment is a time in the rows of a list, where 0 stands for none.
func Moment(ms int64) Value {
	if ms == 0 {
		return Null
	}
	return Value{kind: kindTime, n: ms}
}
func InstantIn(ms int64, z *time.Location) Value {
	return Text(time.UnixMilli(ms).In(z).Format(time.RFC3339))
}

func Bit(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

// TimeText prints Unix milliseconds as RFC 3339 in UTC.
func TimeText(ms int64) string {
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z07:00")
}

// AppendNumber prints the decimal without an exponent and without zeros at the end of its fraction.
func (v Value) AppendNumber(dst []byte) []byte {
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

// Plain prints the value for a CSV field or a header: null is empty.
func (v Value) Plain() string {
	switch v.kind {
	case kindNumber:
		return string(v.AppendNumber(nil))
	case kindText, kindMoney, kindJSON:
		return v.text
	case kindBool:
		return strconv.FormatBool(v.n == 1)
	case kindTime:
		return TimeText(v.n)
	case kindCounts:
		var w jx.Encoder
		v.Encode(&w)
		return w.String()
	}
	return ""
}

func (v Value) Encode(w *jx.Encoder) {
	switch v.kind {
	case kindNumber:
		var buffer [24]byte
		w.Raw(v.AppendNumber(buffer[:0]))
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
		w.Str(TimeText(v.n))
	case kindCounts:
		w.ObjStart()
		for name, n := range EachCount(v.text) {
			w.FieldStart(strings.ToValidUTF8(name, "\ufffd"))
			w.UInt32(n)
		}
		w.ObjEnd()
	default:
		w.Null()
	}
}

// Size is how many bytes the value takes besides itself.
func (v Value) Size() int64 { return int64(len(v.text)) }

// TextOrBase64 returns bytes as a text where they are one, else as base64 and the name of that encoding.
func TextOrBase64(raw string) (shown, encoding string) {
	if utf8.ValidString(raw) {
		return raw, ""
	}
	return base64.StdEncoding.EncodeToString([]byte(raw)), "base64"
}
