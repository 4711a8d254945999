package simulate

import (
	"cmp"
	"iter"
	"slices"
	"time"
)

// Kind says what a line is.
type Kind uint8

// The kinds of lines.
const (
	// Status is an event of a message.
	Status Kind = iota
	// Recipient is an event about a recipient: a subscription, a lookup, a block.
	Recipient
	// Poison is a line that the pipeline must refuse.
	Poison
)

// Event is one line of the world.
type Event struct {
	// Line is the JSON without a newline, Key the Kafka key: account and message id, or account and recipient, with a
	// slash between. Both are valid until the next event is taken.
	Line, Key []byte
	// Arrival is when the line reaches the topic: lines come in this order. Occurred is what occurred_at says, in
	// milliseconds.
	Arrival, Occurred time.Time
	// Kind tells events from poison; the rest is what is wrong with the event.
	Kind                       Kind
	Duplicate, Reordered, Late bool
	// Done is an estimate of the share of the world's lines that have come, this one included, in 0…1.
	Done float64
}

// Simulator plays a world. It is safe for concurrent use: every call of Events plays the world anew.
type Simulator struct {
	world  *world
	phones lottery
}

// New returns the simulator of a world, or an error that lists all faults of the configuration.
func New(cfg Config) (*Simulator, error) {
	w, err := newWorld(cfg)
	if err != nil {
		return nil, err
	}
	return &Simulator{world: w, phones: countryDraw()}, nil
}

// Now is the clock of the world, in milliseconds: that of its configuration, or 35 days after the last message. A truth
// file about the world is best made for this time.
func (s *Simulator) Now() time.Time { return time.UnixMilli(s.world.now).UTC() }

// Accounts are the names of the world's tenants.
func (s *Simulator) Accounts() (names []string) {
	for _, acc := range s.world.accounts {
		names = append(names, acc.name)
	}
	return names
}

// binMS is the width of the bins that hold events until they arrive.
const binMS = int64(time.Minute / time.Millisecond)

// stage holds the events that have not arrived yet, in bins of a minute: a message is written when its minute begins,
// and a bin is put in order when its minute comes. So memory holds what is on its way, about 150 bytes an event, not
// the world.
type stage struct {
	author  author
	bins    [][]happening
	free    [][]happening
	order   uint64
	written int64 // Messages.
	emitted int64 // Lines.
}

// Events plays the world in the order of arrival. Breaking off the loop is fine.
func (s *Simulator) Events() iter.Seq[Event] {
	return func(yield func(Event) bool) {
		st := &stage{author: author{world: s.world, phones: s.phones}}
		scribe := newScribe(s.world)
		start, messages := s.world.curve.start, int64(s.world.cfg.Messages)
		for bin := 0; st.written < messages || bin < len(st.bins); bin++ {
			end := start + int64(bin+1)*binMS
			for st.written < messages && st.author.submittedAt(st.written) < end {
				st.write(start)
			}
			if bin >= len(st.bins) {
				continue
			}
			events := st.bins[bin]
			slices.SortFunc(events, func(x, y happening) int {
				return cmp.Or(cmp.Compare(x.arrival, y.arrival), cmp.Compare(x.order, y.order))
			})
			for i := range events {
				ev := scribe.event(&events[i])
				ev.Done = st.done(messages)
				if !yield(ev) {
					return
				}
				if scribe.rng.chance(s.world.shares.poison) {
					poison := scribe.poison(events[i].arrival)
					poison.Done = ev.Done
					if !yield(poison) {
						return
					}
				}
			}
			clear(events)
			st.free = append(st.free, events[:0])
			st.bins[bin] = nil
		}
	}
}

// write writes the next message and puts its events into their bins.
func (st *stage) write(start int64) {
	st.author.write(st.written)
	st.written++
	for i := range st.author.events {
		e := &st.author.events[i]
		if e.occurred > st.author.now {
			continue
		}
		e.order = st.order
		st.order++
		bin := int((e.arrival - start) / binMS)
		for bin >= len(st.bins) {
			st.bins = append(st.bins, nil)
		}
		if n := len(st.free); st.bins[bin] == nil && n > 0 {
			st.bins[bin], st.free = st.free[n-1], st.free[:n-1]
		}
		st.bins[bin] = append(st.bins[bin], *e)
	}
}

// done estimates the share of lines that have come from what the messages so far have brought.
func (st *stage) done(messages int64) float64 {
	st.emitted++
	total := float64(st.order) * float64(messages) / float64(st.written)
	return min(1, float64(st.emitted)/total)
}
