package aggregate

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"kaskad/schema"
)

const (
	// topicBatchBytes keeps what the topic is told at a time below the megabyte that brokers take by default.
	topicBatchBytes = 800 << 10
	// topicMostWait: producing waits for Kafka by itself, so that little has to be added.
	topicMostWait = 10 * time.Second

	// changeOverhead is more than the names, times and the place of a change take.
	changeOverhead = 192

	apiTime = "2006-01-02T15:04:05.000Z07:00"
)

// toldChange is a change of a verdict as sinks are told of it, with the fields of GET /v1/numbers/changes.
type toldChange struct {
	Account string `json:"account"`
	Number  string `json:"number"`
	From    string `json:"from"`
	To      string `json:"to"`
	At      string `json:"at"`
	SeenAt  string `json:"seen_at"`
	Rule    string `json:"rule"`
	Seq     uint64 `json:"seq"`
}

func toTell(c *schema.NumberChange) toldChange {
	return toldChange{Account: c.Account, Number: c.Number, From: c.From, To: c.To, At: apiTimeOf(c.AtMS),
		SeenAt: apiTimeOf(c.SeenMS), Rule: c.Rule, Seq: c.Seq}
}

func apiTimeOf(ms int64) string { return time.UnixMilli(ms).UTC().Format(apiTime) }

func changeSize(c *schema.NumberChange) int {
	return changeOverhead + len(c.Account) + len(c.Number) + len(c.From) + len(c.To) + len(c.Rule)
}

// topicSink tells a Kafka topic; nil where there is none. Changes of a number have one key, so that they stand in one
// partition, in order.
func (a *Aggregator) topicSink() *sink {
	if a.deps.ProduceChanges == nil {
		return nil
	}
	return &sink{
		// Another topic holds nothing yet: it begins like a new sink.
		name: "kafka", place: "kafka/" + a.cfg.ChangesTopic, batchBytes: topicBatchBytes, firstWait: time.Second,
		mostWait: topicMostWait,
		tell: func(ctx context.Context, batch []schema.NumberChange) error {
			keys, values := make([][]byte, len(batch)), make([][]byte, len(batch))
			for i := range batch {
				value, err := json.Marshal(toTell(&batch[i]))
				if err != nil {
					return fmt.Errorf("write a change of a number: %w", err)
				}
				keys[i], values[i] = []byte(batch[i].Account+"\x00"+batch[i].Number), value
			}
			return a.deps.ProduceChanges(ctx, keys, values)
		},
	}
}
