package query

import (
	"net/http"
	"testing"
)

// BenchmarkServer_ForecastHistory measures a month of a million messages, one in five with two attempts, to 400 000 people. It prints attempts/s beside
// the time of a request.
func BenchmarkServer_ForecastHistory(b *testing.B) {
	const messages, attempts = 1_000_000, 1_200_000
	conn := newConn(b)
	execute(b, conn, `INSERT INTO events (account, bucket, message_id, step, status, occurred_ms, submitted_ms, channel, template, recipient_country, contact, sms_segments)
		WITH 1790812800000 + intDiv(number * 2592000000, 1000000) AS at, number % 5 = 0 AS cascade
		SELECT 'acme', toStartOfHour(toDateTime(intDiv(at, 1000), 'UTC')), concat(lower(hex(at)), '-', hex(number)), step, if(cityHash64(number, step) % 10 < 8, 4, 10),
			at + 5000, at, if(step = 2 OR cityHash64(number) % 3 > 0, 'sms', 'push'), concat('t', toString(cityHash64(number, 1) % 40)),
			concat('+7900', leftPad(toString(cityHash64(number, 2) % 400000), 7, '0'), '\0RU'), concat('user:', toString(cityHash64(number, 2) % 400000)), 1 + number % 3
		FROM numbers(1000000) ARRAY JOIN if(cascade, [1, 2], [1]) AS step`)
	execute(b, conn, "OPTIMIZE TABLE attempts FINAL")
	publishFacts(b, conn)
	s := newServer(b, conn)
	body := `{"channel":"push","channel_price":"0.36","billing":"per_message_sent","sms_price":"2"}`
	var answer struct{ Messages int }
	decode(b, postJSON(s, "/v1/forecasts/from-history?account=acme&from=2026-10-01&to=2026-10-31", body), http.StatusOK, &answer)
	if answer.Messages != messages {
		b.Fatalf("%d messages", answer.Messages)
	}
	for b.Loop() {
		if w := postJSON(s, "/v1/forecasts/from-history?account=acme&from=2026-10-01&to=2026-10-31", body); w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
	b.ReportMetric(attempts*float64(b.N)/b.Elapsed().Seconds(), "attempts/s")
}
