package answer

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

// Format is the form of an answer of rows.
type Format int

const (
	FormatJSON Format = iota
	FormatCSV
	FormatNDJSON
	FormatXLSX
	// FormatArrow and FormatParquet need columns whose types are known beforehand: see NewList.
	FormatArrow
	FormatParquet
	// FormatMarkedCSV is CSV with a byte order mark, by which Excel knows that it is UTF-8: format=csv&bom=1.
	FormatMarkedCSV
)

var formatNames = []string{"json", "csv", "ndjson", "xlsx", "arrow", "parquet"}

// Formats are the forms of an answer of rows, as parameter format names them.
func Formats() []Format {
	return []Format{FormatJSON, FormatCSV, FormatNDJSON, FormatXLSX, FormatArrow, FormatParquet}
}

const ByteOrderMark = "\ufeff"

func (f Format) ContentType() string {
	const csv = "text/csv; charset=utf-8; header=present"
	return [...]string{"application/json", csv, "application/x-ndjson", XLSXType, arrowStreamType, parquetType,
		csv}[f]
}

// Flat tells of a form whose rows are cells, which hold no lists.
func (f Format) Flat() bool { return f == FormatCSV || f == FormatMarkedCSV || f == FormatXLSX }

// typed tells of a form whose columns have types.
func (f Format) typed() bool { return f == FormatArrow || f == FormatParquet }

// Format reads parameter format, else the header Accept; JSON is the default.
func (p *Params) Format(r *http.Request) Format {
	f := p.namedFormat(r)
	if marked := p.BOM(f == FormatCSV); marked {
		return FormatMarkedCSV
	}
	return f
}

// BOM reads parameter bom, which goes with CSV alone.
func (p *Params) BOM(csv bool) bool {
	given, found := p.One("bom")
	switch {
	case !found:
		return false
	case given != "1":
		p.Fail("bom", fmt.Sprintf("%q must be 1, or left out", Shorten(given)))
	case !csv:
		p.Fail("bom", "goes with format=csv: it marks a CSV as UTF-8 for Excel")
	}
	return true
}

func (p *Params) namedFormat(r *http.Request) Format {
	if name, given := p.One("format"); given {
		if at := slices.Index(formatNames, name); at >= 0 {
			return Format(at)
		}
		p.Fail("format", fmt.Sprintf("%q is no format; it must be one of %s", Shorten(name),
			strings.Join(formatNames, " ")))
		return FormatJSON
	}
	best, weight := FormatJSON, 0.0
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
		var f Format
		switch media {
		case "text/csv":
			f = FormatCSV
		case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines":
			f = FormatNDJSON
		case "application/json", "application/*", "*/*":
			f = FormatJSON
		case XLSXType:
			f = FormatXLSX
		case arrowStreamType:
			f = FormatArrow
		case parquetType:
			f = FormatParquet
		default:
			continue
		}
		if q > weight {
			best, weight = f, q
		}
	}
	return best
}

// Table encodes rows as they come. The envelope holds what is known after the last row only, so nothing is sent before.
type Table struct {
	format  Format
	columns []string
	Rows    int
	json    jx.Encoder
	csv     []byte
	Arrow   *ArrowRows
	// book is where the rows of an export go that is a workbook, kept where those of a page wait for send.
	book *workbook
	kept [][]Value
	// to is where rows go as they come; nil while they are kept for send.
	to *gin.Context
	// err is why the rows cannot be sent.
	err error
}

func NewTable(f Format, columns ...[]string) *Table {
	t := &Table{format: f}
	for _, c := range columns {
		t.columns = append(t.columns, c...)
	}
	switch f {
	case FormatJSON:
		t.json.ArrStart()
	case FormatCSV, FormatMarkedCSV:
		if f == FormatMarkedCSV {
			t.csv = append(t.csv, ByteOrderMark...)
		}
		for i, c := range t.columns {
			t.csvField(i, c)
		}
		t.csv = append(t.csv, "\r\n"...)
	}
	return t
}

// Add adds a row, which has a value for each column.
func (t *Table) Add(row []Value) {
	t.Rows++
	switch {
	case t.format.typed():
		t.Arrow.append(row)
		return
	case t.book != nil:
		if t.err == nil {
			t.err = t.book.add(row)
		}
		return
	case t.format == FormatXLSX:
		t.kept = append(t.kept, slices.Clone(row))
		return
	}
	if t.format.Flat() {
		for i, v := range row {
			cell := v.Plain()
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
		v.Encode(&t.json)
	}
	t.json.ObjEnd()
	if t.format == FormatNDJSON {
		// Each line is a value of its own, so the encoder starts anew.
		t.csv = append(append(t.csv, t.json.Bytes()...), '\n')
		t.json.Reset()
	}
}

// guard keeps a spreadsheet from taking a text for a formula. A phone number is none that does harm, and who imports it
// wants it as it is.
func guard(cell string) string {
	if cell != "" && strings.IndexByte("=+-@\t\r", cell[0]) >= 0 && NumberProblem(cell) != "" {
		return "'" + cell
	}
	return cell
}

// csvField adds a field by RFC 4180. Not encoding/csv, which would change line ends inside of a text.
func (t *Table) csvField(column int, cell string) {
	if column > 0 {
		t.csv = append(t.csv, ',')
	}
	if !strings.ContainsAny(cell, "\",\r\n") && cell == strings.TrimSpace(cell) {
		t.csv = append(t.csv, cell...)
		return
	}
	t.csv = append(append(append(t.csv, '"'), strings.ReplaceAll(cell, `"`, `""`)...), '"')
}

// Member is a field of the envelope.
type Member struct {
	Name  string
	Value Value
}

// Send writes the envelope around the rows. Formats that have no place for one carry it in headers: Kaskad-As-Of and so
// on.
func (t *Table) Send(c *gin.Context, envelope []Member, nextCursor Value) error {
	if t.format != FormatJSON {
		envelopeHeaders(c, append(envelope, Member{"next_cursor", nextCursor}))
		body := t.csv
		switch t.format {
		case FormatArrow, FormatParquet:
			var err error
			if body, err = t.Arrow.end(); err != nil {
				return err
			}
		case FormatXLSX:
			t.sendBook(c)
			return nil
		}
		c.Data(http.StatusOK, t.format.ContentType(), body)
		return nil
	}
	t.json.ArrEnd()
	var out jx.Encoder
	out.ObjStart()
	for _, m := range envelope {
		out.FieldStart(m.Name)
		m.Value.Encode(&out)
	}
	out.FieldStart("rows")
	out.Raw(t.json.Bytes())
	out.FieldStart("next_cursor")
	nextCursor.Encode(&out)
	out.ObjEnd()
	c.Data(http.StatusOK, t.format.ContentType(), out.Bytes())
	return nil
}

// SendPage writes a page behind which the cursor stands; nil when nothing follows.
func (t *Table) SendPage(c *gin.Context, envelope []Member, cursors *Cursors, next *Cursor) error {
	nextCursor, err := cursors.Next(c.Request.Context(), next)
	if err != nil {
		return err
	}
	return t.Send(c, envelope, nextCursor)
}

// sendBook sends a page as a workbook.
func (t *Table) sendBook(c *gin.Context) {
	err := t.fillBook(c)
	if err == nil {
		err = sendWorkbook(c, t.book)
	}
	if t.book != nil {
		t.book.close()
	}
	if err != nil {
		CutOff(c)
		AsProblem(err).Send(c)
	}
}

func (t *Table) fillBook(c *gin.Context) (err error) {
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

func envelopeHeaders(c *gin.Context, envelope []Member) {
	for _, m := range envelope {
		if m.Value.kind != kindNull {
			c.Header("Kaskad-"+textproto.CanonicalMIMEHeaderKey(strings.ReplaceAll(m.Name, "_", "-")), m.Value.Plain())
		}
	}
}
