package model

import (
	"encoding/json"
	"math/big"
	"slices"
	"strings"
)

// LatencyRow is a row of the latency report: how many attempts took at most LE milliseconds.
type LatencyRow struct {
	Keys                                        []Key
	Metric                                      string
	LE, Count, Known, Sent, Delivered, SkewedAt int64
	Bound                                       string // "" for null
}

// MarshalJSON writes the row as the report does.
func (r LatencyRow) MarshalJSON() ([]byte, error) {
	var w RowWriter
	w.Keys(r.Keys)
	w.Field("metric", r.Metric)
	w.Field("le", json.RawMessage(big.NewRat(r.LE, 1000).FloatString(3)))
	w.Field("count", r.Count)
	w.Field("known", r.Known)
	w.Share("share_rate", Rate{r.Count, r.Known})
	w.Field("sent", r.Sent)
	w.Field("delivered", r.Delivered)
	w.Rate("of_sent_rate", Rate{r.Count, r.Sent})
	w.Field("skewed", r.SkewedAt)
	w.Field("bound", orNull(r.Bound))
	return w.Finish()
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// latencyTops are the greatest whole milliseconds of the cells that a latency may be in: 0, and ⌊1.02^i⌋.
func latencyTops() []int64 {
	tops := []int64{0}
	growth, power := big.NewRat(51, 50), big.NewRat(1, 1)
	for tops[len(tops)-1] < 2*maxAge {
		tops = append(tops, new(big.Int).Quo(power.Num(), power.Denom()).Int64())
		power = new(big.Rat).Mul(power, growth)
	}
	return tops
}

// latencyGroup gathers the attempts of a row's keys.
type latencyGroup struct {
	keys    []Key
	bounds  group // which of its attempts are exact, lower, upper
	samples [3][]int64
	sums    [3]LatencyRow
}

// LatencyReport returns a row for each cell that holds an attempt.
func (m *Model) LatencyReport(q Query) ([]LatencyRow, error) {
	groups := map[string]*latencyGroup{}
	err := m.selected(q, func(x *Folded) error {
		var keys []Key
		var id strings.Builder
		for _, name := range q.GroupBy {
			key, err := m.Key(name, x.Account, x.Attempt, x.Cohort, q.Zone())
			if err != nil {
				return err
			}
			keys = append(keys, key)
			id.WriteString(key.String() + "\x00")
		}
		g := groups[id.String()]
		if g == nil {
			g = &latencyGroup{keys: keys}
			groups[id.String()] = g
		}
		g.add(m, x, q.Aliases[x.Account])
		return nil
	})
	if err != nil {
		return nil, err
	}
	var rows []LatencyRow
	tops := latencyTops()
	for _, g := range groups {
		rows = append(rows, g.rows(tops)...)
	}
	slices.SortFunc(rows, func(x, y LatencyRow) int {
		return CompareKeys(append(slices.Clone(x.Keys), Key{Text: x.Metric}, Key{Number: int(x.LE)}),
			append(slices.Clone(y.Keys), Key{Text: y.Metric}, Key{Number: int(y.LE)}))
	})
	return rows, nil
}

// selected calls visit with the attempts of a query that were not skipped.
func (m *Model) selected(q Query, visit func(*Folded) error) error {
	from, to, err := m.Bounds(q)
	if err != nil {
		return err
	}
	all := m.Attempts()
	for i := range all {
		x := &all[i]
		if x.Facts.Skipped || x.Cohort < from || x.Cohort >= to ||
			!m.passes(q.Filters, x.Key, x.Attempt, x.Cohort, q.Zone()) {
			continue
		}
		if err := visit(x); err != nil {
			return err
		}
	}
	return nil
}

func (g *latencyGroup) add(m *Model, x *Folded, aliases map[string]string) {
	delivery, reads := m.routeOf(x.Attempt, aliases)
	f := &x.Facts
	for i, latency := range []int64{f.toDeliver, f.toRead, f.toReply} {
		if i == 1 && reads == readsNone || i != 1 && !delivery {
			continue
		}
		for n, when := range map[*int64]bool{&g.sums[i].Sent: f.Sent, &g.sums[i].Delivered: f.Delivered,
			&g.sums[i].SkewedAt: f.skewed} {
			if when {
				*n++
			}
		}
		if latency != Unknown {
			g.samples[i] = append(g.samples[i], latency)
		}
	}
	g.bounds.add(m, x.Attempt, x.Cohort, attributed{}, aliases)
}

func (g *latencyGroup) rows(tops []int64) (rows []LatencyRow) {
	for i, metric := range []string{"time_to_deliver", "time_to_read", "time_to_reply"} {
		slices.Sort(g.samples[i])
		for at, ms := range g.samples[i] {
			top := tops[slices.IndexFunc(tops, func(top int64) bool { return top >= ms })]
			row := g.sums[i]
			row.Keys, row.Metric, row.LE = g.keys, metric, top
			row.Count, row.Known = int64(at+1), int64(len(g.samples[i]))
			if i == 1 {
				row.Bound = g.bounds.finish().OpenRateBound
			}
			if last := len(rows) - 1; last >= 0 && rows[last].Metric == metric && rows[last].LE == top {
				rows[last] = row
				continue
			}
			rows = append(rows, row)
		}
	}
	return rows
}
