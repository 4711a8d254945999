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
	cells := `SELECT toUInt64(sum(cityHash64(account, bucket, cohort, campaign, template, shape, step, m))) FROM
		(SELECT account, bucket, cohort, campaign, template, shape, 0 AS step, sum(messages) AS m FROM ` + published("rollup_cascades", "quarter") + ` GROUP BY ALL HAVING m != 0
		UNION ALL
		SELECT account, bucket, cohort, campaign, template, shape, step, sum(attempts) AS m FROM ` + published("rollup_spend", "quarter") + ` GROUP BY ALL HAVING m != 0)`
	want, wantTotals := count(t, conn, cells), visible(t, conn)
	if wantTotals.Attempted != 40 {
		t.Fatalf("%+v", wantTotals)
	}
	var work []*bucketWork
	for i := range 11 {
		work = append(work, &bucketWork{bucketKey: bucketKey{"a",
			noon.Add(-time.Duration(20+i) * time.Hour).UnixMilli()}})
	}
	a.chunkRows = 9
	if _, err := a.recompute(t.Context(), a.nextGeneration(time.Now()), noon.UnixMilli(), work, nil, nil); err != nil {
		t.Fatal(err)
	}
	if got := count(t, conn, cells); got != want {
		t.Error("cells of cascades or spend differ when they are computed in chunks")
	}
	mustSee(t, conn, wantTotals)
}

// ClickHouse forgets its tables in memory when it starts again. Whichever statement that falls before, nothing is
// published from what is missing.
func TestAggregator_Pass_ForgottenTablesPublishNothing(t *testing.T) {
	conn := connect(t)
	at := noon.Add(-2 * time.Hour)
	load(t, conn, "t", []byte(line("m", "delivered", at, submitted(at)...)), noon)
	settle(t, newAggregator(conn, noon))
	want := visible(t, conn)
	for _, name := range append([]string{"dialogs"}, cellStatements...) {
		hooked := &hookedConn{Conn: conn, before: statement(name)}
		a := newAggregator(hooked, noon)
		if err := a.prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		hooked.do = func() {
			for _, table := range a.tables.all() {
				if err := conn.Exec(t.Context(), "TRUNCATE TABLE "+table); err != nil {
					t.Error(err)
				}
			}
		}
		load(t, conn, name, []byte(line("m", "sent", at, submitted(at)...)), noon)
		if _, err := a.pass(t.Context()); !errors.Is(err, errForgotten) {
			t.Fatalf("tables forgotten before %s: error %v, want %v", name, err, errForgotten)
		}
		mustSee(t, conn, want)
	}
	settle(t, newAggregator(conn, noon))
	mustSee(t, conn, want)
}

// A delivery that is stored between the walk and the folding has no units yet, so it is not published as delivered
// before it has.
func TestAggregator_Pass_DeliveryAfterTheWalkWaits(t *testing.T) {
	conn := connect(t)
	hooked := &hookedConn{Conn: conn, before: statement("fold")}
	a := newAggregator(hooked, noon)
	at := noon.Add(-2 * time.Hour)
	load(t, conn, "t", []byte(dialogLine("m1", "delivered", at, submitted(at)...)), noon)
	hooked.do = func() {
		load(t, conn, "late", []byte(dialogLine("m2", "replied", at.Add(25*time.Hour), submitted(at)...)),
			noon.Add(48*time.Hour))
	}
	if err := a.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := a.pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	if units, cells := publishedUnits(t, conn); len(units) != 1 || cells != [2]uint64{1, 1} ||
		visible(t, conn).Delivered != 1 {
		t.Fatalf("%d dialogs, %v units and %d deliveries are published; the second delivery must wait for its units",
			len(units), cells, visible(t, conn).Delivered)
	}
	settle(t, a)
	// The reply opens a window, so the delivery that it proves carries nothing.
	if units, cells := publishedUnits(t, conn); len(units) != 2 || cells != [2]uint64{1, 1} ||
		visible(t, conn).Delivered != 2 {
		t.Fatalf("%d dialogs, %v units and %d deliveries are published in the end", len(units), cells,
			visible(t, conn).Delivered)
	}
}

// A database that was written before there were cascades, or spend, is computed anew, and says until then how little it
// knows.
func TestAggregator_Prepare_OutdatedRollups(t *testing.T) {
	conn := connect(t)
	at := noon.Add(-2 * time.Hour)
	load(t, conn, "t", []byte(line("m", "delivered", at, submitted(at)...)), noon)
	settle(t, newAggregator(conn, noon))
	for _, query := range []string{"TRUNCATE TABLE rollup_cascades", "TRUNCATE TABLE rollup_spend",
		"ALTER TABLE generations UPDATE rollups = 4 WHERE true SETTINGS mutations_sync = 1"} {
		if err := conn.Exec(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	a := newAggregator(conn, noon)
	if err := a.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	const stated = "SELECT toUInt64(argMax(as_of_ms, at)) FROM freshness"
	if asOf := count(t, conn, stated); asOf != 0 {
		t.Fatalf("as_of is %d before cascades are computed", asOf)
	}
	settle(t, a)
	for table, sum := range map[string]string{"rollup_cascades": "messages", "rollup_spend": "attempts"} {
		if n := count(t, conn, "SELECT sum("+sum+")::UInt64 FROM "+published(table, "quarter")); n != 1 {
			t.Fatalf("%s of %s are %d, want 1", sum, table, n)
		}
	}
	if asOf := count(t, conn, stated); asOf != uint64(noon.UnixMilli()) {
		t.Fatalf("as_of is %d in the end, want now", asOf)
	}
	if err := a.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if worked, err := a.pass(t.Context()); worked || err != nil {
		t.Fatalf("what is up to date was computed again (%v, %v)", worked, err)
	}
}

// An aggregator that was silent for so long that another one took over does not publish what it computed before.
func TestAggregator_Pass_TakenOver(t *testing.T) {
	conn := connect(t)
	at := noon.Add(-2 * time.Hour)
	load(t, conn, "t", []byte(line("m", "delivered", at, submitted(at)...)), noon)
	shared := Config{Now: func() time.Time { return noon }}
	hooked := &hookedConn{Conn: conn, before: statement("rollup_waste")}
	slow := New(shared, Deps{Conn: hooked, Reject: noLetters})
	if err := slow.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	hooked.do = func() {
		// As if ten seconds had passed: the other one believes that this one is gone.
		other := New(shared, Deps{Conn: conn, Reject: noLetters})
		if err := other.insertFreshness(context.Background(), 0, 0, false); err != nil {
			t.Error(err)
		}
	}
	if _, err := slow.pass(t.Context()); !errors.Is(err, errOtherOwner) {
		t.Fatalf("error %v, want %v", err, errOtherOwner)
	}
	if n := count(t, conn, "SELECT countIf(published) FROM editions"); n != 0 {
		t.Fatalf("%d editions are published by the one that was taken over", n)
	}
}

// hookedConn does something once, right before a statement.
type hookedConn struct {
	driver.Conn
	before string
	do     func()
}

func (c *hookedConn) Exec(ctx context.Context, query string, args ...any) error {
	if do := c.do; query == c.before && do != nil {
		c.do = nil
		do()
	}
	return c.Conn.Exec(ctx, query, args...)
}
