package aggregate

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"kaskad/schema"
)

// dialogWindow is how long a conversation lasts, and how long a customer's message keeps messages to them free
// (docs/definitions.md section 4).
const dialogWindow = int64(24 * time.Hour / time.Millisecond)

// dialog is a delivered attempt in what one person and one sender said to each other on one channel, or (inbound) what
// the person wrote besides.
type dialog struct {
	messageID   string
	bucket      time.Time
	step        uint8
	deliveredMS int64
	repliesMS   []int64
	inbound     bool
	// conversation: the attempt carries the unit of a conversation. outside: it was delivered outside of the customer's
	// window.
	conversation, outside bool
	// mine: the attempt is in a bucket of the pass; its units are not known before the walk. The units of others are as
	// published.
	mine bool
}

// turn is a moment of the walk: a message from the customer, or the delivery of an attempt.
type turn struct {
	at       int64
	delivery bool
	dialog   *dialog
}

// walk decides the units of all attempts of one person, sender and channel by docs/definitions.md section 4,
// "Conversations". It returns the attempts that were not mine and whose units have changed. The result does not depend
// on the order of the attempts.
func walk(dialogs []dialog) (moved []*dialog) {
	turns := make([]turn, 0, 2*len(dialogs))
	for i := range dialogs {
		d := &dialogs[i]
		if !d.inbound {
			turns = append(turns, turn{d.deliveredMS, true, d})
		}
		for _, at := range d.repliesMS {
			turns = append(turns, turn{at, false, d})
		}
	}
	slices.SortFunc(turns, func(x, y turn) int {
		return cmp.Or(cmp.Compare(x.at, y.at), compareBools(x.delivery, y.delivery),
			cmp.Compare(x.dialog.messageID, y.dialog.messageID), cmp.Compare(x.dialog.step, y.dialog.step))
	})
	end, lastInbound := int64(math.MinInt64), -schema.Never
	for _, t := range turns {
		if !t.delivery {
			end, lastInbound = max(end, t.at+dialogWindow), t.at
			continue
		}
		d := t.dialog
		conversation, outside := t.at >= end, t.at >= lastInbound+dialogWindow
		if conversation {
			end = t.at + dialogWindow
		}
		if !d.mine && (d.conversation != conversation || d.outside != outside) {
			moved = append(moved, d)
		}
		d.conversation, d.outside = conversation, outside
	}
	return moved
}

func compareBools(x, y bool) int {
	switch {
	case x == y:
		return 0
	case y:
		return -1
	}
	return 1
}

// decideDialogs writes the dialogs of the buckets of work under the generation. An event may move units of attempts in
// other buckets; those buckets are added to work, so that they are published together and no report sees one without
// the other. asked are the touches of what people said besides. It returns the whole work.
func (a *Aggregator) decideDialogs(ctx context.Context, generation uint64, work []*bucketWork,
	open map[bucketKey]*bucketWork, asked []schema.Touch,
) ([]*bucketWork, error) {
	batches, err := batchTable(asked)
	if err != nil {
		return nil, err
	}
	if err := a.truncate(ctx, a.tables.dialogRows); err != nil {
		return nil, err
	}
	known := make(map[bucketKey]bool, len(work))
	for _, w := range work {
		known[w.bucketKey] = true
	}
	for fresh := work; ; {
		targets, err := targetTable(fresh)
		if err != nil {
			return nil, err
		}
		if err := a.do(ctx, "dialog_rows", generation, targets); err != nil {
			return nil, fmt.Errorf("read dialogs: %w", err)
		}
		if err := a.removeWaiting(ctx); err != nil {
			return nil, err
		}
		if targets, err = targetTable(work); err != nil {
			return nil, err
		}
		walked, moved, err := a.walkChanged(ctx, targets, batches)
		if err != nil {
			return nil, fmt.Errorf("walk dialogs: %w", err)
		}
		fresh = nil
		for key := range moved {
			if known[key] {
				continue
			}
			known[key] = true
			w := open[key]
			if w == nil {
				w = &bucketWork{bucketKey: key}
			}
			fresh = append(fresh, w)
		}
		if len(fresh) == 0 && len(work) == 0 {
			return nil, nil
		}
		if len(fresh) == 0 {
			if err := a.do(ctx, "dialogs", generation, targets, walked); err != nil {
				return nil, fmt.Errorf("write dialogs: %w", err)
			}
			return work, nil
		}
		a.metrics.moved.Add(float64(len(fresh)))
		work = append(work, fresh...)
	}
}

// removeWaiting removes dialogs of messages whose cohort is not known.
func (a *Aggregator) removeWaiting(ctx context.Context) error {
	var waiting uint64
	if err := a.deps.Conn.QueryRow(clickhouse.Context(ctx, clickhouse.WithParameters(a.parameters(0))),
		"SELECT count() FROM {dialog_rows:Identifier} WHERE NOT located").Scan(&waiting); err != nil {
		return fmt.Errorf("look for dialogs without cohort: %w", err)
	}
	if waiting == 0 {
		return nil
	}
	if err := a.do(ctx, "dialog_rows_waiting", 0); err != nil {
		return fmt.Errorf("remove dialogs without cohort: %w", err)
	}
	return nil
}

// walkChanged walks the dialogs of everybody for whom something has changed in the targets. It returns the units of the
// targets' attempts, and the other buckets that hold attempts whose units have moved.
func (a *Aggregator) walkChanged(ctx context.Context, targets, batches *ext.Table) (*ext.Table, map[bucketKey]bool,
	error) {
	walked, err := ext.NewTable("walked", ext.Column("account", "String"), ext.Column("bucket", "DateTime('UTC')"),
		ext.Column("message_id", "String"),
		ext.Column("step", "UInt8"), ext.Column("conversation", "UInt8"), ext.Column("outside", "UInt8"))
	if err != nil {
		return nil, nil, err
	}
	rows, err := a.deps.Conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(targets, batches),
		clickhouse.WithParameters(a.parameters(0))),
		statement("dialogs_walk"))
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	type person struct{ account, channel, sender, recipient string }
	var (
		moved   = map[bucketKey]bool{}
		current person
		dialogs []dialog
	)
	flush := func() error {
		for _, d := range walk(dialogs) {
			moved[bucketKey{current.account, d.bucket.UnixMilli()}] = true
		}
		for i := range dialogs {
			d := &dialogs[i]
			if !d.mine {
				continue
			}
			if err := walked.Append(current.account, d.bucket.UTC(), d.messageID, d.step, bit(d.conversation),
				bit(d.outside)); err != nil {
				return err
			}
		}
		dialogs = dialogs[:0]
		return nil
	}
	for rows.Next() {
		var p person
		var d dialog
		var conversation, outside uint8
		if err := rows.Scan(&p.account, &p.channel, &p.sender, &p.recipient, &d.bucket, &d.messageID, &d.step,
			&d.deliveredMS, &d.repliesMS,
			&conversation, &outside, &d.mine, &d.inbound); err != nil {
			return nil, nil, err
		}
		if p != current {
			if err := flush(); err != nil {
				return nil, nil, err
			}
			current = p
		}
		d.conversation, d.outside = conversation == 1, outside == 1
		dialogs = append(dialogs, d)
	}
	if err := rows.Err(); err != nil {
		return nil, nil, err
	}
	return walked, moved, flush()
}

func bit(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}
