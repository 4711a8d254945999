package aggregate

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// daySums compares the sums of days that a report would find now with the cells they stand for: it returns how many
// days have a build, and fails when one of them differs.
func daySums(t *testing.T, conn driver.Conn) (days uint64) {
	t.Helper()
	const visible = `SELECT account, bucket, max(generation) AS generation FROM generations GROUP BY account, bucket`
	const ready = `SELECT account, day, max(build) FROM cascade_days WHERE (account, day, state) IN
		(SELECT account, toDate(bucket) AS day, groupBitXor(cityHash64(bucket, generation)) FROM (` + visible + `) GROUP BY account, day) GROUP BY account, day`
	different := count(t, conn, `SELECT count() FROM (SELECT * FROM
	(
		SELECT account, day, cohort_day, campaign, template, shape, reported_currency, sum(messages) AS m, sum(reported_micros) AS r, max(cohort_max_ms) AS c
		FROM rollup_cascade_days WHERE (account, day, build) IN (`+ready+`) GROUP BY ALL
		UNION ALL
		SELECT account, toDate(bucket), toDate(cohort), campaign, template, shape, reported_currency, sum(messages), sum(reported_micros), max(cohort_max_ms)
		FROM rollup_cascades WHERE (account, bucket, generation) IN (`+visible+`) AND (account, toDate(bucket)) IN (SELECT account, day FROM (`+ready+`)) GROUP BY ALL
	)
	GROUP BY ALL HAVING count() != 2)`)
	if different != 0 {
		t.Fatalf("%d sums of days are not those of their cells", different)
	}
	return count(t, conn, "SELECT count() FROM ("+ready+")")
}

func TestAggregator_Days_FollowTheirCells(t *testing.T) {
	events, err := os.ReadFile("../simulate/model/testdata/examples/events.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	conn := connect(t)
	a := newAggregator(conn, noon)
	load(t, conn, "examples", events, noon)
	settle(t, a)
	if n := daySums(t, conn); n != 0 {
		t.Fatalf("%d days are summed a moment after they were published", n)
	}
	ahead := time.Duration(0)
	later := func() {
		t.Helper()
		ahead += 2 * dayQuiet
		for range 100 {
			a.nextDays = time.Time{}
			if err := a.sumDays(t.Context(), time.Now().Add(ahead)); err != nil {
				t.Fatal(err)
			}
		}
	}
	later()
	all := count(t, conn, "SELECT uniqExact(account, toDate(bucket)) FROM generations")
	if n := daySums(t, conn); n != all || all < 10 {
		t.Fatalf("%d days are summed, want %d", n, all)
	}
	built := count(t, conn, "SELECT count() FROM rollup_cascade_days")
	later()
	if n := count(t, conn, "SELECT count() FROM rollup_cascade_days"); n != built {
		t.Fatalf("quiet days were summed again: %d cells became %d", built, n)
	}
	// One event takes its day out until the day is quiet again.
	at := time.UnixMilli(int64(count(t, conn,
		"SELECT toUInt64(min(toUnixTimestamp(bucket))) * 1000 FROM generations WHERE account = 'acme'")))
	load(t, conn, "late", []byte(fmt.Sprintf(`{"account":"acme","message_id":"late","channel":"sms","status":"sent","occurred_at":%[1]q,"submitted_at":%[1]q,"recipient":"+79001234567"}`,
		at.UTC().Format(time.RFC3339))), noon)
	settle(t, a)
	if n := daySums(t, conn); n != all-1 {
		t.Fatalf("after an event %d days are summed, want %d", n, all-1)
	}
	later()
	if n := daySums(t, conn); n != all {
		t.Fatalf("after an event and quiet %d days are summed, want %d", n, all)
	}
	// Upkeep forgets the old build first, and removes its cells a round later.
	for round := range 3 {
		if err := a.dropReplaced(t.Context(), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if builds := count(t, conn, "SELECT uniqExact(account, day, build) FROM rollup_cascade_days"); round == 0 &&
			builds != all+1 {
			t.Fatalf("upkeep removed cells that a report may still read: %d builds, want %d", builds, all+1)
		}
		load(t, conn, fmt.Sprint("again", round),
			[]byte(line("m", "sent", noon.Add(-time.Hour), submitted(noon.Add(-time.Hour))...)), noon)
		settle(t, a)
	}
	if n := count(t, conn, fmt.Sprintf("SELECT uniqExact(build) FROM rollup_cascade_days WHERE account = 'acme' AND "+
		"day = toDate(%d)", at.Unix())); n != 1 {
		t.Fatalf("the day of the event has cells of %d builds, want 1", n)
	}
}
