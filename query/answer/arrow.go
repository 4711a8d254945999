package answer

import (
	"bytes"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

const (
	arrowStreamType = "application/vnd.apache.arrow.stream"
	// arrowBatch is how many rows a record batch has: large enough that its frame costs nothing, small enough that it
	// flows.
	arrowBatch = 16384
)

// ColumnType is what a column of a list holds. An Arrow stream names the types before its first row.
type ColumnType uint8

const (
	// TextColumn is utf8, money too: a decimal string goes through every reader unchanged, and none makes a float of
	// it.
	TextColumn ColumnType = iota
	// CountColumn is int64: pandas and DuckDB compute with it as it is, and an unsigned number is a rarity to both.
	CountColumn
	BoolColumn
	// TimeColumn is timestamp[ms, UTC].
	TimeColumn
	// CountsColumn is map<utf8, uint32>: DuckDB queries it as reasons['hard'], PyArrow makes dicts of it, and nobody
	// parses JSON.
	CountsColumn
)

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
	}
	return arrow.BinaryTypes.String
}

// Column is a column of a list.
type Column struct {
	Name string
	Type ColumnType
}

// ArrowRows encodes rows as an Arrow IPC stream.
type ArrowRows struct {
	columns []Column
	builder *array.RecordBuilder
	writer  *ipc.Writer
	rows    int
	out     bytes.Buffer
	err     error
}

func newArrowRows(columns []Column) *ArrowRows {
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		fields[i] = arrow.Field{Name: c.Name, Type: c.Type.arrow(), Nullable: true}
	}
	schema := arrow.NewSchema(fields, nil)
	a := &ArrowRows{columns: columns, builder: array.NewRecordBuilder(memory.NewGoAllocator(), schema)}
	a.writer = ipc.NewWriter(&a.out, ipc.WithSchema(schema))
	return a
}

func (a *ArrowRows) append(row []Value) {
	if a.rows == 0 {
		a.builder.Reserve(arrowBatch)
	}
	for i, v := range row {
		appendArrow(a.builder.Field(i), v)
	}
	if a.rows++; a.rows == arrowBatch {
		a.batch()
	}
}

func appendArrow(to array.Builder, v Value) {
	if v.kind == kindNull || v.kind == kindAbsent {
		to.AppendNull()
		return
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
	case *array.MapBuilder:
		to.Append(true)
		keys, counts := to.KeyBuilder().(*array.StringBuilder), to.ItemBuilder().(*array.Uint32Builder)
		for name, n := range EachCount(v.text) {
			keys.Append(strings.ToValidUTF8(name, "\ufffd"))
			counts.Append(n)
		}
	}
}

// Field returns the column at a place, for who appends rows column by column and says so by added.
func (a *ArrowRows) Field(at int) array.Builder { return a.builder.Field(at) }

// Added notes that each column has so many rows more.
func (a *ArrowRows) Added(rows int) {
	if a.rows += rows; a.rows >= arrowBatch {
		a.batch()
	}
}

// batch writes the rows so far.
func (a *ArrowRows) batch() {
	record := a.builder.NewRecord()
	defer record.Release()
	if err := a.writer.Write(record); a.err == nil {
		a.err = err
	}
	a.rows = 0
}

// end writes the rest of the stream, which has its schema even without rows, and returns what is in memory.
func (a *ArrowRows) end() []byte {
	if a.rows > 0 {
		a.batch()
	}
	if err := a.writer.Close(); a.err == nil {
		a.err = err
	}
	a.builder.Release()
	return a.out.Bytes()
}
