package simulate

import (
	"cmp"
	"math/big"
	"slices"
	"strings"
)

// BestChannelRow is the cheapest channel that a person read on, or received on. A nil Cost is null.
type BestChannelRow struct {
	Account, Contact, Channel, Recipient, Evidence string

	Cost     *big.Int // Of one more message, in micro-units.
	Currency string   // Empty where there is no cost.
}

// MarshalJSON writes contact, channel, recipient, evidence, cost and currency.
func (r BestChannelRow) MarshalJSON() ([]byte, error) {
	var w rowWriter
	w.field("contact", r.Contact)
	w.field("channel", r.Channel)
	w.field("recipient", r.Recipient)
	w.field("evidence", r.Evidence)
	w.field("cost", writeMoney(r.Cost))
	w.field("currency", r.Currency)
	return w.finish()
}

// proof is an attempt that shows that a channel works for a person, and when it did.
type proof struct {
	x  *keyed
	at int64
}

// compare orders proofs by time, message and step.
func (p proof) compare(other proof) int {
	return cmp.Or(cmp.Compare(p.at, other.at), strings.Compare(p.x.key.id, other.x.key.id),
		cmp.Compare(p.x.attempt.step, other.x.attempt.step))
}

// BestChannel finds each person's channel, in the order of account and person. What was read or delivered at an address
// that is lost proves nothing.
func (m *Model) BestChannel(q ReachQuery) ([]BestChannelRow, error) {
	tariffs, err := readTariffs(q.Numbers.Tariffs)
	if err != nil {
		return nil, err
	}
	lost, err := m.lostAddresses(q.Numbers)
	if err != nil {
		return nil, err
	}
	steps, err := m.selected(q.Query, nil)
	if err != nil {
		return nil, err
	}
	wasRead, wasDelivered := make(map[personKey]map[string]proof), make(map[personKey]map[string]proof)
	note := func(proofs map[personKey]map[string]proof, p proof) {
		who, channel := m.personOf(&p.x.foldedAttempt), m.channel(p.x.attempt)
		if proofs[who] == nil {
			proofs[who] = make(map[string]proof)
		}
		if known, found := proofs[who][channel]; !found || p.compare(known) > 0 {
			proofs[who][channel] = p
		}
	}
	for i := range steps {
		x := &steps[i]
		if lost(m.addressOf(&x.foldedAttempt)) {
			continue
		}
		if x.facts.delivered {
			note(wasDelivered, proof{x, x.facts.deliveredAt})
		}
		if x.facts.read {
			note(wasRead, proof{x, x.facts.readAt})
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
				Recipient: p.x.attempt.recipient,
				Evidence:  evidence}
			row.Cost, row.Currency = m.oneMore(&p.x.foldedAttempt, tariffs, m.asOf(q.Numbers))
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
				if _, its := m.oneMore(&sms.x.foldedAttempt, tariffs, m.asOf(q.Numbers)); its != "" {
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

// oneMore prices one more message like an attempt by the tariffs of a moment, as if it were sent, delivered and billed.
// A nil cost is unknown.
func (m *Model) oneMore(x *foldedAttempt, tariffs map[string][]*tariff, at int64) (cost *big.Int, currency string) {
	t := bestTariff(tariffs[x.account], m.tariffKeys(x.attempt), at, false)
	if t == nil {
		return nil, ""
	}
	units := int64(1)
	switch t.billing {
	case "zero":
		units = 0
	case "per_segment_sent", "per_segment_delivered":
		if units = x.billedSegments(); units == 0 {
			return nil, ""
		}
	}
	cost = new(big.Int).Mul(big.NewInt(units), t.price)
	return cost.Add(cost, t.connect), t.currency
}

// billedSegments is what a tariff by the segment bills of an attempt, 0 when nobody knows.
func (x *foldedAttempt) billedSegments() int64 {
	if x.attempt.segments > 0 {
		return int64(x.attempt.segments)
	}
	segments := int64(0)
	for i := range x.msg.attempts {
		if other := &x.msg.attempts[i]; !other.derive(x.cohort).skipped {
			segments = max(segments, int64(other.smsSegments))
		}
	}
	return segments
}

func (m *Model) tariffKeys(a *attempt) tariffKeys {
	dim := func(i int) string { return m.strings[a.dims[i]] }
	return tariffKeys{dim(dimChannel), dim(dimProvider), dim(dimOperator), m.countryOf(a), dim(dimTraffic),
		dim(dimSender),
		dim(dimApp)}
}
