package answer

import (
	"archive/zip"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/gin-gonic/gin"
	"github.com/xuri/excelize/v2"
)

const (
	XLSXType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	// maxSheetRows is how many rows a sheet has room for beside its header.
	maxSheetRows = excelize.TotalRows - 1
	// maxSheetBytes bounds about what a sheet takes as XML, on disk: beyond 4 GiB programs disagree on how a workbook
	// is written.
	maxSheetBytes = 3 << 30
	// maxDigits is how many significant digits a number of a spreadsheet has. What has more is written as a text, so
	// that none is lost.
	maxDigits = 15
	// MaxWorkbooks is how many exports are written as workbooks at a time, for they take room on disk.
	MaxWorkbooks = 2
)

// workbook writes rows as the one sheet of a workbook. Numbers and money are numbers, everything else is text, and
// nothing is a formula. Rows wait in a temporary file for the last one, so an answer begins when all of it is known to
// fit.
type workbook struct {
	columns []string
	file    *excelize.File
	sheet   *excelize.StreamWriter
	folder  string
	rows    int
	limit   int
	bytes   int64
	cells   []any
	// text and numbers are styles; numbers by how many decimals are shown.
	text    int
	numbers map[int]int
}

// newWorkbook begins a workbook with its header. It has to be closed.
func newWorkbook(name string, columns []string) (b *workbook, err error) {
	folder, err := os.MkdirTemp("", "kaskad-xlsx-")
	if err != nil {
		return nil, NewProblem(http.StatusServiceUnavailable, "no-room",
			"a workbook needs a folder for temporary files, and there is none: take format=csv, or mend TMPDIR of "+
				"the server").Because(err)
	}
	b = &workbook{columns: columns, folder: folder, limit: maxSheetRows, numbers: map[int]int{},
		file: excelize.NewFile(excelize.Options{TmpDir: folder})}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if err := b.file.SetDocProps(&excelize.DocProperties{Creator: "Kaskad"}); err != nil {
		return nil, fmt.Errorf("begin a workbook: %w", err)
	}
	if err := b.file.SetSheetName(b.file.GetSheetName(0), name); err != nil {
		return nil, fmt.Errorf("begin a workbook: %w", err)
	}
	if b.sheet, err = b.file.NewStreamWriter(name); err != nil {
		return nil, fmt.Errorf("begin a workbook: %w", err)
	}
	// The format of text keeps a cell a text also when somebody edits it.
	const textFormat = 49
	if b.text, err = b.file.NewStyle(&excelize.Style{NumFmt: textFormat}); err != nil {
		return nil, fmt.Errorf("begin a workbook: %w", err)
	}
	head, err := b.file.NewStyle(&excelize.Style{NumFmt: textFormat, Font: &excelize.Font{Bold: true}})
	if err != nil {
		return nil, fmt.Errorf("begin a workbook: %w", err)
	}
	const width = 16
	if err := b.sheet.SetColWidth(1, max(1, len(columns)), width); err != nil {
		return nil, fmt.Errorf("begin a workbook: %w", err)
	}
	if err := b.sheet.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2",
		ActivePane: "bottomLeft"}); err != nil {
		return nil, fmt.Errorf("begin a workbook: %w", err)
	}
	for _, c := range columns {
		b.cells = append(b.cells, excelize.Cell{StyleID: head, Value: c})
	}
	if err := b.sheet.SetRow("A1", b.cells); err != nil {
		return nil, fmt.Errorf("begin a workbook: %w", err)
	}
	return b, nil
}

// add writes a row, which has a value for each column.
func (b *workbook) add(row []Value) error {
	if b.rows++; b.rows > b.limit {
		return tooLargeForSheet(fmt.Sprintf("has more than %d rows", b.limit))
	}
	b.cells = b.cells[:0]
	for i, v := range row {
		cell, err := b.cell(b.columns[i], v)
		if err != nil {
			return err
		}
		b.cells = append(b.cells, cell)
	}
	if b.bytes > maxSheetBytes {
		return tooLargeForSheet("is larger than " + ByteSize(maxSheetBytes))
	}
	if err := b.sheet.SetRow("A"+strconv.Itoa(b.rows+1), b.cells); err != nil {
		return NewProblem(http.StatusServiceUnavailable, "no-room",
			"the workbook cannot be kept until it is whole; its server may be short of room for temporary files: "+
				"take format=csv").Because(err)
	}
	return nil
}

func tooLargeForSheet(why string) *Problem {
	return NewProblem(http.StatusUnprocessableEntity, "too-large-for-xlsx",
		"the answer "+why+", which no sheet of a workbook has room for: filter, by account for one, or take format=csv")
}

// cell is the value as a cell; nil is an empty one.
func (b *workbook) cell(column string, v Value) (any, error) {
	const frame = 64 // what a cell takes besides its text
	b.bytes += frame
	switch v.kind {
	case kindNull, kindAbsent:
		return nil, nil
	case kindBool:
		return v.n == 1, nil
	case kindNumber, kindMoney:
		if number, decimals, exact := spreadsheetNumber(v.Plain()); exact {
			style, err := b.number(decimals)
			return excelize.Cell{StyleID: style, Value: number}, err
		}
	}
	shown := v.Plain()
	if len(shown) > excelize.TotalCellChars && utf16Length(shown) > excelize.TotalCellChars {
		return nil, NewProblem(http.StatusUnprocessableEntity, "too-large-for-xlsx",
			fmt.Sprintf("row %d has a text of more than %d characters in column %s, which no cell of a workbook has "+
				"room for: leave the row out by filters, or take format=csv", b.rows, excelize.TotalCellChars, column))
	}
	b.bytes += int64(len(shown))
	if strings.ContainsAny(shown, "&<>\"'\t\r\n_") {
		b.bytes += 5 * int64(len(shown)) // what escapes take at most
	}
	return excelize.Cell{StyleID: b.text, Value: shown}, nil
}

func utf16Length(s string) (n int) {
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// number is the style that shows so many decimals.
func (b *workbook) number(decimals int) (int, error) {
	if style, found := b.numbers[decimals]; found {
		return style, nil
	}
	shown := "0"
	if decimals > 0 {
		shown += "." + strings.Repeat("0", decimals)
	}
	style, err := b.file.NewStyle(&excelize.Style{CustomNumFmt: &shown})
	if err != nil {
		return 0, fmt.Errorf("format numbers of a workbook: %w", err)
	}
	b.numbers[decimals] = style
	return style, nil
}

// spreadsheetNumber reads a decimal, and tells whether a spreadsheet shows the same digits again.
func spreadsheetNumber(shown string) (number float64, decimals int, exact bool) {
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(shown, "-"), ".")
	if len(strings.TrimLeft(whole+strings.TrimRight(fraction, "0"), "0")) > maxDigits {
		return 0, 0, false
	}
	number, err := strconv.ParseFloat(shown, 64)
	return number, len(fraction), err == nil
}

// writeTo ends the workbook and sends it. The library would gather all of it in memory; its packer writes to the reader
// instead.
func (b *workbook) writeTo(w io.Writer) error {
	if err := b.sheet.Flush(); err != nil {
		return fmt.Errorf("end the workbook: %w", err)
	}
	b.file.SetZipWriter(func(io.Writer) excelize.ZipWriter { return zip.NewWriter(w) })
	if _, err := b.file.WriteToBuffer(); err != nil {
		return fmt.Errorf("send the workbook: %w", err)
	}
	return nil
}

// close removes what the workbook has on disk.
func (b *workbook) close() {
	_ = b.file.Close()         // all that it has is in the folder
	_ = os.RemoveAll(b.folder) // the system's own cleaning gets what is left
}

// sendWorkbook answers with the workbook.
func sendWorkbook(c *gin.Context, b *workbook) error {
	c.Header("Content-Type", XLSXType)
	c.Header("Content-Disposition", `attachment; filename="kaskad-`+workbookName(c)+`.xlsx"`)
	c.Status(http.StatusOK)
	return b.writeTo(patientWriter{c.Writer})
}

// patientWriter gives each piece of a long answer the time that an answer has.
type patientWriter struct{ to gin.ResponseWriter }

func (w patientWriter) Write(p []byte) (int, error) {
	_ = http.NewResponseController(w.to).SetWriteDeadline(time.Now().Add(WriteTimeout)) // a recorder of tests has none
	return w.to.Write(p)
}

// workbookName names a file and its sheet by the route, without its variables: the name of a sheet has no colon.
func workbookName(c *gin.Context) string {
	path := strings.TrimPrefix(strings.TrimPrefix(c.FullPath(), "/v1/"), "reports/")
	names := slices.DeleteFunc(strings.Split(path, "/"), func(name string) bool { return strings.HasPrefix(name, ":") })
	return strings.Join(names, "-")
}
