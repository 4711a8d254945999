package aggregate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/schema"
)

const (
	// notifyPoll is how often a sink that was told everything looks for more: the longest that a change waits for
	// company.
	notifyPoll = time.Second
	// notifyWindow is how many changes are read at a time: 20 batches, and about 5 MB.
	notifyWindow = 20_000
	// notifyBatch is how many changes are told at a time. It keeps what the topic is told in one record batch per
	// partition, which is what keeps the changes of a number in order: two batches would be on their way side by side.
	notifyBatch = 1000
	// notifyBehindEvery is how often the distance to the feed's end is counted while a sink does not listen.
	notifyBehindEvery = 10 * time.Second
	// notifyStoreTimeout bounds the last thing that a follower does when it is told to end.
	notifyStoreTimeout = 2 * time.Second
)

// sink is where changes of verdicts are told.
type sink struct {
	name  string // in metrics and logs
	place string // in table notified
	// byAccount says that a batch holds changes of one account only.
	byAccount  bool
	batchBytes int
	// firstWait and mostWait bound the wait before a batch is told again.
	firstWait, mostWait time.Duration
	// tell tells a batch once, and returns nil when the sink has it.
	tell func(ctx context.Context, batch []schema.NumberChange) error
}

// refusal is an error of tell that says when, or whether, to try again.
type refusal struct {
	err   error
	after time.Duration
	gone  bool
}

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// follower tells one sink of the changes in the feed, in its order, while this aggregator owns the work. Each sink has
// its own, so that one that does not listen holds up nobody else. The place is stored after the sink has acknowledged:
// a crash in between tells a batch again, and never skips one.
type follower struct {
	*Aggregator
	sink     sink
	poll     time.Duration
	taken    bool
	told     uint64 // the sink has all changes up to this one
	stored   uint64 // and the table knows that of these
	window   uint64 // the last change that was read
	batches  [][]schema.NumberChange
	tries    int       // that the first batch was told in vain
	resting  time.Time // until when it is not told again
	stopped  bool
	measured time.Time
}

// followers returns one for each sink that is configured.
func (a *Aggregator) followers() []*follower {
	var all []*follower
	for _, s := range []*sink{a.topicSink(), a.cfg.Webhook.sink()} {
		if s != nil {
			a.metrics.sink(s.name)
			all = append(all, &follower{Aggregator: a, sink: *s, poll: notifyPoll})
		}
	}
	return all
}

// run tells changes until the context ends. Errors of ClickHouse are retried like those of passes; a sink that refuses
// is tried again for ever.
func (f *follower) run(ctx context.Context, owning *atomic.Bool) {
	const maxBackoff = 5 * time.Second
	backoff := f.poll
	for ctx.Err() == nil {
		more, err := f.turn(ctx, owning.Load())
		wait := max(0, time.Until(f.resting))
		switch {
		case err != nil && ctx.Err() == nil:
			f.metrics.errors.Inc()
			f.cfg.Logger.Error("follow the feed of numbers", "sink", f.sink.name, "error", err, "retry_in", backoff)
			wait, backoff = max(wait, backoff), min(2*backoff, maxBackoff)
		case !more:
			wait, backoff = f.poll, f.poll
		default:
			wait, backoff = min(wait, f.poll), f.poll // so that losing the work is noticed
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// turn does what there is to do now: it tells at most one batch, once. It reports whether there is more to tell, now or
// after a rest.
func (f *follower) turn(ctx context.Context, owning bool) (more bool, err error) {
	if !owning {
		if f.taken {
			f.metrics.notifyLag.WithLabelValues(f.sink.name).Set(0) // the next owner counts
		}
		f.taken, f.batches = false, nil
		return false, nil
	}
	if !f.taken {
		if err := f.takeOver(ctx); err != nil {
			return false, err
		}
		f.taken = true
	}
	if err := f.store(ctx); err != nil {
		return false, err
	}
	if (f.stopped || f.tries > 0) && time.Since(f.measured) >= notifyBehindEvery {
		if err := f.measure(ctx); err != nil {
			return false, err
		}
	}
	if f.stopped {
		return false, nil
	}
	if time.Until(f.resting) > 0 {
		return true, nil
	}
	if len(f.batches) == 0 {
		if err := f.read(ctx); err != nil {
			return false, err
		}
		if len(f.batches) == 0 {
			return false, nil
		}
	}
	batch := f.batches[0]
	if f.tries > 0 {
		// Numbers may have been erased while the sink did not listen.
		if batch, err = f.again(ctx, batch); err != nil {
			return false, err
		}
	}
	if len(batch) > 0 && !f.try(ctx, batch) {
		return !f.stopped, nil
	}
	f.acknowledged(len(batch))
	f.cfg.OnStep("notified")
	return true, f.store(ctx)
}

// takeOver reads the sink's place. A new sink begins at the feed's end, or at its start where that is wished; its place
// is stored at once, for otherwise what comes before the first acknowledgement could be skipped by a restart.
func (f *follower) takeOver(ctx context.Context) error {
	var known bool
	var place, end uint64
	parameters := clickhouse.WithParameters(clickhouse.Parameters{"sink": f.sink.place})
	if err := f.deps.Conn.QueryRow(clickhouse.Context(ctx, parameters), statement("notify_place")).Scan(&known, &place,
		&end); err != nil {
		return fmt.Errorf("read up to where a sink was told: %w", err)
	}
	f.batches, f.told, f.stored, f.window = nil, place, place, place
	if known {
		return nil
	}
	if !f.cfg.NotifyFromStart {
		f.told, f.window = end, end
	}
	return f.insertPlace(ctx)
}

// read fills the batches with the next changes of the feed.
func (f *follower) read(ctx context.Context) error {
	changes, err := f.query(ctx, "notify_window", clickhouse.Named("after", f.told),
		clickhouse.Named("limit", uint32(notifyWindow)))
	if err != nil {
		return fmt.Errorf("read changes of numbers: %w", err)
	}
	if len(changes) == notifyWindow {
		if err := f.measure(ctx); err != nil {
			return err
		}
	} else {
		f.metrics.notifyLag.WithLabelValues(f.sink.name).Set(float64(len(changes)))
	}
	if len(changes) > 0 {
		f.window = changes[len(changes)-1].Seq
		f.batches = f.sink.cut(changes)
	}
	return nil
}

// cut makes batches, in the order of their first changes. The changes of an account keep their order.
func (s *sink) cut(changes []schema.NumberChange) [][]schema.NumberChange {
	type open struct{ batch, bytes int }
	var batches [][]schema.NumberChange
	last := map[string]open{}
	for _, c := range changes {
		account := ""
		if s.byAccount {
			account = c.Account
		}
		size := changeSize(&c)
		to, found := last[account]
		if !found || len(batches[to.batch]) == notifyBatch || to.bytes+size > s.batchBytes {
			to = open{batch: len(batches)}
			batches = append(batches, nil)
		}
		batches[to.batch] = append(batches[to.batch], c)
		to.bytes += size
		last[account] = to
	}
	return batches
}

// again reads a batch anew.
func (f *follower) again(ctx context.Context, batch []schema.NumberChange) ([]schema.NumberChange, error) {
	account := ""
	if f.sink.byAccount {
		account = batch[0].Account
	}
	left, err := f.query(ctx, "notify_again", clickhouse.Named("account", account),
		clickhouse.Named("first", batch[0].Seq), clickhouse.Named("last", batch[len(batch)-1].Seq))
	if err != nil {
		return nil, fmt.Errorf("read changes of numbers again: %w", err)
	}
	return left, nil
}

func (f *follower) query(ctx context.Context, name string, parameters ...any) ([]schema.NumberChange, error) {
	rows, err := f.deps.Conn.Query(ctx, statement(name), parameters...)
	if err != nil {
		return nil, err
	}
	return scanChanges(rows)
}

func scanChanges(rows driver.Rows) (all []schema.NumberChange, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var c schema.NumberChange
		if err := rows.Scan(&c.Account, &c.Number, &c.From, &c.To, &c.Rule, &c.AtMS, &c.SeenMS, &c.Seq); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, rows.Err()
}

// try tells a batch once and reports whether the sink acknowledged it.
func (f *follower) try(ctx context.Context, batch []schema.NumberChange) bool {
	err := f.sink.tell(ctx, batch)
	if err != nil && ctx.Err() == nil {
		f.refused(err)
	}
	return err == nil
}

// refused notes that the sink did not take the batch, and when it is told again.
func (f *follower) refused(err error) {
	f.metrics.notifyFailures.WithLabelValues(f.sink.name).Inc()
	var said *refusal
	if errors.As(err, &said) && said.gone {
		f.stopped = true
		f.metrics.notifyStopped.WithLabelValues(f.sink.name).Set(1)
		f.cfg.Logger.Error("changes of numbers are not told any more, for the receiver is gone: name another one, or "+
			"restart to try this one again",
			"sink", f.sink.name, "error", err)
		return
	}
	wait := min(f.sink.firstWait<<min(f.tries, 20), f.sink.mostWait)
	wait = wait*3/4 + rand.N(wait/2) // so that several senders do not knock together
	if said != nil {
		wait = max(wait, said.after)
	}
	f.tries++
	f.resting = time.Now().Add(wait)
	f.cfg.Logger.Warn("changes of numbers were not acknowledged", "sink", f.sink.name, "error", err, "tries", f.tries,
		"retry_in", wait.Round(time.Millisecond))
}

// acknowledged drops the first batch, n of whose changes were told. All changes before the first one of the batches
// that are left were told, too.
func (f *follower) acknowledged(n int) {
	f.metrics.notified.WithLabelValues(f.sink.name).Add(float64(n))
	f.metrics.notifyLag.WithLabelValues(f.sink.name).Sub(float64(len(f.batches[0])))
	f.tries, f.resting = 0, time.Time{}
	if f.batches = f.batches[1:]; len(f.batches) > 0 {
		f.told = f.batches[0][0].Seq - 1
	} else {
		f.told = f.window
	}
}

// store keeps the place, also when the process is ending: it would only be told again.
func (f *follower) store(ctx context.Context) error {
	if f.told == f.stored {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), notifyStoreTimeout)
	defer cancel()
	return f.insertPlace(ctx)
}

func (f *follower) insertPlace(ctx context.Context) error {
	if err := f.deps.Conn.Exec(ctx, "INSERT INTO notified (sink, seq) VALUES ($1, $2)", f.sink.place,
		f.told); err != nil {
		return fmt.Errorf("store up to where a sink was told: %w", err)
	}
	f.stored = f.told
	return nil
}

// measure counts how many changes the sink does not have yet.
func (f *follower) measure(ctx context.Context) error {
	var behind uint64
	if err := f.deps.Conn.QueryRow(ctx, statement("notify_behind"),
		clickhouse.Named("after", f.told)).Scan(&behind); err != nil {
		return fmt.Errorf("count changes that a sink was not told: %w", err)
	}
	f.metrics.notifyLag.WithLabelValues(f.sink.name).Set(float64(behind))
	f.measured = time.Now()
	return nil
}
