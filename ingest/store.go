package ingest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"kaskad/schema"
)

// smallestHalf is the block size below which a lack of memory is not the block's fault.
const smallestHalf = 1000

// store makes a block durable and commits its offsets. It is the only function that commits, because it alone has seen
// every acknowledgement; the order of its steps is the guarantee of this package. An error means that the generation is
// over; what was stored until then will be stored again, which changes nothing.
func (w *worker) store(ctx context.Context) error {
	b := w.block
	if len(b.parts) == 0 {
		return nil
	}
	begin := time.Now()
	nowMS := w.in.config.Now().UnixMilli()
	step := func(name string) error {
		w.in.config.OnStep(name)
		return ctx.Err()
	}

	// 0. Erased numbers become pseudonyms.
	if err := w.hide(ctx); err != nil {
		return err
	}

	// 1. Facts. A row that ClickHouse refuses becomes a dead letter; all others are acknowledged when this is done.
	// Facts, changes, parked events and touches share an id, by which the aggregator finds what a touch refers to.
	batch := uuid.New()
	type insert func(ctx context.Context, conn driver.Conn, batch uuid.UUID, lo, hi int) error
	inBatch := func(i insert) func(ctx context.Context, conn driver.Conn, lo, hi int) error {
		return func(ctx context.Context, conn driver.Conn, lo, hi int) error { return i(ctx, conn, batch, lo, hi) }
	}
	if err := w.insertFacts(ctx, inBatch(b.facts.Insert)); err != nil {
		return err
	}
	if err := w.insertRows(ctx, "recipient_events", b.peopleRows, inBatch(b.people.Insert)); err != nil {
		return err
	}
	w.in.metrics.insertSeconds.Observe(time.Since(begin).Seconds())
	if err := step("facts"); err != nil {
		return err
	}

	// 2. What the facts change. They are there already, so whoever reads a change finds no less than it says.
	if err := w.retry(ctx, "changes", func(ctx context.Context) error {
		return schema.InsertChanges(ctx, w.in.conn, batch, &w.fold.Changes)
	}); err != nil {
		return err
	}
	if err := step("changes"); err != nil {
		return err
	}

	// 3. Places of messages whose ids contain none, and events that wait for such a place. Both carry the batch's id,
	// by which the join finds them.
	if err := w.retry(ctx, "located", func(ctx context.Context) error {
		return schema.InsertLocated(ctx, w.in.conn, batch, b.located)
	}); err != nil {
		return err
	}
	if err := w.insertRows(ctx, "orphans", b.orphanRows, inBatch(b.orphans.Insert)); err != nil {
		return err
	}
	if err := step("located"); err != nil {
		return err
	}

	// 4. Touches come after everything they announce: whoever reads a touch finds its facts and changes.
	touches := b.touches(batch, w.fold.Changes.Rows(), nowMS)
	if err := w.retry(ctx, "touched", func(ctx context.Context) error {
		return schema.OpenTouches(ctx, w.in.conn, touches)
	}); err != nil {
		return err
	}
	w.in.touched()
	if err := step("touches"); err != nil {
		return err
	}

	// 5. Dead letters, including those of steps 1 and 3: first to the topic, then to the table.
	w.hideLetters()
	if err := w.bury(ctx); err != nil {
		return err
	}
	if err := step("rejected"); err != nil {
		return err
	}

	// 6. Numbers that were erased since step 0.
	if err := w.sweep(ctx); err != nil {
		return err
	}
	if err := step("swept"); err != nil {
		return err
	}

	// 7. The ledger, which says that everything up to these offsets is stored and counted.
	if err := w.writeLedger(ctx); err != nil {
		return err
	}
	offsets := w.settle()
	b.reset()
	if err := step("ledger"); err != nil {
		return err
	}

	// 8. Only now the offsets.
	if err := w.generation.CommitOffsets(map[string]map[int]int64{w.in.config.Topic: offsets}); err != nil {
		return fmt.Errorf("commit offsets: %w", err)
	}
	w.in.metrics.storeSeconds.Observe(time.Since(begin).Seconds())
	return step("commit")
}

// insertFacts inserts the facts, merged to a row for each attempt where that makes them fewer. If ClickHouse refuses
// one of those, the events go one by one, so that it takes all but the bad ones.
func (w *worker) insertFacts(ctx context.Context,
	oneByOne func(ctx context.Context, conn driver.Conn, lo, hi int) error) error {
	w.fold.Fold(&w.block.facts, nil)
	if w.fold.Attempts.Rows() == 0 {
		return w.insertEvents(ctx, oneByOne)
	}
	refused := false
	err := w.retryHere(ctx, "attempts", func(ctx context.Context) error {
		err := abandon(ctx, func(ctx context.Context) error { return w.fold.Attempts.Insert(ctx, w.in.conn) })
		if refused = dataError(err) || exceptionCode(err) == memoryLimitExceeded; refused {
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	if !refused {
		w.in.metrics.blockRows.Observe(float64(len(w.block.factRows)))
		return nil
	}
	return w.insertEvents(ctx, oneByOne)
}

// insertEvents inserts the facts one by one.
func (w *worker) insertEvents(ctx context.Context,
	oneByOne func(ctx context.Context, conn driver.Conn, lo, hi int) error) error {
	rows := w.block.factRows
	if err := w.insertRows(ctx, "events", rows, oneByOne); err != nil {
		return err
	}
	if slices.ContainsFunc(rows, func(r row) bool { return r.refused }) {
		w.fold.Fold(&w.block.facts, func(i int) bool { return rows[i].refused })
	}
	return nil
}

// insertRows inserts the rows and turns those that ClickHouse refuses into dead letters.
func (w *worker) insertRows(ctx context.Context, table string, rows []row,
	insert func(ctx context.Context, conn driver.Conn, lo, hi int) error) error {
	if len(rows) == 0 {
		return nil
	}
	w.in.metrics.blockRows.Observe(float64(len(rows)))
	return w.insertRange(ctx, table, rows, 0, len(rows), insert)
}

// insertRange halves a range that is refused for a value in it, until the bad rows are alone, and one that is too large
// for ClickHouse's memory, until it fits.
func (w *worker) insertRange(ctx context.Context, table string, rows []row, lo, hi int,
	insert func(ctx context.Context, conn driver.Conn, lo, hi int) error) error {
	var refused error
	err := w.retryHere(ctx, table, func(ctx context.Context) error {
		err := abandon(ctx, func(ctx context.Context) error { return insert(ctx, w.in.conn, lo, hi) })
		if dataError(err) || (exceptionCode(err) == memoryLimitExceeded && hi-lo > smallestHalf) {
			refused, err = err, nil
		}
		return err
	})
	if err != nil || refused == nil {
		return err
	}
	if hi-lo == 1 {
		w.refuse(&rows[lo], table, refused)
		return nil
	}
	w.in.metrics.bisections.Inc()
	mid := lo + (hi-lo)/2
	if err := w.insertRange(ctx, table, rows, lo, mid, insert); err != nil {
		return err
	}
	return w.insertRange(ctx, table, rows, mid, hi, insert)
}

// refuse makes a dead letter of a row that was counted as stored or parked.
func (w *worker) refuse(r *row, table string, cause error) {
	r.refused = true
	p := r.part
	p.counted = r.offset >= p.countFrom
	if p.counted {
		if table == "orphans" {
			p.counts.parked--
		} else {
			p.counts.stored--
		}
	}
	at := schema.Place{Topic: w.in.config.Topic, Partition: int32(p.part.id), Offset: r.offset, Line: r.line}
	w.block.reject(&schema.FieldError{Reason: schema.ReasonUnstorable,
		Rule: "was refused by ClickHouse: " + cause.Error()}, at, p,
		r.raw, w.in.config.Now().UnixMilli())
}

// retry runs an insert until it is acknowledged or ctx ends. It does so whatever the error is: a full disk, a table
// that a migration has yet to create, a server that is down. Nothing is given up, because the log keeps what waits
// here.
//
// Once ctx ends the insert is abandoned; its block is not used again, for the worker ends too.
func (w *worker) retry(ctx context.Context, table string, insert func(ctx context.Context) error) error {
	return w.retryHere(ctx, table, func(ctx context.Context) error { return abandon(ctx, insert) })
}

func (w *worker) retryHere(ctx context.Context, table string, insert func(ctx context.Context) error) error {
	var complained time.Time
	err := retry(ctx, func() error { return insert(ctx) }, func(err error) {
		w.in.metrics.insertRetries.Inc()
		if time.Since(complained) > complainEvery {
			w.in.log.Warn("insert failed, trying again until it goes through", "table", table, "error", err)
			complained = time.Now()
		}
	})
	if err == nil && !complained.IsZero() {
		w.in.log.Info("insert goes through again", "table", table)
	}
	return ctx.Err()
}

// writeLedger brings the ledger of the block's partitions up to their offsets.
func (w *worker) writeLedger(ctx context.Context) error {
	rows := make([]schema.Ledger, 0, len(w.block.parts))
	for _, p := range w.block.parts {
		rows = append(rows, p.newLedger())
	}
	return w.retry(ctx, "ledger", func(ctx context.Context) error {
		return schema.InsertLedger(ctx, w.in.conn, w.in.config.Group, w.in.config.Topic, rows, w.in.ledgerTime())
	})
}

func (p *progress) newLedger() schema.Ledger {
	l := *p.ledger
	l.Offset = max(p.next, p.countFrom)
	l.Consumed += p.counts.consumed
	l.Stored += p.counts.stored
	l.Rejected += p.counts.rejected
	l.Parked += p.counts.parked
	l.Empty += p.counts.empty
	return l
}

// settle moves the block's events from in flight to where they ended, and returns the offsets to commit.
func (w *worker) settle() map[int]int64 {
	b := w.block
	w.in.tally.settle(b.counted())
	w.in.metrics.redelivered.Add(float64(b.redelivered))
	w.in.metrics.unknownFields.Add(float64(b.unknownFields))
	for i := range b.letters {
		if !b.letters[i].known {
			w.in.metrics.rejected.WithLabelValues(string(b.letters[i].Err.Reason)).Inc()
		}
	}
	offsets := make(map[int]int64, len(b.parts))
	for id, p := range b.parts {
		*p.ledger = p.newLedger()
		p.part.stored.Store(p.next)
		offsets[id] = p.next
	}
	return offsets
}
