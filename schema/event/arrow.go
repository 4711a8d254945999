package event

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/go-faster/jx"

	"kaskad/schema"
)

const (
	// MaxArrowRows bounds the events of one Arrow stream: dictionaries can make a small stream stand for any number.
	MaxArrowRows = 200_000

	// maxArrowBytes bounds what one stream may unpack to.
	maxArrowBytes = 512 << 20
)

// IsArrow reports whether a value is an Arrow IPC stream. No JSON begins with its continuation marker.
func IsArrow(value []byte) bool {
	return len(value) >= 4 && value[0] == 0xff && value[1] == 0xff && value[2] == 0xff && value[3] == 0xff
}

// ArrowLines calls yield with each row of an Arrow IPC stream as a JSON object, which the decoder then judges like any
// other: rows are counted from 1, and raw holds until yield returns. Columns are the fields of docs/events.md by name,
// as strings (dictionary-encoded too), integers, booleans, timestamps for the three times, and decimals for the price;
// others are ignored and counted. It returns how many rows were yielded. The error says what is wrong with the stream
// after these rows.
func ArrowLines(stream []byte, yield func(line int, raw []byte)) (rows int, err error) {
	memory := &boundedAllocator{left: maxArrowBytes}
	defer func() {
		// The library indexes what a broken stream says. What it finds out it reports by a panic.
		if r := recover(); r != nil {
			err = fmt.Errorf("broken arrow stream: %v", r)
		}
		if memory.refused {
			err = fmt.Errorf("the arrow stream unpacks to more than %d MB: split it", maxArrowBytes>>20)
		}
	}()
	if err := checkArrow(stream); err != nil {
		return 0, err
	}
	reader, err := ipc.NewReader(bytes.NewReader(stream), ipc.WithAllocator(memory))
	if err != nil {
		return 0, fmt.Errorf("read arrow schema: %w", err)
	}
	defer reader.Release()
	var object []byte
	for reader.Next() {
		record := reader.Record()
		columns, err := arrowColumns(record)
		if err != nil {
			return rows, err
		}
		for i := range int(record.NumRows()) {
			if rows == MaxArrowRows {
				return rows, fmt.Errorf("the arrow stream has more than %d rows: split it", MaxArrowRows)
			}
			object = append(object[:0], '{')
			for _, c := range columns {
				object = c(object, i)
			}
			if n := len(object) - 1; object[n] == ',' {
				object = object[:n]
			}
			object = append(object, '}')
			rows++
			yield(rows, object)
		}
	}
	if err := reader.Err(); err != nil {
		return rows, fmt.Errorf("read arrow stream: %w", err)
	}
	return rows, nil
}

// arrowColumn appends `"field":value,` of a row, or nothing when the value is null.
type arrowColumn func(dst []byte, row int) []byte

// timeFields are the fields that may be timestamps.
var timeFields = map[string]bool{"occurred_at": true, "submitted_at": true, "owner_changed_at": true}

func arrowColumns(record arrow.Record) ([]arrowColumn, error) {
	var errs []error
	columns := make([]arrowColumn, 0, record.NumCols())
	for i, data := range record.Columns() {
		field := record.ColumnName(i)
		value := arrowValue(field, data)
		switch { // an unknown field is null to the decoder, which counts it
		case !slices.Contains(Fields, field):
			value = func(dst []byte, _ int) []byte { return append(dst, "null"...) }
		case value == nil:
			errs = append(errs, fmt.Errorf("arrow column %s: type %s is not taken; send strings, integers or "+
				"booleans, timestamps for times, decimals for the price",
				field, data.DataType()))
			continue
		}
		w := jx.Writer{}
		w.FieldStart(field)
		columns = append(columns, func(dst []byte, row int) []byte {
			if data.IsNull(row) {
				return dst
			}
			return append(value(append(dst, w.Buf...), row), ',')
		})
	}
	return columns, errors.Join(errs...)
}

// arrowValue returns what writes a value of the column as JSON, or nil when its type cannot stand for the field.
func arrowValue(field string, data arrow.Array) arrowColumn {
	switch a := data.(type) {
	case *array.Null:
		return func(dst []byte, _ int) []byte { return append(dst, "null"...) }
	case *array.String:
		return func(dst []byte, row int) []byte { return appendText(dst, a.Value(row)) }
	case *array.LargeString:
		return func(dst []byte, row int) []byte { return appendText(dst, a.Value(row)) }
	case *array.Dictionary:
		value := arrowValue(field, a.Dictionary())
		if value == nil {
			return nil
		}
		return func(dst []byte, row int) []byte {
			at := a.GetValueIndex(row)
			if a.Dictionary().IsNull(at) {
				return append(dst, "null"...)
			}
			return value(dst, at)
		}
	case *array.Boolean:
		return func(dst []byte, row int) []byte { return strconv.AppendBool(dst, a.Value(row)) }
	case *array.Timestamp:
		if !timeFields[field] {
			return nil
		}
		toMS := timestampMS(a.DataType().(*arrow.TimestampType).Unit)
		return func(dst []byte, row int) []byte {
			return append(schema.AppendTime(append(dst, '"'), toMS(int64(a.Value(row)))), '"')
		}
	case *array.Decimal128:
		scale := a.DataType().(*arrow.Decimal128Type).Scale
		return decimalValue(field, func(row int) string { return a.Value(row).ToString(scale) })
	case *array.Decimal256:
		scale := a.DataType().(*arrow.Decimal256Type).Scale
		return decimalValue(field, func(row int) string { return a.Value(row).ToString(scale) })
	case *array.Int8:
		return func(dst []byte, row int) []byte { return strconv.AppendInt(dst, int64(a.Value(row)), 10) }
	case *array.Int16:
		return func(dst []byte, row int) []byte { return strconv.AppendInt(dst, int64(a.Value(row)), 10) }
	case *array.Int32:
		return func(dst []byte, row int) []byte { return strconv.AppendInt(dst, int64(a.Value(row)), 10) }
	case *array.Int64:
		return func(dst []byte, row int) []byte { return strconv.AppendInt(dst, a.Value(row), 10) }
	case *array.Uint8:
		return func(dst []byte, row int) []byte { return strconv.AppendUint(dst, uint64(a.Value(row)), 10) }
	case *array.Uint16:
		return func(dst []byte, row int) []byte { return strconv.AppendUint(dst, uint64(a.Value(row)), 10) }
	case *array.Uint32:
		return func(dst []byte, row int) []byte { return strconv.AppendUint(dst, uint64(a.Value(row)), 10) }
	case *array.Uint64:
		return func(dst []byte, row int) []byte { return strconv.AppendUint(dst, a.Value(row), 10) }
	}
	return nil
}

func appendText(dst []byte, v string) []byte {
	w := jx.Writer{Buf: dst}
	w.Str(v)
	return w.Buf
}

// decimalValue writes a price.
func decimalValue(field string, text func(row int) string) arrowColumn {
	if field != "price" {
		return nil
	}
	return func(dst []byte, row int) []byte {
		return append(append(append(dst, '"'), text(row)...), '"')
	}
}

// timestampMS cuts a timestamp to milliseconds, towards the past.
func timestampMS(unit arrow.TimeUnit) func(int64) int64 {
	floor := func(v, by int64) int64 {
		q := v / by
		if v%by < 0 {
			q--
		}
		return q
	}
	switch unit {
	case arrow.Second:
		return func(v int64) int64 { return v * 1000 }
	case arrow.Microsecond:
		return func(v int64) int64 { return floor(v, 1000) }
	case arrow.Nanosecond:
		return func(v int64) int64 { return floor(v, 1_000_000) }
	}
	return func(v int64) int64 { return v }
}

// boundedAllocator refuses what a stream without measure asks for, before the machine runs out of memory. The interface
// has no errors: the library finds that there is no memory behind the nil that it gets.
type boundedAllocator struct {
	memory.GoAllocator
	left    int
	refused bool
}

func (b *boundedAllocator) Allocate(size int) []byte {
	if !b.take(size) {
		return nil
	}
	return b.GoAllocator.Allocate(size)
}

func (b *boundedAllocator) Reallocate(size int, data []byte) []byte {
	if !b.take(size - len(data)) {
		return nil
	}
	return b.GoAllocator.Reallocate(size, data)
}

func (b *boundedAllocator) take(size int) bool {
	if size > b.left {
		b.refused = true
		return false
	}
	b.left -= max(0, size)
	return true
}
