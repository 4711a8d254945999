package numbers

import (
	"cmp"
	"math/big"
	"slices"
	"strings"

	"kaskad/simulate/model"
)

// BestChannelRow is the cheapest channel that a person read on, or received on. A nil Cost is null.
type BestChannelRow struct {
	Account, Contact, Channel, Recipient, Evidence string

	Cost     *big.Int // Of one more message, in micro-units.
	Currency string   // Empty where there is no cost.
}

// MarshalJSON writes contact, channel, recipient, evidence, cost and currency.
func (r BestChannelRow) MarshalJSON() ([]byte, error) {
	var w model.RowWriter
	w.Field("contact", r.Contact)
	w.Field("channel", r.Channel)
	w.Field("recipient", r.Recipient)
	w.Field("evidence", r.Evidence)
	w.Field("cost", model.WriteMoney(r.Cost))
	w.Field("currency", r.Currency)
	return w.Finish()
}

// proof is an attempt that shows that a channel works for a person, and when it did.
type proof struct {
	x  *keyed
	at int64
}

// compare orders proofs by time, message and step.
func (p proof) compare(other proof) int {
	return cmp.Or(cmp.Compare(p.at, other.at), strings.Compare(p.x.Key.ID, other.x.Key.ID),
		cmp.Compare(p.x.Attempt.Step, other.x.Attempt.Step))
}

// BestChannel finds each person's channel, in the order of account and person. What was read or delivered at an address
// that is lost proves nothing.
func BestChannel(m *model.Model, q ReachQuery) ([]BestChannelRow, error) {
	prices, err := m.Pricer(q.Numbers.Tariffs, nil, nil)
	if err != nil {
		return nil, err
	}
	lost, err := lostAddresses(m, q.Numbers)
	if err != nil {
		return nil, err
	}
	steps, err := selected(m, q.Query, nil)
	if err != nil {
		return nil, err
	}
	wasRead, wasDelivered := make(map[personKey]map[string]proof), make(map[personKey]map[string]proof)
	note := func(proofs map[personKey]map[string]proof, p proof) {
		who, channel := personOf(m, &p.x.Folded), m.Channel(p.x.Attempt)
		if proofs[who] == nil {
			proofs[who] = make(map[string]proof)
		}
		if known, found := proofs[who][channel]; !found || p.compare(known) > 0 {
			proofs[who][channel] = p
		}
	}
	for i := range steps {
		x := &steps[i]
		if lost(addressOf(m, &x.Folded)) {
			continue
		}
		if x.Facts.Delivered {
			note(wasDelivered, proof{x, x.Facts.DeliveredAt})
		}
		if x.Facts.Read {
			note(wasRead, proof{x, x.Facts.ReadAt})
		}
	}
	rows := make([]BestChannelRow, 0, len(wasDelivered))
	for who, proofs := range wasDelivered {
		evidence := "delivered"
		if len(wasRead[who]) > 0 {
			evidence, proofs = "read", wasRead[who]
		}
		var candidates []BestChannelRow
		for channel, p := range proofs {
			row := BestChannelRow{Account: who.account, Contact: who.who, Channel: channel,
				Recipient: p.x.Attempt.Recipient,
				Evidence:  evidence}
			row.Cost, row.Currency = prices.OneMore(&p.x.Folded, asOf(m, q.Numbers))
			candidates = append(candidates, row)
		}
		slices.SortFunc(candidates, func(x, y BestChannelRow) int { return strings.Compare(x.Channel, y.Channel) })
		currency := ""
		for _, row := range candidates {
			currency = cmp.Or(currency, row.Currency)
		}
		// The person's SMS says which currency comes first, also where it was not read and others were.
		for _, known := range [...]map[string]proof{wasDelivered[who], wasRead[who]} {
			if sms, found := known["sms"]; found {
				if _, its := prices.OneMore(&sms.x.Folded, asOf(m, q.Numbers)); its != "" {
					currency = its
				}
			}
		}
		rows = append(rows, slices.MinFunc(candidates, func(x, y BestChannelRow) int { return x.compare(y, currency) }))
	}
	slices.SortFunc(rows, func(x, y BestChannelRow) int {
		return cmp.Or(strings.Compare(x.Account, y.Account), strings.Compare(x.Contact, y.Contact))
	})
	return rows, nil
}

// compare puts the better of two candidates of a person first: those in the person's currency, those in others, those
// without a price.
func (r BestChannelRow) compare(other BestChannelRow, currency string) int {
	rank := func(r BestChannelRow) int {
		switch {
		case r.Cost == nil:
			return 2
		case r.Currency != currency:
			return 1
		}
		return 0
	}
	price := 0
	if r.Cost != nil && other.Cost != nil {
		price = r.Cost.Cmp(other.Cost)
	}
	return cmp.Or(cmp.Compare(rank(r), rank(other)), price, strings.Compare(r.Channel, other.Channel))
}
