package query

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

// columnType is what a column of a list holds. An Arrow stream names the types before its first row.
type columnType uint8

const (
	// columnText is utf8, money too: a decimal string goes through every reader unchanged, and none makes a float of
	// it.
	columnText columnType = iota
	// columnCount is int64: pandas and DuckDB compute with it as it is, and an unsigned number is a rarity to both.
	columnCount
	columnBool
	// columnTime is timestamp[ms, UTC].
	columnTime
	// columnCounts is map<utf8, uint32>: DuckDB queries it as reasons['hard'], PyArrow makes dicts of it, and nobody
	// parses JSON.
	columnCounts
)

func (t columnType) arrow() arrow.DataType {
	switch t {
	case columnCount:
		return arrow.PrimitiveTypes.Int64
	case columnBool:
		return arrow.FixedWidthTypes.Boolean
	case columnTime:
		return &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}
	case columnCounts:
		return arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Uint32)
	}
	return arrow.BinaryTypes.String
}

// column is a column of a list.
type column struct {
	name string
	is   columnType
}

// arrowRows encodes rows as an Arrow IPC stream.
type arrowRows struct {
	columns []column
	builder *array.RecordBuilder
	writer  *ipc.Writer
	rows    int
	out     bytes.Buffer
	err     error
}

func newArrowRows(columns []column) *arrowRows {
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		fields[i] = arrow.Field{Name: c.name, Type: c.is.arrow(), Nullable: true}
	}
	schema := arrow.NewSchema(fields, nil)
	a := &arrowRows{columns: columns, builder: array.NewRecordBuilder(memory.NewGoAllocator(), schema)}
	a.writer = ipc.NewWriter(&a.out, ipc.WithSchema(schema))
	return a
}

func (a *arrowRows) append(row []value) {
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

func appendArrow(to array.Builder, v value) {
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
		for name, n := range eachCount(v.text) {
			keys.Append(strings.ToValidUTF8(name, "\ufffd"))
			counts.Append(n)
		}
	}
}

// batch writes the rows so far.
func (a *arrowRows) batch() {
	record := a.builder.NewRecord()
	defer record.Release()
	if err := a.writer.Write(record); a.err == nil {
		a.err = err
	}
	a.rows = 0
}

// end writes the rest of the stream, which has its schema even without rows, and returns what is in memory.
func (a *arrowRows) end() []byte {
	if a.rows > 0 {
		a.batch()
	}
	if err := a.writer.Close(); a.err == nil {
		a.err = err
	}
	a.builder.Release()
	return a.out.Bytes()
}
