package model

import "math/big"

// AttemptCost prices one attempt by itself. What was not sent costs nothing, in the currency of the tariff that would
// price it.
func (pr *Pricer) AttemptCost(x *Folded) (cost *big.Int, currency string, priced bool) {
	p := pr.price(x.Account, x.Msg, x.Cohort)
	for i := range p.steps {
		s := &p.steps[i]
		if s.step != x.Attempt.Step {
			continue
		}
		if !s.facts.Sent {
			if would := bestTariff(pr.tariffs[x.Account], s.keys, x.Cohort, false); would != nil {
				currency = would.currency
			}
			return new(big.Int), currency, true
		}
		if s.tariff == nil {
			return nil, "", false
		}
		segments := x.BilledSegments()
		if !s.bill(segments, pr.dialogs[x.Attempt]) {
			return nil, s.tariff.currency, false
		}
		return s.cost, s.tariff.currency, true
	}
	return new(big.Int), "", true
}

// OneMore prices one more message like an attempt by the tariffs of a moment, as if it were sent, delivered and billed.
// A nil cost is unknown.
func (pr *Pricer) OneMore(x *Folded, at int64) (cost *big.Int, currency string) {
	t := bestTariff(pr.tariffs[x.Account], pr.model.tariffKeys(x.Attempt), at, false)
	if t == nil {
		return nil, ""
	}
	if cost = t.oneMore(x.BilledSegments()); cost == nil {
		return nil, ""
	}
	return cost, t.currency
}

// oneMore is the cost of an attempt that is sent, delivered and billed, nil when it needs segments that are unknown.
func (t *tariff) oneMore(segments int64) *big.Int {
	units := int64(1)
	switch t.billing {
	case "zero":
		units = 0
	case "per_segment_sent", "per_segment_delivered":
		if units = segments; units == 0 {
			return nil
		}
	}
	cost := new(big.Int).Mul(big.NewInt(units), t.price)
	return cost.Add(cost, t.connect)
}

// BilledSegments is what a tariff by the segment bills of an attempt, 0 when nobody knows.
func (x *Folded) BilledSegments() int64 {
	if x.Attempt.segments > 0 {
		return int64(x.Attempt.segments)
	}
	segments := int64(0)
	for i := range x.Msg.attempts {
		if other := &x.Msg.attempts[i]; !other.derive(x.Cohort).Skipped {
			segments = max(segments, int64(other.smsSegments))
		}
	}
	return segments
}

func (m *Model) tariffKeys(a *Attempt) tariffKeys {
	dim := func(i int) string { return m.strings[a.dims[i]] }
	return tariffKeys{dim(dimChannel), dim(dimProvider), dim(dimOperator), m.countryOf(a), dim(dimTraffic),
		dim(dimSender),
		dim(dimApp)}
}
