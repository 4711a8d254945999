package query

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/engine/enginetest"
	"kaskad/query/querytest"
	"kaskad/schema"
)

// countingPeople counts the statements that read people.
type countingPeople struct {
	driver.Conn
	read atomic.Int64
}

func (c *countingPeople) Query(ctx context.Context, statement string, args ...any) (driver.Rows, error) {
	if strings.Contains(statement, "FROM rollup_people") || strings.Contains(statement, "FROM attempts_by_recipient") {
		c.read.Add(1)
	}
	return c.Conn.Query(ctx, statement, args...)
}

// Answers about people that are remembered are those of a server that remembers nothing, whatever is stored in between,
// and as as_of reaches what was stored of later moments. While nothing changes, people are read once, also for several
// who ask at the same time.
func TestServer_Standing(t *testing.T) {
	conn, now := &countingPeople{Conn: newConn(t)}, testNow
	r := rand.New(rand.NewPCG(1, 17))
	rows := randomFolded(r, 300, testNow, 40)
	insertFolded(t, conn, r, rows)
	storePeople(t, conn)
	insertLosses(t, conn, randomLosses(r, 60, rows))
	putTestPrices(t, conn, testPrices())
	clock := func(c *Config, _ *Deps) { c.Now = func() time.Time { return now } }
	s := newServer(t, conn, clock)
	stopMerges(t, conn)
	const period = "from=2026-10-20&to=2026-11-19"
	paths := []string{"reports/penetration?" + period, "reports/overlap?" + period + "&channel=sms&channel=push",
		"reports/penetration?account=acme&group_by=traffic&" + period, "numbers/best-channel/counts?" + period,
		"numbers/best-channel/counts?account=acme&channel=push&" + period,
		"reports/compare?by=channel&values=sms&values=push&metric=delivery&among=both&" + period}
	ask := func(s *Server, path string) (a querytest.Report) {
		t.Helper()
		decode(t, get(s, "/v1/"+path), http.StatusOK, &a)
		return a
	}
	moved, kept := 0, 0 // answers that were read anew since only time had passed, and those that were not
	for step := range enginetest.World(t, 8, 12, 24) {
		onlyTime := false
		switch r.IntN(6) {
		case 0:
			losses := randomLosses(r, 20, rows)
			for i := range losses { // most of them are still to come, before another quarter hour begins
				losses[i].atMS = now.Add(time.Duration(r.IntN(1200)-300) * time.Second).UnixMilli()
			}
			insertLosses(t, conn, losses)
		case 1:
			insertDead(t, conn, randomDead(r, rows))
		case 2:
			putErrorLine(t, conn)
		default:
			onlyTime = step > 0
			now = now.Add(time.Duration(r.IntN(2)*r.IntN(600)) * time.Second)
		}
		fresh := newServer(t, conn, clock)
		for i, path := range paths {
			// Each is asked in two steps of four, in make test-long in all.
			if !enginetest.Long() && (i+step/2)%2 > 0 {
				continue
			}
			before := conn.read.Load()
			got := ask(s, path)
			if read := conn.read.Load() - before; onlyTime && read == 0 {
				kept++
			} else if onlyTime {
				moved++
			}
			want := ask(fresh, path)
			what := fmt.Sprintf("step %d, %s", step, path)
			querytest.SameRows(t, what, got.Rows, want.Rows)
			if got.Mature != want.Mature {
				t.Errorf("%s: mature is %v, want %v", what, got.Mature, want.Mature)
			}
			before = conn.read.Load()
			if ask(s, path); conn.read.Load() != before {
				t.Errorf("%s: people are read again", what)
			}
		}
		if t.Failed() {
			return
		}
	}
	if moved == 0 || kept == 0 {
		t.Errorf("the test saw too little: %d read anew as time passed, %d kept", moved, kept)
	}
	askTogether(t, newServer(t, conn, clock), conn, paths[:2])
}

// askTogether has several ask for the same people at the same time: they are read once.
func askTogether(t *testing.T, s *Server, conn *countingPeople, paths []string) {
	t.Helper()
	before := conn.read.Load()
	answers := make(chan int)
	for range 3 {
		for _, path := range paths {
			go func() { answers <- get(s, "/v1/"+path).Code }()
		}
	}
	for range 3 * len(paths) {
		if code := <-answers; code != http.StatusOK {
			t.Errorf("status %d", code)
		}
	}
	if read := conn.read.Load() - before; read != 1 {
		t.Errorf("people were read %d times", read)
	}
}

// stopMerges keeps parts as they are: a merge changes nothing, and has people read again.
func stopMerges(t *testing.T, conn driver.Conn) {
	t.Helper()
	for _, table := range []string{"attempts_by_recipient", "rollup_people", "recipient_events", "number_health",
		"legs", "reference", "routes"} {
		execute(t, conn, "SYSTEM STOP MERGES "+table)
	}
}

// A loss that is stored before as_of reaches it counts once it does, though nothing is stored then; until then people
// are not read again.
func TestServer_Standing_AsOf(t *testing.T) {
	conn, now := &countingPeople{Conn: newConn(t)}, testNow.Add(time.Second)
	at := testNow.Add(-20 * 24 * time.Hour).UnixMilli()
	f := folded{message: "m", recipient: "device:1", cohortMS: at, startMS: at, deliveredMS: at + 100,
		readMS: schema.Never, sent: true, delivered: true}
	f.account, f.channel, f.app, f.step, f.generation = "acme", "push", "ios", 1, 7
	insertFolded(t, conn, rand.New(rand.NewPCG(1, 1)), []folded{f})
	storePeople(t, conn)
	stopMerges(t, conn)
	s := newServer(t, conn, func(c *Config, _ *Deps) { c.Now = func() time.Time { return now } })
	const period = "?from=2026-10-20&to=2026-11-19"
	want := func(when string, reached int, again bool) {
		t.Helper()
		before := conn.read.Load()
		var people, best querytest.Report
		decode(t, get(s, "/v1/reports/penetration"+period), http.StatusOK, &people)
		decode(t, get(s, "/v1/numbers/best-channel/counts"+period), http.StatusOK, &best)
		if len(people.Rows) != 1 || people.Rows[0]["reached"] != number(reached) || len(best.Rows) != reached {
			t.Errorf("%s: %v, %v; want %d reached", when, people.Rows, best.Rows, reached)
		}
		if read := conn.read.Load() - before; (read > 0) != again {
			t.Errorf("%s: people were read %d times", when, read)
		}
	}
	want("before", 1, true)
	insertLosses(t, conn, []loss{{"acme", "device:1", "", "unsubscribed", "push", "ios", now.UnixMilli() + 60_000}})
	want("stored", 1, true)
	now = now.Add(30 * time.Second)
	want("not reached", 1, false)
	now = now.Add(40 * time.Second)
	want("reached", 0, true)
	want("and again", 0, false)
}
