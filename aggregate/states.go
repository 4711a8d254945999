package aggregate

import (
	"context"
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"kaskad/schema"
	"kaskad/schema/law"
	"kaskad/schema/state"
)

// Table message_states holds what is published of each message of a warm hour: its state, and the units of its dialogs.
// An edition writes what it changes there into state_log before it is published, and applies that afterwards. Who takes
// over applies what was left, so the states are always those of the last edition. Where that cannot be, all hours
// become cold.

// maxKeys bounds how many states are looked up at a time.
const maxKeys = 50_000

// appendValue appends the value of a message in message_states: how many attempts have units, those of each, the state.
func appendValue(dst []byte, m *state.Message, units []law.Units) []byte {
	n := len(units)
	for n > 0 && units[n-1] == (law.Units{}) {
		n--
	}
	dst = append(dst, byte(n))
	for _, u := range units[:n] {
		dst = append(dst, bit(u.Conversation)|bit(u.Outside)<<1)
	}
	return m.Append(dst)
}

// decodeValue reads what appendValue wrote. Texts of the message are parts of value.
func decodeValue(m *state.Message, value string) (units []law.Units, err error) {
	if value == "" || len(value) <= int(value[0]) {
		return nil, state.ErrDamaged
	}
	n := int(value[0])
	for _, u := range []byte(value[1 : 1+n]) {
		units = append(units, law.Units{Conversation: u&1 != 0, Outside: u&2 != 0})
	}
	return units, m.Decode(value[1+n:])
}

// lookUpIn adds the values of those keys that a statement finds, so many at once.
func (a *Aggregator) lookUpIn(ctx context.Context, name string, atOnce int, keys []string,
	found map[string]string) (map[string]string, error) {
	for len(keys) > 0 {
		some := keys[:min(len(keys), atOnce)]
		keys = keys[len(some):]
		table, err := ext.NewTable("keys", ext.Column("key", "String"))
		if err != nil {
			return nil, err
		}
		for _, key := range some {
			if err := table.Append(key); err != nil {
				return nil, fmt.Errorf("list keys of states: %w", err)
			}
		}
		var packed string
		if err := a.deps.Conn.QueryRow(clickhouse.Context(ctx, clickhouse.WithExternalTable(table)),
			statement(name)).Scan(&packed); err != nil {
			return nil, fmt.Errorf("look up states: %w", err)
		}
		for texts := (packedTexts{packed}); texts.rest != ""; {
			key, err := texts.next()
			if err != nil {
				return nil, err
			}
			if found[key], err = texts.next(); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

// packedTexts are texts in one, each behind its length in 4 bytes: reading a value costs the client the same whatever
// its size.
type packedTexts struct{ rest string }

func (p *packedTexts) next() (string, error) {
	const lengthBytes = 4
	if len(p.rest) < lengthBytes {
		return "", errPackedTexts
	}
	n := int(binary.LittleEndian.Uint32([]byte(p.rest[:lengthBytes])))
	if len(p.rest) < lengthBytes+n {
		return "", errPackedTexts
	}
	text := p.rest[lengthBytes : lengthBytes+n]
	p.rest = p.rest[lengthBytes+n:]
	return text, nil
}

var errPackedTexts = fmt.Errorf("packed texts are cut short: this is a bug; nothing is published")

// stateLog collects what an edition changes in message_states.
type stateLog struct {
	keys, values []string
	rows         uint64 // that were written before
	blocks       int    // that held them
}

func (l *stateLog) add(key, value string) {
	l.keys, l.values = append(l.keys, key), append(l.values, value)
}

// write writes what was collected.
func (l *stateLog) write(ctx context.Context, a *Aggregator, edition uint64) error {
	n := len(l.keys)
	if n == 0 {
		return nil
	}
	editions := make([]uint64, n)
	for i := range editions {
		editions[i] = edition
	}
	if err := schema.InsertColumns(ctx, a.deps.Conn, "INSERT INTO state_log (edition, key, state)", 0, n,
		[]any{editions, l.keys, l.values}); err != nil {
		return fmt.Errorf("log states: %w", err)
	}
	l.rows += uint64(n)
	l.blocks++
	clear(l.keys)
	clear(l.values)
	l.keys, l.values = l.keys[:0], l.values[:0]
	return nil
}

// some says that the edition changes some state.
func (l *stateLog) some() bool { return l.rows+uint64(len(l.keys)) > 0 }

// end writes the rest, and how many rows there are.
func (l *stateLog) end(ctx context.Context, a *Aggregator, edition uint64) error {
	rows := strconv.FormatUint(l.rows+uint64(len(l.keys)), 10)
	if l.rows > 0 { // Else one block holds all of it.
		if err := l.write(ctx, a, edition); err != nil {
			return err
		}
	}
	l.add("", rows)
	return l.write(ctx, a, edition)
}

// applyStates makes the states those of an edition that was published, and says so. What was logged as one block is
// applied as one, with the row that says so; else that comes after all of them.
func (a *Aggregator) applyStates(ctx context.Context, edition uint64, oneBlock bool) error {
	if oneBlock {
		if err := a.do(ctx, "states_apply_block", edition); err != nil {
			return fmt.Errorf("apply the states of edition %d: %w", edition, err)
		}
		return nil
	}
	for _, name := range []string{"states_apply", "states_applied"} {
		if err := a.do(ctx, name, edition); err != nil {
			return fmt.Errorf("apply the states of edition %d (%s): %w", edition, name, err)
		}
	}
	return nil
}

// redoStates applies what the last aggregator left, and reads what is known of hours. Where the states are not those of
// the last edition that changed some, all of them are forgotten.
func (a *Aggregator) redoStates(ctx context.Context) error {
	var applied, last uint64
	if err := a.deps.Conn.QueryRow(ctx, statement("states_stand")).Scan(&applied, &last); err != nil {
		return fmt.Errorf("read where states stand: %w", err)
	}
	left, complete, err := a.leftStates(ctx, applied)
	if err != nil {
		return err
	}
	// A store that names no edition has lost more than what the log still has.
	complete = complete && applied > 0
	for _, edition := range left {
		if !complete {
			break
		}
		if err := a.applyStates(ctx, edition, false); err != nil {
			return err
		}
		applied = edition
	}
	if applied == last && !a.damaged {
		return a.readHours(ctx)
	}
	a.deps.Logger.Error("stored states are not those that were published: all are read from facts again",
		"applied", applied, "published", last, "damaged", a.damaged)
	a.damaged = false
	return a.forgetStates(ctx)
}

// leftStates lists the editions whose states are to be applied. They are complete unless rows of some are missing.
func (a *Aggregator) leftStates(ctx context.Context, applied uint64) (left []uint64, complete bool, err error) {
	rows, err := a.deps.Conn.Query(clickhouse.Context(ctx, clickhouse.WithParameters(clickhouse.Parameters{
		"applied": strconv.FormatUint(applied, 10)})), statement("states_left"))
	if err != nil {
		return nil, false, fmt.Errorf("read states that are not applied: %w", err)
	}
	defer rows.Close()
	complete = true
	for rows.Next() {
		var edition uint64
		var whole bool
		if err := rows.Scan(&edition, &whole); err != nil {
			return nil, false, fmt.Errorf("read states that are not applied: %w", err)
		}
		left, complete = append(left, edition), complete && whole
	}
	return left, complete, rows.Err()
}

// forgetStates makes all hours cold, and keeps no state.
func (a *Aggregator) forgetStates(ctx context.Context) error {
	if err := a.do(ctx, "hours_cold", a.nextGeneration(time.Now())); err != nil {
		return fmt.Errorf("note that all hours are cold: %w", err)
	}
	for _, table := range []string{"message_states", "settled_states"} {
		if err := a.truncate(ctx, table); err != nil {
			return err
		}
	}
	var applied, last uint64
	if err := a.deps.Conn.QueryRow(ctx, statement("states_stand")).Scan(&applied, &last); err != nil {
		return fmt.Errorf("read where states stand: %w", err)
	}
	if err := a.do(ctx, "states_applied", last); err != nil {
		return fmt.Errorf("note that no states are stored: %w", err)
	}
	return a.readHours(ctx)
}
