package answer

import (
	"bytes"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
)

const (
	arrowStreamType = "application/vnd.apache.arrow.stream"
	parquetType     = "application/vnd.apache.parquet"
	// arrowBatch is how many rows a record batch has: large enough that its frame costs nothing, small enough that it
	// flows. A row group of Parquet has its frame for each column, so it has more.
	arrowBatch   = 16384
	parquetBatch = 4 * arrowBatch
)

// ArrowRows encodes rows as an Arrow IPC stream, or as Parquet, which is written front to back too: what says where
// its row groups are comes last.
type ArrowRows struct {
	columns []Column
	builder *array.RecordBuilder
	writer  interface {
		Write(arrow.Record) error
		Close() error
	}
	batchRows, rows int
	out             bytes.Buffer
	err             error
}

func newArrowRows(f Format, columns []Column) *ArrowRows {
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		fields[i] = arrow.Field{Name: c.Name, Type: c.Type.arrow(), Nullable: true}
	}
	schema := arrow.NewSchema(fields, nil)
	a := &ArrowRows{columns: columns, batchRows: arrowBatch}
	if f == FormatArrow {
		a.builder = array.NewRecordBuilder(&recycler{}, schema)
		a.writer = ipc.NewWriter(&a.out, ipc.WithSchema(schema))
		return a
	}
	// A writer of Parquet may still look at a batch that it was given before, so memory is not used again.
	a.builder, a.batchRows = array.NewRecordBuilder(memory.NewGoAllocator(), schema), parquetBatch
	a.writer, a.err = pqarrow.NewFileWriter(schema, &a.out,
		parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Zstd)),
		pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
	return a
}

func (a *ArrowRows) append(row []Value) {
	if a.err != nil {
		return
	}
	if a.rows == 0 {
		a.builder.Reserve(arrowBatch)
	}
	for i, v := range row {
		err := appendArrow(a.builder.Field(i), v)
		if !a.columns[i].Type.holds(v) {
			err = fmt.Errorf("column %s has no room for %q", a.columns[i].Name, v.Plain())
		}
		if err != nil {
			a.err = err
			return
		}
	}
	a.Added(1)
}

// Field returns the column at a place, for who appends rows column by column and says so by added.
func (a *ArrowRows) Field(at int) array.Builder { return a.builder.Field(at) }

// Added notes that each column has so many rows more.
func (a *ArrowRows) Added(rows int) {
	if a.rows += rows; a.rows >= a.batchRows {
		a.batch()
	}
}

// batch writes the rows so far.
func (a *ArrowRows) batch() {
	record := a.builder.NewRecord()
	defer record.Release()
	if a.err == nil {
		a.err = a.writer.Write(record)
	}
	a.rows = 0
}

// end writes the rest of the stream, which has its schema even without rows, and returns what is in memory.
func (a *ArrowRows) end() ([]byte, error) {
	if a.rows > 0 && a.err == nil {
		a.batch()
	}
	if a.err == nil {
		a.err = a.writer.Close()
	}
	a.builder.Release()
	if a.err != nil {
		return nil, fmt.Errorf("encode rows as Arrow or Parquet: %w", a.err)
	}
	return a.out.Bytes(), nil
}
