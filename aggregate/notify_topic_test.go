package aggregate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"kaskad/ingest"
	"kaskad/schema"
)

const changesTopic = "numbers.changed"

// newTopic starts a broker that has the topic of changes, made as cmd/kaskad makes it, and returns what writes to it.
func newTopic(t testing.TB, cluster *kfake.Cluster) (deps Deps, config Config) {
	t.Helper()
	if err := ingest.EnsureTopics(t.Context(), cluster.ListenAddrs(),
		ingest.TopicConfig{ChangesTopic: changesTopic, Partitions: 4, Replication: 1}); err != nil {
		t.Fatal(err)
	}
	producer, err := ingest.NewProducer(ingest.ProducerConfig{Brokers: cluster.ListenAddrs(), Topic: changesTopic,
		Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(producer.Close)
	return Deps{ProduceChanges: producer.Produce}, Config{ChangesTopic: changesTopic, NotifyFromStart: true}
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
			var told toldChange
			if err := json.Unmarshal(m.Value, &told); err != nil {
				t.Fatalf("%s: %v", m.Value, err)
			}
			if want := told.Account + "\x00" + told.Number; string(m.Key) != want {
				t.Fatalf("key %q, want %q", m.Key, want)
			}
			all = append(all, backToChange(t, told))
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// A broker that refuses now and then, and processes that die, leave the topic complete and the changes of each number
// in order.
func TestFollower_Topic(t *testing.T) {
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
	for range 6 {
		want = append(want, r.change(1300, "a", oddAccount)...)
		f := r.follower(config, deps)
		if _, err := f.turn(t.Context(), true); err != nil {
			t.Fatal(err)
		}
	}
	tellAll(t, r.follower(config, deps))
	mustHold(t, want, readTopic(t, cluster))
	if r.place("kafka/"+changesTopic) != r.seq {
		t.Error("the place is not the feed's end")
	}
}

// A topic that is away is told when it comes back, and the failures are counted.
func TestFollower_TopicAway(t *testing.T) {
	r, cluster := newNotifyRig(t), newCluster(t)
	deps, config := newTopic(t, cluster)
	produce, away := deps.ProduceChanges, true
	deps.ProduceChanges = func(ctx context.Context, keys, values [][]byte) error {
		if away {
			return fmt.Errorf("produce: %w", ingest.ErrUnavailable)
		}
		return produce(ctx, keys, values)
	}
	f := r.follower(config, deps)
	want := r.change(10, "a")
	if more, err := f.turn(t.Context(), true); !more || err != nil {
		t.Fatal(more, err)
	}
	if r.metric("notify_failures_total", "kafka") != 1 || r.metric("notify_lag", "kafka") != 10 ||
		r.metric("notified_total", "kafka") != 0 {
		t.Error("the failure does not show")
	}
	away = false
	tellAll(t, f)
	mustHold(t, want, readTopic(t, cluster))
	if r.metric("notify_failures_total", "kafka") != 1 || r.metric("notify_lag", "kafka") != 0 ||
		r.metric("notified_total", "kafka") != 10 {
		t.Error("what was told does not show")
	}
}

// An endpoint that never answers holds up neither the topic nor the aggregator, nor its end.
func TestAggregator_Run_EndpointHangs(t *testing.T) {
	r, cluster := newNotifyRig(t), newCluster(t)
	deps, config := newTopic(t, cluster)
	hang := make(chan struct{})
	e := newEndpoint(t, func(int, http.ResponseWriter) { <-hang })
	t.Cleanup(func() { close(hang) })
	config.Webhook, config.Now = testWebhook(t, e.URL), func() time.Time { return noon.Add(24 * time.Hour) }
	a := r.aggregator(config, deps)
	want := r.change(100, "b")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	load(t, r.conn, "t", []byte(line("0193473d-8000-7000-8000-000000000001", "delivered", noon, submitted(noon)...)),
		noon.Add(24*time.Hour))
	// Both what stood in the feed and the verdict on the number of the event arrive in the topic.
	waitFor(t, func() bool { return r.metric("notified_total", "kafka") == float64(len(want)+1) && len(e.all()) > 0 })
	var old, fresh []schema.NumberChange
	for _, c := range readTopic(t, cluster) {
		if c.Account == "b" {
			old = append(old, c)
		} else {
			fresh = append(fresh, c)
		}
	}
	mustHold(t, want, old)
	if len(fresh) != 1 || fresh[0].Account != "a" || fresh[0].From != stateUnknown || fresh[0].To == stateUnknown {
		t.Errorf("the event's number was told as %+v", fresh)
	}
	if r.metric("notified_total", "webhook") != 0 || r.metric("notify_stopped", "webhook") != 0 {
		t.Error("the endpoint that hangs counts as told")
	}
	began := time.Now()
	cancel()
	if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if took := time.Since(began); took > webhookTimeout/2 {
		t.Errorf("the end took %v", took)
	}
}
