package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kaskad/engine/enginetest"
)

// Every report of a real server is a table, and elsewhere what the API gives, byte for byte, in every format.
func TestRun_ReportsAtTheCommandLine(t *testing.T) {
	k := newKaskad(t, "--now", "2026-11-20T00:00:00Z")
	k.start("")
	k.waitReady()
	status, body := k.request(http.MethodPut, "/v1/tariffs?account=shop", "application/json", []byte(`{"tariffs":[
		{"channel":"sms","valid_from":"2026-01-01T00:00:00Z","currency":"RUB","billing":"per_segment_sent","price":"2.00"},
		{"channel":"viber","valid_from":"2026-01-01T00:00:00Z","currency":"RUB","billing":"per_message_delivered","price":"0.75"}]}`))
	if status != http.StatusOK {
		t.Fatalf("PUT /v1/tariffs: %d %s", status, body)
	}
	var lines []string
	for _, day := range []string{"10", "12", "14"} {
		common := `{"account":"shop","campaign":"Скидка ` + day + `","sms_segments":2,`
		at := `"submitted_at":"2026-11-` + day + `T10:00:00Z","occurred_at":"2026-11-` + day + `T10:00:05Z"}`
		lines = append(lines,
			common+`"message_id":"v`+day+`","channel":"viber","status":"read","recipient":"+79001234567",`+at,
			common+`"message_id":"d`+day+`","channel":"sms","provider":"map","status":"undelivered","error_code":"1",`+
				`"segments":2,"recipient":"+79007654321",`+at)
	}
	lines = append(lines, `{"account":"shop","message_id":"w","template":"long","channel":"sms","status":"delivered","recipient":"+79001112233",`+
		`"segments":2,"sms_text":"`+strings.Repeat("x", 163)+`","submitted_at":"2026-11-15T10:00:00Z",`+
		`"occurred_at":"2026-11-15T10:00:05Z"}`)
	k.post([]byte(strings.Join(lines, "\n") + "\n"))
	k.settle(2 * time.Minute)

	at := "--url=http://" + k.address
	next := 0
	for report, words := range map[string][]string{
		"channels":      {"≥ 100.0 % (43.9…100.0) of 3", "as of 2026-11-20", "delivery_rate"},
		"savings":       {"RUB", "9.75", "tariff version", "saved_"},
		"spend":         {"viber", "2.25", "16.00"},
		"penetration":   {"33.3 % (6.1…79.2) of 3", "viber"},
		"failures":      {"unknown_subscriber", "100.0 % (43.9…100.0) of 3"},
		"segment-waste": {"RUB", "2.00"},
		"dead-spend":    {"hard", "4.00"},
	} {
		table := must(t, "", "report", report, at, "--format", "table", "--from", "2026-11-01", "--to", "2026-11-20")
		for _, word := range words {
			if !strings.Contains(table, word) {
				t.Errorf("report %s does not say %q:\n%s", report, word, table)
			}
		}
		// Forms are two of each report, and all of them in make test-long.
		forms := []string{"csv", "json", "ndjson", "parquet", "arrow", "xlsx"}
		if !enginetest.Long() {
			forms, next = []string{forms[next%6], forms[(next+1)%6]}, next+2
		}
		for _, form := range forms {
			status, want := k.request(http.MethodGet, "/v1/reports/"+report+
				"?from=2026-11-01&to=2026-11-20&limit=10000&format="+form, "", nil)
			if status != http.StatusOK || len(want) == 0 {
				t.Fatalf("GET %s as %s: %d %s", report, form, status, want)
			}
			file := filepath.Join(t.TempDir(), "report."+form)
			must(t, "", "report", report, at, "--from", "2026-11-01", "--to", "2026-11-20", "-o", file)
			if got, err := os.ReadFile(file); err != nil || string(got) != string(want) {
				t.Errorf("report %s as %s: %d bytes differ from the API's %d: %v", report, form, len(got), len(want), err)
			}
		}
	}
	_, want := k.request(http.MethodGet, "/v1/reports/savings?group_by=campaign&format=csv", "", nil)
	if got := must(t, "", "report", "savings", "--data", k.dir, "--group-by", "campaign"); got != string(want) {
		t.Errorf("piped: got\n%s\nwant\n%s", got, want)
	}
	if out := must(t, "", "status", at, "--format", "text"); !strings.Contains(out, "= 7 stored + 0 rejected") {
		t.Errorf("status: %s", out)
	}
}
