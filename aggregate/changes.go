package aggregate

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"kaskad/aggregate/states"
	"kaskad/schema"
	"kaskad/schema/state"
)

// changes are what events of some batches said of their messages, merged by message.
type changes struct {
	// all are in the order of their first events until they are folded, and at finds one by its key.
	all []change
	at  map[string]int
	// coldOf are the cold hours in a batch.
	coldOf map[uuid.UUID]map[state.Hour]bool
	// said and more are what two changes of a message say, while they are merged.
	said, more state.Message
}

// change is what events said of one message: a state as it is stored, for many wait at a time.
type change struct{ key, said string }

// hour is that of the message.
func (c change) hour() (state.Hour, error) {
	key, err := state.ParseKey(c.key)
	return key.Hour(), err
}

// add adds a change of a message.
func (c *changes) add(key []byte, said string) error {
	at, known := c.at[string(key)]
	if !known {
		kept := string(key)
		c.at[kept] = len(c.all)
		c.all = append(c.all, change{kept, said})
		return nil
	}
	if err := c.said.Decode(c.all[at].said); err != nil {
		return err
	}
	if err := c.more.Decode(said); err != nil {
		return err
	}
	c.said.Merge(&c.more)
	c.all[at].said = string(c.said.Append(nil))
	return nil
}

// chooseBatches takes the oldest batches, as many as a pass may take events of, and one at least.
func (e *edition) chooseBatches(ctx context.Context, open []schema.Touch) ([]schema.Touch, error) {
	open = open[:min(len(open), manyBatches)]
	if len(open) < 2 {
		return open, nil
	}
	table, err := schema.BatchTable(open)
	if err != nil {
		return nil, err
	}
	rows, err := e.deps.Conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(table)),
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
	for taken < len(open) && total+events[open[taken].ID] <= uint64(e.events) {
		total += events[open[taken].ID]
		taken++
	}
	var left uint64
	for _, batch := range open[taken:] {
		left += events[batch.ID]
	}
	e.leaves = left > manyPasses*total
	return open[:taken], rows.Err()
}

// readChanges reads the changes of batches. Those of messages that count elsewhere are left out.
func (a *Aggregator) readChanges(ctx context.Context, batches []schema.Touch) (*changes, error) {
	c := &changes{at: map[string]int{}, coldOf: map[uuid.UUID]map[state.Hour]bool{}}
	if len(batches) == 0 {
		return c, nil
	}
	table, err := schema.BatchTable(batches)
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
	var scratch []byte
	for texts := (states.Packed{Rest: packed}); texts.Rest != ""; {
		account, err := texts.Next()
		if err != nil {
			return err
		}
		const timeBytes = 4
		if len(texts.Rest) < timeBytes {
			return states.ErrPacked
		}
		key := state.Key{Account: account,
			BucketMS: int64(binary.LittleEndian.Uint32([]byte(texts.Rest[:timeBytes]))) * 1000}
		texts.Rest = texts.Rest[timeBytes:]
		if key.MessageID, err = texts.Next(); err != nil {
			return err
		}
		said, err := texts.Next()
		if err != nil {
			return err
		}
		hour := key.Hour()
		if a.states.Hours[hour] {
			if c.coldOf[batch] == nil {
				c.coldOf[batch] = map[state.Hour]bool{}
			}
			c.coldOf[batch][hour] = true
			continue
		}
		if a.joiner.Strays[key] {
			continue
		}
		scratch = key.AppendKey(scratch[:0])
		if err := c.add(scratch, said); err != nil {
			return err
		}
	}
	return nil
}

// foldChanges folds the changed messages of hours that are not computed whole, as far as no dialog is involved. Those
// of an hour come together, as their states are stored and as cells are added up fastest. While some are folded the
// next ones are looked up and merged.
func (e *edition) foldChanges(ctx context.Context, c *changes) error {
	c.at = nil // Nothing is added any more, and collectors of garbage look through what is large.
	all := c.all[:0]
	for _, said := range c.all {
		hour, err := said.hour()
		if err != nil {
			return err
		}
		if !e.whole[hour] {
			all = append(all, said)
		}
	}
	slices.SortFunc(all, func(x, y change) int { return strings.Compare(x.key, y.key) })
	looking, stop := context.WithCancel(ctx)
	merged, folded := make(chan []*changedMessage, 1), make(chan []*changedMessage, 1)
	var merging errgroup.Group
	merging.Go(func() error {
		defer close(merged)
		return e.mergeChanges(looking, all, merged, folded)
	})
	err := func() error {
		for some := range merged {
			for i, m := range some {
				if len(m.published)+len(m.dialogs) > 0 {
					e.held = append(e.held, &m.message)
					some[i] = &changedMessage{}
				} else if err := e.fold(ctx, &m.message); err != nil {
					return err
				}
			}
			select {
			case folded <- some:
			default:
			}
		}
		return nil
	}()
	stop()
	return cmp.Or(err, merging.Wait())
}

// mergeChanges merges changes with what is stored of their messages, and hands on those whose value changes by that, in
// the memory of those that are folded.
func (e *edition) mergeChanges(ctx context.Context, all []change, merged, folded chan []*changedMessage) error {
	var some []*changedMessage
	hand := func() error {
		select {
		case merged <- some:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case some = <-folded:
			some = some[:0]
		default:
			some = make([]*changedMessage, 0, e.mergeAtOnce)
		}
		return nil
	}
	for chunk := range slices.Chunk(all, e.states.AtOnce()) {
		values, err := e.lookUp(ctx, chunk)
		if err != nil {
			return err
		}
		for _, said := range chunk {
			some = appendRoom(some)
			moved, err := some[len(some)-1].change(said, values[said.key])
			if err != nil {
				return err
			}
			if !moved {
				some = some[:len(some)-1]
			} else if len(some) >= e.mergeAtOnce {
				if err := hand(); err != nil {
					return err
				}
			}
		}
	}
	return hand()
}

// appendRoom appends a message, in the memory of one that stood there before.
func appendRoom(some []*changedMessage) []*changedMessage {
	if len(some) == cap(some) || some[:len(some)+1][len(some)] == nil {
		return append(some, &changedMessage{})
	}
	return some[:len(some)+1]
}

// lookUp reads what is stored of messages, of hours that have something.
func (e *edition) lookUp(ctx context.Context, all []change) (map[string]string, error) {
	var stored []string
	for _, said := range all {
		hour, err := said.hour()
		if err != nil {
			return nil, err
		}
		if e.states.Has(hour) {
			stored = append(stored, said.key)
		}
	}
	return e.states.LookUp(ctx, stored)
}

// changedMessage is a message with the memory of its states, which serves one after the other.
type changedMessage struct {
	message
	before, after state.Message
	scratch       []byte
}

// change makes it a message of which events said something, and reports whether its stored value changes by that.
func (m *changedMessage) change(said change, value string) (bool, error) {
	key, err := state.ParseKey(said.key)
	if err != nil {
		return false, err
	}
	m.message = message{key: said.key, value: value, now: &m.after}
	m.after.Key = key
	if err := m.after.Decode(said.said); err != nil {
		return false, err
	}
	if value == "" {
		m.readDialogs()
		return true, nil
	}
	m.old, m.before.Key = &m.before, key
	if m.oldUnits, err = states.DecodeValue(&m.before, value); err != nil {
		return false, err
	}
	m.after.Merge(&m.before)
	m.scratch = m.after.Append(m.scratch[:0])
	if string(m.scratch) == value[1+int(value[0]):] {
		return false, nil
	}
	m.published = publishedOf(&m.message)
	m.readDialogs()
	return true, nil
}
