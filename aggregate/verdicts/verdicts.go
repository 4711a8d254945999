package verdicts

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"strconv"
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
	// shareOfTime bounds the part of the time that goes into verdicts while editions are published: one in
	// shareOfTime+1, so that a stream of events is decided in few large rounds, whose cost is mostly that of reading,
	// rather than in many small ones.
	shareOfTime = 7
	// shareBehind is that while what waits is older than yieldAfter: passes then lack what a round takes, and each one
	// would read once more what is known of nearly all numbers.
	yieldAfter  = 3 * time.Second
	shareBehind = 20
	// longestWait bounds how long touched numbers wait for that. With a shorter one, rounds that take long would take
	// more than their share of the very streams that fall behind.
	longestWait = 2 * time.Minute
	// smallestShare bounds how small a round gets after failures.
	smallestShare = 1.0 / 1024
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
	cfg     Config
	deps    Deps
	metrics metrics

	taken bool
	// announced is what the feed says of numbers whose verdict was not stored, because a process or a round died in
	// between; until it is.
	announced map[numberKey]health.Announced
	done      uint64
	// asOfMS is what the last round stated that left no touched number.
	asOfMS int64
	stamp  uint64
	// share is the part of the touched numbers that a round takes: less after one that failed, as for lack of memory.
	share float64
	ended time.Time     // of the last round
	took  time.Duration // by it
	tidy  time.Time     // when answered touches were last removed
}

// New returns a decider that does nothing until its turn.
func New(cfg Config, deps Deps) *Decider {
	return &Decider{cfg: cfg, deps: deps, metrics: newMetrics(deps.Registerer)}
}

// Turn does what there is to do now, if this aggregator owns the work.
func (n *Decider) Turn(ctx context.Context, owning bool) (err error) {
	if !owning {
		n.taken, n.announced = false, nil // another aggregator may decide from here on
		return nil
	}
	defer func() { n.taken = n.taken && err == nil }()
	if !n.taken {
		if err := n.TakeOver(ctx); err != nil {
			return err
		}
		n.taken = true
	}
	// Asked first, for it is said once.
	if !n.deps.Passes.Urged() && n.deps.Passes.Streaming() && time.Since(n.ended) < n.rest() {
		return nil
	}
	if _, err := n.Round(ctx); err != nil {
		return err
	}
	n.ended = time.Now()
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

// rest is how long the next round waits after the last one while editions follow each other.
func (n *Decider) rest() time.Duration {
	share := shareOfTime
	if n.cfg.Now().UnixMilli()-n.deps.Passes.AsOf() > yieldAfter.Milliseconds() {
		share = shareBehind
	}
	return min(longestWait, time.Duration(share)*n.took)
}

// TakeOver reads where the decisions stand. What it knew to be announced and not stored before a round that failed
// stays so: the table shows only what was announced after the last verdict stored.
func (n *Decider) TakeOver(ctx context.Context) error {
	if err := n.deps.Conn.QueryRow(ctx, statement("state")).Scan(&n.done, &n.asOfMS, &n.stamp); err != nil {
		return fmt.Errorf("read where verdicts stand: %w", err)
	}
	if n.announced == nil {
		n.announced = map[numberKey]health.Announced{}
	}
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

// next returns a number for a version or a place in the feed: microseconds of the clock, or one more than the last.
func (n *Decider) next() uint64 {
	n.stamp = max(n.stamp+1, uint64(time.Now().UnixMicro()))
	return n.stamp
}

// Round decides the verdicts on all numbers touched up to ready. It reports how many it looked at.
func (n *Decider) Round(ctx context.Context) (looked int, err error) {
	// While hours of an older program are computed anew their attempts are missing, and with them what keeps numbers
	// alive.
	if n.deps.Passes.AsOf() == 0 && n.deps.Passes.Waiting() {
		return 0, nil
	}
	// as_of first: a pass notes its numbers before it states that.
	asOf := n.deps.Passes.AsOf()
	ready := n.deps.Passes.Ready()
	if ready <= n.done {
		return 0, nil
	}
	began := time.Now()
	all := ready
	if n.share > 0 && n.share < 1 {
		if err := n.deps.Conn.QueryRow(ctx, statement("part"), clickhouse.Named("done", n.done),
			clickhouse.Named("ready", ready), clickhouse.Named("share", n.share)).
			Scan(&ready); err != nil {
			return 0, fmt.Errorf("choose a part of the touched numbers: %w", err)
		}
	}
	if ready < all {
		asOf = n.asOfMS // of the others nothing newer is known
	}
	share := n.share
	n.share = max(smallestShare, min(1, cmp.Or(share, 1))/2) // unless this round ends well
	r := round{Decider: n, ready: ready, nowMS: n.cfg.Now().UnixMilli()}
	if err := r.prepare(ctx); err != nil {
		return 0, err
	}
	err = r.decide(ctx)
	for _, k := range r.stored {
		delete(n.announced, k)
	}
	if err != nil {
		return r.looked, fmt.Errorf("decide numbers touched by generations %d to %d: %w", n.done, ready, err)
	}
	if err := n.deps.Conn.Exec(ctx, "INSERT INTO numbers_done (one, generation, as_of_ms) VALUES (1, $1, $2)", ready,
		asOf); err != nil {
		return r.looked, fmt.Errorf("state that numbers are decided: %w", err)
	}
	n.done, n.asOfMS = ready, asOf
	n.share = min(1, 2*cmp.Or(share, 1))
	n.took = time.Since(began)
	n.cfg.OnStep("decided")
	if r.looked > 0 {
		n.metrics.seconds.Observe(n.took.Seconds())
		n.metrics.numbers.Add(float64(r.looked))
	}
	return r.looked, nil
}
