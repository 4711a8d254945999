package verdicts

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"kaskad/aggregate/health"
	"kaskad/schema"
	"kaskad/schema/errormap"
	"kaskad/schema/law"
	"kaskad/schema/rules"
)

const (
	// chunkSize is how many verdicts are written at a time: one block, which readers see as a whole.
	chunkSize = 50_000
	// shareOfTime bounds the part of the time that goes into verdicts while editions are published: one in
	// shareOfTime+1, so that a stream of events is decided in few large rounds, whose cost is mostly that of reading,
	// rather than in many small ones.
	shareOfTime = 7
	// longestWait bounds how long touched numbers wait for that.
	longestWait = 20 * time.Second
	// shareBehind and waitBehind are those while what waits is older than yieldAfter: passes then lack
	// what a round takes, and each one would read once more what is known of nearly all numbers.
	yieldAfter  = 3 * time.Second
	shareBehind = 20
	waitBehind  = 2 * time.Minute
	// smallestShare bounds how small a round gets after failures.
	smallestShare = 1.0 / 1024
	// tidyEvery is how often touched numbers that were decided are removed.
	tidyEvery = time.Minute
)

//go:embed sql/*.sql
var files embed.FS

// statements are the files of sql/, with the law filled in.
var statements = law.Statements(files, "sql")

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
	if n.cfg.Now().UnixMilli()-n.deps.Passes.AsOf() > yieldAfter.Milliseconds() {
		return min(waitBehind, shareBehind*n.took)
	}
	return min(longestWait, shareOfTime*n.took)
}

// TakeOver reads where the decisions stand. What it knew to be announced and not stored before a round that failed
// stays so: the table shows only what was announced after the last verdict stored.
func (n *Decider) TakeOver(ctx context.Context) error {
	if err := n.deps.Conn.QueryRow(ctx, statement("state")).Scan(&n.done, &n.asOfMS, &n.stamp); err != nil {
		return fmt.Errorf("read where verdicts stand: %w", err)
	}
	rows, err := n.deps.Conn.Query(ctx, statement("announced"))
	if err != nil {
		return fmt.Errorf("read what was announced and not stored: %w", err)
	}
	defer rows.Close()
	if n.announced == nil {
		n.announced = map[numberKey]health.Announced{}
	}
	for rows.Next() {
		var k numberKey
		var last health.Announced
		if err := rows.Scan(&k.account, &k.number, &last.State, &last.AtMS); err != nil {
			return fmt.Errorf("read what was announced and not stored: %w", err)
		}
		n.announced[k] = last
	}
	return rows.Err()
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

// round is one round of decisions.
type round struct {
	*Decider
	ready  uint64
	nowMS  int64
	maps   *errormap.Maps
	rules  map[string]rules.Rules
	rulesV map[string]uint64
	// parameters are those of the statements that choose the round's numbers.
	parameters []any

	looked    int
	filling   *decided
	collector *health.Collector
	stored    []numberKey // of those announced before and not stored
}

// decided is a chunk of decisions: verdicts that came out different, what is to be announced in the feed, and the
// numbers whose verdicts are replaced, nil for none.
type decided struct {
	verdicts []schema.NumberHealth
	changes  []schema.NumberChange
	replaced *ext.Table
	attempts int // of the verdicts' streaks
}

// inOrder numbers the chunk's changes in the order in which they happened. They are found by account and number, and
// after a load of many days nobody could follow a feed of that order. What happened to one number stays as it was.
func (d *decided) inOrder() {
	seqs := make([]uint64, len(d.changes))
	for i := range d.changes {
		seqs[i] = d.changes[i].Seq
	}
	slices.SortStableFunc(d.changes, func(a, b schema.NumberChange) int { return cmp.Compare(a.AtMS, b.AtMS) })
	for i := range d.changes {
		d.changes[i].Seq = seqs[i]
	}
}

// full reports whether it is time to store the chunk: a number may have failed thousands of times.
func (d *decided) full() bool {
	const attemptsAtOnce = 500_000
	return len(d.verdicts) >= chunkSize || len(d.changes) >= 2*chunkSize || d.attempts >= attemptsAtOnce
}

// prepare reads what holds for all numbers.
func (r *round) prepare(ctx context.Context) (err error) {
	if r.maps, err = errormap.Read(ctx, r.deps.Conn); err != nil {
		return err
	}
	if r.rules, r.rulesV, err = rules.Read(ctx, r.deps.Conn); err != nil {
		return err
	}
	r.collector = health.NewCollector(r.maps, r.nowMS)
	r.parameters = []any{clickhouse.Named("done", r.done), clickhouse.Named("ready", r.ready),
		clickhouse.Named("phone_channels", schema.Channels.TellingOf(schema.KindPhone)),
		clickhouse.Named("email_channels", schema.Channels.TellingOf(schema.KindEmail))}
	rows, err := r.deps.Conn.Query(ctx, statement("full"), r.parameters...)
	if err != nil {
		return fmt.Errorf("list accounts to decide anew: %w", err)
	}
	defer rows.Close()
	full := []string{"\x00"} // no account's name; an empty list has no type
	for rows.Next() {
		var account string
		if err := rows.Scan(&account); err != nil {
			return fmt.Errorf("list accounts to decide anew: %w", err)
		}
		full = append(full, account)
	}
	r.parameters = append(r.parameters, clickhouse.Named("accounts", full))
	return rows.Err()
}

// decide decides the touched numbers. While a chunk is stored the next one is decided; chunks are stored one after the
// other, in their order.
func (r *round) decide(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	chunks := make(chan *decided)
	group.Go(func() error {
		for c := range chunks {
			if err := r.write(ctx, c); err != nil {
				return err
			}
		}
		return nil
	})
	group.Go(func() error {
		defer close(chunks)
		return r.walk(ctx, chunks)
	})
	return group.Wait()
}

// walk walks through all that is known of the touched numbers, in the order of accounts and numbers.
func (r *round) walk(ctx context.Context, chunks chan<- *decided) error {
	hand := func() error {
		c := r.filling
		r.filling = &decided{}
		if len(c.verdicts) == 0 {
			return nil
		}
		version := r.next()
		for i := range c.verdicts {
			c.verdicts[i].Version = version
		}
		select {
		case chunks <- c:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	r.filling = &decided{}
	evidences := &numberStream{scan: func(rows driver.Rows,
		at *numberRow) error {
		return rows.Scan(&at.account, &at.number, &at.packed)
	}}
	before := &numberStream{scan: func(rows driver.Rows, at *numberRow) error {
		return rows.Scan(&at.account, &at.number, &at.state, &at.changedMS, &at.fingerprint)
	}}
	set := &numberStream{scan: func(rows driver.Rows, at *numberRow) error {
		return rows.Scan(&at.account, &at.number, &at.setStates, &at.setWhys, &at.setTimes)
	}}
	lookups := &numberStream{scan: func(rows driver.Rows, at *numberRow) error {
		l := &at.latest
		return rows.Scan(&at.account, &at.number, &l.atMS, &l.operator, &l.ported, &l.valid, &l.ownerChangedMS,
			&at.ownerChangedMS, &at.invalid)
	}}
	events := &numberStream{scan: func(rows driver.Rows, at *numberRow) error {
		e := &at.events
		return rows.Scan(&at.account, &at.number, &e.statuses, &e.channels, &e.apps, &e.senders, &e.times)
	}}
	streams := map[string]*numberStream{"signals": events, "evidence": evidences,
		"before": before, "set": set, "lookups": lookups}
	for name, s := range streams {
		if err := s.open(ctx, r.deps.Conn, statement(name), r.parameters); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		defer s.close()
	}
	for {
		var least *numberRow
		for _, s := range streams {
			if s.row != nil && (least == nil || s.row.less(least)) {
				least = s.row
			}
		}
		if least == nil {
			return hand()
		}
		account, number := least.account, least.number
		if err := r.one(account, number, evidences.at(account, number), before.at(account, number),
			set.at(account, number), lookups.at(account, number),
			events.at(account, number)); err != nil {
			return err
		}
		for name, s := range streams {
			if err := s.pass(account, number); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		if r.filling.full() {
			if err := hand(); err != nil {
				return err
			}
		}
	}
}

// one decides one number; the rows are nil where there is nothing of that kind.
func (r *round) one(account, number string, packed, before, set, looked, events *numberRow) error {
	r.looked++
	own, found := r.rules[account]
	if !found {
		own = rules.Default
	}
	c := r.collector
	c.Reset(account, number, own)
	if events != nil {
		c.Signals = events.events.signals(c.Signals)
	}
	if packed != nil {
		if err := unpack(c, packed.packed); err != nil {
			return err
		}
	}
	if looked != nil {
		c.OwnerChangedMS = looked.ownerChangedMS
		c.AddInvalid(looked.invalid)
	}
	var overrides []health.Override
	if set != nil {
		overrides = set.overrides()
	}
	v := health.Decide(&c.Evidence, own, overrides, r.nowMS)
	v.Account, v.Number, v.RuleVersion, v.MapVersion, v.Ported, v.Valid = account, number, r.rulesV[account],
		r.maps.Version(account), -1, -1
	if looked != nil {
		l := looked.latest
		v.LookedUpMS, v.Operator, v.Ported, v.Valid, v.OwnerChangedMS = l.atMS, l.operator, l.ported, l.valid,
			l.ownerChangedMS
	}
	var last health.Announced
	if before != nil {
		last = health.Announced{State: before.state, AtMS: before.changedMS}
	}
	if ahead, found := r.announced[numberKey{account, number}]; found {
		last = ahead
	}
	v.ChangedMS = last.AtMS
	for _, c := range v.Changes(last) {
		c.Account, c.Number, c.SeenMS, c.Seq = account, number, r.nowMS, r.next()
		r.filling.changes = append(r.filling.changes, c)
		v.ChangedMS = c.AtMS
	}
	if before != nil && v.Fingerprint() == before.fingerprint {
		return nil
	}
	if before != nil {
		if r.filling.replaced == nil {
			var err error
			if r.filling.replaced, err = ext.NewTable("replaced", ext.Column("account", "String"),
				ext.Column("number", "String")); err != nil {
				return err
			}
		}
		if err := r.filling.replaced.Append(account, number); err != nil {
			return fmt.Errorf("list verdicts to replace: %w", err)
		}
	}
	r.filling.verdicts = append(r.filling.verdicts, v.NumberHealth)
	r.filling.attempts += len(v.Streak)
	return nil
}

// write stores a chunk: first what will be replaced is put aside, then the feed grows, then the verdicts are stored. A
// crash in between announces the feed's lines again, which is what "at least once" allows; the other order would lose
// them.
func (r *round) write(ctx context.Context, c *decided) error {
	if c.replaced != nil {
		if err := r.deps.Conn.Exec(clickhouse.Context(ctx, clickhouse.WithExternalTable(c.replaced)),
			statement("replace")); err != nil {
			return fmt.Errorf("keep replaced verdicts: %w", err)
		}
	}
	// As late as it can be: lines that come after those of another aggregator would be passed over by who reads the
	// feed.
	if err := r.deps.Passes.CheckOwner(ctx); err != nil {
		return err
	}
	c.inOrder()
	if err := schema.InsertNumberChanges(ctx, r.deps.Conn, c.changes); err != nil {
		return fmt.Errorf("announce changed verdicts: %w", err)
	}
	r.cfg.OnStep("announced")
	if err := schema.InsertNumberHealth(ctx, r.deps.Conn, c.verdicts); err != nil {
		return fmt.Errorf("store verdicts: %w", err)
	}
	for i := range c.verdicts {
		k := numberKey{c.verdicts[i].Account, c.verdicts[i].Number}
		if _, found := r.announced[k]; found {
			r.stored = append(r.stored, k)
		}
	}
	r.metrics.verdicts.Add(float64(len(c.verdicts)))
	r.metrics.changes.Add(float64(len(c.changes)))
	return nil
}

// statement returns the SQL of a file in sql/.
func statement(name string) string {
	text, found := statements[name]
	if !found {
		panic("verdicts: no statement " + name) // the files are part of the program
	}
	return text
}
