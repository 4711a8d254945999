package query

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"kaskad/query/querytest"
)

// A tag holds for as long as the answer does, and not a moment longer: whatever changes what it says changes the tag.
func TestServer_ETag(t *testing.T) {
	conn := newConn(t)
	querytest.StoreEvents(t, conn, querytest.AcmeEvent("m", 1, "sms", "delivered", "2026-11-18T10:00:05Z",
		`"submitted_at":"2026-11-18T10:00:00Z"`, `"sms_segments":2`))
	cells := randomCells(3, 50, testNow, 20)
	insertCells(t, conn, cells)
	publish(t, conn, cells)
	s := newServer(t, conn)
	paths := []string{"/v1/reports/channels", "/v1/reports/savings", "/v1/reports/spend", "/v1/reports/failures",
		"/v1/reports/segment-waste", "/v1/messages", "/v1/numbers/%2B79001234567/messages"}
	tags := map[string]string{}
	check := func(what string, holds bool) {
		t.Helper()
		for _, path := range paths {
			w := get(s, path, "If-None-Match", `"other", `+tags[path])
			switch tag := w.Header().Get("ETag"); {
			case holds && (w.Code != http.StatusNotModified || w.Body.Len() > 0 || tag != tags[path]):
				t.Errorf("%s: %s: %d %s", what, path, w.Code, tag)
			case !holds && (w.Code != http.StatusOK || tag == tags[path] || !strings.HasPrefix(tag, `W/"`)):
				t.Errorf("%s: %s: %d %s", what, path, w.Code, tag)
			default:
				tags[path] = tag
			}
			if got := w.Header().Get("Cache-Control"); got != "private, no-cache" {
				t.Errorf("%s: Cache-Control %q", path, got)
			}
		}
	}
	check("first", false)
	check("again", true)
	querytest.Publish(t, conn, 99)
	check("an edition", false)
	querytest.PutTariffs(t, conn, "acme", querytest.TariffRow("sms", "per_segment_sent", "2.5"))
	check("a price list", false)
	check("a price list, again", true)
	querytest.Execute(t, conn, "INSERT INTO routes (account, channel, provider, delivery, reads, bound, settling_days, "+
		"version) VALUES ('acme', 'sms', 'own', 1, 0, 'none', 5, 7)")
	check("a route", false)
	for _, headers := range [][]string{{"Accept", "text/csv"}, {"Authorization", "Bearer x"}, {"Cookie", "kaskad=x"}} {
		w := get(s, paths[0], append(headers, "If-None-Match", tags[paths[0]])...)
		if w.Code != http.StatusOK || w.Header().Get("ETag") == tags[paths[0]] {
			t.Errorf("%v: %d %s", headers, w.Code, w.Header().Get("ETag"))
		}
	}
	for query, code := range map[string]int{"?limit=0": http.StatusBadRequest, "?limit=all&format=ndjson": http.StatusOK} {
		w := get(s, "/v1/messages"+query)
		if w.Code != code || (w.Header().Get("ETag") != "") != (code == http.StatusOK) {
			t.Errorf("%s: %d %v", query, w.Code, w.Header())
		}
	}
	if w := get(s, "/v1/status"); w.Header().Get("ETag") != "" {
		t.Error("the status has a tag: " + fmt.Sprint(w.Header()))
	}
}
