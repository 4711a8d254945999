package money

import (
	"testing"

	"pgregory.net/rapid"
)

func TestPriceList_Cost_Cases(t *testing.T) {
	dear := tariffOf("sms", PerSegmentSent, "3.00")
	dear.FromMS = 10 * 3_600_000
	cheap := tariffOf("sms", PerSegmentSent, "2.00")
	cheap.ToMS = dear.FromMS
	l := prices(t, cheap, dear, tariffOf("viber", PerMessageRefunded, "0.75"),
		connect(tariffOf("flash_call", AttemptPlusConnect, "0.10"), "0.70"),
		tariffOf("sms", PerSegmentSent, "5.00", "provider", "abroad", "currency", "EUR"))
	segments := func(leg Step, n uint16) Step {
		leg.Segments = n
		return leg
	}
	abroad := segments(failedLeg("sms"), 1)
	abroad.Provider = "abroad"
	for _, c := range []struct {
		what        string
		leg         Step
		smsSegments uint16
		cohortMS    int64
		cost        string // "" when unpriced
		currency    string // "" without a tariff
	}{
		{"by the provider's segments", segments(failedLeg("sms"), 2), 7, 0, "4.00", "RUB"},
		{"by the text's segments", failedLeg("sms"), 3, 0, "6.00", "RUB"},
		{"at the later price", failedLeg("sms"), 1, dear.FromMS, "3.00", "RUB"},
		{"without segments", failedLeg("sms"), 0, 0, "", "RUB"},
		{"without a tariff", sentLeg("voice"), 1, 0, "", ""},
		{"never sent", Step{Channel: "voice", Failed: true}, 0, 0, "0.00", ""},
		{"given back when it fails", failedLeg("viber"), 0, 0, "0.00", "RUB"},
		{"not connected", failedLeg("flash_call"), 0, 0, "0.10", "RUB"},
		{"connected", deliveredLeg("flash_call"), 0, 0, "0.80", "RUB"},
		{"in another currency", abroad, 0, 0, "5.00", "EUR"},
	} {
		cost, ok := l.Cost(&c.leg, c.smsSegments, c.cohortMS)
		currency := ""
		if cost.Tariff != nil {
			currency = cost.Tariff.Currency
		}
		if ok != (c.cost != "") || currency != c.currency || ok && cost.Cost.String() != c.cost {
			t.Errorf("%s: %v %v %q", c.what, ok, cost.Cost, currency)
		}
	}
}

// The cost of a message is the sum of what its attempts cost by themselves.
func TestPriceList_Cost_AddsUp(t *testing.T) {
	l := prices(t, tariffOf("sms", PerSegmentSent, "2.00"), tariffOf("viber", PerMessageDelivered, "0.75"),
		tariffOf("push", PerMessageRefunded, "0.36"))
	rapid.Check(t, func(t *rapid.T) {
		shape := &Signature{SMSSegments: rapid.Uint16Range(0, 3).Draw(t, "sms_segments")}
		for range rapid.IntRange(1, 5).Draw(t, "legs") {
			leg := Step{Channel: rapid.SampledFrom([]string{"sms", "viber", "push", "voice"}).Draw(t, "channel"),
				Segments: rapid.Uint16Range(0, 2).Draw(t, "segments"),
				Sent:     rapid.Bool().Draw(t, "sent")}
			leg.Delivered = leg.Sent && rapid.Bool().Draw(t, "delivered")
			leg.Failed = !leg.Delivered && rapid.Bool().Draw(t, "failed")
			shape.Steps = append(shape.Steps, leg)
		}
		whole := l.Price(shape, "", 0)
		var sum Amount
		all := true
		for i := range shape.Steps {
			cost, ok := l.Cost(&shape.Steps[i], shape.SMSSegments, 0)
			sum, all = sum.Add(cost.Cost), all && ok
		}
		if whole.OK && (!all || sum != whole.Actual) {
			t.Fatalf("the message costs %v, its attempts %v (%v)", whole.Actual, sum, all)
		}
		if !all && whole.OK {
			t.Fatal("an attempt has no price, and the message has one")
		}
	})
}
