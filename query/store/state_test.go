package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

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

func stateOf(tb testing.TB, d *DB, account string) *State {
	tb.Helper()
	s, err := d.State(tb.Context(), Scope{Accounts: []string{account}, ToMS: 1 << 42}, time.Now(), nil)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// An answer's as_of is never newer than the edition that it reads: an aggregator publishes first and states as_of
// afterwards.
func TestDB_State_Order(t *testing.T) {
	conn := schematest.Conn(t)
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
		}
	})
	d := stateDB(conn)
	met := map[uint64]bool{}
	for range 300 {
		s := stateOf(t, d, "a")
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

// What days are made of follows editions, builds, dead ones and opt-outs as if it were read anew each time.
func TestDB_State_FollowsEditions(t *testing.T) {
	conn := schematest.Conn(t)
	random := rand.New(rand.NewPCG(3, 3))
	follows := stateDB(conn)
	accounts := []string{"a", "b", "c"}
	for edition := uint64(1); edition <= 60; edition++ {
		exec(t, conn, "INSERT INTO editions (edition, published) VALUES ($1, false)", edition)
		for range random.IntN(4) {
			account, day := accounts[random.IntN(3)], fmt.Sprintf("2026-11-%02d", 1+random.IntN(9))
			switch random.IntN(5) {
			case 0:
				exec(t, conn, "INSERT INTO builds VALUES ($1, $2, $3, 1)", account, day, edition)
			case 1:
				exec(t, conn, "INSERT INTO opt_outs (account, recipient, generation, found) VALUES ($1, 'p', $2, true)",
					account, edition)
			default:
				exec(t, conn, "INSERT INTO day_changes VALUES ($1, $2, $3, 1)", account, day, edition)
			}
		}
		if random.IntN(4) > 0 {
			exec(t, conn, "INSERT INTO editions (edition, published) VALUES ($1, true)", edition)
		}
		if random.IntN(10) == 0 { // as the aggregator forgets what died
			exec(t, conn, "DELETE FROM editions WHERE NOT published AND "+
				"edition IN (SELECT edition FROM editions WHERE published)")
		}
		for _, account := range accounts[:1+random.IntN(3)] {
			got, want := stateOf(t, follows, account), stateOf(t, stateDB(conn), account)
			if got.Edition != want.Edition || got.OptOut != want.OptOut || !reflect.DeepEqual(got.Days, want.Days) {
				t.Fatalf("edition %d, account %s:\n%+v, want\n%+v", edition, account, got, want)
			}
		}
	}
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
