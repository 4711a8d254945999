// Package querytest lets tests call a room of the API as clients do, by its routes alone.
package querytest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/mount"
	"kaskad/query/store"
	"kaskad/schema"
)

// Turns is how many requests of a kind run at a time in a room under test.
const Turns = 8

// Now is the clock of most tests.
func Now() time.Time { return time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC) }

// DB is ClickHouse as a room reads it, with the clock fixed at Now and a key of its own for cursors.
func DB(conn driver.Conn) *store.DB {
	return &store.DB{Conn: conn, Now: Now, Fixed: true, QueryTime: 30 * time.Second, Silence: store.MaxSilence,
		Cursors: answer.NewCursors([]schema.CursorKey{{1}}, nil)}
}

// Gate lets Turns requests of each kind in.
func Gate() *answer.Gate {
	turns := func() answer.Turns { return answer.NewTurns(Turns, 5*time.Second) }
	g := &answer.Gate{Queries: turns(), Overrides: turns(), Exports: turns(), Workbooks: turns(), Looks: turns(),
		Uploads: turns(), Unpacking: turns(), Stopping: make(chan struct{}), By: "auth off",
		Note: func(*gin.Context, string) error { return nil }}
	g.Bodies.Store(256 << 20)
	return g
}

// Handler serves the routes of a room as the server does, and holds the answers against what the routes say.
func Handler(db *store.DB, gate *answer.Gate, routes []answer.Route) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.UseRawPath = true
	(&mount.Mount{DB: db, Gate: gate, Logger: slog.New(slog.DiscardHandler)}).Routes(r, routes)
	return Document(r.Handler(), routes)
}

// Execute runs a statement.
func Execute(tb testing.TB, conn driver.Conn, statement string, args ...any) {
	tb.Helper()
	if err := conn.Exec(tb.Context(), statement, args...); err != nil {
		tb.Fatalf("%s: %v", statement, err)
	}
}

// Call sends a request as a client on this machine would.
func Call(h http.Handler, method, target string, body io.Reader, headers ...string) *httptest.ResponseRecorder {
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
	h.ServeHTTP(w, r)
	return check(h, r, w)
}

// Get is Call of GET.
func Get(h http.Handler, target string, headers ...string) *httptest.ResponseRecorder {
	return Call(h, http.MethodGet, target, nil, headers...)
}

// PostJSON is Call of POST with a body in JSON.
func PostJSON(h http.Handler, path, body string, headers ...string) *httptest.ResponseRecorder {
	return Call(h, http.MethodPost, path, strings.NewReader(body),
		append([]string{"Content-Type", "application/json"}, headers...)...)
}

// Gzip packs a body.
func Gzip(tb testing.TB, body string) string {
	tb.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte(body)); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return packed.String()
}

// Decode reads an answer of the wanted status; numbers keep their digits.
func Decode(tb testing.TB, w *httptest.ResponseRecorder, status int, to any) {
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

// WantProblem checks the form of an error answer and that it names the parameter ("" for none) and says each of the
// words.
func WantProblem(tb testing.TB, w *httptest.ResponseRecorder, status int, parameter string, words ...string) {
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

// Metric returns the value that a gatherer has for a metric with its labels, "" when there is none.
func Metric(tb testing.TB, gatherer prometheus.Gatherer, metric string) string {
	tb.Helper()
	w := httptest.NewRecorder()
	promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
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

// PutPrices stores a list of reference data, of rows in JSON, and returns its version.
func PutPrices(tb testing.TB, conn driver.Conn, kind, account string, rows ...string) uint64 {
	tb.Helper()
	list := []byte("[" + strings.Join(rows, ",") + "]")
	if kind == schema.ReferenceTariffs {
		// As a PUT stores them, with all fields, unless a test wants a list that is none.
		whole := slices.Concat([]byte(`{"tariffs":`), list, []byte("}"))
		if tariffs, err := money.ParseTariffsJSON(whole); err == nil {
			if list, err = json.Marshal(tariffs); err != nil {
				tb.Fatal(err)
			}
		}
	}
	version, err := schema.InsertReference(tb.Context(), conn, kind, account, "test", len(rows), list, Now())
	if err != nil {
		tb.Fatal(err)
	}
	return version
}

// Put puts a list that is right by its route, and returns its version.
func Put(tb testing.TB, h http.Handler, target, body string, headers ...string) uint64 {
	tb.Helper()
	var stored struct {
		Version uint64 `json:"version"`
	}
	Decode(tb, Call(h, http.MethodPut, target, strings.NewReader(body), headers...), http.StatusOK, &stored)
	return stored.Version
}

// PutTariffs stores the tariffs of an account and returns their version.
func PutTariffs(tb testing.TB, conn driver.Conn, account string, rows ...string) uint64 {
	tb.Helper()
	return PutPrices(tb, conn, schema.ReferenceTariffs, account, rows...)
}

// TariffRow is a row that prices a channel from 2026 on.
func TariffRow(channel, billing, price string, more ...string) string {
	row := fmt.Sprintf(`"channel":%q,"billing":%q,"price":%q,"currency":"RUB"`, channel, billing, price)
	for i := 0; i+1 < len(more); i += 2 {
		row += fmt.Sprintf(",%q:%q", more[i], more[i+1])
	}
	if !slices.Contains(more, "valid_from") {
		row += `,"valid_from":"2026-01-01T00:00:00Z"`
	}
	return "{" + row + "}"
}
