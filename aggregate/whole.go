package aggregate

import (
	"context"
	"errors"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"kaskad/aggregate/cells"
	"kaskad/aggregate/states"
	"kaskad/schema/state"
)

// readWhole folds all messages of hours from their facts, but for those with dialogs, which are held.
func (e *edition) readWhole(ctx context.Context, hours []state.Hour) error {
	fresh := make(map[state.Hour]bool, len(hours))
	for _, hour := range hours {
		if !e.whole[hour] {
			fresh[hour], e.whole[hour] = true, true
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	targets, err := states.HourTable(fresh)
	if err != nil {
		return err
	}
	// Somebody else may have made them cold: whoever changed what is stored of a message, facts and all.
	if err := e.states.Recall(ctx, targets); err != nil {
		return err
	}
	if err := e.findPublished(ctx, targets); err != nil {
		return err
	}
	if err := e.addStrays(ctx, targets); err != nil {
		return err
	}
	published, err := e.publishedDialogs(ctx, "dialogs_published", targets)
	if err != nil {
		return err
	}
	chunk := wholeChunk{edition: e, published: published}
	err = e.eachMessage(ctx, targets, func(m *state.Message) error { return chunk.add(ctx, m) })
	if err == nil {
		err = chunk.end(ctx)
	}
	if err != nil {
		return fmt.Errorf("compute %d hours: %w", len(fresh), err)
	}
	// What is published of messages that no fact tells of any more.
	for _, dialogs := range published {
		e.held = append(e.held, &message{whole: true, published: dialogs})
	}
	return nil
}

// findPublished finds out which hours have cells that are to be taken away. Of the others all that is computed counts:
// nothing has to be compared.
func (e *edition) findPublished(ctx context.Context, targets *ext.Table) error {
	rows, err := e.deps.Conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(targets)),
		statement("hours_published"))
	if err != nil {
		return fmt.Errorf("look for what is published of hours: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var hour state.Hour
		if err := rows.Scan(&hour.Account, &hour.BucketMS); err != nil {
			return fmt.Errorf("look for what is published of hours: %w", err)
		}
		e.replaced[hour] = true
	}
	return rows.Err()
}

// wholeChunk collects messages of hours that are computed whole, so that what is stored of them is looked up together.
type wholeChunk struct {
	*edition
	published map[state.Key][]cells.Dialog
	messages  []*message
}

func (c *wholeChunk) add(ctx context.Context, m *state.Message) error {
	now := &state.Message{}
	now.Reset()
	now.Key = m.Key
	// The message is overwritten by the next one.
	if err := now.Decode(string(m.Append(nil))); err != nil {
		return err
	}
	_, repair := c.audit.repairs[m.Hour()]
	c.messages = append(c.messages, &message{key: string(m.AppendKey(nil)), now: now, whole: true, walk: repair,
		published: c.published[m.Key]})
	delete(c.published, m.Key)
	const atOnce = 10_000
	if len(c.messages) < atOnce {
		return nil
	}
	return c.end(ctx)
}

// end folds what was collected. Of a message in a warm hour it is known what was published by recipient.
func (c *wholeChunk) end(ctx context.Context) error {
	var keys []string
	for _, m := range c.messages {
		if c.states.Has(m.now.Hour()) {
			keys = append(keys, m.key)
		}
	}
	values, err := c.states.LookUp(ctx, keys)
	if err != nil {
		return err
	}
	for _, m := range c.messages {
		m.value = values[m.key]
		if err := m.readOld(m.now.Key); err != nil {
			return err
		}
		m.readDialogs()
		if len(m.published)+len(m.dialogs) > 0 {
			c.held = append(c.held, m)
			continue
		}
		if err := c.fold(ctx, m); err != nil {
			return err
		}
	}
	c.messages = c.messages[:0]
	return nil
}

// publishedDialogs reads the dialogs that are published of hours, by message.
func (a *Aggregator) publishedDialogs(ctx context.Context, name string,
	tables ...*ext.Table) (map[state.Key][]cells.Dialog, error) {
	rows, err := a.deps.Conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(tables...)), statement(name))
	if err != nil {
		return nil, fmt.Errorf("read published dialogs: %w", err)
	}
	defer rows.Close()
	all := map[state.Key][]cells.Dialog{}
	for rows.Next() {
		var d cells.Dialog
		var conversation, outside uint8
		if err := rows.Scan(&d.Account, &d.BucketMS, &d.MessageID, &d.Step, &d.Channel, &d.Sender, &d.Recipient,
			&d.DeliveredMS, &d.RepliesMS, &conversation, &outside); err != nil {
			return nil, fmt.Errorf("read published dialogs: %w", err)
		}
		d.Units.Conversation, d.Units.Outside = conversation == 1, outside == 1
		all[d.Key] = append(all[d.Key], d)
	}
	return all, rows.Err()
}

// errOutOfStep tells that what is stored of an hour is not what was published of it.
var errOutOfStep = errors.New("states of an hour are missing: it is computed whole")

// addMoved adds messages to the edition in whose dialogs alone something moved. Those of cold hours have these computed
// whole.
func (e *edition) addMoved(ctx context.Context, moved map[state.Key]uint8) error {
	var keys []string
	var ofCold []state.Hour
	of := map[string]state.Key{}
	for key := range moved {
		hour := key.Hour()
		if e.states.Hours[hour] {
			ofCold = append(ofCold, hour)
			continue
		}
		stored := string(key.AppendKey(nil))
		keys, of[stored] = append(keys, stored), key
	}
	e.metrics.moved.Add(float64(len(moved)))
	if err := e.readWhole(ctx, ofCold); err != nil {
		return err
	}
	values, err := e.states.LookUp(ctx, keys)
	if err != nil {
		return err
	}
	for _, stored := range keys {
		key := of[stored]
		m := &message{key: stored, value: values[stored]}
		if err := m.readOld(key); err != nil {
			return err
		}
		if m.old != nil {
			m.now = m.old
			m.published = publishedOf(m)
			m.readDialogs()
		}
		if dialogOf(m.dialogs, moved[key]) == nil {
			hour := key.Hour()
			if err := e.states.SetCold(ctx, e.id, map[state.Hour]bool{hour: true}); err != nil {
				return err
			}
			return errOutOfStep
		}
		e.held = append(e.held, m)
	}
	return nil
}

func publishedOf(m *message) []cells.Dialog { return cells.AppendDialogs(nil, m.old, m.oldUnits) }
