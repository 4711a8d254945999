package erasure

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/uuid"

	"kaskad/schema"
)

// walkDialogs makes the aggregator decide the units of the pseudonym's dialogs anew. A pass that ran while the number
// was being overwritten may have seen some of a person's dialogs under the number and the others under the pseudonym,
// each with a conversation of its own, and nothing would change that later. The aggregator walks people of whom facts
// and published dialogs differ, so a dialog is published that no fact has: of a message that there is not, another one
// for each person, channel and sender, and of the year 1970, long before all others. It is gone when its hour was
// computed.
func (e *eraser) walkDialogs(ctx context.Context) error {
	touches, err := e.markDialogs(ctx)
	if err != nil {
		return fmt.Errorf("have dialogs decided anew: %w", err)
	}
	for i := range touches {
		if err := e.waitForAnswer(ctx, touches[i].ID); err != nil {
			return err
		}
	}
	return nil
}

// markDialogs publishes the dialogs that no fact has, and touches their buckets.
func (e *eraser) markDialogs(ctx context.Context) (touches []schema.Touch, err error) {
	rows, err := e.conn.Query(clickhouse.Context(ctx,
		clickhouse.WithParameters(clickhouse.Parameters{"account": e.account, "pseudonym": e.pseudonym})),
		statement("persons"))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var channels, senders, messages []string
	var buckets []int64
	var generations []uint64
	for rows.Next() {
		var channel, sender string
		var bucket time.Time
		var generation uint64
		if err := rows.Scan(&channel, &sender, &bucket, &generation); err != nil {
			return nil, err
		}
		channels, senders, buckets, generations = append(channels, channel), append(senders, sender),
			append(buckets, bucket.Unix()), append(generations, generation)
		messages = append(messages, "\x00"+e.pseudonym+"\x00"+channel+"\x00"+sender)
		touches = append(touches, schema.Touch{Account: e.account, BucketMS: bucket.UnixMilli(), ID: uuid.New()})
	}
	if err := rows.Err(); err != nil || len(touches) == 0 {
		return nil, err
	}
	n := len(touches)
	if err := schema.InsertColumns(ctx, e.conn,
		"INSERT INTO dialogs (account, channel, sender, recipient, bucket, generation, message_id, step, "+
			"delivered_ms, conversation, outside)",
		0, n, []any{slices.Repeat([]string{e.account}, n), channels, senders, slices.Repeat([]string{e.pseudonym}, n),
			buckets, generations,
			messages, make([]uint8, n), make([]int64, n),
			make([]uint8, n), make([]uint8, n)}); err != nil {
		return nil, err
	}
	for i := range touches {
		touches[i].AtMS = time.Now().UnixMilli()
	}
	return touches, schema.OpenTouches(ctx, e.conn, touches)
}
