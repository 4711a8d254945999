package money

import (
	"testing"

	"pgregory.net/rapid"
)

func TestPriceList_PriceLeg_Cases(t *testing.T) {
	billed := func(channel string, segments uint16) Leg {
		return Leg{Channel: channel, Sent: true, Segments: segments}
	}
	conversation, outside := deliveredLeg("whatsapp"), deliveredLeg("whatsapp")
	conversation.Conversation, outside.Outside = true, true
	for name, c := range map[string]struct {
		billing     Billing
		leg         Leg
		smsSegments uint16
		units       uint64
		cost        string // "" when there is none
	}{
		"by the provider's segments":      {PerSegmentSent, billed("sms", 3), 2, 3, "7.50"},
		"by the text's segments":          {PerSegmentSent, sentLeg("sms"), 2, 2, "5.00"},
		"segments unknown":                {PerSegmentSent, sentLeg("sms"), 0, 0, ""},
		"segments unknown, nothing due":   {PerSegmentDelivered, failedLeg("sms"), 0, 0, "0.00"},
		"not sent":                        {PerSegmentSent, Leg{Channel: "sms", Failed: true, Segments: 9}, 9, 0, "0.00"},
		"not sent, no tariff":             {PerMessageSent, Leg{Channel: "push"}, 0, 0, "0.00"},
		"no tariff":                       {PerMessageSent, sentLeg("push"), 1, 0, ""},
		"a conversation":                  {PerConversation24h, conversation, 0, 1, "2.50"},
		"another of the conversation":     {PerConversation24h, deliveredLeg("whatsapp"), 0, 0, "0.00"},
		"outside of the reply window":     {PerMessageOutsideWindow, outside, 0, 1, "2.50"},
		"inside of the reply window":      {PerMessageOutsideWindow, deliveredLeg("whatsapp"), 0, 0, "0.00"},
		"a call that connects":            {AttemptPlusConnect, deliveredLeg("flash_call"), 0, 1, "3.20"},
		"a call that does not":            {AttemptPlusConnect, failedLeg("flash_call"), 0, 1, "2.50"},
		"refunded":                        {PerMessageRefunded, failedLeg("telegram"), 0, 0, "0.00"},
		"free":                            {Zero, deliveredLeg("email"), 0, 0, "0.00"},
		"by message, segments don't show": {PerMessageSent, billed("sms", 3), 3, 1, "2.50"},
	} {
		tariff := tariffOf(c.leg.Channel, c.billing, "2.50")
		if name == "no tariff" || name == "not sent, no tariff" {
			tariff.Channel = "voice"
		}
		if c.billing == AttemptPlusConnect {
			tariff = connect(tariff, "0.70")
		}
		if c.billing == Zero {
			tariff.Price = 0
		}
		l := prices(t, tariff)
		got, ok := l.PriceLeg(&c.leg, c.smsSegments, 0)
		if ok != (c.cost != "") || got.Units != c.units || (ok && got.Cost.String() != c.cost) {
			t.Errorf("%s: %+v, %v; want %d units, %q", name, got, ok, c.units, c.cost)
		}
		if found := got.Tariff != nil; found != (c.leg.Sent && name != "no tariff") {
			t.Errorf("%s: tariff %+v", name, got.Tariff)
		}
	}
}

// An attempt costs by itself what it costs in its message, and a message whose steps all have a price, in one currency, lacks none but its baseline's.
func TestPriceList_PriceLeg_AsInTheMessage(t *testing.T) {
	priced, unpriced := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		l := NewPriceList(smallTariffs().Draw(t, "tariffs"), nil)
		shape, cohort := anyShape().Draw(t, "shape"), anyCohort().Draw(t, "cohort")
		p := l.Price(shape, "", cohort)
		for i := range shape.Legs {
			cost, ok := l.PriceLeg(&shape.Legs[i], shape.SMSSegments, cohort)
			if p.OK && (!ok || cost != p.Legs[i]) {
				t.Fatalf("%+v costs %+v, %v; in its message %+v", shape.Legs[i], cost, ok, p.Legs[i])
			}
			if ok {
				priced++
			} else {
				unpriced++
			}
		}
	})
	if priced < 20 || unpriced < 20 {
		t.Errorf("%d priced, %d unpriced: the draw tests little", priced, unpriced)
	}
}
