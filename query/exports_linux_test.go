package query

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/engine/enginetest"
	"kaskad/query/querytest"
	"kaskad/schema/schematest"
)

// storeLists stores n rows of an account for every list that can be had at once.
func storeLists(tb testing.TB, conn driver.Conn, account string, n int) {
	tb.Helper()
	for _, statement := range []string{
		`INSERT INTO number_health (account, number, version, state, rule, since_ms, rule_version, reasons,
			failed_mailings, failed_days, streak_legs, streak_codes, streak_sms_segments, streak_cohorts_ms, ported, valid)
		SELECT $1, concat('+79', leftPad(toString(number * 7), 9, '0')), 1700000000000000, 'dead', 'hard',
			1790000000000 + number, 3, map('unknown_subscriber', 1 + number % 4), 2, 2, [number % 100, number % 37], [9, 9],
			[1, 2], [1780000000000 + number, 1790000000000], -1, -1 FROM numbers($2)`,
		`INSERT INTO number_changes (account, seq, number, from, to, at_ms, rule, seen_ms)
		SELECT $1, 1 + number, concat('+79', leftPad(toString(number * 7), 9, '0')), 'alive', 'dead',
			1790000000000 + number, 'hard', 1790000000000 + number FROM numbers($2)`,
		`INSERT INTO recipient_events (account, recipient, status, channel, app, contact, occurred_ms)
		SELECT $1, concat('device:', lower(hex(sipHash64(number)))), 'uninstalled', 'push', 'ios',
			concat('user-', toString(number)), 1790000000000 + number FROM numbers($2)`,
		`INSERT INTO attempts_by_recipient (account, recipient, person, bucket, message_id, step, generation, cohort_ms,
			channel, start_ms, delivered_ms, read_ms, code, sms_segments)
		SELECT $1, concat('+77', leftPad(toString(number * 7), 9, '0')), concat('user-', toString(number)),
			'2026-11-18 10:00:00', concat('m-', toString(number)), 1, 1, 1794996000000, 'sms', 1794996000000, 1794996005000,
			9999999999999, 3, 1 FROM numbers($2)`,
		`INSERT INTO events (account, bucket, message_id, step, status, occurred_ms, submitted_ms, channel, provider,
			campaign, recipient_country, contact, sms_segments)
		SELECT $1, toDateTime('2026-11-18 10:00:00', 'UTC') + 3600 * (number % 20), concat('message-', toString(number)), 1,
			4, 1794996000000 + 3600000 * (number % 20) + number % 3000000,
			1794996000000 + 3600000 * (number % 20) + number % 3000000, 'sms', 'mts', 'spring',
			concat('+79', leftPad(toString(number * 7), 9, '0'), unhex('00'), 'RU'), concat('user-', toString(number)), 2
		FROM numbers($2)`,
	} {
		execute(tb, conn, statement, account, uint64(n))
	}
	execute(tb, conn, `INSERT INTO rollup_attempts (account, kind, day, edition, bucket, cohort, campaign, channel, attempted)
		SELECT account, 'difference', toDate(bucket), 1, bucket,
			toDateTime(intDiv(submitted_ms, 900000) * 900, 'UTC'), campaign, channel, count()
		FROM attempts WHERE account = $1 GROUP BY ALL`, account)
}

// An answer of limit=all takes no more memory for ten times the rows, whichever list it is and in every form: they flow
// through, or wait on disk.
func TestServer_Exports_Memory(t *testing.T) {
	enginetest.Alone(t)
	conn, columns := schematest.ConnColumns(t)
	t.Setenv("TMPDIR", t.TempDir())
	// Some rows more than fit in what an answer has in hand, and less than a sheet holds.
	few := enginetest.World(t, 12_000, 20_000, 100_000)
	execute(t, conn, "INSERT INTO legs (account, leg, channel, provider) SELECT arrayJoin(['few', 'many']), number, "+
		"'sms', concat('p', toString(number)) FROM numbers(100)")
	for account, n := range map[string]int{"few": few, "many": 10 * few} {
		storeLists(t, conn, account, n)
		querytest.PutTariffs(t, conn, account, querytest.TariffRow("sms", "per_segment_sent", "2.5"))
	}
	querytest.Publish(t, conn, 1)
	server := httptest.NewServer(newServer(t, conn, func(_ *Config, d *Deps) { d.Columns = columns }).Handler())
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	defer client.CloseIdleConnections()
	export := func(query, account string) (size int64) {
		t.Helper()
		w, err := client.Get(server.URL + query + "&limit=all&account=" + account)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Body.Close()
		if size, err = io.Copy(io.Discard, w.Body); err != nil || w.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s, %d bytes, %v", query, w.Status, size, err)
		}
		return size
	}
	var queries []string
	formats := []string{"ndjson", "csv", "arrow", "parquet", "xlsx"}
	if !enginetest.Long() { // the others flow as these do, or as lists below do
		formats = []string{"ndjson", "parquet", "xlsx"}
	}
	for _, format := range formats {
		queries = append(queries, "/v1/numbers/dead?format="+format)
	}
	for i, list := range []string{"messages", "numbers/changes", "numbers/best-channel", "audience/uninstalled"} {
		forms := []string{"ndjson", "arrow"} // by rows, and by columns
		if !enginetest.Long() {
			forms = forms[i%2 : i%2+1]
		}
		for _, format := range forms {
			queries = append(queries, "/v1/"+list+"?format="+format)
		}
	}
	for _, query := range queries {
		bound := int64(32 << 20)
		if strings.HasSuffix(query, "parquet") {
			bound = 64 << 20 // a row group has more than the few rows
		}
		var sizeOfFew, sizeOfMany int64
		export(query, "few") // what is kept for the next answers is there
		ofFew := querytest.PeakMemory(t, func() { sizeOfFew = export(query, "few") })
		ofMany := querytest.PeakMemory(t, func() { sizeOfMany = export(query, "many") })
		t.Logf("%s: %d KiB in %d KiB more, %d KiB in %d KiB more", query, sizeOfFew>>10, ofFew>>10, sizeOfMany>>10,
			ofMany>>10)
		if sizeOfMany < 8*sizeOfFew {
			t.Errorf("%s: %d bytes of ten times the rows, and %d of few", query, sizeOfMany, sizeOfFew)
		}
		if ofMany-ofFew > bound {
			t.Errorf("%s: ten times the rows take %d MiB more memory, want %d at most", query, (ofMany-ofFew)>>20, bound>>20)
		}
	}
}
