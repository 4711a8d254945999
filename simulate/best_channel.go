package simulate

import (
	"cmp"
	"math/big"
	"slices"
	"strings"
)

// BestChannelRow is the cheapest channel that a person read on, or received on. A nil UnitPrice is null.
type BestChannelRow struct {
	Account, Contact, Channel, Recipient, Evidence string
	UnitPrice                                      *big.Int // In micro-units.
	Currency                                       string

	at int64 // When it was read or delivered.
}

// MarshalJSON writes contact, channel, recipient, evidence, unit_price and currency.
func (r BestChannelRow) MarshalJSON() ([]byte, error) {
	var w rowWriter
	w.field("contact", r.Contact)
	w.field("channel", r.Channel)
	w.field("recipient", r.Recipient)
	w.field("evidence", r.Evidence)
	w.field("unit_price", writeMoney(r.UnitPrice))
	w.field("currency", r.Currency)
	return w.finish()
}

// BestChannel finds each person's channel, in the order of account and person. A step's unit price is the price of its tariff at the cohort.
// Where two steps on a channel have one price, the later read or delivery counts, then the lesser recipient.
func (m *Model) BestChannel(q ReachQuery) ([]BestChannelRow, error) {
	tariffs, err := readTariffs(q.Numbers.Tariffs)
	if err != nil {
		return nil, err
	}
	steps, err := m.selected(q.Query, nil)
	if err != nil {
		return nil, err
	}
	type person struct{ account, who string }
	candidates := make(map[person][]BestChannelRow)
	for _, evidence := range [...]string{"read", "delivered"} {
		found := make(map[person][]BestChannelRow)
		for i := range steps {
			x := &steps[i]
			row := BestChannelRow{Account: x.account, Contact: who(x.attempt.contact, x.attempt.recipient), Channel: m.channel(x.attempt),
				Recipient: x.attempt.recipient, Evidence: evidence, at: x.facts.deliveredAt}
			seen := x.facts.delivered
			if evidence == "read" {
				seen = x.facts.read
				row.at = earliest(x.attempt.times[read], x.attempt.times[clicked], x.attempt.times[replied])
			}
			if !seen {
				continue
			}
			if t := bestTariff(tariffs[x.account], m.tariffKeys(x.attempt), x.cohort, false); t != nil {
				row.UnitPrice, row.Currency = t.price, t.currency
			}
			p := person{row.Account, row.Contact}
			found[p] = append(found[p], row)
		}
		for p, rows := range found {
			if len(candidates[p]) == 0 {
				candidates[p] = rows
			}
		}
	}
	rows := make([]BestChannelRow, 0, len(candidates))
	for _, list := range candidates {
		rows = append(rows, slices.MinFunc(list, BestChannelRow.compare))
	}
	slices.SortFunc(rows, func(x, y BestChannelRow) int {
		return cmp.Or(strings.Compare(x.Account, y.Account), strings.Compare(x.Contact, y.Contact))
	})
	return rows, nil
}

// compare puts the better of two candidates of a person first.
func (r BestChannelRow) compare(other BestChannelRow) int {
	switch {
	case r.UnitPrice == nil && other.UnitPrice != nil:
		return 1
	case r.UnitPrice != nil && other.UnitPrice == nil:
		return -1
	}
	price := 0
	if r.UnitPrice != nil {
		price = r.UnitPrice.Cmp(other.UnitPrice)
	}
	return cmp.Or(price, strings.Compare(r.Channel, other.Channel), cmp.Compare(other.at, r.at), strings.Compare(r.Recipient, other.Recipient),
		strings.Compare(r.Currency, other.Currency))
}

func (m *Model) tariffKeys(a *attempt) tariffKeys {
	dim := func(i int) string { return m.strings[a.dims[i]] }
	return tariffKeys{dim(dimChannel), dim(dimProvider), dim(dimOperator), m.countryOf(a), dim(dimTraffic), dim(dimSender), dim(dimApp)}
}
