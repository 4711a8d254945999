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

	"kaskad/schema"
	"kaskad/schema/state"
)

// bucketWork is an hour to compute whole, and the touches that this answers; none when changes of a cold hour, or units
// that move, are why.
type bucketWork struct {
	state.Hour
	touches []schema.Touch
	oldest  int64
}

// openWork is what touches say is to be done.
type openWork struct {
	hours map[state.Hour]*bucketWork
	// batches are those of changes, oldest first, joins those of messages to bring together, asked what was said of
	// people.
	batches, joins, asked []schema.Touch
}

// pass answers some or all open touches. It reports whether there was something to do, so that the caller need not
// wait.
func (a *Aggregator) pass(ctx context.Context) (bool, error) {
	// All that this pass writes has a greater id, however long it takes. What is removed beside it is older.
	a.drops.underWay.Store(a.generation + 1)
	defer a.drops.underWay.Store(0)
	started := time.Now()
	nowMS := a.cfg.Now().UnixMilli()
	if err := a.upkeep(ctx, started); err != nil {
		return false, err
	}
	id := a.nextGeneration(started)
	open, err := a.openTouches(ctx)
	if err != nil {
		return false, err
	}
	a.working.Store(len(open.joins)+len(open.batches)+len(open.hours) > 0)
	defer a.working.Store(false)
	if len(open.joins) > 0 {
		// Joining opens touches of its own; they are answered together with those already read, for the facts are read
		// below.
		opened, err := a.joiner.Join(ctx, id, open.joins)
		if err != nil {
			return false, err
		}
		for _, t := range opened {
			open.add(t)
		}
	}
	for _, s := range []*sums{a.sums, a.flushed} {
		s.changed.Rewrite, s.whole.Rewrite = !a.trusted, !a.trusted
	}
	joined := time.Now()
	e := a.newEdition(id, nowMS)
	answered, err := e.answer(ctx, open)
	if err != nil {
		return false, fmt.Errorf("edition %d: %w", id, err)
	}
	// What is published may answer nothing yet: cold hours are computed whole some at a time.
	worked := len(answered) > 0 || a.begun == id
	if worked {
		a.lastWorked.Store(time.Now().UnixMilli())
		a.adapt(e, open, time.Since(joined)) // what joining took does not grow with the edition
		a.metrics.passSeconds.Observe(time.Since(started).Seconds())
	}
	if err := a.noteNumbers(ctx, id, nowMS, worked, open.asked); err != nil {
		return false, err
	}
	a.pending = len(open.hours) + len(open.batches)
	a.trusted = a.trusted || a.pending == 0
	asOf := nowMS
	for _, w := range open.hours {
		asOf = min(asOf, w.oldest)
	}
	for _, b := range open.batches {
		asOf = min(asOf, b.AtMS)
	}
	if err := a.stateFreshness(ctx, asOf, a.pending, worked); err != nil {
		return worked, err
	}
	if err := a.buildDays(ctx, time.Now()); err != nil {
		return worked, err
	}
	if err := a.states.Settle(ctx); err != nil {
		return worked, err
	}
	return worked, a.auditSome(ctx)
}

// answer computes and publishes what some of the open touches ask for. It returns those, and takes them out of open.
func (e *edition) answer(ctx context.Context, open *openWork) ([]schema.Touch, error) {
	defer func() { _ = e.wrote() }() // Of an edition that fails nothing may be written once the next one begins.
	batches, err := e.chooseBatches(ctx, open.batches)
	if err != nil {
		return nil, err
	}
	said, err := e.readChanges(ctx, batches)
	if err != nil {
		return nil, err
	}
	for _, b := range batches {
		for hour := range said.coldOf[b.ID] {
			if open.hours[hour] == nil {
				open.hours[hour] = &bucketWork{Hour: hour, oldest: b.AtMS}
			}
		}
	}
	work := choose(open.hours, e.batch)
	hours := make([]state.Hour, 0, len(work))
	for _, w := range work {
		hours = append(hours, w.Hour)
	}
	cold, err := e.addOptOuts(ctx, open.asked)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := e.readWhole(ctx, append(hours, cold...)); err != nil {
		return nil, err
	}
	e.tookWhole = time.Since(began)
	if err := e.foldChanges(ctx, said); err != nil {
		return nil, err
	}
	if e.all > e.flushEvery && e.folded > e.flushEvery/4 { // which is written while dialogs are read
		if err := e.flushFolded(ctx); err != nil {
			return nil, err
		}
	}
	if err := e.decideDialogs(ctx, open.asked); err != nil {
		return nil, err
	}
	found, err := e.end(ctx)
	if err != nil {
		return nil, err
	}
	e.cfg.OnStep("computed")
	if found {
		if err := e.publish(ctx); err != nil {
			return nil, err
		}
	}
	// Should the process end before this, the touches are open, and what they ask for comes out as it is published.
	answered := e.answered(open, batches, said)
	if err := e.closeTouches(ctx, answered); err != nil {
		return nil, fmt.Errorf("close touches: %w", err)
	}
	e.cfg.OnStep("closed")
	return answered, nil
}

// answered takes the touches out of open that the edition has answered: those of hours that it computed whole, and of
// batches all of whose cold hours are among these.
func (e *edition) answered(open *openWork, batches []schema.Touch, said *changes) (answered []schema.Touch) {
	for hour := range e.whole {
		if w := open.hours[hour]; w != nil {
			answered = append(answered, w.touches...)
			delete(open.hours, hour)
		}
	}
	var left []schema.Touch
	for _, b := range batches {
		waits := false
		for hour := range said.coldOf[b.ID] {
			waits = waits || !e.whole[hour]
		}
		if waits {
			left = append(left, b)
		} else {
			answered = append(answered, b)
		}
	}
	open.batches = append(left, open.batches[len(batches):]...)
	return answered
}

// nextGeneration returns an id greater than every one used before: microseconds of the clock, or one more than the last
// when the clock stands still or goes back.
func (a *Aggregator) nextGeneration(now time.Time) uint64 {
	a.generation = max(a.generation+1, uint64(now.UnixMicro()))
	return a.generation
}

// openTouches reads the open touches.
func (a *Aggregator) openTouches(ctx context.Context) (*openWork, error) {
	rows, err := a.deps.Conn.Query(ctx, statement("open_touches"))
	if err != nil {
		return nil, fmt.Errorf("read touches: %w", err)
	}
	defer rows.Close()
	type sum struct {
		signs  int
		oldest int64
	}
	all := map[schema.Touch]sum{} // by all but their time
	for rows.Next() {
		var t schema.Touch
		var bucket time.Time
		var atMS int64
		var sign int8
		if err := rows.Scan(&t.Account, &bucket, &t.ID, &atMS, &sign); err != nil {
			return nil, fmt.Errorf("read touches: %w", err)
		}
		t.BucketMS = bucket.UnixMilli()
		one, known := all[t]
		if !known || atMS < one.oldest {
			one.oldest = atMS
		}
		one.signs += int(sign)
		all[t] = one
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read touches: %w", err)
	}
	open := &openWork{hours: map[state.Hour]*bucketWork{}}
	for t, one := range all {
		if t.AtMS = one.oldest; one.signs > 0 {
			open.add(t)
		}
	}
	slices.SortFunc(open.batches, func(x, y schema.Touch) int { return cmp.Compare(x.AtMS, y.AtMS) })
	return open, nil
}

// noteNumbers notes the numbers that somebody asked for, and those whose verdict has changed by time alone. From then
// on all that this pass has touched is ready to be decided.
func (a *Aggregator) noteNumbers(ctx context.Context, generation uint64, nowMS int64, worked bool,
	asked []schema.Touch) error {
	noted, urged := worked || len(asked) > 0, false
	if len(asked) > 0 {
		batches, err := schema.BatchTable(asked)
		if err != nil {
			return err
		}
		if err := a.do(ctx, "numbers_asked", generation, batches); err != nil {
			return fmt.Errorf("note numbers that were asked for: %w", err)
		}
		if urged, err = a.somebodyAsks(ctx, batches); err != nil {
			return err
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
	if urged {
		a.urged.Store(true)
	}
	if err := a.closeTouches(ctx, asked); err != nil {
		return fmt.Errorf("close touches of numbers: %w", err)
	}
	return nil
}

// somebodyAsks reports whether some of these batches are questions, as after a verdict was set by hand or while a
// number is erased, rather than events: who asks waits for the answer.
func (a *Aggregator) somebodyAsks(ctx context.Context, batches *ext.Table) (found bool, err error) {
	err = a.deps.Conn.QueryRow(clickhouse.Context(ctx, clickhouse.WithExternalTable(batches)),
		"SELECT count() > 0 FROM number_queue WHERE batch IN (SELECT id FROM batches) AND event = '' AND "+
			"bucket = toDateTime(0, 'UTC')").Scan(&found)
	if err != nil {
		return false, fmt.Errorf("look for questions about numbers: %w", err)
	}
	return found, nil
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

// add adds a touch to what it asks for.
func (w *openWork) add(t schema.Touch) {
	switch {
	case t.Account == "" && t.BucketMS == schema.ChangesMS:
		w.batches = append(w.batches, t)
	case t.BucketMS != 0:
		key := state.Hour{Account: t.Account, BucketMS: t.BucketMS}
		hour := w.hours[key]
		if hour == nil {
			hour = &bucketWork{Hour: key, oldest: t.AtMS}
			w.hours[key] = hour
		}
		hour.touches = append(hour.touches, t)
		hour.oldest = min(hour.oldest, t.AtMS)
	case t.Account == "":
		w.joins = append(w.joins, t)
	default:
		w.asked = append(w.asked, t)
	}
}

// choose picks at most limit buckets: under backlog one half are of the newest days, which people look at, and the
// other half those that waited longest, so that none starves. Of equal ones those of an account and day come together,
// as they are stored: a pass reads what it needs and little besides.
func choose(open map[state.Hour]*bucketWork, limit int) []*bucketWork {
	all := make([]*bucketWork, 0, len(open))
	for _, w := range open {
		all = append(all, w)
	}
	if len(all) > limit {
		const dayMS = 24 * schema.HourMS
		slices.SortFunc(all, func(x, y *bucketWork) int {
			return cmp.Or(cmp.Compare(y.BucketMS/dayMS, x.BucketMS/dayMS), compareKeys(x.Hour, y.Hour))
		})
		newest := limit / 2
		rest := all[newest:]
		slices.SortFunc(rest, func(x, y *bucketWork) int {
			return cmp.Or(cmp.Compare(x.oldest, y.oldest), compareKeys(x.Hour, y.Hour))
		})
		return all[:limit]
	}
	return all
}

// compareKeys orders hours by account, of each the newest first.
func compareKeys(x, y state.Hour) int {
	return cmp.Or(cmp.Compare(x.Account, y.Account), cmp.Compare(y.BucketMS, x.BucketMS))
}

// adapt aims at passes of targetPass, for hours that are computed whole and for changes apart, whatever one of them
// costs. While much waits, or what waits is old, it lets them take longer: what a pass costs by itself is then shared
// by more, and the last of it is published sooner; but as_of stands still during each of them.
func (a *Aggregator) adapt(e *edition, open *openWork, took time.Duration) {
	const fewMessages = 10_000
	few := e.all < fewMessages
	oldest := e.nowMS
	for _, w := range open.hours {
		oldest = min(oldest, w.oldest)
	}
	if len(open.batches) > 0 {
		oldest = min(oldest, open.batches[0].AtMS)
	}
	target := targetPass
	switch {
	case e.leaves, e.nowMS-oldest > behind.Milliseconds():
		target = longestPass
	case len(open.hours) > 4*a.batch || len(open.batches) > manyBatches:
		target = longPass
	}
	if len(open.hours) > 0 {
		switch {
		case e.tookWhole < target || few:
			a.batch = min(maxBuckets, 2*a.batch)
		case e.tookWhole > 2*target:
			a.batch = max(1, a.batch/2)
		}
	}
	switch rest := took - e.tookWhole; {
	case rest < target || few:
		if len(open.batches) > 0 {
			a.events = min(a.most, 2*a.events)
		}
	case rest > 2*target:
		a.events = max(fewMessages, a.events/2)
	}
	a.most = min(maxEvents, a.most+a.most/8+1)
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
	newer := asOfMS - a.storedAsOfMS.Load()
	if a.cfg.Exclusive && int64(pending) == a.storedPending.Load() && a.storedLately() && newer >= 0 &&
		newer < restEvery.Milliseconds() {
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
	a.storedAsOfMS.Store(asOfMS)
	a.storedPending.Store(int64(pending))
	a.lastStored.Store(time.Now().UnixMilli())
	return nil
}
