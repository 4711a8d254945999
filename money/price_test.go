package money

import (
	"fmt"
	"math/big"
	"slices"
	"testing"

	"kaskad/schema"
)

// tariffOf makes a tariff in roubles that is valid for ever; keys are "name=value".
func tariffOf(channel string, billing Billing, price string, keys ...string) Tariff {
	micros, _ := ParsePrice(price)
	t := Tariff{Channel: channel, Provider: Any, Operator: Any, Country: Any, Traffic: Any, Sender: Any, App: Any,
		ToMS: schema.Never, Currency: "RUB", Billing: billing, Price: micros}
	for i := 0; i < len(keys); i += 2 {
		*map[string]*string{"provider": &t.Provider, "operator": &t.Operator, "country": &t.Country,
			"traffic": &t.Traffic, "sender": &t.Sender, "app": &t.App,
			"currency": &t.Currency}[keys[i]] = keys[i+1]
	}
	return t
}

func connect(t Tariff, price string) Tariff {
	t.ConnectPrice, _ = ParsePrice(price)
	return t
}

// prices makes a price list, which must be valid.
func prices(t testing.TB, tariffs ...Tariff) *PriceList {
	t.Helper()
	if err := ValidateTariffs(tariffs); err != nil {
		t.Fatal(err)
	}
	return NewPriceList(tariffs, nil)
}

// Steps by their outcome.
func sentLeg(channel string) Step { return Step{Channel: channel, Sent: true} }
func deliveredLeg(channel string) Step {
	return Step{Channel: channel, Sent: true, Delivered: true}
}
func failedLeg(channel string) Step { return Step{Channel: channel, Sent: true, Failed: true} }

func message(segments uint16, legs ...Step) *Signature {
	return &Signature{SMSSegments: segments, Steps: legs}
}

// total prices messages by shape and count, all of which must have a price, and returns their sums.
func total(t *testing.T, l *PriceList, counts map[*Signature]int64) (smsOnly, actual, saved Amount) {
	t.Helper()
	for shape, n := range counts {
		p := l.Price(shape, "", 0)
		if !p.OK {
			t.Fatalf("%s is unpriced", shape.Path())
		}
		smsOnly, actual, saved = smsOnly.Add(p.SMSOnly.Times(n)), actual.Add(p.Actual.Times(n)),
			saved.Add(p.Saved.Times(n))
	}
	return smsOnly, actual, saved
}

func wantMoney(t *testing.T, what string, got Amount, want string) {
	t.Helper()
	if got.String() != want {
		t.Errorf("%s = %s, want %s", what, got, want)
	}
}

func wantRate(t *testing.T, what string, num, den Amount, want int64) {
	t.Helper()
	if got, ok := Rate(num, den); !ok || got.Cmp(big.NewInt(want)) != 0 {
		t.Errorf("%s = %d millionths, want %d", what, got, want)
	}
}

// A2 to A4 of the domain's worked examples: what 400 000 moved messages cost as push and as SMS.
func TestPrice_MovedMessages(t *testing.T) {
	l := prices(t, tariffOf("sms", PerSegmentSent, "2.00"), tariffOf("push", PerMessageDelivered, "0.36"))
	smsOnly, actual, saved := total(t, l, map[*Signature]int64{message(2, deliveredLeg("push")): 400_000})
	wantMoney(t, "push", actual, "144000.00")
	wantMoney(t, "as SMS", smsOnly, "1600000.00")
	wantMoney(t, "saved", saved, "1456000.00")
	wantRate(t, "saved rate", saved, smsOnly, 910_000)
	wantRate(t, "ratio", smsOnly, actual, 11_111_111)
}

// A5 to A7: a million messages of 2 segments, push first for those who have the app, SMS for all that push did not
// reach.
func TestPrice_Cascade(t *testing.T) {
	sms := tariffOf("sms", PerSegmentSent, "2.00")
	for _, c := range []struct {
		name                         string
		push                         Billing
		tried, reached               int64
		smsOnly, actual, saved, rate string
	}{
		{"A5", PerMessageDelivered, 500_000, 400_000, "4000000.00", "2544000.00", "1456000.00", "364000"},
		{"A6", PerMessageSent, 500_000, 400_000, "4000000.00", "2580000.00", "1420000.00", "355000"},
		{"A7", PerMessageDelivered, 400_000, 320_000, "4000000.00", "2835200.00", "1164800.00", "291200"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := prices(t, sms, tariffOf("push", c.push, "0.36"))
			smsOnly, actual, saved := total(t, l, map[*Signature]int64{
				message(2, deliveredLeg("push")):                   c.reached,
				message(2, failedLeg("push"), deliveredLeg("sms")): c.tried - c.reached,
				message(2, deliveredLeg("sms")):                    1_000_000 - c.tried,
			})
			wantMoney(t, "SMS only", smsOnly, c.smsOnly)
			wantMoney(t, "cascade", actual, c.actual)
			wantMoney(t, "saved", saved, c.saved)
			if rate, _ := Rate(saved, smsOnly); fmt.Sprint(rate) != c.rate {
				t.Errorf("saved rate %d millionths, want %s", rate, c.rate)
			}
		})
	}
}

// A8 to A10: one-time passwords by flash call, with SMS where the call fails.
func TestPrice_FlashCalls(t *testing.T) {
	sms := tariffOf("sms", PerSegmentSent, "2.00")
	reached, failed := message(1, deliveredLeg("flash_call")), message(1, failedLeg("flash_call"), deliveredLeg("sms"))
	for _, c := range []struct {
		name          string
		flash         Tariff
		reached       int64
		actual, saved string
	}{
		{"A8", tariffOf("flash_call", PerMessageDelivered, "0.80"), 10_000, "8000.00", "12000.00"},
		{"A9", tariffOf("flash_call", PerMessageDelivered, "0.80"), 9_800, "8240.00", "11760.00"},
		{"A10", tariffOf("flash_call", PerMessageSent, "0.80"), 9_800, "8400.00", "11600.00"},
		{"attempt and connect", connect(tariffOf("flash_call", AttemptPlusConnect, "0.10"), "0.70"), 9_800, "8260.00",
			"11740.00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, actual, saved := total(t, prices(t, sms, c.flash),
				map[*Signature]int64{reached: c.reached, failed: 10_000 - c.reached})
			wantMoney(t, "cost", actual, c.actual)
			wantMoney(t, "saved", saved, c.saved)
		})
	}
	l := prices(t, sms, tariffOf("flash_call", PerMessageDelivered, "0.80"))
	wantRate(t, "A8's ratio", l.Price(reached, "", 0).SMSOnly, l.Price(reached, "", 0).Actual, 2_500_000)
}

// A11: a WhatsApp conversation pays from 3 segments.
func TestPrice_ConversationBreaksEven(t *testing.T) {
	l := prices(t, tariffOf("sms", PerSegmentSent, "2.00"), tariffOf("whatsapp", PerConversation24h, "4.50"))
	for segments, saved := range map[uint16]string{1: "-2.50", 2: "-0.50", 3: "1.50"} {
		leg := deliveredLeg("whatsapp")
		leg.Conversation = true
		p := l.Price(message(segments, leg), "", 0)
		wantMoney(t, fmt.Sprint(segments, " segments"), p.Saved, saved)
	}
}

// A12: a business message, a reply and five more within its 24 h are one conversation; a template at its end begins
// another. Which attempt carries the unit is found by walking the events; the price follows.
func TestPrice_ConversationsCostByUnit(t *testing.T) {
	l := prices(t, tariffOf("sms", PerSegmentSent, "2.00"), tariffOf("whatsapp", PerConversation24h, "4.50"))
	first, inside := deliveredLeg("whatsapp"), deliveredLeg("whatsapp")
	first.Conversation = true
	_, actual, _ := total(t, l, map[*Signature]int64{message(1, first): 1, message(1, inside): 5})
	wantMoney(t, "one conversation", actual, "4.50")
	_, actual, _ = total(t, l, map[*Signature]int64{message(1, first): 2, message(1, inside): 5})
	wantMoney(t, "with the next one", actual, "9.00")
}

// A15: Viber delivered but not read in time, so an SMS follows: both are billed, and the SMS is paid twice by choice.
func TestPrice_DoublePaidUnread(t *testing.T) {
	l := prices(t, tariffOf("sms", PerSegmentSent, "2.00"), tariffOf("viber", PerMessageDelivered, "0.75"))
	sms := deliveredLeg("sms")
	sms.Trigger = "unread"
	p := l.Price(message(2, deliveredLeg("viber"), sms), "", 0)
	wantMoney(t, "actual", p.Actual, "4.75")
	wantMoney(t, "saved", p.Saved, "-0.75")
	wantMoney(t, "double paid", p.DoublePaid, "4.00")
	wantMoney(t, "double paid unread", p.DoublePaidUnread, "4.00")
	wantMoney(t, "wasted", p.Wasted, "0.00")
}

// A16: Viber not delivered costs nothing.
func TestPrice_UndeliveredViberIsFree(t *testing.T) {
	l := prices(t, tariffOf("sms", PerSegmentSent, "2.00"), tariffOf("viber", PerMessageDelivered, "0.75"))
	p := l.Price(message(2, failedLeg("viber"), deliveredLeg("sms")), "", 0)
	wantMoney(t, "actual", p.Actual, "4.00")
	if p.Steps[0].Units != 0 || p.Steps[1].Units != 2 {
		t.Errorf("units %d and %d, want 0 and 2", p.Steps[0].Units, p.Steps[1].Units)
	}
}

func TestPrice_DoublePaidAndWasted(t *testing.T) {
	l := prices(t, tariffOf("sms", PerSegmentSent, "2.00"), tariffOf("push", PerMessageSent, "0.36"),
		tariffOf("viber", PerMessageSent, "0.75"), tariffOf("vk", PerMessageSent, "0.90"))
	late, unread, again := deliveredLeg("sms"), sentLeg("vk"), failedLeg("viber")
	late.Trigger, unread.Trigger, again.Trigger = "undelivered", "unread", "unread"
	p := l.Price(message(2, failedLeg("push"), deliveredLeg("viber"), late, unread, again), "", 0)
	wantMoney(t, "actual", p.Actual, "6.76")
	wantMoney(t, "double paid", p.DoublePaid, "5.65") // SMS 4.00, VK 0.90, Viber 0.75
	wantMoney(t, "double paid unread", p.DoublePaidUnread, "1.65")
	wantMoney(t, "wasted", p.Wasted, "1.11") // push 0.36, the second Viber 0.75
	nobody := l.Price(message(2, failedLeg("push"), sentLeg("sms")), "", 0)
	wantMoney(t, "double paid when nothing was delivered", nobody.DoublePaid, "0.00")
}

// Every billing model against every outcome of an attempt.
func TestPrice_BillingModels(t *testing.T) {
	pending := Step{Channel: "rcs", Sent: true}
	delivered := Step{Channel: "rcs", Sent: true, Delivered: true}
	failed := Step{Channel: "rcs", Sent: true, Failed: true}
	rejected := Step{Channel: "rcs", Failed: true}
	queued := Step{Channel: "rcs"}
	unit := Step{Channel: "rcs", Sent: true, Delivered: true, Conversation: true}
	outside := Step{Channel: "rcs", Sent: true, Delivered: true, Outside: true}
	for _, c := range []struct {
		billing Billing
		leg     Step
		units   uint64
		cost    string
	}{
		{PerSegmentSent, pending, 3, "6.00"}, {PerSegmentSent, delivered, 3, "6.00"},
		{PerSegmentSent, failed, 3, "6.00"}, {PerSegmentSent, rejected, 0, "0.00"}, {PerSegmentSent, queued, 0, "0.00"},
		{PerSegmentDelivered, pending, 0, "0.00"}, {PerSegmentDelivered, delivered, 3, "6.00"},
		{PerSegmentDelivered, failed, 0, "0.00"}, {PerSegmentDelivered, rejected, 0, "0.00"},
		{PerMessageSent, pending, 1, "2.00"}, {PerMessageSent, delivered, 1, "2.00"},
		{PerMessageSent, failed, 1, "2.00"}, {PerMessageSent, rejected, 0, "0.00"}, {PerMessageSent, queued, 0, "0.00"},
		{PerMessageDelivered, pending, 0, "0.00"}, {PerMessageDelivered, delivered, 1, "2.00"},
		{PerMessageDelivered, failed, 0, "0.00"}, {PerMessageDelivered, rejected, 0, "0.00"},
		{AttemptPlusConnect, pending, 1, "2.00"}, {AttemptPlusConnect, delivered, 1, "2.50"},
		{AttemptPlusConnect, failed, 1, "2.00"}, {AttemptPlusConnect, rejected, 0, "0.00"},
		{PerMessageRefunded, pending, 1, "2.00"}, {PerMessageRefunded, delivered, 1, "2.00"},
		{PerMessageRefunded, failed, 0, "0.00"}, {PerMessageRefunded, rejected, 0, "0.00"},
		{PerMessageRefunded, queued, 0, "0.00"},
		{PerMessageOutsideWindow, delivered, 0, "0.00"}, {PerMessageOutsideWindow, outside, 1, "2.00"},
		{PerMessageOutsideWindow, unit, 0, "0.00"}, {PerMessageOutsideWindow, failed, 0, "0.00"},
		{PerConversation24h, delivered, 0, "0.00"}, {PerConversation24h, outside, 0, "0.00"},
		{PerConversation24h, unit, 1, "2.00"}, {PerConversation24h, failed, 0, "0.00"},
		{Zero, delivered, 0, "0.00"}, {Zero, unit, 0, "0.00"}, {Zero, outside, 0, "0.00"}, {Zero, rejected, 0, "0.00"},
	} {
		tariff := tariffOf("rcs", c.billing, "2.00")
		switch c.billing {
		case Zero:
			tariff.Price = 0
		case AttemptPlusConnect:
			tariff = connect(tariff, "0.50")
		}
		p := prices(t, tariffOf("sms", PerMessageSent, "1"), tariff).Price(message(3, c.leg), "", 0)
		if !p.OK || p.Steps[0].Units != c.units || p.Steps[0].Cost.String() != c.cost || p.Actual != p.Steps[0].Cost {
			t.Errorf("%s of %+v: %+v, want %d units, %s", c.billing, c.leg, p.Steps, c.units, c.cost)
		}
		if sent := p.Steps[0].Tariff != nil; sent != c.leg.Sent {
			t.Errorf("%s of %+v: tariff %v; only sent attempts need one", c.billing, c.leg, p.Steps[0].Tariff)
		}
	}
}

// The baseline is the list price of the SMS, delivered or not.
func TestPrice_BaselineByBilling(t *testing.T) {
	for billing, want := range map[Billing]string{PerSegmentSent: "6.00", PerSegmentDelivered: "6.00",
		PerMessageSent: "2.00", PerMessageDelivered: "2.00", Zero: "0.00"} {
		sms := tariffOf("sms", billing, "2.00")
		if billing == Zero {
			sms.Price = 0
		}
		p := prices(t, sms, tariffOf("push", Zero, "0")).Price(message(3, failedLeg("push")), "", 0)
		if !p.OK || p.SMSOnly.String() != want || p.Saved != p.SMSOnly || p.Segments != 3 {
			t.Errorf("%s: %+v, want %s", billing, p, want)
		}
	}
}

func TestPrice_SegmentsOfLegsAndBaseline(t *testing.T) {
	templates := []Template{{"order", 4, 0, 4 * quarterMS}, {"order", 5, 4 * quarterMS, 8 * quarterMS}}
	l := NewPriceList([]Tariff{tariffOf("sms", PerSegmentSent, "2"), tariffOf("push", PerMessageSent, "1"),
		tariffOf("rcs", PerSegmentDelivered, "3")}, templates)
	with := func(leg Step, segments uint16) Step { leg.Segments = segments; return leg }
	for _, c := range []struct {
		name      string
		shape     *Signature
		template  string
		cohort    int64
		ok        bool
		segments  uint16
		estimated bool
		actual    string
	}{
		{"text and bill differ", message(2, with(deliveredLeg("sms"), 3)), "", 0, true, 2, false, "6.00"},
		{"text alone", message(2, deliveredLeg("sms")), "", 0, true, 2, false, "4.00"},
		{"bill alone", message(0, with(failedLeg("sms"), 3), with(sentLeg("sms"), 1)), "order", 0, true, 3, false,
			"8.00"},
		{"one bill for two", message(0, with(failedLeg("sms"), 3), sentLeg("sms")), "", 0, false, 3, false, "0.00"},
		{"segments of another channel", message(0, with(deliveredLeg("rcs"), 3)), "", 0, false, 0, false, "0.00"},
		{"the same with a template", message(0, with(deliveredLeg("rcs"), 3)), "order", 0, true, 4, true, "9.00"},
		{"template", message(0, deliveredLeg("push")), "order", 4*quarterMS - 1, true, 4, true, "1.00"},
		{"template's next version", message(0, deliveredLeg("push")), "order", 4 * quarterMS, true, 5, true, "1.00"},
		{"template ended", message(0, deliveredLeg("push")), "order", 8 * quarterMS, false, 0, false, "0.00"},
		{"template unknown", message(0, deliveredLeg("push")), "bday", 0, false, 0, false, "0.00"},
		{"no template", message(0, deliveredLeg("push")), "", 0, false, 0, false, "0.00"},
		{"template does not bill", message(0, sentLeg("sms")), "order", 0, false, 4, false, "0.00"},
		{"nothing to bill", message(0, failedLeg("rcs")), "order", 0, true, 4, true, "0.00"},
		{"not sent", message(0, Step{Channel: "sms", Failed: true}), "order", 0, true, 4, true, "0.00"},
		{"attempted but not sent has segments",
			message(0, with(Step{Channel: "sms", Failed: true}, 2), deliveredLeg("push")), "", 0, true, 2, false,
			"1.00"},
	} {
		p := l.Price(c.shape, c.template, c.cohort)
		if p.OK != c.ok || p.Segments != c.segments || p.Estimated != c.estimated || p.Actual.String() != c.actual ||
			p.Currency != "RUB" {
			t.Errorf("%s: %+v, want ok %v, %d segments, estimated %v, actual %s", c.name, p, c.ok, c.segments,
				c.estimated, c.actual)
		}
	}
	// Without segments there is no baseline, whatever an SMS is billed by.
	perMessage := prices(t, tariffOf("sms", PerMessageSent, "2"), tariffOf("push", PerMessageSent, "1"))
	if p := perMessage.Price(message(0, deliveredLeg("push")), "", 0); p.OK {
		t.Errorf("priced without segments: %+v", p)
	}
}

func TestPrice_BaselineTariff(t *testing.T) {
	leg := func(l Step, keys ...string) Step {
		for i := 0; i < len(keys); i += 2 {
			*map[string]*string{"provider": &l.Provider, "operator": &l.Operator, "country": &l.Country,
				"traffic": &l.Traffic, "sender": &l.Sender, "app": &l.App}[keys[i]] = keys[i+1]
		}
		return l
	}
	push := tariffOf("push", Zero, "0")
	for _, c := range []struct {
		name    string
		tariffs []Tariff
		legs    []Step
		want    string // price of the baseline of one segment; "" when unpriced
	}{
		{"plain list price although the step had a dearer route",
			[]Tariff{tariffOf("sms", PerSegmentSent, "2"), tariffOf("sms", PerSegmentSent, "2.35", "provider", "mts")},
			[]Step{leg(deliveredLeg("sms"), "provider", "mts")}, "2.00"},
		{"operator and app don't count either",
			[]Tariff{tariffOf("sms", PerSegmentSent, "2"), tariffOf("sms", PerSegmentSent, "3", "operator", "o"),
				tariffOf("sms", PerSegmentSent, "4", "app", "a", "country", "RU")},
			[]Step{leg(deliveredLeg("sms"), "operator", "o", "app", "a", "country", "RU")}, "2.00"},
		{"country, traffic and sender of the message",
			[]Tariff{tariffOf("sms", PerSegmentSent, "2"),
				tariffOf("sms", PerSegmentSent, "3", "country", "KZ", "traffic", "otp", "sender", "S")},
			[]Step{leg(deliveredLeg("push"), "country", "KZ"),
				leg(Step{Channel: "push"}, "traffic", "otp", "sender", "S")}, "3.00"},
		{"the greatest over steps", []Tariff{tariffOf("sms", PerSegmentSent, "2", "sender", "A"),
			tariffOf("sms", PerSegmentSent, "3", "sender", "B")},
			[]Step{leg(deliveredLeg("push"), "sender", "B"), leg(Step{Channel: "sms"}, "sender", "A")}, "3.00"},
		{"else the keys of the first SMS step, sent or not",
			[]Tariff{tariffOf("sms", PerSegmentSent, "2", "provider", "mts"),
				tariffOf("sms", PerSegmentSent, "3", "provider", "mega")},
			[]Step{deliveredLeg("push"), leg(Step{Channel: "sms", Failed: true}, "provider", "mts"),
				leg(deliveredLeg("sms"), "provider", "mega")}, "2.00"},
		{"its own sender, not the message's",
			[]Tariff{tariffOf("sms", PerSegmentSent, "2", "sender", "A", "provider", "mts")},
			[]Step{leg(deliveredLeg("push"), "sender", "B"),
				leg(deliveredLeg("sms"), "provider", "mts", "sender", "A")},
			"2.00"},
		{"not of the second SMS step", []Tariff{tariffOf("sms", PerSegmentSent, "2", "provider", "mts")},
			[]Step{deliveredLeg("push"), {Channel: "sms"}, leg(Step{Channel: "sms"}, "provider", "mts")}, ""},
		{"none without an SMS step", []Tariff{tariffOf("sms", PerSegmentSent, "2", "provider", "mts")},
			[]Step{leg(deliveredLeg("push"), "provider", "mts")}, ""},
	} {
		p := prices(t, append(c.tariffs, push)...).Price(message(1, c.legs...), "", 0)
		if p.OK != (c.want != "") || (p.OK && p.SMSOnly.String() != c.want) {
			t.Errorf("%s: %v, %s, want %q", c.name, p.OK, p.SMSOnly, c.want)
		}
	}
}

func TestPrice_UnpricedAndCurrencies(t *testing.T) {
	sms, usdPush := tariffOf("sms", PerSegmentSent, "2"), tariffOf("push", PerMessageSent, "0.01", "currency", "USD")
	for _, c := range []struct {
		name     string
		tariffs  []Tariff
		shape    *Signature
		ok       bool
		currency string
	}{
		{"all found", []Tariff{sms, tariffOf("push", PerMessageSent, "1")}, message(1, deliveredLeg("push")), true,
			"RUB"},
		{"no tariffs", nil, message(1, deliveredLeg("push")), false, ""},
		{"step without a tariff", []Tariff{sms}, message(1, deliveredLeg("push")), false, "RUB"},
		{"baseline without a tariff", []Tariff{usdPush}, message(1, deliveredLeg("push")), false, "USD"},
		{"two currencies", []Tariff{sms, usdPush}, message(1, deliveredLeg("push")), false, ""},
		{"two currencies and a step without", []Tariff{sms, usdPush},
			message(1, deliveredLeg("push"), deliveredLeg("vk")), false, ""},
		{"the other currency is of a step not sent", []Tariff{sms, usdPush},
			message(1, Step{Channel: "push", Failed: true}, deliveredLeg("sms")), true, "RUB"},
		{"a step not sent needs none", []Tariff{sms},
			message(1, Step{Channel: "vk", Failed: true}, deliveredLeg("sms")),
			true, "RUB"},
		{"what costs nothing has a currency too", []Tariff{sms, tariffOf("push", Zero, "0", "currency", "USD")},
			message(1, deliveredLeg("push")), false, ""},
		{"nothing sent", []Tariff{sms}, message(1, Step{Channel: "push"}), true, "RUB"},
		{"segments unknown", []Tariff{sms}, message(0, deliveredLeg("sms")), false, "RUB"},
	} {
		p := prices(t, c.tariffs...).Price(c.shape, "", 0)
		if p.OK != c.ok || p.Currency != c.currency {
			t.Errorf("%s: ok %v, currency %q, want %v, %q", c.name, p.OK, p.Currency, c.ok, c.currency)
		}
		if empty := p.SMSOnly == p.Actual && p.Steps == nil && !p.Estimated; !p.OK && !empty {
			t.Errorf("%s: unpriced, but %+v", c.name, p)
		}
	}
}

// The price at the cohort counts for all steps; a border belongs to the row that begins there.
func TestPrice_ValidityBorder(t *testing.T) {
	border := at("2026-11-01T00:00:00Z")
	old, next := tariffOf("viber", PerMessageDelivered, "0.75"), tariffOf("viber", PerMessageDelivered, "0.8125")
	old.FromMS, old.ToMS, next.FromMS, next.ToMS = at("2026-01-01T00:00:00Z"), border, border,
		at("2026-12-01T00:00:00Z")
	l := prices(t, tariffOf("sms", PerSegmentSent, "2"), next, old)
	for _, c := range []struct {
		cohort int64
		want   string
	}{
		{old.FromMS - 1, ""}, {old.FromMS, "0.75"}, {border - 1, "0.75"}, {border, "0.8125"}, {border + 1, "0.8125"},
		{next.ToMS - 1, "0.8125"}, {next.ToMS, ""},
	} {
		p := l.Price(message(1, deliveredLeg("viber")), "", c.cohort)
		if p.OK != (c.want != "") || (p.OK && p.Actual.String() != c.want) {
			t.Errorf("cohort %s: %v, %s, want %q", timeText(c.cohort), p.OK, p.Actual, c.want)
		}
	}
	if got, want := l.Borders(), []int64{old.FromMS, border, next.ToMS}; !slices.Equal(got, want) {
		t.Errorf("borders %v, want %v", got, want)
	}
	// Where the more special row is not valid, the next one is.
	special := tariffOf("viber", PerMessageDelivered, "0.5", "sender", "S")
	special.FromMS = border
	l = prices(t, old, next, special)
	leg := Step{Channel: "viber", Sender: "S"}
	if before, after := l.TariffAt(&leg, border-1), l.TariffAt(&leg, border); before.Price != 750_000 ||
		after.Price != 500_000 {
		t.Errorf("before the border %v, at it %v", before, after)
	}
}

// The row that names the provider wins, whatever others name; then operator, country, traffic, sender, app.
func TestPriceList_TariffAt_Precedence(t *testing.T) {
	keys := []string{"provider", "p", "operator", "o", "country", "RU", "traffic", "otp", "sender", "s", "app", "a"}
	leg := Step{Channel: "sms", Provider: "p", Operator: "o", Country: "RU", Traffic: "otp", Sender: "s", App: "a"}
	open := tariffOf("sms", PerMessageSent, "100")
	for i := 0; i < len(keys); i += 2 {
		one := tariffOf("sms", PerMessageSent, "1", keys[i:i+2]...)
		later := tariffOf("sms", PerMessageSent, "2", keys[i+2:]...) // all keys that come after it
		if i+2 == len(keys) {
			later = open
		}
		for _, order := range [][]Tariff{{one, later}, {later, one}} {
			if got := prices(t, order...).TariffAt(&leg, 0); *got != one {
				t.Errorf("%s: got the row %+v", keys[i], got)
			}
		}
		stranger := leg
		*[]*string{&stranger.Provider, &stranger.Operator, &stranger.Country, &stranger.Traffic, &stranger.Sender,
			&stranger.App}[i/2] = "x"
		if got := prices(t, one, later).TariffAt(&stranger, 0); *got != later {
			t.Errorf("%s of another value: got the row %+v", keys[i], got)
		}
	}
	l := prices(t, open)
	if got := l.TariffAt(&Step{Channel: "sms"}, 0); got == nil || got.Price != 100_000_000 {
		t.Errorf("empty keys: got %+v", got)
	}
	if got := l.TariffAt(&Step{Channel: "push", Provider: "p"}, 0); got != nil {
		t.Errorf("another channel: got %+v", got)
	}
	if got := prices(t, tariffOf("sms", PerMessageSent, "1", "provider", "p")).TariffAt(&Step{Channel: "sms"},
		0); got != nil {
		t.Errorf("a named key matches the empty value: %+v", got)
	}
}

func TestShape_Dimensions(t *testing.T) {
	s := Signature{Steps: []Step{
		{Channel: "push", Sender: "b", Country: "", Traffic: "promo"},
		{Channel: "viber", Sender: "a", Country: "RU", Traffic: "otp", Sent: true, Delivered: true},
		{Channel: "sms", Sender: "B", Country: "KZ", Sent: true, Delivered: true, Read: true},
	}}
	if got := []string{s.Sender(), s.Country(), s.Traffic(), s.FirstChannel(), s.ReachedBy(),
		s.Path()}; !slices.Equal(got, []string{"b", "RU", "promo", "push", "viber", "push>viber>sms"}) {
		t.Errorf("got %q", got)
	}
	if !s.Reached() || !s.Read() {
		t.Error("reached and read are wrong")
	}
	if first := (&Signature{Steps: s.Steps[:1]}); first.Reached() || first.Read() || first.ReachedBy() != "" {
		t.Error("the first step alone reached nobody")
	}
	none := &Signature{}
	if none.FirstChannel() != "" || none.Path() != "" || none.Reached() {
		t.Error("a shape without steps has dimensions")
	}
}
