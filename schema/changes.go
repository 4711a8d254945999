package schema

import (
	"context"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"
)

// Changes is a block of what the events of a batch said of their messages.
type Changes struct {
	account          words
	messageID, state texts
	bucket           []int64
	batches          []uuid.UUID
	inserts          inserter
}

// Append adds what events said of one message: a state (package state) that knows these events alone.
func (c *Changes) Append(account []byte, bucketMS int64, messageID, state []byte) {
	c.account.append(account)
	c.bucket = append(c.bucket, bucketMS/1000)
	c.messageID.append(messageID)
	c.state.append(state)
}

// Rows returns the number of changes in the block.
func (c *Changes) Rows() int { return len(c.bucket) }

// Reset empties the block and keeps its memory.
func (c *Changes) Reset() {
	c.account.reset()
	c.messageID.reset()
	c.state.reset()
	c.bucket = c.bucket[:0]
}

// InsertChanges stores what the facts of a batch changed: call it after they are acknowledged, and before the touch
// that announces it ([ChangesMS]) is opened.
func InsertChanges(ctx context.Context, conn driver.Conn, batch uuid.UUID, c *Changes) error {
	n := c.Rows()
	c.batches = c.batches[:0]
	for range n {
		c.batches = append(c.batches, batch)
	}
	return c.inserts.insert(ctx, conn, "INSERT INTO changes (batch, account, bucket, message_id, state)", n,
		[]any{c.batches, c.account.between(0, n), c.bucket, c.messageID.strings(0, n), c.state.strings(0, n)})
}
