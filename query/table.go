package query

import (
	"fmt"
	"mime"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/go-faster/jx"
)

// format is the form of an answer of rows.
type format int

const (
	formatJSON format = iota
	formatCSV
	formatNDJSON
	formatXLSX
	// formatArrow needs columns whose types are known beforehand: see newList.
	formatArrow
	// formatMarkedCSV is CSV with a byte order mark, by which Excel knows that it is UTF-8: format=csv&bom=1.
	formatMarkedCSV
)

var formatNames = []string{"json", "csv", "ndjson", "xlsx", "arrow"}

const byteOrderMark = "\ufeff"

func (f format) contentType() string {
	const csv = "text/csv; charset=utf-8; header=present"
	return [...]string{"application/json", csv, "application/x-ndjson", xlsxType, arrowStreamType, csv}[f]
}

// flat tells of a form whose rows are cells, which hold no lists.
func (f format) flat() bool { return f == formatCSV || f == formatMarkedCSV || f == formatXLSX }

// format reads parameter format, else the header Accept; JSON is the default.
func (p *params) format(r *http.Request) format { return p.formatOf(r, formatNames[:formatArrow]) }

// listFormat does so for a list, which can be had as Arrow too.
func (p *params) listFormat(r *http.Request) format { return p.formatOf(r, formatNames) }

func (p *params) formatOf(r *http.Request, names []string) format {
	f := p.namedFormat(r, names)
	if marked := p.bom(f == formatCSV); marked {
		return formatMarkedCSV
	}
	return f
}

// bom reads parameter bom, which goes with CSV alone.
func (p *params) bom(csv bool) bool {
	given, found := p.one("bom")
	switch {
	case !found:
		return false
	case given != "1":
		p.fail("bom", fmt.Sprintf("%q must be 1, or left out", shorten(given)))
	case !csv:
		p.fail("bom", "goes with format=csv: it marks a CSV as UTF-8 for Excel")
	}
	return true
}

func (p *params) namedFormat(r *http.Request, names []string) format {
	if name, given := p.one("format"); given {
		for i, n := range names {
			if n == name {
				return format(i)
			}
		}
		p.fail("format", fmt.Sprintf("%q is no format; it must be one of %s", shorten(name), strings.Join(names, " ")))
		return formatJSON
	}
	best, weight := formatJSON, 0.0
	for _, accepted := range strings.Split(strings.Join(r.Header.Values("Accept"), ","), ",") {
		media, options, err := mime.ParseMediaType(accepted)
		if err != nil {
			continue
		}
		q := 1.0
		if given, found := options["q"]; found {
			if q, err = strconv.ParseFloat(given, 64); err != nil {
				continue
			}
		}
		var f format
		switch media {
		case "text/csv":
			f = formatCSV
		case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines":
			f = formatNDJSON
		case "application/json", "application/*", "*/*":
			f = formatJSON
		case xlsxType:
			f = formatXLSX
		case arrowStreamType:
			f = formatArrow
		default:
			continue
		}
		if q > weight && int(f) < len(names) {
			best, weight = f, q
		}
	}
	return best
}

// table encodes rows as they come. The envelope holds what is known after the last row only, so nothing is sent before.
type table struct {
	format  format
	columns []string
	rows    int
	json    jx.Encoder
	csv     []byte
	arrow   *arrowRows
	// book is where the rows of an export go that is a workbook, kept where those of a page wait for send.
	book *workbook
	kept [][]value
	// to is where rows go as they come; nil while they are kept for send.
	to *gin.Context
	// err is why the rows cannot be sent.
	err error
}

func newTable(f format, columns ...[]string) *table {
	t := &table{format: f}
	for _, c := range columns {
		t.columns = append(t.columns, c...)
	}
	switch f {
	case formatJSON:
		t.json.ArrStart()
	case formatCSV, formatMarkedCSV:
		if f == formatMarkedCSV {
			t.csv = append(t.csv, byteOrderMark...)
		}
		for i, c := range t.columns {
			t.csvField(i, c)
		}
		t.csv = append(t.csv, "\r\n"...)
	}
	return t
}

// row adds a row, which has a value for each column.
func (t *table) row(row []value) {
	t.rows++
	switch {
	case t.format == formatArrow:
		t.arrow.append(row)
		return
	case t.book != nil:
		if t.err == nil {
			t.err = t.book.add(row)
		}
		return
	case t.format == formatXLSX:
		t.kept = append(t.kept, slices.Clone(row))
		return
	}
	if t.format.flat() {
		for i, v := range row {
			cell := v.plain()
			if v.kind == kindText {
				cell = guard(cell)
			}
			t.csvField(i, cell)
		}
		t.csv = append(t.csv, "\r\n"...)
		return
	}
	t.json.ObjStart()
	for i, v := range row {
		if v.kind == kindAbsent {
			continue
		}
		t.json.FieldStart(t.columns[i])
		v.json(&t.json)
	}
	t.json.ObjEnd()
	if t.format == formatNDJSON {
		// Each line is a value of its own, so the encoder starts anew.
		t.csv = append(append(t.csv, t.json.Bytes()...), '\n')
		t.json.Reset()
	}
}

// guard keeps a spreadsheet from taking a text for a formula. A phone number is none that does harm, and who imports it
// wants it as it is.
func guard(cell string) string {
	if cell != "" && strings.IndexByte("=+-@\t\r", cell[0]) >= 0 && numberProblem(cell) != "" {
		return "'" + cell
	}
	return cell
}

// csvField adds a field by RFC 4180. Not encoding/csv, which would change line ends inside of a text.
func (t *table) csvField(column int, cell string) {
	if column > 0 {
		t.csv = append(t.csv, ',')
	}
	if !strings.ContainsAny(cell, "\",\r\n") && cell == strings.TrimSpace(cell) {
		t.csv = append(t.csv, cell...)
		return
	}
	t.csv = append(append(append(t.csv, '"'), strings.ReplaceAll(cell, `"`, `""`)...), '"')
}

// member is a field of the envelope.
type member struct {
	name  string
	value value
}

// send writes the envelope around the rows. Formats that have no place for one carry it in headers: Kaskad-As-Of and so
// on.
func (t *table) send(c *gin.Context, envelope []member, nextCursor value) {
	if t.format != formatJSON {
		envelopeHeaders(c, append(envelope, member{"next_cursor", nextCursor}))
		body := t.csv
		switch t.format {
		case formatArrow:
			body = t.arrow.end()
		case formatXLSX:
			t.sendBook(c)
			return
		}
		c.Data(http.StatusOK, t.format.contentType(), body)
		return
	}
	t.json.ArrEnd()
	var out jx.Encoder
	out.ObjStart()
	for _, m := range envelope {
		out.FieldStart(m.name)
		m.value.json(&out)
	}
	out.FieldStart("rows")
	out.Raw(t.json.Bytes())
	out.FieldStart("next_cursor")
	nextCursor.json(&out)
	out.ObjEnd()
	c.Data(http.StatusOK, t.format.contentType(), out.Bytes())
}

// sendPage writes a page behind which the cursor stands; nil when nothing follows.
func (t *table) sendPage(c *gin.Context, envelope []member, cursors *Cursors, next *cursor) error {
	nextCursor, err := cursors.Next(c.Request.Context(), next)
	if err != nil {
		return err
	}
	t.send(c, envelope, nextCursor)
	return nil
}

// sendBook sends a page as a workbook.
func (t *table) sendBook(c *gin.Context) {
	err := t.fillBook(c)
	if err == nil {
		err = sendWorkbook(c, t.book)
	}
	if t.book != nil {
		t.book.close()
	}
	if err != nil {
		cutOff(c)
		asProblem(err).send(c)
	}
}

func (t *table) fillBook(c *gin.Context) (err error) {
	if t.book, err = newWorkbook(workbookName(c), t.columns); err != nil {
		return err
	}
	for _, row := range t.kept {
		if err := t.book.add(row); err != nil {
			return err
		}
	}
	return nil
}

func envelopeHeaders(c *gin.Context, envelope []member) {
	for _, m := range envelope {
		if m.value.kind != kindNull {
			c.Header("Kaskad-"+textproto.CanonicalMIMEHeaderKey(strings.ReplaceAll(m.name, "_", "-")), m.value.plain())
		}
	}
}
