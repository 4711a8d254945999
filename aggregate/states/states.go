package states

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/schema"
	"kaskad/schema/law"
	"kaskad/schema/state"
)

// maxKeys bounds how many states are looked up at a time.
const maxKeys = 50_000

// AppendValue appends the value of a message in message_states: how many attempts have units, those of each, the state.
func AppendValue(dst []byte, m *state.Message, units []law.Units) []byte {
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

// DecodeValue reads what AppendValue wrote. Texts of the message are parts of value.
func DecodeValue(m *state.Message, value string) (units []law.Units, err error) {
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
func (s *Store) lookUpIn(ctx context.Context, name string, atOnce int, keys []string,
	found map[string]string) (map[string]string, error) {
	for len(keys) > 0 {
		some := keys[:min(len(keys), atOnce)]
		keys = keys[len(some):]
		table, err := schema.TableOf("keys", slices.Values(some), func(key string) []any { return []any{key} },
			ext.Column("key", "String"))
		if err != nil {
			return nil, err
		}
		var packed string
		if err := s.deps.Conn.QueryRow(clickhouse.Context(ctx, clickhouse.WithExternalTable(table)),
			statement(name)).Scan(&packed); err != nil {
			return nil, fmt.Errorf("look up states: %w", err)
		}
		for texts := (Packed{packed}); texts.Rest != ""; {
			key, err := texts.Next()
			if err != nil {
				return nil, err
			}
			if found[key], err = texts.Next(); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

// Packed are texts in one, each behind its length in 4 bytes: reading a value costs the client the same whatever
// its size.
type Packed struct{ Rest string }

// Next takes the next text.
func (p *Packed) Next() (string, error) {
	const lengthBytes = 4
	if len(p.Rest) < lengthBytes {
		return "", ErrPacked
	}
	n := int(binary.LittleEndian.Uint32([]byte(p.Rest[:lengthBytes])))
	if len(p.Rest) < lengthBytes+n {
		return "", ErrPacked
	}
	text := p.Rest[lengthBytes : lengthBytes+n]
	p.Rest = p.Rest[lengthBytes+n:]
	return text, nil
}

// ErrPacked tells of texts that end too early.
var ErrPacked = fmt.Errorf("packed texts are cut short: this is a bug; nothing is published")

// Log collects what an edition changes in message_states.
type Log struct {
	keys, values []string
	rows         uint64 // that were written before
	blocks       int    // that held them
}

// Add adds the value of a message.
func (l *Log) Add(key, value string) {
	l.keys, l.values = append(l.keys, key), append(l.values, value)
}

// Waiting is how many values wait to be written.
func (l *Log) Waiting() int { return len(l.keys) }

// Some says that the edition changes some state.
func (l *Log) Some() bool { return l.rows+uint64(len(l.keys)) > 0 }

// Write takes out what was collected, and returns what writes it; more can be added before that is done.
func (l *Log) Write(conn driver.Conn, edition uint64) func(ctx context.Context) error {
	n, keys, values := len(l.keys), l.keys, l.values
	l.keys, l.values = make([]string, 0, n), make([]string, 0, n)
	l.rows += uint64(n)
	l.blocks++
	return func(ctx context.Context) error {
		if err := schema.InsertColumns(ctx, conn, "INSERT INTO state_log (edition, key, state)", 0, n,
			[]any{slices.Repeat([]uint64{edition}, n), keys, values}); err != nil {
			return fmt.Errorf("log states: %w", err)
		}
		return nil
	}
}

// End writes the rest, and how many rows there are.
func (l *Log) End(ctx context.Context, conn driver.Conn, edition uint64) error {
	rows := strconv.FormatUint(l.rows+uint64(len(l.keys)), 10)
	if l.rows > 0 && len(l.keys) > 0 { // Else one block holds all of it.
		if err := l.Write(conn, edition)(ctx); err != nil {
			return err
		}
	}
	l.Add("", rows)
	return l.Write(conn, edition)(ctx)
}

// Apply makes the states those of an edition that was published, whose log was ended if there is something in it.
func (s *Store) Apply(ctx context.Context, edition uint64, log *Log) error {
	if log.rows == 0 {
		return nil
	}
	return s.apply(ctx, edition, log.blocks == 1)
}

// apply makes the states those of an edition that was published, and says so. What was logged as one block is
// applied as one, with the row that says so; else that comes after all of them.
func (s *Store) apply(ctx context.Context, edition uint64, oneBlock bool) error {
	if oneBlock {
		if err := s.do(ctx, "states_apply_block", edition); err != nil {
			return fmt.Errorf("apply the states of edition %d: %w", edition, err)
		}
		return nil
	}
	for _, name := range []string{"states_apply", "states_applied"} {
		if err := s.do(ctx, name, edition); err != nil {
			return fmt.Errorf("apply the states of edition %d (%s): %w", edition, name, err)
		}
	}
	return nil
}

// Redo applies what the last aggregator left, and reads what is known of hours. Where the states are not those of
// the last edition that changed some, all of them are forgotten.
func (s *Store) Redo(ctx context.Context) error {
	var applied, last uint64
	if err := s.deps.Conn.QueryRow(ctx, statement("states_stand")).Scan(&applied, &last); err != nil {
		return fmt.Errorf("read where states stand: %w", err)
	}
	left, complete, err := s.left(ctx, applied)
	if err != nil {
		return err
	}
	// A store that names no edition has lost more than what the log still has.
	complete = complete && applied > 0
	for _, edition := range left {
		if !complete {
			break
		}
		if err := s.apply(ctx, edition, false); err != nil {
			return err
		}
		applied = edition
	}
	if applied == last && !s.Damaged {
		return s.Read(ctx)
	}
	s.deps.Logger.Error("stored states are not those that were published: all are read from facts again",
		"applied", applied, "published", last, "damaged", s.Damaged)
	s.Damaged = false
	return s.Forget(ctx)
}

// left lists the editions whose states are to be applied. They are complete unless rows of some are missing.
func (s *Store) left(ctx context.Context, applied uint64) (left []uint64, complete bool, err error) {
	complete = true
	err = schema.EachRow(clickhouse.Context(ctx, clickhouse.WithParameters(clickhouse.Parameters{
		"applied": strconv.FormatUint(applied, 10)})), s.deps.Conn, "read states that are not applied",
		statement("states_left"), func(rows driver.Rows) error {
			var edition uint64
			var whole bool
			if err := rows.Scan(&edition, &whole); err != nil {
				return err
			}
			left, complete = append(left, edition), complete && whole
			return nil
		})
	return left, complete, err
}

// Forget makes all hours cold, and keeps no state.
func (s *Store) Forget(ctx context.Context) error {
	if err := s.do(ctx, "hours_cold", s.deps.NextEdition(time.Now())); err != nil {
		return fmt.Errorf("note that all hours are cold: %w", err)
	}
	for _, table := range []string{"message_states", "settled_states"} {
		if err := s.deps.Conn.Exec(ctx, "TRUNCATE TABLE "+table); err != nil {
			return fmt.Errorf("empty table %s: %w", table, err)
		}
	}
	var applied, last uint64
	if err := s.deps.Conn.QueryRow(ctx, statement("states_stand")).Scan(&applied, &last); err != nil {
		return fmt.Errorf("read where states stand: %w", err)
	}
	if err := s.do(ctx, "states_applied", last); err != nil {
		return fmt.Errorf("note that no states are stored: %w", err)
	}
	return s.Read(ctx)
}
