package query

import (
	"net/http"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"kaskad/query/answer"
	"kaskad/query/querytest"
)

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
		file := querytest.OpenSheet(t, book.Body.Bytes())
		rows, err := file.GetRows(file.GetSheetName(0))
		first, _, _ := strings.Cut(plain.Body.String(), "\r\n")
		if err != nil || len(rows) != strings.Count(plain.Body.String(), "\r\n") ||
			strings.Join(rows[0], ",") != first {
			t.Errorf("%s: %v: %v, want %s", path, err, rows, first)
		}
		wantProblem(t, get(s, path+join+"bom=1"), http.StatusBadRequest, "bom", "format=csv")
	}
	file := querytest.OpenSheet(t, get(s, "/v1/reports/channels?group_by=channel,step&format=xlsx").Body.Bytes())
	for _, name := range []string{"step", "attempted", "delivered_of_attempted_rate"} {
		if shown, raw, kind := querytest.SheetCell(t, file, querytest.SheetColumn(t, file, name)+"2"); raw == "" ||
			kind != excelize.CellTypeUnset {
			t.Errorf("%s %q (%q) of type %d", name, shown, raw, kind)
		}
	}
	if w := get(s, "/v1/tariffs?account=acme&format=csv&bom=1"); !strings.HasPrefix(w.Body.String(),
		answer.ByteOrderMark+"channel,") {
		t.Errorf("tariffs: %s", w.Body)
	}
}
