package query

import (
	"net/http"
	"testing"
)

// BenchmarkServer_ForecastHistory measures a month of a million messages, one in five with two attempts, to 400 000
// people. It prints attempts/s beside the time of a request.
func BenchmarkServer_ForecastHistory(b *testing.B) {
	const messages, attempts = 1_000_000, 1_200_000
	conn := newConn(b)
	execute(b, conn, `INSERT INTO attempts_by_recipient (account, recipient, contact, person, bucket, message_id, step, generation, cohort_ms, channel, template, start_ms, delivered_ms,
			read_ms, code, sms_segments)
		WITH 1790812800000 + intDiv(number * 2592000000, 1000000) AS at, number % 5 = 0 AS cascade,
			cityHash64(number, step) % 10 < 8 AS ok, cityHash64(number, 2) % 400000 AS p
		SELECT 'acme', concat('+7900', leftPad(toString(p), 7, '0')), concat('user:', toString(p)) AS contact, contact, toStartOfHour(toDateTime(intDiv(at, 1000), 'UTC')),
			concat(lower(hex(at)), '-', hex(number)), step, 1, at, if(step = 2 OR cityHash64(number) % 3 > 0, 'sms', 'push'), concat('t', toString(cityHash64(number, 1) % 40)),
			at, if(ok, at + 5000, 9999999999999), 9999999999999, if(ok, 3, 9), 1 + number % 3
		FROM numbers(1000000) ARRAY JOIN if(cascade, [1, 2], [1]) AS step`)
	execute(b, conn, "OPTIMIZE TABLE attempts_by_recipient FINAL")
	s := newServer(b, conn)
	body := `{"channel":"push","channel_price":"0.36","billing":"per_message_sent","sms_price":"2"}`
	var answer struct{ Messages int }
	decode(b, postJSON(s, "/v1/forecasts/from-history?account=acme&from=2026-10-01&to=2026-10-31", body), http.StatusOK,
		&answer)
	if answer.Messages != messages {
		b.Fatalf("%d messages", answer.Messages)
	}
	for b.Loop() {
		if w := postJSON(s, "/v1/forecasts/from-history?account=acme&from=2026-10-01&to=2026-10-31",
			body); w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
	b.ReportMetric(attempts*float64(b.N)/b.Elapsed().Seconds(), "attempts/s")
}
