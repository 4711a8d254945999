package savings

import (
	"net/http"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/query/querytest"
	"kaskad/schema"
)

// BenchmarkSavings reports over the month of one account: 20 million messages of 200 000 shapes in 4 million
// cells, among others' cells. It is asked of a server that knows nothing yet, of one that knows the shapes and reads
// cells or the sums of days, and of one that has been asked the same before.
func BenchmarkSavings(b *testing.B) {
	const cells, shapes = 4_000_000, 200_000
	conn := newConn(b)
	fillSavings(b, conn, cells, shapes)
	queries := []string{"group_by=", "group_by=campaign", "group_by=day", "group_by=path", "group_by=sender,country",
		"group_by=day,campaign,first_channel&limit=10000"}
	bench := func(name string, remember int64, fresh bool) {
		for _, query := range queries {
			b.Run(name+"/"+query, func(b *testing.B) {
				s := newRoom(b, conn)
				request := func() {
					s.answers.Limit = remember
					if w := querytest.Get(s,
						"/v1/reports/savings?account=acme&from=2026-10-01&to=2026-11-01&"+query); w.Code != http.StatusOK {
						b.Fatal(w.Body)
					}
				}
				request()
				for b.Loop() {
					if fresh {
						b.StopTimer()
						s = newRoom(b, conn)
						b.StartTimer()
					}
					request()
				}
				b.ReportMetric(cells*float64(b.N)/b.Elapsed().Seconds(), "cells/s")
			})
		}
	}
	const nothing = 1 // No answer is so small.
	bench("cells", nothing, false)
	querytest.Build(b, conn, "rollup_cascades", 2, "1", 1)
	querytest.Publish(b, conn, 2)
	querytest.Execute(b, conn, "OPTIMIZE TABLE rollup_cascades FINAL")
	bench("days", nothing, false)
	bench("first", nothing, true)
	bench("remembered", 0, false)
}

// fillSavings makes cells by SQL, most of them of few shapes, as in life.
func fillSavings(tb testing.TB, conn driver.Conn, cells, shapes int) {
	tb.Helper()
	querytest.Execute(tb, conn, `INSERT INTO legs SELECT 'acme', number, ['sms', 'push', 'viber', 'whatsapp'][1 + number % 4], ['', 'mts'][1 + intDiv(number, 4) % 2],
		['25001', '25002', '25020'][1 + intDiv(number, 8) % 3], ['RU', 'KZ', 'UA'][1 + intDiv(number, 24) % 3], ['promo', 'otp'][1 + intDiv(number, 72) % 2],
		concat('sender', toString(intDiv(number, 144) % 5)), '', ['first', 'unread', 'undelivered'][1 + intDiv(number, 720) % 3], '' FROM numbers(2160)`)
	querytest.Execute(tb, conn, `INSERT INTO shapes SELECT 'acme', cityHash64(number), 1 + number % 3, arrayMap(i -> cityHash64(number, i) % 2160, range(1 + number % 3)),
		arrayMap(i -> if(i < number % 3, 9, if(number % 7 = 0, 1, 7)) + bitShiftLeft(number % 3, 8), range(1 + number % 3)) FROM numbers($1)`, shapes)
	querytest.Execute(tb, conn, `INSERT INTO rollup_cascades SELECT if(number % 10 = 0, 'other', 'acme') AS account, 'difference', toDate(cohort), 1, toStartOfHour(cohort),
		toStartOfFifteenMinutes(toDateTime('2026-10-01 00:00:00', 'UTC') + toUInt32(number * 2678400 * 9 / 10 / $1)) AS cohort,
		concat('c', toString((toDayOfYear(cohort) + rand(1) % 3) % 20)) AS campaign, concat('t', substring(campaign, 2)), cityHash64(toUInt64($2 * pow(rand(3) / 4294967296, 6))), '',
		1 + rand(4) % 9, 0, toUnixTimestamp(cohort) * 1000 + rand(5) % 900000
		FROM numbers(intDiv($1 * 10, 9)) SETTINGS max_partitions_per_insert_block = 0`, cells, shapes)
	querytest.Publish(tb, conn, 1)
	querytest.Execute(tb, conn, "OPTIMIZE TABLE rollup_cascades FINAL")
	querytest.PutTariffs(tb, conn, "acme", querytest.TariffRow("sms", "per_segment_sent", "2"),
		querytest.TariffRow("sms", "per_segment_delivered", "2.35", "provider", "mts"),
		querytest.TariffRow("push", "per_message_sent", "0.36"),
		querytest.TariffRow("viber", "per_message_delivered", "0.75", "valid_to", "2026-10-15T00:00:00Z"),
		querytest.TariffRow("viber", "per_message_delivered", "0.8125", "valid_from", "2026-10-15T00:00:00Z"),
		querytest.TariffRow("whatsapp", "per_message_delivered", "4.5"))
	querytest.PutPrices(tb, conn, schema.ReferenceTemplates, "acme",
		`{"template":"t1","sms_segments":2,"valid_from":"2026-01-01T00:00:00Z"}`)
}
