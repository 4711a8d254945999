package ingest

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"kaskad/schema"
)

// kgoClient is a client of another library than the one under test, for what kafka-go's cannot write.
func (r *rig) kgoClient(options ...kgo.Opt) *kgo.Client {
	r.t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(r.brokers...), kgo.DefaultProduceTopic(r.topic),
		kgo.ProducerBatchMaxBytes(20 << 20), kgo.MaxBufferedBytes(64 << 20),
		kgo.RecordPartitioner(kgo.ManualPartitioner())}, options...)...)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(client.Close)
	return client
}

func (r *rig) produceRecords(client *kgo.Client, records ...*kgo.Record) {
	r.t.Helper()
	if err := client.ProduceSync(r.t.Context(), records...).FirstErr(); err != nil {
		r.t.Fatal(err)
	}
}

// metric reads a counter or gauge of one name from a registry, summed over its labels.
func metric(t testing.TB, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
			return sum
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

// testRecordShapes: whatever a record holds, its good events are stored, and all are counted.
func testRecordShapes(t *testing.T, r *rig) {
	client := r.kgoClient()
	ndjson := strings.Join([]string{deliveredEvent("n1"), "", badEvent, deliveredEvent("n2"), "{not json",
		deliveredEvent("n3")}, "\n")
	large := strings.TrimSuffix(deliveredEvent("large"), "}") + `,"ignored":"` + strings.Repeat("x", 5<<20) + `"}`
	medium := strings.TrimSuffix(deliveredEvent("medium"), "}") + `,"ignored":"` + strings.Repeat("x", 100_000) + `"}`
	values := [][]byte{
		[]byte(deliveredEvent("single")),
		[]byte(ndjson),
		nil, // a tombstone: kafka-go's fast reader panics at it
		[]byte("[" + deliveredEvent("a1") + "," + badEvent + "," + deliveredEvent("a2") + "]"),
		nil,
		[]byte(large),
		[]byte(medium),
		[]byte(" [ ] "),
		[]byte(""),
		arrowEvents(t, 3),
		arrowEvents(t, 3)[:200],
		[]byte("\x00\x01binary"),
		[]byte(deliveredEvent("last")),
	}
	var records []*kgo.Record
	for _, v := range values {
		records = append(records, &kgo.Record{Partition: 3, Value: v})
	}
	r.produceRecords(client, records...)
	registry := prometheus.NewRegistry()
	in, _ := r.start(func(_ *Config, d *Deps) { d.Registerer = registry })
	r.watchBalance(in)
	r.drained()
	// stored: single, n1–n3, a1, a2, large, medium, 3 of Arrow, last. rejected: 2 pigeons, not json, the cut stream,
	// binary.
	want := Balance{Consumed: 21, Stored: 12, Rejected: 5, Empty: 4}
	r.waitFor("the balance", func() bool { return in.Balance() == want })
	r.expectLedger(want)
	r.expectCount(12, "SELECT count() FROM attempts FINAL")
	r.expectCount(5, "SELECT count() FROM rejected FINAL")
	r.expectCount(1, "SELECT count() FROM rejected FINAL WHERE offset = 1 AND line = 3 AND field = 'channel' AND "+
		"reason = 'unknown_value' AND raw = '"+badEvent+"'")
	r.expectCount(1, "SELECT count() FROM rejected FINAL WHERE offset = 1 AND line = 5 AND reason = 'malformed_json' "+
		"AND raw = '{not json'")
	r.expectCount(1, "SELECT count() FROM rejected FINAL WHERE offset = 3 AND line = 2")
	r.expectCount(1, "SELECT count() FROM rejected FINAL WHERE offset = 10 AND length(raw) = 200 AND reason = "+
		"'malformed_json'")
	r.expectCount(1, "SELECT count() FROM rejected FINAL WHERE offset = 11 AND raw = '\\x00\\x01binary'")
	for name, want := range map[string]float64{"consumed_events_total": 21, "stored_events_total": 12,
		"rejected_events_total": 5, "empty_events_total": 4,
		"parked_events_total": 0, "in_flight_events": 0, "returned_events_total": 0, "lag_events": 0,
		"unknown_fields_total": 2} {
		if got := metric(t, registry, "kaskad_ingest_"+name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// arrowEvents is a stream of n valid events.
func arrowEvents(t *testing.T, n int) []byte {
	t.Helper()
	layout := arrow.NewSchema([]arrow.Field{
		{Name: "account", Type: arrow.BinaryTypes.String}, {Name: "message_id", Type: arrow.BinaryTypes.String},
		{Name: "submitted_at", Type: arrow.FixedWidthTypes.Timestamp_ms},
		{Name: "occurred_at", Type: arrow.FixedWidthTypes.Timestamp_ms},
		{Name: "channel", Type: arrow.BinaryTypes.String}, {Name: "status", Type: arrow.BinaryTypes.String},
		{Name: "recipient", Type: arrow.BinaryTypes.String},
	}, nil)
	var rows strings.Builder
	for i := range n {
		if i > 0 {
			rows.WriteByte(',')
		}
		fmt.Fprintf(&rows, `{"account":"acme","message_id":"arrow %d","submitted_at":"2026-11-19 10:00:00","occurred_at":"2026-11-19 10:00:01","channel":"sms","status":"sent","recipient":"+79001234567"}`, i)
	}
	record, _, err := array.RecordFromJSON(memory.DefaultAllocator, layout, strings.NewReader("["+rows.String()+"]"))
	if err != nil {
		t.Fatal(err)
	}
	defer record.Release()
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(layout))
	if err := w.Write(record); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// testDeadLetterTopic: the dead-letter topic holds the bytes as they came, and where they came from in headers.
func testDeadLetterTopic(t *testing.T, r *rig) {
	poison := []byte("{\"account\":\"acme\",\xff\xfe\n\"status\"")
	r.produceRecords(r.kgoClient(), &kgo.Record{Partition: 7, Value: []byte(deliveredEvent("before"))},
		&kgo.Record{Partition: 7, Value: poison},
		&kgo.Record{Partition: 7, Value: []byte(deliveredEvent("after"))})
	r.start(nil)
	r.drained()
	r.expectCount(2, "SELECT count() FROM attempts FINAL WHERE message_id IN ('before', 'after')")
	reader := r.kgoClient(kgo.ConsumeTopics(r.letters))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var letters []*kgo.Record
	for len(letters) < 2 && ctx.Err() == nil {
		letters = append(letters, reader.PollFetches(ctx).Records()...)
	}
	// The newline makes two lines of it, neither of which is an event.
	if len(letters) != 2 {
		t.Fatalf("%d dead letters, want 2", len(letters))
	}
	if got := string(letters[0].Value) + "\n" + string(letters[1].Value); got != string(poison) {
		t.Errorf("dead letters hold %q, want %q", got, poison)
	}
	headers := map[string]string{}
	for _, h := range letters[0].Headers {
		headers[h.Key] = string(h.Value)
	}
	for key, want := range map[string]string{"reason": "malformed_json", "field": "", "topic": r.topic,
		"partition": "7", "offset": "1", "line": "1",
		"at": string(schema.AppendTime(nil, testNow.UnixMilli()))} {
		if headers[key] != want {
			t.Errorf("header %s: %q, want %q", key, headers[key], want)
		}
	}
	if headers["error"] == "" {
		t.Error("no header error")
	}
	if key := string(letters[1].Key); key != r.topic+"/7/1/2" {
		t.Errorf("key %q", key)
	}
}

// testTransactions: aborted events are not filtered, as the package comment says: kafka-go hands them out. Control
// markers are no events.
func testTransactions(t *testing.T, r *rig) {
	client := r.kgoClient(kgo.TransactionalID("a-producer-of-" + r.topic))
	for i, commit := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort, kgo.TryCommit} {
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		r.produceRecords(client, &kgo.Record{Partition: 5,
			Value: []byte(deliveredEvent(fmt.Sprint("transaction ", i)))})
		if err := client.EndTransaction(t.Context(), commit); err != nil {
			t.Fatal(err)
		}
	}
	registry := prometheus.NewRegistry()
	in, _ := r.start(func(_ *Config, d *Deps) { d.Registerer = registry })
	want := Balance{Consumed: 3, Stored: 3}
	r.waitFor("the balance", func() bool { return in.Balance() == want })
	r.drained() // the last marker, behind which nothing comes, is committed too
	r.expectCount(1, "SELECT count() FROM attempts FINAL WHERE message_id = 'transaction 1'")
	if got := metric(t, registry, "kaskad_ingest_control_markers_total"); got != 3 {
		t.Errorf("%v control markers, want 3", got)
	}
}

// testCompressed: compressed batches, and more of them than one fetch takes.
func testCompressed(t *testing.T, r *rig) {
	for i, codec := range []kgo.CompressionCodec{kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(),
		kgo.ZstdCompression()} {
		client := r.kgoClient(kgo.ProducerBatchCompression(codec))
		var records []*kgo.Record
		for j := range 5000 {
			records = append(records, &kgo.Record{Partition: int32(j % 2),
				Value: []byte(deliveredEvent(fmt.Sprint(i, "-", j)))})
		}
		r.produceRecords(client, records...)
	}
	in, _ := r.start(func(c *Config, _ *Deps) { c.FetchBytes, c.BlockRows = 20_000, 1500 })
	r.watchBalance(in)
	r.drained()
	r.expectLedger(Balance{Consumed: 20_000, Stored: 20_000})
	r.expectCount(20_000, "SELECT count() FROM attempts FINAL")
}

// A row that ClickHouse refuses is found and becomes a dead letter; its neighbours are stored.
func TestIngester_Run_Bisects(t *testing.T) {
	r := newRig(t)
	if err := r.conn.Exec(t.Context(), "ALTER TABLE attempts ADD CONSTRAINT no_evil CHECK NOT startsWith(message_id, "+
		"'evil')"); err != nil {
		t.Fatal(err)
	}
	if err := r.conn.Exec(t.Context(), "ALTER TABLE orphans ADD CONSTRAINT no_evil CHECK NOT startsWith(message_id, "+
		"'evil')"); err != nil {
		t.Fatal(err)
	}
	values := events(ids("good", 500))
	values = append(values, deliveredEvent("evil 1"), orphan("evil 2"), orphan("good orphan"))
	values = append(values, events(ids("fine", 500))...)
	values = append(values, deliveredEvent("evil 3"))
	r.produce(values...)
	registry := prometheus.NewRegistry()
	in, _ := r.start(func(c *Config, d *Deps) { d.Registerer = registry; c.Linger = time.Second })
	r.watchBalance(in)
	r.drained()
	want := Balance{Consumed: 1004, Stored: 1000, Rejected: 3, Parked: 1}
	r.waitFor("the balance", func() bool { return in.Balance() == want })
	r.expectLedger(want)
	r.expectCount(1000, "SELECT count() FROM attempts FINAL")
	r.expectCount(1, "SELECT count() FROM orphans FINAL")
	r.expectCount(3, "SELECT count() FROM rejected FINAL WHERE reason = 'unstorable' AND position(error, 'no_evil') "+
		"> 0 AND position(raw, 'evil') > 0")
	if got := metric(t, registry, "kaskad_ingest_bisections_total"); got < 5 {
		t.Errorf("%v bisections", got)
	}
}
