package query

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/engine/enginetest"
	"kaskad/query/querytest"
)

// columnOf reads a column of text of an answer in any form.
func columnOf(t *testing.T, format, name string, body []byte) (values []string) {
	t.Helper()
	var rows []map[string]any
	var cells [][]string
	switch format {
	case "json":
		var page pageAnswer
		if err := json.Unmarshal(body, &page); err != nil {
			t.Fatal(err)
		}
		rows = page.Rows
	case "ndjson":
		for line := range strings.Lines(string(body)) {
			var row map[string]any
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				t.Fatal(err)
			}
			rows = append(rows, row)
		}
	case "arrow":
		rows, _ = querytest.ReadArrow(t, bytes.NewReader(body))
	case "parquet":
		rows, _ = querytest.ReadParquet(t, body)
	case "csv":
		var err error
		if cells, err = csv.NewReader(bytes.NewReader(body)).ReadAll(); err != nil {
			t.Fatal(err)
		}
	case "xlsx":
		file := querytest.OpenSheet(t, body)
		var err error
		if cells, err = file.GetRows(file.GetSheetName(0)); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range rows {
		values = append(values, row[name].(string))
	}
	for i, row := range cells {
		if i > 0 {
			values = append(values, row[slices.Index(cells[0], name)])
		}
	}
	return values
}

// A long export in pages goes on where it broke: in every form, on another server, while messages come in, nothing of
// what was there comes twice or is missing.
func TestServer_Export_Resumes(t *testing.T) {
	conn := newConn(t)
	storeLives(t, conn)
	ids := map[string]int{}
	for _, id := range columnOf(t, "ndjson", "message_id", get(newServer(t, conn),
		"/v1/messages?limit=all&format=ndjson").Body.Bytes()) {
		ids[id] = 0
	}
	formats := []string{"json", "ndjson", "csv", "xlsx", "arrow", "parquet"}
	// In make test each page has another form than the one before it, in make test-long each form all pages.
	exports, limit, pages := enginetest.World(t, 1, len(formats), len(formats)), enginetest.World(t, 4, 8, 8), 0
	for export := range exports {
		for id := range ids {
			ids[id] = 0
		}
		for cursor := ""; ; pages++ {
			format := formats[export]
			if exports == 1 {
				format = formats[pages%len(formats)]
			}
			target := fmt.Sprint("/v1/messages?limit=", limit, "&format=", format, cursor)
			broken := httptest.NewRecorder() // whoever asked for it has lost it
			newServer(t, conn).Handler().ServeHTTP(broken, httptest.NewRequest(http.MethodGet, target, nil))
			storeLater(t, conn, pages)
			w := get(newServer(t, conn), target)
			if w.Code != http.StatusOK {
				t.Fatal(w.Body)
			}
			for _, id := range columnOf(t, format, "message_id", w.Body.Bytes()) {
				if _, old := ids[id]; old {
					ids[id]++
				}
			}
			next := w.Header().Get("Kaskad-Next-Cursor")
			if format == "json" {
				var page pageAnswer
				decode(t, w, http.StatusOK, &page)
				if next = ""; page.NextCursor != nil {
					next = *page.NextCursor
				}
			}
			if next == "" {
				break
			}
			cursor = "&cursor=" + next
		}
		for id, n := range ids {
			if n != 1 {
				t.Errorf("export %d: %s came %d times", export, id, n)
			}
		}
	}
	if len(ids) < 20 || pages < max(len(formats), exports*len(ids)/limit) {
		t.Errorf("%d messages in %d pages", len(ids), pages)
	}
}

// storeLater stores messages before, among and behind others.
func storeLater(t *testing.T, conn driver.Conn, n int) {
	t.Helper()
	var lines []string
	for _, day := range []int{9, 10, 14, 19} {
		at := fmt.Sprintf("2026-11-%02dT10:00:00Z", day)
		lines = append(lines, querytest.AcmeEvent(fmt.Sprintf("later-%d", n), 1, "sms", "delivered", at,
			`"submitted_at":"`+at+`"`))
	}
	querytest.StoreEvents(t, conn, lines[n%len(lines)])
	querytest.Execute(t, conn, `INSERT INTO rollup_attempts
		(account, kind, day, edition, bucket, cohort, channel, attempted) SELECT account, 'difference', toDate(bucket), 1, bucket, bucket, channel, 1 FROM attempts
		WHERE message_id = concat('later-', toString($1))`, n)
}

// Whole lists go in every form but JSON, and JSON says which.
func TestServer_Export_JSON(t *testing.T) {
	s := newServer(t, newConn(t))
	for _, path := range []string{"/v1/messages", "/v1/numbers/%2B79001234567/messages", "/v1/numbers/dead",
		"/v1/numbers/changes", "/v1/numbers/best-channel", "/v1/audience/uninstalled", "/v1/audience/subscribed"} {
		wantProblem(t, get(s, path+"?limit=all"), http.StatusBadRequest, "limit", "ndjson", "parquet", "10000")
		for _, format := range []string{"ndjson", "csv", "xlsx", "arrow", "parquet"} {
			w := get(s, path+"?limit=all&format="+format)
			if w.Code != http.StatusOK && !strings.Contains(w.Body.String(), "account") {
				t.Errorf("%s as %s: %d %s", path, format, w.Code, w.Body)
			}
		}
	}
}
