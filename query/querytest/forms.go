package querytest

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/xuri/excelize/v2"
)

// ReadArrow returns the rows of an Arrow stream as JSON, and its schema.
func ReadArrow(tb testing.TB, stream io.Reader) (rows []map[string]any, schema string) {
	tb.Helper()
	r, err := ipc.NewReader(stream)
	if err != nil {
		tb.Fatal(err)
	}
	defer r.Release()
	for r.Next() {
		record := r.Record()
		columns := make([][]any, record.NumCols())
		for i, c := range record.Columns() {
			for row := range int(record.NumRows()) {
				if m, is := c.(*array.Map); is {
					from, to := m.ValueOffsets(row)
					counts := map[string]any{}
					for j := int(from); j < int(to); j++ {
						counts[m.Keys().ValueStr(j)] = json.Number(m.Items().ValueStr(j))
					}
					columns[i] = append(columns[i], counts)
					continue
				}
				var v any
				if !c.IsNull(row) {
					v = c.ValueStr(row)
				}
				columns[i] = append(columns[i], v)
			}
		}
		for row := range int(record.NumRows()) {
			one := map[string]any{}
			for i, f := range record.Schema().Fields() {
				one[f.Name] = columns[i][row]
			}
			rows = append(rows, one)
		}
	}
	if err := r.Err(); err != nil {
		tb.Fatal(err)
	}
	var fields []string
	for _, f := range r.Schema().Fields() {
		fields = append(fields, f.Name+" "+f.Type.String())
	}
	return rows, strings.Join(fields, ", ")
}

// SheetCell is a cell as the library reads it: what it shows, what it holds, and of which type it is.
func SheetCell(tb testing.TB, file *excelize.File, cell string) (shown, raw string, kind excelize.CellType) {
	tb.Helper()
	sheet := file.GetSheetName(0)
	shown, err := file.GetCellValue(sheet, cell)
	if err != nil {
		tb.Fatal(err)
	}
	if raw, err = file.GetCellValue(sheet, cell, excelize.Options{RawCellValue: true}); err != nil {
		tb.Fatal(err)
	}
	if kind, err = file.GetCellType(sheet, cell); err != nil {
		tb.Fatal(err)
	}
	if formula, err := file.GetCellFormula(sheet, cell); err != nil || formula != "" {
		tb.Errorf("%s is the formula %q: %v", cell, formula, err)
	}
	return shown, raw, kind
}

// OpenSheet opens a workbook.
func OpenSheet(tb testing.TB, body []byte) *excelize.File {
	tb.Helper()
	file, err := excelize.OpenReader(bytes.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = file.Close() })
	return file
}

// SheetColumn returns the letter of a column.
func SheetColumn(tb testing.TB, file *excelize.File, name string) string {
	tb.Helper()
	rows, err := file.GetRows(file.GetSheetName(0))
	if err != nil || len(rows) == 0 {
		tb.Fatal(rows, err)
	}
	at := slices.Index(rows[0], name)
	if at < 0 {
		tb.Fatalf("no column %s in %v", name, rows[0])
	}
	letter, err := excelize.ColumnNumberToName(at + 1)
	if err != nil {
		tb.Fatal(err)
	}
	return letter
}
