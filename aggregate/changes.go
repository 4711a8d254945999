package aggregate

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/uuid"

	"kaskad/schema"
	"kaskad/schema/state"
)

// changes are what events of some batches said of their messages, merged by message.
type changes struct {
	messages map[string]*state.Message
	// coldOf are the cold hours in a batch.
	coldOf map[uuid.UUID]map[bucketKey]bool
}

// chooseBatches takes the oldest batches, as many as a pass may take events of, and one at least.
func (a *Aggregator) chooseBatches(ctx context.Context, open []schema.Touch) ([]schema.Touch, error) {
	open = open[:min(len(open), manyBatches)]
	if len(open) < 2 {
		return open, nil
	}
	table, err := batchTable(open)
	if err != nil {
		return nil, err
	}
	rows, err := a.deps.Conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(table)),
		statement("changes_count"))
	if err != nil {
		return nil, fmt.Errorf("count changes: %w", err)
	}
	defer rows.Close()
	events := map[uuid.UUID]uint64{}
	for rows.Next() {
		var batch uuid.UUID
		var n uint64
		if err := rows.Scan(&batch, &n); err != nil {
			return nil, fmt.Errorf("count changes: %w", err)
		}
		events[batch] = n
	}
	taken, total := 1, events[open[0].ID]
	for taken < len(open) && total+events[open[taken].ID] <= uint64(a.events) {
		total += events[open[taken].ID]
		taken++
	}
	return open[:taken], rows.Err()
}

// readChanges reads the changes of batches. Those of messages that count elsewhere are left out.
func (a *Aggregator) readChanges(ctx context.Context, batches []schema.Touch) (*changes, error) {
	c := &changes{messages: map[string]*state.Message{}, coldOf: map[uuid.UUID]map[bucketKey]bool{}}
	if len(batches) == 0 {
		return c, nil
	}
	table, err := batchTable(batches)
	if err != nil {
		return nil, err
	}
	rows, err := a.deps.Conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(table)), statement("changes"))
	if err != nil {
		return nil, fmt.Errorf("read changes: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var batch uuid.UUID
		var packed string
		if err := rows.Scan(&batch, &packed); err != nil {
			return nil, fmt.Errorf("read changes: %w", err)
		}
		if err := a.addChanges(c, batch, packed); err != nil {
			return nil, fmt.Errorf("read changes of batch %s: %w", batch, err)
		}
	}
	return c, rows.Err()
}

func (a *Aggregator) addChanges(c *changes, batch uuid.UUID, packed string) error {
	var event state.Message
	var scratch []byte
	for texts := (packedTexts{packed}); texts.rest != ""; {
		account, err := texts.next()
		if err != nil {
			return err
		}
		const timeBytes = 4
		if len(texts.rest) < timeBytes {
			return errPackedTexts
		}
		key := state.Key{Account: account,
			BucketMS: int64(binary.LittleEndian.Uint32([]byte(texts.rest[:timeBytes]))) * 1000}
		texts.rest = texts.rest[timeBytes:]
		if key.MessageID, err = texts.next(); err != nil {
			return err
		}
		said, err := texts.next()
		if err != nil {
			return err
		}
		hour := bucketKey{account, key.BucketMS}
		if a.hours[hour] {
			if c.coldOf[batch] == nil {
				c.coldOf[batch] = map[bucketKey]bool{}
			}
			c.coldOf[batch][hour] = true
			continue
		}
		if a.strays[key] {
			continue
		}
		scratch = key.AppendKey(scratch[:0])
		m := c.messages[string(scratch)]
		if m == nil {
			m = &state.Message{}
			m.Reset()
			m.Key = key
			if err := m.Decode(said); err != nil {
				return err
			}
			c.messages[string(scratch)] = m
			continue
		}
		if err := event.Decode(said); err != nil {
			return err
		}
		m.Merge(&event)
	}
	return nil
}

// foldChanges folds the changed messages of hours that are not computed whole, as far as no dialog is involved.
func (e *edition) foldChanges(ctx context.Context, c *changes) error {
	keys, stored := make([]string, 0, len(c.messages)), make([]string, 0, len(c.messages))
	for key, m := range c.messages {
		hour := bucketKey{m.Account, m.BucketMS}
		if e.whole[hour] {
			continue
		}
		keys = append(keys, key)
		if e.hours.hasStates(hour) {
			stored = append(stored, key)
		}
	}
	values, err := e.lookUp(ctx, stored)
	if err != nil {
		return err
	}
	for _, key := range keys {
		m, err := changed(key, values[key], c.messages[key])
		if err != nil {
			return err
		}
		if m == nil {
			continue
		}
		if len(m.published)+len(m.dialogs) > 0 {
			e.held = append(e.held, m)
			continue
		}
		if err := e.fold(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// changed returns a message whose stored value changes by what events said; nil where it stays the same.
func changed(key, value string, said *state.Message) (*message, error) {
	m := &message{key: key, value: value, now: said}
	if err := m.readOld(said.Key); err != nil {
		return nil, err
	}
	if m.old != nil {
		before := message{value: value}
		if err := before.readOld(said.Key); err != nil {
			return nil, err
		}
		m.now = before.old
		m.now.Merge(said)
		if stored := appendValue(nil, m.now, nil); string(stored[1:]) == value[1+int(value[0]):] {
			return nil, nil
		}
	}
	if m.old != nil {
		m.published = publishedOf(m)
	}
	m.readDialogs()
	return m, nil
}
