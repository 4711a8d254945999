package query

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"kaskad/engine/enginetest"
	"kaskad/query/answer"
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
	enginetest.Alone(t)
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
		if w.StatusCode != http.StatusOK || w.Header.Get("Content-Type") != answer.XLSXType ||
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
		if plain.Code != http.StatusOK || marked.Body.String() != answer.ByteOrderMark+plain.Body.String() ||
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
		answer.ByteOrderMark+"channel,") {
		t.Errorf("tariffs: %s", w.Body)
	}
}
