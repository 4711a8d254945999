package savings

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/prices"
	"kaskad/query/rollup"
	"kaskad/query/store"
)

//go:embed sql/cells.sql
var cellsSQL string

// The template fills in identifiers and expressions of keys.go and of this file, and nothing that a request carries.
var cellsTemplate = rollup.Template("cells.sql", cellsSQL)

// cellsQuery reads the cells of a savings report over one edition of the rollups.
type cellsQuery struct {
	// keys are those that a cell knows (cellKeys), in the order of the columns that come back.
	keys    rollup.Keys
	filters []rollup.Filter
	tz      string
	// accounts are those in scope, nil for all.
	accounts     []string
	fromMS, toMS int64
	// seen is what the answer is of, and days what its days are made of.
	seen *answer.Snapshot
	days []store.Day
	// rows are those that are read; nil for all. settlingDays are the settling windows of all routes.
	rows         *rollup.DayRows
	settlingDays []uint16
	// borders are the times inside of the period, in Unix seconds and in order, at which a tariff of an account in
	// scope starts or ends, or that part cohorts that are settled from others (report.SettlingBorders), or pieces.
	borders   []uint32
	templates templateRows
	// monthEnds are, of the accounts with a monthly minimum, the ends of the billing zone's months in the period, in
	// Unix milliseconds; nil where no minimum is to be shown.
	monthEnds map[string][]int64
}

// A cell's conditions are what its price depends on besides its signature, packed into one number, because grouping by
// two of 64 bits is twice as fast as by more: the currency of reported prices (3 bytes of text), the segments of the
// template (8 bits), the last border before the cohort (24 bits, in quarter hours of Unix time; 0 before the first in
// the period), and the place of the account's billing month in the period (8 bits).
const (
	templateBit = 24
	borderBit   = 32
	monthBit    = 56

	quarterSeconds = answer.QuarterMS / 1000
)

// conditions returns the SQL of a cell's conditions. What an account does not need costs nothing.
func (q *cellsQuery) conditions() string {
	// The casts make plain numbers of what functions of a LowCardinality text return: grouping by those is several
	// times slower.
	sum := "CAST(reinterpretAsUInt32(r.reported_currency), 'UInt64')"
	add := func(expression string, at int) {
		sum += fmt.Sprintf("\n            + bitShiftLeft(CAST(%s, 'UInt64'), %d)", expression, at)
	}
	if expression := q.templates.cell(q.single()); expression != "" {
		add(expression, templateBit)
	}
	if len(q.borders) > 0 {
		add(fmt.Sprintf("intDiv(roundDown(toUnixTimestamp(r.cohort), {borders:Array(UInt32)}), %d)",
			quarterSeconds), borderBit)
	}
	for i := range q.billingMonths() {
		// The months that have ended before the cohort.
		place := fmt.Sprintf("arrayCount(e -> e <= toUnixTimestamp(r.cohort), {month_ends%d:Array(UInt32)})", i)
		if !q.single() {
			place = fmt.Sprintf("if(r.account IN {month_accounts%d:Array(String)}, %s, 0)", i, place)
		}
		add(place, monthBit)
	}
	return sum
}

// billingMonths are the accounts whose months end at the same times.
type billingMonths struct {
	accounts []string
	ends     []uint32
}

// billingMonths lists the accounts with a monthly minimum by the ends of their months, in a settled order.
func (q *cellsQuery) billingMonths() (all []billingMonths) {
	for _, account := range slices.Sorted(maps.Keys(q.monthEnds)) {
		ends := make([]uint32, len(q.monthEnds[account]))
		for i, ms := range q.monthEnds[account] {
			ends[i] = store.Storable(ms)
		}
		i := slices.IndexFunc(all, func(m billingMonths) bool { return slices.Equal(m.ends, ends) })
		if i < 0 {
			i = len(all)
			all = append(all, billingMonths{ends: ends})
		}
		all[i].accounts = append(all[i].accounts, account)
	}
	return all
}

// setPrices adds the conditions that the price lists of the accounts in scope make necessary, and the settling windows
// of routes.
func (q *cellsQuery) setPrices(lists *prices.Lists, settlingDays []uint16, minimum minimumScope) {
	if minimum.shown && !minimum.none {
		q.monthEnds = map[string][]int64{}
		for account, zone := range minimum.zones {
			q.monthEnds[account] = monthEnds(q.fromMS, q.toMS, zone)
		}
	}
	q.settlingDays = settlingDays
	borders := rollup.SettlingBorders(q.seen, settlingDays)
	templates := map[string][]money.Template{}
	for account, own := range lists.Accounts(q.accounts) {
		for _, t := range own.Tariffs {
			for _, ms := range []int64{t.FromMS, t.ToMS} {
				borders = append(borders, store.Storable(ms))
			}
		}
		if len(own.Templates) > 0 {
			templates[account] = own.Templates
		}
	}
	q.addBorders(borders...)
	q.templates = newTemplateRows(templates, q.single(), q.fromMS, q.toMS)
}

// addBorders adds those that are inside of the period.
func (q *cellsQuery) addBorders(seconds ...uint32) {
	for _, second := range seconds {
		if second > store.Storable(q.fromMS) && second < store.Storable(q.toMS) {
			q.borders = append(q.borders, second)
		}
	}
	slices.Sort(q.borders)
	q.borders = slices.Compact(q.borders)
}

// single tells that one account is in scope; its cells are found faster.
func (q *cellsQuery) single() bool { return len(q.accounts) == 1 }

// SQL returns the statement that reads the cells, and its parameters.
func (q *cellsQuery) SQL() (string, []any, error) {
	data, args := q.visible()
	data.Conditions = q.conditions()
	// What a signature tells is compared when it is known; accounts are part of what is visible.
	keyArgs, err := data.Fill(q.keys, q.filters, q.tz, ofCell)
	if err != nil {
		return "", nil, err
	}
	args = append(args, keyArgs...)
	if len(q.borders) > 0 {
		// Before the first border the answer is 0, which stands for the start of the period.
		args = append(args, clickhouse.Named("borders", slices.Concat([]uint32{0}, q.borders)))
	}
	for i, months := range q.billingMonths() {
		args = append(args, clickhouse.Named("month_ends"+strconv.Itoa(i), months.ends))
		if !q.single() {
			args = append(args, clickhouse.Named("month_accounts"+strconv.Itoa(i), months.accounts))
		}
	}
	args = append(args, q.templates.args()...)
	statement, err := store.Fill(cellsTemplate, data)
	return statement, args, err
}

// spanned are the times that no cell may span that is read, in Unix seconds.
func (q *cellsQuery) spanned() []uint32 {
	all := slices.Clone(q.borders)
	for _, start := range q.templates.starts {
		all = append(all, uint32(start&(1<<32-1)))
	}
	for _, months := range q.billingMonths() {
		all = append(all, months.ends...)
	}
	return all
}

type statementData struct {
	rollup.StatementData
	Conditions string
}

func (q *cellsQuery) visible() (statementData, []any) {
	cells := rollup.Cells{Rollup: rollup.Rollup{Table: "rollup_cascades"}, Accounts: q.accounts, FromMS: q.fromMS,
		ToMS: q.toMS, Keys: q.keys, Filters: q.filters, Zone: q.tz, Seen: q.seen, Borders: q.spanned(), Days: q.days,
		Rows: q.rows, SettlingDays: q.settlingDays}
	data := rollup.StatementData{Accounts: q.accounts != nil, Single: q.single()}
	var args []any
	data.CellsSQL, args = cells.SQL()
	args = append(args, clickhouse.Named("from", store.Storable(q.fromMS)),
		clickhouse.Named("to", store.Storable(q.toMS)))
	if q.accounts != nil {
		args = append(args, clickhouse.Named("filter_account", q.accounts))
	}
	return statementData{StatementData: data}, args
}

// templateRows make a cell's template known by the segments that its text takes as SMS at the cell's cohort, for no
// more than that matters: there may be thousands of templates, and few numbers.
type templateRows struct {
	// names are templates of price lists; where not one account alone is in scope, behind the length and the name of
	// the account.
	names []string
	// Either segments has the number for each name in the whole period; or starts has, ascending, (1 + index of the
	// name) × 2^32 + each Unix second at which the number changes, and segments what it is from there on.
	segments []uint16
	starts   []uint64
}

// newTemplateRows picks what matters in a period out of the templates of each account.
func newTemplateRows(templates map[string][]money.Template, single bool, fromMS, toMS int64) templateRows {
	type named struct {
		name string
		rows []money.Template
	}
	byName := map[string]*named{}
	var all []*named
	dated := false
	for account, rows := range templates {
		for _, t := range rows {
			if t.ToMS <= fromMS || t.FromMS >= toMS {
				continue
			}
			name := t.Template
			if !single {
				name = strconv.Itoa(len(account)) + "/" + account + name
			}
			if byName[name] == nil {
				byName[name] = &named{name: name}
				all = append(all, byName[name])
			}
			byName[name].rows = append(byName[name].rows, t)
			dated = dated || t.FromMS > fromMS || t.ToMS < toMS
		}
	}
	slices.SortFunc(all, func(a, b *named) int { return strings.Compare(a.name, b.name) })
	var r templateRows
	if dated {
		r.starts, r.segments = []uint64{0}, []uint16{0} // templates that are in no list
	}
	for i, n := range all {
		r.names = append(r.names, n.name)
		if !dated {
			r.segments = append(r.segments, n.rows[0].SMSSegments)
			continue
		}
		slices.SortFunc(n.rows, func(a, b money.Template) int { return int(min(max(a.FromMS-b.FromMS, -1), 1)) })
		id := uint64(i+1) << 32
		begin := func(ms int64, segments uint16) {
			start := id + uint64(store.Storable(max(ms, 0)))
			if last := len(r.starts) - 1; r.starts[last] == start {
				r.segments[last] = segments // What ended just here goes on under another row.
				return
			}
			r.starts, r.segments = append(r.starts, start), append(r.segments, segments)
		}
		begin(0, 0)
		for _, t := range n.rows {
			begin(t.FromMS, t.SMSSegments)
			if t.ToMS < toMS {
				begin(t.ToMS, 0)
			}
		}
	}
	return r
}

// cell is the SQL of the number, 0 for a template in no list; "" when there is none in any.
func (r *templateRows) cell(single bool) string {
	if len(r.names) == 0 {
		return ""
	}
	name := "r.template"
	if !single {
		name = "concat(toString(length(r.account)), '/', r.account, r.template)"
	}
	if r.starts == nil {
		return "transform(" + name + ", {template_names:Array(String)}, {template_segments:Array(UInt16)}, 0)"
	}
	return "transform(roundDown(bitShiftLeft(CAST(transform(" + name +
		", {template_names:Array(String)}, {template_ids:Array(UInt64)}, 0), 'UInt64'), 32)" +
		" + toUnixTimestamp(r.cohort), {template_starts:Array(UInt64)}), {template_starts:Array(UInt64)}, " +
		"{template_segments:Array(UInt16)}, 0)"
}

func (r *templateRows) args() []any {
	if len(r.names) == 0 {
		return nil
	}
	args := []any{clickhouse.Named("template_names", r.names), clickhouse.Named("template_segments", r.segments)}
	if r.starts != nil {
		ids := make([]uint64, len(r.names))
		for i := range ids {
			ids[i] = uint64(i + 1)
		}
		args = append(args, clickhouse.Named("template_ids", ids), clickhouse.Named("template_starts", r.starts))
	}
	return args
}
