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

	"kaskad/aggregate/cells"
	"kaskad/schema"
	"kaskad/schema/state"
)

// dialogWindow is how long a conversation lasts, and how long a customer's message keeps messages to them free
// (docs/definitions.md section 4).
const dialogWindow = int64(24 * time.Hour / time.Millisecond)

// dialog is a delivered attempt in what one person and one sender said to each other on one channel, or (inbound) what
// the person wrote besides.
type dialog struct {
	messageID   string
	bucketMS    int64
	step        uint8
	deliveredMS int64
	repliesMS   []int64
	inbound     bool
	// conversation: the attempt carries the unit of a conversation. outside: it was delivered outside of the customer's
	// window.
	conversation, outside bool
	// mine: the attempt is of a message that the edition holds; its units are not known before the walk, and those of
	// decided. The units of others are as published.
	mine    bool
	decided *cells.Dialog
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

// decideDialogs decides the units in dialogs of all people for whom something has changed in the messages that the
// edition holds, or who wrote something (asked). Messages whose units that moves join the edition, so that no report
// sees one without the other.
func (e *edition) decideDialogs(ctx context.Context, asked []schema.Touch) error {
	people, err := e.peopleAsked(ctx, asked)
	if err != nil {
		return err
	}
	for looked := 0; ; {
		for _, m := range e.held[looked:] {
			m.addChangedPeople(people)
		}
		looked = len(e.held)
		if len(people) == 0 {
			return nil
		}
		moved, err := e.walkPeople(ctx, people)
		if err != nil {
			return fmt.Errorf("walk dialogs: %w", err)
		}
		if len(moved) == 0 {
			return nil
		}
		if err := e.addMoved(ctx, moved); err != nil {
			return fmt.Errorf("add messages whose units moved: %w", err)
		}
	}
}

// peopleAsked lists the people who wrote.
func (e *edition) peopleAsked(ctx context.Context, asked []schema.Touch) (map[person]bool, error) {
	people := map[person]bool{}
	if len(asked) == 0 {
		return people, nil
	}
	batches, err := batchTable(asked)
	if err != nil {
		return nil, err
	}
	rows, err := e.deps.Conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(batches)),
		statement("dialogs_asked"))
	if err != nil {
		return nil, fmt.Errorf("list people who wrote: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var p person
		if err := rows.Scan(&p.account, &p.channel, &p.sender, &p.recipient); err != nil {
			return nil, fmt.Errorf("list people who wrote: %w", err)
		}
		people[p] = true
	}
	return people, rows.Err()
}

// attemptKey is an attempt of a message.
type attemptKey struct {
	state.Key
	step uint8
}

// walkPeople walks through all dialogs of people. It returns a step of each message that the edition does not hold and
// whose units have moved.
func (e *edition) walkPeople(ctx context.Context, people map[person]bool) (map[state.Key]uint8, error) {
	mine := map[attemptKey]bool{}
	dialogs := make(map[person][]dialog, len(people))
	for _, m := range e.held {
		for i := range m.published {
			mine[attemptKey{m.published[i].Key, m.published[i].Step}] = true
		}
		for i := range m.dialogs {
			d := &m.dialogs[i]
			mine[attemptKey{d.Key, d.Step}] = true
			if p := personOf(d); people[p] {
				dialogs[p] = append(dialogs[p], dialog{messageID: d.MessageID, bucketMS: d.BucketMS, step: d.Step,
					deliveredMS: d.DeliveredMS, repliesMS: d.RepliesMS, mine: true, decided: d})
			}
		}
	}
	if err := e.readDialogsOf(ctx, people, mine, dialogs); err != nil {
		return nil, err
	}
	moved := map[state.Key]uint8{}
	for p, all := range dialogs {
		for _, d := range walk(all) {
			moved[state.Key{Account: p.account, BucketMS: d.bucketMS, MessageID: d.messageID}] = d.step
		}
		for i := range all {
			if d := &all[i]; d.mine {
				d.decided.Units.Conversation, d.decided.Units.Outside = d.conversation, d.outside
			}
		}
	}
	return moved, nil
}

// readDialogsOf adds what is published of people, but for attempts that the edition holds.
func (e *edition) readDialogsOf(ctx context.Context, people map[person]bool, mine map[attemptKey]bool,
	dialogs map[person][]dialog) error {
	table, err := ext.NewTable("people", ext.Column("account", "String"), ext.Column("channel", "String"),
		ext.Column("sender", "String"), ext.Column("recipient", "String"))
	if err != nil {
		return err
	}
	for p := range people {
		if err := table.Append(p.account, p.channel, p.sender, p.recipient); err != nil {
			return fmt.Errorf("list people: %w", err)
		}
	}
	rows, err := e.deps.Conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(table)),
		statement("dialogs_of"))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var p person
		var d dialog
		var conversation, outside uint8
		if err := rows.Scan(&p.account, &p.channel, &p.sender, &p.recipient, &d.bucketMS, &d.messageID, &d.step,
			&d.deliveredMS, &d.repliesMS, &conversation, &outside, &d.inbound); err != nil {
			return err
		}
		if !d.inbound && mine[attemptKey{state.Key{Account: p.account, BucketMS: d.bucketMS, MessageID: d.messageID},
			d.step}] {
			continue
		}
		d.conversation, d.outside = conversation == 1, outside == 1
		dialogs[p] = append(dialogs[p], d)
	}
	return rows.Err()
}

// dialogRows are rows of table dialogs.
type dialogRows struct {
	accounts, channels, senders, recipients, messages []string
	buckets, delivered                                []int64
	replies                                           [][]int64
	steps, conversations, outsides, gone              []uint8
}

// add adds what has changed in the dialogs of a message.
func (r *dialogRows) add(m *message) {
	for i := range m.published {
		was := &m.published[i]
		if is := dialogOf(m.dialogs, was.Step); is == nil || personOf(is) != personOf(was) {
			r.append(was, true)
		}
	}
	for i := range m.dialogs {
		is := &m.dialogs[i]
		if was := dialogOf(m.published, is.Step); was == nil || !is.Equal(was) {
			r.append(is, false)
		}
	}
}

func (r *dialogRows) append(d *cells.Dialog, gone bool) {
	r.accounts, r.channels = append(r.accounts, d.Account), append(r.channels, d.Channel)
	r.senders, r.recipients = append(r.senders, d.Sender), append(r.recipients, d.Recipient)
	r.buckets, r.messages = append(r.buckets, d.BucketMS/1000), append(r.messages, d.MessageID)
	r.steps, r.delivered = append(r.steps, d.Step), append(r.delivered, d.DeliveredMS)
	r.replies = append(r.replies, d.RepliesMS)
	r.conversations = append(r.conversations, bit(d.Units.Conversation))
	r.outsides, r.gone = append(r.outsides, bit(d.Units.Outside)), append(r.gone, bit(gone))
}

func (r *dialogRows) insert(ctx context.Context, e *edition) error {
	n := len(r.steps)
	if err := e.insert(ctx, "dialogs", []string{"account", "channel", "sender", "recipient", "bucket", "generation",
		"message_id", "step", "delivered_ms", "replies_ms", "conversation", "outside", "gone"}, n,
		[]any{r.accounts, r.channels, r.senders, r.recipients, r.buckets, slices.Repeat([]uint64{e.id}, n), r.messages,
			r.steps, r.delivered, r.replies, r.conversations, r.outsides, r.gone}); err != nil {
		return fmt.Errorf("write dialogs: %w", err)
	}
	e.dialogs.written += uint64(n)
	return nil
}

func bit(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}
