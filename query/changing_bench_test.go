package query

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/query/querytest"
)

// changingPast is 30 days of 20 accounts that a benchmark asks for, summed up.
func changingPast(b *testing.B) (conn driver.Conn, server func() *Server, change func(rows int)) {
	b.Helper()
	conn = newConn(b)
	now := testNow.Add(12*time.Hour + 20*time.Minute) // cohorts settle in the middle of days
	server = func() *Server {
		return newServer(b, conn, func(c *Config, _ *Deps) { c.Now = func() time.Time { return now } })
	}
	execute(b, conn, `INSERT INTO legs SELECT concat('a', toString(intDiv(number, 8))), number % 8,
		['sms', 'push', 'viber', 'whatsapp'][1 + number % 4], 'mts', '', 'RU', '', 's', '', 'first', ''
		FROM numbers(160)`)
	execute(b, conn, `INSERT INTO shapes SELECT concat('a', toString(intDiv(number, 60))), 1 + number % 60, 1,
		[number % 8, (number + 1) % 8], [if(number % 2 = 0, 9, 1), 7] FROM numbers(1200)`)
	edition, cells := uint64(1), 400_000
	change = func(rows int) {
		fillChanging(b, conn, edition, rows, now)
		querytest.Publish(b, conn, edition)
		edition++
	}
	change(cells)
	for _, table := range []string{"rollup_attempts", "rollup_cascades", "rollup_spend", "rollup_failures"} {
		querytest.Build(b, conn, table, edition, "1", 1)
	}
	querytest.Publish(b, conn, edition)
	edition++
	return conn, server, change
}

var changingBenches = []string{"channels?group_by=channel", "channels?group_by=channel&account=a7",
	"savings?group_by=&account=a7", "spend?group_by=channel", "spend?group_by=channel&account=a7",
	"failures?group_by=channel,reason", "failures?group_by=channel,reason&account=a7"}

// BenchmarkServer_Reports_First asks reports over 30 days of 20 accounts of servers that were just started. It tells
// what a question costs ClickHouse: statements, rows read and processor time.
func BenchmarkServer_Reports_First(b *testing.B) {
	conn, server, _ := changingPast(b)
	for _, path := range append(changingBenches, "latency?group_by=channel,hour_of_day") {
		b.Run(path, func(b *testing.B) {
			var statements, rows, micros uint64
			for range b.N {
				s := server()
				from := work(b, conn)
				if w := get(s, "/v1/reports/"+path); w.Code != http.StatusOK {
					b.Fatal(w.Body)
				}
				to := work(b, conn)
				statements, rows, micros = statements+to.statements-from.statements-1, rows+to.rows-from.rows,
					micros+to.micros-from.micros
			}
			b.ReportMetric(float64(statements)/float64(b.N), "statements/op")
			b.ReportMetric(float64(rows)/float64(b.N), "rows/op")
			b.ReportMetric(float64(micros)/1000/float64(b.N), "server-cpu-ms/op")
		})
	}
}

// BenchmarkServer_Reports_Changing asks reports over 30 days of 20 accounts, each time after an edition that changed
// some thousands of cells of all days. Beside the time, which other work on the machine makes worse, it tells what a
// question costs ClickHouse: rows read and processor time.
func BenchmarkServer_Reports_Changing(b *testing.B) {
	conn, server, change := changingPast(b)
	s := server()
	for _, path := range changingBenches {
		b.Run(path, func(b *testing.B) {
			ask := func() {
				if w := get(s, "/v1/reports/"+path); w.Code != http.StatusOK {
					b.Fatal(w.Body)
				}
			}
			ask()
			var rows, micros uint64
			for range b.N {
				b.StopTimer()
				change(10_000)
				from := work(b, conn)
				b.StartTimer()
				ask()
				b.StopTimer()
				to := work(b, conn)
				rows, micros = rows+to.rows-from.rows, micros+to.micros-from.micros
			}
			b.ReportMetric(float64(rows)/float64(b.N), "rows/op")
			b.ReportMetric(float64(micros)/1000/float64(b.N), "server-cpu-ms/op")
		})
	}
}

// worked is what ClickHouse has done: statements, rows read for queries, and processor time in microseconds.
type worked struct{ statements, rows, micros uint64 }

func work(b *testing.B, conn driver.Conn) (w worked) {
	b.Helper()
	if err := conn.QueryRow(b.Context(), `SELECT sumIf(value, event = 'SelectQuery'),
		sumIf(value, event = 'SelectedRows'), sumIf(value, event = 'OSCPUVirtualTimeMicroseconds')
		FROM system.events`).Scan(&w.statements, &w.rows, &w.micros); err != nil {
		b.Fatal(err)
	}
	return w
}

// fillChanging writes that many rows of an edition into each rollup, spread over accounts and days.
func fillChanging(b *testing.B, conn driver.Conn, edition uint64, rows int, now time.Time) {
	b.Helper()
	from := fmt.Sprintf(`(SELECT concat('a', toString(rand(1) %% 20)) AS account,
		toStartOfFifteenMinutes(toDateTime($2, 'UTC')) - 900 * (1 + rand(2) %% 2880) AS cohort,
		1 + rand(3) %% 60 AS shape, concat('c', toString(rand(4) %% 5)) AS campaign,
		['sms', 'push', 'viber', 'whatsapp'][1 + rand(5) %% 4] AS channel, 1 + rand(6) %% 5 AS n,
		toInt64(toUnixTimestamp(cohort)) * 1000 + rand(7) %% 900000 AS latest FROM numbers(%d))
		SETTINGS max_partitions_per_insert_block = 0`, rows)
	for _, statement := range []string{
		`INSERT INTO rollup_attempts (account, kind, day, edition, bucket, cohort, channel, provider, campaign, step,
			window_end, attempted, sent, delivered, read, timed, in_1m, in_24h, read_in_24h, to_deliver, to_read,
			cohort_max_ms) SELECT account, 'difference', toDate(cohort), $1, toStartOfHour(cohort), cohort, channel,
			'mts', campaign, 1, if(cohort > $2 - INTERVAL 1 DAY, cohort + 900, toDateTime(0, 'UTC')), n, n, n, n, n, n, n, n,
			map(toUInt16(rand(8) % 300), toUInt64(n)), map(toUInt16(rand(9) % 500), toUInt64(n)), latest FROM `,
		`INSERT INTO rollup_cascades SELECT account, 'difference', toDate(cohort), $1, toStartOfHour(cohort), cohort,
			campaign, '', shape, '', n, 0, latest FROM `,
		`INSERT INTO rollup_spend SELECT account, 'difference', toDate(cohort), $1, toStartOfHour(cohort), cohort,
			campaign, '', 1, shape % 8, if(shape % 2 = 0, 1, 9), 0, shape, 1, '', map(), n, latest FROM `,
		`INSERT INTO rollup_failures (account, kind, day, edition, bucket, cohort, channel, provider, campaign,
			error_code, failed, cohort_max_ms) SELECT account, 'difference', toDate(cohort), $1, toStartOfHour(cohort),
			cohort, channel, 'mts', campaign, concat('e', toString(n)), n, latest FROM `,
	} {
		execute(b, conn, statement+from, edition, now)
	}
}
