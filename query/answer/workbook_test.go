package answer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"kaskad/money"
)

// cellOf is a cell as the library reads it: what it shows, what it holds, and of which type it is.
func cellOf(tb testing.TB, file *excelize.File, cell string) (shown, raw string, kind excelize.CellType) {
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

func openBook(tb testing.TB, body []byte) *excelize.File {
	tb.Helper()
	file, err := excelize.OpenReader(bytes.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = file.Close() })
	return file
}

func TestWorkbook_Cells(t *testing.T) {
	const number, str, boolean = excelize.CellTypeUnset, excelize.CellTypeInlineString, excelize.CellTypeBool
	long := money.Micros(1_234_567_890_123_450_000) // 1234567890123.45
	cases := []struct {
		value  Value
		want   string
		is     excelize.CellType
		column string
	}{
		{Count(45), "45", number, "count"},
		{Count(1_234_567_890_123), "1234567890123", number, "long count"},
		{Count(9_007_199_254_740_993), "9007199254740993", str, "count of 16 digits"},
		{Decimal(333333, 6), "0.333333", number, "rate"},
		{Decimal(1_000_000, 6), "1", number, "rate of one"},
		{Amount(money.Micros(67_500_000)), "67.50", number, "money"},
		{Amount(money.Micros(-10_000_000)), "-10.00", number, "negative money"},
		{Amount(money.Micros(1)), "0.000001", number, "small money"},
		{Amount(long), "1234567890123.45", number, "money of 15 digits"},
		{Amount(long.Add(money.Micros(1))), "1234567890123.450001", str, "money of more"},
		{Text("+79001234567"), "+79001234567", str, "number"},
		{Text("0012"), "0012", str, "code"},
		{Text("5"), "5", str, "digits"},
		{Text("=1+1"), "=1+1", str, "formula"},
		{Text("-2+3"), "-2+3", str, "minus"},
		{Text("@SUM(A1)"), "@SUM(A1)", str, "at"},
		{Text("a_x0041_b"), "a_x0041_b", str, "what looks like an escape"},
		{Text(" <b>&\"x\"\nline\t "), " <b>&\"x\"\nline\t ", str, "signs"},
		{Text("Привет 😀"), "Привет 😀", str, "other alphabets"},
		{Text("a\x01\xff"), "a\ufffd\ufffd", str, "what XML cannot hold"},
		{Bool(true), "TRUE", boolean, "truth"},
		{Moment(1_700_000_000_123), "2023-11-14T22:13:20.123Z", str, "time"},
		{Text(strings.Repeat("я", excelize.TotalCellChars)), strings.Repeat("я", excelize.TotalCellChars), str,
			"full cell"},
		{JSON(`[{"a":1}]`), `[{"a":1}]`, str, "list"},
		{Null, "", number, "nothing"},
	}
	var columns []string
	var row []Value
	for _, c := range cases {
		columns, row = append(columns, c.column), append(row, c.value)
	}
	b, err := newWorkbook("sheet", columns)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.add(row); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := b.writeTo(&out); err != nil {
		t.Fatal(err)
	}
	b.close()
	if _, err := os.Stat(b.folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is left: %v", b.folder, err)
	}
	file := openBook(t, out.Bytes())
	for i, c := range cases {
		name, err := excelize.CoordinatesToCellName(i+1, 1)
		if err != nil {
			t.Fatal(err)
		}
		if shown, _, kind := cellOf(t, file, name); shown != c.column || kind != str {
			t.Errorf("header %s is %q of type %d", name, shown, kind)
		}
		shown, raw, kind := cellOf(t, file, strings.TrimRight(name, "1")+"2")
		if shown != c.want || kind != c.is {
			t.Errorf("%s: %q (%q) of type %d, want %q of type %d", c.column, shown, raw, kind, c.want, c.is)
		}
	}
}

func TestWorkbook_HoldsNoMoreThanASheet(t *testing.T) {
	b, err := newWorkbook("sheet", []string{"number"})
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	if b.limit != 1_048_575 {
		t.Fatalf("a sheet has room for %d rows beside its header, want 1048575", b.limit)
	}
	b.limit = 3
	for range 3 {
		if err := b.add([]Value{Text("+79001234567")}); err != nil {
			t.Fatal(err)
		}
	}
	var p *Problem
	if err := b.add([]Value{Text("+79001234567")}); !errors.As(err, &p) || p.Status != http.StatusUnprocessableEntity ||
		!strings.Contains(p.Detail, "filter") {
		t.Errorf("a row too many: %v", err)
	}
	b.limit = maxSheetRows
	if err := b.add([]Value{Text(strings.Repeat("😀", excelize.TotalCellChars/2+1))}); !errors.As(err, &p) ||
		p.Status != http.StatusUnprocessableEntity || !strings.Contains(p.Detail, "column number") {
		t.Errorf("a text too long: %v", err)
	}
	b.bytes = maxSheetBytes
	if err := b.add([]Value{Text("x")}); !errors.As(err, &p) || p.Status != http.StatusUnprocessableEntity {
		t.Errorf("a sheet too large: %v", err)
	}
}

// Rows beyond a few thousand wait on disk, and are packed from there.
func TestWorkbook_KeepsLittleInMemory(t *testing.T) {
	b, err := newWorkbook("sheet", []string{"number", "count"})
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	const rows = 250_000
	for i := range rows {
		if err := b.add([]Value{Text(fmt.Sprintf("+7900%07d", i)), Count(uint64(i))}); err != nil {
			t.Fatal(err)
		}
	}
	onDisk := int64(0)
	files, err := filepath.Glob(filepath.Join(b.folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		onDisk += info.Size()
	}
	if onDisk < 16<<20 || onDisk > b.bytes {
		t.Errorf("%d bytes are on disk, %d were reckoned", onDisk, b.bytes)
	}
	largest := 0
	out := writerFunc(func(p []byte) (int, error) {
		largest = max(largest, len(p))
		return len(p), nil
	})
	var packed bytes.Buffer
	if err := b.writeTo(io.MultiWriter(out, &packed)); err != nil {
		t.Fatal(err)
	}
	if largest > 1<<20 {
		t.Errorf("a piece of %d bytes was sent at once", largest)
	}
	file := openBook(t, packed.Bytes())
	if shown, _, _ := cellOf(t, file, fmt.Sprintf("A%d", rows+1)); shown != "+79000249999" {
		t.Errorf("the last number is %q", shown)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestParams_Format_Excel(t *testing.T) {
	for query, want := range map[string]Format{"format=csv&bom=1": FormatMarkedCSV, "format=xlsx": FormatXLSX,
		"format=csv": FormatCSV} {
		p := paramsOf(t, query, "format", "bom")
		if got := p.Format(&http.Request{}); got != want || p.Err() != nil {
			t.Errorf("%s: %v, %v", query, got, p.Err())
		}
	}
	for _, query := range []string{"bom=1", "format=json&bom=1", "format=xlsx&bom=1", "format=ndjson&bom=1",
		"format=csv&bom=0", "format=csv&bom=", "format=csv&bom=1&bom=1"} {
		p := paramsOf(t, query, "format", "bom")
		p.Format(&http.Request{})
		if p.Err() == nil {
			t.Errorf("%s is taken", query)
		}
	}
	p := paramsOf(t, "")
	if got := p.Format(&http.Request{Header: http.Header{"Accept": {"text/html, " + XLSXType +
		", */*;q=0.1"}}}); got != FormatXLSX {
		t.Errorf("Accept: %v", got)
	}
}
