package aggregate

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/google/uuid"

	"kaskad/schema"
)

// bucketWork is one bucket to recompute and the touches that this answers; none when another bucket moves its units.
type bucketWork struct {
	bucketKey
	touches []schema.Touch
	oldest  int64
}

// pass answers some or all open touches. It reports whether there was something to do, so that the caller need not
// wait.
func (a *Aggregator) pass(ctx context.Context) (bool, error) {
	started := time.Now()
	nowMS := a.cfg.Now().UnixMilli()
	if err := a.upkeep(ctx, started); err != nil {
		return false, err
	}
	generation := a.nextGeneration(started)
	open, joins, asked, err := a.openTouches(ctx)
	if err != nil {
		return false, err
	}
	if len(joins) > 0 {
		// Joining opens touches of its own; they are answered together with those already read, for the facts are read
		// below.
		opened, err := a.join(ctx, generation, joins)
		if err != nil {
			return false, err
		}
		addTouches(open, opened)
	}
	named, err := a.findNamed(ctx, asked)
	if err != nil {
		return false, err
	}
	addTouches(open, named)
	work := choose(open, a.batch)
	pending := len(open)
	if len(work) > 0 || len(asked) > 0 {
		if work, err = a.recompute(ctx, generation, nowMS, work, open, asked); err != nil {
			return false, err
		}
		for _, w := range work {
			if _, touched := open[w.bucketKey]; touched {
				delete(open, w.bucketKey)
				pending--
			}
		}
	}
	if len(work) > 0 {
		a.adapt(len(work), pending, time.Since(started))
		a.metrics.passSeconds.Observe(time.Since(started).Seconds())
	}
	if err := a.attributeAsked(ctx, generation, asked); err != nil {
		return false, err
	}
	if err := a.noteNumbers(ctx, generation, nowMS, len(work) > 0, asked); err != nil {
		return false, err
	}
	a.pending = pending
	asOf := nowMS
	for _, w := range open {
		asOf = min(asOf, w.oldest)
	}
	if err := a.stateFreshness(ctx, asOf, pending, len(work) > 0); err != nil {
		return len(work) > 0, err
	}
	return len(work) > 0, a.buildDays(ctx, time.Now())
}

// nextGeneration returns an id greater than every one used before: microseconds of the clock, or one more than the last
// when the clock stands still or goes back.
func (a *Aggregator) nextGeneration(now time.Time) uint64 {
	a.generation = max(a.generation+1, uint64(now.UnixMicro()))
	return a.generation
}

// openTouches reads the open touches by bucket, those that ask for a join pass, and those that ask for numbers alone.
func (a *Aggregator) openTouches(ctx context.Context) (open map[bucketKey]*bucketWork, joins, asked []schema.Touch,
	err error) {
	rows, err := a.deps.Conn.Query(ctx, statement("open_touches"))
	if err != nil {
		return nil, nil, nil, fmt.Errorf("read touches: %w", err)
	}
	defer rows.Close()
	open = map[bucketKey]*bucketWork{}
	for rows.Next() {
		var t schema.Touch
		var bucket time.Time
		if err := rows.Scan(&t.Account, &bucket, &t.ID, &t.AtMS); err != nil {
			return nil, nil, nil, fmt.Errorf("read touches: %w", err)
		}
		t.BucketMS = bucket.UnixMilli()
		switch {
		case t.BucketMS != 0:
			addTouches(open, []schema.Touch{t})
		case t.Account == "":
			joins = append(joins, t)
		default:
			asked = append(asked, t)
		}
	}
	return open, joins, asked, rows.Err()
}

// noteNumbers notes the numbers that somebody asked for, and those whose verdict has changed by time alone. From then
// on all that this pass has touched is ready to be decided.
func (a *Aggregator) noteNumbers(ctx context.Context, generation uint64, nowMS int64, worked bool,
	asked []schema.Touch) error {
	noted := worked || len(asked) > 0
	if len(asked) > 0 {
		batches, err := batchTable(asked)
		if err != nil {
			return err
		}
		if err := a.do(ctx, "numbers_asked", generation, batches); err != nil {
			return fmt.Errorf("note numbers that were asked for: %w", err)
		}
	}
	if now := time.Now(); !now.Before(a.nextDue) {
		parameters := clickhouse.Parameters{"generation": strconv.FormatUint(generation, 10),
			"now": strconv.FormatInt(nowMS, 10)}
		var found bool
		if err := a.deps.Conn.QueryRow(clickhouse.Context(ctx, clickhouse.WithParameters(parameters)),
			statement("numbers_due_any")).Scan(&found); err != nil {
			return fmt.Errorf("look for verdicts that change by time: %w", err)
		}
		if noted = noted || found; found {
			if err := a.doWith(ctx, "numbers_due", parameters); err != nil {
				return fmt.Errorf("note verdicts that change by time: %w", err)
			}
		}
		a.nextDue = now.Add(numbersDueEvery)
	}
	if noted {
		a.ready.Store(generation)
	}
	if err := a.closeTouches(ctx, asked); err != nil {
		return fmt.Errorf("close touches of numbers: %w", err)
	}
	return nil
}

// closeTouches closes touches and remembers their batches, whose queue is then to be emptied.
func (a *Aggregator) closeTouches(ctx context.Context, touches []schema.Touch) error {
	if err := schema.CloseTouches(ctx, a.deps.Conn, touches); err != nil {
		return err
	}
	for _, t := range touches {
		a.answered[t.ID] = true
	}
	return nil
}

// batchTable lists the batches of touches.
func batchTable(touches []schema.Touch) (*ext.Table, error) {
	table, err := ext.NewTable("batches", ext.Column("id", "UUID"))
	if err != nil {
		return nil, err
	}
	seen := map[uuid.UUID]bool{}
	for _, t := range touches {
		if seen[t.ID] {
			continue
		}
		seen[t.ID] = true
		if err := table.Append(t.ID); err != nil {
			return nil, fmt.Errorf("list batches: %w", err)
		}
	}
	return table, nil
}

func addTouches(open map[bucketKey]*bucketWork, touches []schema.Touch) {
	for _, t := range touches {
		key := bucketKey{t.Account, t.BucketMS}
		w := open[key]
		if w == nil {
			w = &bucketWork{bucketKey: key, oldest: t.AtMS}
			open[key] = w
		}
		w.touches = append(w.touches, t)
		w.oldest = min(w.oldest, t.AtMS)
	}
}

// choose picks at most limit buckets: under backlog one half are the newest buckets, which people look at, and the
// other half those that waited longest, so that none starves.
func choose(open map[bucketKey]*bucketWork, limit int) []*bucketWork {
	all := make([]*bucketWork, 0, len(open))
	for _, w := range open {
		all = append(all, w)
	}
	if len(all) > limit {
		slices.SortFunc(all, func(x, y *bucketWork) int { return compareKeys(y.bucketKey, x.bucketKey) })
		newest := limit / 2
		rest := all[newest:]
		slices.SortFunc(rest, func(x, y *bucketWork) int {
			return cmp.Or(cmp.Compare(x.oldest, y.oldest), compareKeys(y.bucketKey, x.bucketKey))
		})
		return all[:limit]
	}
	return all
}

func compareKeys(x, y bucketKey) int {
	return cmp.Or(cmp.Compare(x.bucketMS, y.bucketMS), cmp.Compare(x.account, y.account))
}

// adapt aims at passes of targetPass, whatever a bucket costs. While many buckets wait it lets a pass take three times
// as long: what a pass costs by itself is then shared by more of them, and the last of them is published sooner. A pass
// over few rows is nothing but that cost, so fewer buckets would not make it shorter.
func (a *Aggregator) adapt(buckets, waiting int, took time.Duration) {
	const fewRows = 100_000
	target := targetPass
	if waiting > 4*a.batch {
		target *= 3
	}
	switch {
	case took > 2*target && a.passRows > fewRows:
		a.batch = max(1, buckets/2)
	case (took < target || a.passRows < fewRows) && buckets >= a.batch:
		a.batch = min(maxBuckets, 2*a.batch)
	}
}

// stateFreshness says that everything acknowledged before asOf is in the published editions.
func (a *Aggregator) stateFreshness(ctx context.Context, asOfMS int64, pending int, worked bool) error {
	a.metrics.pending.Set(float64(pending))
	if !worked && time.Since(a.lastFresh) < freshnessEvery {
		return nil
	}
	if err := a.checkOwner(ctx); err != nil {
		return err
	}
	a.lastFresh = time.Now()
	a.lastAsOfMS.Store(asOfMS)
	a.pendingNow.Store(int64(pending))
	a.lastStated.Store(a.lastFresh.UnixMilli())
	if a.cfg.Exclusive && !worked && pending == 0 && a.storedLately() {
		return nil
	}
	return a.insertFreshness(ctx, asOfMS, pending, false)
}

// storedLately says that what is stored of freshness is recent enough for a database that nobody else reads.
func (a *Aggregator) storedLately() bool {
	return time.Since(time.UnixMilli(a.lastStored.Load())) < restEvery
}

func (a *Aggregator) insertFreshness(ctx context.Context, asOfMS int64, pending int, leaving bool) error {
	err := a.deps.Conn.Exec(ctx, "INSERT INTO freshness (owner, as_of_ms, pending_buckets, leaving) VALUES ($1, $2, "+
		"$3, $4)",
		a.owner, asOfMS, pending, leaving)
	if err != nil {
		return fmt.Errorf("state freshness: %w", err)
	}
	a.stated.Store(true)
	a.lastStored.Store(time.Now().UnixMilli())
	return nil
}
