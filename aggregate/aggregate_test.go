package aggregate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kaskad/schema"
	"kaskad/schema/schematest"
	"kaskad/schema/state"
)

func TestAggregator_Pass_SplitsAndRepeatsChangeNothing(t *testing.T) {
	lines, err := os.ReadFile("../simulate/model/testdata/examples/events.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	all := bytes.SplitAfter(lines, []byte("\n"))
	var want totals
	for i, cuts := range [][]int{{0, len(all)}, {0, 3, 200, 201, len(all)}} {
		conn := connect(t)
		a := newAggregator(conn, noon)
		for j := 1; j < len(cuts); j++ {
			load(t, conn, fmt.Sprint("part", j), bytes.Join(all[cuts[j-1]:cuts[j]], nil), noon)
			settle(t, a)
		}
		load(t, conn, "again", bytes.Join(all[100:400], nil), noon)
		settle(t, a)
		if i == 0 {
			want = visible(t, conn)
			if want.Attempted != 501 || want.Sent != 500 || want.Delivered != 372 || want.Failed != 82 ||
				want.Pending != 47 {
				t.Fatalf("examples give %+v", want)
			}
			continue
		}
		mustSee(t, conn, want)
	}
}

func TestAggregator_Pass_ReportsNeedNoFacts(t *testing.T) {
	conn := schematest.Conn(t) // What is published here is not what facts say when the test ends.
	a := newAggregator(conn, noon)
	at := noon.Add(-2 * time.Hour)
	load(t, conn, "t", []byte(line("m", "delivered", at, submitted(at)...)), noon)
	settle(t, a)
	want := visible(t, conn)
	if want.Delivered != 1 {
		t.Fatalf("%+v", want)
	}
	if err := conn.Exec(t.Context(), "TRUNCATE TABLE attempts"); err != nil {
		t.Fatal(err)
	}
	settle(t, a)
	mustSee(t, conn, want)
}

// A recomputed bucket loses the cells that its facts no longer give: here the sender of the only attempt changes.
func TestAggregator_Pass_StaleCellsGo(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	at := noon.Add(-2 * time.Hour)
	load(t, conn, "1", []byte(line("m", "sent", at, append(submitted(at), "sender", `"A"`)...)), noon)
	settle(t, a)
	load(t, conn, "2", []byte(line("m", "delivered", at, append(submitted(at), "sender", `"B"`)...)), noon)
	settle(t, a)
	mustSee(t, conn, totals{Attempted: 1, Sent: 1, Delivered: 1, Num1m: 1, Den1m: 1})
}

// A cell says when its windows end, as long as that matters.
func TestAggregator_Pass_WindowsEnd(t *testing.T) {
	conn := connect(t)
	at := noon.Add(-10 * time.Second)
	now := noon
	a := New(Config{Exclusive: true, Now: func() time.Time { return now }}, Deps{Conn: conn, Reject: noLetters})
	load(t, conn, "t", []byte(line("m", "delivered", at.Add(5*time.Second), submitted(at)...)+line("m", "sent", at)),
		noon)
	settle(t, a)
	end := func() uint64 {
		t.Helper()
		return count(t, conn, "SELECT toUnixTimestamp(any(window_end))::UInt64 FROM "+published("rollup_attempts",
			"quarter")+
			" WHERE timed = 1 AND in_1m = 1 AND in_24h = 1")
	}
	if want := uint64(noon.Add(15 * time.Minute).Unix()); end() != want {
		t.Errorf("the window ends at %d, want the quarter hour after a minute, %d", end(), want)
	}
	// When it is over for good by what readers were told, nobody has to know.
	now = noon.Add(25 * time.Hour)
	a.lastAsOfMS.Store(now.UnixMilli())
	if err := a.buildDays(t.Context(), time.Now().Add(2*dayQuiet)); err != nil {
		t.Fatal(err)
	}
	if end() != 0 {
		t.Errorf("after a day the window still ends at %d", end())
	}
	mustRepeat(t, conn, a)
}

// Whatever step a pass dies at, the next one publishes the same figures, and no touch is lost.
func TestAggregator_Pass_DiesAtEveryStep(t *testing.T) {
	conn := connect(t)
	at := noon.Add(-2 * time.Hour)
	for i, step := range []string{"computed", "published", "applied", "closed"} {
		t.Run(step, func(t *testing.T) {
			n := uint64(i)
			load(t, conn, step, []byte(line("m "+step, "delivered", at, submitted(at)...)), noon)
			died := errors.New("died")
			a := newAggregator(conn, noon)
			a.cfg.OnStep = func(s string) {
				if s == step {
					panic(died)
				}
			}
			func() {
				defer func() {
					if r, ok := recover().(error); !ok || !errors.Is(r, died) {
						t.Fatalf("recovered %v", r)
					}
				}()
				settle(t, a)
			}()
			if step == "computed" {
				mustSee(t, conn, totals{}) // nothing is visible before it is published
			}
			b := newAggregator(conn, noon)
			settle(t, b)
			n++
			mustSee(t, conn, totals{Attempted: n, Sent: n, Delivered: n, Num1m: n, Den1m: n})
			if n := count(t, conn, "SELECT count() FROM (SELECT id FROM touched GROUP BY account, bucket, id HAVING "+
				"sum(sign) > 0)"); n != 0 {
				t.Errorf("%d touches are still open", n)
			}
		})
	}
}

// A reader that asks while buckets are recomputed sees totals from before or after, nothing between.
func TestAggregator_Pass_ReadersSeeWholeEditions(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	var lines strings.Builder
	for i := range 300 {
		at := noon.Add(-time.Duration(i%20+2) * time.Hour)
		lines.WriteString(line(fmt.Sprint("m", i), "delivered", at, submitted(at)...))
	}
	load(t, conn, "first", []byte(lines.String()), noon)
	settle(t, a)
	ctx, stop := context.WithCancel(t.Context())
	seen := make(chan map[uint64]bool)
	go func() {
		all := map[uint64]bool{}
		for ctx.Err() == nil {
			all[visible(t, conn).Attempted] = true
		}
		seen <- all
	}()
	for range 5 {
		load(t, conn, "again", []byte(lines.String()), noon)
		settle(t, a)
	}
	stop()
	if all := <-seen; !reflect.DeepEqual(all, map[uint64]bool{300: true}) {
		t.Errorf("readers saw %v, want 300 alone", all)
	}
}

// Upkeep removes what builds have summed when nobody reads it any more, what died, and nothing else.
func TestAggregator_Upkeep_DropsReplaced(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	at := noon.Add(-2 * time.Hour)
	statuses := []string{"queued", "sent", "delivered", "read"}
	for i, status := range statuses {
		load(t, conn, fmt.Sprint(i), []byte(line("m", status, at, submitted(at)...)), noon)
		settle(t, a)
	}
	if n := count(t, conn, "SELECT uniqExact(edition) FROM rollup_attempts"); n != 4 {
		t.Fatalf("cells of %d editions, want 4", n)
	}
	// Rows of an edition that died before its publication.
	for _, dead := range []string{"INSERT INTO editions (edition, published) VALUES (7, false)",
		"INSERT INTO rollup_attempts SELECT * REPLACE (7 AS edition) FROM rollup_attempts LIMIT 1"} {
		if err := conn.Exec(t.Context(), dead); err != nil {
			t.Fatal(err)
		}
	}
	want := visible(t, conn)
	build := func() {
		t.Helper()
		a.nextDays, a.days = time.Time{}, nil
		if err := a.buildDays(t.Context(), time.Now().Add(2*dayQuiet)); err != nil {
			t.Fatal(err)
		}
	}
	build()
	drop := func(ahead time.Duration) {
		t.Helper()
		dropReplaced(t, a, time.Now().Add(ahead))
	}
	drop(0)
	if n := count(t, conn, "SELECT uniqExact(edition) FROM rollup_attempts"); n != 5 { // the dead one is gone
		t.Errorf("cells of %d editions are left although all are young, want 4 and a build", n)
	}
	drop(DefaultRetention + time.Hour)
	mustSee(t, conn, want)
	build() // nothing has changed
	for _, table := range []string{"rollup_attempts", "rollup_cascades", "rollup_spend"} {
		if n := count(t, conn, "SELECT uniqExact(edition) FROM "+table+" WHERE kind = 'quarter'"); n != 1 {
			t.Errorf("%d builds are left in %s, want 1", n, table)
		}
		if n := count(t, conn, "SELECT count() FROM "+table+" WHERE kind = 'difference'"); n != 0 {
			t.Errorf("%d differences are left in %s, want none", n, table)
		}
	}
	for table, query := range map[string]string{"generations": "SELECT uniqExact(generation) FROM generations",
		"editions": "SELECT uniqExact(edition) FROM editions WHERE published", "builds": "SELECT count() FROM builds",
		"day_changes": "SELECT uniqExact(edition) FROM day_changes"} {
		if n := count(t, conn, query); n != 1 {
			t.Errorf("%d rows are left in %s, want 1", n, table)
		}
	}
	mustRepeat(t, conn, a)
}

func TestAggregator_Run_SecondStandsByUntilFirstLeaves(t *testing.T) {
	conn := connect(t)
	run := func() (stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = New(Config{}, Deps{Conn: conn, Reject: noLetters}).Run(ctx)
		}()
		return func() { cancel(); <-done }
	}
	owners := func() uint64 { return count(t, conn, "SELECT uniqExact(owner) FROM freshness") }
	stopFirst := run()
	waitFor(t, func() bool { return owners() == 1 })
	stopSecond := run()
	// The first goes on for long enough that the second would have begun.
	stated := func() time.Duration {
		return time.Duration(count(t, conn, "SELECT toUInt64(toUnixTimestamp64Milli(max(at))) FROM freshness")) *
			time.Millisecond
	}
	before := stated()
	waitFor(t, func() bool { return stated() >= before+3*freshnessEvery })
	if n := owners(); n != 1 {
		t.Errorf("%d aggregators work at a time", n)
	}
	stopFirst()
	waitFor(t, func() bool { return owners() == 2 })
	stopSecond()
}

// Under backlog the newest buckets come first, and the one that waited longest is never left behind.
func TestChoose_NewestFirstNoneStarves(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		limit := rapid.IntRange(2, 8).Draw(r, "limit")
		open := map[state.Hour]*bucketWork{}
		for i := range rapid.IntRange(limit+1, 40).Draw(r, "n") {
			key := state.Hour{Account: "a", BucketMS: int64(i) * schema.HourMS}
			open[key] = &bucketWork{Hour: key, oldest: rapid.Int64Range(0, 1000).Draw(r, "at")}
		}
		chosen := choose(open, limit)
		if len(chosen) != limit {
			r.Fatalf("%d chosen, want %d", len(chosen), limit)
		}
		newest, waited := state.Hour{}, int64(1<<60)
		for key, w := range open {
			if key.BucketMS > newest.BucketMS {
				newest = key
			}
			waited = min(waited, w.oldest)
		}
		hasNewest, hasOldest := false, false
		for _, w := range chosen {
			hasNewest = hasNewest || w.Hour == newest
			hasOldest = hasOldest || w.oldest == waited
		}
		if !hasNewest || !hasOldest {
			r.Fatalf("newest chosen: %v, longest waiting chosen: %v", hasNewest, hasOldest)
		}
	})
}

func TestStatement_AllFilesExist(t *testing.T) {
	names, err := fs.Glob(files, "sql/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		// A file that others include holds templates alone.
		of := statement(strings.TrimSuffix(path.Base(name), ".sql"))
		if templates := strings.TrimSpace(of) == ""; !strings.HasPrefix(of, "--") && !templates ||
			templates && !strings.HasPrefix(string(text), "{{- /*") {
			t.Errorf("%s does not begin with a comment that says what it is for", name)
		}
	}
}

// When the keyed store is lost, the log still knows the states of the last editions, and those alone: all of them are
// forgotten.
func TestAggregator_Prepare_StoreOfStatesLost(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	at := noon.Add(-2 * time.Hour)
	load(t, conn, "1", []byte(line("m", "sent", at, submitted(at)...)), noon)
	settle(t, a)
	load(t, conn, "2", []byte(line("n", "sent", at, submitted(at)...)), noon)
	settle(t, a)
	dropReplaced(t, a, time.Now().Add(2*DefaultRetention))
	if err := conn.Exec(t.Context(), "TRUNCATE TABLE message_states"); err != nil {
		t.Fatal(err)
	}
	load(t, conn, "3", []byte(line("m", "delivered", at, submitted(at)...)), noon)
	settle(t, newAggregator(conn, noon))
	mustSee(t, conn, totals{Attempted: 2, Sent: 2, Delivered: 1, Pending: 1, Num1m: 1, Den1m: 2})
}

// Hours and changes take little of a pass each while they are fresh, and more while much is left or what is left is
// old.
func TestAggregator_Adapt(t *testing.T) {
	const hours, events, short = 100, 100_000, targetPass / 2
	hour := func(waited time.Duration) *bucketWork { return &bucketWork{oldest: noon.Add(-waited).UnixMilli()} }
	fresh, old := []*bucketWork{hour(0)}, []*bucketWork{hour(0), hour(2 * behind)}
	for _, c := range []struct {
		name                  string
		hours                 []*bucketWork
		waited                time.Duration // of the batch that is left, if it is not negative
		whole, changes        time.Duration
		leaves, few           bool
		wantHours, wantEvents int
	}{
		{"nothing is left", nil, -1, time.Minute, short, false, false, hours, events},
		{"nothing is left by what took too long", nil, -1, 0, 3 * targetPass, false, false, hours, events / 2},
		{"fresh hours, short", fresh, -1, short, 0, false, false, 2 * hours, events},
		{"fresh hours, long", fresh, -1, 3 * targetPass, 0, false, false, hours / 2, events},
		{"fresh hours beside long changes", fresh, 0, short, time.Minute, false, false, 2 * hours, events / 2},
		{"old hours, as long", old, -1, 3 * targetPass, 0, false, false, 2 * hours, events},
		{"old hours, too long", old, -1, 3 * longestPass, 0, false, false, hours / 2, events},
		{"too long for few messages", old, 0, 3 * longestPass, 0, false, true, 2 * hours, 2 * events},
		{"much more is left", fresh, 0, 3 * targetPass, 3 * longPass / 2, true, false, 2 * hours, 2 * events},
		{"changes, short", nil, 0, 0, short, false, false, hours, 2 * events},
		{"changes, long", nil, 0, 0, 3 * targetPass / 2, false, false, hours, events},
		{"changes, too long", nil, 0, 0, 3 * targetPass, false, false, hours, events / 2},
		{"old changes, as long", nil, 2 * behind, 0, 3 * targetPass, false, false, hours, 2 * events},
		{"old changes, too long", nil, 2 * behind, 0, 3 * longestPass, false, false, hours, events / 2},
	} {
		a := newAggregator(nil, noon)
		a.batch, a.events = hours, events
		e := a.newEdition(1, noon.UnixMilli())
		e.leaves, e.tookWhole = c.leaves, c.whole
		if e.all = events; c.few {
			e.all = 1
		}
		open := &openWork{hours: map[state.Hour]*bucketWork{}}
		if c.waited >= 0 {
			open.batches = []schema.Touch{{AtMS: noon.Add(-c.waited).UnixMilli()}}
		}
		for i, w := range c.hours {
			open.hours[state.Hour{Account: "a", BucketMS: int64(i)}] = w
		}
		a.adapt(e, open, c.whole+c.changes)
		if a.batch != c.wantHours || a.events != c.wantEvents {
			t.Errorf("%s: %d hours and %d events, want %d and %d", c.name, a.batch, a.events, c.wantHours, c.wantEvents)
		}
	}
}

// After a pass that failed as many events are not taken at once again, but by and by.
func TestAggregator_Adapt_AfterFailure(t *testing.T) {
	a := newAggregator(nil, noon)
	a.events, a.most = 50_000, 50_000
	open := &openWork{batches: []schema.Touch{{AtMS: noon.UnixMilli()}}}
	passes := 0
	for ; a.events < maxEvents && passes < 100; passes++ {
		before := a.events
		a.adapt(a.newEdition(1, noon.UnixMilli()), open, time.Second)
		if a.events > before+before/7 {
			t.Fatalf("%d events after %d", a.events, before)
		}
	}
	if a.events != maxEvents {
		t.Errorf("%d events after %d passes, want %d", a.events, passes, maxEvents)
	}
}
