package query

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/query/querytest"
	"kaskad/schema"
)

// Sums that are remembered settle at their moment, not with the quarter hour, and do not where facts are lost.
func TestServer_Remembered_Matures(t *testing.T) {
	conn := newConn(t)
	now := testNow.Add(3*24*time.Hour + 4*time.Minute)
	cells := []cell{{account: "acme", bucket: testNow, generation: 1, cohort: testNow, channel: "sms", step: 1,
		counts: [14]int64{1, 1, 1}, maxMS: testNow.Add(5 * time.Minute).UnixMilli()}}
	insertCells(t, conn, cells)
	publish(t, conn, cells)
	s := newServer(t, conn, func(c *Config, _ *Deps) { c.Now = func() time.Time { return now } })
	want := func(what string, mature bool) {
		t.Helper()
		const period = "?account=acme&from=2026-11-20&to=2026-11-21"
		var seen struct {
			Attempts struct{ Mature bool }
		}
		var report querytest.Report
		decode(t, get(s, "/v1/overview"+period), http.StatusOK, &seen)
		decode(t, get(s, "/v1/reports/channels"+period), http.StatusOK, &report)
		if seen.Attempts.Mature != mature || report.Mature != mature {
			t.Errorf("%s: mature is %v in the overview and %v in the report, want %v", what, seen.Attempts.Mature,
				report.Mature, mature)
		}
	}
	want("before", false)
	now = now.Add(2 * time.Minute)
	want("settled", true)
	execute(t, conn, "INSERT INTO lost_hours VALUES ('acme', '2026-11-20 00:00:00', [5, 5, 5, 0, 0, 0], "+
		"[3, 3, 3, 0, 0, 0], 'open', 1, 1)")
	want("lost", false)
}

// meanwhile has something happen once, just before a request looks at what tables are made of.
type meanwhile struct {
	driver.Conn
	once sync.Once
	do   func()
}

func (m *meanwhile) QueryRow(ctx context.Context, statement string, args ...any) driver.Row {
	if strings.Contains(statement, "system.parts") && strings.Contains(statement, "{tables:") {
		m.once.Do(m.do)
	}
	return m.Conn.QueryRow(ctx, statement, args...)
}

// An error map that is put while people are looked for may come too late for the answer, and never for the next one.
func TestServer_Remembered_ErrorMapMeanwhile(t *testing.T) {
	at := testNow.Add(-20 * 24 * time.Hour).UnixMilli()
	f := folded{message: "m", recipient: "device:1", cohortMS: at, startMS: at, deliveredMS: at + 100,
		readMS: schema.Never, sent: true, delivered: true, errorCode: "own", errorMS: at + 200}
	f.account, f.channel, f.app, f.step, f.generation = "acme", "push", "ios", 1, 7
	conn := newConn(t)
	insertFolded(t, conn, rand.New(rand.NewPCG(1, 1)), []folded{f})
	storePeople(t, conn)
	stopMerges(t, conn)
	s := newServer(t, &meanwhile{Conn: conn, do: func() {
		if _, err := schema.InsertReference(t.Context(), conn, schema.ReferenceErrorMap, "acme", "test", 1,
			[]byte(`{"lines":[{"provider":"*","code":"own","class":"blocked_by_user"}]}`), testNow); err != nil {
			t.Error(err)
		}
	}})
	const path = "/v1/reports/penetration?from=2026-10-20&to=2026-11-19"
	var people querytest.Report
	decode(t, get(s, path), http.StatusOK, &people)
	decode(t, get(s, path), http.StatusOK, &people)
	if len(people.Rows) != 1 || people.Rows[0]["reached"] != number(0) {
		t.Errorf("%v: an address that blocks is reached", people.Rows)
	}
}

// countingSteps counts the statements that read what ids of shapes and steps stand for.
type countingSteps struct {
	driver.Conn
	read int
}

func (c *countingSteps) Query(ctx context.Context, statement string, args ...any) (driver.Rows, error) {
	if strings.Contains(statement, "FROM shapes") || strings.Contains(statement, "FROM legs") {
		c.read++
	}
	return c.Conn.Query(ctx, statement, args...)
}

// What ids stand for is asked of all accounts at once, and never again.
func TestServer_Remembered_Steps(t *testing.T) {
	w := newChangingWorld(t, 1)
	w.add(1)
	querytest.Publish(t, w.conn, 1)
	conn := &countingSteps{Conn: w.conn}
	s := newServer(t, conn, w.clock)
	for _, path := range []string{"account", "channel"} {
		var spent querytest.Report
		decode(t, get(s, "/v1/reports/spend?group_by="+path), http.StatusOK, &spent)
		if conn.read != 2 || len(spent.Rows) < 2 {
			t.Errorf("%d statements for %d rows, want 2", conn.read, len(spent.Rows))
		}
	}
}
