package numbers

import (
	"cmp"
	"math/big"
	"slices"
	"strings"

	"kaskad/simulate/model"
)

// DeadSpendRow is what attempts to dead numbers cost. The default keys are channel and rule.
type DeadSpendRow struct {
	Keys     []model.Key
	Currency string
	// Attempts counts all of them, Unpriced those that have no price among them: they add nothing to Cost. Delivered
	// were delivered all the same.
	Attempts, Unpriced, Delivered int64
	// Cost is of all, AvoidableCost of those that were not delivered.
	Cost, AvoidableCost *big.Int
}

// MarshalJSON writes the keys, currency, attempts, cost, unpriced, delivered and avoidable_cost.
func (r DeadSpendRow) MarshalJSON() ([]byte, error) {
	var w model.RowWriter
	w.Keys(r.Keys)
	w.Field("currency", r.Currency)
	w.Field("attempts", r.Attempts)
	w.Field("cost", model.WriteMoney(r.Cost))
	w.Field("unpriced", r.Unpriced)
	w.Field("delivered", r.Delivered)
	w.Field("avoidable_cost", model.WriteMoney(r.AvoidableCost))
	return w.Finish()
}

// DeadSpend adds up the period's attempts on sms, voice and flash_call that began while their number was dead by its
// history. Names are those of the channel report and rule. A nil GroupBy is the default. What was not sent costs
// nothing, in the currency of the tariff that would price it.
func DeadSpend(m *model.Model, q ReachQuery) ([]DeadSpendRow, error) {
	verdicts, err := Verdicts(m, q.Numbers)
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
	wasted, err := selected(m, q.Query, func(x *model.Folded) map[string]string {
		if !oneOf(m.Channel(x.Attempt), "sms", "voice", "flash_call") {
			return nil
		}
		for _, span := range spans[numberKey{x.Account, x.Attempt.Recipient}] {
			if span.holds(x.Began()) {
				return map[string]string{"rule": span.Rule}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	prices, err := m.Pricer(q.Numbers.Tariffs, nil, nil)
	if err != nil {
		return nil, err
	}
	rows := make(map[string]*DeadSpendRow)
	for i := range wasted {
		x := &wasted[i]
		keys, id, err := groupOf(m, names, x, q.Zone())
		if err != nil {
			return nil, err
		}
		cost, currency, priced := prices.AttemptCost(&x.Folded)
		id += currency
		r := rows[id]
		if r == nil {
			r = &DeadSpendRow{Keys: keys, Currency: currency, Cost: new(big.Int), AvoidableCost: new(big.Int)}
			rows[id] = r
		}
		r.Attempts++
		if x.Facts.Delivered {
			r.Delivered++
		}
		if !priced {
			r.Unpriced++
			continue
		}
		r.Cost.Add(r.Cost, cost)
		if !x.Facts.Delivered {
			r.AvoidableCost.Add(r.AvoidableCost, cost)
		}
	}
	list := make([]DeadSpendRow, 0, len(rows))
	for _, r := range rows {
		list = append(list, *r)
	}
	slices.SortFunc(list, func(x, y DeadSpendRow) int {
		return cmp.Or(model.CompareKeys(x.Keys, y.Keys), strings.Compare(x.Currency, y.Currency))
	})
	return list, nil
}

// holds tells whether a time lies within the span: after its beginning, that is the failure which completed the rule,
// and before its end.
func (s DeadSpan) holds(at int64) bool {
	return at > s.From.UnixMilli() && (s.To.IsZero() || at < s.To.UnixMilli())
}
