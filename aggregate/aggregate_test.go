package aggregate

import (
	"bytes"
	"context"
	"os"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"kaskad/engine/enginetest"
	"kaskad/schema"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// connect returns a connection to a migrated, empty database.
func connect(t testing.TB) driver.Conn {
	t.Helper()
	options, err := clickhouse.ParseDSN(enginetest.ClickHouse(t))
	if err != nil {
		t.Fatal(err)
	}
	db := clickhouse.OpenDB(options)
	defer db.Close()
	if _, err := schema.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// load stores NDJSON the way ingest does, without Kafka: facts, locations and orphans, then touches. Lines of one topic have a place each.
func load(t testing.TB, conn driver.Conn, topic string, lines []byte, now time.Time) {
	t.Helper()
	var (
		decoder schema.Decoder
		facts   schema.Facts
		orphans schema.Orphans
		located []schema.Location
	)
	batch, touched := uuid.New(), map[bucketKey]bool{}
	schema.Lines(lines, func(line int, raw []byte) {
		ev, bad := decoder.Decode(raw, now.UnixMilli())
		if bad != nil {
			t.Fatalf("line %d: %v", line, bad)
		}
		if !ev.Status.OfMessage() {
			return
		}
		if ev.BucketMS == 0 {
			orphans.Append(ev, schema.Place{Topic: topic, Offset: int64(line), Line: 1}, raw, now.UnixMilli())
			return
		}
		if ev.IDTimeMS == 0 {
			located = append(located, schema.Location{Account: string(ev.Account), MessageID: string(ev.MessageID), BucketMS: ev.BucketMS})
		}
		facts.Append(ev)
		touched[bucketKey{string(ev.Account), ev.BucketMS}] = true
	})
	var touches []schema.Touch
	for key := range touched {
		touches = append(touches, schema.Touch{Account: key.account, BucketMS: key.bucketMS, ID: uuid.New(), AtMS: now.UnixMilli()})
	}
	touches = append(touches, schema.Touch{ID: batch, AtMS: now.UnixMilli()})
	for _, err := range []error{
		facts.Insert(t.Context(), conn, 0, facts.Rows()),
		schema.InsertLocated(t.Context(), conn, batch, located),
		orphans.Insert(t.Context(), conn, batch, 0, orphans.Rows()),
		schema.OpenTouches(t.Context(), conn, touches),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// settle runs passes until nothing is left to do.
func settle(t testing.TB, a *Aggregator) {
	t.Helper()
	if a.due == nil {
		if err := a.prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for range 1000 {
		worked, err := a.pass(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !worked {
			return
		}
	}
	t.Fatal("passes never end")
}

func newAggregator(conn driver.Conn, now time.Time) *Aggregator {
	return New(Config{Now: func() time.Time { return now }}, Deps{Conn: conn, Reject: func(ctx context.Context, l []schema.Rejection) error {
		return schema.InsertRejected(ctx, conn, l)
	}})
}

const visibleCells = `SELECT channel, toUInt64(sum(attempted)), toUInt64(sum(sent)), toUInt64(sum(delivered)), toUInt64(sum(read)), toUInt64(sum(failed)),
	toUInt64(sum(pending)), toUInt64(sum(skipped)), toUInt64(sum(skewed)) FROM rollup_attempts
	WHERE (account, bucket, generation) IN (SELECT account, bucket, max(generation) FROM generations GROUP BY account, bucket)
	GROUP BY channel ORDER BY channel`

func TestAggregator_Pass_ExamplesOnce(t *testing.T) {
	conn := connect(t)
	now := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	lines, err := os.ReadFile("../simulate/testdata/examples/events.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	a := newAggregator(conn, now)
	halves := bytes.SplitAfter(lines, []byte("\n"))
	load(t, conn, "first", bytes.Join(halves[:700], nil), now)
	settle(t, a)
	load(t, conn, "second", bytes.Join(halves[700:], nil), now)
	settle(t, a)
	rows, err := conn.Query(t.Context(), visibleCells)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var ch string
		var n [8]uint64
		if err := rows.Scan(&ch, &n[0], &n[1], &n[2], &n[3], &n[4], &n[5], &n[6], &n[7]); err != nil {
			t.Fatal(err)
		}
		t.Log(ch, n)
	}
}
