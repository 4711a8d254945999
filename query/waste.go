package query

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/gin-gonic/gin"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/prices"
	"kaskad/query/report"
	"kaskad/query/store"
	"kaskad/schema"
	"kaskad/schema/law"
)

//go:embed waste.sql
var wasteSQL string

// wasteTemplate fills in identifiers and expressions of keys.go, and nothing that a request carries.
var wasteTemplate = report.Template("waste.sql", wasteSQL)

// wasteKeys are the names of the report on wasted segments. campaign and template are the message's, the others of the
// SMS itself.
var wasteKeys = slices.Concat(report.Keys{
	report.Dimension("account"),
	report.Dimension("campaign"),
	report.Dimension("template"),
	report.Dimension("sender"),
	report.Enumeration("traffic", schema.Traffics, true),
	report.Dimension("country"),
}, report.TimeKeys)

var wasteColumns = []string{"currency", "messages_over", "messages_forced", "avoidable_segments", "avoidable_cost",
	"over_segments", "over_cost",
	"forced_segments", "forced_cost", "billed_segments", "billed_cost", "unpriced"}

// wasteSums are the figures of one group and currency.
type wasteSums struct {
	over, forced   causeSums
	billedSegments uint64
	billedCost     money.Amount
	unpriced       uint64
}

// causeSums are the sent SMS of one cause, and the segments and money that they would do without.
type causeSums struct {
	messages, segments uint64
	cost               money.Amount
}

// add counts n attempts that waste alike.
func (s *wasteSums) add(w money.Waste, n uint64) {
	cause := &s.over
	if w.Forced {
		cause = &s.forced
	}
	cause.messages += n
	cause.segments += w.Avoidable * n
	cause.cost = cause.cost.Add(w.AvoidableCost.Times(int64(n)))
	s.billedSegments += w.Segments * n
	s.billedCost = s.billedCost.Add(w.Cost.Times(int64(n)))
	if !w.Priced {
		s.unpriced += n
	}
}

func (s *wasteSums) values(row []answer.Value) []answer.Value {
	return append(row, answer.Count(s.over.messages), answer.Count(s.forced.messages),
		answer.Count(s.over.segments+s.forced.segments),
		answer.Amount(s.over.cost.Add(s.forced.cost)),
		answer.Count(s.over.segments), answer.Amount(s.over.cost), answer.Count(s.forced.segments),
		answer.Amount(s.forced.cost),
		answer.Count(s.billedSegments), answer.Amount(s.billedCost), answer.Count(s.unpriced))
}

// wasteQuery reads the cells of the report, in the order of the keys.
type wasteQuery struct {
	ask        *report.Request
	routes     []store.Capability
	generation uint64
	// borders are the Unix seconds at which a price may change.
	borders []uint32
}

// SQL returns the statement and its parameters.
func (q *wasteQuery) SQL() (string, []any, error) {
	args := []any{
		clickhouse.Named("from", store.Storable(q.ask.FromMS)),
		clickhouse.Named("to", store.Storable(q.ask.ToMS)),
		clickhouse.Named("generation", q.generation),
		clickhouse.Named("borders", append([]uint32{0}, q.borders...)),
	}
	var data struct {
		Keys                    []report.KeySQL
		Filters                 []report.FilterSQL
		Accounts, Single, After bool
		Route                   string
	}
	var routeArgs []any
	data.Route, routeArgs = store.CapabilitySQL(q.routes)
	args = append(args, routeArgs...)
	timed := false
	data.After = q.ask.At != nil
	for i, k := range q.ask.Keys {
		column := "c" + strconv.Itoa(i)
		data.Keys = append(data.Keys, report.KeySQL{Cell: k.Cell, Column: column, Shown: k.Shown(column),
			Name:  "k" + strconv.Itoa(i),
			After: fmt.Sprintf("{after%d:%s}", i, k.ParameterType())})
		timed = timed || k.Timed()
		if data.After {
			argument, err := k.Argument(string(q.ask.At.After[i]))
			if err != nil {
				return "", nil, err
			}
			args = append(args, clickhouse.Named("after"+strconv.Itoa(i), argument))
		}
	}
	for _, f := range q.ask.Filters {
		if f.Key.Cell == "" {
			continue // The currency is known after pricing.
		}
		parameter := "filter_" + f.Key.Name
		data.Filters = append(data.Filters,
			report.FilterSQL{Shown: f.Key.Shown(f.Key.Cell),
				Parameter: "{" + parameter + ":Array(" + f.Key.ParameterType() + ")}"})
		data.Accounts = data.Accounts || f.Key.Name == "account"
		timed = timed || f.Key.Timed()
		values, err := f.Argument()
		if err != nil {
			return "", nil, err
		}
		args = append(args, clickhouse.Named(parameter, values))
	}
	if timed {
		args = append(args, clickhouse.Named("tz", q.ask.Zone.String()))
	}
	statement, err := store.Fill(wasteTemplate, data)
	return statement, args, err
}

// wasteCell is a row as waste.sql returns it.
type wasteCell struct {
	texts   []string
	numbers []uint8

	account     string
	leg         money.Leg
	code        law.Code
	smsSegments uint16
	smsMeasure  uint32
	cohort      uint32
	attempts    uint64
	settledMS   int64
}

// destinations are the places that a row is scanned to.
func (w *wasteCell) destinations(keys report.Keys) []any {
	w.texts, w.numbers = make([]string, len(keys)), make([]uint8, len(keys))
	var to []any
	for i, k := range keys {
		if k.Number {
			to = append(to, &w.numbers[i])
		} else {
			to = append(to, &w.texts[i])
		}
	}
	l := &w.leg
	return append(to, &w.account, &l.Channel, &l.Provider, &l.Operator, &l.Country, &l.Traffic, &l.Sender, &l.App,
		(*uint32)(&w.code), &w.smsSegments, &w.smsMeasure,
		&w.cohort, &w.attempts, &w.settledMS)
}

// price computes what the cell's attempts waste, each.
func (w *wasteCell) price(lists *prices.Lists) money.Waste {
	w.leg.Take(w.code)
	return lists.Of(w.account).Waste(&w.leg, w.smsSegments, schema.UnpackSMSMeasure(w.smsMeasure), int64(w.cohort)*1000)
}

// sameGroup tells whether two cells have the same keys.
func (w *wasteCell) sameGroup(other *wasteCell) bool {
	return slices.Equal(w.texts, other.texts) && slices.Equal(w.numbers, other.numbers)
}

// segmentWaste serves GET /v1/reports/segment-waste.
func (s *Server) segmentWaste(c *gin.Context) error {
	ask, err := report.Read(c, s.db, "segment-waste", wasteKeys, report.Keys{report.CurrencyFilter}, "template")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), s.db.QueryTime)
	defer cancel()
	if err := s.db.CheckZone(ctx, ask.Zone); err != nil {
		return err
	}
	var seen answer.Snapshot
	if ask.At != nil {
		seen = *ask.At.Snapshot
	} else if seen, err = ask.Snapshot(ctx, s.db); err != nil {
		return err
	}
	accounts := ask.Accounts()
	lists, err := s.prices.Lists(ctx, accounts, seen.Prices)
	if err != nil {
		return err
	}
	seen.Prices = &lists.Versions
	q := wasteQuery{ask: ask, generation: seen.Edition, borders: lists.Borders(accounts)}
	if q.routes, err = s.db.Capabilities(ctx); err != nil {
		return err
	}
	t := answer.NewTable(ask.Format, ask.Keys.Names(), wasteColumns)
	next, err := s.readWaste(ctx, &q, lists, &seen, t)
	if err != nil {
		return fmt.Errorf("report on wasted segments: %w", err)
	}
	return t.SendPage(c, append(ask.Envelope(&seen),
		answer.Member{Name: "tariff_version", Value: answer.Count(lists.Versions.Tariffs)}), s.db.Cursors,
		ask.Next(next, &seen))
}

// readWaste fills the table with a page and returns the keys of its last row when there are more. Groups come one after
// another, so only one is held at a time.
func (s *Server) readWaste(ctx context.Context, q *wasteQuery, lists *prices.Lists, seen *answer.Snapshot,
	t *answer.Table) (next [][]byte,
	err error) {
	statement, args, err := q.SQL()
	if err != nil {
		return nil, err
	}
	rows, err := s.db.Conn.Query(s.db.Settings(ctx), statement, args...)
	if err != nil {
		return nil, err
	}
	defer store.CloseRows(rows, &err)
	page := wastePage{ask: q.ask, table: t, sums: map[string]*wasteSums{}}
	mature := !seen.Lost
	var group wasteCell
	for rows.Next() {
		var cell wasteCell
		if err := rows.Scan(cell.destinations(q.ask.Keys)...); err != nil {
			return nil, err
		}
		if !cell.sameGroup(&group) {
			page.flush(&group)
		}
		group = cell
		mature = mature && seen.Settled(cell.settledMS)
		if page.more {
			continue // The rest is read for mature alone.
		}
		waste := cell.price(lists)
		sums := page.sums[waste.Currency]
		if sums == nil {
			sums = &wasteSums{}
			page.sums[waste.Currency] = sums
		}
		sums.add(waste, cell.attempts)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	page.flush(&group)
	if q.ask.At == nil {
		seen.Mature = mature // The first page reads all of the answer.
	}
	if !page.more {
		return nil, nil
	}
	return page.last, nil
}

// wastePage turns groups into the rows of a page.
type wastePage struct {
	ask   *report.Request
	table *answer.Table
	sums  map[string]*wasteSums // by currency, of the current group
	last  [][]byte              // keys and currency of the last row
	more  bool
}

// flush adds the rows of a group, one per currency, and forgets it.
func (p *wastePage) flush(group *wasteCell) {
	if len(p.sums) == 0 {
		return // Before the first group there is none.
	}
	keys := make([][]byte, len(p.ask.Keys), len(p.ask.Keys)+1)
	row := make([]answer.Value, 0, len(p.ask.Keys)+len(wasteColumns))
	for i, k := range p.ask.Keys {
		if k.Number {
			keys[i] = strconv.AppendUint(nil, uint64(group.numbers[i]), 10)
			row = append(row, answer.Count(uint64(group.numbers[i])))
		} else {
			keys[i] = []byte(group.texts[i])
			row = append(row, answer.Text(group.texts[i]))
		}
	}
	for _, currency := range slices.Sorted(maps.Keys(p.sums)) {
		switch {
		case !p.ask.Keeps("currency", currency), p.shown(keys, currency):
		case p.table.Rows == p.ask.Limit:
			p.more = true
		default:
			p.table.Add(p.sums[currency].values(append(row, answer.Text(currency))))
			p.last = append(slices.Clone(keys), []byte(currency))
		}
	}
	clear(p.sums)
}

// shown tells whether a page before had the row. Of groups before the cursor's no row comes, so only its own matters.
func (p *wastePage) shown(keys [][]byte, currency string) bool {
	if p.ask.At == nil {
		return false
	}
	after := p.ask.At.After
	return slices.EqualFunc(keys, after[:len(keys)], slices.Equal) && currency <= string(after[len(keys)])
}
