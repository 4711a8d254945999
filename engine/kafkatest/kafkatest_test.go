package kafkatest

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

func createTopic(t *testing.T, addrs []string, topic string) {
	t.Helper()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(addrs...), Transport: transport}
	response, err := client.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: topic, NumPartitions: 1, ReplicationFactor: 1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Errors[topic]; err != nil {
		t.Fatal(err)
	}
}

func produce(t *testing.T, addrs []string, topic string, from, to int) {
	t.Helper()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	writer := &kafka.Writer{Addr: kafka.TCP(addrs...), Topic: topic, Transport: transport,
		RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond, MaxAttempts: 50}
	var messages []kafka.Message
	for i := from; i < to; i++ {
		messages = append(messages, kafka.Message{Value: []byte(strconv.Itoa(i))})
	}
	if err := writer.WriteMessages(t.Context(), messages...); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
}

// The node keeps records and committed offsets over a stop in order and a kill,
// and a group can join at once.
func TestBroker_Restart(t *testing.T) {
	begin := time.Now()
	b := New(t)
	t.Logf("started in %s", time.Since(begin).Round(time.Millisecond))
	createTopic(t, b.Addrs(), "events")
	produce(t, b.Addrs(), "events", 0, 1000)

	for name, end := range map[string]func(){"Stop": b.Stop, "Kill": b.Kill} {
		group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{ID: name, Brokers: b.Addrs(),
			Topics: []string{"events"}, StartOffset: kafka.FirstOffset})
		if err != nil {
			t.Fatal(err)
		}
		generation, err := group.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := generation.CommitOffsets(map[string]map[int]int64{"events": {0: 700}}); err != nil {
			t.Fatal(err)
		}
		if err := group.Close(); err != nil {
			t.Fatal(err)
		}
		end()
		begin := time.Now()
		b.Restart()
		t.Logf("restarted after %s in %s", name, time.Since(begin).Round(time.Millisecond))

		reader := kafka.NewReader(kafka.ReaderConfig{Brokers: b.Addrs(), GroupID: name, Topic: "events",
			MaxWait: 100 * time.Millisecond})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		for want := 700; want < 1000; want++ {
			message, err := reader.ReadMessage(ctx)
			if err != nil {
				t.Fatalf("record %d after %s: %v", want, name, err)
			}
			if string(message.Value) != strconv.Itoa(want) {
				t.Fatalf("record %s after %s, want %d", message.Value, name, want)
			}
		}
		cancel()
		if err := reader.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
