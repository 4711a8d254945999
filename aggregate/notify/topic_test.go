package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"kaskad/engine/enginetest"
	"kaskad/ingest"
	"kaskad/schema"
)

const changesTopic = "numbers.changed"

// newTopic starts a broker that has the topic of changes, made as cmd/kaskad makes it, and returns what writes to it.
func newTopic(t testing.TB, cluster *kfake.Cluster) (deps Deps, config Config) {
	t.Helper()
	if err := ingest.EnsureTopics(t.Context(), cluster.ListenAddrs(),
		ingest.TopicConfig{Others: []string{changesTopic}, Partitions: 4, Replication: 1}); err != nil {
		t.Fatal(err)
	}
	producer, err := ingest.NewProducer(ingest.ProducerConfig{Brokers: cluster.ListenAddrs(), Topic: changesTopic,
		Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(producer.Close)
	return Deps{Produce: producer.Produce}, Config{Topic: changesTopic, FromStart: true}
}

func newCluster(t testing.TB) *kfake.Cluster {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

// readTopic reads what is in the topic, partition by partition.
func readTopic(t testing.TB, cluster *kfake.Cluster) (all []schema.NumberChange) {
	t.Helper()
	for partition := range 4 {
		conn, err := kafka.DialLeader(t.Context(), "tcp", cluster.ListenAddrs()[0], changesTopic, partition)
		if err != nil {
			t.Fatal(err)
		}
		_, end, err := conn.ReadOffsets()
		if err != nil {
			t.Fatal(err)
		}
		for offset := int64(0); offset < end; offset++ {
			m, err := conn.ReadMessage(1 << 20)
			if err != nil {
				t.Fatal(err)
			}
			var change announcement
			if err := json.Unmarshal(m.Value, &change); err != nil {
				t.Fatalf("%s: %v", m.Value, err)
			}
			if want := change.Account + "\x00" + change.Number; string(m.Key) != want {
				t.Fatalf("key %q, want %q", m.Key, want)
			}
			all = append(all, backToChange(t, change))
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// A broker that refuses now and then, and processes that die, leave the topic complete and the changes of each number
// in order.
func TestAnnouncer_Topic(t *testing.T) {
	r, cluster := newNotifyRig(t), newCluster(t)
	deps, config := newTopic(t, cluster)
	var produced atomic.Int64
	cluster.ControlKey(int16(kmsg.Produce), func(request kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if produced.Add(1)%7 != 3 {
			return nil, nil, false
		}
		response := request.ResponseKind().(*kmsg.ProduceResponse)
		for _, topic := range request.(*kmsg.ProduceRequest).Topics {
			answer := kmsg.NewProduceResponseTopic()
			answer.Topic, answer.TopicID = topic.Topic, topic.TopicID
			for _, p := range topic.Partitions {
				partition := kmsg.NewProduceResponseTopicPartition()
				partition.Partition, partition.ErrorCode = p.Partition, kerr.NotEnoughReplicas.Code
				answer.Partitions = append(answer.Partitions, partition)
			}
			response.Topics = append(response.Topics, answer)
		}
		return response, nil, true
	})
	var want []schema.NumberChange
	for range enginetest.World(t, 4, 6, 6) {
		want = append(want, r.change(1300, "a", oddAccount)...)
		a := r.announcer(config, deps)
		if _, err := a.turn(t.Context(), true); err != nil {
			t.Fatal(err)
		}
	}
	announceAll(t, r.announcer(config, deps))
	mustHold(t, want, readTopic(t, cluster))
	if r.position("kafka/"+changesTopic) != r.seq {
		t.Error("the position is not the feed's end")
	}
}

// A topic that is away is announced to when it comes back, and the failures are counted.
func TestAnnouncer_TopicAway(t *testing.T) {
	r, cluster := newNotifyRig(t), newCluster(t)
	deps, config := newTopic(t, cluster)
	produce, away := deps.Produce, true
	deps.Produce = func(ctx context.Context, keys, values [][]byte) error {
		if away {
			return fmt.Errorf("produce: %w", ingest.ErrUnavailable)
		}
		return produce(ctx, keys, values)
	}
	a := r.announcer(config, deps)
	want := r.change(10, "a")
	if more, err := a.turn(t.Context(), true); !more || err != nil {
		t.Fatal(more, err)
	}
	if r.metric("notify_failures_total", "kafka") != 1 || r.metric("notify_lag", "kafka") != 10 ||
		r.metric("notified_total", "kafka") != 0 {
		t.Error("the failure does not show")
	}
	away = false
	announceAll(t, a)
	mustHold(t, want, readTopic(t, cluster))
	if r.metric("notify_failures_total", "kafka") != 1 || r.metric("notify_lag", "kafka") != 0 ||
		r.metric("notified_total", "kafka") != 10 {
		t.Error("what was announced does not show")
	}
}
