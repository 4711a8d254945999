package aggregate

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"kaskad/schema"
	"kaskad/schema/state"
)

// That differences add up to what facts say is argued, and tested; the audit looks. It goes through all hours of the
// last weeks, a day of an account at a time, and through random older ones, compares what is published of them with
// facts (look.go), and has what differs computed whole. Something differs when it was found twice, and all that facts
// held at the first time was announced and answered before the second.

const (
	// auditShare is how many times as long as a slice took the next one waits, DefaultAuditRest at least how long: the
	// audit is to be felt neither at rest nor under load.
	auditShare       = 200
	DefaultAuditRest = 2 * time.Second
	// auditStarved is how long touches that wait keep the audit from its next slice.
	auditStarved = time.Minute
	// slowSlice is how long a slice may keep a pass waiting: slices that take longer are halved.
	slowSlice = 100 * time.Millisecond
	// streamRows is how many facts a slice reads at most while editions follow each other.
	streamRows = 4096
	// auditDays are the days whose hours are all looked at, one after the other. randomEvery: of so many looks, one is
	// at a random day of all history.
	auditDays   = 35
	randomEvery = 4
	// suspicionLasts is how long a first look is remembered, should the stream not be read to where it was.
	suspicionLasts = 10 * time.Minute
)

// audit is what the aggregator remembers of its looks. It is forgotten with every error.
type audit struct {
	look *look // that goes on
	next time.Time
	// rows is how many facts a slice reads, fewest the least of them; 0 stands for what is usual.
	rows, fewest int
	// left are the days still to be looked at, newest last; looks counts those that were begun.
	left  []accountDay
	looks int
	// suspected is a first look that found something, ends where the stream ended by then. read says that all of that
	// was stored and announced.
	suspected *look
	since     time.Time
	ends      map[int]int64
	read      bool
	// repairs are the hours that are being computed whole because they differ, and whether facts were found to say all
	// that is stored of them: then none of them is lost.
	repairs map[state.Hour]bool
}

type accountDay struct {
	account string
	day     int64 // in Unix milliseconds
}

// mayLack leaves out hours of which it was found that facts say all that is stored: should they count less now, what
// was published was wrong.
func (au *audit) mayLack(hours map[state.Hour]bool) map[state.Hour]bool {
	if len(au.repairs) == 0 {
		return hours
	}
	left := maps.Clone(hours)
	maps.DeleteFunc(left, func(hour state.Hour, _ bool) bool { return au.repairs[hour] })
	return left
}

// computed notes that hours were computed whole and published.
func (au *audit) computed(hours map[state.Hour]bool) {
	for hour := range hours {
		delete(au.repairs, hour)
		if au.look != nil && au.look.account == hour.Account && au.look.has(hour.BucketMS) {
			au.look = nil // What it knows of the hour was replaced.
		}
	}
}

// auditSome takes the audit a step further if it is time to.
func (a *Aggregator) auditSome(ctx context.Context) error {
	now := time.Now()
	au := &a.audit
	if au.next.IsZero() {
		au.next = now.Add(10 * a.cfg.AuditRest)
	}
	if wait := now.Sub(au.next); wait < 0 || a.pending > 0 && wait < auditStarved {
		return nil
	}
	if au.suspected != nil && now.Sub(au.since) > suspicionLasts {
		au.suspected = nil // What differs is found another time.
	}
	var err error
	switch {
	case au.look != nil:
		err = a.lookOn(ctx)
	case au.suspected == nil:
		au.look = a.nextLook()
	case !au.read:
		au.read, err = a.announced(ctx)
	case a.pending == 0:
		au.look, au.suspected = au.suspected.again(a.states.Hours), nil
	}
	au.next = time.Now()
	if a.cfg.AuditRest > 0 {
		au.next = au.next.Add(max(auditShare*time.Since(now), a.cfg.AuditRest))
	}
	return err
}

// lookOn looks at a slice, and comes to a conclusion after the last one.
func (a *Aggregator) lookOn(ctx context.Context) error {
	au := &a.audit
	for hour, cold := range au.look.hours {
		if is, known := a.states.Hours[hour]; !known || is != cold {
			au.look = nil // It is another hour than that of the slices before.
			return nil
		}
	}
	began := time.Now()
	if au.rows > 0 {
		au.look.rows = au.rows
	}
	if a.streaming() { // What is quick at rest may take seconds, for which editions would wait.
		au.look.rows = min(au.look.rows, streamRows)
	}
	last, err := a.slice(ctx, au.look)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	const least, most = 1024, 65_536
	switch took := time.Since(began); {
	case au.fewest > 0:
		au.rows = au.fewest
	case took > slowSlice:
		au.rows = max(least, au.look.rows/2)
	case took < slowSlice/4:
		au.rows = min(most, au.look.rows*2)
	}
	if !last {
		return nil
	}
	l := au.look
	au.look = nil
	if err := a.compareCells(ctx, l); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	if l.first != nil || len(l.found) == 0 {
		return a.conclude(ctx, l)
	}
	au.suspected, au.since, au.read = l, time.Now(), false
	au.ends, _, err = a.stream(ctx)
	return err
}

// stream tells where the partitions of the stream end, and how far behind that ingest is. Without a stream there are
// none.
func (a *Aggregator) stream(ctx context.Context) (ends, lags map[int]int64, err error) {
	if a.deps.Stream == nil {
		return nil, nil, nil
	}
	if ends, lags, err = a.deps.Stream(ctx); err != nil {
		// It is away; reports go on, and so do passes.
		a.deps.Logger.Warn("the audit waits: where the stream ends is unknown", "error", err)
		return nil, nil, nil
	}
	return ends, lags, nil
}

// announced reports whether ingest has stored and announced what the stream held at the first look, and nobody changes
// facts besides.
func (a *Aggregator) announced(ctx context.Context) (bool, error) {
	lost, err := schema.ReadLosses(ctx, a.deps.Conn)
	if err != nil {
		return false, err
	}
	var erasing uint64
	if err := a.deps.Conn.QueryRow(ctx, "SELECT count() FROM erasures FINAL WHERE done_ms = 0").Scan(
		&erasing); err != nil {
		return false, fmt.Errorf("look for numbers that are being erased: %w", err)
	}
	if erasing > 0 || lost.Rereading > 0 || len(lost.Parts) > 0 {
		return false, nil
	}
	if a.deps.Stream == nil {
		return true, nil
	}
	ends, lags, err := a.stream(ctx)
	if err != nil || ends == nil || a.audit.ends == nil {
		return false, err
	}
	for partition, end := range a.audit.ends {
		if ends[partition]-lags[partition] < end {
			return false, nil
		}
	}
	return true, nil
}

// conclude notes a look, and has computed whole what differs.
func (a *Aggregator) conclude(ctx context.Context, l *look) error {
	found := l.differences()
	a.metrics.audited.Add(float64(len(l.hours)))
	if err := schema.InsertColumns(ctx, a.deps.Conn,
		"INSERT INTO audits (account, day, due, hours, messages, differences)", 0, 1, []any{[]string{l.account},
			[]time.Time{l.day}, []bool{l.due}, []uint32{uint32(len(l.hours))}, []uint64{uint64(l.messages)},
			[]uint64{uint64(len(found))}}); err != nil {
		return fmt.Errorf("note an audit: %w", err)
	}
	if len(found) == 0 {
		return nil
	}
	cold, touches := map[state.Hour]bool{}, []schema.Touch(nil)
	id, at := uuid.New(), a.cfg.Now().UnixMilli()
	for hour, of := range kinds(found) {
		for kind, n := range of {
			a.metrics.differences.WithLabelValues(kind).Add(float64(n))
		}
		a.deps.Logger.Error("what is published differs from facts: the hour is computed anew; please report this",
			"account", hour.Account, "hour", hourTime(hour.BucketMS), "differences", of)
		if a.audit.repairs == nil {
			a.audit.repairs = map[state.Hour]bool{}
		}
		a.audit.repairs[hour] = of[differsState] == 0 && !l.hours[hour]
		cold[hour] = true
		touches = append(touches, schema.Touch{Account: hour.Account, BucketMS: hour.BucketMS, ID: id, AtMS: at})
	}
	// Nothing that is stored of it is to be believed.
	if err := a.states.SetCold(ctx, a.nextGeneration(time.Now()), cold); err != nil {
		return err
	}
	if err := schema.OpenTouches(ctx, a.deps.Conn, touches); err != nil {
		return fmt.Errorf("touch hours that differ: %w", err)
	}
	return nil
}

// nextLook begins a look at the day whose turn it is, or at a random one.
func (a *Aggregator) nextLook() *look {
	au := &a.audit
	const dayMS = 24 * schema.HourMS
	dayOf := func(hour state.Hour) accountDay { return accountDay{hour.Account, hour.BucketMS / dayMS * dayMS} }
	due := true
	var chosen accountDay
	if au.looks++; au.looks%randomEvery == 0 {
		for hour := range a.states.Hours { // In an order of its own, each time.
			chosen, due = dayOf(hour), false
			break
		}
	} else {
		if len(au.left) == 0 {
			since := a.cfg.Now().UnixMilli() - auditDays*dayMS
			days := map[accountDay]bool{}
			for hour := range a.states.Hours {
				if hour.BucketMS > since {
					days[dayOf(hour)] = true
				}
			}
			au.left = slices.SortedFunc(maps.Keys(days), func(x, y accountDay) int {
				return cmp.Or(cmp.Compare(x.day, y.day), cmp.Compare(x.account, y.account))
			})
		}
		if len(au.left) > 0 {
			chosen = au.left[len(au.left)-1]
			au.left = au.left[:len(au.left)-1]
		}
	}
	hours := map[state.Hour]bool{}
	for at := chosen.day; at < chosen.day+dayMS; at += schema.HourMS {
		hour := state.Hour{Account: chosen.account, BucketMS: at}
		if cold, known := a.states.Hours[hour]; known {
			hours[hour] = cold
		}
	}
	if len(hours) == 0 {
		return nil
	}
	l := newLook(chosen.account, hours)
	l.day, l.due = hourTime(chosen.day), due
	return l
}

// Audited says what an audit of everything found.
type Audited struct {
	Hours, Messages int
	// Differences name what is published and not what facts say.
	Differences []string
}

// Audit compares all that is published with facts, and changes nothing. It is for a database at rest: what is on its
// way differs.
func Audit(ctx context.Context, cfg Config, deps Deps) (Audited, error) {
	a := New(cfg, deps)
	for _, read := range []func(context.Context) error{a.states.Read, a.readOptOuts} {
		if err := read(ctx); err != nil {
			return Audited{}, err
		}
	}
	if err := a.deps.Conn.QueryRow(ctx, statement("last_generation")).Scan(&a.generation); err != nil {
		return Audited{}, fmt.Errorf("read last generation: %w", err)
	}
	accounts := map[string]map[state.Hour]bool{}
	for hour, cold := range a.states.Hours {
		if accounts[hour.Account] == nil {
			accounts[hour.Account] = map[state.Hour]bool{}
		}
		accounts[hour.Account][hour] = cold
	}
	var all Audited
	var looks []*look
	conclude := func() error {
		if len(looks) == 0 {
			return nil
		}
		if err := a.compareCells(ctx, looks...); err != nil {
			return err
		}
		for _, l := range looks {
			for f := range l.found {
				all.Differences = append(all.Differences, fmt.Sprintf("%s of %s, hour %s: %q", f.kind, f.hour.Account,
					hourTime(f.hour.BucketMS).Format(time.RFC3339), f.fact))
			}
		}
		looks = nil
		return nil
	}
	// Many small accounts are compared at once: a statement that compares cells takes longer to plan than to run.
	const atOnce = 100_000
	messages := 0
	for account, hours := range accounts {
		l := newLook(account, hours)
		l.rows = 65_536
		if len(looks) > 0 {
			l.sum = looks[0].sum
		}
		for last := false; !last; {
			var err error
			if last, err = a.slice(ctx, l); err != nil {
				return Audited{}, err
			}
		}
		looks = append(looks, l)
		all.Hours += len(hours)
		all.Messages += l.messages
		if all.Messages-messages < atOnce {
			continue
		}
		messages = all.Messages
		if err := conclude(); err != nil {
			return Audited{}, err
		}
	}
	err := conclude()
	return all, err
}
