package erasure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/uuid"

	"kaskad/schema"
)

// dialogTries is how often a person's dialogs are marked as changed, when passes that were under way republish the
// bucket before they see it.
const dialogTries = 5

// walkDialogs makes the aggregator decide the units of the pseudonym's dialogs anew. A pass that ran while the number
// was being overwritten may have seen some of a person's dialogs under the number and the others under the pseudonym,
// each with a conversation of its own, and nothing would change that later. The aggregator walks people of whom facts
// and published dialogs differ, so a dialog is published that no fact has: of no message and of the year 1970, long
// before all others. It is gone with the next generation of the bucket.
func (e *eraser) walkDialogs(ctx context.Context) error {
	for try := 0; ; try++ {
		marked, err := e.markDialogs(ctx)
		if err != nil {
			return fmt.Errorf("have dialogs decided anew: %w", err)
		}
		if len(marked) == 0 {
			return nil
		}
		swallowed := false
		for _, m := range marked {
			if err := e.waitForAnswer(ctx, m.touch.ID); err != nil {
				return err
			}
			parameters := clickhouse.Parameters{"account": e.account,
				"bucket":     strconv.FormatInt(m.touch.BucketMS/1000, 10),
				"generation": strconv.FormatUint(m.generation, 10), "moment": strconv.FormatInt(m.touch.AtMS*1000, 10)}
			var one bool
			if err := e.conn.QueryRow(clickhouse.Context(ctx, clickhouse.WithParameters(parameters)),
				statement("swallowed")).Scan(&one); err != nil {
				return fmt.Errorf("have dialogs decided anew: %w", err)
			}
			swallowed = swallowed || one
		}
		if !swallowed {
			return nil
		}
		if try == dialogTries {
			return errors.New("dialogs are not decided anew yet: the aggregator publishes their hours all the time; " +
				"erase the number again")
		}
	}
}

type markedDialog struct {
	touch      schema.Touch
	generation uint64
}

// markDialogs publishes the dialogs that no fact has, and touches their buckets.
func (e *eraser) markDialogs(ctx context.Context) (marked []markedDialog, err error) {
	rows, err := e.conn.Query(clickhouse.Context(ctx,
		clickhouse.WithParameters(clickhouse.Parameters{"account": e.account, "pseudonym": e.pseudonym})),
		statement("persons"))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var channels, senders []string
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
		marked = append(marked, markedDialog{schema.Touch{Account: e.account, BucketMS: bucket.UnixMilli(),
			ID: uuid.New()},
			generation})
	}
	if err := rows.Err(); err != nil || len(marked) == 0 {
		return nil, err
	}
	n := len(marked)
	if err := schema.InsertColumns(ctx, e.conn,
		"INSERT INTO dialogs (account, channel, sender, recipient, bucket, generation, message_id, step, "+
			"delivered_ms, conversation, outside)",
		0, n, []any{slices.Repeat([]string{e.account}, n), channels, senders, slices.Repeat([]string{e.pseudonym}, n),
			buckets, generations,
			make([]string, n), make([]uint8, n), make([]int64, n),
			make([]uint8, n), make([]uint8, n)}); err != nil {
		return nil, err
	}
	touches := make([]schema.Touch, n)
	for i := range marked {
		marked[i].touch.AtMS = time.Now().UnixMilli()
		touches[i] = marked[i].touch
	}
	return marked, schema.OpenTouches(ctx, e.conn, touches)
}
