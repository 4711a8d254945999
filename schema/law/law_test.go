package law_test

import (
	"context"
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/engine/enginetest"
	"kaskad/schema"
	"kaskad/schema/law"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

func newConn(tb testing.TB) driver.Conn {
	tb.Helper()
	options, err := clickhouse.ParseDSN(enginetest.ClickHouse(tb))
	if err != nil {
		tb.Fatal(err)
	}
	db := clickhouse.OpenDB(options)
	defer db.Close()
	if _, err := schema.Migrate(tb.Context(), db); err != nil {
		tb.Fatal(err)
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	return conn
}

// statement fills a statement with the law.
func statement(t *testing.T, text string) string {
	t.Helper()
	filled, err := law.Template("test").Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	if err := filled.Execute(&all, nil); err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// The law in SQL and the law in Go say the same of random attempts, in all odd cases.
func TestLaw_SQLAndGo_Agree(t *testing.T) {
	conn := newConn(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	const n = 20_000
	codes := insertEvents(t, conn, rand.New(rand.NewPCG(seed, 1)), n)

	rows, err := conn.Query(t.Context(), statement(t, `
WITH {{never}} AS never, {{template "facts" "false"}}, 3 AS segments, step = 2 AS has_conversation, step = 3 AS is_outside
SELECT
    message_id, step, channel, recipient_country, said_country,
    [attempts.queued_ms, accepted_ms, sent_ms, attempts.delivered_ms, attempts.read_ms, attempts.clicked_ms, attempts.replied_ms,
     undelivered_ms, rejected_ms, expired_ms, failed_ms, skipped_ms] AS times,
    machine_ms, single_delivered_ms, parts, delivered_parts, failed_parts, part_failures, parts_delivered_ms, permanent, billable,
    last_error, attempts.error_code, attempts.prices, submitted_ms, id_ms,

    {{template "recipient"}}, {{template "country"}}, {{template "prices"}}, {{template "error_code"}}, {{template "is_expired"}},
    {{template "outcome"}},
    {{template "cohort_ms" ""}} AS cohort_ms, {{template "start_ms" "step"}} AS start_ms, {{template "started_ms" ""}} AS started_ms,
    {{template "is_skewed"}} AS is_skewed, ({{template "code"}})::UInt32 AS code, {{template "code_by_recipient" ""}}
FROM attempts FINAL`))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	met, found := map[string]int{}, 0
	for ; rows.Next(); found++ {
		var a law.Attempt
		a.Reset(0)
		var times []int64
		var deliveredParts, failedParts big.Int
		var lastError string
		var storedPrices map[string]int64
		var submittedMS, idMS, sentMS, queuedMS, clickedMS, cohortMS, startedMS int64
		var message, country, recipient, errorCode string
		var prices map[string]int64
		var got law.Outcome
		var code, byRecipient uint32
		if err := rows.Scan(&message, &a.Step, &a.Channel, &a.RecipientCountry, &a.SaidCountry, &times, &a.MachineMS,
			&a.SingleDeliveredMS, &a.Parts, &deliveredParts, &failedParts, &a.PartFailures, &a.PartsDeliveredMS,
			&a.Permanent, &a.Billable, &lastError, &a.AnyErrorCode, &storedPrices, &submittedMS, &idMS,
			&recipient, &country, &prices, &errorCode, &got.Expired,
			&sentMS, &queuedMS, &got.DeliveredMS, &got.ReadMS, &clickedMS, &got.RepliedMS,
			&got.Sent, &got.Delivered, &got.Read, &got.MachineOpened, &got.Failed, &got.Skipped,
			&got.NotBilled, &got.Lowered,
			&cohortMS, &got.StartMS, &startedMS, &got.Skewed, &code, &byRecipient); err != nil {
			t.Fatal(err)
		}
		copy(a.Times[:], times)
		a.DeliveredParts, a.FailedParts = law.PartSetOf(&deliveredParts), law.PartSetOf(&failedParts)
		a.SetLastError(lastError)
		a.SetPrices(storedPrices)
		want := a.Outcome(law.CohortMS(submittedMS, idMS))
		// What follows from the rest in both.
		got.Bounced, got.Attempted = want.Bounced, !got.Skipped
		got.Pending = got.Attempted && !got.Delivered && !got.Failed
		got.Clicked, got.Replied = clickedMS != schema.Never, got.RepliedMS != schema.Never
		if got != want {
			t.Fatalf("SQL says\n%+v, Go\n%+v of %+v", got, want, a)
		}
		sums := map[string]int64{}
		for _, p := range a.Reported(nil) {
			sums[p.Currency] = p.Micros
		}
		if recipient != a.Recipient() || country != a.Country() || errorCode != a.ErrorCode() ||
			!maps.Equal(prices, sums) {
			t.Fatalf("SQL says %q of %q, prices %v, code %q, Go %q of %q, prices %v, code %q of %+v", recipient,
				country, prices,
				errorCode, a.Recipient(), a.Country(), sums, a.ErrorCode(), a)
		}
		if cohort := law.CohortMS(submittedMS, idMS); cohortMS != cohort ||
			startedMS != want.StartMS && (want.StartMS != schema.Never || startedMS != cohort) {
			t.Fatalf("SQL says cohort %d, start %d, want cohort %d, %+v of %+v", cohortMS, startedMS, cohort, want, a)
		}
		if told := codes[message]; len(told) > 0 && errorCode != told[len(told)-1] {
			t.Fatalf("the latest code is %q, want the last of %q", errorCode, told)
		}
		checkCodes(t, law.Code(code), law.Code(byRecipient), want, &a)
		for name, odd := range map[string]bool{
			"bounced": want.Bounced, "bounced, then a program's open": want.Bounced && want.MachineOpened,
			"mail with a reply":             a.Channel == "email" && a.Permanent == 1 && want.Replied,
			"a program's open alone":        want.MachineOpened && !want.Read,
			"all parts":                     a.AllParts(),
			"some parts":                    a.Parts > 1 && !a.DeliveredParts.Empty() && !a.AllParts(),
			"a part failed":                 want.Failed && !a.OpenParts().Empty(),
			"a delivered part failed first": a.AllParts() && !a.FailedParts.Empty(),
			"part 1 of 1":                   a.Parts == 1 && a.SingleDeliveredMS != schema.Never,
			"part 1 of 1, and more":         a.Parts > 1 && a.SingleDeliveredMS != schema.Never,
			"failed, then delivered":        want.Delivered && a.LastErrorCode != "",
			"skipped":                       want.Skipped, "skipped, then sent": a.At(schema.Skipped) != schema.Never &&
				want.Sent,
			"rejected": want.Failed && !want.Sent, "pending": want.Pending, "skewed": want.Skewed,
			"no start": want.StartMS == schema.Never, "no cohort": law.CohortMS(submittedMS, idMS) == schema.Never,
			"prices of parts": len(a.Prices) > len(prices), "two currencies": len(prices) > 1,
			"said country": country != "" && country == a.SaidCountry, "not billed": want.NotBilled,
			"lowered": want.Lowered,
			"expired": want.Expired, "the latest code is not the greatest": len(codes[message]) > 1 &&
				errorCode < slices.Max(codes[message]),
			"a code of before":   a.LastErrorCode == "" && errorCode != "",
			"a price of nothing": slices.Contains(slices.Collect(maps.Values(storedPrices)), 0),
		} {
			if odd {
				met[name]++
			} else {
				met[name] += 0
			}
		}
	}
	if err := rows.Err(); err != nil || found != n {
		t.Fatalf("%d attempts, %v", found, err)
	}
	for name, times := range met {
		if times < 20 {
			t.Errorf("%q was met %d times", name, times)
		}
	}
}

func checkCodes(t *testing.T, code, byRecipient law.Code, want law.Outcome, a *law.Attempt) {
	t.Helper()
	units := law.Units{Conversation: a.Step == 2, Outside: a.Step == 3}
	if code != want.Code(units, 3) || byRecipient != want.CodeByRecipient(3) {
		t.Fatalf("codes %b and %b, Go packs %b and %b", code, byRecipient, want.Code(units, 3), want.CodeByRecipient(3))
	}
	if code.Sent() != want.Sent || code.Delivered() != want.Delivered || code.Read() != want.Read ||
		code.Failed() != want.Failed ||
		code.Conversation() != (a.Step == 2) || code.Outside() != (a.Step == 3) ||
		code.NotBilled() != (a.Billable == 1) ||
		code.Segments() != 3 || code.Skipped() {
		t.Fatalf("code %b of %+v", code, want)
	}
	if byRecipient.Skipped() != want.Skipped || byRecipient.Conversation() || byRecipient.Outside() ||
		byRecipient.Sent() != want.Sent || byRecipient.Delivered() != want.Delivered || byRecipient.Segments() != 3 {
		t.Fatalf("code by recipient %b of %+v", byRecipient, want)
	}
}

// insertEvents stores some random events of each of n attempts, and returns the codes of each message in the order of
// time.
func insertEvents(tb testing.TB, conn driver.Conn, r *rand.Rand, n int) (codes map[string][]string) {
	tb.Helper()
	ctx := clickhouse.Context(context.Background(),
		clickhouse.WithSettings(clickhouse.Settings{"max_partitions_per_insert_block": 0}))
	batch, err := conn.PrepareBatch(ctx, `INSERT INTO events (account, bucket, message_id, step, status, occurred_ms, submitted_ms, id_ms,
		channel, recipient_country, said_country, segments, part, parts, error_code, permanent, price_micros, currency, billable)`)
	if err != nil {
		tb.Fatal(err)
	}
	const machineOpen = 20
	codes = map[string][]string{}
	begin := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	chance := func(percent int) bool { return r.IntN(100) < percent }
	pick := func(names ...string) string { return names[r.IntN(len(names))] }
	for m := range n {
		step, channel := uint8(1+r.IntN(3)), pick("sms", "email", "viber", "push")
		recipient := pick("+79001234567\x00RU", "user:7\x00", "email:a@b.c\x00DE")
		parts := uint8(r.IntN(4))
		if chance(10) {
			parts = uint8(r.IntN(256))
		}
		statuses := []schema.Status{schema.Accepted, schema.Sent, schema.Delivered, schema.Delivered, schema.Delivered,
			schema.Read, schema.Clicked, schema.Replied, schema.Undelivered, schema.Rejected, schema.Expired,
			schema.Failed, schema.Skipped, schema.Queued, machineOpen}
		if chance(50) { // Few have all of it: a quiet world has its own odd cases.
			r.Shuffle(len(statuses), func(i, j int) { statuses[i], statuses[j] = statuses[j], statuses[i] })
			statuses = statuses[:1+r.IntN(3)]
		}
		var submitted, inID int64
		if chance(50) {
			submitted = begin.UnixMilli() + r.Int64N(1000)
		}
		if chance(50) {
			inID = begin.UnixMilli() + r.Int64N(1000)
		}
		var failures []string
		message := fmt.Sprint("m", m)
		for range 1 + r.IntN(5) {
			status := statuses[r.IntN(len(statuses))]
			at := begin.UnixMilli() + r.Int64N(200_000)
			part, ofParts := uint8(0), parts
			if parts > 0 && (status == schema.Delivered || status >= schema.Undelivered && status <= schema.Failed) &&
				chance(80) {
				part = 1 + uint8(r.IntN(min(int(parts), 4)))
			}
			if part <= 1 && chance(10) {
				ofParts = 1 // It knows of one part.
			}
			code, permanent := "", uint8(0)
			if status >= schema.Undelivered && status <= schema.Failed {
				code, permanent = pick("", "27", "X", "б"), uint8(r.IntN(2))
				if code != "" {
					failures = append(failures, fmt.Sprintf("%013d%s", at, code))
				}
			}
			currency, price := pick("", "RUB", "USD"), int64(0)
			if currency != "" {
				price = r.Int64N(5) * r.Int64N(1000)
			}
			if err := batch.Append("acme", begin, message, step, uint8(status), at, submitted, inID, channel,
				recipient, pick("", "", "KZ"), uint16(3), part, ofParts, code, permanent, price, currency,
				uint8(r.IntN(10)/9)); err != nil {
				tb.Fatal(err)
			}
		}
		slices.Sort(failures)
		for _, f := range failures {
			codes[message] = append(codes[message], f[13:])
		}
	}
	if err := batch.Send(); err != nil {
		tb.Fatal(err)
	}
	// Facts of before have a code and no time of it.
	if err := conn.Exec(ctx, "INSERT INTO attempts (account, bucket, message_id, step, error_code) SELECT account, "+
		"bucket, "+
		"message_id, step, '27' FROM attempts WHERE last_error = '' AND cityHash64(message_id) % 10 = 0"); err != nil {
		tb.Fatal(err)
	}
	return codes
}

// The capability of a route reads in SQL as it was packed in Go.
func TestCapabilityCode_ReadsInSQL(t *testing.T) {
	conn := newConn(t)
	bounds := []string{"none", "exact", "lower", "upper"}
	for i := range 64 {
		deliver, read, bounded := i&1 != 0, i&2 != 0, bounds[i>>2&3]
		days := []uint16{0, 1, 14, 65535}[i>>4]
		var deliveries, reads uint8
		var bound uint32
		var settles int64
		if err := conn.QueryRow(t.Context(), statement(t, `WITH {code:UInt32} AS route
			SELECT {{template "reports_deliveries" "route"}}, {{template "reports_reads" "route"}}, {{template "bound_of_reads" "route"}},
				{{template "settles_ms" "toInt64(5)"}}`), clickhouse.Named("code", law.CapabilityCode(deliver, read, bounded, days))).Scan(&deliveries, &reads, &bound,
			&settles); err != nil {
			t.Fatal(err)
		}
		if (deliveries == 1) != deliver || (reads == 1) != read ||
			int(bound) != slices.Index(bounds, bounded) ||
			settles != 5+law.SettlingMS(days) {
			t.Errorf("%t %t %s %d reads as %d %d %d %d", deliver, read, bounded, days, deliveries, reads, bound,
				settles)
		}
	}
}

// What was migrated knows the same time that never comes.
func TestNever_Migrations(t *testing.T) {
	conn := newConn(t)
	var ms int64
	if err := conn.QueryRow(t.Context(), "SELECT any(default_expression)::Int64 FROM system.columns "+
		"WHERE database = currentDatabase() AND table = 'attempts' AND name = 'machine_ms'").Scan(&ms); err != nil ||
		ms != schema.Never {
		t.Errorf("%d, %v", ms, err)
	}
}
