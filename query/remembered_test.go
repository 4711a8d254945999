package query

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"kaskad/query/querytest"
)

// Whatever a server remembers of days, its answers are those of a server that knows nothing: while editions change
// days, builds sum them up, others die, people opt out, windows end, cohorts settle and price lists change. Of several
// accounts ClickHouse adds everything up, so one account beside one that has nothing is the same once more.
func TestServer_Reports_Remembered(t *testing.T) {
	conn := newConn(t)
	now := testNow
	clock := func(c *Config, _ *Deps) { c.Now = func() time.Time { return now } }
	old := newServer(t, conn, clock)
	random := rand.New(rand.NewPCG(7, 7))
	for _, statement := range []string{
		`INSERT INTO legs SELECT account, number, ['sms', 'push', 'viber'][1 + number % 3],
			['mts', ''][1 + intDiv(number, 3) % 2], '', 'RU', '', concat('s', toString(number % 2)), '', 'first', ''
			FROM numbers(6) ARRAY JOIN ['acme', 'z'] AS account`,
		`INSERT INTO shapes SELECT account, 1 + number, number % 3, [number % 6, (number + 1) % 6],
			[if(number % 2 = 0, 9, 1), 7] FROM numbers(12) ARRAY JOIN ['acme', 'z'] AS account`,
	} {
		execute(t, conn, statement)
	}
	days := "toDateTime(toUnixTimestamp(toDateTime($2, 'UTC')) - 900 * (1 + rand(1) % 3000), 'UTC') AS cohort"
	for edition := uint64(1); edition <= 11; edition++ {
		if edition%5 == 0 {
			querytest.Begin(t, conn, edition)
			if edition == 5 { // a build; 10 dies, and so does what it says
				for _, table := range []string{"rollup_attempts", "rollup_cascades", "rollup_spend"} {
					querytest.Build(t, conn, table, edition, "cityHash64(account, day) % 3 > 0", 1)
				}
				querytest.Publish(t, conn, edition)
			}
		} else {
			cells := randomCells(edition, 60, now.Add(-time.Hour), 3+random.IntN(30))
			for i := range cells {
				cells[i].generation = edition
			}
			insertCells(t, conn, cells)
			execute(t, conn, `INSERT INTO rollup_cascades SELECT ['acme', 'z'][1 + rand(2) % 2], 'difference',
				toDate(cohort), $1, toStartOfHour(cohort), cohort, concat('c', toString(rand(3) % 3)), '',
				1 + rand(4) % 12, '', 1 + rand(5) % 9, 0, toInt64(toUnixTimestamp(cohort)) * 1000 + rand(6) % 900000
				FROM (SELECT `+days+` FROM numbers(40)) SETTINGS max_partitions_per_insert_block = 0`, edition, now)
			execute(t, conn, `INSERT INTO rollup_spend SELECT ['acme', 'z'][1 + rand(2) % 2], 'difference',
				toDate(cohort), $1, toStartOfHour(cohort), cohort, concat('c', toString(rand(3) % 3)), '', 1,
				shape % 6, if(shape % 2 = 0, 1, 9), 0, shape, shape % 3, '', map('RUB', toInt128(rand(7) % 5)),
				1 + rand(5) % 9, toInt64(toUnixTimestamp(cohort)) * 1000 + rand(6) % 900000
				FROM (SELECT `+days+`, 1 + rand(4) % 12 AS shape FROM numbers(40))
				SETTINGS max_partitions_per_insert_block = 0`, edition, now)
			if edition%3 == 0 { // the attribution of an opt-out moves to another day
				execute(t, conn, `INSERT INTO opt_outs (account, recipient, status, event_channel, occurred_ms, named,
					generation, found, message_id, cohort_ms, channel, provider, step)
					VALUES ('acme', 'p', 'blocked', 'viber', 5, '', $1, true, $2, $3, 'viber', '', 1)`, edition,
					fmt.Sprint("m", edition), now.Add(-time.Duration(edition)*20*time.Hour).UnixMilli())
			}
			querytest.Publish(t, conn, edition)
		}
		if edition == 3 || edition == 11 {
			querytest.PutTariffs(t, conn, "acme", querytest.TariffRow("sms", "per_message_sent", fmt.Sprint(edition)),
				querytest.TariffRow("viber", "per_message_delivered", "2"),
				querytest.TariffRow("push", "per_message_sent", "1"))
		}
		for _, query := range []string{"channels?group_by=", "channels?group_by=channel,campaign&limit=7",
			"channels?group_by=day,weekday&tz=Europe/Moscow&channel=viber&channel=sms",
			"channels?from=2026-11-17T07:30:00Z",
			"spend?group_by=", "spend?group_by=campaign,channel,sender&limit=9",
			"spend?group_by=day&channel=sms&currency=RUB",
			"savings?group_by=", "savings?group_by=day,path"} {
			path := "/v1/reports/" + query + "&account=acme"
			fresh := newServer(t, conn, clock)
			var first, got, want, several querytest.Report
			decode(t, get(old, path), http.StatusOK, &first)
			decode(t, get(old, path), http.StatusOK, &got) // everything is remembered
			decode(t, get(fresh, path), http.StatusOK, &want)
			decode(t, get(fresh, path+"&account=nobody"), http.StatusOK, &several)
			for of, other := range map[string]querytest.Report{"asked before": first, "a new server": want,
				"several accounts": several} {
				querytest.SameRows(t, fmt.Sprintf("edition %d, %s, as %s", edition, query, of), got.Rows, other.Rows)
				if got.Mature != other.Mature {
					t.Errorf("edition %d, %s: mature is %v, of %s %v", edition, query, got.Mature, of, other.Mature)
				}
			}
			if t.Failed() {
				t.FailNow()
			}
			readPagesBehind(t, old, path, got)
		}
		now = now.Add(time.Duration(random.IntN(300)) * time.Minute)
	}
}

// readPagesBehind reads the pages behind the first one, on the edition of that one.
func readPagesBehind(t *testing.T, s *Server, path string, page querytest.Report) {
	t.Helper()
	seen := map[string]bool{}
	for page.NextCursor != nil {
		if seen[*page.NextCursor] {
			t.Fatalf("%s: pages have no end", path)
		}
		seen[*page.NextCursor] = true
		cursor := *page.NextCursor
		page = querytest.Report{}
		decode(t, get(s, path+"&cursor="+cursor), http.StatusOK, &page)
		if len(page.Rows) == 0 {
			t.Fatalf("%s: a page is empty", path)
		}
	}
}
