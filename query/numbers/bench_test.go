package numbers

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/query/querytest"
	"kaskad/schema/schematest"
)

// insertDeadNumbers fills number_health with n dead numbers of one account, whose streaks have 2 attempts on 100 legs.
func insertDeadNumbers(tb testing.TB, conn driver.Conn, n int) {
	tb.Helper()
	querytest.Execute(tb, conn, `INSERT INTO legs (account, leg, channel, provider, operator, country) SELECT 'acme', number, 'sms', concat('p', toString(number)), '', 'RU' FROM numbers(100)`)
	querytest.Execute(tb, conn, `INSERT INTO number_health (account, number, version, state, rule, since_ms, rule_version, reasons, failed_mailings, failed_days, first_failed_ms,
			last_failed_ms, last_delivered_ms, streak_legs, streak_codes, streak_sms_segments, streak_cohorts_ms, ported, valid)
		SELECT 'acme', concat('+79', leftPad(toString(number * 7), 9, '0')), 1700000000000000 + intDiv(number, 100000), 'dead', ['hard', 'soft', 'deactivated'][1 + number % 3],
			1790000000000 + number, 3, map('unknown_subscriber', 1 + number % 4), 2, 2, 1780000000000 + number, 1790000000000 + number, 1770000000000 + number,
			[number % 100, number % 37], [9, 9 + 256 * (number % 3)], [1 + number % 2, 1],
			[1780000000000 + number, 1790000000000 + number], -1, -1
		FROM numbers($1)`, uint64(n))
}

// BenchmarkNumbers_Dead exports a million dead numbers over HTTP, server, client and ClickHouse on the same machine. It
// prints numbers/s.
func BenchmarkNumbers_Dead(b *testing.B) {
	const numbers = 1_000_000
	conn, columns := schematest.ConnColumns(b)
	insertDeadNumbers(b, conn, numbers)
	querytest.PutTariffs(b, conn, "acme", querytest.TariffRow("sms", "per_segment_sent", "2.00"))
	s := newRoom(conn, withColumns(columns))
	server := httptest.NewServer(s)
	defer server.Close()
	for _, form := range []string{"Arrow", "CSV", "NDJSON"} {
		b.Run(form, func(b *testing.B) {
			var bytes int64
			spent := processorTime(b, conn)
			for b.Loop() {
				r, err := http.Get(server.URL + "/v1/numbers/dead?limit=all&format=" +
					map[string]string{"Arrow": "arrow", "CSV": "csv", "NDJSON": "ndjson"}[form])
				if err != nil {
					b.Fatal(err)
				}
				n, err := io.Copy(io.Discard, r.Body)
				r.Body.Close()
				if err != nil || r.StatusCode != http.StatusOK || n < numbers {
					b.Fatal(err, r.Status, n)
				}
				bytes = n
			}
			spent = processorTime(b, conn) - spent
			b.ReportMetric(numbers*float64(b.N)/b.Elapsed().Seconds(), "numbers/s")
			b.ReportMetric(spent.Seconds()*1e6/float64(numbers*b.N), "cpu-µs/number")
			b.ReportMetric(float64(bytes)/numbers, "bytes/number")
		})
	}
}

// processorTime is what this process and the queries of ClickHouse have taken: unlike the wall clock it does not depend
// on what else runs on the machine.
func processorTime(tb testing.TB, conn driver.Conn) time.Duration {
	tb.Helper()
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		tb.Fatal(err)
	}
	var queries uint64
	if err := conn.QueryRow(tb.Context(), "SELECT sum(value) FROM system.events WHERE event = "+
		"'OSCPUVirtualTimeMicroseconds'").Scan(&queries); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(own.Utime.Nano()+own.Stime.Nano()) + time.Duration(queries)*time.Microsecond
}

// BenchmarkNumbers_Check asks about 10 000 of 10 million numbers, spread over all of them, and for pages of the
// dead among them.
func BenchmarkNumbers_Check(b *testing.B) {
	const all = 10_000_000
	conn := schematest.Conn(b)
	// what was decided later lies in parts of its own
	for _, part := range []string{"number % 10 > 0", "number % 10 = 0"} {
		querytest.Execute(b, conn, `INSERT INTO number_health (account, number, version, state, rule, since_ms, ported, valid) SELECT 'acme', concat('+79', leftPad(toString(number * 7), 9, '0')),
			1700000000000000 + number, if(number % 10 = 3, 'dead', 'active'), 'hard', 1790000000000 + number, -1, -1 FROM numbers($1) WHERE `+part, uint64(all))
	}
	s := newRoom(conn)
	var body strings.Builder
	body.WriteString(`{"numbers":[`)
	for i := range maxChecked {
		if i > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, `"+79%09d"`, (i*7919*131)%all*7)
	}
	body.WriteString(`]}`)
	b.Run("check", func(b *testing.B) {
		for b.Loop() {
			if w := querytest.Call(s, http.MethodPost, "/v1/numbers/check",
				strings.NewReader(body.String())); w.Code != http.StatusOK ||
				strings.Contains(w.Body.String(), `"unknown"`) {
				b.Fatal(w.Body)
			}
		}
		b.ReportMetric(maxChecked*float64(b.N)/b.Elapsed().Seconds(), "numbers/s")
	})
	first := "/v1/numbers/dead?limit=10000&account=acme"
	var next list
	querytest.Decode(b, querytest.Get(s, first), http.StatusOK, &next)
	for name, target := range map[string]string{"page": first, "page_deep": first + "&cursor=" + *next.NextCursor,
		"one": "/v1/numbers/+79000000021", "page_all_accounts": "/v1/numbers/dead?limit=10000"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if w := querytest.Get(s, target); w.Code != http.StatusOK {
					b.Fatal(w.Body)
				}
			}
		})
	}
}
