package ingest

import (
	"context"
	"time"

	"github.com/segmentio/kafka-go"

	"kaskad/schema"
	"kaskad/schema/erasure"
	"kaskad/schema/event"
	"kaskad/schema/state"
)

// worker owns some of the assigned partitions. It decodes their chunks into one block while it stores another: a block
// that cannot be stored yet grows, so the slower ClickHouse is, the fewer and larger are the inserts. There are never
// more than the two, and while both are full nothing is read.
type worker struct {
	in         *Ingester
	generation *kafka.Generation
	chunks     chan *chunk
	free       chan *chunk // used ones, for its fetchers
	decoder    event.Decoder
	next       *block // is being filled

	// took is how long the last block took to store.
	took time.Duration
	// grown says that blocks were large since their memory was given back.
	grown bool

	// What follows belongs to store while it runs.
	block    *block // is being stored; empty otherwise
	ledgers  map[int]*schema.Ledger
	erasures *erasure.Index
	hidden   []erasure.Hidden // the erased numbers of the block
	fold     state.Fold       // of the facts of the block
}

// run works until ctx ends or offsets cannot be committed, which ends the generation.
func (w *worker) run(ctx context.Context) error {
	var began time.Time
	stored, storing := make(chan error, 1), false
	defer func() {
		if storing {
			<-stored //nolint:errcheck // the worker ends, and its blocks are read again
		}
		// Whatever is in the blocks when the generation ends will be read again, by whoever owns the partition then.
		w.in.tally.giveBack(w.block.counted().consumed + w.next.counted().consumed)
	}()

	linger, due := time.NewTimer(time.Hour), false
	defer linger.Stop()
	for {
		chunks := w.chunks
		if full := w.full(); full && storing {
			chunks = nil
		} else if (full || due) && !storing {
			w.block, w.next = w.next, w.block
			w.grown = w.grown || w.block.rows() >= grownRows
			storing, due, began = true, false, time.Now()
			go func() { stored <- w.store(ctx) }()
		}
		select {
		case <-ctx.Done():
			return nil
		case c := <-chunks:
			if len(w.next.parts) == 0 {
				linger.Reset(w.linger(time.Since(began)))
				due = false
			}
			w.take(c)
		case <-linger.C:
			due = len(w.next.parts) > 0
		case err := <-stored:
			if storing, w.took = false, time.Since(began); err != nil {
				return err
			}
			if len(w.next.parts) > 0 {
				linger.Reset(w.linger(w.took))
				due = false
			}
			w.release()
		}
	}
}

// grownRows is how many events make a block large.
const grownRows = 50_000

// release gives back what large blocks took, once all is stored and nothing waits: a backlog would else keep for good
// what its publication needs next.
func (w *worker) release() {
	if !w.grown || len(w.next.parts) > 0 || len(w.chunks) > 0 {
		return
	}
	w.block, w.next, w.fold, w.grown = newBlock(), newBlock(), state.Fold{}, false
	for {
		select {
		case <-w.free:
		default:
			return
		}
	}
}

// linger is how long a block waits for more events when the one before began to be stored so long ago. Storing one
// costs much the same however little is in it, so blocks are some time apart, and where that takes long, as on a busy
// machine, they become fewer and larger: a worker stores for an eighth of its time. An event that comes by itself
// hardly waits for more than those that came with it.
func (w *worker) linger(since time.Duration) time.Duration {
	const share, most, alone = 8, 5, 10
	apart := min(max(w.in.config.Linger, share*w.took), most*w.in.config.Linger)
	return max(w.in.config.Linger/alone, apart-since)
}

// full reports whether the block that is being filled may take no more.
func (w *worker) full() bool {
	return w.next.rows() >= w.in.config.BlockRows || w.next.size() >= w.in.config.BlockBytes
}

// take decodes a chunk into the block.
func (w *worker) take(c *chunk) {
	p := w.next.parts[c.part.id]
	if p == nil {
		p = &progress{part: c.part, ledger: w.ledgers[c.part.id]}
		w.next.parts[c.part.id] = p
	}
	before := p.counts.consumed
	nowMS := w.in.config.Now().UnixMilli()
	data, done := w.next.keep(c)
	start := 0
	for _, r := range c.records {
		w.takeRecord(p, r.offset, r.offset >= c.countFrom, data[start:r.end], nowMS)
		start = r.end
	}
	p.next, p.countFrom = c.next, c.countFrom
	w.in.metrics.markers.Add(float64(c.markers))
	w.in.tally.take(p.counts.consumed - before)
	done()
}

// takeRecord adds the events of one record to the block.
func (w *worker) takeRecord(p *progress, offset int64, counted bool, value []byte, nowMS int64) {
	p.counted = counted
	at := schema.Place{Topic: w.in.config.Topic, Partition: int32(p.part.id), Offset: offset}
	n := 0
	one := func(line int, raw []byte) {
		n++
		p.count(&p.counts.consumed)
		at.Line = uint32(line)
		ev, err := w.decoder.Decode(raw, nowMS)
		if err != nil {
			w.next.reject(err, at, p, raw, nowMS)
			return
		}
		w.next.store(ev, at, p, raw, nowMS)
	}
	if event.IsArrow(value) {
		// The lines are made, one after the other, in the same memory.
		made := func(line int, raw []byte) { one(line, w.next.arena.copy(raw)) }
		if rows, err := event.ArrowLines(value, made); err != nil {
			// The rows before the break are events like any other; the rest is one dead letter with the whole stream.
			n++
			p.count(&p.counts.consumed)
			at.Line = uint32(rows + 1)
			w.next.reject(&schema.FieldError{Reason: schema.ReasonMalformed, Rule: err.Error()}, at, p, value, nowMS)
		}
	} else {
		event.Lines(value, one)
	}
	if n == 0 {
		n = 1
		p.count(&p.counts.consumed)
		p.count(&p.counts.empty)
	}
	if !counted {
		w.next.redelivered += uint64(n)
	}
}
