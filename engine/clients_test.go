package engine

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
)

func kgoClient(t *testing.T, b *Broker, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(b.Addrs()...), kgo.DefaultProduceTopic("events")},
		options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseAllowingRebalance)
	return client
}

// franz-go's producer is idempotent by default, and its consumer keeps sessions.
func TestBroker_FranzGo_GroupAndIdempotence(t *testing.T) {
	b := startBroker(t, BrokerConfig{Dir: t.TempDir(), Topics: brokerTopics()})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(),
		kgo.Lz4Compression(), kgo.ZstdCompression()} {
		producer := kgoClient(t, b, kgo.ProducerBatchCompression(codec))
		for i := range 1000 {
			producer.Produce(ctx, &kgo.Record{Key: fmt.Append(nil, i), Value: make([]byte, 300),
				Headers: []kgo.RecordHeader{{Key: "h"}}}, func(_ *kgo.Record, err error) {
				if err != nil {
					t.Error(err)
				}
			})
		}
		if err := producer.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	read := func(want int) {
		t.Helper()
		consumer := kgoClient(t, b, kgo.ConsumeTopics("events"), kgo.ConsumerGroup("g"), kgo.DisableAutoCommit())
		for got := 0; got < want; {
			fetches := consumer.PollFetches(ctx)
			if err := fetches.Err(); err != nil {
				t.Fatal(err)
			}
			got += fetches.NumRecords()
			if got > want {
				t.Fatalf("%d records, want %d", got, want)
			}
		}
		if err := consumer.CommitUncommittedOffsets(ctx); err != nil {
			t.Fatal(err)
		}
		consumer.CloseAllowingRebalance()
	}
	read(5000)
	kgoClient(t, b).ProduceSync(ctx, &kgo.Record{Value: []byte("one more")})
	read(1)
}

// A transaction reads, writes and commits offsets, or does none of it.
func TestBroker_FranzGo_Transactions(t *testing.T) {
	b := startBroker(t, BrokerConfig{Dir: t.TempDir(), Topics: brokerTopics()})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	produce(t, b.Addrs(), "small", numbered(0, 10, 10)...)
	session, err := kgo.NewGroupTransactSession(kgo.SeedBrokers(b.Addrs()...), kgo.ConsumerGroup("g"),
		kgo.ConsumeTopics("small"),
		kgo.TransactionalID("t"), kgo.DefaultProduceTopic("events"), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	seen := 0
	for _, commit := range []kgo.TransactionEndTry{kgo.TryAbort, kgo.TryCommit} {
		if err := session.Begin(); err != nil {
			t.Fatal(err)
		}
		for n := 0; n < 10; {
			fetches := session.PollFetches(ctx)
			if err := fetches.Err(); err != nil {
				t.Fatal(err)
			}
			n += fetches.NumRecords()
			seen += fetches.NumRecords()
		}
		if err := session.ProduceSync(ctx, &kgo.Record{Value: []byte("copied")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if ok, err := session.End(ctx, commit); err != nil || ok != bool(commit) {
			t.Fatalf("committed %v, error %v", ok, err)
		}
	}
	if seen != 20 {
		t.Errorf("%d records were read in two transactions, want 20", seen)
	}
	if got := committed(t, b.Addrs(), "g", "small"); got != 10 {
		t.Errorf("committed offset %d, want 10", got)
	}
	reader := kgoClient(t, b, kgo.ConsumeTopics("events"), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if fetches := reader.PollFetches(ctx); fetches.Err() != nil || fetches.NumRecords() != 1 {
		t.Errorf("%d records, error %v, want the one of the transaction that was committed", fetches.NumRecords(),
			fetches.Err())
	}
}

// kafka-go's Reader in a group, beside the connections that ingest uses.
func TestBroker_KafkaGo_Reader(t *testing.T) {
	b := startBroker(t, BrokerConfig{Dir: t.TempDir(), Topics: brokerTopics()})
	produce(t, b.Addrs(), "events", numbered(0, 1000, 300)...)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	reader := kafka.NewReader(kafka.ReaderConfig{Brokers: b.Addrs(), GroupID: "g", Topic: "events",
		StartOffset: kafka.FirstOffset})
	defer reader.Close()
	var last kafka.Message
	for range 1000 {
		message, err := reader.FetchMessage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		last = message
	}
	if err := reader.CommitMessages(ctx, last); err != nil {
		t.Fatal(err)
	}
	if got := committed(t, b.Addrs(), "g", "events"); got != 1000 {
		t.Errorf("committed offset %d, want 1000", got)
	}
}

// What would kill kfake ends only its own connection, while others work.
func TestBroker_DeadlyRequestsUnderLoad(t *testing.T) {
	b := startBroker(t, BrokerConfig{Dir: t.TempDir(), Topics: brokerTopics()})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client := kgoClient(t, b, kgo.ConsumeTopics("events"), kgo.ConsumerGroup("g"))
	const records = 2000
	var attackers sync.WaitGroup
	done := make(chan struct{})
	for _, attack := range []string{
		"\x00\x00\x00\x0a\x01\xf4\x00\x00\x00\x00\x00\x01\xff\xff", // an unknown request
		"\xff\xff\xff\xff",     // 4 GB of one
		"\x00\x00\x10\x00\x00", // the beginning of one
	} {
		attackers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				conn, err := net.Dial("tcp", b.Addrs()[0])
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = conn.Write([]byte(attack))
				_ = conn.Close()
			}
		})
	}
	for i := range records {
		if err := client.ProduceSync(ctx, &kgo.Record{Value: fmt.Append(nil, i)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	for got := 0; got < records; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		got += fetches.NumRecords()
	}
	close(done)
	attackers.Wait()
}
