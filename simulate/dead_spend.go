package simulate

import (
	"cmp"
	"math/big"
	"slices"
	"strings"
)

// DeadSpendRow is what attempts to dead numbers cost. The default keys are channel and rule.
type DeadSpendRow struct {
	Keys     []Key
	Currency string
	// Attempts counts all of them, Unpriced those that have no price among them: they add nothing to Cost. Delivered
	// were delivered all the same.
	Attempts, Unpriced, Delivered int64
	// Cost is of all, AvoidableCost of those that were not delivered.
	Cost, AvoidableCost *big.Int
}

// MarshalJSON writes the keys, currency, attempts, cost, unpriced, delivered and avoidable_cost.
func (r DeadSpendRow) MarshalJSON() ([]byte, error) {
	var w rowWriter
	w.keys(r.Keys)
	w.field("currency", r.Currency)
	w.field("attempts", r.Attempts)
	w.field("cost", writeMoney(r.Cost))
	w.field("unpriced", r.Unpriced)
	w.field("delivered", r.Delivered)
	w.field("avoidable_cost", writeMoney(r.AvoidableCost))
	return w.finish()
}

// DeadSpend adds up the period's attempts on sms, voice and flash_call that began while their number was dead by its
// history. Names are those of the channel report and rule. A nil GroupBy is the default. What was not sent costs
// nothing, in the currency of the tariff that would price it.
func (m *Model) DeadSpend(q ReachQuery) ([]DeadSpendRow, error) {
	verdicts, err := m.Numbers(q.Numbers)
	if err != nil {
		return nil, err
	}
	spans := make(map[numberKey][]DeadSpan)
	for _, v := range verdicts {
		spans[numberKey{v.Account, v.Number}] = v.DeadSpans
	}
	names := q.GroupBy
	if names == nil {
		names = []string{"channel", "rule"}
	}
	wasted, err := m.selected(q.Query, func(x *foldedAttempt) map[string]string {
		if !oneOf(m.channel(x.attempt), "sms", "voice", "flash_call") {
			return nil
		}
		for _, span := range spans[numberKey{x.account, x.attempt.recipient}] {
			if span.holds(x.began()) {
				return map[string]string{"rule": span.Rule}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	prices := pricer{model: m, dialogs: m.dialogs()}
	if prices.tariffs, err = readTariffs(q.Numbers.Tariffs); err != nil {
		return nil, err
	}
	rows := make(map[string]*DeadSpendRow)
	for i := range wasted {
		x := &wasted[i]
		keys, id, err := m.groupOf(names, x, q.zone())
		if err != nil {
			return nil, err
		}
		cost, currency, priced := prices.attemptCost(&x.foldedAttempt)
		id += currency
		r := rows[id]
		if r == nil {
			r = &DeadSpendRow{Keys: keys, Currency: currency, Cost: new(big.Int), AvoidableCost: new(big.Int)}
			rows[id] = r
		}
		r.Attempts++
		if x.facts.delivered {
			r.Delivered++
		}
		if !priced {
			r.Unpriced++
			continue
		}
		r.Cost.Add(r.Cost, cost)
		if !x.facts.delivered {
			r.AvoidableCost.Add(r.AvoidableCost, cost)
		}
	}
	list := make([]DeadSpendRow, 0, len(rows))
	for _, r := range rows {
		list = append(list, *r)
	}
	slices.SortFunc(list, func(x, y DeadSpendRow) int {
		return cmp.Or(compareKeys(x.Keys, y.Keys), strings.Compare(x.Currency, y.Currency))
	})
	return list, nil
}

// holds tells whether a time lies within the span: after its beginning, that is the failure which completed the rule,
// and before its end.
func (s DeadSpan) holds(at int64) bool {
	return at > s.From.UnixMilli() && (s.To.IsZero() || at < s.To.UnixMilli())
}
