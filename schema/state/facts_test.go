package state_test

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"kaskad/engine/enginetest"
	"kaskad/schema"
	"kaskad/schema/law"
	"kaskad/schema/schematest"
	"kaskad/schema/state"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// readFacts reads the states that tables attempts and replies hold.
func readFacts(tb testing.TB, conn driver.Conn) map[string]*state.Message {
	tb.Helper()
	rows, err := conn.Query(context.Background(), `
		SELECT message_id, step, submitted_ms, id_ms, channel, provider, campaign, template, sender, app, operator,
			traffic, trigger, recipient_country, recipient_mark, said_country, contact, segments, sms_segments, sms_measure,
			[queued_ms, accepted_ms, sent_ms, delivered_ms, read_ms, clicked_ms, replied_ms, undelivered_ms, rejected_ms,
				expired_ms, failed_ms, skipped_ms],
			machine_ms, single_delivered_ms, parts, delivered_parts, failed_parts, part_failures, parts_delivered_ms,
			permanent, billable, last_error, error_code,
			arraySort(arrayMap((k, v) -> (substring(k, 1, 3), toUInt8OrZero(substring(k, 5)), v), mapKeys(prices),
				mapValues(prices))) AS prices,
			replies_ms
		FROM (SELECT * FROM attempts FINAL) AS a
		LEFT JOIN
			(SELECT message_id, step, arraySort(groupUniqArray(replied_ms)) AS replies_ms FROM replies GROUP BY ALL) AS r
			ON r.message_id = a.message_id AND r.step = a.step`)
	if err != nil {
		tb.Fatal(err)
	}
	defer rows.Close()
	all := map[string]*state.Message{}
	for rows.Next() {
		a := law.NewAttempt(0)
		var id, lastError string
		var submittedMS, idMS int64
		var times []int64
		var delivered, failed big.Int
		var prices [][]any
		if err := rows.Scan(&id, &a.Step, &submittedMS, &idMS, &a.Channel, &a.Provider, &a.Campaign, &a.Template,
			&a.Sender, &a.App, &a.Operator, &a.Traffic, &a.Trigger, &a.RecipientCountry, &a.RecipientMark,
			&a.SaidCountry, &a.Contact, &a.Segments, &a.SMSSegments, &a.SMSMeasure, &times, &a.MachineMS,
			&a.SingleDeliveredMS, &a.Parts, &delivered, &failed, &a.PartFailures, &a.PartsDeliveredMS, &a.Permanent,
			&a.Billable, &lastError, &a.AnyErrorCode, &prices, &a.RepliesMS); err != nil {
			tb.Fatal(err)
		}
		copy(a.Times[:], times)
		a.DeliveredParts, a.FailedParts = law.PartSetOf(&delivered), law.PartSetOf(&failed)
		a.SetLastError(lastError)
		for _, p := range prices {
			a.Prices = append(a.Prices, law.Price{Currency: p[0].(string), Part: p[1].(uint8), Micros: p[2].(int64)})
		}
		m := all[id]
		if m == nil {
			m = of()
			all[id] = m
		}
		m.SubmittedMS, m.IDMS = min(m.SubmittedMS, submittedMS), min(m.IDMS, idMS)
		m.Attempt(a.Step).Merge(&a)
	}
	if err := rows.Err(); err != nil {
		tb.Fatal(err)
	}
	return all
}

// Events that ClickHouse merges and events that Go merges are the same facts.
func TestMessage_Add_AsClickHouseMerges(t *testing.T) {
	conn := schematest.Conn(t)
	seed := uint64(0)
	rapid.Check(t, func(t *rapid.T) { seed = rapid.Uint64Range(0, 1<<30).Draw(t, "seed") })
	t.Logf("seed %d", seed)
	want := map[string]*state.Message{}
	var facts [3]schema.Facts // Blocks that merge when they are read, or before.
	met := map[string]int{}
	for i := range 4_000 {
		id := fmt.Sprint("m", i)
		events := rapid.Custom(anyEvents).Example(int(seed) + i)
		for j := range events {
			ev := &events[j]
			ev.Account, ev.MessageID, ev.BucketMS = []byte("acme"), []byte(id), begin.UnixMilli()
			facts[(i+j)%len(facts)].Append(ev)
			if j%3 == 0 {
				facts[(i+j+1)%len(facts)].Append(ev) // Told twice.
			}
		}
		if len(events) == 0 {
			continue
		}
		want[id] = of(events...)
		for _, a := range want[id].Attempts {
			for name, odd := range map[string]bool{"several replies": len(a.RepliesMS) > 1,
				"prices of parts": len(a.Prices) > 1, "parts": a.DeliveredParts.Count() > 1,
				"open parts": !a.OpenParts().Empty(), "readdressed": a.Readdressed(), "a machine": a.MachineMS != schema.Never,
				"single": a.SingleDeliveredMS != schema.Never, "a code": a.LastErrorCode != "", "billable, and not": a.Billable == 3,
				"the last part": a.DeliveredParts.Has(255), "steps": len(want[id].Attempts) > 1} {
				if odd {
					met[name]++
				} else {
					met[name] += 0
				}
			}
		}
	}
	for name, times := range met {
		if times < 20 {
			t.Errorf("%q was met %d times", name, times)
		}
	}
	for i := range facts {
		if err := facts[i].Insert(t.Context(), conn, uuid.New(), 0, facts[i].Rows()); err != nil {
			t.Fatal(err)
		}
	}
	for _, merge := range []string{"", "OPTIMIZE TABLE attempts FINAL"} {
		if merge != "" {
			if err := conn.Exec(t.Context(), merge); err != nil {
				t.Fatal(err)
			}
		}
		got := readFacts(t, conn)
		if len(got) != len(want) {
			t.Fatalf("%d messages are stored, want %d", len(got), len(want))
		}
		for id, m := range want {
			mustEqual(t, id+": ClickHouse", got[id], m)
		}
	}
}

func TestPartSet_Numbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		numbers := rapid.SliceOfDistinct(rapid.Uint8Range(1, 255), func(p uint8) uint8 { return p }).Draw(t, "parts")
		slices.Sort(numbers)
		var s law.PartSet
		column := new(big.Int)
		for _, p := range numbers {
			s.Set(p)
			column.SetBit(column, int(p)-1, 1)
		}
		var want []int
		for _, p := range numbers {
			want = append(want, int(p))
			if !s.Has(p) {
				t.Fatalf("%d is not in %v", p, s)
			}
		}
		if got := s.Numbers(); !slices.Equal(got, want) || s.Count() != len(want) || law.PartSetOf(column) != s {
			t.Fatalf("%v, %d of them, want %v", got, s.Count(), want)
		}
	})
}
