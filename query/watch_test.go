package query

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/gin-gonic/gin"

	"kaskad/engine"
	"kaskad/schema"
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

// pingConn answers pings as it is told.
type pingConn struct {
	noConn
	dead  atomic.Bool
	pings atomic.Int64
}

func (c *pingConn) Ping(ctx context.Context) error {
	c.pings.Add(1)
	if !c.dead.Load() {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

func TestServer_Watch_Cases(t *testing.T) {
	const silence = 500 * time.Millisecond
	newWatched := func() (*Server, *pingConn) {
		conn := &pingConn{}
		s := newServer(t, conn)
		s.silence = silence
		return s, conn
	}
	t.Run("Silent", func(t *testing.T) {
		s, conn := newWatched()
		conn.dead.Store(true)
		begin := time.Now()
		ctx, end := s.watch(t.Context())
		<-ctx.Done()
		var p *Problem
		if err := end(ctx.Err()); !errors.As(err, &p) || p.Status != http.StatusServiceUnavailable ||
			p.retryAfter == 0 || !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if took := time.Since(begin); took < silence || took > 4*silence {
			t.Errorf("told after %s", took)
		}
		if n := conn.pings.Load(); n < 2 {
			t.Errorf("%d pings", n)
		}
	})
	t.Run("Slow", func(t *testing.T) { // it answers pings and makes no progress
		s, conn := newWatched()
		ctx, end := s.watch(t.Context())
		select {
		case <-ctx.Done():
			t.Error("a slow statement was ended")
		case <-time.After(3 * silence):
		}
		if err := end(nil); err != nil || conn.pings.Load() == 0 {
			t.Errorf("%v after %d pings", err, conn.pings.Load())
		}
	})
	t.Run("Progress", func(t *testing.T) { // and the other way round
		s, conn := newWatched()
		conn.dead.Store(true)
		ctx, end := s.watch(t.Context())
		for begin := time.Now(); time.Since(begin) < 3*silence && ctx.Err() == nil; time.Sleep(silence / 50) {
			ctx.Value(pulseKey{}).(*pulse).beat()
		}
		if err := end(ctx.Err()); err != nil {
			t.Errorf("a statement that makes progress was ended: %v", err)
		}
	})
	t.Run("Quick", func(t *testing.T) {
		s, conn := newWatched()
		ctx, end := s.watch(t.Context())
		if err := end(nil); err != nil || ctx.Err() == nil || conn.pings.Load() != 0 {
			t.Errorf("%v, %v, %d pings", err, ctx.Err(), conn.pings.Load())
		}
	})
	t.Run("Left", func(t *testing.T) {
		s, _ := newWatched()
		parent, leave := context.WithCancel(t.Context())
		ctx, end := s.watch(parent)
		leave()
		<-ctx.Done()
		if err := end(ctx.Err()); !errors.Is(err, context.Canceled) || silent(ctx) != nil {
			t.Errorf("%v", err)
		}
	})
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
		engine.Config{Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler), MaxMemory: 1 << 30})
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
	freeze := func(signal syscall.Signal) {
		if err := syscall.Kill(own.PID(), signal); err != nil {
			t.Fatal(err)
		}
	}
	freeze(syscall.SIGSTOP)
	defer freeze(syscall.SIGCONT)
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
	// A statement that is slow and alive lasts for longer than silence may.
	slow := gin.New()
	slow.GET("/", s.take(s.queries), s.handle(func(c *gin.Context) error {
		var n uint64
		err := conn.QueryRow(s.settings(c.Request.Context()),
			"SELECT sum(sleepEachRow(1)) + count() FROM numbers(12) SETTINGS max_block_size = 1, "+
				"function_sleep_max_microseconds_per_block = 0").Scan(&n)
		c.Status(http.StatusOK)
		return err
	}))
	begin = time.Now()
	w := newRecorder()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if slow.ServeHTTP(w, r); w.Code != http.StatusOK || time.Since(begin) < maxSilence {
		t.Errorf("a slow statement: %d after %s: %s", w.Code, time.Since(begin), w.Body)
	}
}
