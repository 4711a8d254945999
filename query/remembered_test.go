package query

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/engine/enginetest"
	"kaskad/query/querytest"
	"kaskad/schema"
)

// Whatever a server remembers of days, its answers are those of a server that knows nothing: while editions change
// days, builds sum them up, others die, people opt out, windows end, cohorts settle, price lists and error maps change.
// Of several accounts ClickHouse adds everything up, so one account beside one that has nothing is the same once more,
// and so are all accounts by their names.
func TestServer_Reports_Remembered(t *testing.T) {
	enginetest.Again(t, "TestServer_Reports_Changing", "TestServer_Reports_Along", "TestServer_Drawn_Remembered")
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
				for _, table := range []string{"rollup_attempts", "rollup_cascades", "rollup_spend",
					"rollup_failures"} {
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
			insertFailures(t, conn, edition, now)
			if edition%3 == 0 { // the attribution of an opt-out moves to another day
				execute(t, conn, `INSERT INTO opt_outs (account, recipient, status, event_channel, occurred_ms, named,
					generation, found, message_id, cohort_ms, channel, provider, step)
					VALUES ($4, 'p', 'blocked', 'viber', 5, '', $1, true, $2, $3, 'viber', '', 1)`, edition,
					fmt.Sprint("m", edition), now.Add(-time.Duration(edition)*20*time.Hour).UnixMilli(),
					[]string{"acme", "z"}[edition/6%2])
			}
			querytest.Publish(t, conn, edition)
		}
		if edition == 3 || edition == 11 {
			querytest.PutTariffs(t, conn, "acme", querytest.TariffRow("sms", "per_message_sent", fmt.Sprint(edition)),
				querytest.TariffRow("viber", "per_message_delivered", "2"),
				querytest.TariffRow("push", "per_message_sent", "1"))
		}
		if edition%4 == 2 {
			if _, err := schema.InsertReference(t.Context(), conn, schema.ReferenceErrorMap, "acme", "test", 1,
				fmt.Appendf(nil, `{"lines":[{"provider":"mts","code":"e%d","class":"barred"}]}`, edition%5),
				now); err != nil {
				t.Fatal(err)
			}
		}
		scopes := [][2]string{{"&account=acme", "&account=nobody"},
			{"", "&account=acme&account=z&account=%D1%86%D0%B5%D0%BD%D1%82%D1%80"}}
		for _, query := range []string{"channels?group_by=", "channels?group_by=channel,campaign&limit=7",
			"channels?group_by=day,weekday&tz=Europe/Moscow&channel=viber&channel=sms",
			"channels?from=2026-11-17T07:30:00Z",
			"spend?group_by=", "spend?group_by=campaign,channel,sender&limit=9",
			"spend?group_by=day&channel=sms&currency=RUB",
			"spend?group_by=account", "failures?group_by=reason", "failures?group_by=channel,reason&reason=barred",
			"failures?group_by=day,provider,error_code&limit=9", "channels?group_by=account&limit=2",
			"latency?group_by=channel&le=60", "savings?group_by=", "savings?group_by=day,path"} {
			scope := scopes[random.IntN(2)]
			wantRemembered(t, old, newServer(t, conn, clock), fmt.Sprint("edition ", edition),
				"/v1/reports/"+query+scope[0], scope[1])
		}
		now = now.Add(time.Duration(random.IntN(300)) * time.Minute)
	}
}

// insertFailures stores some failed attempts of the last days as differences of an edition.
func insertFailures(t *testing.T, conn driver.Conn, edition uint64, now time.Time) {
	t.Helper()
	execute(t, conn, `INSERT INTO rollup_failures (account, kind, day, edition, bucket, cohort, channel,
		provider, campaign, error_code, failed, cohort_max_ms)
		SELECT ['acme', 'z'][1 + rand(2) % 2], 'difference', toDate(cohort), $1, toStartOfHour(cohort), cohort,
		['sms', 'viber'][1 + rand(3) % 2], ['mts', ''][1 + rand(4) % 2], concat('c', toString(rand(5) % 3)),
		concat('e', toString(rand(6) % 5)), 1 + rand(7) % 9,
		toInt64(toUnixTimestamp(cohort)) * 1000 + rand(8) % 900000
		FROM (SELECT toDateTime(toUnixTimestamp(toDateTime($2, 'UTC')) - 900 * (1 + rand(1) % 3000), 'UTC') AS cohort
		FROM numbers(30)) SETTINGS max_partitions_per_insert_block = 0`, edition, now)
}

// What is remembered of all accounts is for who may see all: a key of one account has its own, whoever asked first. And
// erasing a number leaves every figure as it was, remembered or not.
func TestServer_Reports_Remembered_Apart(t *testing.T) {
	conn := newConn(t)
	cells := randomCells(3, 80, testNow.Add(-time.Hour), 5)
	insertCells(t, conn, cells)
	execute(t, conn, `INSERT INTO rollup_failures (account, kind, day, edition, bucket, cohort, channel, error_code,
		failed) SELECT account, 'difference', day, edition, bucket, cohort, channel, 'e', failed FROM rollup_attempts
		WHERE failed > 0 SETTINGS max_partitions_per_insert_block = 0`)
	execute(t, conn, `INSERT INTO opt_outs (account, recipient, status, event_channel, occurred_ms, generation, found,
		message_id, cohort_ms, channel, step) SELECT account, '+79001234567', 'blocked', 'sms', 5, 1, true, 'm', $1,
		'sms', 1 FROM values('account String', 'acme', 'z')`, testNow.Add(-30*time.Hour).UnixMilli())
	execute(t, conn, "INSERT INTO number_overrides VALUES ('acme', '+79001234567', 1, 'dead', '', 'x', 1)")
	publish(t, conn, cells)
	erasureKey := newErasureKey(t)
	server := func() *Server {
		return newServer(t, conn, withKeys, func(c *Config, _ *Deps) { c.ErasureKey = erasureKey })
	}
	own := makeKey(t, conn, "acme", everyScope)
	rows := func(s *Server, key, path string) []map[string]any {
		t.Helper()
		var reply querytest.Report
		decode(t, bearer(s, key, http.MethodGet, path, ""), http.StatusOK, &reply)
		return reply.Rows
	}
	paths := []string{"/v1/reports/channels?group_by=channel", "/v1/reports/failures?group_by=channel",
		"/v1/reports/latency?group_by=&le=60", "/v1/reports/channels?group_by=account"}
	first, second := server(), server()
	for _, path := range paths {
		all, one := rows(first, adminKey, path), rows(second, own, path)
		if fmt.Sprint(all) == fmt.Sprint(one) {
			t.Errorf("%s: the account has all that there is", path)
		}
		querytest.SameRows(t, path+" of the account, after all", rows(first, own, path), one)
		querytest.SameRows(t, path+" of all, after the account", rows(second, adminKey, path), all)
		querytest.SameRows(t, path+" of the account, named", rows(server(), adminKey, path+"&account=acme"), one)
	}
	before := map[string][]map[string]any{}
	for _, path := range paths {
		before[path] = rows(first, adminKey, path)
	}
	if w := bearer(first, adminKey, http.MethodDelete, "/v1/numbers/%2B79001234567?account=acme", ""); w.Code !=
		http.StatusOK {
		t.Fatal(w.Body)
	}
	for _, path := range paths {
		for of, s := range map[string]*Server{"remembered": first, "computed": server()} {
			querytest.SameRows(t, path+" "+of+" after an erasure", rows(s, adminKey, path), before[path])
		}
	}
}

// wantRemembered asks a server twice, so that everything is remembered, and one that knows nothing, also with accounts
// added that make no difference.
func wantRemembered(t *testing.T, old, fresh *Server, when, path, others string) {
	t.Helper()
	var first, got, want, several querytest.Report
	decode(t, get(old, path), http.StatusOK, &first)
	decode(t, get(old, path), http.StatusOK, &got)
	decode(t, get(fresh, path), http.StatusOK, &want)
	decode(t, get(fresh, path+others), http.StatusOK, &several)
	for of, other := range map[string]querytest.Report{"asked before": first, "a new server": want,
		"several accounts": several} {
		querytest.SameRows(t, fmt.Sprintf("%s, %s, as %s", when, path, of), got.Rows, other.Rows)
		if got.Mature != other.Mature {
			t.Errorf("%s, %s: mature is %v, of %s %v", when, path, got.Mature, of, other.Mature)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
	readPagesBehind(t, old, path, got)
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
