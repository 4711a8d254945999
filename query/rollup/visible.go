package rollup

import (
	"fmt"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/query/answer"
	"kaskad/query/store"
)

// Rollup is a table of cells.
type Rollup struct {
	Table string
	// Routed: its rows name channel and provider, so that each knows when its cohorts settle.
	Routed bool
	// ByRoute: it has sums by channel and provider alone.
	ByRoute bool
	// ByHours: the statement tells times of a day apart, whatever the keys.
	ByHours bool
}

// Cells says which rows of a rollup a statement reads (sql/visible.sql): sums of whole UTC days where they are as good
// as those of quarter hours.
type Cells struct {
	Rollup       Rollup
	Accounts     []string // nil for all
	FromMS, ToMS int64
	Keys         Keys
	Filters      []Filter
	Zone         string
	// Seen is what the answer is of.
	Seen *answer.Snapshot
	// Borders are Unix seconds that no row may span: a price changes.
	Borders []uint32
	// SettlingDays are the settling windows of all routes.
	SettlingDays []uint16
	// Days are what the days of the period are made of, where one account is in scope.
	Days []store.Day
	// Rows are those that are read; nil for all.
	Rows *DayRows
	// OptOuts says that the statement reads opt-outs beside the cells, if it knows any.
	OptOuts bool
}

// CellsSQL is what sql/visible.sql is filled in with.
type CellsSQL struct {
	Rollup string
	// Sums is the kind of sums that stand for days, "" where there are no whole days.
	Sums string
	// Cuts: some days are no wholes. Split: of routes that settle on a day, the day is none.
	Cuts, Split bool
	// Dead: some editions died. OptOuts: opt-outs are read, too.
	Dead, OptOuts bool
	// Wanted: some days are read, Whole of some all rows, Part of some what settles at present. Moved: what editions
	// changed of days is read.
	Wanted, Whole, Part, Moved bool
	// Routed: rows name channel and provider.
	Routed bool
	// None: no cells are read, only what stands beside them.
	None bool
}

const DaySeconds = 24 * 60 * 60

// NowQuarter is the beginning of the quarter hour, in Unix milliseconds, that cohorts are compared with to tell which
// are settled.
func NowQuarter(seen *answer.Snapshot) int64 { return seen.NowMS - seen.NowMS%answer.QuarterMS }

// SettlingBorders are the Unix seconds between which all cohorts of a route are settled, or none: the quarter hours
// that are settling begin and end there.
func SettlingBorders(seen *answer.Snapshot, days []uint16) (borders []uint32) {
	for _, d := range days {
		second := NowQuarter(seen)/1000 - int64(d)*DaySeconds
		borders = append(borders, store.Storable(second*1000), store.Storable(second*1000+answer.QuarterMS))
	}
	slices.Sort(borders)
	return slices.Compact(borders)
}

// SettlingQuarters are the Unix seconds at which the quarter hours begin whose cohorts settle at present.
func SettlingQuarters(seen *answer.Snapshot, days []uint16) (quarters []uint32) {
	for _, d := range days {
		quarters = append(quarters, store.Storable((NowQuarter(seen)/1000-int64(d)*DaySeconds)*1000))
	}
	return quarters
}

// SQL returns what the template is filled in with, and its parameters but for from, to and filter_account.
func (c *Cells) SQL() (data CellsSQL, args []any) {
	asOf := int64(0)
	if c.Seen.AsOfMS != nil {
		asOf = *c.Seen.AsOfMS
	}
	args = []any{clickhouse.Named("edition", c.Seen.Edition), clickhouse.Named("now_quarter", NowQuarter(c.Seen)),
		clickhouse.Named("as_of", asOf)}
	data.Rollup, data.OptOuts, data.Routed = c.Rollup.Table, c.OptOuts, c.Rollup.Routed
	args = append(args, c.rows(&data)...)
	if data.Moved {
		return data, args
	}
	if data.Dead = len(c.Seen.Dead) > 0; data.Dead {
		args = append(args, clickhouse.Named("dead", c.Seen.Dead))
	}
	if len(c.Accounts) == 1 {
		// A day more that has no cells, for transform wants no empty arrays.
		dates, builds := []string{dateText(0)}, []uint64{0}
		for _, d := range c.Days {
			dates, builds = append(dates, d.Date.Format(time.DateOnly)), append(builds, d.Build)
		}
		args = append(args, clickhouse.Named("base_days", dates), clickhouse.Named("base_editions", builds))
	}
	from, to, cuts := c.wholeDays()
	if to-from <= int64(len(cuts)) {
		return data, args
	}
	data.Sums, data.Cuts, data.Split = "day", len(cuts) > 0, c.Rollup.Routed
	if c.Rollup.ByRoute && c.byRoute() {
		data.Sums = "route"
	}
	args = append(args, clickhouse.Named("whole_from", dateText(from)), clickhouse.Named("whole_to", dateText(to)))
	if data.Cuts {
		args = append(args, clickhouse.Named("cut_days", dateTexts(cuts)))
	}
	if data.Split {
		apart := slices.Clip(cuts)
		for _, quarter := range SettlingQuarters(c.Seen, c.SettlingDays) {
			apart = append(apart, int64(quarter)/DaySeconds)
		}
		args = append(args, clickhouse.Named("apart_days", dateTexts(apart)))
	}
	return data, args
}

// rows says which rows are read.
func (c *Cells) rows(data *CellsSQL) (args []any) {
	if c.Rows == nil {
		return nil
	}
	data.Wanted, data.Moved = true, c.Rows.Above != nil
	data.Whole, data.Part = len(c.Rows.Days) > 0, len(c.Rows.Settling) > 0
	data.None = c.OptOuts && !data.Whole && !data.Part
	dates := func(days []time.Time) (texts []string) {
		for _, day := range days {
			texts = append(texts, day.Format(time.DateOnly))
		}
		return texts
	}
	if data.Whole {
		args = append(args, clickhouse.Named("wanted_days", dates(c.Rows.Days)))
	}
	if data.Part {
		args = append(args, clickhouse.Named("settling_days", dates(c.Rows.Settling)))
	}
	if data.Whole || data.Part {
		args = append(args, clickhouse.Named("settling_quarters", SettlingQuarters(c.Seen, c.SettlingDays)))
	}
	if data.Moved {
		args = append(args, clickhouse.Named("above", c.Rows.Above), clickhouse.Named("up_to", c.Rows.UpTo),
			clickhouse.Named("least", slices.Min(c.Rows.Above)), clickhouse.Named("most", slices.Max(c.Rows.UpTo)))
		if data.Dead = len(c.Rows.Dead) > 0; data.Dead {
			args = append(args, clickhouse.Named("dead_between", c.Rows.Dead))
		}
	}
	return args
}

// wholeDays returns the days of cohorts, in days of Unix time, that may be read as wholes: from…to, half-open, but for
// cuts. There are none when the keys or filters tell times of a UTC day apart.
func (c *Cells) wholeDays() (from, to int64, cuts []int64) {
	ofHours := func(k Key) bool { return !ofDays(k, c.Zone) }
	if c.Rollup.ByHours || slices.ContainsFunc(c.Keys, ofHours) ||
		slices.ContainsFunc(c.Filters, func(f Filter) bool { return ofHours(f.Key) }) {
		return 0, 0, nil
	}
	from = (int64(store.Storable(c.FromMS)) + DaySeconds - 1) / DaySeconds
	to = int64(store.Storable(c.ToMS)) / DaySeconds
	borders := c.Borders
	if !c.Rollup.Routed {
		borders = slices.Concat(borders, SettlingBorders(c.Seen, c.SettlingDays))
	}
	for _, border := range borders {
		if day := int64(border) / DaySeconds; border%DaySeconds != 0 && day >= from && day < to {
			cuts = append(cuts, day)
		}
	}
	slices.Sort(cuts)
	return from, to, slices.Compact(cuts)
}

// byRoute tells whether keys and filters name nothing but routes and days.
func (c *Cells) byRoute() bool {
	other := func(k Key) bool {
		return !k.Timed() && !slices.Contains([]string{"account", "channel", "provider"}, k.Name)
	}
	return !slices.ContainsFunc(c.Keys, other) &&
		!slices.ContainsFunc(c.Filters, func(f Filter) bool { return other(f.Key) })
}

// ofDays tells whether a UTC day has one value of the key.
func ofDays(k Key, tz string) bool {
	return !k.Timed() || (tz == "UTC" && slices.Contains([]string{"day", "week", "month", "weekday"}, k.Name))
}

func dateTexts(days []int64) []string {
	texts := make([]string, len(days))
	for i, day := range days {
		texts[i] = dateText(day)
	}
	return texts
}

func dateText(day int64) string { return time.Unix(day*DaySeconds, 0).UTC().Format(time.DateOnly) }

// Count is a sum of differences as it is scanned. It is none of the report's numbers when it is below 0, which shows
// that an edition took away what was never counted.
type Count uint64

// Scan implements sql.Scanner.
func (c *Count) Scan(value any) error {
	n, isInt := value.(int64)
	if !isInt || n < 0 {
		return fmt.Errorf("a rollup counts %v: differences do not add up; the aggregator's audit repairs it", value)
	}
	*c = Count(n)
	return nil
}

// Change is what editions added to a sum, or took from it, as it is scanned: modulo 2^64.
type Change uint64

// Scan implements sql.Scanner.
func (c *Change) Scan(value any) error {
	n, isInt := value.(int64)
	if !isInt {
		return fmt.Errorf("a rollup counts %v", value)
	}
	*c = Change(n)
	return nil
}

// CountOf is where a sum is scanned to: of what rows change, or of all.
func CountOf(n *uint64, rows *DayRows) any {
	if rows != nil && rows.Above != nil {
		return (*Change)(n)
	}
	return (*Count)(n)
}
