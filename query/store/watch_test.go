package store

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
)

// pingConn answers pings as it is told.
type pingConn struct {
	driver.Conn
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

func TestDB_Watch_Cases(t *testing.T) {
	const silence = 500 * time.Millisecond
	newWatched := func() (*DB, *pingConn) {
		conn := &pingConn{}
		return &DB{Conn: conn, Silence: silence}, conn
	}
	t.Run("Silent", func(t *testing.T) {
		db, conn := newWatched()
		conn.dead.Store(true)
		begin := time.Now()
		ctx, end := db.Watch(t.Context())
		<-ctx.Done()
		var p *answer.Problem
		if err := end(ctx.Err()); !errors.As(err, &p) || p.Status != http.StatusServiceUnavailable ||
			retryAfter(p) == "" || !errors.Is(err, context.Canceled) {
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
		db, conn := newWatched()
		ctx, end := db.Watch(t.Context())
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
		db, conn := newWatched()
		conn.dead.Store(true)
		ctx, end := db.Watch(t.Context())
		for begin := time.Now(); time.Since(begin) < 3*silence && ctx.Err() == nil; time.Sleep(silence / 50) {
			ctx.Value(pulseKey{}).(*pulse).beat()
		}
		if err := end(ctx.Err()); err != nil {
			t.Errorf("a statement that makes progress was ended: %v", err)
		}
	})
	t.Run("Quick", func(t *testing.T) {
		db, conn := newWatched()
		ctx, end := db.Watch(t.Context())
		if err := end(nil); err != nil || ctx.Err() == nil || conn.pings.Load() != 0 {
			t.Errorf("%v, %v, %d pings", err, ctx.Err(), conn.pings.Load())
		}
	})
	t.Run("Left", func(t *testing.T) {
		db, _ := newWatched()
		parent, leave := context.WithCancel(t.Context())
		ctx, end := db.Watch(parent)
		leave()
		<-ctx.Done()
		if err := end(ctx.Err()); !errors.Is(err, context.Canceled) || Silent(ctx) != nil {
			t.Errorf("%v", err)
		}
	})
}

// retryAfter is what the answer to a problem says of coming again.
func retryAfter(p *answer.Problem) string {
	w := httptest.NewRecorder()
	c, _ := gin.CreateTestContext(w)
	p.Send(c)
	return w.Header().Get("Retry-After")
}
