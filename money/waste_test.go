package money

import (
	"testing"

	"kaskad/schema"
)

func TestPriceList_Waste_Cases(t *testing.T) {
	const at = int64(1_795_132_800_000)
	list := func(billing Billing) *PriceList {
		return NewPriceList([]Tariff{{Channel: "sms", Provider: "*", Operator: "*", Country: "*", Traffic: "*",
			Sender: "*", App: "*",
			ToMS: schema.Never, Currency: "RUB", Billing: billing, Price: 2_500_000}}, nil)
	}
	delivered, sent := Step{Channel: "sms", Sent: true, Delivered: true}, Step{Channel: "sms", Sent: true}
	billed := func(n uint16) Step { return Step{Channel: "sms", Sent: true, Delivered: true, Segments: n} }
	over := schema.SMSMeasure{Segments: 2, OverBy: 3}
	forced := schema.SMSMeasure{Segments: 3, ForcedChars: 1, Plain: 1}
	both := schema.SMSMeasure{Segments: 3, OverBy: 2, ForcedChars: 1, Plain: 1}
	equal := schema.SMSMeasure{Segments: 3, OverBy: 2, ForcedChars: 1, Plain: 2}
	harmless := schema.SMSMeasure{Segments: 1, ForcedChars: 1, Plain: 1}
	grows := schema.SMSMeasure{Segments: 2, ForcedChars: 1, Plain: 3}
	for name, c := range map[string]struct {
		billing Billing
		leg     Step
		sms     uint16
		text    schema.SMSMeasure
		want    Waste
	}{
		"over a boundary": {PerSegmentSent, sent, 2, over,
			Waste{false, "RUB", true, 2, Micros(5_000_000), 1, Micros(2_500_000)}},
		"forced": {PerSegmentSent, sent, 3, forced,
			Waste{true, "RUB", true, 3, Micros(7_500_000), 2, Micros(5_000_000)}},
		"both, forced saves more": {PerSegmentSent, sent, 3, both,
			Waste{true, "RUB", true, 3, Micros(7_500_000), 2, Micros(5_000_000)}},
		"both, as much": {PerSegmentSent, sent, 3, equal,
			Waste{false, "RUB", true, 3, Micros(7_500_000), 1, Micros(2_500_000)}},
		"forced costs nothing": {PerSegmentSent, sent, 1, harmless,
			Waste{true, "RUB", true, 1, Micros(2_500_000), 0, Micros(0)}},
		"GSM-7 would take more": {PerSegmentSent, sent, 2, grows,
			Waste{true, "RUB", true, 2, Micros(5_000_000), 0, Micros(0)}},
		"provider billed fewer": {PerSegmentSent, billed(2), 3, forced,
			Waste{true, "RUB", true, 2, Micros(5_000_000), 1, Micros(2_500_000)}},
		"provider billed one": {PerSegmentSent, billed(1), 2, over,
			Waste{false, "RUB", true, 1, Micros(2_500_000), 0, Micros(0)}},
		"provider billed more": {PerSegmentSent, billed(5), 2, over,
			Waste{false, "RUB", true, 5, Micros(12_500_000), 1, Micros(2_500_000)}},
		"delivered": {PerSegmentDelivered, delivered, 2, over,
			Waste{false, "RUB", true, 2, Micros(5_000_000), 1, Micros(2_500_000)}},
		"not delivered, so not paid": {PerSegmentDelivered, sent, 2, over,
			Waste{false, "RUB", true, 0, Micros(0), 0, Micros(0)}},
		"by message":       {PerMessageSent, sent, 2, over, Waste{false, "RUB", true, 0, Micros(0), 0, Micros(0)}},
		"free":             {Zero, sent, 2, over, Waste{false, "RUB", true, 0, Micros(0), 0, Micros(0)}},
		"segments unknown": {PerSegmentSent, sent, 0, over, Waste{false, "RUB", false, 0, Micros(0), 0, Micros(0)}},
		"no tariff":        {PerSegmentSent, Step{Channel: "viber", Sent: true}, 2, forced, Waste{Forced: true}},
	} {
		if got := list(c.billing).Waste(&c.leg, c.sms, c.text, at); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
