package schematest

import (
	"context"
	"math/big"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/schema/law"
	"kaskad/schema/state"
)

// States reads the states of all messages from the facts: tables attempts and replies.
func States(tb testing.TB, conn driver.Conn) map[state.Key]*state.Message {
	tb.Helper()
	rows, err := conn.Query(context.Background(), `
		SELECT a.account, a.bucket, message_id, step, submitted_ms, id_ms, channel, provider, campaign, template,
			sender, app, operator, traffic, trigger, recipient_country, recipient_mark, said_country, contact, segments,
			sms_segments, 			sms_measure,
			[queued_ms, accepted_ms, sent_ms, delivered_ms, read_ms, clicked_ms, replied_ms, undelivered_ms,
				rejected_ms, 				expired_ms, failed_ms, skipped_ms],
			machine_ms, single_delivered_ms, parts, delivered_parts, failed_parts, part_failures, parts_delivered_ms,
			permanent, billable, last_error, error_code, prices, replies_ms
		FROM (SELECT * FROM attempts FINAL) AS a
		LEFT JOIN (SELECT account, bucket, message_id, step, arraySort(groupUniqArray(replied_ms)) AS replies_ms
			FROM replies GROUP BY ALL) AS r
			ON r.account = a.account AND r.bucket = a.bucket AND r.message_id = a.message_id AND r.step = a.step`)
	if err != nil {
		tb.Fatal(err)
	}
	defer rows.Close()
	all := map[state.Key]*state.Message{}
	for rows.Next() {
		a := law.NewAttempt(0)
		var key state.Key
		var bucket time.Time
		var lastError string
		var submittedMS, idMS int64
		var times []int64
		var delivered, failed big.Int
		var prices map[string]int64
		if err := rows.Scan(&key.Account, &bucket, &key.MessageID, &a.Step, &submittedMS, &idMS, &a.Channel,
			&a.Provider,
			&a.Campaign, &a.Template, &a.Sender, &a.App, &a.Operator, &a.Traffic, &a.Trigger, &a.RecipientCountry,
			&a.RecipientMark, &a.SaidCountry, &a.Contact, &a.Segments, &a.SMSSegments, &a.SMSMeasure, &times,
			&a.MachineMS,
			&a.SingleDeliveredMS, &a.Parts, &delivered, &failed, &a.PartFailures, &a.PartsDeliveredMS, &a.Permanent,
			&a.Billable, &lastError, &a.AnyErrorCode, &prices, &a.RepliesMS); err != nil {
			tb.Fatal(err)
		}
		copy(a.Times[:], times)
		a.DeliveredParts, a.FailedParts = law.PartSetOf(&delivered), law.PartSetOf(&failed)
		a.SetLastError(lastError)
		a.SetPrices(prices)
		key.BucketMS = bucket.UnixMilli()
		m := one(all, key)
		m.SubmittedMS, m.IDMS = min(m.SubmittedMS, submittedMS), min(m.IDMS, idMS)
		m.Attempt(a.Step).Merge(&a)
	}
	if err := rows.Err(); err != nil {
		tb.Fatal(err)
	}
	return all
}

// Changes merges the states of all messages from table changes: of the open batches, which are announced.
func Changes(tb testing.TB, conn driver.Conn) map[state.Key]*state.Message {
	tb.Helper()
	rows, err := conn.Query(context.Background(), `
		SELECT account, bucket, message_id, state FROM changes WHERE batch IN
			(SELECT id FROM touched WHERE account = '' AND bucket = toDateTime(3600, 'UTC') GROUP BY id
				HAVING sum(sign) > 0)`)
	if err != nil {
		tb.Fatal(err)
	}
	defer rows.Close()
	all := map[state.Key]*state.Message{}
	for rows.Next() {
		var key state.Key
		var bucket time.Time
		var stored string
		if err := rows.Scan(&key.Account, &bucket, &key.MessageID, &stored); err != nil {
			tb.Fatal(err)
		}
		key.BucketMS = bucket.UnixMilli()
		var said state.Message
		if err := said.Decode(stored); err != nil {
			tb.Fatalf("%+v: %v", key, err)
		}
		one(all, key).Merge(&said)
	}
	if err := rows.Err(); err != nil {
		tb.Fatal(err)
	}
	return all
}

func one(all map[state.Key]*state.Message, key state.Key) *state.Message {
	m := all[key]
	if m == nil {
		m = &state.Message{}
		m.Reset()
		all[key] = m
	}
	return m
}
