package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
)

const (
	// fetchWait is how long the broker holds a request at the end of a partition; MinBytes is 1, so a new record ends
	// the wait.
	fetchWait = 500 * time.Millisecond

	// fetchTimeout bounds an answer beyond fetchWait: a broker that is silent for longer is dialled anew.
	fetchTimeout = 20 * time.Second

	// arenaSlack is room for records that stand before the requested offset in the first batch, and arenaLow how much
	// room must be left for the next value; with less the chunk is handed over.
	arenaSlack = 256 << 10
	arenaLow   = 64 << 10

	// carefulRecords is how many records are read with their keys, one allocation each, after kafka-go's fast reader
	// failed on a tombstone: where there is one, there are usually more.
	carefulRecords = 20_000
)

// record is one Kafka record of a chunk: its value is the chunk's data up to end, from the end of the record before.
type record struct {
	offset int64
	end    int
}

// chunk is what was read from one partition at a time. Its memory goes back to the fetchers of its worker when nobody
// needs it any more, which may be as late as the acknowledgement of its events.
type chunk struct {
	part    *partition
	data    []byte
	records []record
	from    int64 // the offset at which it begins
	next    int64 // the offset after everything in here, markers and gaps too
	markers int
	// countFrom is the offset from which events are not in the ledger yet.
	countFrom int64
	home      chan<- *chunk
}

// free gives the memory back, unless there is enough of it lying around.
func (c *chunk) free() {
	select {
	case c.home <- c:
	default:
	}
}

// partition is the state of one assigned partition in one generation.
type partition struct {
	id    int
	start int64 // committed offset, or kafka.FirstOffset

	ledgerOffset int64        // from the ledger, -1 without one
	highWater    atomic.Int64 // the offset of the next record that will be written
	stored       atomic.Int64 // the offset up to which everything is acknowledged
}

// fetcher reads one partition into chunks and hands them to its worker. It fills one while another waits, so that
// reading goes on while the worker decodes, and stops when the worker's blocks are full.
type fetcher struct {
	in   *Ingester
	part *partition
	to   chan<- *chunk
	free chan *chunk

	next       int64 // the offset of the next record to read: it never moves back but at a reset
	countFrom  int64
	checked    bool // countFrom has been compared with the partition's end
	outOfRange bool // the broker does not know the offset
	careful    int  // records still to be read with ReadMessage
	stuck      int  // fetches in a row that brought nothing although there is something
}

// newFetcher makes a fetcher that hands chunks to the worker who reads from to, and finds used ones in free.
func newFetcher(in *Ingester, part *partition, to chan<- *chunk, free chan *chunk) *fetcher {
	return &fetcher{in: in, part: part, to: to, free: free, next: part.start, countFrom: part.ledgerOffset}
}

// run reads until ctx ends. It returns for no other reason, because that would end the generation: on an error it
// connects again.
func (f *fetcher) run(ctx context.Context) {
	waits, failing := newBackOff(), false
	for ctx.Err() == nil {
		before := f.next
		err := f.session(ctx)
		if ctx.Err() != nil {
			return
		}
		if f.next != before {
			waits.Reset()
			failing = false
		}
		if errors.Is(err, errTombstone) || (errors.Is(err, kafka.OffsetOutOfRange) && !failing) {
			continue
		}
		failing = true
		f.in.metrics.fetchErrors.Inc()
		f.in.log.Warn("reading partition failed, connecting anew", "topic", f.in.config.Topic, "partition", f.part.id,
			"offset", f.next, "error", err)
		if sleep(ctx, waits.NextBackOff()) != nil {
			return
		}
	}
}

// session dials the partition's leader and reads until an error.
func (f *fetcher) session(ctx context.Context) error {
	conn, err := f.in.dialLeader(ctx, f.part.id)
	if err != nil {
		return err
	}
	// Closing the connection is the one way to interrupt a read.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer func() {
		if stop() {
			_ = conn.Close()
		}
	}()
	if err := f.position(conn); err != nil {
		return err
	}
	for ctx.Err() == nil {
		if err := f.fetch(ctx, conn); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// position finds the first offset to read, and from where on events count.
func (f *fetcher) position(conn *kafka.Conn) error {
	_ = conn.SetDeadline(time.Now().Add(fetchTimeout))
	first, last, err := conn.ReadOffsets()
	if err != nil {
		return fmt.Errorf("read offsets: %w", err)
	}
	f.part.highWater.Store(last)
	if f.next < 0 {
		f.next = first
		f.part.stored.Store(first)
	}
	if f.outOfRange {
		f.reset(first, last)
	}
	if !f.checked && f.countFrom > last {
		f.in.log.Warn("the ledger is ahead of the partition, as if the topic had been made anew: counting from the "+
			"committed offset",
			"topic", f.in.config.Topic, "partition", f.part.id, "ledger", f.countFrom, "end", last, "offset", f.next)
		f.countFrom = min(f.next, last)
	}
	f.checked = true
	return nil
}

// reset goes to the earliest offset there is: what lies between was deleted by retention before anybody read it, or the
// topic was made anew.
func (f *fetcher) reset(first, last int64) {
	f.outOfRange = false
	if f.next >= first && f.next <= last {
		return // the broker knows the offset again, as after a change of leaders
	}
	f.in.metrics.offsetResets.Inc()
	f.in.log.Error("the offset to read is not in the partition any more: events were lost to retention, or the topic "+
		"was made anew; going on from the earliest",
		"topic", f.in.config.Topic, "partition", f.part.id, "wanted", f.next, "first", first, "end", last)
	if f.next > last {
		f.countFrom = first
	}
	f.next = first
}

// fetch reads one answer of the broker and hands over what it holds.
func (f *fetcher) fetch(ctx context.Context, conn *kafka.Conn) error {
	c := f.emptyChunk()
	if _, err := conn.Seek(f.next, kafka.SeekAbsolute|kafka.SeekDontCheck); err != nil {
		return err
	}
	_ = conn.SetDeadline(time.Now().Add(fetchWait + fetchTimeout))
	batch := conn.ReadBatchWith(kafka.ReadBatchConfig{MinBytes: 1, MaxBytes: f.in.config.FetchBytes,
		MaxWait: fetchWait})
	f.part.highWater.Store(max(batch.HighWaterMark(), f.part.highWater.Load()))

	before, seen := f.next, 0
	var err error
	for {
		if cap(c.data)-len(c.data) < arenaLow && len(c.records) > 0 {
			if c, err = f.handOver(ctx, c); err != nil {
				break
			}
		}
		if err = f.read(batch, c); err != nil {
			break
		}
		seen++
	}
	if errors.Is(err, errTombstone) {
		// The reader is unusable after its panic, and so is the connection, whose lock it holds.
		_ = conn.Close()
		f.careful = carefulRecords
		return f.finish(ctx, c, errTombstone)
	}
	end := batch.Offset()
	if closeErr := batch.Close(); closeErr != nil && errors.Is(err, io.EOF) {
		err = closeErr
	}
	switch {
	case errors.Is(err, io.EOF):
		// After the last record of a batch whose tail is missing the batch knows where the next one begins.
		if seen > 0 && end > f.next {
			f.next = end
		}
		err = f.unstick(before, seen)
	case errors.Is(err, kafka.RequestTimedOut):
		err = nil // nothing new
	case errors.Is(err, kafka.OffsetOutOfRange):
		f.outOfRange = true // to be settled on a new connection, for kafka-go leaves the rest of the answer on this one
	case errors.Is(err, io.ErrShortBuffer):
		err = nil
		if len(c.records) == 0 {
			f.careful = 1 // larger than a whole chunk: read it by itself
		}
	}
	return f.finish(ctx, c, err)
}

// unstick steps over an offset that does not exist: an answer that was read to its end, whose records all stand before
// the wanted offset, proves that. Logs with gaps (compaction, against the advice of docs/operations.md) have such
// places.
func (f *fetcher) unstick(before int64, seen int) error {
	if f.next != before {
		f.stuck = 0
		return nil
	}
	f.stuck++
	switch {
	case seen > 0:
		f.next++
		f.in.metrics.skippedOffsets.Inc()
	case f.stuck > 3:
		return fmt.Errorf("the broker sends nothing for offset %d although its partition goes on to %d", f.next,
			f.part.highWater.Load())
	}
	return nil
}

var errTombstone = errors.New("a record without value")

// read appends the next record of the batch to the chunk.
func (f *fetcher) read(batch *kafka.Batch, c *chunk) (err error) {
	if f.careful > 0 {
		f.careful--
		return f.readCarefully(batch, c)
	}
	// kafka-go's Batch.Read slices with the length of a null value, −1.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errTombstone, r)
		}
	}()
	start := len(c.data)
	n, err := batch.Read(c.data[start:cap(c.data)])
	if err != nil {
		return err
	}
	f.keep(c, batch.Offset()-1, c.data[:start+n], n)
	return nil
}

// readCarefully reads a record of any size, or without value, into memory of its own.
func (f *fetcher) readCarefully(batch *kafka.Batch, c *chunk) error {
	m, err := batch.ReadMessage()
	if err != nil {
		return err
	}
	f.keep(c, m.Offset, append(c.data, m.Value...), len(m.Value))
	return nil
}

// keep takes a record with n bytes at the end of data into the chunk, unless it stands before the wanted offset, which
// happens in the first batch of an answer, or is a control marker.
func (f *fetcher) keep(c *chunk, offset int64, data []byte, n int) {
	if offset < f.next {
		return
	}
	f.next = offset + 1
	if value := data[len(data)-n:]; controlMarker(value) {
		c.markers++
		return
	}
	c.data = data
	c.records = append(c.records, record{offset: offset, end: len(data)})
}

// controlMarker recognises the end of a transaction: kafka-go hands it out like a record, without saying so. Its value
// is a version, 0, and the coordinator's epoch; no event begins with a zero byte.
func controlMarker(value []byte) bool {
	return len(value) == 6 && value[0] == 0 && value[1] == 0 && value[2] < 0x80
}

func (f *fetcher) emptyChunk() *chunk {
	c := &chunk{home: f.free}
	select {
	case c = <-f.free:
	default:
	}
	// A value of its own size may have moved the arena; a large one is not kept.
	if limit := f.in.config.FetchBytes + arenaSlack; cap(c.data) != limit {
		c.data = make([]byte, 0, limit)
	}
	c.part, c.data, c.records, c.markers, c.from = f.part, c.data[:0], c.records[:0], 0, f.next
	return c
}

// handOver gives a chunk to the worker and returns an empty one. It blocks while the worker is busy: that is the
// backpressure.
func (f *fetcher) handOver(ctx context.Context, c *chunk) (*chunk, error) {
	c.next, c.countFrom = f.next, f.countFrom
	select {
	case f.to <- c:
		return f.emptyChunk(), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// finish hands over the last chunk of an answer, or takes it back when nothing is in it, and passes err on.
func (f *fetcher) finish(ctx context.Context, c *chunk, err error) error {
	if c == nil {
		return err
	}
	if len(c.records) == 0 && f.next == c.from {
		c.free()
		return err
	}
	c.next, c.countFrom = f.next, f.countFrom
	select {
	case f.to <- c:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
