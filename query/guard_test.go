package query

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
	"kaskad/query/querytest"
)

// noConn is a connection that no test here gets to use.
type noConn struct{ driver.Conn }

func TestNew_Errors(t *testing.T) {
	for name, c := range map[string]struct {
		config Config
		deps   Deps
		word   string
	}{
		"no auth":      {Config{}, Deps{Conn: noConn{}}, `auth must be "keys" or "off"`},
		"other auth":   {Config{Auth: "none"}, Deps{Conn: noConn{}}, `auth must be "keys" or "off"`},
		"short key":    {Config{Auth: "keys", AdminKey: "short"}, Deps{Conn: noConn{}}, "32 at least"},
		"no conn":      {Config{Auth: "off"}, Deps{}, "ClickHouse is required"},
		"limits":       {Config{Auth: "off", MaxBody: -1}, Deps{Conn: noConn{}}, "positive"},
		"long queries": {Config{Auth: "off", QueryTime: time.Hour}, Deps{Conn: noConn{}}, "9 minutes"},
	} {
		if _, err := New(c.config, c.deps); err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("%s: %v, want %q", name, err, c.word)
		}
	}
}

func TestServer_Guard_Hosts(t *testing.T) {
	s := newServer(t, noConn{})
	for _, host := range []string{"127.0.0.1", "127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]", "[::1]:8080"} {
		if w := get(s, "/healthz", "Host", host); w.Code != http.StatusOK {
			t.Errorf("host %q: %s", host, w.Body)
		}
	}
	for _, host := range []string{"", "evil.example", "evil.example:8080", "127.0.0.1.evil.example",
		"localhost.evil.example", "127.0.0.1:8080@evil.example",
		"localhost:evil", "0.0.0.0", "192.168.0.1:80", "[::2]", "::1", "localhost:", "[fe80::1%25lo]:80"} {
		wantProblem(t, get(s, "/healthz", "Host", host), http.StatusForbidden, "", "localhost")
	}
	for _, origin := range []string{"http://127.0.0.1:8080", "http://localhost:3000", "https://[::1]"} {
		if w := get(s, "/healthz", "Origin", origin); w.Code != http.StatusOK {
			t.Errorf("origin %q: %s", origin, w.Body)
		}
	}
	for _, origin := range []string{"null", "https://evil.example", "http://localhost.evil.example", "file://",
		"localhost", "http://localhost@evil.example", "%"} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodOptions} {
			wantProblem(t, call(s, method, "/v1/events", nil, "Origin", origin), http.StatusForbidden, "", "origin")
		}
	}
	open := newServer(t, noConn{}, func(c *Config, _ *Deps) { c.InsecureListen = true })
	if w := get(open, "/healthz", "Host", "kaskad:8080", "Origin", "https://grafana.example"); w.Code != http.StatusOK {
		t.Errorf("insecure listen: %s", w.Body)
	}
}

func TestServer_Guard_Headers(t *testing.T) {
	s := newServer(t, noConn{})
	for _, path := range []string{"/", "/nowhere", "/healthz", "/v1/reports/channels?x=1"} {
		h := get(s, path).Header()
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
			"Referrer-Policy":              "no-referrer",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Content-Security-Policy":      "default-src 'none'; frame-ancestors 'none'"} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
	}
}

func TestServer_Routes_Errors(t *testing.T) {
	s := newServer(t, noConn{})
	for _, path := range []string{"/v1/audience/lost", "/nowhere", "/v1", "/v1/reports", "/v1/reports/channels/",
		"/v1/messages/", "/v1/messages/a/b", "/v1/error_map"} {
		wantProblem(t, get(s, path), http.StatusNotFound, "")
	}
	for target, allow := range map[string]string{"DELETE /v1/reports/channels": "GET", "PUT /v1/events": "POST",
		"POST /v1/status": "GET", "POST /v1/tariffs?account=a": "PUT", "GET /v1/sms/segments": "POST",
		"GET /v1/forecasts/savings": "POST", "GET /v1/forecasts/from-history?account=a": "POST",
		"POST /v1/forecasts/break-even": "GET", "POST /v1/templates?account=a": "PUT"} {
		method, path, _ := strings.Cut(target, " ")
		w := call(s, method, path, nil)
		wantProblem(t, w, http.StatusMethodNotAllowed, "", "use ")
		if got := w.Header().Get("Allow"); !strings.Contains(got, allow) {
			t.Errorf("%s: Allow is %q", target, got)
		}
	}
	for _, path := range []string{"/v1/status", "/v1/definitions", "/", "/v1/rejected", "/v1/messages/x"} {
		wantProblem(t, get(s, path+"?colour=red"), http.StatusBadRequest, "colour")
	}
	wantProblem(t, call(s, http.MethodPost, "/v1/events?colour=red", strings.NewReader("{}")), http.StatusBadRequest,
		"colour")
	w := get(s, "/")
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "/v1/reports/channels") {
		t.Errorf("landing: %d %s", w.Code, w.Body)
	}
	if w := call(s, http.MethodHead, "/healthz", nil); w.Code != http.StatusOK {
		t.Errorf("HEAD: %d", w.Code)
	}
}

func TestServer_Recover_Panic(t *testing.T) {
	var log strings.Builder
	s := newServer(t, noConn{}, func(_ *Config, d *Deps) { d.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	// noConn panics when it is used.
	wantProblem(t, get(s, "/v1/status"), http.StatusInternalServerError, "", "log")
	if !strings.Contains(log.String(), "request panicked") || !strings.Contains(log.String(), "status.go") {
		t.Errorf("the log does not say where: %s", log.String())
	}
	if w := get(s, "/healthz"); w.Code != http.StatusOK {
		t.Errorf("afterwards: %s", w.Body)
	}
}

func TestServer_Log_NoPeople(t *testing.T) {
	var log strings.Builder
	s := newServer(t, noConn{}, func(_ *Config, d *Deps) { d.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	get(s, "/v1/messages/m-79001234567?account=secret&x=1")
	if got := log.String(); !strings.Contains(got, "/v1/messages/:id") || strings.Contains(got, "79001234567") ||
		strings.Contains(got, "secret") {
		t.Errorf("log: %s", got)
	}
}

// No text reaches the log, whatever the answer is.
func TestServer_Log_NoTexts(t *testing.T) {
	var log bytes.Buffer
	s := newServer(t, noConn{}, func(_ *Config, d *Deps) {
		d.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	for _, body := range []string{`{"text":"secret"}`, `{"text":"secret","secret":1}`, `{"text":"secret"`,
		`{"text":"` + strings.Repeat("secret", 3000) + `"}`, `secret`} {
		w := querytest.PostJSON(handler(s), "/v1/sms/segments", body)
		if w.Code != http.StatusOK && strings.Contains(strings.ReplaceAll(w.Body.String(), `"parameter":"secret"`, ""),
			"secretsecret") {
			t.Errorf("an error says the text: %s", w.Body)
		}
	}
	if log.Len() == 0 || strings.Contains(log.String(), "secret") {
		t.Errorf("the log says %s", fmt.Sprint(log.String()))
	}
}

func TestServer_Take_Busy(t *testing.T) {
	s := newServer(t, noConn{})
	turns := answer.NewTurns(1, 20*time.Millisecond)
	release, err := turns.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	gone, _ := gin.CreateTestContext(newRecorder())
	gone.Request = r
	s.mount.Take(&turns)(gone)
	if !gone.IsAborted() || gone.Writer.Status() != 499 {
		t.Errorf("a caller who left got %d", gone.Writer.Status())
	}
	w := newRecorder()
	busy, _ := gin.CreateTestContext(w)
	busy.Request = r.WithContext(t.Context())
	s.mount.Take(&turns)(busy)
	wantProblem(t, w, http.StatusServiceUnavailable, "", "1 requests")
	if w.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

func TestServer_Run_Listeners(t *testing.T) {
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, noConn{})
	if err := s.Run(t.Context(), listener); err == nil || !strings.Contains(err.Error(), "--insecure-listen") {
		t.Errorf("an open listener: %v", err)
	}
	if _, err := listener.Accept(); err == nil {
		t.Error("the refused listener is still open")
	}
}

// A request in flight is finished after the context ended.
func TestServer_Run_Graceful(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	produced := make(chan struct{})
	release := make(chan struct{})
	s := newServer(t, noConn{}, func(_ *Config, d *Deps) {
		d.Producer = producerFunc(func(ctx context.Context, _, _ [][]byte) error {
			close(produced)
			<-release
			return ctx.Err()
		})
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, listener) }()
	answered := make(chan string, 1)
	go func() {
		response, err := http.Post("http://"+listener.Addr().String()+"/v1/events", "application/json",
			strings.NewReader(goodEvent))
		if err != nil {
			answered <- err.Error()
			return
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		answered <- response.Status + " " + string(body)
	}()
	<-produced
	stop()
	select {
	case err := <-ended:
		t.Fatalf("Run returned with a request in flight: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	close(release)
	if got := <-answered; !strings.HasPrefix(got, "202") {
		t.Errorf("the request in flight got %s", got)
	}
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
}
