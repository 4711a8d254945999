package money

// PriceLeg prices one attempt by itself, of a message with that greatest sms_segments, at the prices valid at its cohort. It returns false when
// the attempt was sent and has no price: then Tariff is the row that was found, whose units are unknown, or nil. One that was not sent costs nothing
// and needs no tariff.
func (l *PriceList) PriceLeg(leg *Leg, smsSegments uint16, cohortMS int64) (LegCost, bool) {
	if !leg.Sent {
		return LegCost{}, true
	}
	t := l.TariffAt(leg, cohortMS)
	if t == nil {
		return LegCost{}, false
	}
	units, known := t.units(leg, smsSegments)
	if !known {
		return LegCost{Tariff: t}, false
	}
	return LegCost{Tariff: t, Units: units, Cost: t.cost(leg, units)}, true
}
