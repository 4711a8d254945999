package aggregate

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// lookingConn counts how often stored states are looked up.
type lookingConn struct {
	driver.Conn
	looks atomic.Int64
}

func (c *lookingConn) QueryRow(ctx context.Context, query string, args ...any) driver.Row {
	if query == statement("states") {
		c.looks.Add(1)
	}
	return c.Conn.QueryRow(ctx, query, args...)
}

// Of an hour that nothing was published of no state is stored, so none is looked up; of any other all are.
func TestEdition_LookUp_HoursWithStates(t *testing.T) {
	conn := &lookingConn{Conn: connect(t)}
	at := noon.Add(-2 * time.Hour)
	touchHourOfO := func() {
		if err := conn.Exec(t.Context(), "INSERT INTO touched (account, bucket, id, at_ms, sign) SELECT DISTINCT "+
			"account, bucket, generateUUIDv4(), 1, 1 FROM attempts WHERE message_id = 'o'"); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		name    string
		prepare func()
		looks   int64
	}{
		{"a message of a new hour", func() {
			load(t, conn, "t1", []byte(line("m", "sent", at, submitted(at)...)), noon)
		}, 0},
		{"the same message again", func() {
			load(t, conn, "t2", []byte(line("m", "delivered", at.Add(time.Second), submitted(at)...)), noon)
		}, 1},
		{"another message of that hour", func() {
			load(t, conn, "t3", []byte(line("n", "sent", at, submitted(at)...)), noon)
		}, 1},
		{"a new hour that is computed whole", func() {
			before := at.Add(-time.Hour)
			load(t, conn, "t4", []byte(line("o", "sent", before, submitted(before)...)), noon)
			touchHourOfO()
		}, 0},
		{"that hour once more", touchHourOfO, 1},
	} {
		step.prepare()
		before := conn.looks.Load()
		settle(t, newAggregator(conn, noon)) // one that starts, and reads which hours there are
		if looks := conn.looks.Load() - before; looks != step.looks {
			t.Errorf("%s: %d look-ups, want %d", step.name, looks, step.looks)
		}
	}
	for status, want := range map[string]uint64{"sent": 3, "delivered": 1} {
		n := count(t, conn, "SELECT sum("+status+")::UInt64 FROM "+published("rollup_attempts", "quarter"))
		if n != want {
			t.Errorf("%d are %s, want %d", n, status, want)
		}
	}
}

// While what waits is old, rounds of verdicts are few and large.
func TestNumbers_Rest(t *testing.T) {
	n := &numbers{Aggregator: New(Config{Now: func() time.Time { return noon }}, Deps{})}
	for _, c := range []struct{ asOf, took, want time.Duration }{
		{0, 2 * time.Second, 14 * time.Second},
		{numbersYield, 2 * time.Second, 14 * time.Second},
		{numbersYield, time.Minute, numbersWait},
		{numbersYield + time.Millisecond, 2 * time.Second, 40 * time.Second},
		{time.Hour, time.Minute, numbersWaitBehind},
		{time.Hour, 0, 0},
	} {
		n.lastAsOfMS.Store(noon.Add(-c.asOf).UnixMilli())
		if n.took = c.took; n.rest() != c.want {
			t.Errorf("after a round of %v, %v behind: a rest of %v, want %v", c.took, c.asOf, n.rest(), c.want)
		}
	}
}
