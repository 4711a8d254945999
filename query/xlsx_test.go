package query

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"kaskad/money"
)

// sheetCell is a cell as the library reads it: what it shows, what it holds, and of which type it is.
func sheetCell(tb testing.TB, file *excelize.File, cell string) (shown, raw string, kind excelize.CellType) {
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

func openSheet(tb testing.TB, body []byte) *excelize.File {
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
		value  value
		want   string
		is     excelize.CellType
		column string
	}{
		{count(45), "45", number, "count"},
		{count(1_234_567_890_123), "1234567890123", number, "long count"},
		{count(9_007_199_254_740_993), "9007199254740993", str, "count of 16 digits"},
		{decimal(333333, 6), "0.333333", number, "rate"},
		{decimal(1_000_000, 6), "1", number, "rate of one"},
		{amount(money.Micros(67_500_000)), "67.50", number, "money"},
		{amount(money.Micros(-10_000_000)), "-10.00", number, "negative money"},
		{amount(money.Micros(1)), "0.000001", number, "small money"},
		{amount(long), "1234567890123.45", number, "money of 15 digits"},
		{amount(long.Add(money.Micros(1))), "1234567890123.450001", str, "money of more"},
		{text("+79001234567"), "+79001234567", str, "number"},
		{text("0012"), "0012", str, "code"},
		{text("5"), "5", str, "digits"},
		{text("=1+1"), "=1+1", str, "formula"},
		{text("-2+3"), "-2+3", str, "minus"},
		{text("@SUM(A1)"), "@SUM(A1)", str, "at"},
		{text("a_x0041_b"), "a_x0041_b", str, "what looks like an escape"},
		{text(" <b>&\"x\"\nline\t "), " <b>&\"x\"\nline\t ", str, "signs"},
		{text("Привет 😀"), "Привет 😀", str, "other alphabets"},
		{text("a\x01\xff"), "a\ufffd\ufffd", str, "what XML cannot hold"},
		{truth(true), "TRUE", boolean, "truth"},
		{moment(1_700_000_000_123), "2023-11-14T22:13:20.123Z", str, "time"},
		{text(strings.Repeat("я", excelize.TotalCellChars)), strings.Repeat("я", excelize.TotalCellChars), str,
			"full cell"},
		{value{kind: kindJSON, text: `[{"a":1}]`}, `[{"a":1}]`, str, "list"},
		{null, "", number, "nothing"},
	}
	var columns []string
	var row []value
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
	file := openSheet(t, out.Bytes())
	for i, c := range cases {
		name, err := excelize.CoordinatesToCellName(i+1, 1)
		if err != nil {
			t.Fatal(err)
		}
		if shown, _, kind := sheetCell(t, file, name); shown != c.column || kind != str {
			t.Errorf("header %s is %q of type %d", name, shown, kind)
		}
		shown, raw, kind := sheetCell(t, file, strings.TrimRight(name, "1")+"2")
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
		if err := b.add([]value{text("+79001234567")}); err != nil {
			t.Fatal(err)
		}
	}
	var p *Problem
	if err := b.add([]value{text("+79001234567")}); !errors.As(err, &p) || p.Status != http.StatusUnprocessableEntity ||
		!strings.Contains(p.Detail, "filter") {
		t.Errorf("a row too many: %v", err)
	}
	b.limit = maxSheetRows
	if err := b.add([]value{text(strings.Repeat("😀", excelize.TotalCellChars/2+1))}); !errors.As(err, &p) ||
		p.Status != http.StatusUnprocessableEntity || !strings.Contains(p.Detail, "column number") {
		t.Errorf("a text too long: %v", err)
	}
	b.bytes = maxSheetBytes
	if err := b.add([]value{text("x")}); !errors.As(err, &p) || p.Status != http.StatusUnprocessableEntity {
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
		if err := b.add([]value{text(fmt.Sprintf("+7900%07d", i)), count(uint64(i))}); err != nil {
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
	file := openSheet(t, packed.Bytes())
	if shown, _, _ := sheetCell(t, file, fmt.Sprintf("A%d", rows+1)); shown != "+79000249999" {
		t.Errorf("the last number is %q", shown)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestParams_Format_Excel(t *testing.T) {
	for query, want := range map[string]format{"format=csv&bom=1": formatMarkedCSV, "format=xlsx": formatXLSX,
		"format=csv": formatCSV} {
		p := paramsOf(t, query, "format", "bom")
		if got := p.listFormat(&http.Request{}); got != want || p.err() != nil {
			t.Errorf("%s: %v, %v", query, got, p.err())
		}
	}
	for _, query := range []string{"bom=1", "format=json&bom=1", "format=xlsx&bom=1", "format=ndjson&bom=1",
		"format=csv&bom=0", "format=csv&bom=", "format=csv&bom=1&bom=1"} {
		p := paramsOf(t, query, "format", "bom")
		p.format(&http.Request{})
		if p.err() == nil {
			t.Errorf("%s is taken", query)
		}
	}
	p := paramsOf(t, "")
	if got := p.format(&http.Request{Header: http.Header{"Accept": {"text/html, " + xlsxType +
		", */*;q=0.1"}}}); got != formatXLSX {
		t.Errorf("Accept: %v", got)
	}
}

// sheetColumn returns the letter of a column.
func sheetColumn(tb testing.TB, file *excelize.File, name string) string {
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

func TestServer_DeadNumbers_Workbook(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	conn := newConn(t)
	insertDeadNumbers(t, conn, 3*numberChunk)
	putTariffs(t, conn, "acme", tariffRow("sms", "per_segment_sent", "2.00"))
	broken := dead("lost", "+79999999999", 1)
	broken.streak = []streakRow{{leg: 12345, code: 9, smsSegments: 1}}
	insertHealth(t, conn, "number_health", broken)
	server := httptest.NewServer(newServer(t, conn).Handler())
	defer server.Close()
	fetch := func(query string) (*http.Response, []byte) {
		t.Helper()
		w, err := http.Get(server.URL + "/v1/numbers/dead?format=xlsx&" + query)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Body.Close()
		body, err := io.ReadAll(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		return w, body
	}
	csv := get(newServer(t, conn), "/v1/numbers/dead?account=acme&limit=all&format=csv").Body.String()
	first, _, _ := strings.Cut(csv, "\r\n")
	for query, rows := range map[string]int{"account=acme&limit=all": 3 * numberChunk, "account=acme&limit=10": 10,
		"account=nobody": 0} {
		w, body := fetch(query)
		if w.StatusCode != http.StatusOK || w.Header.Get("Content-Type") != xlsxType ||
			w.Header.Get("Kaskad-As-Of") == "" ||
			w.Header.Get("Content-Disposition") != `attachment; filename="kaskad-numbers-dead.xlsx"` {
			t.Fatal(query, w.Status, w.Header)
		}
		file := openSheet(t, body)
		got, err := file.GetRows(file.GetSheetName(0))
		if err != nil || len(got) != rows+1 || strings.Join(got[0], ",") != first {
			t.Fatalf("%s: %d rows of %v, want %d: %v", query, len(got), got[0], rows+1, err)
		}
		if rows == 0 {
			continue
		}
		last := strconv.Itoa(rows + 1)
		if shown, _, kind := sheetCell(t, file, sheetColumn(t, file, "number")+last); !strings.HasPrefix(shown, "+7") ||
			kind != excelize.CellTypeInlineString {
			t.Errorf("number %q of type %d", shown, kind)
		}
		for _, name := range []string{"wasted_cost", "failed_mailings"} {
			if shown, raw, kind := sheetCell(t, file, sheetColumn(t, file, name)+last); raw == "" ||
				kind != excelize.CellTypeUnset || name == "wasted_cost" && !strings.HasSuffix(shown, ".00") {
				t.Errorf("%s %q (%q) of type %d", name, shown, raw, kind)
			}
		}
	}
	// What fails is an error, also when most rows were there already.
	if w, body := fetch("limit=all"); w.StatusCode < 400 ||
		w.Header.Get("Content-Type") != "application/problem+json" || w.Header.Get("Content-Disposition") != "" {
		t.Errorf("an export that fails: %s %v %.100s", w.Status, w.Header, body)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil ||
		slices.ContainsFunc(left, func(e os.DirEntry) bool { return strings.HasPrefix(e.Name(), "kaskad-xlsx-") }) {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestServer_Reports_Excel(t *testing.T) {
	conn := newConn(t)
	cells := randomCells(3, 200, testNow, 20)
	insertCells(t, conn, cells)
	publish(t, conn, cells)
	s := newServer(t, conn)
	for _, path := range []string{"/v1/reports/channels?group_by=channel,step", "/v1/reports/savings",
		"/v1/reports/segment-waste", "/v1/reports/failures", "/v1/rejected", "/v1/erasures",
		"/v1/error-map/unmapped", "/v1/tariffs/versions?account=acme", "/v1/audience/subscribed", "/v1/numbers/changes",
		"/v1/numbers/best-channel", "/v1/reports/penetration", "/v1/reports/dead-spend", "/v1/reports/spend"} {
		join := "?"
		if strings.Contains(path, "?") {
			join = "&"
		}
		plain, marked, book := get(s, path+join+"format=csv"), get(s, path+join+"format=csv&bom=1"),
			get(s, path+join+"format=xlsx")
		if plain.Code != http.StatusOK || marked.Body.String() != byteOrderMark+plain.Body.String() ||
			marked.Header().Get("Content-Type") != plain.Header().Get("Content-Type") {
			t.Errorf("%s: %d, with a mark %d %.200q", path, plain.Code, marked.Code, marked.Body)
		}
		if book.Code != http.StatusOK {
			t.Errorf("%s: %s", path, book.Body)
			continue
		}
		file := openSheet(t, book.Body.Bytes())
		rows, err := file.GetRows(file.GetSheetName(0))
		first, _, _ := strings.Cut(plain.Body.String(), "\r\n")
		if err != nil || len(rows) != strings.Count(plain.Body.String(), "\r\n") ||
			strings.Join(rows[0], ",") != first {
			t.Errorf("%s: %v: %v, want %s", path, err, rows, first)
		}
		wantProblem(t, get(s, path+join+"bom=1"), http.StatusBadRequest, "bom", "format=csv")
	}
	file := openSheet(t, get(s, "/v1/reports/channels?group_by=channel,step&format=xlsx").Body.Bytes())
	for _, name := range []string{"step", "attempted", "delivered_of_attempted_rate"} {
		if shown, raw, kind := sheetCell(t, file, sheetColumn(t, file, name)+"2"); raw == "" ||
			kind != excelize.CellTypeUnset {
			t.Errorf("%s %q (%q) of type %d", name, shown, raw, kind)
		}
	}
	if w := get(s, "/v1/tariffs?account=acme&format=csv&bom=1"); !strings.HasPrefix(w.Body.String(),
		byteOrderMark+"channel,") {
		t.Errorf("tariffs: %s", w.Body)
	}
}
