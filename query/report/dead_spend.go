package report

import (
	"context"
	_ "embed"
	"slices"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/rollup"
	"kaskad/schema/law"
	"kaskad/schema/rules"
)

//go:embed sql/dead_spend.sql
var deadSpendSQL string

// The report on dead numbers (docs/definitions.md section 5): what was tried, and spent, on numbers while they were
// dead.
//
// An attempt on sms, voice or flash_call counts when its start, or its cohort where that is unknown, lies within a span
// in which the number was dead, without its ends: so the failure that completed the rule does not count. Each attempt
// is priced by itself. avoidable_cost is the cost of those that were not delivered: had the list been obeyed, the
// others would have been lost.
var _ = add(&Report{
	Name:        "dead-spend",
	For:         answer.ForAnalysts,
	Keys:        slices.Concat(rollup.ChannelKeys, rollup.Keys{rollup.Enumeration("rule", rules.OfVerdicts, false)}),
	Extra:       rollup.Keys{rollup.CurrencyFilter},
	DefaultKeys: "channel,rule",
	Section:     rollup.Numbers,
	Summary:     "What was spent on numbers that were dead already",
	Around:      []answer.Column{answer.TariffVersion()},
	Figures: []rollup.Figure{
		{Name: "currency", Kind: rollup.Text, Of: rollup.Currencies(),
			Formula: "of the price list row that prices the attempts, empty without one"},
		{Name: "attempts",
			Formula: "attempts of the period on sms, voice and flash_call with since < start < end of a span " +
				"in which their number was dead (the cohort where the start is unknown): the spans that the rules " +
				"give from today's evidence, with overrides from when they were set to when they were removed"},
		{Name: "unpriced", Formula: "those that were sent and have no price; they cost nothing here"},
		{Name: "cost", Kind: rollup.Amount, Formula: "sum of units x price at the cohort, each attempt by itself"},
		{Name: "delivered",
			Formula: "those that were delivered all the same: obeying the list would have lost them"},
		{Name: "avoidable_cost", Kind: rollup.Amount, Formula: "cost of the others"},
	},
	Statement:   rollup.Template("dead_spend.sql", deadSpendSQL),
	Tables:      []string{"attempts_by_recipient", "number_health", "routes"},
	Long:        true,
	Materialize: readDeadSpend,
})

// deadAttempts are attempts as dead_spend.sql returns them: alike in all that their price depends on.
type deadAttempts struct {
	account     string
	step        money.Step
	code        law.Code
	smsSegments uint16
	cohort      uint32
	attempts    uint64
	settledMS   int64
}

// places are where a row is scanned to, behind its keys.
func (d *deadAttempts) places() []any {
	l := &d.step
	return []any{&d.account, &l.Channel, &l.Provider, &l.Operator, &l.Country, &l.Traffic, &l.Sender, &l.App,
		(*uint32)(&d.code), &d.smsSegments, &d.cohort, &d.attempts, &d.settledMS}
}

// price computes what each attempt cost, and the currency of the row that prices it, "" without one.
func (d *deadAttempts) price(list *money.PriceList) (cost money.Amount, currency string, priced bool) {
	l := &d.step
	l.Take(d.code)
	cohortMS := int64(d.cohort) * 1000
	step, priced := list.Cost(l, d.smsSegments, cohortMS)
	if step.Tariff == nil {
		// An attempt that was not sent needs no row, but counts with its like.
		step.Tariff = list.TariffAt(l, cohortMS)
	}
	if step.Tariff != nil {
		currency = step.Tariff.Currency
	}
	return step.Cost, currency, priced
}

// deadSums are the figures of a group and currency.
type deadSums struct {
	attempts, unpriced, delivered uint64
	cost, avoidable               money.Amount
}

func readDeadSpend(ctx context.Context, r *Reading) ([]Row, error) {
	lists, err := r.Prices.ListsOf(ctx, r.State.References, r.Accounts(), nil)
	if err != nil {
		return nil, err
	}
	r.More = []answer.Member{{Name: "tariff_version", Value: answer.Count(lists.Versions.Tariffs)}}
	var alike deadAttempts
	all := rollup.Groups[deadSums]{}
	r.Seen.Mature = !r.Seen.Lost
	err = r.each(ctx, alike.places(), func(keys []rollup.KeyValue) error {
		r.Seen.Mature = r.Seen.Mature && r.Seen.Settled(alike.settledMS)
		cost, currency, priced := alike.price(lists.Of(alike.account))
		if !r.Keeps(rollup.CurrencyFilter.Name, currency) {
			return nil
		}
		sums, err := all.At(append(keys, rollup.KeyValue{Text: currency}))
		if err != nil {
			return err
		}
		sums.attempts += alike.attempts
		if alike.step.Delivered {
			sums.delivered += alike.attempts
		}
		if !priced {
			sums.unpriced += alike.attempts
			return nil
		}
		cost = cost.Times(int64(alike.attempts))
		sums.cost = sums.cost.Add(cost)
		if !alike.step.Delivered {
			sums.avoidable = sums.avoidable.Add(cost)
		}
		return nil
	}, borders(lists.Borders(r.Accounts())), phoneChannels())
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, g := range all {
		s := &g.Sums
		rows = append(rows, Row{g.Keys, []answer.Value{answer.Text(g.Keys[len(r.Keys)].Text), answer.Count(s.attempts),
			answer.Count(s.unpriced), answer.Amount(s.cost), answer.Count(s.delivered), answer.Amount(s.avoidable)}})
	}
	return rows, nil
}
