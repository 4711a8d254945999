package ingest

import (
	"context"
	"time"

	"github.com/segmentio/kafka-go"

	"kaskad/schema"
	"kaskad/schema/erasure"
	"kaskad/schema/event"
)

// worker owns some of the assigned partitions: it decodes their chunks into a block, and stores the block when it is
// full or old.
type worker struct {
	in         *Ingester
	generation *kafka.Generation
	chunks     chan *chunk
	decoder    event.Decoder
	block      *block
	ledgers    map[int]*schema.Ledger
	erasures   *erasure.Index
	hidden     []erasure.Hidden // the erased numbers of the block that is being stored
}

// run works until ctx ends or offsets cannot be committed, which ends the generation.
func (w *worker) run(ctx context.Context) error {
	// Whatever is in the block when the generation ends will be read again, by whoever owns the partition then.
	defer func() { w.in.tally.giveBack(w.block.counted().consumed) }()

	linger := time.NewTimer(time.Hour)
	defer linger.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case c := <-w.chunks:
			if len(w.block.parts) == 0 {
				linger.Reset(w.in.config.Linger)
			}
			w.take(c)
			if w.block.rows() < w.in.config.BlockRows && w.block.size() < w.in.config.BlockBytes {
				continue
			}
		case <-linger.C:
		}
		if err := w.store(ctx); err != nil {
			return err
		}
	}
}

// take decodes a chunk into the block and gives its memory back.
func (w *worker) take(c *chunk) {
	p := w.block.parts[c.part.id]
	if p == nil {
		p = &progress{part: c.part, ledger: w.ledgers[c.part.id]}
		w.block.parts[c.part.id] = p
	}
	before := p.counts.consumed
	nowMS := w.in.config.Now().UnixMilli()
	start := 0
	for _, r := range c.records {
		w.takeRecord(p, r.offset, r.offset >= c.countFrom, c.data[start:r.end], nowMS)
		start = r.end
	}
	p.next, p.countFrom = c.next, c.countFrom
	w.in.metrics.markers.Add(float64(c.markers))
	w.in.tally.take(p.counts.consumed - before)
	c.free()
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
			w.block.reject(err, at, p, raw, nowMS)
			return
		}
		w.block.store(ev, at, p, raw, nowMS)
	}
	if event.IsArrow(value) {
		if rows, err := event.ArrowLines(value, one); err != nil {
			// The rows before the break are events like any other; the rest is one dead letter with the whole stream.
			n++
			p.count(&p.counts.consumed)
			at.Line = uint32(rows + 1)
			w.block.reject(&schema.FieldError{Reason: schema.ReasonMalformed, Rule: err.Error()}, at, p, value, nowMS)
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
		w.block.redelivered += uint64(n)
	}
}
