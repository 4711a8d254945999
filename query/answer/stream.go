package answer

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

const (
	// ExportTime ends an export. A client may read slowly: ClickHouse then waits for it, as nothing is kept on the way.
	ExportTime = 30 * time.Minute
	// flushBytes is how much of an export is gathered before it is sent.
	flushBytes = 64 << 10
)

// NewList makes a table whose columns have types, so that it can be had as Arrow and Parquet
// too.
func NewList(f Format, columns []Column) *Table {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	t := NewTable(f, names)
	if f.typed() {
		t.Arrow = newArrowRows(f, columns)
	}
	return t
}

// Begin sends the envelope, in headers, and from then on rows as they come; those of a workbook when they are all
// there. The answer's memory does not depend on how many there are. end is to be called when it is over.
func (t *Table) Begin(ctx context.Context, c *gin.Context, workbooks *Turns, envelope []Member) (end func(),
	err error) {
	end = func() {}
	if t.format == FormatXLSX {
		release, err := workbooks.Take(ctx)
		if err != nil {
			return nil, err
		}
		if t.book, err = newWorkbook(workbookName(c), t.columns); err != nil {
			release()
			return nil, err
		}
		// Nothing is sent for as long as rows come.
		// a recorder of tests has none
		_ = http.NewResponseController(c.Writer).SetWriteDeadline(time.Now().Add(ExportTime + WriteTimeout))
		end = func() {
			t.book.close()
			release()
		}
	}
	envelopeHeaders(c, envelope)
	c.Header("Content-Type", t.format.ContentType())
	c.Status(http.StatusOK)
	// The server would take a request for broken that is not over when its time to be read is.
	_ = http.NewResponseController(c.Writer).SetReadDeadline(time.Now().Add(ExportTime)) // a recorder of tests has none
	t.to = c
	return end, nil
}

// Flow sends what has gathered: everything when all is set, else once it is worth it.
func (t *Table) Flow(all bool) error {
	if t.to == nil || t.err != nil {
		return t.err
	}
	gathered := t.csv
	if t.Arrow != nil {
		if t.Arrow.err != nil {
			return fmt.Errorf("encode rows as Arrow or Parquet: %w", t.Arrow.err)
		}
		gathered = t.Arrow.out.Bytes()
	}
	if len(gathered) == 0 || len(gathered) < flushBytes && !all {
		return nil
	}
	// Each piece has the time that an answer has: how long the whole takes depends on its size.
	_ = http.NewResponseController(t.to.Writer).SetWriteDeadline(time.Now().Add(WriteTimeout))
	if _, err := t.to.Writer.Write(gathered); err != nil {
		return fmt.Errorf("send rows: %w", err)
	}
	t.to.Writer.Flush()
	t.csv = t.csv[:0]
	if t.Arrow != nil {
		t.Arrow.out.Reset()
	}
	return nil
}

// Finish sends the rest of the rows.
func (t *Table) Finish() error {
	if t.err != nil {
		return t.err
	}
	if t.book != nil {
		return sendWorkbook(t.to, t.book)
	}
	if t.Arrow != nil {
		if _, err := t.Arrow.end(); err != nil {
			return err
		}
	}
	return t.Flow(true)
}
