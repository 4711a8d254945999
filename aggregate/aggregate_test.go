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

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"kaskad/engine/enginetest"
	"kaskad/money"
	"kaskad/schema"
	"kaskad/schema/event"
	"kaskad/schema/schematest"
	"kaskad/schema/state"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

var noon = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)

// connect returns a connection to a migrated, empty database. What was published there when the test ends must be what
// facts say.
func connect(t testing.TB) driver.Conn {
	t.Helper()
	conn := schematest.Conn(t)
	if _, measures := t.(*testing.B); !measures {
		t.Cleanup(func() {
			if !t.Failed() && !t.Skipped() {
				settleIn(context.Background(), t, newAggregator(conn, noon))
				mustBeFacts(t, conn)
			}
		})
	}
	return conn
}

// mustBeFacts fails where the audit finds something.
func mustBeFacts(t testing.TB, conn driver.Conn) Audited {
	t.Helper()
	audited, err := Audit(context.Background(), Config{}, Deps{Conn: conn})
	if err != nil {
		t.Fatal(err)
	}
	for _, difference := range audited.Differences {
		t.Errorf("the audit found %s", difference)
	}
	return audited
}

// load stores NDJSON the way ingest does, without Kafka: facts, locations and orphans, then touches. Lines of one topic
// have a place each.
func load(t testing.TB, conn driver.Conn, topic string, lines []byte, now time.Time) {
	t.Helper()
	var (
		decoder = event.Decoder{MeasureSMS: money.SMSMeasure}
		facts   schema.Facts
		orphans schema.Orphans
		people  schema.RecipientEvents
		fold    state.Fold
		located []schema.Location
	)
	batch, touched := uuid.New(), map[bucketKey]bool{}
	event.Lines(lines, func(line int, raw []byte) {
		ev, bad := decoder.Decode(raw, now.UnixMilli())
		if bad != nil {
			t.Fatalf("line %d: %v", line, bad)
		}
		switch {
		case !ev.Status.OfMessage():
			people.Append(ev)
			if ev.Status.MovesFigures() {
				touched[bucketKey{string(ev.Account), 0}] = true
			}
			return
		case ev.BucketMS == 0:
			orphans.Append(ev, schema.Place{Topic: topic, Offset: int64(line), Line: 1}, raw, now.UnixMilli())
			return
		case ev.IDTimeMS == 0:
			located = append(located, schema.Location{Account: string(ev.Account), MessageID: string(ev.MessageID),
				BucketMS: ev.BucketMS, SubmittedMS: ev.SubmittedMS})
		}
		facts.Append(ev)
	})
	fold.Fold(&facts, nil)
	var touches []schema.Touch
	for key := range touched {
		touches = append(touches, schema.Touch{Account: key.account, BucketMS: key.bucketMS, ID: batch,
			AtMS: now.UnixMilli()})
	}
	if len(located)+orphans.Rows() > 0 {
		touches = append(touches, schema.Touch{ID: batch, AtMS: now.UnixMilli()})
	}
	if facts.Rows() > 0 {
		touches = append(touches, schema.Touch{BucketMS: schema.ChangesMS, ID: batch, AtMS: now.UnixMilli()})
	}
	for _, err := range []error{
		facts.Insert(t.Context(), conn, batch, 0, facts.Rows()),
		people.Insert(t.Context(), conn, batch, 0, people.Rows()),
		schema.InsertLocated(t.Context(), conn, batch, located),
		orphans.Insert(t.Context(), conn, batch, 0, orphans.Rows()),
		schema.InsertChanges(t.Context(), conn, batch, &fold.Changes),
		schema.OpenTouches(t.Context(), conn, touches),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// settle runs passes until nothing is left to do. What is known of days is then what their tables say.
func settle(t testing.TB, a *Aggregator) {
	t.Helper()
	settleIn(t.Context(), t, a)
}

func settleIn(ctx context.Context, t testing.TB, a *Aggregator) {
	t.Helper()
	if !a.prepared {
		if err := a.prepare(ctx); err != nil {
			t.Fatal(err)
		}
		a.prepared = true
	}
	for range 1000 {
		worked, err := a.pass(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if !worked {
			mustStand(ctx, t, a)
			return
		}
	}
	t.Fatal("passes never end")
}

func newAggregator(conn driver.Conn, now time.Time) *Aggregator {
	return New(Config{Exclusive: true, Now: func() time.Time { return now }},
		Deps{Conn: conn, Reject: func(ctx context.Context, l []schema.Rejection) error {
			return schema.InsertRejected(ctx, conn, l)
		}})
}

func noLetters(context.Context, []schema.Rejection) error { return nil }

// line writes a valid event of an SMS attempt; members add fields.
func line(id, status string, occurred time.Time, members ...string) string {
	return eventLine(id, status, occurred,
		append([]string{"channel", `"sms"`, "recipient", `"+79001234567"`}, members...)...)
}

// eventLine writes an event of account a; members are names of fields, each followed by its value in JSON.
func eventLine(id, status string, occurred time.Time, members ...string) string {
	text := fmt.Sprintf(`{"account":"a","message_id":%q,"status":%q,"occurred_at":%q`, id, status,
		occurred.Format(time.RFC3339Nano))
	for i := 0; i < len(members); i += 2 {
		text += fmt.Sprintf(",%q:%s", members[i], members[i+1])
	}
	return text + "}\n"
}

func submitted(at time.Time) []string {
	return []string{"submitted_at", fmt.Sprintf("%q", at.Format(time.RFC3339Nano))}
}

// totals are the sums that a report would read now: attempted, sent, delivered, failed, pending, and the 1-minute pair
// when all windows are over.
type totals struct{ Attempted, Sent, Delivered, Failed, Pending, Num1m, Den1m uint64 }

func visible(t testing.TB, conn driver.Conn) totals {
	t.Helper()
	var s totals
	err := conn.QueryRow(t.Context(), `SELECT sum(attempted)::UInt64, sum(sent)::UInt64, sum(delivered)::UInt64, sum(failed)::UInt64, sum(pending)::UInt64,
		sum(in_1m)::UInt64, sum(timed)::UInt64 FROM `+published("rollup_attempts", "quarter")).
		Scan(&s.Attempted, &s.Sent, &s.Delivered, &s.Failed, &s.Pending, &s.Num1m, &s.Den1m)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func count(t testing.TB, conn driver.Conn, query string) uint64 {
	t.Helper()
	var n uint64
	if err := conn.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func mustSee(t testing.TB, conn driver.Conn, want totals) {
	t.Helper()
	if got := visible(t, conn); got != want {
		t.Fatalf("reports read %+v, want %+v", got, want)
	}
}

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
	// When it is over for good, nobody has to know.
	now = noon.Add(25 * time.Hour)
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
	for _, step := range []string{"computed", "published", "applied", "closed"} {
		t.Run(step, func(t *testing.T) {
			conn := connect(t)
			at := noon.Add(-2 * time.Hour)
			load(t, conn, "t", []byte(line("m", "delivered", at, submitted(at)...)), noon)
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
			mustSee(t, conn, totals{Attempted: 1, Sent: 1, Delivered: 1, Num1m: 1, Den1m: 1})
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
		if err := a.dropReplaced(t.Context(), time.Now().Add(ahead)); err != nil {
			t.Fatal(err)
		}
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

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(50 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatal("waited a minute in vain")
}

// Under backlog the newest buckets come first, and the one that waited longest is never left behind.
func TestChoose_NewestFirstNoneStarves(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		limit := rapid.IntRange(2, 8).Draw(r, "limit")
		open := map[bucketKey]*bucketWork{}
		for i := range rapid.IntRange(limit+1, 40).Draw(r, "n") {
			key := bucketKey{"a", int64(i) * schema.HourMS}
			open[key] = &bucketWork{bucketKey: key, oldest: rapid.Int64Range(0, 1000).Draw(r, "at")}
		}
		chosen := choose(open, limit)
		if len(chosen) != limit {
			r.Fatalf("%d chosen, want %d", len(chosen), limit)
		}
		newest, waited := bucketKey{}, int64(1<<60)
		for key, w := range open {
			if key.bucketMS > newest.bucketMS {
				newest = key
			}
			waited = min(waited, w.oldest)
		}
		hasNewest, hasOldest := false, false
		for _, w := range chosen {
			hasNewest = hasNewest || w.bucketKey == newest
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
	if err := a.dropReplaced(t.Context(), time.Now().Add(2*DefaultRetention)); err != nil {
		t.Fatal(err)
	}
	if err := a.truncate(t.Context(), "message_states"); err != nil {
		t.Fatal(err)
	}
	load(t, conn, "3", []byte(line("m", "delivered", at, submitted(at)...)), noon)
	settle(t, newAggregator(conn, noon))
	mustSee(t, conn, totals{Attempted: 2, Sent: 2, Delivered: 1, Pending: 1, Num1m: 1, Den1m: 2})
}

// Passes are short while changes are fresh, and long when what waits is old.
func TestAggregator_Adapt_LongPassesWhenBehind(t *testing.T) {
	const took, before = 2 * time.Second, 200_000
	for waited, want := range map[time.Duration]int{0: before / 2, 2 * behind: 2 * before} {
		a := newAggregator(nil, noon)
		a.events = before
		e := a.newEdition(1, noon.UnixMilli())
		e.all = before
		a.adapt(e, &openWork{batches: []schema.Touch{{AtMS: noon.Add(-waited).UnixMilli()}}}, took)
		if want = min(want, maxEvents); a.events != want {
			t.Errorf("what waits is %v old: the next pass takes %d events, want %d", waited, a.events, want)
		}
	}
}
