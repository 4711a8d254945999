package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"kaskad/schema"
)

const (
	// batchSize is how many changes are announced at a time. It keeps what the topic gets in one record batch per
	// partition, which is what keeps the changes of a number in order: two batches would be on their way side by side.
	batchSize = 1000
	// topicBatchBytes keeps what the topic gets at a time below the megabyte that brokers take by default.
	topicBatchBytes = 800 << 10
	// topicLongestRetry: producing waits for Kafka by itself, so that little has to be added.
	topicLongestRetry = 10 * time.Second

	// changeOverhead is more than the names, times and the sequence number of a change take.
	changeOverhead = 192

	apiTime = "2006-01-02T15:04:05.000Z07:00"
)

// sink is where changes of verdicts are announced.
type sink struct {
	name         string // in metrics and logs
	positionName string // in table notified
	// byAccount says that a batch holds changes of one account only.
	byAccount  bool
	batchBytes int
	// longestRetry bounds the wait before a batch is announced again.
	longestRetry time.Duration
	// announce announces a batch once, and returns nil when the sink has it.
	announce func(ctx context.Context, batch []schema.NumberChange) error
}

// refusal is an error of announce that says when, or whether, to try again.
type refusal struct {
	err   error
	after time.Duration
	gone  bool
}

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// cut makes batches, in the order of their first changes. The changes of an account keep their order.
func (s *sink) cut(changes []schema.NumberChange) [][]schema.NumberChange {
	type open struct{ batch, bytes int }
	var batches [][]schema.NumberChange
	last := map[string]open{}
	for _, c := range changes {
		account := ""
		if s.byAccount {
			account = c.Account
		}
		size := changeSize(&c)
		to, found := last[account]
		if !found || len(batches[to.batch]) == batchSize || to.bytes+size > s.batchBytes {
			to = open{batch: len(batches)}
			batches = append(batches, nil)
		}
		batches[to.batch] = append(batches[to.batch], c)
		to.bytes += size
		last[account] = to
	}
	return batches
}

// announcement is a change of a verdict as sinks get it, with the fields of GET /v1/numbers/changes.
type announcement struct {
	Account string `json:"account"`
	Number  string `json:"number"`
	From    string `json:"from"`
	To      string `json:"to"`
	At      string `json:"at"`
	SeenAt  string `json:"seen_at"`
	Rule    string `json:"rule"`
	Seq     uint64 `json:"seq"`
}

func newAnnouncement(c *schema.NumberChange) announcement {
	return announcement{Account: c.Account, Number: c.Number, From: c.From, To: c.To, At: formatTime(c.AtMS),
		SeenAt: formatTime(c.SeenMS), Rule: c.Rule, Seq: c.Seq}
}

func formatTime(ms int64) string { return time.UnixMilli(ms).UTC().Format(apiTime) }

func changeSize(c *schema.NumberChange) int {
	return changeOverhead + len(c.Account) + len(c.Number) + len(c.From) + len(c.To) + len(c.Rule)
}

// topicSink announces to a Kafka topic; it is nil where there is none. Changes of a number have one key, so that they
// stand in one partition, in order.
func topicSink(topic string, produce func(ctx context.Context, keys, values [][]byte) error) *sink {
	if produce == nil {
		return nil
	}
	return &sink{
		// Another topic holds nothing yet: it begins like a new sink.
		name: "kafka", positionName: "kafka/" + topic, batchBytes: topicBatchBytes, longestRetry: topicLongestRetry,
		announce: func(ctx context.Context, batch []schema.NumberChange) error {
			keys, values := make([][]byte, len(batch)), make([][]byte, len(batch))
			for i := range batch {
				value, err := json.Marshal(newAnnouncement(&batch[i]))
				if err != nil {
					return fmt.Errorf("write a change of a number: %w", err)
				}
				keys[i], values[i] = []byte(batch[i].Account+"\x00"+batch[i].Number), value
			}
			return produce(ctx, keys, values)
		},
	}
}
