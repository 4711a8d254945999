package report

import (
	"context"
	_ "embed"
	"maps"
	"slices"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/prices"
	"kaskad/query/rollup"
	"kaskad/schema"
	"kaskad/schema/law"
)

//go:embed sql/segment_waste.sql
var segmentWasteSQL string

// The report on wasted segments (docs/definitions.md section 4). campaign and template are the message's, the other
// names are of the SMS itself.
var _ = add(&Report{
	Name: "segment-waste",
	For:  answer.ForMarketers,
	Keys: slices.Concat(rollup.Keys{
		rollup.Dimension("account"),
		rollup.Dimension("campaign"),
		rollup.Dimension("template"),
		rollup.Dimension("sender"),
		rollup.Enumeration("traffic", schema.Traffics, true),
		rollup.Dimension("country"),
	}, rollup.TimeKeys),
	Extra:       rollup.Keys{rollup.CurrencyFilter},
	DefaultKeys: "template",
	Section:     rollup.Money,
	Summary:     "SMS segments that a few characters cost",
	Around:      []answer.Column{answer.TariffVersion()},
	Figures: []rollup.Figure{
		{Name: "currency", Kind: rollup.Text, Of: rollup.Currencies(),
			Formula: "of the tariff row that prices the attempt, empty without one",
			Over:    "sent SMS attempts over a boundary by at most 10 units, or UCS-2 for at most 10 characters"},
		{Name: "messages_over",
			Formula: "attempts whose cause is the characters over the boundary: cutting them saves as many " +
				"segments as replacing those that force UCS-2, or more", Over: "the same"},
		{Name: "messages_forced", Formula: "all others: their cause is the characters that force UCS-2",
			Over: "the same"},
		{Name: "avoidable_segments", Formula: "over_segments + forced_segments",
			Over: "attempts that a tariff by the segment bills"},
		{Name: "avoidable_cost", Kind: rollup.Amount, Formula: "over_cost + forced_cost",
			Over: "attempts that a tariff by the segment bills"},
		{Name: "over_segments", Formula: "1 for each of messages_over, at most billed segments - 1",
			Over: "attempts that a tariff by the segment bills"},
		{Name: "over_cost", Kind: rollup.Amount, Formula: "over_segments x price",
			Over: "attempts that a tariff by the segment bills"},
		{Name: "forced_segments",
			Formula: "segments of the text - segments without the characters that force UCS-2, for each of " +
				"messages_forced, 0 to billed segments - 1", Over: "attempts that a tariff by the segment bills"},
		{Name: "forced_cost", Kind: rollup.Amount, Formula: "forced_segments x price",
			Over: "attempts that a tariff by the segment bills"},
		{Name: "billed_segments", Formula: "segments that the tariff bills",
			Over: "attempts that a tariff by the segment bills"},
		{Name: "billed_cost", Kind: rollup.Amount, Formula: "billed_segments x price",
			Over: "attempts that a tariff by the segment bills"},
		{Name: "unpriced", Formula: "attempts without a tariff, or with one by the segment and unknown " +
			"segments", Over: "the same"},
	},
	Statement: rollup.Template("segment_waste.sql", segmentWasteSQL),
	Tables:    []string{"builds", "legs", "rollup_waste", "routes"},
	Rollup:    rollup.Rollup{Table: "rollup_waste"},
	Page:      readWaste,
})

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

// wasteCell is a row as segment_waste.sql returns it.
type wasteCell struct {
	account     string
	step        money.Step
	code        law.Code
	smsSegments uint16
	smsMeasure  uint32
	cohort      uint32
	attempts    uint64
	settledMS   int64
}

// places are where a row is scanned to, behind its keys.
func (w *wasteCell) places() []any {
	l := &w.step
	return []any{&w.account, &l.Channel, &l.Provider, &l.Operator, &l.Country, &l.Traffic, &l.Sender, &l.App,
		(*uint32)(&w.code), &w.smsSegments, &w.smsMeasure, &w.cohort, (*rollup.Count)(&w.attempts), &w.settledMS}
}

// price computes what the cell's attempts waste, each.
func (w *wasteCell) price(lists *prices.Lists) money.Waste {
	w.step.Take(w.code)
	return lists.Of(w.account).Waste(&w.step, w.smsSegments, schema.UnpackSMSMeasure(w.smsMeasure),
		int64(w.cohort)*1000)
}

// readWaste reads a page. Groups come one after another, so only one is held at a time.
func readWaste(ctx context.Context, r *Reading, page *Page) error {
	lists, err := r.Prices.ListsOf(ctx, r.State.References, r.Accounts(), r.Seen.Prices)
	if err != nil {
		return err
	}
	r.Seen.Prices, r.Borders = &lists.Versions, lists.Borders(r.Accounts())
	r.More = []answer.Member{{Name: "tariff_version", Value: answer.Count(lists.Versions.Tariffs)}}
	waste := wastePage{r: r, page: page, sums: map[string]*wasteSums{}}
	mature := !r.Seen.Lost
	var cell wasteCell
	err = r.each(ctx, cell.places(), func(keys []rollup.KeyValue) error {
		if !slices.Equal(keys, waste.group) {
			waste.flush()
			waste.group = keys
		}
		mature = mature && r.Seen.Settled(cell.settledMS)
		if page.Last == nil { // The rest is read for mature alone.
			waste.add(cell.price(lists), cell.attempts)
		}
		return nil
	}, borders(r.Borders))
	if err != nil {
		return err
	}
	waste.flush()
	if r.At == nil {
		r.Seen.Mature = mature // The first page reads all of the answer.
	}
	return nil
}

// wastePage turns groups into the rows of a page.
type wastePage struct {
	r     *Reading
	page  *Page
	group []rollup.KeyValue
	sums  map[string]*wasteSums // by currency, of the current group
	last  [][]byte              // keys and currency of the last row
}

// add counts attempts of the current group.
func (p *wastePage) add(w money.Waste, n uint64) {
	sums := p.sums[w.Currency]
	if sums == nil {
		sums = &wasteSums{}
		p.sums[w.Currency] = sums
	}
	sums.add(w, n)
}

// flush adds the rows of the current group, one per currency, and forgets it.
func (p *wastePage) flush() {
	if len(p.sums) == 0 {
		return // Before the first group there is none.
	}
	keys, row := p.r.Keys.Shown(p.group), p.r.Keys.Values(nil, p.group)
	for _, currency := range slices.Sorted(maps.Keys(p.sums)) {
		switch {
		case !p.r.Keeps(rollup.CurrencyFilter.Name, currency), p.shown(keys, currency):
		case p.page.Rows == p.r.Limit:
			p.page.Last = p.last
		default:
			p.page.Add(p.sums[currency].values(append(slices.Clone(row), answer.Text(currency))))
			p.last = append(slices.Clone(keys), []byte(currency))
		}
	}
	clear(p.sums)
}

// shown reports whether a page before had the row. Of groups before the cursor's no row comes, so only its own matters.
func (p *wastePage) shown(keys [][]byte, currency string) bool {
	if p.r.At == nil {
		return false
	}
	after := p.r.At.After
	return slices.EqualFunc(keys, after[:len(keys)], slices.Equal) && currency <= string(after[len(keys)])
}
