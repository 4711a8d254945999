package aggregate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"pgregory.net/rapid"
)

// However the rows lie, each bucket is computed once, as a whole or in all of its slices.
func TestChunks_AllOnceWithinLimit(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		limit := rapid.Uint64Range(1, 50).Draw(r, "limit")
		rows := map[bucketKey]uint64{}
		var work []*bucketWork
		for i := range rapid.IntRange(0, 30).Draw(r, "buckets") {
			w := &bucketWork{bucketKey: bucketKey{fmt.Sprint(i), 0}}
			rows[w.bucketKey] = rapid.Uint64Range(0, 120).Draw(r, "rows")
			work = append(work, w)
		}
		seen := map[bucketKey]uint64{}
		for _, c := range chunks(work, rows, limit) {
			total := uint64(0)
			for _, w := range c.work {
				total += rows[w.bucketKey]
				if seen[w.bucketKey] != c.slice {
					r.Fatalf("slice %d of %v comes after %d others", c.slice, w.bucketKey, seen[w.bucketKey])
				}
				seen[w.bucketKey]++
			}
			if len(c.work) == 0 || c.slices > 1 && len(c.work) > 1 || (total+c.slices-1)/c.slices > limit {
				r.Fatalf("%+v holds %d rows, limit %d", c, total, limit)
			}
		}
		for _, w := range work {
			if n := rows[w.bucketKey]; seen[w.bucketKey] != max(1, (n+limit-1)/limit) {
				r.Fatalf("%d rows are computed %d times", n, seen[w.bucketKey])
			}
		}
	})
}

// An hour that is computed in slices, and hours that share a chunk, give the same cells as all at once.
func TestAggregator_Pass_ChunksChangeNothing(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	if err := a.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for i := range 30 {
		// Twenty messages in one hour, and one in each of ten others; every third goes on to a second step.
		at := noon.Add(-20 * time.Hour)
		if i >= 20 {
			at = at.Add(time.Duration(20-i) * time.Hour)
		}
		id := fmt.Sprint("m", i)
		lines.WriteString(line(id, "sent", at, append(submitted(at), "template", `"t"`, "sms_segments", "2")...))
		if i%3 == 0 {
			lines.WriteString(line(id, "delivered", at.Add(time.Minute), append(submitted(at), "step", "2")...))
		}
	}
	load(t, conn, "t", []byte(lines.String()), noon)
	settle(t, a)
	const cells = `SELECT toUInt64(sum(cityHash64(account, bucket, cohort, campaign, template, shape, m))) FROM
		(SELECT account, bucket, cohort, campaign, template, shape, sum(messages) AS m FROM rollup_cascades WHERE generation = %d GROUP BY ALL)`
	latest := func() uint64 { return count(t, conn, "SELECT max(generation) FROM generations") }
	want, wantTotals := count(t, conn, fmt.Sprintf(cells, latest())), visible(t, conn)
	if wantTotals.Attempted != 40 {
		t.Fatalf("%+v", wantTotals)
	}
	var work []*bucketWork
	for i := range 11 {
		work = append(work, &bucketWork{bucketKey: bucketKey{"a", noon.Add(-time.Duration(20+i) * time.Hour).UnixMilli()}})
	}
	a.chunkRows = 9
	if _, err := a.recompute(t.Context(), a.nextGeneration(time.Now()), noon.UnixMilli(), work, nil); err != nil {
		t.Fatal(err)
	}
	if got := count(t, conn, fmt.Sprintf(cells, latest())); got != want {
		t.Error("cells of cascades differ when they are computed in chunks")
	}
	mustSee(t, conn, wantTotals)
}

// ClickHouse forgets its tables in memory when it starts again. Whichever statement that falls before, nothing is published from what is missing.
func TestAggregator_Pass_ForgottenTablesPublishNothing(t *testing.T) {
	conn := connect(t)
	at := noon.Add(-2 * time.Hour)
	load(t, conn, "t", []byte(line("m", "delivered", at, submitted(at)...)), noon)
	settle(t, newAggregator(conn, noon))
	want := visible(t, conn)
	for _, name := range append([]string{"dialogs"}, cellStatements...) {
		forgetful := &forgetfulConn{Conn: conn, before: statement(name)}
		a := newAggregator(forgetful, noon)
		if err := a.prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		forgetful.tables = a.tables.all()
		load(t, conn, name, []byte(line("m", "sent", at, submitted(at)...)), noon)
		if _, err := a.pass(t.Context()); !errors.Is(err, errForgotten) {
			t.Fatalf("tables forgotten before %s: error %v, want %v", name, err, errForgotten)
		}
		mustSee(t, conn, want)
		if err := a.prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		forgetful.tables = nil
		settle(t, a)
		mustSee(t, conn, want)
	}
}

// forgetfulConn empties tables right before a statement, as a new start of ClickHouse would.
type forgetfulConn struct {
	driver.Conn
	before string
	tables []string
}

func (c *forgetfulConn) Exec(ctx context.Context, query string, args ...any) error {
	if query == c.before {
		for _, table := range c.tables {
			if err := c.Conn.Exec(context.Background(), "TRUNCATE TABLE "+table); err != nil {
				return err
			}
		}
	}
	return c.Conn.Exec(ctx, query, args...)
}
