package aggregate

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"kaskad/engine/enginetest"
	"kaskad/money"
	"kaskad/schema"
	"kaskad/schema/event"
	"kaskad/schema/schematest"
	"kaskad/schema/state"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

var noon = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)

// connect returns a connection to a migrated, empty database. What was published there when the test ends must be what
// facts say.
func connect(t testing.TB) driver.Conn {
	t.Helper()
	conn := schematest.Conn(t)
	if _, measures := t.(*testing.B); !measures {
		t.Cleanup(func() {
			if !t.Failed() && !t.Skipped() {
				settleIn(context.Background(), t, newAggregator(conn, noon))
				mustBeFacts(t, conn)
			}
		})
	}
	return conn
}

// mustBeFacts fails where the audit finds something.
func mustBeFacts(t testing.TB, conn driver.Conn) Audited {
	t.Helper()
	audited, err := Audit(context.Background(), Config{}, Deps{Conn: conn})
	if err != nil {
		t.Fatal(err)
	}
	for _, difference := range audited.Differences {
		t.Errorf("the audit found %s", difference)
	}
	return audited
}

// load stores NDJSON the way ingest does, without Kafka: facts, locations and orphans, then touches. Lines of one topic
// have a place each.
func load(t testing.TB, conn driver.Conn, topic string, lines []byte, now time.Time) {
	t.Helper()
	var (
		decoder = event.Decoder{MeasureSMS: money.SMSMeasure}
		facts   schema.Facts
		orphans schema.Orphans
		people  schema.RecipientEvents
		fold    state.Fold
		located []schema.Location
	)
	batch, touched := uuid.New(), map[state.Hour]bool{}
	event.Lines(lines, func(line int, raw []byte) {
		ev, bad := decoder.Decode(raw, now.UnixMilli())
		if bad != nil {
			t.Fatalf("line %d: %v", line, bad)
		}
		switch {
		case !ev.Status.OfMessage():
			people.Append(ev)
			if ev.Status.MovesFigures() {
				touched[state.Hour{Account: string(ev.Account)}] = true
			}
			return
		case ev.BucketMS == 0:
			orphans.Append(ev, schema.Place{Topic: topic, Offset: int64(line), Line: 1}, raw, now.UnixMilli())
			return
		case ev.IDTimeMS == 0:
			located = append(located, schema.Location{Account: string(ev.Account), MessageID: string(ev.MessageID),
				BucketMS: ev.BucketMS, SubmittedMS: ev.SubmittedMS})
		}
		facts.Append(ev)
	})
	fold.Fold(&facts, nil)
	var touches []schema.Touch
	for key := range touched {
		touches = append(touches, schema.Touch{Account: key.Account, BucketMS: key.BucketMS, ID: batch,
			AtMS: now.UnixMilli()})
	}
	if len(located)+orphans.Rows() > 0 {
		touches = append(touches, schema.Touch{ID: batch, AtMS: now.UnixMilli()})
	}
	if facts.Rows() > 0 {
		touches = append(touches, schema.Touch{BucketMS: schema.ChangesMS, ID: batch, AtMS: now.UnixMilli()})
	}
	for _, err := range []error{
		facts.Insert(t.Context(), conn, batch, 0, facts.Rows()),
		people.Insert(t.Context(), conn, batch, 0, people.Rows()),
		schema.InsertLocated(t.Context(), conn, batch, located),
		orphans.Insert(t.Context(), conn, batch, 0, orphans.Rows()),
		schema.InsertChanges(t.Context(), conn, batch, &fold.Changes),
		schema.OpenTouches(t.Context(), conn, touches),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// settle runs passes until nothing is left to do. What is known of days is then what their tables say.
func settle(t testing.TB, a *Aggregator) {
	t.Helper()
	settleIn(t.Context(), t, a)
}

func settleIn(ctx context.Context, t testing.TB, a *Aggregator) {
	t.Helper()
	if !a.prepared {
		if err := a.prepare(ctx); err != nil {
			t.Fatal(err)
		}
		a.prepared = true
	}
	for range 1000 {
		worked, err := a.pass(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if !worked {
			mustStand(ctx, t, a)
			return
		}
	}
	t.Fatal("passes never end")
}

func newAggregator(conn driver.Conn, now time.Time) *Aggregator {
	return New(Config{Exclusive: true, Now: func() time.Time { return now }},
		Deps{Conn: conn, Reject: func(ctx context.Context, l []schema.Rejection) error {
			return schema.InsertRejected(ctx, conn, l)
		}})
}

func noLetters(context.Context, []schema.Rejection) error { return nil }

// line writes a valid event of an SMS attempt; members add fields.
func line(id, status string, occurred time.Time, members ...string) string {
	return eventLine(id, status, occurred,
		append([]string{"channel", `"sms"`, "recipient", `"+79001234567"`}, members...)...)
}

// eventLine writes an event of account a; members are names of fields, each followed by its value in JSON.
func eventLine(id, status string, occurred time.Time, members ...string) string {
	text := fmt.Sprintf(`{"account":"a","message_id":%q,"status":%q,"occurred_at":%q`, id, status,
		occurred.Format(time.RFC3339Nano))
	for i := 0; i < len(members); i += 2 {
		text += fmt.Sprintf(",%q:%s", members[i], members[i+1])
	}
	return text + "}\n"
}

func submitted(at time.Time) []string {
	return []string{"submitted_at", fmt.Sprintf("%q", at.Format(time.RFC3339Nano))}
}

// totals are the sums that a report would read now: attempted, sent, delivered, failed, pending, and the 1-minute pair
// when all windows are over.
type totals struct{ Attempted, Sent, Delivered, Failed, Pending, Num1m, Den1m uint64 }

func visible(t testing.TB, conn driver.Conn) totals {
	t.Helper()
	var s totals
	err := conn.QueryRow(t.Context(), `SELECT sum(attempted)::UInt64, sum(sent)::UInt64, sum(delivered)::UInt64, sum(failed)::UInt64, sum(pending)::UInt64,
		sum(in_1m)::UInt64, sum(timed)::UInt64 FROM `+published("rollup_attempts", "quarter")).
		Scan(&s.Attempted, &s.Sent, &s.Delivered, &s.Failed, &s.Pending, &s.Num1m, &s.Den1m)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func count(t testing.TB, conn driver.Conn, query string) uint64 {
	t.Helper()
	var n uint64
	if err := conn.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// listDrops lists what removes what was replaced by then.
func listDrops(t testing.TB, a *Aggregator, now time.Time) []func(context.Context) error {
	t.Helper()
	drops, err := a.listDrops(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	return drops
}

// dropReplaced removes what was replaced by then.
func dropReplaced(t testing.TB, a *Aggregator, now time.Time) {
	t.Helper()
	for _, drop := range listDrops(t, a, now) {
		if err := drop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func mustSee(t testing.TB, conn driver.Conn, want totals) {
	t.Helper()
	if got := visible(t, conn); got != want {
		t.Fatalf("reports read %+v, want %+v", got, want)
	}
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(50 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatal("waited a minute in vain")
}
