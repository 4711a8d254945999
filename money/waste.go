package money

import "kaskad/schema"

// Waste is what few characters of its text made one sent SMS cost (docs/api.md, Segment waste).
type Waste struct {
	// Forced tells the cause that counts: the characters that force UCS-2, else those over a boundary.
	Forced bool
	// Currency is that of the row that prices the attempt, "" when there is none. Priced is false then, and when the
	// tariff bills segments and nobody knows how many.
	Currency string
	Priced   bool
	// Segments and Cost are what the tariff bills by segment; nothing under other billing, or when the attempt is not
	// billed.
	Segments uint64
	Cost     Amount
	// Avoidable is the part of Segments that the text would do without, and AvoidableCost their price.
	Avoidable     uint64
	AvoidableCost Amount
}

// Waste computes what few characters cost a sent SMS attempt, of a message with that text and that greatest
// sms_segments. Of two causes the one that counts saves more segments; where they save as many it is the characters
// over a boundary, for those are cut more easily. At least one segment of those billed is always needed, however the
// provider has counted them.
func (l *PriceList) Waste(step *Step, smsSegments uint16, text schema.SMSMeasure, cohortMS int64) Waste {
	var over, forced uint64
	if text.OverBy > 0 {
		over = 1
	}
	if text.ForcedChars > 0 && text.Plain < text.Segments {
		forced = uint64(text.Segments - text.Plain)
	}
	w := Waste{Forced: text.ForcedChars > 0 && (over == 0 || forced > over)}
	avoidable := over
	if w.Forced {
		avoidable = forced
	}
	t := l.TariffAt(step, cohortMS)
	if t == nil {
		return w
	}
	w.Currency = t.Currency
	units, known := t.units(step, smsSegments)
	if w.Priced = known; !known || (t.Billing != PerSegmentSent && t.Billing != PerSegmentDelivered) {
		return w
	}
	w.Segments, w.Cost = units, t.cost(step, units)
	if units > 0 {
		w.Avoidable = min(avoidable, units-1)
		w.AvoidableCost = Micros(t.Price).Times(int64(w.Avoidable))
	}
	return w
}
