package aggregate

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/aggregate/cells"
	"kaskad/aggregate/conversations"
	"kaskad/schema"
	"kaskad/schema/state"
)

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
	batches, err := schema.BatchTable(asked)
	if err != nil {
		return nil, err
	}
	return people, schema.EachRow(clickhouse.Context(ctx, clickhouse.WithExternalTable(batches)), e.deps.Conn,
		"list people who wrote", statement("dialogs_asked"), func(rows driver.Rows) error {
			var p person
			if err := rows.Scan(&p.account, &p.channel, &p.sender, &p.recipient); err != nil {
				return err
			}
			people[p] = true
			return nil
		})
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
	dialogs := make(map[person][]conversations.Dialog, len(people))
	for _, m := range e.held {
		for i := range m.published {
			mine[attemptKey{m.published[i].Key, m.published[i].Step}] = true
		}
		for i := range m.dialogs {
			d := &m.dialogs[i]
			mine[attemptKey{d.Key, d.Step}] = true
			if p := personOf(d); people[p] {
				dialogs[p] = append(dialogs[p], conversations.Dialog{MessageID: d.MessageID, BucketMS: d.BucketMS,
					Step: d.Step, DeliveredMS: d.DeliveredMS, RepliesMS: d.RepliesMS, Mine: true, Decided: d})
			}
		}
	}
	if err := e.readDialogsOf(ctx, people, mine, dialogs); err != nil {
		return nil, err
	}
	moved := map[state.Key]uint8{}
	for p, all := range dialogs {
		for _, d := range conversations.Walk(all) {
			moved[state.Key{Account: p.account, BucketMS: d.BucketMS, MessageID: d.MessageID}] = d.Step
		}
		for i := range all {
			if d := &all[i]; d.Mine {
				d.Decided.Units.Conversation, d.Decided.Units.Outside = d.Conversation, d.Outside
			}
		}
	}
	return moved, nil
}

// readDialogsOf adds what is published of people, but for attempts that the edition holds.
func (e *edition) readDialogsOf(ctx context.Context, people map[person]bool, mine map[attemptKey]bool,
	dialogs map[person][]conversations.Dialog) error {
	table, err := schema.TableOf("people", maps.Keys(people),
		func(p person) []any { return []any{p.account, p.channel, p.sender, p.recipient} },
		ext.Column("account", "String"), ext.Column("channel", "String"), ext.Column("sender", "String"),
		ext.Column("recipient", "String"))
	if err != nil {
		return err
	}
	rows, err := e.deps.Conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(table)),
		statement("dialogs_of"))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var p person
		var d conversations.Dialog
		var conversation, outside uint8
		if err := rows.Scan(&p.account, &p.channel, &p.sender, &p.recipient, &d.BucketMS, &d.MessageID, &d.Step,
			&d.DeliveredMS, &d.RepliesMS, &conversation, &outside, &d.Inbound); err != nil {
			return err
		}
		if !d.Inbound && mine[attemptKey{state.Key{Account: p.account, BucketMS: d.BucketMS, MessageID: d.MessageID},
			d.Step}] {
			continue
		}
		d.Conversation, d.Outside = conversation == 1, outside == 1
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
	e.drops.dialogs.written.Add(uint64(n))
	return nil
}

func bit(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}
