package query

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"

	"kaskad/engine/enginetest"
	"kaskad/query/answer"
	"kaskad/schema"
	"kaskad/schema/schematest"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// testNow is the clock of most tests.
var testNow = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)

// newConn returns a migrated database of the test's own.
func newConn(tb testing.TB) driver.Conn {
	tb.Helper()
	return schematest.Conn(tb)
}

func execute(tb testing.TB, conn driver.Conn, statement string, args ...any) {
	tb.Helper()
	if err := conn.Exec(tb.Context(), statement, args...); err != nil {
		tb.Fatalf("%s: %v", statement, err)
	}
}

// newServer makes a server over conn with the clock fixed at testNow; change alters its settings.
func newServer(tb testing.TB, conn driver.Conn, change ...func(*Config, *Deps)) *Server {
	tb.Helper()
	registry := prometheus.NewRegistry()
	config := Config{Auth: "off", Now: func() time.Time { return testNow }, Fixed: true, Group: "kaskad",
		Topic:           "kaskad.events",
		DeadLetterTopic: "kaskad.rejected", Brokers: []string{"127.0.0.1:9092"}, EngineVersion: "26.7",
		EngineEmbedded: true,
		CursorKeys:     []schema.CursorKey{{1}}}
	deps := Deps{Conn: conn, Registerer: registry, Gatherer: registry, Logger: slog.New(slog.DiscardHandler)}
	for _, f := range change {
		f(&config, &deps)
	}
	s, err := New(config, deps)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// call sends a request to the server's handler as a client on this machine would.
func call(s *Server, method, target string, body io.Reader, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, body)
	r.Host = "127.0.0.1:8080"
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

func get(s *Server, target string, headers ...string) *httptest.ResponseRecorder {
	return call(s, http.MethodGet, target, nil, headers...)
}

// decode reads an answer of the wanted status; numbers keep their digits.
func decode(tb testing.TB, w *httptest.ResponseRecorder, status int, to any) {
	tb.Helper()
	if w.Code != status {
		tb.Fatalf("status %d, want %d: %s", w.Code, status, w.Body)
	}
	decoder := json.NewDecoder(strings.NewReader(w.Body.String()))
	decoder.UseNumber()
	if err := decoder.Decode(to); err != nil {
		tb.Fatalf("%v in %s", err, w.Body)
	}
}

// reportAnswer is the envelope of a report.
type reportAnswer struct {
	Report     string           `json:"report"`
	From       string           `json:"from"`
	To         string           `json:"to"`
	TZ         string           `json:"tz"`
	AsOf       *string          `json:"as_of"`
	Lag        *json.Number     `json:"lag_seconds"`
	Mature     bool             `json:"mature"`
	Rows       []map[string]any `json:"rows"`
	NextCursor *string          `json:"next_cursor"`
}

func channelReport(tb testing.TB, s *Server, query string) reportAnswer {
	tb.Helper()
	var reply reportAnswer
	decode(tb, get(s, "/v1/reports/channels?"+query), http.StatusOK, &reply)
	return reply
}

// wantProblem checks the form of an error answer and that it names the parameter ("" for none) and says each of the
// words.
func wantProblem(tb testing.TB, w *httptest.ResponseRecorder, status int, parameter string, words ...string) {
	tb.Helper()
	if w.Code != status {
		tb.Errorf("status %d, want %d: %s", w.Code, status, w.Body)
		return
	}
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		tb.Errorf("content type %q", got)
	}
	var p answer.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		tb.Errorf("%v in %s", err, w.Body)
		return
	}
	if p.Status != status || p.Title != http.StatusText(status) || !strings.HasPrefix(p.Type, "urn:kaskad:problem:") ||
		p.Detail == "" {
		tb.Errorf("members are missing in %s", w.Body)
	}
	if parameter != "" && (len(p.Errors) == 0 || p.Errors[0].Parameter != parameter) {
		tb.Errorf("%s does not name parameter %q", w.Body, parameter)
	}
	for _, word := range words {
		if !strings.Contains(p.Detail, word) {
			tb.Errorf("%q does not say %q", p.Detail, word)
		}
	}
}

// metricOf returns the value that GET /metrics shows for a metric with its labels, "" when there is none.
func metricOf(tb testing.TB, s *Server, metric string) string {
	tb.Helper()
	w := get(s, "/metrics")
	if w.Code != http.StatusOK {
		tb.Fatal(w.Body)
	}
	for _, line := range strings.Split(w.Body.String(), "\n") {
		if value, found := strings.CutPrefix(line, metric+" "); found {
			return value
		}
	}
	return ""
}
