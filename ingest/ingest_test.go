package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"kaskad/engine/enginetest"
	"kaskad/engine/kafkatest"
	"kaskad/schema"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// testNow is the clock of tests, a day after the events of testEvent.
var testNow = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// rig is a broker and a migrated database of a test.
type rig struct {
	t       testing.TB
	brokers []string
	topic   string
	group   string
	letters string
	conn    driver.Conn
	options *clickhouse.Options
	log     *slog.Logger
}

// newRig uses the broker in process.
func newRig(t testing.TB) *rig {
	t.Helper()
	r := newRigWith(t, newKfake(t).ListenAddrs())
	r.ensureTopics(DefaultPartitions)
	return r
}

func newKfake(t testing.TB) *kfake.Cluster {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

// scenarios are the tests that run on the broker in process and on Apache Kafka itself.
func scenarios() map[string]func(t *testing.T, r *rig) {
	return map[string]func(t *testing.T, r *rig){
		"RecordShapes":    testRecordShapes,
		"DeadLetterTopic": testDeadLetterTopic,
		"Transactions":    testTransactions,
		"Compressed":      testCompressed,
		"Crashes":         testCrashes,
		"Rebalance":       testRebalance,
		"Churn":           testChurn,
		"Outage":          testOutage,
	}
}

func TestIngester_Run_Kfake(t *testing.T) {
	t.Parallel()
	for name, test := range scenarios() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newRig(t))
		})
	}
}

func TestIngester_Run_ApacheKafka(t *testing.T) {
	t.Parallel()
	brokers := kafkatest.Start(t)
	for name, test := range scenarios() {
		if !enginetest.Long() && slices.Contains([]string{"Churn", "Outage"}, name) {
			continue // They are about members and ClickHouse, and Rebalance has members here too.
		}
		t.Run(name, func(t *testing.T) {
			r := newRigWith(t, brokers)
			r.topic, r.group, r.letters = name+".events", name, name+".rejected"
			r.ensureTopics(DefaultPartitions)
			test(t, r)
		})
	}
}

func newRigWith(t testing.TB, brokers []string) *rig {
	t.Helper()
	options := enginetest.Migrated(t, schema.Migrate)
	options.MaxOpenConns = 20
	conn, err := clickhouse.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	return &rig{t: t, brokers: brokers, topic: DefaultTopic, group: DefaultGroup, letters: DefaultDeadLetterTopic,
		conn: conn, options: options, log: log}
}

func (r *rig) ensureTopics(partitions int) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 20*time.Second)
	defer cancel()
	if err := EnsureTopics(ctx, r.brokers,
		TopicConfig{Topic: r.topic, DeadLetterTopic: r.letters, Partitions: partitions, Replication: 1}); err != nil {
		r.t.Fatal(err)
	}
	// A broker knows a new topic a moment before it knows that it leads its partitions.
	client, offsets := &kafka.Client{Addr: kafka.TCP(r.brokers...)}, map[string][]kafka.OffsetRequest{}
	for p := range partitions {
		offsets[r.topic] = append(offsets[r.topic], kafka.LastOffsetOf(p))
	}
	for ; ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		answer, err := client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: offsets})
		if err == nil && !slices.ContainsFunc(answer.Topics[r.topic],
			func(p kafka.PartitionOffsets) bool { return p.Error != nil }) {
			return
		}
	}
	r.t.Fatalf("the topic has no leaders: %v", ctx.Err())
}

// connAt is a connection to the same database by way of another address.
func (r *rig) connAt(addr string) driver.Conn {
	r.t.Helper()
	options := *r.options
	options.Addr = []string{addr}
	conn, err := clickhouse.Open(&options)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func (r *rig) config() Config {
	return Config{Brokers: r.brokers, Topic: r.topic, Group: r.group, DeadLetterTopic: r.letters,
		Linger: 20 * time.Millisecond, Now: func() time.Time { return testNow }}
}

// start runs an Ingester until stop is called, which waits for its end. The test's end stops it too.
func (r *rig) start(change func(*Config, *Deps)) (in *Ingester, stop func()) {
	r.t.Helper()
	config, deps := r.config(), Deps{Conn: r.conn, Logger: r.log}
	if change != nil {
		change(&config, &deps)
	}
	in, err := New(config, deps)
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- in.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				r.t.Error(err)
			}
		case <-time.After(20 * time.Second):
			r.t.Error("Run did not end within 20 s of its context")
		}
	})
	r.t.Cleanup(stop)
	return in, stop
}

// produce writes values under keys of their own.
func (r *rig) produce(values ...string) {
	r.t.Helper()
	p, err := NewProducer(ProducerConfig{Brokers: r.brokers, Topic: r.topic})
	if err != nil {
		r.t.Fatal(err)
	}
	defer p.Close()
	keys, raw := make([][]byte, len(values)), make([][]byte, len(values))
	for i, v := range values {
		keys[i], raw[i] = fmt.Appendf(nil, "key %d", i), []byte(v)
	}
	if err := p.Produce(r.t.Context(), keys, raw); err != nil {
		r.t.Fatal(err)
	}
}

// waitFor polls until what holds.
func (r *rig) waitFor(what string, holds func() bool) {
	r.t.Helper()
	deadline := time.Now().Add(120 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			r.t.Fatalf("waited for 120 s: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// drained waits until the group has committed everything that is in the topic.
func (r *rig) drained() {
	r.t.Helper()
	r.waitFor("the group to commit all records", func() bool {
		lag, err := Lag(r.t.Context(), r.brokers, nil, r.group, r.topic)
		if err != nil {
			r.t.Log(err)
		}
		return err == nil && lag.Total == 0
	})
}

// count runs a query that answers one number.
func (r *rig) count(query string) uint64 {
	r.t.Helper()
	var n uint64
	if err := r.conn.QueryRow(r.t.Context(), query).Scan(&n); err != nil {
		r.t.Fatalf("%s: %v", query, err)
	}
	return n
}

func (r *rig) expectCount(want uint64, query string) {
	r.t.Helper()
	if got := r.count(query); got != want {
		r.t.Errorf("%s: %d, want %d", query, got, want)
	}
}

// expectLedger compares the ledger's balance, in which nothing is in flight.
func (r *rig) expectLedger(want Balance) {
	r.t.Helper()
	got, err := ReadBalance(r.t.Context(), r.conn, r.group, r.topic)
	if err != nil {
		r.t.Fatal(err)
	}
	if got != want {
		r.t.Errorf("ledger: %+v, want %+v", got, want)
	}
	if err := balanced(got); err != nil {
		r.t.Errorf("ledger: %v", err)
	}
}

func balanced(b Balance) error {
	if b.Consumed != b.Stored+b.Rejected+b.Parked+b.InFlight+b.Empty {
		return fmt.Errorf("out of balance: %+v", b)
	}
	return nil
}

// watchBalance checks the balance all the time until the test ends.
func (r *rig) watchBalance(in *Ingester) {
	stop := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		for {
			if err := balanced(in.Balance()); err != nil {
				r.t.Error(err)
				return
			}
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
		}
	})
	r.t.Cleanup(func() { close(stop); done.Wait() })
}

// deliveredEvent is a valid delivered SMS of account acme whose id carries no time.
func deliveredEvent(id string) string {
	return fmt.Sprintf(`{"account":"acme","message_id":%q,"submitted_at":"2026-11-19T10:20:00Z","channel":"sms","status":"delivered",`+
		`"occurred_at":"2026-11-19T10:21:00Z","recipient":"+79001234567","campaign":"black friday","provider":"p1"}`,
		id)
}

// orphan is a valid event that does not say when its message was submitted.
func orphan(id string) string {
	return fmt.Sprintf(`{"account":"acme","message_id":%q,"channel":"sms","status":"sent","occurred_at":"2026-11-19T10:20:30Z","recipient":"+79001234567"}`, id)
}

const badEvent = `{"account":"acme","message_id":"bad","channel":"pigeon","status":"sent","occurred_at":"2026-11-19T10:20:30Z","recipient":"+79001234567"}`

func ids(prefix string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("%s-%06d", prefix, i)
	}
	return all
}

func events(ids []string) []string {
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = deliveredEvent(id)
	}
	return all
}

func TestIngester_Run_Stores(t *testing.T) {
	r := newRig(t)
	r.produce(events(ids("m", 1000))...)
	r.produce(orphan("o-1"), badEvent, "", "[]",
		`{"account":"acme","recipient":"user:1","status":"subscribed","channel":"push","app":"a","occurred_at":"2026-11-19T10:20:30Z"}`)
	in, stop := r.start(nil)
	r.watchBalance(in)
	r.drained()
	want := Balance{Consumed: 1005, Stored: 1001, Rejected: 1, Parked: 1, Empty: 2}
	r.waitFor("the balance", func() bool { return in.Balance() == want })
	r.expectLedger(want)
	if err := in.Ready(); err != nil {
		t.Errorf("not ready: %v", err)
	}
	stop()
	if err := in.Ready(); err == nil {
		t.Error("ready after its end")
	}
	r.expectCount(1000, "SELECT count() FROM attempts FINAL")
	r.expectCount(1000, "SELECT count() FROM attempts FINAL WHERE delivered_ms = "+
		"toUnixTimestamp64Milli(toDateTime64('2026-11-19 10:21:00', 3, 'UTC'))")
	r.expectCount(1, "SELECT count() FROM recipient_events FINAL")
	r.expectCount(1, "SELECT count() FROM orphans FINAL")
	r.expectCount(1000, "SELECT count() FROM located FINAL")
	r.expectCount(1, "SELECT uniqExact(account, bucket) FROM touched WHERE account != ''")
	r.expectChanges()
	r.expectCount(1001, "SELECT uniqExact(message_id) FROM join_queue WHERE batch IN (SELECT id FROM touched WHERE "+
		"account = '' AND bucket = 0)")
}

func TestNew_ErrConfig(t *testing.T) {
	if _, err := New(Config{Workers: -1, Topic: "a", DeadLetterTopic: "a"}, Deps{}); err == nil {
		t.Fatal("accepted")
	}
	if _, err := New(Config{Brokers: []string{"127.0.0.1:1"}}, Deps{}); err == nil {
		t.Fatal("accepted without ClickHouse")
	}
}
