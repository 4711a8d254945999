package query

import (
	"net/http"
	"testing"
	"time"

	"kaskad/query/querytest"
)

// BenchmarkServer_Penetration reports over 2 million attempts of 800 000 people, of whom some left. It prints
// attempts/s beside the time of a request.
func BenchmarkServer_Penetration(b *testing.B) {
	const messages = 1_200_000
	conn := newConn(b)
	execute(b, conn, `INSERT INTO attempts_by_recipient (account, recipient, bucket, message_id, step, generation, gone, cohort_ms, channel, provider, campaign, template,
			sender, app, operator, country, traffic, trigger, contact, person, start_ms, delivered_ms, read_ms, code, leg, sms_segments, error_code, permanent, expired)
		SELECT 'acme', if(step = 1, concat('device:', hex(sipHash64(p))), concat('+79', leftPad(toString(p), 9, '0'))),
		toStartOfHour(fromUnixTimestamp64Milli(at, 'UTC')), concat('message-', toString(n)), step, 7, 0, at, if(step = 1, 'push', 'sms'), if(step = 1, 'fcm', 'mts'),
		concat('c', toString(n % 20)), '', 'Shop', if(step = 1, 'ios', ''), '', '', '', '', if(p % 2 = 0, concat('crm-', toString(p)), '') AS contact,
		if(contact = '', if(n % 3 = 0, concat('device:', hex(sipHash64(p))), concat('+79', leftPad(toString(p), 9, '0'))), contact),
		at, if(ok, at + 5000, 9999999999999), 9999999999999, if(ok, 3, 9), 0, 2, if(ok, '', ['UNREGISTERED', '30003', '30005'][1 + n % 3]), 0, 0
		FROM (SELECT number AS n, arrayJoin(if(n % 3 = 0, [1], [1, 2])) AS step, sipHash64(n) % 800000 AS p, $1 - toInt64(n) * 1000 AS at, n % 3 = 0 OR (step = 2 AND n % 10 > 0) AS ok
		FROM numbers($2))`, testNow.UnixMilli(), messages)
	execute(b, conn, `INSERT INTO recipient_events (account, recipient, status, channel, app, occurred_ms)
		SELECT 'acme', concat('device:', hex(sipHash64(number * 16))), 'uninstalled', 'push', 'ios', $1 FROM numbers(50000)`, testNow.UnixMilli())
	countPeople(b, conn)
	querytest.Publish(b, conn, 7, 8)
	for _, table := range []string{"rollup_people", "rollup_attempts"} {
		querytest.Build(b, conn, table, 8, "true", 1)
		execute(b, conn, "OPTIMIZE TABLE "+table+" FINAL")
	}
	var attempts uint64
	if err := conn.QueryRow(b.Context(), "SELECT count() FROM attempts_by_recipient").Scan(&attempts); err != nil {
		b.Fatal(err)
	}
	s := newServer(b, conn, func(c *Config, _ *Deps) { c.QueryTime = 5 * time.Minute })
	for _, query := range []string{"by=channel&values=push,sms&metric=delivered_of_attempted",
		"by=campaign&values=c1,c2&metric=delivery&account=acme"} {
		b.Run("compare "+query, func(b *testing.B) {
			for b.Loop() {
				if w := get(s, comparePath+"?among=both&"+query); w.Code != http.StatusOK {
					b.Fatal(w.Body)
				}
			}
			b.ReportMetric(float64(attempts)*float64(b.N)/b.Elapsed().Seconds(), "attempts/s")
		})
	}
	for _, query := range []string{"group_by=channel", "group_by=operator", "group_by=campaign", "account=acme", "group_by=week&tz=Asia/Kathmandu"} {
		b.Run(query, func(b *testing.B) {
			for b.Loop() {
				if w := get(s, "/v1/reports/penetration?"+query); w.Code != http.StatusOK {
					b.Fatal(w.Body)
				}
			}
			b.ReportMetric(float64(attempts)*float64(b.N)/b.Elapsed().Seconds(), "attempts/s")
		})
	}
}
