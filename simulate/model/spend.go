package model

import (
	"cmp"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SpendRow is a row of the spend report, by which an invoice is checked. Amounts are in micro-units of the currency;
// nil is null.
type SpendRow struct {
	Keys     []Key
	Currency string

	Attempts, Sent, Delivered, Units, Unpriced, BilledSegments, ComputedSegments, ReportedAttempts int64

	// Cost is nil where no attempt of the row has a price, and so are the amounts that follow from it.
	Cost, CostPerDelivered, ReportedCost, Drift, OfUnpriced *big.Int

	priced, pricedDelivered int64
}

// MarshalJSON writes the keys and the fields of docs/definitions.md section 4.
func (r SpendRow) MarshalJSON() ([]byte, error) {
	var w RowWriter
	w.Keys(r.Keys)
	w.Field("currency", r.Currency)
	w.Field("attempts", r.Attempts)
	w.Field("sent", r.Sent)
	w.Field("delivered", r.Delivered)
	w.Field("units", r.Units)
	w.Field("cost", WriteMoney(r.Cost))
	w.Field("unpriced", r.Unpriced)
	w.Field("cost_per_delivered", WriteMoney(r.CostPerDelivered))
	w.Field("billed_segments", r.BilledSegments)
	w.Field("computed_segments", r.ComputedSegments)
	w.Field("segment_drift", r.BilledSegments-r.ComputedSegments)
	w.Field("reported_attempts", r.ReportedAttempts)
	w.Field("reported_cost", WriteMoney(r.ReportedCost))
	w.Field("drift", WriteMoney(r.Drift))
	w.Field("of_unpriced", WriteMoney(r.OfUnpriced))
	return w.Finish()
}

// SpendReport computes the spend report: what each attempted step costs, whatever its message does. Names are those of
// the channel report, and currency among the filters. A nil GroupBy is by channel.
func (m *Model) SpendReport(q SavingsQuery) ([]SpendRow, error) {
	from, to, err := m.Bounds(q.Query)
	if err != nil {
		return nil, err
	}
	names := q.GroupBy
	if names == nil {
		names = []string{"channel"}
	}
	filters := make(map[string][]string)
	for name, values := range q.Filters {
		if name != "currency" {
			filters[name] = values
		}
	}
	prices, err := m.Pricer(q.Tariffs, q.Templates, q.Aliases)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if _, err := m.Key(name, "", &Attempt{}, 0, time.UTC); err != nil {
			return nil, err
		}
	}
	rows := make(map[string]*SpendRow)
	for mk, msg := range m.messages {
		cohort, known := msg.cohort()
		if !known || cohort < from || cohort >= to {
			continue
		}
		account := m.strings[mk.account]
		p := prices.price(account, msg, cohort)
		for i := range p.steps {
			s := &p.steps[i]
			row := s.tariff
			if row == nil {
				row = bestTariff(prices.tariffs[account], s.keys, cohort, false)
			}
			currency := ""
			if row != nil {
				currency = row.currency
			}
			wanted, filtered := q.Filters["currency"]
			if filtered && !slices.Contains(wanted, currency) || !m.passes(filters, mk, s.attempt, cohort, q.Zone()) {
				continue
			}
			var keys []Key
			id := currency
			for _, name := range names {
				key, err := m.Key(name, account, s.attempt, cohort, q.Zone())
				if err != nil {
					return nil, err
				}
				keys = append(keys, key)
				id += strconv.Itoa(len(key.Text)) + ":" + key.Text + strconv.Itoa(key.Number) + ";"
			}
			if rows[id] == nil {
				rows[id] = &SpendRow{Keys: keys, Currency: currency,
					Cost: new(big.Int), ReportedCost: new(big.Int), Drift: new(big.Int), OfUnpriced: new(big.Int)}
			}
			rows[id].add(s, row != nil, p.priced())
		}
	}
	list := make([]SpendRow, 0, len(rows))
	for _, r := range rows {
		list = append(list, r.finish())
	}
	slices.SortFunc(list, func(x, y SpendRow) int {
		return cmp.Or(CompareKeys(x.Keys, y.Keys), strings.Compare(x.Currency, y.Currency))
	})
	return list, nil
}

// add counts an attempted step. A step that was not sent has a price, of nothing, where there is a tariff for it.
func (r *SpendRow) add(s *pricedStep, hasTariff, messagePriced bool) {
	r.Attempts++
	if s.facts.Sent {
		r.Sent++
		if s.keys.channel == "sms" && s.attempt.segments > 0 && s.attempt.smsSegments > 0 {
			r.BilledSegments += int64(s.attempt.segments)
			r.ComputedSegments += int64(s.attempt.smsSegments)
		}
	}
	if s.facts.Delivered {
		r.Delivered++
	}
	if !hasTariff || s.unbilled != "" {
		if s.facts.Sent {
			r.Unpriced++
		}
		return
	}
	r.priced++
	if s.facts.Delivered {
		r.pricedDelivered++
	}
	r.Units += s.units
	r.Cost.Add(r.Cost, s.cost)
	if !messagePriced {
		r.OfUnpriced.Add(r.OfUnpriced, s.cost)
	}
	if price, found := s.attempt.reportedPrice(r.Currency); found {
		r.ReportedAttempts++
		r.ReportedCost.Add(r.ReportedCost, big.NewInt(price))
		r.Drift.Add(r.Drift, new(big.Int).Sub(big.NewInt(price), s.cost))
	}
}

func (r *SpendRow) finish() SpendRow {
	if r.priced == 0 {
		r.Cost, r.ReportedCost, r.Drift, r.OfUnpriced = nil, nil, nil, nil
		return *r
	}
	r.CostPerDelivered = perUnit(r.Cost, r.pricedDelivered)
	return *r
}
