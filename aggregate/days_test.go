package aggregate

import (
	"fmt"
	"os"
	"testing"
	"time"

	"kaskad/engine/enginetest"
)

// Days are built when they are quiet, or when they have changed much, and not again before they change.
func TestAggregator_Days_Built(t *testing.T) {
	events, err := os.ReadFile("../simulate/model/testdata/examples/events.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	conn := connect(t)
	a := newAggregator(conn, noon)
	load(t, conn, "examples", events, noon)
	settle(t, a)
	const builds = "SELECT count() FROM builds"
	if n := count(t, conn, builds); n != 0 {
		t.Fatalf("%d days are built a moment after they were published", n)
	}
	ahead := time.Duration(0)
	later := func() {
		t.Helper()
		ahead += 2 * dayQuiet
		for built := true; built; { // some days at a time
			before := count(t, conn, builds)
			a.nextDays, a.days = time.Time{}, nil
			if err := a.buildDays(t.Context(), time.Now().Add(ahead)); err != nil {
				t.Fatal(err)
			}
			built = count(t, conn, builds) > before
		}
		mustBuildTrue(t, conn)
	}
	later()
	all := count(t, conn, "SELECT uniqExact(account, day) FROM rollup_attempts")
	if n := count(t, conn, builds); n != all || all < 10 {
		t.Fatalf("%d days are built, want %d", n, all)
	}
	later()
	if n := count(t, conn, builds); n != all {
		t.Fatalf("quiet days were built again: %d builds became %d", all, n)
	}
	// One event has its day built once more.
	at := time.UnixMilli(int64(count(t, conn,
		"SELECT toUInt64(min(toUnixTimestamp(bucket))) * 1000 FROM generations WHERE account = 'acme'")))
	load(t, conn, "late", []byte(fmt.Sprintf(`{"account":"acme","message_id":"late","channel":"sms","status":"sent","occurred_at":%[1]q,"submitted_at":%[1]q,"recipient":"+79001234567"}`,
		at.UTC().Format(time.RFC3339))), noon)
	settle(t, a)
	mustBuildTrue(t, conn)
	later()
	if n := count(t, conn, builds); n != all+1 {
		t.Fatalf("after an event and quiet there are %d builds, want %d", n, all+1)
	}
	// Much has changed: nobody waits for quiet.
	if err := conn.Exec(t.Context(), "INSERT INTO day_changes SELECT account, day, edition, 100000 FROM "+
		"(SELECT account, day, max(edition) + 1 AS edition FROM day_changes WHERE account = 'acme' GROUP BY account, "+
		"day ORDER BY day LIMIT 1)"); err != nil {
		t.Fatal(err)
	}
	a.nextDays, a.days = time.Time{}, nil
	if err := a.buildDays(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if n := count(t, conn, builds); n > all+2 {
		t.Fatalf("%d builds, want %d", n, all+2)
	}
	mustBuildTrue(t, conn)
	mustKnowPeople(t, conn)
	if enginetest.Long() { // as TestAggregator_Editions_AddUp does after builds
		mustRepeat(t, conn, a)
	}
}

// While changes wait, builds rest for ten times as long as they took, and for as long as they took while editions
// follow each other; else they don't.
func TestAggregator_Days_RestWhileChangesWait(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	at, ahead := noon.Add(-3*time.Hour), time.Duration(0)
	build := func(want uint64) {
		t.Helper()
		ahead += 2 * dayQuiet // Ids of builds are as far ahead.
		a.nextDays = time.Time{}
		if err := a.buildDays(t.Context(), time.Now().Add(ahead)); err != nil {
			t.Fatal(err)
		}
		if n := count(t, conn, "SELECT count() FROM builds"); n != want {
			t.Fatalf("%d builds, want %d", n, want)
		}
	}
	change := func(id string) {
		t.Helper()
		load(t, conn, id, []byte(line(id, "sent", at, submitted(at)...)), noon)
		settle(t, a)
	}
	change("m")
	a.pending = 1
	build(1)
	change("n")
	if !a.daysRested.After(time.Now().Add(-time.Minute)) {
		t.Error("a build is followed by no rest")
	}
	a.pending, a.daysRested = 1, time.Now().Add(time.Hour)
	build(1)
	a.pending = 0
	a.lastWorked.Store(time.Now().Add(time.Hour).UnixMilli())
	build(1)
	a.lastWorked.Store(0)
	build(2)
	// Verdicts that wait for a backlog come first once it is worked off.
	change("o")
	turn := func(asOf time.Time, pending int64, deferred bool) {
		t.Helper()
		a.lastAsOfMS.Store(asOf.UnixMilli())
		a.pendingNow.Store(pending)
		if err := a.verdicts.Turn(t.Context(), true); err != nil || a.verdicts.Deferred() != deferred {
			t.Fatalf("verdicts are deferred: %v, %v", a.verdicts.Deferred(), err)
		}
	}
	a.lastWorked.Store(0)
	a.working.Store(false)
	turn(noon.Add(-time.Minute), 1, true)
	build(2)
	turn(noon, 0, false)
	build(3)
}
