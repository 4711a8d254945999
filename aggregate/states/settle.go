package states

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/schema"
	"kaskad/schema/state"
)

// Table message_states is as large as Config.Bytes lets it be. Above that, states of the hours that nothing has changed
// for longest move to table settled_states: they are as good there, but found by a scan, which all changes of a pass
// share. A change brings its message back, and that one alone: of a key that both tables have, message_states is right.
//
// They are copied first, then the hours are noted, and then the states are emptied, so at each moment every state can
// be found: before the note in message_states, after it in either. Empty ones are removed at rest, when they are many:
// that reads the whole store.

const (
	// settleEvery is how often the size is looked at, and slowSettle how long a step may keep a pass waiting: those
	// that take longer move fewer hours. settleRest is how long nothing was published when empty states are removed.
	settleEvery = 5 * time.Second
	slowSettle  = 300 * time.Millisecond
	settleRest  = time.Minute
	// scanKeys bounds how many states one scan looks for.
	scanKeys = 500_000
	// mostHours bounds how many hours move at a time.
	mostHours = 4096
	// stateSize is how long a key and its state are taken to be before any were written, keySize how long a key is.
	stateSize = 150
	keySize   = 50
)

// settling is what the aggregator remembers of the states that it moves.
type settling struct {
	hours map[state.Hour]bool // whose states may be in settled_states
	// changed is when a pass changed an hour last, and moved when its states moved, in editions.
	changed, moved map[state.Hour]uint64
	// queue are hours to move, the quietest last; some may have changed since.
	queue  []state.Hour
	atOnce int
	next   time.Time
	// published is when an edition was published last, or when the settling began.
	published time.Time
	// keys and bytes are those of the states that were written, for their mean size.
	keys, bytes uint64
	// atMost is how many keys message_states has, or more than it has, once they were counted (known): to count them
	// reads the whole store.
	atMost uint64
	known  bool
	// empty is how many keys are left of states that moved, counted whether those of before were counted.
	empty   uint64
	counted bool
}

// Wrote notes a state that goes to message_states, where the message has none as far as is known (fresh).
func (s *Store) Wrote(key, value string, fresh bool) {
	t := &s.settling
	t.keys++
	t.bytes += uint64(len(key) + len(value))
	if fresh {
		t.atMost++
	}
}

// Count is how many states message_states holds at most; not known before it was counted once.
func (s *Store) Count() (keys uint64, known bool) { return s.settling.atMost, s.settling.known }

func (t *settling) size(keys uint64) uint64 {
	mean := uint64(stateSize)
	const enough = 1000
	if t.keys >= enough {
		mean = t.bytes / t.keys
	}
	empty := min(t.empty, keys)
	return (keys-empty)*mean + empty*keySize
}

// readSettled reads which hours' states have moved.
func (s *Store) readSettled(ctx context.Context) error {
	s.settling = settling{hours: map[state.Hour]bool{}, changed: map[state.Hour]uint64{},
		moved: map[state.Hour]uint64{}, atOnce: 64, keys: s.settling.keys, bytes: s.settling.bytes,
		empty: s.settling.empty, counted: s.settling.counted}
	return schema.EachRow(ctx, s.deps.Conn, "read settled hours", statement("settled_hours"),
		func(rows driver.Rows) error {
			var hour state.Hour
			if err := rows.Scan(&hour.Account, &hour.BucketMS); err != nil {
				return err
			}
			s.settling.hours[hour] = true
			return nil
		})
}

// AtOnce is how many keys are worth a LookUp: where states have moved it may be a scan, which many share.
func (s *Store) AtOnce() int {
	if len(s.settling.hours) > 0 {
		return scanKeys
	}
	return maxKeys
}

// LookUp returns the values of those keys that are stored.
func (s *Store) LookUp(ctx context.Context, keys []string) (map[string]string, error) {
	found, err := s.lookUpIn(ctx, "states", maxKeys, keys, make(map[string]string, len(keys)))
	if err != nil || len(s.settling.hours) == 0 {
		return found, err
	}
	var settled []string
	for _, stored := range keys {
		if found[stored] != "" {
			continue
		}
		delete(found, stored)
		key, err := state.ParseKey(stored)
		if err != nil {
			return nil, err
		}
		if s.settling.hours[key.Hour()] {
			settled = append(settled, stored)
		}
	}
	s.metrics.settledReads.Add(float64(len(settled)))
	return s.lookUpIn(ctx, "settled", scanKeys, settled, found)
}

// Settle moves states if there are too many.
func (s *Store) Settle(ctx context.Context) error {
	t := &s.settling
	now := time.Now()
	if s.cfg.Bytes < 0 || now.Before(t.next) {
		return nil
	}
	if t.next = now.Add(settleEvery); t.published.IsZero() {
		t.published = now
	}
	if !t.known || t.size(t.atMost) > uint64(s.cfg.Bytes) {
		if err := s.deps.Conn.QueryRow(ctx, "SELECT count() FROM message_states").Scan(&t.atMost); err != nil {
			return fmt.Errorf("ask for the size of message_states: %w", err)
		}
		t.known = true
	}
	if now.Sub(t.published) > settleRest && len(t.hours) > 0 {
		if err := s.removeEmpty(ctx, t.atMost); err != nil {
			return err
		}
	}
	size := t.size(t.atMost)
	s.metrics.stateBytes.Set(float64(size))
	if size <= uint64(s.cfg.Bytes) {
		return nil
	}
	hours := s.quietest(t.atOnce)
	if len(hours) == 0 {
		return nil
	}
	if err := s.settleHours(ctx, hours); err != nil {
		return fmt.Errorf("move states of %d hours: %w", len(hours), err)
	}
	switch took := time.Since(now); {
	case took > slowSettle:
		t.atOnce = max(1, t.atOnce/2)
	case took < slowSettle/2:
		t.atOnce = min(mostHours, 2*t.atOnce)
	}
	// More of them go with the next pass, at once if there is nothing else to do.
	t.next = now
	return nil
}

// removeEmpty removes the keys of states that moved, if they are many.
func (s *Store) removeEmpty(ctx context.Context, keys uint64) error {
	t := &s.settling
	if !t.counted {
		if err := s.deps.Conn.QueryRow(ctx, "SELECT countIf(key != '' AND state = '') FROM message_states").Scan(
			&t.empty); err != nil {
			return fmt.Errorf("count empty states: %w", err)
		}
		t.counted = true
	}
	if 2*t.empty <= keys {
		return nil
	}
	if err := s.deps.Conn.Exec(ctx, statement("settle_purge")); err != nil {
		return fmt.Errorf("remove empty states: %w", err)
	}
	t.empty, t.known = 0, false
	return nil
}

// quietest takes the hours that nothing has changed for longest, as far as states of theirs are in message_states.
func (s *Store) quietest(n int) []state.Hour {
	t := &s.settling
	lately := func(hour state.Hour) uint64 {
		if changed := t.changed[hour]; changed > 0 {
			return changed
		}
		return uint64(max(0, hour.BucketMS)) * 1000 // As an edition, which is microseconds of the clock.
	}
	movable := func(hour state.Hour) bool {
		return s.Has(hour) && (t.moved[hour] == 0 || t.changed[hour] > t.moved[hour])
	}
	var taken []state.Hour
	for refilled := false; len(taken) < n; {
		if len(t.queue) == 0 {
			if refilled || len(taken) > 0 {
				break
			}
			refilled = true
			for hour := range s.Hours {
				if movable(hour) {
					t.queue = append(t.queue, hour)
				}
			}
			slices.SortFunc(t.queue, func(x, y state.Hour) int {
				return cmp.Or(cmp.Compare(bit(t.hours[y]), bit(t.hours[x])), cmp.Compare(lately(y), lately(x)),
					cmp.Compare(y.Account, x.Account), cmp.Compare(x.BucketMS, y.BucketMS))
			})
			continue
		}
		hour := t.queue[len(t.queue)-1]
		t.queue = t.queue[:len(t.queue)-1]
		if movable(hour) {
			taken = append(taken, hour)
		}
	}
	return taken
}

func (s *Store) settleHours(ctx context.Context, hours []state.Hour) error {
	all := make(map[state.Hour]bool, len(hours))
	for _, hour := range hours {
		all[hour] = true
	}
	targets, err := HourTable(all)
	if err != nil {
		return err
	}
	if err := s.deps.CheckOwner(ctx); err != nil {
		return err
	}
	id := s.deps.NextEdition(time.Now())
	for _, step := range []string{"settle", "settle_note", "settle_blank"} {
		if step == "settle_blank" {
			// From here on they are looked for in both tables.
			maps.Copy(s.settling.hours, all)
		}
		if err := s.do(ctx, step, id, targets); err != nil {
			return fmt.Errorf("%s: %w", step, err)
		}
		s.cfg.OnStep(step)
	}
	var moved uint64
	if err := s.deps.Conn.QueryRow(ctx, "SELECT count() FROM settled_states WHERE edition = $1", id).Scan(
		&moved); err != nil {
		return fmt.Errorf("count what moved: %w", err)
	}
	s.settling.empty += moved
	for hour := range all {
		s.settling.moved[hour] = id
	}
	s.metrics.settledHours.Add(float64(len(hours)))
	return nil
}

// Published notes that an edition was published which changed hours, or computed them whole; of fresh ones nothing was
// published before.
func (s *Store) Published(edition uint64, fresh, changed, whole map[state.Hour]bool) {
	for hour := range fresh {
		if _, known := s.Hours[hour]; !known && !whole[hour] {
			s.Hours[hour] = false
		}
	}
	s.settling.published = time.Now()
	for _, hours := range []map[state.Hour]bool{changed, whole} {
		for hour := range hours {
			s.settling.changed[hour] = edition
		}
	}
}
