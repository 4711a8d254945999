package messages

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"syscall"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/query/querytest"
	"kaskad/schema/schematest"
)

// campaignSQL makes a campaign of a million messages in three hours, between those of two others: each a push, then
// Viber for seven of ten, then an SMS for three of ten.
const campaignSQL = `
INSERT INTO events (account, bucket, message_id, step, status, occurred_ms, submitted_ms, channel, provider, campaign,
	template, sender, traffic, trigger, recipient_country, contact, sms_segments, segments, error_code)
SELECT 'acme', toDateTime('2026-11-18 10:00:00', 'UTC') + 3600 * intDiv(n, 400000),
	concat('message-', leftPad(toString(n), 12, '0')), step, status, ms, ms, ['push', 'viber', 'sms'][step],
	['fcm', 'infobip', 'mts'][step], ['spring', 'spring', 'spring', 'spring', 'spring', 'other'][1 + n % 6], 'sale',
	['', 'Shop', 'SHOP'][step], 'promo', ['first', 'expired', 'expired'][step],
	concat('+7900', leftPad(toString(n % 5000000), 7, '0'), '\0RU'), concat('user-', toString(n)), 2, if(step = 3, 2, 0),
	if(status IN (8, 10), '7', '')
FROM
(
	SELECT number AS n, arrayJoin(arrayFilter(s -> s = 1 OR s = 2 AND n % 10 < 7 OR s = 3 AND n % 10 < 3, [1, 2, 3]))
		AS step,
		toUInt8([10, if(n % 10 < 3, 8, 5), 4][step]) AS status,
		toInt64(1794996000000) + 3600000 * intDiv(n, 400000) + n % 3000000 AS ms
	FROM numbers(1200000)
)`

// campaignCells are the cells of its hours, and campaignDialogs the dialogs in it.
const (
	campaignCells = `
INSERT INTO rollup_attempts (account, kind, day, edition, bucket, cohort, campaign, channel, attempted)
SELECT account, 'difference', toDate(bucket), 1, bucket, toDateTime(intDiv(submitted_ms, 900000) * 900, 'UTC'), campaign, channel, count()
FROM attempts GROUP BY ALL`
	campaignDialogs = `
INSERT INTO dialogs (account, channel, sender, recipient, bucket, generation, message_id, step, delivered_ms, conversation, outside)
SELECT account, channel, sender, recipient_country, bucket, 1, message_id, step, read_ms, 1, 1
FROM attempts WHERE channel = 'viber' AND read_ms < 9999999999999`
)

// BenchmarkMessages_Export exports a campaign of a million messages. It prints rows/s, processor time of this process
// (server and client) and of ClickHouse, and by how much the memory of this process grew.
func BenchmarkMessages_Export(b *testing.B) {
	conn, columns := schematest.ConnColumns(b)
	for _, statement := range []string{campaignSQL, campaignCells, campaignDialogs} {
		querytest.Execute(b, conn, statement)
	}
	querytest.Publish(b, conn, 1)
	querytest.PutTariffs(b, conn, "acme", querytest.TariffRow("sms", "per_segment_sent", "2.5"),
		querytest.TariffRow("push", "zero", "0"), querytest.TariffRow("viber", "per_conversation_24h", "1.25"))
	server := httptest.NewServer(newRoom(b, conn, withColumns(columns)))
	defer server.Close()
	get := func(b *testing.B, query string) (lines int) {
		response, err := http.Get(server.URL + "/v1/messages?" + query)
		if err != nil {
			b.Fatal(err)
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			problem, err := io.ReadAll(response.Body)
			b.Fatalf("%d %s, %v", response.StatusCode, problem, err)
		}
		buffer := make([]byte, 1<<20)
		for {
			n, err := response.Body.Read(buffer)
			lines += bytes.Count(buffer[:n], []byte("\n"))
			if err == io.EOF {
				return lines
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	for _, format := range []string{"ndjson", "csv", "arrow"} {
		b.Run(format, func(b *testing.B) {
			resident, used, engineUsed := memory(b), processor(b), engine(b, conn)
			for b.Loop() {
				if n := get(b, "limit=all&campaign=spring&format="+format); n != 1_000_000 && format == "ndjson" {
					b.Fatalf("%d lines", n)
				}
			}
			b.ReportMetric(1_000_000*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric((processor(b)-used)/float64(b.N), "cpu-s/op")
			b.ReportMetric((engine(b, conn)-engineUsed)/float64(b.N), "engine-cpu-s/op")
			b.ReportMetric((memory(b)-resident)/(1<<20), "MiB-more")
		})
	}
	for name, query := range map[string]string{"page": "campaign=spring", "page-rare": "campaign=other&status=failed",
		"number": "recipient=%2B79000000007", "contact": "contact=user-7"} {
		b.Run(name, func(b *testing.B) {
			used, engineUsed := processor(b), engine(b, conn)
			for b.Loop() {
				get(b, "limit=1000&format=ndjson&"+query)
			}
			b.ReportMetric((processor(b)-used)/float64(b.N), "cpu-s/op")
			b.ReportMetric((engine(b, conn)-engineUsed)/float64(b.N), "engine-cpu-s/op")
		})
	}
}

// memory is the most that was resident so far.
func memory(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("this system does not tell how much memory is resident")
	}
	_, rest, _ := bytes.Cut(status, []byte("VmHWM:"))
	kib, err := strconv.ParseFloat(string(bytes.Fields(rest)[0]), 64)
	if err != nil {
		b.Fatal(err)
	}
	return kib * 1024
}

// engine is the time that processors gave to statements of ClickHouse, in seconds.
func engine(b *testing.B, conn driver.Conn) (seconds float64) {
	if err := conn.QueryRow(b.Context(),
		"SELECT sum(value) / 1e6 FROM system.events WHERE event = 'OSCPUVirtualTimeMicroseconds'").
		Scan(&seconds); err != nil {
		b.Fatal(err)
	}
	return seconds
}

// processor is the time that processors gave to this process, in seconds.
func processor(b *testing.B) float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}
