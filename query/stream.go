package query

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

const (
	// exportTime ends an export. A client may read slowly: ClickHouse then waits for it, as nothing is kept on the way.
	exportTime = 30 * time.Minute
	// flushBytes is how much of an export is gathered before it is sent.
	flushBytes = 64 << 10
)

// newList makes a table whose columns have types, so that it can be had as Arrow too.
func newList(f format, columns []column) *table {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	t := newTable(f, names)
	if f == formatArrow {
		t.arrow = newArrowRows(columns)
	}
	return t
}

// begin sends the envelope, in headers, and from then on rows as they come; those of a workbook when they are all
// there. The answer's memory does not depend on how many there are. end is to be called when it is over.
func (t *table) begin(ctx context.Context, c *gin.Context, workbooks *Turns, envelope []member) (end func(),
	err error) {
	end = func() {}
	if t.format == formatXLSX {
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
		_ = http.NewResponseController(c.Writer).SetWriteDeadline(time.Now().Add(exportTime + writeTimeout))
		end = func() {
			t.book.close()
			release()
		}
	}
	envelopeHeaders(c, envelope)
	c.Header("Content-Type", t.format.contentType())
	c.Status(http.StatusOK)
	// The server would take a request for broken that is not over when its time to be read is.
	_ = http.NewResponseController(c.Writer).SetReadDeadline(time.Now().Add(exportTime)) // a recorder of tests has none
	t.to = c
	return end, nil
}

// flow sends what has gathered: everything when all is set, else once it is worth it.
func (t *table) flow(all bool) error {
	if t.to == nil || t.err != nil {
		return t.err
	}
	gathered := t.csv
	if t.arrow != nil {
		gathered = t.arrow.out.Bytes()
	}
	if len(gathered) == 0 || len(gathered) < flushBytes && !all {
		return nil
	}
	// Each piece has the time that an answer has: how long the whole takes depends on its size.
	_ = http.NewResponseController(t.to.Writer).SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := t.to.Writer.Write(gathered); err != nil {
		return fmt.Errorf("send rows: %w", err)
	}
	t.to.Writer.Flush()
	t.csv = t.csv[:0]
	if t.arrow != nil {
		t.arrow.out.Reset()
	}
	return nil
}

// finish sends the rest of the rows.
func (t *table) finish() error {
	if t.err != nil {
		return t.err
	}
	if t.book != nil {
		return sendWorkbook(t.to, t.book)
	}
	if t.arrow != nil {
		t.arrow.end()
		if t.arrow.err != nil {
			return fmt.Errorf("encode rows as Arrow: %w", t.arrow.err)
		}
	}
	return t.flow(true)
}
