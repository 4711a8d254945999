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

//go:embed sql/state.sql sql/freshness.sql
var stateSQL embed.FS

var stateTemplate = template.Must(template.New("state.sql").ParseFS(stateSQL, "sql/*.sql"))

// References tell which reference data there is, by numbers that differ when some was put or taken back.
type References struct {
	// PriceLists are the newest of all accounts.
	PriceLists        answer.PriceVersions
	errorMaps, routes uint64
}

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
	// Days are those of the period that hold cells, in order, where one account is in scope.
	Days []Day
	// OptOut is 0 where nobody in scope ever opted out. Of one account it is the edition that attributed the newest.
	OptOut uint64

	single bool
	// changes is how many rows say what changed days.
	changes uint64
}

// Fingerprint stays as long as nothing changes the cells of the period.
func (s *State) Fingerprint() string {
	if s.single {
		return fmt.Sprint(s.Days)
	}
	return fmt.Sprint(s.Edition, s.changes)
}

// Scope is what a request looks at. The zero value stands for one that is not about facts.
type Scope struct {
	// Accounts are nil for all.
	Accounts     []string
	FromMS, ToMS int64
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
		OptOut: p.optOuts, single: len(scope.Accounts) == 1, changes: p.changes}
	known := p.days
	if given != nil {
		s.Snapshot = *given
		if given.Edition != p.edition {
			known = newDayIndex(given.Edition, given.Dead)
		}
	}
	if !s.single {
		return s, nil
	}
	of, err := known.of(ctx, d, scope.Accounts[0])
	if err != nil {
		return nil, fmt.Errorf("read what days are made of: %w", err)
	}
	s.OptOut = of.optOut
	const dayMS = 24 * schema.HourMS
	for _, day := range of.days {
		if ms := day.Date.UnixMilli(); ms+dayMS > scope.FromMS && ms < scope.ToMS {
			s.Days = append(s.Days, day)
		}
	}
	return s, nil
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

// published is what was published at a moment, of all accounts. It does not change but for what days learns.
type published struct {
	began        time.Time
	fresh        Freshness
	edition      uint64
	dead         []uint64
	references   References
	lostAccounts []string
	lostHours    []time.Time
	// optOuts and changes are how many rows of opt_outs and day_changes there are.
	optOuts, changes uint64
	days             *dayIndex
}

// lostIn reports whether an hour of the period lacks facts that were there.
func (p *published) lostIn(scope Scope) bool {
	for i, hour := range p.lostHours {
		// The cohorts of an hour's messages lie in it, or close by.
		if ms := hour.UnixMilli(); ms >= scope.FromMS-schema.HourMS && ms < scope.ToMS+schema.HourMS &&
			(len(scope.Accounts) == 0 || slices.Contains(scope.Accounts, p.lostAccounts[i])) {
			return true
		}
	}
	return false
}

// sharedFor is how old what was published may be for requests that come while others are answered. Reading it costs
// several times what a report does otherwise.
const sharedFor = 250 * time.Millisecond

// publishedCache keeps what was published last. It is safe for concurrent use.
type publishedCache struct {
	mu   sync.Mutex
	last *published
	// fresh says that last may be shared.
	fresh bool
}

// Forget has the next request read what is published: somebody was told of something that it may miss otherwise.
func (d *DB) Forget() {
	d.shared.mu.Lock()
	defer d.shared.mu.Unlock()
	d.shared.fresh = false
}

type publishedKey struct{}

// Begin looks at what is published once for all of a request, and names what answers of the API are made of besides the
// time and the request. The look takes as long as given at most.
func (d *DB) Begin(ctx context.Context, most time.Duration) (request context.Context, name string, err error) {
	looking, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	p, err := d.published(looking)
	if err != nil {
		return nil, "", err
	}
	return context.WithValue(ctx, publishedKey{}, p), fmt.Sprint(p.edition, p.dead, p.references, p.changes,
		p.lostAccounts, p.lostHours), nil
}

// published returns what was published when it was called, or later, or shortly before while others are answered.
func (d *DB) published(ctx context.Context) (*published, error) {
	if p, begun := ctx.Value(publishedKey{}).(*published); begun {
		return p, nil
	}
	called := time.Now()
	c := &d.shared
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.last; c.fresh && (p.began.After(called) ||
		d.Busy != nil && d.Busy() && called.Sub(p.began) < sharedFor) {
		return p, nil
	}
	// For all who ask, whoever is the first.
	p, err := d.readPublished(answer.ForAll(ctx), c.last)
	if err != nil {
		return nil, fmt.Errorf("read what is published: %w", err)
	}
	c.last, c.fresh = p, true
	return p, nil
}

func (d *DB) readPublished(ctx context.Context, last *published) (*published, error) {
	statement, err := Fill(stateTemplate, struct{ Since bool }{last != nil})
	if err != nil {
		return nil, err
	}
	var args []any
	if last != nil {
		args = append(args, clickhouse.Named("since", last.edition))
	}
	p := &published{began: time.Now()}
	asOfMS, at := d.stated() // before the editions that it covers
	var ageMS int64
	var later struct {
		accounts, optedOut      []string
		days                    []time.Time
		builds, changed, optOut []uint64
	}
	lists := &p.references.PriceLists
	if err := d.Conn.QueryRow(d.SmallSettings(ctx), statement, args...).Scan(&p.fresh.Known, &p.fresh.AsOfMS,
		&p.fresh.PendingBuckets, &ageMS, &p.edition, &p.dead, &p.lostAccounts, &p.lostHours, &lists.Tariffs,
		&lists.Templates, &lists.Lists, &p.references.errorMaps, &p.references.routes, &p.optOuts, &p.changes,
		&later.accounts, &later.days, &later.builds, &later.changed, &later.optedOut, &later.optOut); err != nil {
		return nil, err
	}
	p.fresh.Age = time.Duration(ageMS) * time.Millisecond
	p.fresh.take(asOfMS, at)
	// What is newer may be published yet.
	p.dead = slices.DeleteFunc(p.dead, func(e uint64) bool { return e > p.edition })
	if p.days = newDayIndex(p.edition, p.dead); last == nil || p.edition < last.edition ||
		slices.ContainsFunc(last.dead, func(e uint64) bool { return !slices.Contains(p.dead, e) }) {
		return p, nil // Ids were not as they should be: what days are made of is read anew.
	}
	p.days.accounts = last.days.known()
	for i, account := range later.accounts {
		p.days.change(account, later.days[i], later.builds[i], later.changed[i])
	}
	for i, account := range later.optedOut {
		if of, known := p.days.accounts[account]; known {
			of.optOut = max(of.optOut, later.optOut[i])
			p.days.accounts[account] = of
		}
	}
	return p, nil
}

// dayIndex is what the days of accounts are made of as an edition left them, of the accounts that were asked for. It is
// safe for concurrent use.
type dayIndex struct {
	edition uint64
	dead    []uint64

	mu       sync.Mutex
	accounts map[string]accountDays
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
	return &dayIndex{edition: edition, dead: dead, accounts: map[string]accountDays{}}
}

// known returns a copy of what is known, or of nothing if that is too much.
func (x *dayIndex) known() map[string]accountDays {
	x.mu.Lock()
	defer x.mu.Unlock()
	days := 0
	for _, a := range x.accounts {
		days += len(a.days)
	}
	if days > maxKnownDays {
		return map[string]accountDays{}
	}
	return maps.Clone(x.accounts)
}

// change takes in what later editions did to a day. Accounts that nobody asked for stay unknown.
func (x *dayIndex) change(account string, date time.Time, build, changed uint64) {
	of, known := x.accounts[account]
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
	x.accounts[account] = of
}

// newDay is a day of which nothing else is known. Changes that are summed up may be forgotten, and then the build that
// has them stands for them.
func newDay(date time.Time, build, changed uint64) Day {
	if changed == 0 {
		changed = build
	}
	return Day{date, build, changed}
}

// of returns the days of an account.
func (x *dayIndex) of(ctx context.Context, d *DB, account string) (accountDays, error) {
	x.mu.Lock()
	of, known := x.accounts[account]
	x.mu.Unlock()
	if known {
		return of, nil
	}
	statement, err := Fill(stateTemplate.Lookup("days_of"), nil)
	if err != nil {
		return of, err
	}
	var dates []time.Time
	var builds, changed []uint64
	if err := d.Conn.QueryRow(d.SmallSettings(ctx), statement, clickhouse.Named("account", account),
		clickhouse.Named("edition", x.edition), clickhouse.Named("dead", append([]uint64{}, x.dead...))).Scan(&dates,
		&builds, &changed, &of.optOut); err != nil {
		return of, err
	}
	for i, date := range dates {
		of.days = append(of.days, newDay(date, builds[i], changed[i]))
	}
	slices.SortFunc(of.days, func(a, b Day) int { return a.Date.Compare(b.Date) })
	x.mu.Lock()
	defer x.mu.Unlock()
	x.accounts[account] = of
	return of, nil
}
