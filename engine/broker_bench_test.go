package engine

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
)

// BenchmarkBroker compares the guarded broker with kfake alone: produce and read
// events of 304 bytes, 1 000 in a batch, the way ingest reads them.
func BenchmarkBroker(b *testing.B) {
	guarded, err := StartBroker(b.Context(),
		BrokerConfig{Dir: b.TempDir(), Logger: quiet(), Topics: []Topic{{Name: "events", Partitions: 1}}})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = guarded.Stop(context.Background()) }()
	bare, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "events"), kfake.DataDir(b.TempDir()))
	if err != nil {
		b.Fatal(err)
	}
	defer bare.Close()
	supervised, err := SuperviseBroker(b.Context(),
		BrokerConfig{Dir: b.TempDir(), Logger: quiet(), Topics: []Topic{{Name: "events", Partitions: 1}}})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = supervised.Stop(context.Background()) }()
	for _, broker := range []struct{ name, addr string }{
		{"bare", bare.ListenAddrs()[0]}, {"guarded", guarded.Addrs()[0]}, {"child", supervised.Addrs()[0]},
	} {
		b.Run("produce/"+broker.name, func(b *testing.B) { benchProduce(b, broker.addr) })
		b.Run("read/"+broker.name, func(b *testing.B) { benchRead(b, broker.addr) })
	}
}

const benchBatch = 1000

func benchMessages() []kafka.Message {
	messages := make([]kafka.Message, benchBatch)
	for i := range messages {
		messages[i].Value = bytes.Repeat([]byte{'e'}, 304)
	}
	return messages
}

func benchProduce(b *testing.B, addr string) {
	conn, err := kafka.DialLeader(b.Context(), "tcp", addr, "events", 0)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	messages := benchMessages()
	b.SetBytes(benchBatch * 304)
	for b.Loop() {
		if _, err := conn.WriteMessages(messages...); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*benchBatch/b.Elapsed().Seconds(), "events/s")
}

func benchRead(b *testing.B, addr string) {
	conn, err := kafka.DialLeader(b.Context(), "tcp", addr, "events", 0)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	for range 10 {
		if _, err := conn.WriteMessages(benchMessages()...); err != nil {
			b.Fatal(err)
		}
	}
	value := make([]byte, 1024)
	events := 0
	for b.Loop() {
		if _, err := conn.Seek(0, kafka.SeekStart); err != nil {
			b.Fatal(err)
		}
		batch := conn.ReadBatchWith(kafka.ReadBatchConfig{MinBytes: 1, MaxBytes: 2 << 20, MaxWait: time.Second})
		for {
			if _, err := batch.Read(value); err != nil {
				break
			}
			events++
		}
		if err := batch.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}
