package ingest

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/schema"
)

// DeadLetters writes dead letters that another role found, such as events whose message never appeared. It is safe for
// concurrent use.
type DeadLetters struct {
	conn    driver.Conn
	letters *producer
}

// NewDeadLetters connects to nothing; the first Reject does. config.Topic defaults to DefaultDeadLetterTopic.
func NewDeadLetters(conn driver.Conn, config ProducerConfig) *DeadLetters {
	if config.Topic == "" {
		config.Topic = DefaultDeadLetterTopic
	}
	return &DeadLetters{conn: conn, letters: newProducer(config)}
}

// Reject writes the letters to the topic and then to the table, and returns when both are acknowledged. The same
// letters again add none to the table.
func (d *DeadLetters) Reject(ctx context.Context, letters []schema.Rejection) error {
	records := make([]message, len(letters))
	for i := range letters {
		records[i] = deadLetter(&letters[i])
	}
	if _, err := d.letters.produce(ctx, records); err != nil {
		return fmt.Errorf("write dead letters: %w", err)
	}
	return schema.InsertRejected(ctx, d.conn, letters)
}

// Close ends the connections.
func (d *DeadLetters) Close() { d.letters.close() }
