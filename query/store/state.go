package store

import (
	"context"
	"embed"
	"fmt"
	"maps"
	"slices"
	"sync"
	"text/template"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/query/answer"
	"kaskad/schema"
)

//go:embed sql/state.sql sql/look.sql
var stateSQL embed.FS

var stateTemplate = template.Must(template.New("state.sql").ParseFS(stateSQL, "sql/*.sql"))

// stateStatement is a statement of state.sql or look.sql.
func stateStatement(name string) string {
	statement, err := Fill(stateTemplate.Lookup(name), nil)
	if err != nil {
		panic(err) // They have no data, so each of them is the same always, and tests have seen it.
	}
	return statement
}

// References tell which reference data there is, by numbers that differ when some was put or taken back.
type References struct {
	// PriceLists are the newest of all accounts.
	PriceLists        answer.PriceVersions
	errorMaps, routes uint64
}

// ErrorMaps is a number that is another one once an error map was put or taken back.
func (r *References) ErrorMaps() uint64 { return r.errorMaps }

// Day is what a UTC day of an account is made of: the build that sums it up, 0 where there is none, and what changed it
// last.
type Day struct {
	Date          time.Time
	Build, Newest uint64
}

// State is what a request begins with.
type State struct {
	answer.Snapshot
	References
	// Days are those of the period that hold cells, in order, where one account is in scope, or all are. Of all a day
	// has the newest build of any account.
	Days []Day
	// Epoch is another one once anything may have changed in the past of editions that were seen.
	Epoch uint64
	// OptOut is 0 where nobody in scope ever opted out. Where Days are known it is the edition that attributed the
	// newest.
	OptOut uint64

	// known: so are Days. index has those of others, of the period from…to.
	known        bool
	index        *dayIndex
	fromMS, toMS int64
	// changes is how many rows say what changed days.
	changes uint64
}

// Fingerprint stays as long as nothing changes the cells of the period.
func (s *State) Fingerprint() string {
	if s.known {
		return fmt.Sprint(s.Epoch, s.Days)
	}
	return fmt.Sprint(s.Epoch, s.Edition, s.changes)
}

// Scope is what a request looks at. The zero value stands for one that is not about facts.
type Scope struct {
	// Accounts are nil for all.
	Accounts     []string
	FromMS, ToMS int64
}

// owner is whose days a request looks at, false where it looks at those of several accounts, or at none.
func (s *Scope) owner() (whose owner, one bool) {
	switch {
	case s.FromMS >= s.ToMS || len(s.Accounts) > 1:
		return owner{}, false
	case s.Accounts == nil:
		return owner{all: true}, true
	}
	return owner{account: s.Accounts[0]}, true
}

// owner is an account, or all of them together.
type owner struct {
	all     bool
	account string
}

// State returns what a request begins with. The first page of an answer has no snapshot yet; of others the given one
// stays.
func (d *DB) State(ctx context.Context, scope Scope, now time.Time, given *answer.Snapshot) (*State, error) {
	p, err := d.published(ctx)
	if err != nil {
		return nil, err
	}
	s := &State{Snapshot: answer.Snapshot{NowMS: now.UnixMilli(), ReadMS: p.began.UnixMilli(), Edition: p.edition,
		Dead: p.dead, AsOfMS: d.AsOf(p.fresh, now), Lost: p.lostIn(scope)}, References: p.references,
		OptOut: p.optOuts, Epoch: p.epoch, changes: p.changes}
	known := p.days
	if given != nil {
		s.Snapshot = *given
		if given.Edition != p.edition {
			known = newDayIndex(given.Edition, given.Dead)
		}
	}
	whose, one := scope.owner()
	if s.known = one; !one {
		return s, nil
	}
	of, err := known.of(ctx, d, whose)
	if err != nil {
		return nil, fmt.Errorf("read what days are made of: %w", err)
	}
	s.OptOut = of.optOut
	s.index, s.fromMS, s.toMS = known, scope.FromMS, scope.ToMS
	s.Days = s.inPeriod(of.days)
	return s, nil
}

// Beside is the same state for another account, false where nobody has asked for its days: none are read.
func (s *State) Beside(account string) (*State, bool) {
	if s.index == nil {
		return nil, false
	}
	of, known := s.index.has(owner{account: account})
	other := *s
	other.OptOut, other.Days = of.optOut, s.inPeriod(of.days)
	return &other, known
}

func (s *State) inPeriod(all []Day) (days []Day) {
	const dayMS = 24 * schema.HourMS
	for _, day := range all {
		if ms := day.Date.UnixMilli(); ms+dayMS > s.fromMS && ms < s.toMS {
			days = append(days, day)
		}
	}
	return days
}

// Snapshot is that of a request about no facts.
func (d *DB) Snapshot(ctx context.Context, now time.Time) (answer.Snapshot, error) {
	s, err := d.State(ctx, Scope{}, now, nil)
	if err != nil {
		return answer.Snapshot{}, err
	}
	return s.Snapshot, nil
}

// References returns which reference data there is.
func (d *DB) References(ctx context.Context) (References, error) {
	p, err := d.published(ctx)
	if err != nil {
		return References{}, err
	}
	return p.references, nil
}

// dayIndex is what the days of accounts are made of as an edition left them, of the accounts that were asked for, and
// of all together if they were. It is safe for concurrent use.
type dayIndex struct {
	edition uint64
	dead    []uint64

	mu       sync.Mutex
	accounts map[owner]accountDays
}

// accountDays are all days of an account, in order, and the edition that attributed its newest opt-out. They never
// change.
type accountDays struct {
	days   []Day
	optOut uint64
}

// maxKnownDays bounds the days of all accounts in an index. A day takes 40 bytes.
const maxKnownDays = 1 << 20

func newDayIndex(edition uint64, dead []uint64) *dayIndex {
	return &dayIndex{edition: edition, dead: dead, accounts: map[owner]accountDays{}}
}

// known returns a copy of what is known, or of nothing if that is too much.
func (x *dayIndex) known() map[owner]accountDays {
	x.mu.Lock()
	defer x.mu.Unlock()
	days := 0
	for _, a := range x.accounts {
		days += len(a.days)
	}
	if days > maxKnownDays {
		return map[owner]accountDays{}
	}
	return maps.Clone(x.accounts)
}

// change takes in what later editions did to a day. Accounts that nobody asked for stay unknown.
func (x *dayIndex) change(whose owner, date time.Time, build, changed uint64) {
	of, known := x.accounts[whose]
	if !known {
		return
	}
	of.days = slices.Clone(of.days)
	at, found := slices.BinarySearchFunc(of.days, date, func(d Day, t time.Time) int { return d.Date.Compare(t) })
	if !found {
		of.days = slices.Insert(of.days, at, newDay(date, build, changed))
	}
	day := &of.days[at]
	day.Build, day.Newest = max(day.Build, build), max(day.Newest, changed)
	x.accounts[whose] = of
}

// optedOut takes in that an edition attributed an opt-out.
func (x *dayIndex) optedOut(whose owner, edition uint64) {
	if of, known := x.accounts[whose]; known {
		of.optOut = max(of.optOut, edition)
		x.accounts[whose] = of
	}
}

// newDay is a day of which nothing else is known. Changes that are summed up may be forgotten, and then the build that
// has them stands for them.
func newDay(date time.Time, build, changed uint64) Day {
	if changed == 0 {
		changed = build
	}
	return Day{date, build, changed}
}

// has returns the days of an account, or of all, where somebody has asked for them.
func (x *dayIndex) has(whose owner) (of accountDays, known bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	of, known = x.accounts[whose]
	return of, known
}

// of returns the days of an account, or of all.
func (x *dayIndex) of(ctx context.Context, d *DB, whose owner) (of accountDays, err error) {
	if of, known := x.has(whose); known {
		return of, nil
	}
	name := "days_of"
	if whose.all {
		name = "days_of_all"
	}
	var dates []time.Time
	var builds, changed []uint64
	parameters := []any{clickhouse.Named("account", whose.account), clickhouse.Named("edition", x.edition),
		clickhouse.Named("dead", append([]uint64{}, x.dead...))}
	if err := d.row(ctx, name, parameters, &dates, &builds, &changed, &of.optOut); err != nil {
		return of, err
	}
	for i, date := range dates {
		of.days = append(of.days, newDay(date, builds[i], changed[i]))
	}
	slices.SortFunc(of.days, func(a, b Day) int { return a.Date.Compare(b.Date) })
	x.mu.Lock()
	defer x.mu.Unlock()
	x.accounts[whose] = of
	return of, nil
}
