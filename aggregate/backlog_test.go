package aggregate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// lookingConn counts how often stored states are looked up, and may have that fail.
type lookingConn struct {
	driver.Conn
	looks atomic.Int64
	fails bool
}

func (c *lookingConn) QueryRow(ctx context.Context, query string, args ...any) driver.Row {
	if strings.Contains(query, "FROM message_states WHERE key IN") {
		c.looks.Add(1)
		if c.fails {
			query = "SELECT throwIf(1, 'no look-ups')"
		}
	}
	return c.Conn.QueryRow(ctx, query, args...)
}

// An edition whose look-ups fail is not published, and the next one has all of it once.
func TestEdition_LookUp_Fails(t *testing.T) {
	conn := &lookingConn{Conn: connect(t)}
	at := noon.Add(-2 * time.Hour)
	lines := func(status string, at time.Time) []byte {
		var all strings.Builder
		for i := range 10 {
			hour := noon.Add(-time.Duration(2+i%3) * time.Hour)
			all.WriteString(line(fmt.Sprint("m", i), status, at.Add(time.Duration(i)*time.Second), submitted(hour)...))
		}
		return []byte(all.String())
	}
	a := newAggregator(conn, noon)
	a.flushEvery, a.mergeAtOnce = 2, 3
	load(t, conn, "t1", lines("sent", at), noon)
	settle(t, a)
	load(t, conn, "t2", lines("delivered", at.Add(time.Minute)), noon)
	conn.fails = true
	if worked, err := a.pass(t.Context()); err == nil || worked {
		t.Fatalf("a pass that looks up nothing: worked %v, %v", worked, err)
	}
	delivered := func() uint64 {
		return count(t, conn, "SELECT sum(delivered)::UInt64 FROM "+published("rollup_attempts", "quarter"))
	}
	if n := delivered(); n != 0 {
		t.Errorf("%d are delivered, want none yet", n)
	}
	// The next one fails when some of it is written.
	conn.fails = false
	failing := &failingConn{Conn: conn, statement: "INSERT INTO rollup_attempts", passes: 2, err: errors.New("refused")}
	a.deps.Conn = failing
	if _, err := a.turn(t.Context()); !errors.Is(err, failing.err) || failing.passes > 0 {
		t.Fatalf("the third block of cells is refused, and a turn ends with %v", err)
	}
	failing.statement = "none"
	settle(t, a)
	if n := delivered(); n != 10 {
		t.Errorf("%d are delivered, want 10", n)
	}
	mustBeFacts(t, conn)
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
