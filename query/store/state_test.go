package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/engine/enginetest"
	"kaskad/schema/schematest"
)

func stateDB(conn driver.Conn) *DB {
	return &DB{Conn: conn, Now: time.Now, QueryTime: time.Minute}
}

func exec(tb testing.TB, conn driver.Conn, statement string, args ...any) {
	tb.Helper()
	if err := conn.Exec(tb.Context(), statement, args...); err != nil {
		tb.Fatalf("%s: %v", statement, err)
	}
}

// stateOf is that of some accounts, of all without any.
func stateOf(tb testing.TB, d *DB, accounts ...string) *State {
	tb.Helper()
	s, err := d.State(tb.Context(), Scope{Accounts: accounts, ToMS: 1 << 42}, time.Now(), nil)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// An answer's as_of is never newer than the edition that it reads: an aggregator publishes first and states as_of
// afterwards, in a table and, where it runs in the same process, at once.
func TestDB_State_Order(t *testing.T) {
	conn := schematest.Conn(t)
	var stated atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	var publishing sync.WaitGroup
	publishing.Go(func() {
		for edition := uint64(1); ctx.Err() == nil; edition++ {
			for _, statement := range []string{"INSERT INTO editions (edition, published) VALUES ($1, true)",
				"INSERT INTO freshness (owner, as_of_ms, pending_buckets, leaving) " +
					"VALUES (generateUUIDv4(), $1, 0, false)"} {
				if err := conn.Exec(t.Context(), statement, edition); err != nil {
					t.Error(err)
					return
				}
			}
			stated.Store(int64(edition))
		}
	})
	reads, told := stateDB(conn), stateDB(conn)
	told.Stated = func() (int64, time.Time) { return stated.Load(), time.Now() }
	met := map[uint64]bool{}
	for i := range enginetest.World(t, 100, 300, 300) {
		s := stateOf(t, []*DB{reads, told}[i%2], "a")
		if s.AsOfMS != nil && uint64(*s.AsOfMS) > s.Edition {
			t.Errorf("as_of %d, edition %d", *s.AsOfMS, s.Edition)
		}
		met[s.Edition] = true
	}
	stop()
	publishing.Wait()
	if len(met) < 20 {
		t.Errorf("only %d editions were met", len(met))
	}
}

// What requests begin with follows editions, builds, dead ones, opt-outs, lists, routes and losses as if all of it were
// read anew each time: of an account, of several and of all, whether ClickHouse tells what tables are made of or not.
func TestDB_State_Follows(t *testing.T) {
	conn := schematest.Conn(t)
	random := rand.New(rand.NewPCG(3, 3))
	follows := map[string]*DB{"looking": stateDB(conn), "blind": stateDB(blind{conn})}
	accounts := []string{"a", "b", "c"}
	scopes := [][]string{nil, {"a"}, {"b"}, {"c"}, {"a", "c"}}
	for edition := uint64(1); edition <= uint64(enginetest.World(t, 10, 15, 40)); edition++ {
		exec(t, conn, "INSERT INTO editions (edition, published) VALUES ($1, false)", edition)
		compare := func(when string) {
			t.Helper()
			for _, scope := range scopes[:1+random.IntN(len(scopes))] {
				want := stateOf(t, stateDB(conn), scope...)
				want.OptOut, want.index = seen(want), nil
				beside := accounts[edition%3]
				of := stateOf(t, stateDB(conn), beside)
				for how, d := range follows {
					got := stateOf(t, d, scope...)
					if other, known := got.Beside(beside); known && !slices.Equal(other.Days, of.Days) {
						t.Fatalf("edition %d, %s, %s: beside %q the days of %s are %v, want %v", edition, when, how,
							scope, beside, other.Days, of.Days)
					}
					got.ReadMS, got.NowMS, got.OptOut, got.index = want.ReadMS, want.NowMS, seen(got), nil
					if !reflect.DeepEqual(got, want) {
						t.Fatalf("edition %d, %s, %s, accounts %q:\n%+v, want\n%+v", edition, when, how, scope, got,
							want)
					}
				}
			}
		}
		for n := range random.IntN(5) {
			account, day := accounts[random.IntN(3)], fmt.Sprintf("2026-11-%02d", 1+random.IntN(9))
			switch random.IntN(9) {
			case 0:
				exec(t, conn, "INSERT INTO builds SELECT account, day, $1, 1 FROM day_changes WHERE edition IN "+
					"(SELECT edition FROM editions WHERE published) ORDER BY rand() LIMIT 1", edition)
			case 1:
				exec(t, conn, "INSERT INTO opt_outs (account, recipient, generation, found) VALUES ($1, 'p', $2, true)",
					account, edition)
			case 2:
				exec(t, conn, "INSERT INTO reference (kind, account, version, id) "+
					"VALUES ($1, $2, $3, generateUUIDv4())",
					[]string{"tariffs", "templates", "error_map"}[random.IntN(3)], account, edition)
			case 3:
				// No two that a merge makes one of.
				exec(t, conn, "INSERT INTO routes (account, channel, provider, version) VALUES ($1, 'sms', $2, 1)",
					account, fmt.Sprint(edition, "-", n))
			case 4:
				exec(t, conn, "INSERT INTO lost_hours (account, bucket, state, version) "+
					"VALUES ($1, '2026-11-03 04:00:00', $2, $3)", account,
					[]string{"open", "accepted"}[random.IntN(2)], 10*edition+uint64(n))
			case 5:
				exec(t, conn, "OPTIMIZE TABLE day_changes FINAL")
			default:
				exec(t, conn, "INSERT INTO day_changes VALUES ($1, $2, $3, 1)", account, day, edition)
			}
		}
		if random.IntN(2) > 0 {
			compare("begun")
		}
		if random.IntN(4) > 0 {
			exec(t, conn, "INSERT INTO editions (edition, published) VALUES ($1, true)", edition)
			exec(t, conn, "INSERT INTO freshness (owner, as_of_ms, pending_buckets, leaving) "+
				"VALUES (generateUUIDv4(), $1, 0, false)", edition)
		}
		if random.IntN(10) == 0 { // as the aggregator forgets what died
			exec(t, conn, "DELETE FROM editions WHERE NOT published AND "+
				"edition IN (SELECT edition FROM editions WHERE published)")
		}
		compare("ended")
	}
}

// seen is the edition that attributed the newest opt-out. Of several accounts it matters whether there is any.
func seen(s *State) uint64 {
	if s.known {
		return s.OptOut
	}
	return min(s.OptOut, 1)
}

// blind is ClickHouse to a user who may not look at its parts.
type blind struct{ driver.Conn }

func (b blind) Query(ctx context.Context, statement string, args ...any) (driver.Rows, error) {
	if strings.Contains(statement, "system.parts") {
		return nil, &clickhouse.Exception{Code: accessDenied}
	}
	return b.Conn.Query(ctx, statement, args...)
}

// While nothing changes, a request costs one statement, and as_of goes on.
func TestDB_State_LooksOnce(t *testing.T) {
	conn := &counting{Conn: schematest.Conn(t)}
	d, asOfMS := stateDB(conn), int64(0)
	d.Stated = func() (int64, time.Time) { asOfMS++; return asOfMS, time.Now() }
	exec(t, conn, "INSERT INTO editions (edition, published) VALUES (1, true)")
	exec(t, conn, "INSERT INTO day_changes VALUES ('a', '2026-11-03', 1, 1)")
	exec(t, conn, "INSERT INTO freshness (owner, as_of_ms, pending_buckets, leaving) "+
		"VALUES (generateUUIDv4(), 7, 0, false)")
	for _, accounts := range [][]string{nil, {"a"}} {
		stateOf(t, d, accounts...)
		conn.asked = 0
		s := stateOf(t, d, accounts...)
		if conn.asked != 1 || s.AsOfMS == nil || *s.AsOfMS != asOfMS || len(s.Days) != 1 {
			t.Errorf("accounts %q: %d statements, %+v", accounts, conn.asked, s)
		}
	}
}

type counting struct {
	driver.Conn
	asked int
}

func (c *counting) Query(ctx context.Context, statement string, args ...any) (driver.Rows, error) {
	c.asked++
	return c.Conn.Query(ctx, statement, args...)
}

func (c *counting) QueryRow(ctx context.Context, statement string, args ...any) driver.Row {
	c.asked++
	return c.Conn.QueryRow(ctx, statement, args...)
}

// What was published is shared by requests that overlap, unless somebody was told of something newer.
func TestDB_State_Shared(t *testing.T) {
	conn := schematest.Conn(t)
	d, busy := stateDB(conn), true
	d.Busy = func() bool { return busy }
	newest := uint64(0)
	publish := func() {
		newest++
		exec(t, conn, "INSERT INTO editions (edition, published) VALUES ($1, true)", newest)
	}
	want := func(when string, shared bool) {
		t.Helper()
		publish()
		d.shared.last.began = time.Now() // however slow the machine is
		if got := stateOf(t, d, "a").Edition == newest-1; got != shared {
			t.Errorf("%s: shared is %v", when, got)
		}
	}
	publish()
	stateOf(t, d, "a")
	want("others are answered", true)
	d.Forget()
	want("somebody was told more", false)
	busy = false
	want("nobody else is answered", false)
	busy = true
	publish()
	d.shared.last.began = time.Now().Add(-sharedFor)
	if got := stateOf(t, d, "a").Edition; got != newest {
		t.Errorf("what is shared is too old: edition %d, want %d", got, newest)
	}
}
