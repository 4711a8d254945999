package ingest

import (
	"sync"
	"testing"
	"time"
)

// While a block is being stored the next one is decoded, one of them and no more; nothing counts as stored, and no
// offset is committed, before its own acknowledgement.
func TestWorker_Run_TwoBlocks(t *testing.T) {
	r := newRig(t)
	const size = 10
	hold, held := make(chan struct{}), make(chan struct{}, 1)
	var once sync.Once
	var steps []string // of one worker, one at a time
	in, stop := r.start(func(c *Config, _ *Deps) {
		c.Workers, c.BlockRows = 1, size
		c.OnStep = func(step string) {
			steps = append(steps, step)
			once.Do(func() {
				held <- struct{}{}
				<-hold
			})
		}
	})
	release := sync.OnceFunc(func() { close(hold) })
	defer release()

	_, values := makeEvents(3*4*size, 3)
	next := func() {
		batch := make([]string, size)
		for i := range batch {
			batch[i] = string(values[i])
		}
		values = values[size:]
		r.produce(batch...)
	}
	next()
	<-held
	first := r.count("SELECT count() FROM attempts") // one row for each event
	for range 3 {
		next()
	}
	r.waitFor("a second block", func() bool { return in.Balance().InFlight >= first+size })
	for len(values) > 0 {
		next()
	}
	// The records of one answer are taken as a whole, so the second block may exceed its size.
	if b := in.Balance(); b.Stored != 0 || b.InFlight == 3*4*size {
		t.Errorf("%+v while the first block waits, want nothing stored and not all read", b)
	}
	lag, err := Lag(t.Context(), r.brokers, nil, r.group, r.topic)
	if err != nil || lag.Total != 3*4*size {
		t.Errorf("%d records are not committed (%v), want all", lag.Total, err)
	}
	release()
	r.drained()
	r.waitFor("all to be stored", func() bool { return in.Balance().Stored == 3*4*size })
	stop()
	for i, step := range steps {
		want := []string{"facts", "changes", "located", "touches", "rejected", "swept", "ledger", "commit"}[i%8]
		if step != want {
			t.Fatalf("step %d is %s, want %s: blocks are stored one after the other", i, step, want)
		}
	}
}

// Blocks are some time apart, the more the longer it takes to store one, up to a second by default, which bounds what
// it costs in freshness. An event that comes by itself hardly waits.
func TestWorker_Linger(t *testing.T) {
	const alone = DefaultLinger / 10
	w := worker{in: &Ingester{config: Config{Linger: DefaultLinger}}}
	for _, c := range []struct{ took, since, want time.Duration }{
		{0, time.Hour, alone},
		{0, 0, DefaultLinger},
		{10 * time.Millisecond, 50 * time.Millisecond, DefaultLinger - 50*time.Millisecond},
		{10 * time.Millisecond, DefaultLinger - 1, alone},
		{60 * time.Millisecond, 60 * time.Millisecond, 420 * time.Millisecond},
		{150 * time.Millisecond, 150 * time.Millisecond, 850 * time.Millisecond},
		{time.Minute, 0, time.Second},
		{time.Minute, time.Minute, alone},
	} {
		if w.took = c.took; w.linger(c.since) != c.want {
			t.Errorf("%v after the beginning of a block that took %v the next one waits %v, want %v", c.since, c.took,
				w.linger(c.since), c.want)
		}
	}
}

// What large blocks took is given back when nothing waits, and not before.
func TestWorker_Release(t *testing.T) {
	large, small := newBlock(), newBlock()
	w := &worker{chunks: make(chan *chunk, 1), free: make(chan *chunk, 3), block: small, next: large, grown: true}
	w.free <- &chunk{}
	w.free <- &chunk{}
	kept := func(when string) {
		t.Helper()
		if w.release(); w.next != large || w.block != small || len(w.free) != 2 {
			t.Errorf("memory is given back %s", when)
		}
	}
	w.next.parts[1] = &progress{}
	kept("while a block is being filled")
	delete(w.next.parts, 1)
	w.chunks <- &chunk{}
	kept("while a chunk waits")
	<-w.chunks
	w.grown = false
	kept("of small blocks")
	w.grown = true
	if w.release(); w.next == large || w.block == small || len(w.free) != 0 || w.grown {
		t.Errorf("memory is kept: %d chunks, grown %v", len(w.free), w.grown)
	}
}
