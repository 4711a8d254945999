package store

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/query/answer"
	"kaskad/schema"
)

// published is what was published at a moment, of all accounts. It does not change but for what days learns.
type published struct {
	began        time.Time
	fresh        Freshness
	edition      uint64
	dead         []uint64
	epoch        uint64
	references   References
	lostAccounts []string
	lostHours    []time.Time
	// optOuts is the newest edition that attributed an opt-out, published or not, 0 where nobody ever opted out.
	// changes is how many rows of day_changes there are.
	optOuts, changes uint64
	days             *dayIndex
	// look was taken before the rest was read.
	look look
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

// sharedFor is how old what was published may be for requests that come while others are answered. Looking whether it
// has changed costs as much as a report does otherwise.
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
	return context.WithValue(ctx, publishedKey{}, p), fmt.Sprint(p.epoch, p.edition, p.dead, p.references,
		p.changes, p.lostAccounts, p.lostHours), nil
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

// readPublished reads what is published, but for what is as it was.
func (d *DB) readPublished(ctx context.Context, last *published) (*published, error) {
	p := &published{began: time.Now()}
	asOfMS, at := d.stated() // before the editions that it covers, as what is stored of it
	if freshness := last == nil || at.IsZero() || !last.fresh.Known; !freshness {
		p.fresh = last.fresh
	} else if err := d.readFreshness(ctx, &p.fresh); err != nil {
		return nil, err
	}
	p.fresh.take(asOfMS, at)
	var err error
	if p.look, err = d.look(ctx); err != nil {
		return nil, err
	}
	if last != nil && p.look.known && p.look == last.look {
		same := *last
		same.began, same.fresh = p.began, p.fresh
		return &same, nil
	}
	return p, d.readChanged(ctx, p, last)
}

// readChanged reads what is published, and takes what is known to be as it was from what was published last.
func (d *DB) readChanged(ctx context.Context, p, last *published) error {
	if err := d.row(ctx, "editions", nil, &p.edition, &p.dead); err != nil {
		return err
	}
	// What is newer may be published yet.
	p.dead = slices.DeleteFunc(p.dead, func(e uint64) bool { return e > p.edition })
	p.days = newDayIndex(p.edition, p.dead)
	if err := d.row(ctx, "changes", nil, &p.changes); err != nil {
		return err
	}
	looked := last != nil && p.look.known && last.look.known
	// The look was taken before the edition was read: what a later one did may not be in it.
	known := looked && p.edition == last.edition
	if known && p.look.lost == last.look.lost {
		p.lostAccounts, p.lostHours = last.lostAccounts, last.lostHours
	} else if err := d.readLost(ctx, p); err != nil {
		return err
	}
	if looked && p.look.lists == last.look.lists {
		p.references = last.references
	} else if err := d.readLists(ctx, &p.references); err != nil {
		return err
	}
	since := uint64(0)
	if last != nil {
		p.optOuts, p.epoch, since = last.optOuts, last.epoch, last.edition
		if p.edition < last.edition ||
			slices.ContainsFunc(last.dead, func(e uint64) bool { return !slices.Contains(p.dead, e) }) {
			p.epoch++ // Ids were not as they should be: what days are made of is read anew.
		} else if p.days.accounts = last.days.known(); !known || p.look.days != last.look.days {
			if err := d.readDaysSince(ctx, p, since); err != nil {
				return err
			}
		}
	}
	// An opt-out may have been there before its edition was published.
	if known && p.look.optOuts == last.look.optOuts && last.optOuts <= last.edition {
		return nil
	}
	return d.readOptedOutSince(ctx, p, since)
}

// row reads the one row of a statement of state.sql.
func (d *DB) row(ctx context.Context, name string, args []any, to ...any) error {
	if err := d.Conn.QueryRow(d.SmallSettings(ctx), stateStatement(name), args...).Scan(to...); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// readLost reads the hours that lack facts.
func (d *DB) readLost(ctx context.Context, p *published) error {
	return schema.EachRow(d.SmallSettings(ctx), d.Conn, "read hours that lack facts", stateStatement("lost"),
		func(rows driver.Rows) error {
			var account string
			var hour time.Time
			err := rows.Scan(&account, &hour)
			p.lostAccounts, p.lostHours = append(p.lostAccounts, account), append(p.lostHours, hour)
			return err
		})
}

// readLists reads which reference data there is.
func (d *DB) readLists(ctx context.Context, r *References) error {
	lists := &r.PriceLists
	if err := d.row(ctx, "lists", nil, &lists.Tariffs, &lists.Templates, &lists.Lists, &r.errorMaps); err != nil {
		return err
	}
	return d.row(ctx, "routes", nil, &r.routes)
}

// seenBy are the parameters of statements about what an edition sees.
func (p *published) seenBy(since uint64) []any {
	return []any{clickhouse.Named("since", since), clickhouse.Named("edition", p.edition),
		clickhouse.Named("dead", append([]uint64{}, p.dead...))}
}

// readDaysSince takes in what later editions did to days of accounts that somebody asked for.
func (d *DB) readDaysSince(ctx context.Context, p *published, since uint64) error {
	return schema.EachRow(d.SmallSettings(ctx), d.Conn, "read which days changed", stateStatement("days_since"),
		func(rows driver.Rows) error {
			var account string
			var day time.Time
			var build, changed uint64
			if err := rows.Scan(&account, &day, &build, &changed); err != nil {
				return err
			}
			p.days.change(owner{account: account}, day, build, changed)
			p.days.change(owner{all: true}, day, build, max(build, changed))
			return nil
		}, p.seenBy(since)...)
}

// readOptedOutSince takes in which later editions attributed opt-outs.
func (d *DB) readOptedOutSince(ctx context.Context, p *published, since uint64) error {
	return schema.EachRow(d.SmallSettings(ctx), d.Conn, "read who opted out", stateStatement("opted_out_since"),
		func(rows driver.Rows) error {
			var account string
			var seen, newest uint64
			if err := rows.Scan(&account, &seen, &newest); err != nil {
				return err
			}
			p.optOuts = max(p.optOuts, newest)
			p.days.optedOut(owner{account: account}, seen)
			p.days.optedOut(owner{all: true}, seen)
			return nil
		}, p.seenBy(since)...)
}
