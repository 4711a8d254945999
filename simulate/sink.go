package simulate

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"time"
)

// Sink takes a batch of keys and values, as many of one as of the other. Both are valid until it returns, so a sink
// that keeps them copies them.
type Sink func(ctx context.Context, keys, values [][]byte) error

// Pace says how a world is played. It changes when lines come, never what they are.
type Pace struct {
	// Batch is the greatest number of lines of a batch; 0 is 1000.
	Batch int
	// PerSecond is the greatest number of lines in a second; 0 is as many as the sink takes.
	PerSecond float64
	// Progress, unless nil, is called after each batch with the lines so far and the estimated share of all.
	Progress func(lines int64, done float64)
}

const defaultBatch = 1000

// Play sends the whole world to the sink, batch after batch in the order of arrival, and returns the number of lines
// that the sink has taken. It ends early with the sink's first error, or the context's.
func (s *Simulator) Play(ctx context.Context, sink Sink, pace Pace) (int64, error) {
	if pace.Batch <= 0 {
		pace.Batch = defaultBatch
	}
	batch := newBatch(pace.Batch)
	started := time.Now()
	lines, done := int64(0), 0.0
	flush := func() error {
		keys, values := batch.slices()
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("play the simulation: %w", err)
		}
		if err := sink(ctx, keys, values); err != nil {
			return fmt.Errorf("play the simulation: after %d lines: %w", lines, err)
		}
		lines += int64(len(keys))
		batch.reset()
		if pace.Progress != nil {
			pace.Progress(lines, done)
		}
		if pace.PerSecond <= 0 {
			return nil
		}
		due := started.Add(time.Duration(float64(lines) / pace.PerSecond * float64(time.Second)))
		return sleep(ctx, time.Until(due))
	}
	for ev := range s.Events() {
		batch.add(ev)
		done = ev.Done
		if batch.len() == pace.Batch {
			if err := flush(); err != nil {
				return lines, err
			}
		}
	}
	if batch.len() > 0 {
		done = 1
		if err := flush(); err != nil {
			return lines, err
		}
	}
	return lines, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return fmt.Errorf("play the simulation: %w", ctx.Err())
	case <-timer.C:
		return nil
	}
}

// batch keeps the bytes of its lines in one piece of memory.
type batch struct {
	bytes        []byte
	ends         []int // Key, value, key, value…
	keys, values [][]byte
}

func newBatch(size int) *batch {
	return &batch{ends: make([]int, 0, 2*size), keys: make([][]byte, 0, size), values: make([][]byte, 0, size)}
}

func (b *batch) len() int { return len(b.ends) / 2 }

func (b *batch) add(ev Event) {
	b.bytes = append(b.bytes, ev.Key...)
	b.ends = append(b.ends, len(b.bytes))
	b.bytes = append(b.bytes, ev.Line...)
	b.ends = append(b.ends, len(b.bytes))
}

func (b *batch) slices() (keys, values [][]byte) {
	b.keys, b.values = b.keys[:0], b.values[:0]
	from := 0
	for i, end := range b.ends {
		piece := b.bytes[from:end:end]
		from = end
		if i%2 == 0 {
			b.keys = append(b.keys, piece)
		} else {
			b.values = append(b.values, piece)
		}
	}
	return b.keys, b.values
}

func (b *batch) reset() { b.bytes, b.ends = b.bytes[:0], b.ends[:0] }

// WriteNDJSON writes the whole world to w, a line per event in the order of arrival, and returns the number of lines.
func (s *Simulator) WriteNDJSON(w io.Writer) (int64, error) {
	buffered := bufio.NewWriterSize(w, 1<<18)
	lines := int64(0)
	for ev := range s.Events() {
		if _, err := buffered.Write(append(ev.Line, '\n')); err != nil {
			return lines, fmt.Errorf("write events: %w", err)
		}
		lines++
	}
	if err := buffered.Flush(); err != nil {
		return lines, fmt.Errorf("write events: %w", err)
	}
	return lines, nil
}
