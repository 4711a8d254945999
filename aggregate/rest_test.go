package aggregate

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// countingConn counts statements.
type countingConn struct {
	driver.Conn
	reads, writes atomic.Int64
}

func (c *countingConn) Query(ctx context.Context, query string, args ...any) (driver.Rows, error) {
	c.reads.Add(1)
	return c.Conn.Query(ctx, query, args...)
}

func (c *countingConn) QueryRow(ctx context.Context, query string, args ...any) driver.Row {
	c.reads.Add(1)
	return c.Conn.QueryRow(ctx, query, args...)
}

func (c *countingConn) Exec(ctx context.Context, query string, args ...any) error {
	c.writes.Add(1)
	return c.Conn.Exec(ctx, query, args...)
}

// At rest few statements are made, and yet as_of goes on.
func TestAggregator_Run_Rest(t *testing.T) {
	conn := &countingConn{Conn: connect(t)}
	load(t, conn, "t", []byte(line("m", "delivered", noon, submitted(noon)...)), noon)
	a := New(Config{Exclusive: true}, Deps{Conn: conn, Reject: noLetters})
	run(t, a)
	// The verdict waits until no more editions follow.
	for _, table := range []string{"generations", "number_health"} {
		waitFor(t, func() bool { return count(t, conn.Conn, "SELECT count() FROM "+table) > 0 })
	}
	// The wait between looks has grown by then.
	_, began := a.Freshness()
	after := func(d time.Duration) func() bool {
		return func() bool { _, at := a.Freshness(); return at.Sub(began) >= d }
	}
	waitFor(t, after(4*time.Second))
	reads, writes := conn.reads.Load(), conn.writes.Load()
	before, began := a.Freshness()
	waitFor(t, after(10*time.Second))
	now, at := a.Freshness()
	span := at.Sub(began)
	// Days, what is due each minute, and what alerts read each five minutes.
	if reads = conn.reads.Load() - reads; reads > int64(span.Seconds())+24 {
		t.Errorf("%d queries in %v of rest", reads, span)
	}
	if writes = conn.writes.Load() - writes; writes > int64(span/restEvery)+2 {
		t.Errorf("%d writes in %v of rest", writes, span)
	}
	if went := time.Duration(now-before) * time.Millisecond; went < span-2*time.Second {
		t.Errorf("as_of went on by %v in %v", went, span)
	}
}

// Whoever stores touches in the same process need not wait for the next look.
func TestAggregator_Wake(t *testing.T) {
	conn := connect(t)
	a := New(Config{Exclusive: true, Poll: time.Hour}, Deps{Conn: conn, Reject: noLetters})
	run(t, a)
	waitFor(t, func() bool { _, at := a.Freshness(); return !at.IsZero() }) // it has looked, and waits
	load(t, conn, "t", []byte(line("m", "delivered", noon, submitted(noon)...)), noon)
	a.Wake()
	waitFor(t, func() bool { return count(t, conn, "SELECT count() FROM generations") > 0 })
}

// run runs an aggregator until the test ends.
func run(t *testing.T, a *Aggregator) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Small editions are kept apart, and long passes rest for a part of what they took.
func TestRestAfter(t *testing.T) {
	const poll = 150 * time.Millisecond
	for took, want := range map[time.Duration]time.Duration{
		time.Millisecond:       poll,
		50 * time.Millisecond:  poll,
		100 * time.Millisecond: 300 * time.Millisecond,
		140 * time.Millisecond: 420 * time.Millisecond,
		200 * time.Millisecond: 400 * time.Millisecond,
		500 * time.Millisecond: poll,
		time.Second:            200 * time.Millisecond,
		time.Minute:            targetPass,
	} {
		if got := restAfter(took, poll); got != want {
			t.Errorf("after a pass of %v: %v, want %v", took, got, want)
		}
	}
}
