package aggregate

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/aggregate/cells"
	"kaskad/schema"
)

// dayKey is a UTC day of an account.
type dayKey struct {
	account string
	unix    int64 // when it begins
}

// dayStand is what is to be known of a day to see whether its sums are worth building. Who publishes editions counts:
// to ask table day_changes each time would cost the more, the more changes there are that nobody has summed.
type dayStand struct {
	// changed is how many cells editions have changed since the newest build, last the latest of these editions.
	changed, last uint64
	// summed is how many cells the newest build made.
	summed uint64
}

// dayChanges are how many cells of days an edition changes.
type dayChanges map[dayKey]uint64

// add counts the rows of a block.
func (c dayChanges) add(b *cells.Block) {
	if !strings.HasPrefix(b.Table, "rollup_") {
		return
	}
	accounts := b.Columns[slices.Index(b.Names, "account")].([]string)
	days := b.Columns[slices.Index(b.Names, "day")].([]time.Time)
	const seconds = 24 * 60 * 60
	var at dayKey // of many rows one after the other
	var n uint64
	for i, day := range days {
		unix := day.Unix()
		if is := (dayKey{accounts[i], unix - unix%seconds}); is != at {
			c.count(at, n)
			at, n = is, 0
		}
		n++
	}
	c.count(at, n)
}

func (c dayChanges) count(day dayKey, n uint64) {
	if n > 0 {
		c[day] += n
	}
}

// readDayChanges counts anew the days of the accounts in targets: of these the edition wrote cells in SQL.
func (e *edition) readDayChanges(ctx context.Context, targets *ext.Table) error {
	return schema.EachRow(clickhouse.Context(ctx, clickhouse.WithExternalTable(targets),
		clickhouse.WithParameters(e.parameters(e.id))), e.deps.Conn, "count changes of days",
		statement("day_changes_of"), func(rows driver.Rows) error {
			var account string
			var day time.Time
			var n uint64
			if err := rows.Scan(&account, &day, &n); err != nil {
				return err
			}
			e.days[dayKey{account, day.Unix()}] = n
			return nil
		})
}

// noteDays notes what a published edition changed. Before the first look for days nothing is noted: that one reads all.
func (a *Aggregator) noteDays(edition uint64, changes dayChanges) {
	if a.days == nil {
		return
	}
	for key, n := range changes {
		stand := a.days[key]
		stand.changed, stand.last = stand.changed+n, edition
		a.days[key] = stand
		a.unsummed[key] = true
	}
}

// readDays reads how all days stand.
func (a *Aggregator) readDays(ctx context.Context) error {
	days, unsummed := map[dayKey]dayStand{}, map[dayKey]bool{}
	read := func(rows driver.Rows) error {
		var account string
		var day time.Time
		var stand dayStand
		if err := rows.Scan(&account, &day, &stand.changed, &stand.last, &stand.summed); err != nil {
			return err
		}
		key := dayKey{account, day.Unix()}
		if days[key] = stand; stand.changed > 0 {
			unsummed[key] = true
		}
		return nil
	}
	if err := schema.EachRow(ctx, a.deps.Conn, "read how days stand", statement("day_stands"), read); err != nil {
		return err
	}
	a.days, a.unsummed = days, unsummed
	return nil
}

// daysToBuild lists days that nothing has changed since the edition quiet, and those with more changes than are worth
// adding up at each reading, limit of them at most: of the account with the most changed one, then of the next. Days of
// an account lie beside each other: they are read in less than a third of the rows that as many of other accounts take.
// While changes wait to be published, a day that was never built is left until it is quiet: nearly all of its cells are
// of one edition, and would be copied.
func (a *Aggregator) daysToBuild(quiet uint64, limit int) []dayKey {
	const fewChanges = 2000
	var all []dayKey
	most := map[string]uint64{}
	for key := range a.unsummed {
		stand := a.days[key]
		if fresh := stand.summed == 0 && a.pending > 0; stand.last < quiet ||
			!fresh && stand.changed > fewChanges+stand.summed {
			all = append(all, key)
			most[key.account] = max(most[key.account], stand.changed)
		}
	}
	slices.SortFunc(all, func(x, y dayKey) int {
		return cmp.Or(cmp.Compare(most[y.account], most[x.account]), strings.Compare(x.account, y.account),
			cmp.Compare(y.unix, x.unix))
	})
	return all[:min(len(all), limit)]
}

// noteBuilt notes how many cells a build made of days.
func (a *Aggregator) noteBuilt(ctx context.Context, build uint64, days *ext.Table) error {
	return schema.EachRow(clickhouse.Context(ctx, clickhouse.WithExternalTable(days),
		clickhouse.WithParameters(a.parameters(build))), a.deps.Conn, "count cells of builds",
		statement("build_cells"), func(rows driver.Rows) error {
			var account string
			var day time.Time
			var stand dayStand
			if err := rows.Scan(&account, &day, &stand.summed); err != nil {
				return err
			}
			key := dayKey{account, day.Unix()}
			stand.last = a.days[key].last
			a.days[key] = stand
			delete(a.unsummed, key)
			return nil
		})
}
