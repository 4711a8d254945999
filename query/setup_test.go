package query

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"

	"kaskad/engine/enginetest"
	"kaskad/query/querytest"
	"kaskad/query/report"
	"kaskad/schema"
	"kaskad/schema/schematest"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// testNow is the clock of most tests.
var testNow = querytest.Now()

// newConn returns a migrated database of the test's own.
func newConn(tb testing.TB) driver.Conn {
	tb.Helper()
	return schematest.Conn(tb)
}

func execute(tb testing.TB, conn driver.Conn, statement string, args ...any) {
	tb.Helper()
	querytest.Execute(tb, conn, statement, args...)
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
	documented.Store(s, querytest.Document(s.Handler(), s.all))
	tb.Cleanup(func() { documented.Delete(s) })
	return s
}

// call sends a request to the server's handler as a client on this machine would.
func call(s *Server, method, target string, body io.Reader, headers ...string) *httptest.ResponseRecorder {
	return querytest.Call(handler(s), method, target, body, headers...)
}

// documented are the servers of tests that run, each held against its document.
var documented sync.Map

// handler is the server's, whose answers are held against GET /openapi.json.
func handler(s *Server) http.Handler {
	if d, known := documented.Load(s); known {
		return d.(http.Handler)
	}
	return s.Handler()
}

func get(s *Server, target string, headers ...string) *httptest.ResponseRecorder {
	return call(s, http.MethodGet, target, nil, headers...)
}

func decode(tb testing.TB, w *httptest.ResponseRecorder, status int, to any) {
	tb.Helper()
	querytest.Decode(tb, w, status, to)
}

func channelReport(tb testing.TB, s *Server, query string) querytest.Report {
	tb.Helper()
	var reply querytest.Report
	decode(tb, get(s, "/v1/reports/channels?"+query), http.StatusOK, &reply)
	return reply
}

func wantProblem(tb testing.TB, w *httptest.ResponseRecorder, status int, parameter string, words ...string) {
	tb.Helper()
	querytest.WantProblem(tb, w, status, parameter, words...)
}

// pageAnswer is a page of a list.
type pageAnswer struct {
	Rows       []map[string]any `json:"rows"`
	NextCursor *string          `json:"next_cursor"`
}

func listed(tb testing.TB, s *Server, route, query string) (reply pageAnswer) {
	tb.Helper()
	decode(tb, get(s, "/v1/"+route+"?"+query), http.StatusOK, &reply)
	return reply
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

// reportNamed returns a report of the API.
func reportNamed(tb testing.TB, name string) *report.Report {
	tb.Helper()
	for _, r := range report.All() {
		if r.Name == name {
			return r
		}
	}
	tb.Fatalf("there is no report %s", name)
	return nil
}
