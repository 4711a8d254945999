package verdicts

import (
	"context"
	"embed"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"

	"kaskad/aggregate/health"
	"kaskad/schema"
	"kaskad/schema/law"
)

const (
	// chunkSize is how many verdicts are written at a time: one block, which readers see as a whole.
	chunkSize = 50_000
	// sliceSize is how many numbers are decided at a time at most. They are fewer while editions follow each other and
	// that takes longer than targetSlice, as where few of many numbers are touched and nearly all is read for them.
	sliceSize   = 200_000
	targetSlice = 700 * time.Millisecond
	// shareOfTime bounds the part of the time that goes into verdicts while editions are published: one in
	// shareOfTime+1, so that a stream of events is decided in few large rounds, whose cost is mostly that of reading,
	// rather than in many small ones.
	shareOfTime = 7
	// shareBehind is that while what waits is older than yieldAfter: passes then lack what a round takes, and each one
	// would read once more what is known of nearly all numbers.
	yieldAfter  = 3 * time.Second
	shareBehind = 20
	// longestWait bounds how long a round rests in all, unless it takes longer itself: each slice is followed by a rest
	// of its own length at least. With a shorter one, rounds that take long would take more than their share of the
	// very streams that fall behind.
	longestWait = 2 * time.Minute
	// backlogAfter is how old what waits is when it is a backlog: the editions to come touch the same numbers again, so
	// rounds wait until it is worked off, for longestWait at most.
	backlogAfter = 10 * time.Second
	// smallestShare bounds how small a slice gets after failures, and smallestByTime after slices that took long: some
	// of what a slice costs is the same for each, and would be a round's greater part. The first one that decides while
	// editions follow each other takes firstShare.
	smallestShare  = 1.0 / 1024
	smallestByTime = 1.0 / 32
	firstShare     = 1.0 / 16
	// tidyEvery is how often touched numbers that were decided are removed.
	tidyEvery = time.Minute
)

//go:embed sql/*.sql
var files embed.FS

// statement gives the files of sql/, with the law filled in.
var statement = law.Statements(files, "sql")

// Passes tell what they have done so far. A pass writes attempts by recipient and notes whose they are under its
// generation.
type Passes struct {
	// AsOf is what the last pass stated, in Unix milliseconds; 0 before the first.
	AsOf func() int64
	// Ready is the generation up to which all numbers that passes touched are noted.
	Ready func() uint64
	// Waiting reports whether changes wait for their edition, Streaming whether editions follow each other.
	Waiting, Streaming func() bool
	// Urged reports, once, that somebody waits for a verdict.
	Urged func() bool
	// CheckOwner fails when another aggregator does the work.
	CheckOwner func(context.Context) error
}

// Config holds what rounds go by.
type Config struct {
	Now func() time.Time
	// OnStep is called after each step of a round, "announced" and "decided".
	OnStep func(step string)
}

// Deps are what the decider works with. Registerer may be nil.
type Deps struct {
	Conn       driver.Conn
	Passes     Passes
	Registerer prometheus.Registerer
}

// Decider decides the verdicts on touched numbers, beside the passes: what is noted up to Passes.Ready is complete, and
// what is noted up to done is decided.
type Decider struct {
	// AtOnce is about how many touched numbers are decided at a time at most.
	AtOnce  int
	cfg     Config
	deps    Deps
	metrics metrics

	taken bool
	// announced is what the feed says of numbers whose verdict was not stored, because a process or a round died in
	// between; until it is.
	announced map[numberKey]health.Announced
	done      uint64
	stamp     uint64
	// round is the one that is under way, nil for none.
	round *round
	// urged: somebody waits for a verdict that the next round decides.
	urged bool
	// share is the part of AtOnce that a slice takes while editions follow each other: less after one that took long.
	share float64
	ended time.Time     // of the last slice
	took  time.Duration // by it
	tidy  time.Time     // when answered touches were last removed
	// backlogged is when rounds began to wait for a backlog, and owed the generation up to which they waited. deferred
	// says that they wait, or that this is still to be decided.
	backlogged time.Time
	owed       uint64
	deferred   atomic.Bool
}

// New returns a decider that does nothing until its turn.
func New(cfg Config, deps Deps) *Decider {
	return &Decider{AtOnce: sliceSize, cfg: cfg, deps: deps, metrics: newMetrics(deps.Registerer), share: firstShare}
}

// Turn decides the slices whose time it is, if this aggregator owns the work.
func (n *Decider) Turn(ctx context.Context, owning bool) (err error) {
	if !owning {
		n.taken = false // another aggregator may decide from here on
		return nil
	}
	defer func() {
		if n.taken = n.taken && err == nil; err != nil {
			n.deferred.Store(false) // nobody waits for what fails
		}
	}()
	if !n.taken {
		if err := n.TakeOver(ctx); err != nil {
			return err
		}
		n.taken = true
	}
	n.urged = n.deps.Passes.Urged() || n.urged // it is said once
	if n.waitsForBacklog() && !n.hurries() {
		return nil
	}
	for first := true; first || n.round != nil; first = false {
		if !n.hurries() && n.deps.Passes.Streaming() && time.Since(n.ended) < n.rest() {
			return nil
		}
		if n.round != nil {
			n.round.rested += min(n.rest(), time.Since(n.ended))
		}
		_, err := n.slice(ctx)
		if n.ended = time.Now(); err != nil {
			return err
		}
	}
	if n.ended.Sub(n.tidy) < tidyEvery {
		return nil
	}
	n.tidy = n.ended
	if err := n.deps.Conn.Exec(clickhouse.Context(ctx, clickhouse.WithParameters(
		clickhouse.Parameters{"done": strconv.FormatUint(n.done, 10)})), statement("answered")); err != nil {
		return fmt.Errorf("remove answered numbers: %w", err)
	}
	return nil
}

// Deferred reports whether verdicts wait for a backlog, or what they waited with is still to be decided.
func (n *Decider) Deferred() bool { return n.deferred.Load() }

// waitsForBacklog reports whether a backlog is being worked off, and not for long yet. A lag that swings is one backlog
// until what waited is decided.
func (n *Decider) waitsForBacklog() bool {
	asOf := n.deps.Passes.AsOf()
	if asOf == 0 || !n.deps.Passes.Waiting() || n.age(asOf) <= backlogAfter {
		if !n.deferred.Load() {
			n.backlogged = time.Time{}
		}
		return false
	}
	if n.backlogged.IsZero() {
		n.backlogged = time.Now()
	}
	if time.Since(n.backlogged) >= longestWait {
		return false
	}
	n.owed = n.deps.Passes.Ready()
	n.deferred.Store(true)
	return true
}

// age is how old what was stated is.
func (n *Decider) age(asOfMS int64) time.Duration {
	return time.Duration(n.cfg.Now().UnixMilli()-asOfMS) * time.Millisecond
}

// hurries reports whether somebody waits for the round at hand or the next one.
func (n *Decider) hurries() bool { return n.urged || n.round != nil && n.round.urged }

// rest is how long the next slice waits after the last one while editions follow each other.
func (n *Decider) rest() time.Duration {
	share := shareOfTime
	if n.age(n.deps.Passes.AsOf()) > yieldAfter {
		share = shareBehind
	}
	most := longestWait
	if n.round != nil {
		most = (most - n.round.rested) / time.Duration(max(1, len(n.round.bounds)))
	}
	return max(n.took, min(most, time.Duration(share)*n.took))
}

// TakeOver reads where the decisions stand.
func (n *Decider) TakeOver(ctx context.Context) error {
	if err := n.deps.Conn.QueryRow(ctx, statement("state")).Scan(&n.done, &n.stamp); err != nil {
		return fmt.Errorf("read where verdicts stand: %w", err)
	}
	if n.round != nil { // Another aggregator may have gone by newer ones.
		if err := n.round.prepare(ctx); err != nil {
			return err
		}
	}
	n.announced = map[numberKey]health.Announced{}
	return schema.EachRow(ctx, n.deps.Conn, "read what was announced and not stored", statement("announced"),
		func(rows driver.Rows) error {
			var k numberKey
			var last health.Announced
			if err := rows.Scan(&k.account, &k.number, &last.State, &last.AtMS); err != nil {
				return err
			}
			n.announced[k] = last
			return nil
		})
}

type numberKey struct{ account, number string }

// nextStamp returns a number for a version or a place in the feed: microseconds of the clock, or one more than the
// last.
func (n *Decider) nextStamp() uint64 {
	n.stamp = max(n.stamp+1, uint64(time.Now().UnixMicro()))
	return n.stamp
}

// Round decides the verdicts on all numbers touched up to Passes.Ready, or ends the round that is under way. It reports
// how many it looked at.
func (n *Decider) Round(ctx context.Context) (looked int, err error) {
	for {
		now, err := n.slice(ctx)
		looked += now
		if err != nil || n.round == nil {
			return looked, err
		}
	}
}

// slice decides the next slice of the round that is under way, or the first one of a new round.
func (n *Decider) slice(ctx context.Context) (looked int, err error) {
	began := time.Now()
	if n.round == nil || n.round.done != n.done {
		n.urged = n.urged || n.round != nil && n.round.urged
		if n.round, err = n.begin(ctx); err != nil || n.round == nil {
			return 0, err
		}
	}
	r, share, streaming := n.round, n.round.most, n.deps.Passes.Streaming()
	if streaming {
		share = min(share, n.share)
	}
	n.stamp = max(n.stamp, r.ready) // what the round announces is numbered after it (announced.sql)
	atEnd, err := r.next(ctx, max(1, int(float64(n.AtOnce)*share)))
	r.note(max(smallestShare, share/2), err == nil)
	for _, k := range r.stored {
		delete(n.announced, k)
	}
	looked, r.looked = r.looked, 0
	if err != nil {
		return looked, fmt.Errorf("decide numbers touched by generations %d to %d: %w", r.done, r.ready, err)
	}
	if atEnd {
		if err := n.deps.Conn.Exec(ctx, "INSERT INTO numbers_done (one, generation, as_of_ms) VALUES (1, $1, $2)",
			r.ready, r.asOfMS); err != nil {
			return looked, fmt.Errorf("state that numbers are decided: %w", err)
		}
		n.done, n.round = r.ready, nil
		if n.done >= n.owed {
			n.deferred.Store(false)
		}
	}
	n.took = time.Since(began)
	if streaming {
		n.share = nextShare(share, n.took)
	}
	if looked > 0 {
		n.metrics.seconds.Observe(n.took.Seconds())
		n.metrics.numbers.Add(float64(looked))
	}
	if atEnd {
		n.cfg.OnStep("decided")
	}
	return looked, nil
}

// nextShare is the share of the slice that follows one that took so long, such that it takes targetSlice, half of it or
// twice as much.
func nextShare(share float64, took time.Duration) float64 {
	switch {
	case took < targetSlice/2 || share < smallestByTime:
		return min(1, share*2)
	case took > 2*targetSlice:
		return max(smallestByTime, share/2)
	}
	return share
}

// begin begins a round on what is touched and ready; nil if that is nothing.
func (n *Decider) begin(ctx context.Context) (*round, error) {
	// While hours of an older program are computed anew their attempts are missing, and with them what keeps numbers
	// alive.
	if n.deps.Passes.AsOf() == 0 && n.deps.Passes.Waiting() {
		return nil, nil
	}
	// as_of first: a pass notes its numbers before it states that.
	r := &round{Decider: n, done: n.done, urged: n.urged, asOfMS: n.deps.Passes.AsOf(), most: 1}
	if r.ready = n.deps.Passes.Ready(); r.ready <= n.done {
		n.urged = false // who waits is urged for after that is ready: the last round has answered
		n.deferred.Store(false)
		return nil, nil
	}
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	n.urged = false
	return r, nil
}
