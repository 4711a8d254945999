package ingest

import (
	"bytes"
	"maps"
	"slices"

	"github.com/google/uuid"

	"kaskad/schema"
	"kaskad/schema/event"
)

// row remembers where an event of a block came from, and its bytes, until the block is acknowledged: if ClickHouse
// refuses the event, they become the dead letter.
type row struct {
	part    *progress
	offset  int64
	raw     []byte // in one of the block's chunks, or in its arena
	line    uint32
	refused bool // by ClickHouse
}

// progress is what a block holds of one partition.
type progress struct {
	part      *partition
	next      int64 // the offset to commit
	countFrom int64
	counts    counts
	ledger    *schema.Ledger // as of the block before; shared by all blocks of the partition, one at a time
	counted   bool           // the record at hand is not in the ledger yet
}

// letter is a dead letter that is still to be written. A known one is in the topic already, because the ledger is past
// its offset.
type letter struct {
	schema.Rejection
	known bool
}

// block gathers events of several partitions, column by column, until it is stored as a whole.
type block struct {
	facts   schema.Facts
	people  schema.RecipientEvents
	orphans schema.Orphans

	factRows, peopleRows, orphanRows []row

	// The original bytes of all rows: chunks as they were read, and copies from those that hold little.
	chunks    []*chunk
	chunkLen  int
	arena     arena
	located   []schema.Location
	isLocated map[schema.Location]struct{}
	accounts  map[string]struct{} // in which something was said of people that moves figures
	letters   []letter
	letterLen int
	parts     map[int]*progress

	redelivered, unknownFields uint64
	scratch                    []byte
}

func newBlock() *block {
	return &block{isLocated: map[schema.Location]struct{}{}, accounts: map[string]struct{}{},
		parts: map[int]*progress{}}
}

func (b *block) reset() {
	b.facts.Reset()
	b.people.Reset()
	b.orphans.Reset()
	b.factRows, b.peopleRows, b.orphanRows = b.factRows[:0], b.peopleRows[:0], b.orphanRows[:0]
	for _, c := range b.chunks {
		c.free()
	}
	clear(b.chunks)
	b.chunks, b.chunkLen = b.chunks[:0], 0
	b.arena.reset()
	b.located = b.located[:0]
	clear(b.isLocated)
	clear(b.accounts)
	clear(b.letters)
	b.letters, b.letterLen = b.letters[:0], 0
	clear(b.parts)
	b.redelivered, b.unknownFields = 0, 0
}

// rows returns the number of events in the block, and size the original bytes that it keeps of them.
func (b *block) rows() int {
	return len(b.factRows) + len(b.peopleRows) + len(b.orphanRows) + len(b.letters)
}
func (b *block) size() int { return b.chunkLen + b.arena.size + b.letterLen }

// counted sums the events that are to be counted.
func (b *block) counted() (c counts) {
	for _, p := range b.parts {
		c.add(p.counts)
	}
	return c
}

// keep returns the bytes of a chunk, which stay until the block is reset: those of the chunk itself, when most of it is
// used, else copies. done gives the chunk back as soon as that may be.
func (b *block) keep(c *chunk) (data []byte, done func()) {
	if 2*len(c.data) < cap(c.data) {
		return b.arena.copy(c.data), c.free
	}
	b.chunks = append(b.chunks, c)
	b.chunkLen += cap(c.data)
	return c.data, func() {}
}

// store adds a valid event, whose bytes stay as they are until the block is reset.
func (b *block) store(ev *schema.Event, at schema.Place, p *progress, raw []byte, nowMS int64) {
	r := row{part: p, offset: at.Offset, line: at.Line, raw: raw}
	b.unknownFields += uint64(ev.UnknownFields)
	switch {
	case !ev.Status.OfMessage():
		b.people.Append(ev)
		if ev.Status.MovesFigures() {
			if _, known := b.accounts[string(ev.Account)]; !known {
				b.accounts[string(ev.Account)] = struct{}{}
			}
		}
		b.peopleRows = append(b.peopleRows, r)
		p.count(&p.counts.stored)
	case ev.BucketMS == 0:
		if len(ev.SMSText) > 0 {
			raw = event.AppendJSON(b.scratch[:0], ev) // texts are measured and never stored
			b.scratch = raw
		}
		b.orphans.Append(ev, at, raw, nowMS)
		b.orphanRows = append(b.orphanRows, r)
		p.count(&p.counts.parked)
	default:
		b.facts.Append(ev)
		if len(b.factRows) == cap(b.factRows) {
			b.factRows = slices.Grow(b.factRows, max(1024, len(b.factRows)))
		}
		b.factRows = append(b.factRows, r)
		if ev.IDTimeMS == 0 {
			b.locate(ev)
		}
		p.count(&p.counts.stored)
	}
}

// locate notes the bucket of a message whose id does not contain a time.
func (b *block) locate(ev *schema.Event) {
	// The conversions in the look-up allocate nothing, those in the insertion do: once per message of the block.
	if _, known := b.isLocated[schema.Location{Account: string(ev.Account), MessageID: string(ev.MessageID),
		BucketMS: ev.BucketMS, SubmittedMS: ev.SubmittedMS}]; known {
		return
	}
	l := schema.Location{Account: string(ev.Account), MessageID: string(ev.MessageID), BucketMS: ev.BucketMS,
		SubmittedMS: ev.SubmittedMS}
	b.isLocated[l] = struct{}{}
	b.located = append(b.located, l)
}

// reject adds a dead letter.
func (b *block) reject(err *schema.FieldError, at schema.Place, p *progress, raw []byte, nowMS int64) {
	p.count(&p.counts.rejected)
	b.letters = append(b.letters, letter{
		Rejection: schema.Rejection{Place: at, Err: *err, Raw: bytes.Clone(raw), AtMS: nowMS},
		known:     !p.counted,
	})
	b.letterLen += len(raw)
}

// count adds an event to a term of the balance, if the ledger does not know it yet.
func (p *progress) count(term *uint64) {
	if p.counted {
		*term++
	}
}

// touches announce, under one id, what the block has stored: changes is how many facts ClickHouse has taken.
func (b *block) touches(id uuid.UUID, changes int, nowMS int64) []schema.Touch {
	var touches []schema.Touch
	if len(b.located) > 0 || len(b.orphanRows) > 0 {
		touches = append(touches, schema.Touch{ID: id, AtMS: nowMS})
	}
	if changes > 0 {
		touches = append(touches, schema.Touch{BucketMS: schema.ChangesMS, ID: id, AtMS: nowMS})
	}
	for _, account := range slices.Sorted(maps.Keys(b.accounts)) {
		touches = append(touches, schema.Touch{Account: account, ID: id, AtMS: nowMS})
	}
	return touches
}
