package verdicts

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sync/errgroup"

	"kaskad/aggregate/health"
	"kaskad/schema"
	"kaskad/schema/errormap"
	"kaskad/schema/rules"
)

// round is one round of decisions, on the numbers that generations after done and up to ready have touched. It goes
// through them in their order, a slice at a time.
type round struct {
	*Decider
	done, ready uint64
	asOfMS      int64 // what the decisions are as of
	urged       bool  // somebody waits for it
	maps        *errormap.Maps
	rules       map[string]rules.Rules
	rulesV      map[string]uint64

	// after is the last number that is decided, and bounds are the last ones of the slices to come; none before they
	// are chosen, for slices of size numbers.
	after  numberKey
	bounds []numberKey
	size   int
	// most is the greatest share that a slice may take after some failed, well how many went well since, and rested how
	// long the round has rested.
	most   float64
	well   int
	rested time.Duration
	// all are the accounts, so far, of which all numbers are to be decided.
	all []string

	// Of the slice at hand:
	nowMS     int64
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
	r.rules, r.rulesV, err = rules.Read(ctx, r.deps.Conn)
	return err
}

// note bounds the slices to come by one that failed, until several have gone well.
func (r *round) note(share float64, well bool) {
	const enough = 8
	if r.well++; !well {
		r.most, r.well = share, 0
	} else if r.well == enough {
		r.most, r.well = min(1, 2*r.most), 0
	}
}

// next decides the next slice, of about size touched numbers, and reports whether it was the last one. One that fails
// is chosen anew.
func (r *round) next(ctx context.Context, size int) (atEnd bool, err error) {
	r.stored = nil
	defer func() {
		if err != nil {
			r.bounds = nil
		}
	}()
	wanted, err := r.choose(ctx, size)
	if err != nil {
		return false, err
	}
	r.nowMS = r.cfg.Now().UnixMilli()
	r.collector = health.NewCollector(r.maps, r.nowMS)
	if wanted != nil {
		if err := r.decide(ctx, wanted); err != nil {
			return false, err
		}
	}
	r.after, r.bounds = r.bounds[0], r.bounds[1:]
	return len(r.bounds) == 0, nil
}

// decide decides the touched numbers. While a chunk is stored the next one is decided; chunks are stored one after the
// other, in their order.
func (r *round) decide(ctx context.Context, wanted *wanted) error {
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
		return r.walk(ctx, wanted, chunks)
	})
	return group.Wait()
}

// walk walks through all that is known of the wanted numbers, in the order of accounts and numbers.
func (r *round) walk(ctx context.Context, wanted *wanted, chunks chan<- *decided) error {
	hand := func() error {
		c := r.filling
		r.filling = &decided{}
		if len(c.verdicts) == 0 {
			return nil
		}
		version := r.nextStamp()
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
		if err := s.open(wanted.in(ctx), r.deps.Conn, statement(name), wanted.parameters); err != nil {
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
	changes := v.Changes(last)
	for _, c := range changes {
		c.Account, c.Number, c.SeenMS, c.Seq = account, number, r.nowMS, r.nextStamp()
		r.filling.changes = append(r.filling.changes, c)
		v.ChangedMS = c.AtMS
	}
	// A verdict that is stored already may have been announced as another one.
	if before != nil && v.Fingerprint() == before.fingerprint && len(changes) == 0 {
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
