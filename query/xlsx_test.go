package query

import (
	"net/http"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/query/report"
)

// tableTargets asks every route that reads for CSV, and returns where to find the tables of the API, and the lists that
// are put back as they were given, which no program for tables keeps. The others have neither CSV nor a workbook.
func tableTargets(tb testing.TB, s *Server) (tables, lists []string) {
	tb.Helper()
	for _, route := range s.served() {
		target := route.Path + "?format="
		if route.Method != http.MethodGet || strings.Contains(route.Path, ":") {
			continue
		}
		if w := get(s, target+"json"); w.Code == http.StatusBadRequest && strings.Contains(w.Body.String(), "account") {
			target = route.Path + "?account=acme&format="
		}
		plain := get(s, target+"csv")
		switch {
		case plain.Code != http.StatusOK || !strings.HasPrefix(plain.Header().Get("Content-Type"), "text/csv"):
			if book := get(s, target+"xlsx"); book.Header().Get("Content-Type") == answer.XLSXType {
				tb.Errorf("%s: a workbook, but no CSV: %d %.200s", route.Path, plain.Code, plain.Body)
			}
		case get(s, target+"yaml").Code == http.StatusOK:
			lists = append(lists, target)
		default:
			tables = append(tables, target)
		}
	}
	return tables, lists
}

// Whatever is given as CSV is given as CSV with a mark for Excel, and as a workbook with the same rows.
func TestServer_Tables_Excel(t *testing.T) {
	conn := newConn(t)
	cells := randomCells(3, 200, testNow, 20)
	insertCells(t, conn, cells)
	publish(t, conn, cells)
	s := newServer(t, conn)
	targets, lists := tableTargets(t, s)
	all := strings.Join(targets, " ")
	for _, of := range report.All() {
		if !strings.Contains(all, of.Path()+"?") {
			t.Errorf("%s is no table", of.Path())
		}
	}
	// Reports by all of their keys, too: no column is forgotten.
	for _, of := range report.All() {
		targets = append(targets, of.Path()+"?group_by="+strings.Join(of.Keys.Names(), ",")+"&format=")
	}
	for _, target := range targets {
		plain, marked, book := get(s, target+"csv"), get(s, target+"csv&bom=1"), get(s, target+"xlsx")
		if plain.Code != http.StatusOK || marked.Body.String() != answer.ByteOrderMark+plain.Body.String() ||
			marked.Header().Get("Content-Type") != plain.Header().Get("Content-Type") {
			t.Errorf("%s: %d, with a mark %d %.200q", target, plain.Code, marked.Code, marked.Body)
		}
		if book.Code != http.StatusOK {
			t.Errorf("%s: %s", target, book.Body)
			continue
		}
		file := querytest.OpenSheet(t, book.Body.Bytes())
		rows, err := file.GetRows(file.GetSheetName(0))
		first, _, _ := strings.Cut(plain.Body.String(), "\r\n")
		if err != nil || len(rows) == 0 || len(rows) != strings.Count(plain.Body.String(), "\r\n") ||
			strings.Join(rows[0], ",") != first {
			t.Errorf("%s: %v: %v, want %s", target, err, rows, first)
		}
		wantProblem(t, get(s, target+"json&bom=1"), http.StatusBadRequest, "bom", "format=csv")
	}
	for _, target := range lists {
		plain, marked := get(s, target+"csv"), get(s, target+"csv&bom=1")
		if marked.Body.String() != answer.ByteOrderMark+plain.Body.String() {
			t.Errorf("%s: with a mark %d %.200q", target, marked.Code, marked.Body)
		}
	}
	if len(lists) == 0 {
		t.Error("no route gives a list that can be put back")
	}
	file := querytest.OpenSheet(t, get(s, "/v1/reports/channels?group_by=channel,step&format=xlsx").Body.Bytes())
	for _, name := range []string{"step", "attempted", "delivered_of_attempted_rate"} {
		if shown, raw, kind := querytest.SheetCell(t, file, querytest.SheetColumn(t, file, name)+"2"); raw == "" ||
			kind != excelize.CellTypeUnset {
			t.Errorf("%s %q (%q) of type %d", name, shown, raw, kind)
		}
	}
}
