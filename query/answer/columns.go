package answer

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
)

// ColumnType is what a column of an answer holds. Arrow and Parquet name the types before the first row.
type ColumnType uint8

const (
	// TextColumn is utf8, lists of objects too, as JSON.
	TextColumn ColumnType = iota
	// CountColumn is int64: pandas and DuckDB compute with it as it is, and an unsigned number is a rarity to both.
	CountColumn
	BoolColumn
	// TimeColumn is timestamp[ms, UTC].
	TimeColumn
	// CountsColumn is map<utf8, uint32>: DuckDB queries it as reasons['hard'], PyArrow makes dicts of it, and nobody
	// parses JSON.
	CountsColumn
	// DecimalColumn is decimal128(38, 6): rates and seconds, whose digits no float keeps.
	DecimalColumn
	// MoneyColumn is so too, and a text in JSON.
	MoneyColumn
)

// The digits of a decimal128, and those behind its point: prices and rates have six at most.
const (
	decimalDigits = 38
	decimalScale  = 6
)

// Column is a column of an answer.
type Column struct {
	Name string
	Type ColumnType
	// Text says what it is, and Null when it is unknown: "" for never.
	Text, Null string
	// Of says what the column holds in JSON where its type does not tell all: one of some texts, or a list of objects.
	Of *Schema
	// Optional: rows of JSON may lack the field.
	Optional bool
}

// NullSaid stands for a Null that the text of a column tells already.
const NullSaid = "said"

func (t ColumnType) arrow() arrow.DataType {
	switch t {
	case CountColumn:
		return arrow.PrimitiveTypes.Int64
	case BoolColumn:
		return arrow.FixedWidthTypes.Boolean
	case TimeColumn:
		return &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}
	case CountsColumn:
		return arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Uint32)
	case DecimalColumn, MoneyColumn:
		return &arrow.Decimal128Type{Precision: decimalDigits, Scale: decimalScale}
	}
	return arrow.BinaryTypes.String
}

// AppendDecimal appends a decimal as it is printed.
func AppendDecimal(to *array.Decimal128Builder, shown string) error {
	whole, fraction, _ := strings.Cut(shown, ".")
	if len(fraction) > decimalScale {
		return fmt.Errorf("%s has more than %d decimals, which a column of Arrow or Parquet has no room for", shown,
			decimalScale)
	}
	if short, read := shortDecimal(whole, fraction); read {
		to.Append(decimal128.FromI64(short))
		return nil
	}
	unscaled, read := new(big.Int).SetString(whole+fraction+strings.Repeat("0", decimalScale-len(fraction)), 10)
	if !read || !decimal128.FromBigInt(unscaled).FitsInPrecision(decimalDigits) || unscaled.BitLen() > 127 {
		return fmt.Errorf("%s has more than %d digits, which a column of Arrow or Parquet has no room for", shown,
			decimalDigits)
	}
	to.Append(decimal128.FromBigInt(unscaled))
	return nil
}

// shortDecimal reads a decimal of as many digits as an int64 has room for, in millionths: nearly all amounts are so,
// and to read one as a number of any size takes ten times as long.
func shortDecimal(whole, fraction string) (millionths int64, read bool) {
	digits := strings.TrimPrefix(whole, "-")
	if digits == "" || len(digits)+decimalScale > 18 {
		return 0, false
	}
	for i := range len(digits) + decimalScale {
		digit := byte('0')
		if i < len(digits) {
			digit = digits[i]
		} else if i < len(digits)+len(fraction) {
			digit = fraction[i-len(digits)]
		}
		if digit < '0' || digit > '9' {
			return 0, false
		}
		millionths = 10*millionths + int64(digit-'0')
	}
	if len(digits) < len(whole) {
		millionths = -millionths
	}
	return millionths, true
}

// appendArrow appends a value to a column that has its type.
func appendArrow(to array.Builder, v Value) error {
	if v.kind == kindNull || v.kind == kindAbsent {
		to.AppendNull()
		return nil
	}
	switch to := to.(type) {
	case *array.StringBuilder:
		// What providers send is stored as it came; Arrow's texts must be UTF-8.
		to.Append(strings.ToValidUTF8(v.text, "\ufffd"))
	case *array.Int64Builder:
		to.Append(v.n)
	case *array.BooleanBuilder:
		to.Append(v.n == 1)
	case *array.TimestampBuilder:
		to.Append(arrow.Timestamp(v.n))
	case *array.Decimal128Builder:
		return AppendDecimal(to, v.Plain())
	case *array.MapBuilder:
		to.Append(true)
		keys, counts := to.KeyBuilder().(*array.StringBuilder), to.ItemBuilder().(*array.Uint32Builder)
		for name, n := range EachCount(v.text) {
			keys.Append(strings.ToValidUTF8(name, "\ufffd"))
			counts.Append(n)
		}
	}
	return nil
}

// holds tells whether a column of the type has room for the value.
func (t ColumnType) holds(v Value) bool {
	switch v.kind {
	case kindNull, kindAbsent:
		return true
	case kindText, kindJSON:
		return t == TextColumn || v.kind == kindJSON && t == DecimalColumn // a number of any size
	case kindNumber:
		return t == DecimalColumn || t == CountColumn && v.digits == 0
	case kindMoney:
		return t == MoneyColumn
	case kindBool:
		return t == BoolColumn
	case kindTime:
		return t == TimeColumn
	default:
		return t == CountsColumn
	}
}
