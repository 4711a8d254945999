package query

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/gin-gonic/gin"

	"kaskad/engine"
	"kaskad/query/store"
	"kaskad/schema"
	"kaskad/schema/keys"
)

// awayConn is a ClickHouse that nobody reaches.
type awayConn struct{ noConn }

type awayRow struct{}

func (awayRow) Err() error           { return io.EOF }
func (awayRow) Scan(...any) error    { return io.EOF }
func (awayRow) ScanStruct(any) error { return io.EOF }

func (awayConn) Query(context.Context, string, ...any) (driver.Rows, error) { return nil, io.EOF }
func (awayConn) QueryRow(context.Context, string, ...any) driver.Row        { return awayRow{} }
func (awayConn) Exec(context.Context, string, ...any) error                 { return io.EOF }
func (awayConn) Ping(context.Context) error                                 { return io.EOF }
func (awayConn) ServerVersion() (*driver.ServerVersion, error)              { return nil, io.EOF }
func (awayConn) PrepareBatch(context.Context, string, ...driver.PrepareBatchOption) (driver.Batch, error) {
	return nil, io.EOF
}

// A frozen engine is told of after ten seconds by every kind of route that reads it. Once it goes on so do they.
func TestServer_Watch_FrozenEngine(t *testing.T) {
	t.Parallel()
	if err := engine.Available(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	own, err := engine.StartClickHouse(t.Context(),
		engine.Config{Dir: t.TempDir(), Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), MaxMemory: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := own.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	options, err := clickhouse.ParseDSN(own.DSN())
	if err != nil {
		t.Fatal(err)
	}
	options.MaxOpenConns, options.MaxIdleConns = 32, 16
	schema.InterruptibleDial(options)
	db := clickhouse.OpenDB(options)
	defer db.Close()
	if _, err := schema.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s := newServer(t, conn)
	if w := get(s, "/v1/reports/channels"); w.Code != http.StatusOK {
		t.Fatal(w.Body)
	}
	known := newServer(t, conn, withKeys, func(_ *Config, d *Deps) { d.Producer = &records{} })
	sender := makeKey(t, conn, "acme", keys.Ingest|keys.Analyst)
	if w := bearer(known, sender, http.MethodPost, "/v1/events", goodEvent); w.Code != http.StatusAccepted {
		t.Fatal(w.Body)
	}
	freeze := func(signal syscall.Signal) {
		if err := syscall.Kill(own.PID(), signal); err != nil {
			t.Fatal(err)
		}
	}
	freeze(syscall.SIGSTOP)
	defer freeze(syscall.SIGCONT)
	for { // a busy machine takes its time to stop it
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		err := conn.Ping(ctx)
		if cancel(); err != nil {
			break
		}
	}
	begin := time.Now()
	targets := []string{"GET /v1/reports/channels", "GET /v1/reports/savings", "GET /v1/reports/penetration",
		"GET /v1/status", "GET /v1/messages/x", "GET /v1/numbers/changes",
		"GET /v1/numbers/dead?limit=all&format=csv", "GET /v1/tariffs?account=a", "POST /v1/numbers/check?account=a"}
	done := make(chan time.Duration)
	for _, target := range targets {
		go func() {
			method, path, _ := strings.Cut(target, " ")
			w := call(s, method, path, strings.NewReader(`{"numbers":["+79001234567"]}`))
			wantProblem(t, w, http.StatusServiceUnavailable, "", "does not answer")
			if w.Header().Get("Retry-After") == "" {
				t.Errorf("%s: no Retry-After", target)
			}
			done <- time.Since(begin)
		}()
	}
	for range targets {
		if took := <-done; took < 9*time.Second || took > 20*time.Second {
			t.Errorf("told after %s", took)
		}
	}
	// A key that was known goes on sending events, and nothing else.
	if w := bearer(known, sender, http.MethodPost, "/v1/events", goodEvent); w.Code != http.StatusAccepted {
		t.Errorf("events: %s", w.Body)
	}
	wantProblem(t, bearer(known, sender, http.MethodGet, "/v1/forecasts/break-even?channel_price=1&sms_price=2", ""),
		http.StatusServiceUnavailable, "", "cannot be checked")
	freeze(syscall.SIGCONT)
	for deadline := time.Now().Add(30 * time.Second); ; {
		w := get(s, "/v1/reports/channels")
		if w.Code == http.StatusOK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("it goes on, and the answer is %s", w.Body)
		}
	}
	runtime.GC() // of what was given up while it was frozen
	if w := get(s, "/v1/reports/channels"); w.Code != http.StatusOK || own.Crashes() != 0 {
		t.Errorf("it goes on, but not for long: %d %s after %d crashes", w.Code, w.Body, own.Crashes())
	}
}

// A statement that is slow and alive lasts for longer than silence may.
func TestServer_Watch_SlowStatement(t *testing.T) {
	conn := newConn(t)
	s := newServer(t, conn)
	slow := gin.New()
	slow.GET("/", s.mount.Take(&s.gate.Queries), s.mount.Handle(func(c *gin.Context) error {
		var n uint64
		err := conn.QueryRow(s.db.Settings(c.Request.Context()),
			"SELECT sum(sleepEachRow(1)) + count() FROM numbers(12) SETTINGS max_block_size = 1, "+
				"function_sleep_max_microseconds_per_block = 0").Scan(&n)
		c.Status(http.StatusOK)
		return err
	}))
	begin := time.Now()
	w := newRecorder()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if slow.ServeHTTP(w, r); w.Code != http.StatusOK || time.Since(begin) < store.MaxSilence {
		t.Errorf("a slow statement: %d after %s: %s", w.Code, time.Since(begin), w.Body)
	}
}
