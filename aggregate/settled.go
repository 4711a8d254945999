package aggregate

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"kaskad/schema/state"
)

// Table message_states is as large as StateBytes lets it be. Above that, states of the hours that nothing has changed
// for longest move to table settled_states: they are as good there, but found by a scan, which all changes of a pass
// share. A change brings its message back, and that one alone: of a key that both tables have, message_states is right.
//
// They are copied first, then the hours are noted, and then the states are emptied, so at each moment every state can
// be found: before the note in message_states, after it in either. Empty ones are removed at rest, when they are many:
// that reads the whole store.

const (
	// DefaultStateBytes hold the states of 100 million attempts.
	DefaultStateBytes = 16 << 30
	// settleEvery is how often the size is looked at, and slowSettle how long a step may keep a pass waiting: those
	// that take longer move fewer hours. settleRest is how long nothing was published when empty states are removed.
	settleEvery = 5 * time.Second
	slowSettle  = 300 * time.Millisecond
	settleRest  = time.Minute
	// scanKeys bounds how many states one scan looks for.
	scanKeys = 500_000
	// stateSize is how long a key and its state are taken to be before any were written, keySize how long a key is.
	stateSize = 150
	keySize   = 50
)

// settling is what the aggregator remembers of the states that it moves.
type settling struct {
	hours map[bucketKey]bool // whose states may be in settled_states
	// changed is when a pass changed an hour last, and moved when its states moved, in editions.
	changed, moved map[bucketKey]uint64
	// queue are hours to move, the quietest last; some may have changed since.
	queue  []bucketKey
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

// wrote notes a state that goes to message_states, where the message has none as far as is known (fresh).
func (s *settling) wrote(key, value string, fresh bool) {
	s.keys++
	s.bytes += uint64(len(key) + len(value))
	if fresh {
		s.atMost++
	}
}

func (s *settling) size(keys uint64) uint64 {
	mean := uint64(stateSize)
	const enough = 1000
	if s.keys >= enough {
		mean = s.bytes / s.keys
	}
	empty := min(s.empty, keys)
	return (keys-empty)*mean + empty*keySize
}

// readSettled reads which hours' states have moved.
func (a *Aggregator) readSettled(ctx context.Context) error {
	rows, err := a.deps.Conn.Query(ctx, statement("settled_hours"))
	if err != nil {
		return fmt.Errorf("read settled hours: %w", err)
	}
	defer rows.Close()
	a.settling = settling{hours: map[bucketKey]bool{}, changed: map[bucketKey]uint64{}, moved: map[bucketKey]uint64{},
		atOnce: 64, keys: a.settling.keys, bytes: a.settling.bytes, empty: a.settling.empty,
		counted: a.settling.counted}
	for rows.Next() {
		var key bucketKey
		if err := rows.Scan(&key.account, &key.bucketMS); err != nil {
			return fmt.Errorf("read settled hours: %w", err)
		}
		a.settling.hours[key] = true
	}
	return rows.Err()
}

// lookUp returns the values of those keys that are stored.
func (a *Aggregator) lookUp(ctx context.Context, keys []string) (map[string]string, error) {
	found, err := a.lookUpIn(ctx, "states", maxKeys, keys, make(map[string]string, len(keys)))
	if err != nil || len(a.settling.hours) == 0 {
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
		if a.settling.hours[bucketKey{key.Account, key.BucketMS}] {
			settled = append(settled, stored)
		}
	}
	a.metrics.settledReads.Add(float64(len(settled)))
	return a.lookUpIn(ctx, "settled", scanKeys, settled, found)
}

// settle moves states if there are too many.
func (a *Aggregator) settle(ctx context.Context) error {
	s := &a.settling
	now := time.Now()
	if a.cfg.StateBytes < 0 || now.Before(s.next) {
		return nil
	}
	if s.next = now.Add(settleEvery); s.published.IsZero() {
		s.published = now
	}
	if !s.known || s.size(s.atMost) > uint64(a.cfg.StateBytes) {
		if err := a.deps.Conn.QueryRow(ctx, "SELECT count() FROM message_states").Scan(&s.atMost); err != nil {
			return fmt.Errorf("ask for the size of message_states: %w", err)
		}
		s.known = true
	}
	if now.Sub(s.published) > settleRest && len(s.hours) > 0 {
		if err := a.removeEmpty(ctx, s.atMost); err != nil {
			return err
		}
	}
	size := s.size(s.atMost)
	a.metrics.stateBytes.Set(float64(size))
	if size <= uint64(a.cfg.StateBytes) {
		return nil
	}
	hours := a.quietest(s.atOnce)
	if len(hours) == 0 {
		return nil
	}
	if err := a.settleHours(ctx, hours); err != nil {
		return fmt.Errorf("move states of %d hours: %w", len(hours), err)
	}
	switch took := time.Since(now); {
	case took > slowSettle:
		s.atOnce = max(1, s.atOnce/2)
	case took < slowSettle/2:
		s.atOnce = min(maxBuckets, 2*s.atOnce)
	}
	// More of them go with the next pass, at once if there is nothing else to do.
	s.next = now
	return nil
}

// removeEmpty removes the keys of states that moved, if they are many.
func (a *Aggregator) removeEmpty(ctx context.Context, keys uint64) error {
	s := &a.settling
	if !s.counted {
		if err := a.deps.Conn.QueryRow(ctx, "SELECT countIf(key != '' AND state = '') FROM message_states").Scan(
			&s.empty); err != nil {
			return fmt.Errorf("count empty states: %w", err)
		}
		s.counted = true
	}
	if 2*s.empty <= keys {
		return nil
	}
	if err := a.exec(ctx, "settle_purge"); err != nil {
		return fmt.Errorf("remove empty states: %w", err)
	}
	s.empty, s.known = 0, false
	return nil
}

// quietest takes the hours that nothing has changed for longest, as far as states of theirs are in message_states.
func (a *Aggregator) quietest(n int) []bucketKey {
	s := &a.settling
	lately := func(hour bucketKey) uint64 {
		if changed := s.changed[hour]; changed > 0 {
			return changed
		}
		return uint64(max(0, hour.bucketMS)) * 1000 // As an edition, which is microseconds of the clock.
	}
	movable := func(hour bucketKey) bool {
		cold, known := a.hours[hour]
		return known && !cold && (s.moved[hour] == 0 || s.changed[hour] > s.moved[hour])
	}
	var taken []bucketKey
	for refilled := false; len(taken) < n; {
		if len(s.queue) == 0 {
			if refilled || len(taken) > 0 {
				break
			}
			refilled = true
			for hour := range a.hours {
				if movable(hour) {
					s.queue = append(s.queue, hour)
				}
			}
			slices.SortFunc(s.queue, func(x, y bucketKey) int {
				return cmp.Or(compareBools(s.hours[y], s.hours[x]), cmp.Compare(lately(y), lately(x)),
					compareKeys(y, x))
			})
			continue
		}
		hour := s.queue[len(s.queue)-1]
		s.queue = s.queue[:len(s.queue)-1]
		if movable(hour) {
			taken = append(taken, hour)
		}
	}
	return taken
}

func (a *Aggregator) settleHours(ctx context.Context, hours []bucketKey) error {
	all := make(map[bucketKey]bool, len(hours))
	for _, hour := range hours {
		all[hour] = true
	}
	targets, err := targetTable(all)
	if err != nil {
		return err
	}
	if err := a.checkOwner(ctx); err != nil {
		return err
	}
	id := a.nextGeneration(time.Now())
	for _, step := range []string{"settle", "settle_note", "settle_blank"} {
		if step == "settle_blank" {
			// From here on they are looked for in both tables.
			maps.Copy(a.settling.hours, all)
		}
		if err := a.do(ctx, step, id, targets); err != nil {
			return fmt.Errorf("%s: %w", step, err)
		}
		a.cfg.OnStep(step)
	}
	var moved uint64
	if err := a.deps.Conn.QueryRow(ctx, "SELECT count() FROM settled_states WHERE edition = $1", id).Scan(
		&moved); err != nil {
		return fmt.Errorf("count what moved: %w", err)
	}
	a.settling.empty += moved
	for hour := range all {
		a.settling.moved[hour] = id
	}
	a.metrics.settledHours.Add(float64(len(hours)))
	return nil
}

// noteChanged notes that an edition changed hours, and was published.
func (s *settling) noteChanged(edition uint64, changed, whole map[bucketKey]bool) {
	s.published = time.Now()
	for _, hours := range []map[bucketKey]bool{changed, whole} {
		for hour := range hours {
			s.changed[hour] = edition
		}
	}
}
