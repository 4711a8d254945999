package aggregate

import (
	"context"
	"strings"
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
	if strings.Contains(query, "FROM message_states WHERE key IN") {
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
