package ingest

import (
	"bytes"
	"slices"

	"github.com/google/uuid"

	"kaskad/schema"
	"kaskad/schema/event"
)

// row remembers where an event of a block came from, and its bytes, until the block is acknowledged: if ClickHouse
// refuses the event, they become the dead letter.
type row struct {
	part   *progress
	offset int64
	raw    []byte // in one of the block's chunks, or in its arena
	line   uint32
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
	touches   touchSet
	letters   []letter
	letterLen int
	parts     map[int]*progress

	redelivered, unknownFields uint64
	scratch                    []byte
}

func newBlock() *block {
	return &block{isLocated: map[schema.Location]struct{}{}, touches: touchSet{accounts: map[string]*accountTouches{}},
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
	b.touches.reset()
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
			b.touches.add(ev.Account, 0)
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
		b.factRows = append(b.factRows, r)
		b.touches.add(ev.Account, ev.BucketMS)
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

// touchSet gathers the distinct (account, bucket) pairs of a block; bucket 0 stands for events of recipients.
type touchSet struct {
	accounts    map[string]*accountTouches
	lastAccount *accountTouches
	size        int
}

type accountTouches struct {
	account    string
	buckets    map[int64]struct{}
	lastBucket int64
}

func (t *touchSet) add(account []byte, bucketMS int64) {
	a := t.lastAccount
	if a == nil || a.account != string(account) {
		if a = t.accounts[string(account)]; a == nil {
			a = &accountTouches{account: string(account), buckets: map[int64]struct{}{}, lastBucket: -1}
			t.accounts[a.account] = a
		}
		t.lastAccount = a
	}
	if a.lastBucket == bucketMS {
		return
	}
	a.lastBucket = bucketMS
	if _, known := a.buckets[bucketMS]; !known {
		a.buckets[bucketMS] = struct{}{}
		t.size++
	}
}

// list returns the touches, all under one id, in the order of the table's key.
func (t *touchSet) list(id uuid.UUID, nowMS int64) []schema.Touch {
	touches := make([]schema.Touch, 0, t.size+1)
	for _, a := range t.accounts {
		for bucket := range a.buckets {
			touches = append(touches, schema.Touch{Account: a.account, BucketMS: bucket, ID: id, AtMS: nowMS})
		}
	}
	slices.SortFunc(touches, func(x, y schema.Touch) int {
		if x.Account != y.Account {
			if x.Account < y.Account {
				return -1
			}
			return 1
		}
		return int(x.BucketMS/schema.HourMS - y.BucketMS/schema.HourMS)
	})
	return touches
}

func (t *touchSet) reset() {
	clear(t.accounts)
	t.lastAccount, t.size = nil, 0
}
