package ingest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"kaskad/schema"
)

func TestProducer_Produce_OrderAndPlace(t *testing.T) {
	r := newRig(t)
	p, err := NewProducer(ProducerConfig{Brokers: r.brokers, BatchBytes: 2000})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	const messages, steps = 200, 10
	for step := range steps {
		var keys, values [][]byte
		for m := range messages {
			keys, values = append(keys, fmt.Appendf(nil, "acme\x00%d", m)),
				append(values, fmt.Appendf(nil, "%d %d", m, step))
		}
		if err := p.Produce(t.Context(), keys, values); err != nil {
			t.Fatal(err)
		}
	}
	reader := r.kgoClient(kgo.ConsumeTopics(r.topic))
	partition, next, seen := map[int]int32{}, map[int]int{}, 0
	for seen < messages*steps {
		for _, record := range reader.PollFetches(t.Context()).Records() {
			seen++
			var m, step int
			if _, err := fmt.Sscan(string(record.Value), &m, &step); err != nil {
				t.Fatal(err)
			}
			if at, known := partition[m]; known && at != record.Partition {
				t.Fatalf("message %d is in partitions %d and %d", m, at, record.Partition)
			}
			// Where a Java client would put it.
			if want := kgo.StickyKeyPartitioner(nil).ForTopic(r.topic).Partition(&kgo.Record{Key: record.Key},
				DefaultPartitions); want != int(record.Partition) {
				t.Fatalf("key %q is in partition %d, murmur2 says %d", record.Key, record.Partition, want)
			}
			if next[m] != step {
				t.Fatalf("message %d: step %d came, want %d", m, step, next[m])
			}
			partition[m] = record.Partition
			next[m]++
		}
	}
}

func TestProducer_Produce_ErrUnavailable(t *testing.T) {
	p, err := NewProducer(ProducerConfig{Brokers: []string{"127.0.0.1:1"}, Timeout: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	begin := time.Now()
	err = p.Produce(t.Context(), [][]byte{nil}, [][]byte{[]byte("x")})
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("error %v", err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

// A broker that goes away in the middle is an error; the same producer works again when it is back.
func TestProducer_Produce_BrokerComesBack(t *testing.T) {
	r := newRig(t)
	g := newGate(t, r.brokers[0])
	// The broker names itself in its answers, so every address must lead through the gate.
	dialer := gateDialer(g)
	p, err := NewProducer(ProducerConfig{Brokers: r.brokers, Dialer: dialer, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	one := [][]byte{[]byte("1")}
	if err := p.Produce(t.Context(), one, one); err != nil {
		t.Fatal(err)
	}
	for name, shut := range map[string]func(){"refuse": g.refuse, "stall": g.stall} {
		shut()
		if err := p.Produce(t.Context(), one, one); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: error %v", name, err)
		}
		g.open()
		r.waitFor("the broker to be back", func() bool { return p.Produce(t.Context(), one, one) == nil })
	}
}

func TestProducer_Produce_ErrTooLarge(t *testing.T) {
	r := newRig(t)
	p, err := NewProducer(ProducerConfig{Brokers: r.brokers})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	err = p.Produce(t.Context(), [][]byte{[]byte("k")}, [][]byte{make([]byte, DefaultMaxMessageBytes+1)})
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("error %v", err)
	}
}

func TestProducer_Produce_WaitsForTopic(t *testing.T) {
	r := newRigWith(t, newKfake(t).ListenAddrs())
	p, err := NewProducer(ProducerConfig{Brokers: r.brokers})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	time.AfterFunc(300*time.Millisecond, func() { r.ensureTopics(1) })
	if err := p.Produce(t.Context(), [][]byte{nil}, [][]byte{[]byte("x")}); err != nil {
		t.Fatal(err)
	}
}

func TestAppendKey(t *testing.T) {
	ev := &schema.Event{Account: []byte("a"), MessageID: []byte("m"), Recipient: []byte("user:1"), Status: schema.Sent}
	if got := string(AppendKey(nil, ev)); got != "a\x00m" {
		t.Errorf("%q", got)
	}
	ev.Status = schema.Uninstalled
	if got := string(AppendKey(nil, ev)); got != "a\x00user:1" {
		t.Errorf("%q", got)
	}
}

// What could not be valid when it came is valid after its cause is gone, and goes through once.
func TestReplay_SendsOnce(t *testing.T) {
	r := newRig(t)
	future := deliveredEvent("from the future") // an hour and a half ahead for the first ingester's clock
	r.produce(future, badEvent, deliveredEvent("good"))
	early := func() time.Time { return time.Date(2026, 11, 19, 8, 50, 0, 0, time.UTC) }
	_, stop := r.start(func(c *Config, _ *Deps) { c.Now = early })
	r.drained()
	stop()
	r.expectLedger(Balance{Consumed: 3, Rejected: 3})

	p, err := NewProducer(ProducerConfig{Brokers: r.brokers})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	now := func() time.Time { return testNow }
	replay := func(filter schema.LetterFilter, want schema.Replayed) {
		t.Helper()
		got, err := Replay(t.Context(), r.conn, p, filter, now)
		got.Last = nil
		if err != nil || got != want {
			t.Fatalf("replayed %+v, want %+v (%v)", got, want, err)
		}
	}
	replay(schema.LetterFilter{Reason: "no_cohort"}, schema.Replayed{})
	replay(schema.LetterFilter{Field: "step"}, schema.Replayed{})
	replay(schema.LetterFilter{Since: early().Add(time.Hour)}, schema.Replayed{})
	replay(schema.LetterFilter{Topic: "another"}, schema.Replayed{})
	replay(schema.LetterFilter{Reason: schema.ReasonTimeWindow, Field: "occurred_at", Since: early().Add(-time.Hour),
		Topic: r.topic}, schema.Replayed{Sent: 2})
	replay(schema.LetterFilter{}, schema.Replayed{StillRefused: 1})
	in, _ := r.start(nil)
	r.waitFor("the replayed events", func() bool { return in.Balance().Stored == 2 })
	r.drained()
	replay(schema.LetterFilter{}, schema.Replayed{StillRefused: 1})
	r.expectCount(2, "SELECT count() FROM attempts FINAL")
	r.expectCount(3, "SELECT count() FROM rejected FINAL")
	r.expectLedger(Balance{Consumed: 5, Stored: 2, Rejected: 3})
}

// Many dead letters go in batches; when Kafka is away those not sent stay.
func TestReplay_Batches(t *testing.T) {
	r := newRig(t)
	const n = 2*replayLetters + 100
	letters := make([]schema.Rejection, n)
	for i := range letters {
		letters[i] = schema.Rejection{Place: schema.Place{Topic: "t", Offset: int64(i), Line: 1},
			Raw: []byte(deliveredEvent(fmt.Sprint(i))), AtMS: testNow.UnixMilli()}
	}
	if err := schema.InsertRejected(t.Context(), r.conn, letters); err != nil {
		t.Fatal(err)
	}
	away, err := NewProducer(ProducerConfig{Brokers: []string{"127.0.0.1:1"}, Timeout: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return testNow }
	if got, err := Replay(t.Context(), r.conn, away, schema.LetterFilter{}, now); !errors.Is(err, ErrUnavailable) ||
		got.Sent != 0 {
		t.Fatalf("%+v, %v", got, err)
	}
	p, err := NewProducer(ProducerConfig{Brokers: r.brokers})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, want := range []uint64{n, 0} {
		if got, err := Replay(t.Context(), r.conn, p, schema.LetterFilter{}, now); err != nil || got.Sent != want {
			t.Fatalf("%+v, want %d (%v)", got, want, err)
		}
	}
	lag, err := Lag(t.Context(), r.brokers, nil, "nobody", r.topic)
	if err != nil || lag.Total != n {
		t.Errorf("%d records in the topic, want %d (%v)", lag.Total, n, err)
	}
}

func TestCheck(t *testing.T) {
	r := newRig(t)
	if err := Check(t.Context(), r.brokers, nil, r.topic); err != nil {
		t.Error(err)
	}
	if err := Check(t.Context(), r.brokers, nil, "another"); err == nil {
		t.Error("found a topic that is not there")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if err := Check(ctx, []string{"127.0.0.1:1"}, nil, r.topic); err == nil {
		t.Error("found a broker that is not there")
	}
}

// Durable makes ClickHouse sync inserts and merges, also of tables that an older version made sync inserts alone, and
// without it that is taken back.
func TestIngester_Run_Durable(t *testing.T) {
	r := newRig(t)
	const durable = "SELECT count() FROM system.tables WHERE database = currentDatabase() AND engine LIKE " +
		"'%MergeTree' AND engine_full LIKE '%fsync_after_insert = 1%' " +
		"AND engine_full LIKE '%fsync_part_directory = 1%' AND engine_full LIKE '%min_rows_to_fsync_after_merge = 1%' " +
		"AND engine_full LIKE '%min_compressed_bytes_to_fsync_after_merge = 1%'"
	const any = "SELECT count() FROM system.tables WHERE database = currentDatabase() AND engine_full LIKE '%fsync%'"
	all := r.count("SELECT count() FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'")
	if err := r.conn.Exec(t.Context(), "ALTER TABLE attempts MODIFY SETTING fsync_after_insert = 1, "+
		"fsync_part_directory = 1"); err != nil {
		t.Fatal(err)
	}
	for _, on := range []bool{true, true, false} {
		r.produce(events(ids("m", 10))...)
		in, stop := r.start(func(c *Config, _ *Deps) { c.Durable = on })
		r.waitFor("the events", func() bool { return in.Balance().Stored == 10 })
		stop()
		want := uint64(0)
		if on {
			want = all
		}
		r.expectCount(want, durable)
		r.expectCount(want, any)
	}
}
