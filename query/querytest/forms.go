package querytest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
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
		rows = append(rows, recordRows(r.Record())...)
	}
	if err := r.Err(); err != nil {
		tb.Fatal(err)
	}
	return rows, schemaText(r.Schema())
}

// ReadParquet does so for a file of Parquet.
func ReadParquet(tb testing.TB, body []byte) (rows []map[string]any, schema string) {
	tb.Helper()
	table, err := pqarrow.ReadTable(context.Background(), bytes.NewReader(body), nil,
		pqarrow.ArrowReadProperties{}, memory.NewGoAllocator())
	if err != nil {
		tb.Fatal(err)
	}
	defer table.Release()
	r := array.NewTableReader(table, 0)
	defer r.Release()
	for r.Next() {
		rows = append(rows, recordRows(r.Record())...)
	}
	return rows, schemaText(table.Schema())
}

func recordRows(record arrow.Record) []map[string]any {
	rows := make([]map[string]any, record.NumRows())
	for row := range rows {
		rows[row] = map[string]any{}
		for i, c := range record.Columns() {
			rows[row][record.ColumnName(i)] = arrowCell(c, row)
		}
	}
	return rows
}

func arrowCell(c arrow.Array, row int) any {
	if c.IsNull(row) {
		return nil
	}
	switch c := c.(type) {
	case *array.Map:
		from, to := c.ValueOffsets(row)
		counts := map[string]any{}
		for j := int(from); j < int(to); j++ {
			counts[c.Keys().ValueStr(j)] = json.Number(c.Items().ValueStr(j))
		}
		return counts
	case *array.Decimal128:
		// As money is printed: two decimals at least.
		shown := c.Value(row).ToString(c.DataType().(*arrow.Decimal128Type).Scale)
		for point := strings.IndexByte(shown, '.'); len(shown) > point+3 && strings.HasSuffix(shown, "0"); {
			shown = shown[:len(shown)-1]
		}
		return shown
	}
	return c.ValueStr(row)
}

func schemaText(s *arrow.Schema) string {
	var fields []string
	for _, f := range s.Fields() {
		fields = append(fields, f.Name+" "+f.Type.String())
	}
	return strings.Join(fields, ", ")
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
	rows, err := file.Rows(file.GetSheetName(0))
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = rows.Close() }() // of a sheet in memory
	if !rows.Next() {
		tb.Fatal("an empty sheet")
	}
	names, err := rows.Columns()
	at := slices.Index(names, name)
	if err != nil || at < 0 {
		tb.Fatalf("no column %s in %v: %v", name, names, err)
	}
	letter, err := excelize.ColumnNumberToName(at + 1)
	if err != nil {
		tb.Fatal(err)
	}
	return letter
}
