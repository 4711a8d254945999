package rollup

import (
	"context"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/singleflight"

	"kaskad/query/answer"
	"kaskad/query/store"
)

// Sums are what a report has of a day. They never change, and Plus makes others: the same with more of them, or with
// them taken away where times is -1. It is false where what comes out counts less than nothing. Settle tells, row by
// row, when cohorts settle.
type Sums[S any] interface {
	comparable
	Bytes() int64
	Plus(more S, times int64) (sums S, counts bool)
	Settle(visit func(row string, s Settling))
}

// Part is a UTC day of an account in an answer, or what the period leaves of it: either the quarter hours whose cohorts
// settle at present, or all others.
type Part[S any] struct {
	// Account is its account where rows of several are read, else "".
	Account string
	Date    time.Time
	// From and To are its cohorts in Unix seconds, half-open.
	From, To uint32
	Settling bool
	// Sums are what the report has of them.
	Sums S

	key   string
	known *remembered[S]
	day   store.Day
	// exact: what settles at present settles when the sums say it, not earlier.
	exact bool
}

// Day is the part's day in days of Unix time.
func (p *Part[S]) Day() int64 { return p.Date.Unix() / DaySeconds }

// DayRows are the rows of a rollup that are read of days.
type DayRows struct {
	// Days are read without what settles at present, and of Settling that alone.
	Days, Settling []time.Time
	// Where Above is not nil, what later editions than these changed is read instead, of each of the days: up to those
	// of UpTo, and without Dead.
	Above, UpTo, Dead []uint64
	// Accounts are those whose rows are read, each apart, nil for what the request looks at.
	Accounts []string
}

// OptOuts tells whether opt-outs are read that belong to no day: with all days, or with none.
func (r *DayRows) OptOuts() bool { return r == nil || len(r.Days)+len(r.Settling) == 0 }

// Few tells whether they are so few that a second thread is not worth its cost.
func (r *DayRows) Few(accounts int) bool {
	const fewDays = 3
	return r != nil && (r.Above != nil || accounts == 1 && len(r.Days)+len(r.Settling) <= fewDays)
}

// remembered are the sums of a part, of all that was visible at an edition.
type remembered[S any] struct {
	sums  S
	bytes int64
	// edition is that, dead are those before it that died, and changed is the last that changed the day.
	edition, changed uint64
	dead             []uint64
	// exact is that of the part at the day's build.
	exact bool
	build uint64
	// readMS is when the edition was seen, on the real clock.
	readMS int64
}

// Bytes is about what it takes.
func (m *remembered[S]) Bytes() int64 { return m.bytes }

// DaySums remember what a report has of the days of accounts, and how it stood at which edition. What editions have
// changed since adds up, so an answer costs what they changed. They are safe for concurrent use.
type DaySums[S Sums[S]] struct {
	Cache Cache[*remembered[S]]

	asked  asked
	moving singleflight.Group
}

// Reader is how a report reads days.
type Reader[S any] struct {
	// Depends names what sums of an account, "" for all, depend on besides the request and what is published; nil where
	// that is nothing.
	Depends func(account string) []string
	// Serves tells whether sums of an account serve the answer.
	Serves func(account string, sums S) bool
	// Read fills in the sums of parts: of their rows, or of what editions changed.
	Read func(ctx context.Context, rows *DayRows, parts []*Part[S]) error
	// Along tells whether an account's days may be read together with those of others; nil where none may.
	Along func(account string) bool
}

// dependsOn lists all that sums of days of an account depend on.
func (d *Reader[S]) dependsOn(r *Request, account string, state *store.State, routes *store.Routes) []string {
	all := alike(r, state, routes)
	if d.Depends != nil {
		all = append(all, d.Depends(account)...)
	}
	return all
}

// alike lists what requests have in common that are alike.
func alike(r *Request, state *store.State, routes *store.Routes) []string {
	all := append([]string{r.Name, r.Zone.String(), routes.Fingerprint, strconv.FormatUint(state.Epoch, 10)},
		r.Keys.Names()...)
	for _, f := range r.Filters {
		all = append(all, f.Parts()...)
	}
	return all
}

// Of returns the parts of the period that anything is known of, of the one account in scope, or of all.
func (d *DaySums[S]) Of(ctx context.Context, r *Request, state *store.State, routes *store.Routes,
	reader *Reader[S]) (all []*Part[S], err error) {
	account := ""
	if own := r.Accounts(); len(own) == 1 {
		account = own[0]
	}
	serves := func(sums S) bool { return reader.Serves(account, sums) }
	all = partsOf[S](r, state, routes, reader.dependsOn(r, account, state, routes))
	moved, missing := d.find(all, state, serves)
	if d.moveAlong(ctx, r, state, routes, reader, moved) {
		moved, missing = d.find(all, state, serves)
	}
	whole := func(parts []*Part[S]) error {
		if len(parts) == 0 {
			return nil
		}
		if err := reader.Read(ctx, rowsOf(parts), parts); err != nil {
			return err
		}
		for _, p := range parts {
			p.exact = true
			d.keep(p, state)
		}
		return nil
	}
	if len(moved) > 0 {
		if err := reader.Read(ctx, rowsBetween(moved, state), moved); err != nil {
			return nil, err
		}
		missing = append(missing, d.add(state, moved)...)
	}
	if err := whole(missing); err != nil {
		return nil, err
	}
	return all, whole(unsure(all, state.NowMS))
}

// find fills in the parts that are known as the answer has them, and lists those that move there, and all others.
func (d *DaySums[S]) find(all []*Part[S], state *store.State, serves func(S) bool) (moved, missing []*Part[S]) {
	for _, p := range all {
		switch p.known = d.Cache.Get(p.key); {
		case p.known == nil || !serves(p.known.sums):
			missing = append(missing, p)
		case !p.changedSince(state):
			p.Sums, p.exact = p.known.sums, p.known.exact && p.known.build == p.day.Build
			d.keep(p, state)
		case p.leadsTo(state) && (!p.Settling || p.movesWith(moved)):
			moved = append(moved, p)
		default:
			missing = append(missing, p)
		}
	}
	return moved, missing
}

// unsure lists parts of what settles at present on which it depends whether a row is settled, and that may settle
// earlier than they say. Rows with younger cohorts are not settled, whatever settles at present.
func unsure[S Sums[S]](all []*Part[S], nowMS int64) (parts []*Part[S]) {
	rows := map[string]bool{}
	for _, p := range all {
		if !p.Settling || p.exact {
			continue
		}
		depends := false
		p.Sums.Settle(func(row string, s Settling) {
			if s.MS() >= nowMS {
				rows[row], depends = true, true
			}
		})
		if depends {
			parts = append(parts, p)
		}
	}
	for _, p := range all {
		if len(rows) == 0 {
			return nil
		}
		if p.Settling {
			continue
		}
		p.Sums.Settle(func(row string, s Settling) {
			if s.MS() >= nowMS {
				delete(rows, row)
			}
		})
	}
	if len(rows) == 0 {
		return nil
	}
	return parts
}

// partsOf lists the parts, with what they are remembered by.
func partsOf[S Sums[S]](r *Request, state *store.State, routes *store.Routes, depends []string) (all []*Part[S]) {
	depends = slices.Clip(depends)
	from, to := store.Storable(r.FromMS), store.Storable(r.ToMS)
	borders := SettlingBorders(&state.Snapshot, routes.SettlingDays)
	settling := SettlingQuarters(&state.Snapshot, routes.SettlingDays)
	for _, day := range state.Days {
		start := uint32(day.Date.Unix())
		end := start + DaySeconds
		p := Part[S]{Date: day.Date, From: max(from, start), To: min(to, end), day: day}
		if p.From >= p.To {
			continue
		}
		// Of a day all cohorts of routes with so many of the settling windows are settled.
		settled := 0
		for _, quarter := range settling {
			if quarter >= end {
				settled++
			}
		}
		parts := append(depends, p.Date.Format(time.DateOnly), strconv.FormatUint(uint64(p.From), 10),
			strconv.FormatUint(uint64(p.To), 10), strconv.Itoa(settled))
		if slices.ContainsFunc(borders, func(border uint32) bool { return border > start && border < end }) {
			// Some of the day's cohorts settle as time goes by; of other days all do before anybody asks again.
			parts = append(parts, strconv.FormatInt(NowQuarter(&state.Snapshot), 10))
		}
		rest := p
		rest.key = string(answer.QueryHash(parts...))
		all = append(all, &rest)
		if slices.ContainsFunc(settling,
			func(quarter uint32) bool { return quarter >= p.From && quarter < p.To }) {
			p.Settling = true
			p.key = string(answer.QueryHash(append(parts, "settling")...))
			all = append(all, &p)
		}
	}
	return all
}

// changedSince tells whether an edition has changed the part between what is remembered and what is asked for, which
// may be older.
func (p *Part[S]) changedSince(state *store.State) bool {
	if p.known.edition <= state.Edition {
		return p.day.Newest > p.known.edition
	}
	return p.known.changed > state.Edition
}

// leadsTo tells whether all that was published in between can still be read: what builds have summed up is removed some
// time after it was seen last.
func (p *Part[S]) leadsTo(state *store.State) bool {
	return p.day.Build <= p.known.edition || state.ReadMS-p.known.readMS <= answer.MaxCursorAge.Milliseconds()
}

// movesWith tells whether the last of parts is the rest of the same day, of the same edition.
func (p *Part[S]) movesWith(parts []*Part[S]) bool {
	if len(parts) == 0 {
		return false
	}
	rest := parts[len(parts)-1]
	return rest.Date.Equal(p.Date) && rest.known.edition == p.known.edition
}

// rowsBetween are what editions changed of parts between what is remembered of them and the answer.
func rowsBetween[S any](parts []*Part[S], state *store.State) *DayRows {
	rows := &DayRows{Dead: slices.Clone(state.Dead)}
	for _, p := range parts {
		if p.Account != "" && !slices.Contains(rows.Accounts, p.Account) {
			rows.Accounts = append(rows.Accounts, p.Account)
		}
		rows.Dead = append(rows.Dead, p.known.dead...)
		if p.Settling || p.Account != "" && slices.ContainsFunc(rows.Days, p.Date.Equal) {
			continue // it moves with the rest of its day, or with that of another account, from the same edition
		}
		rows.Days = append(rows.Days, p.Date)
		rows.Above = append(rows.Above, min(p.known.edition, state.Edition))
		rows.UpTo = append(rows.UpTo, max(p.known.edition, state.Edition))
	}
	slices.Sort(rows.Dead)
	rows.Dead = slices.Compact(rows.Dead)
	return rows
}

// add makes of the remembered sums and of what editions changed those of the answer's edition, and returns the parts of
// which that makes none.
func (d *DaySums[S]) add(state *store.State, parts []*Part[S]) (missing []*Part[S]) {
	for _, p := range parts {
		times := int64(1)
		if p.known.edition > state.Edition {
			times = -1
		}
		sums, counts := p.known.sums.Plus(p.Sums, times)
		if !counts {
			// That is for the tables to say.
			missing = append(missing, p)
			continue
		}
		p.Sums = sums
		d.keep(p, state)
	}
	return missing
}

// rowsOf are all rows of parts.
func rowsOf[S any](parts []*Part[S]) *DayRows {
	rows := &DayRows{}
	for _, p := range parts {
		if p.Settling {
			rows.Settling = append(rows.Settling, p.Date)
		} else {
			rows.Days = append(rows.Days, p.Date)
		}
	}
	return rows
}

// keep remembers the sums of a part, unless newer ones are.
func (d *DaySums[S]) keep(p *Part[S], state *store.State) {
	known := p.known
	const often = 1000 // milliseconds between notes that an edition is still the newest
	if known != nil && (known.edition > state.Edition ||
		known.sums == p.Sums && known.edition == state.Edition && state.ReadMS < known.readMS+often) {
		return
	}
	m := &remembered[S]{sums: p.Sums, edition: state.Edition, changed: p.day.Newest, dead: state.Dead,
		exact: p.exact, build: p.day.Build, readMS: state.ReadMS}
	if known != nil && known.sums == p.Sums {
		m.bytes = known.bytes
	} else {
		m.bytes = 150 + p.Sums.Bytes()
	}
	d.Cache.Put(p.key, m)
}

// PlacesOf gives each part sums to be filled in, and finds them.
func PlacesOf[S any](parts []*Part[S], none func() S) (of func(account string, day int64, settling bool) S) {
	type place struct {
		account  string
		day      int64
		settling bool
	}
	places := make(map[place]S, len(parts))
	for _, p := range parts {
		p.Sums = none()
		places[place{p.Account, p.Day(), p.Settling}] = p.Sums
	}
	return func(account string, day int64, settling bool) S {
		if sums, wanted := places[place{account, day, settling}]; wanted {
			return sums
		}
		return none()
	}
}

// Settling tells when the youngest cohort settles of what is counted: Unsettled counts those in quarter hours that are
// not settled, and LastMS is when the youngest of these does. Differences may take away what was counted, so cohorts
// matter by what is left of them.
type Settling struct {
	Unsettled uint64
	LastMS    int64
}

// Add adds others, or takes them away. What settles last stays. It is later than now at least, as all is that is not
// settled and does not settle at present; of what does, it is exact where nothing is taken away.
func (s *Settling) Add(o Settling, times int64) {
	s.Unsettled += uint64(times) * o.Unsettled
	s.LastMS = max(s.LastMS, o.LastMS)
}

// MS is when all is settled, 0 where it is.
func (s Settling) MS() int64 {
	if int64(s.Unsettled) <= 0 {
		return 0
	}
	return s.LastMS
}
