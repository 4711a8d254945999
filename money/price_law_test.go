package money

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kaskad/schema"
	"kaskad/simulate/model"
	"kaskad/simulate/model/settings"
)

// smallTariffs draws valid lists whose rows compete: few values, few channels.
func smallTariffs() *rapid.Generator[[]Tariff] {
	return rapid.Custom(func(t *rapid.T) []Tariff {
		key := func(name string) string { return rapid.SampledFrom([]string{Any, Any, "a", "b"}).Draw(t, name) }
		var good []Tariff
		if rapid.IntRange(0, 3).Draw(t, "plain rows") > 0 {
			good = []Tariff{tariffOf("sms", PerSegmentSent, "2"), tariffOf("viber", PerMessageDelivered, "0.75"),
				tariffOf("push", PerMessageSent, "0.36")}
		}
		for range rapid.IntRange(0, 25).Draw(t, "rows") {
			row := Tariff{Channel: rapid.SampledFrom([]string{"sms", "sms", "viber", "push"}).Draw(t, "channel"),
				Provider: key("provider"), Operator: key("operator"),
				Country: rapid.SampledFrom([]string{Any, "RU", "KZ"}).Draw(t, "country"),
				Traffic: rapid.SampledFrom([]string{Any, "otp"}).Draw(t, "traffic"),
				Sender:  key("sender"), App: key("app"), FromMS: rapid.Int64Range(0, 4).Draw(t, "from") * quarterMS,
				ToMS:     schema.Never,
				Currency: rapid.SampledFrom([]string{"RUB", "RUB", "RUB", "RUB", "USD"}).Draw(t, "currency"),
				Billing:  rapid.SampledFrom(smsBillings).Draw(t, "billing"),
				Price:    rapid.Int64Range(0, 9_000_000).Draw(t, "price")}
			if rapid.Bool().Draw(t, "ends") {
				row.ToMS = row.FromMS + rapid.Int64Range(1, 4).Draw(t, "length")*quarterMS
			}
			if row.Channel == "viber" {
				row.Billing = rapid.SampledFrom(Billings).Draw(t, "any billing")
			}
			if row.Billing == AttemptPlusConnect {
				row.ConnectPrice = rapid.Int64Range(0, 9_000_000).Draw(t, "connect")
			}
			if row.Billing == Zero {
				row.Price = 0
			}
			if ValidateTariffs(append(slices.Clone(good), row)) == nil {
				good = append(good, row)
			}
		}
		return good
	})
}

func anyLeg() *rapid.Generator[Step] {
	return rapid.Custom(func(t *rapid.T) Step {
		key := func(name string) string { return rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, name) }
		leg := Step{Channel: rapid.SampledFrom([]string{"sms", "viber", "push"}).Draw(t, "channel"),
			Provider: key("provider"), Operator: key("operator"),
			Country: rapid.SampledFrom([]string{"", "RU", "KZ", "US"}).Draw(t, "country"),
			Traffic: rapid.SampledFrom([]string{"", "otp", "promo"}).Draw(t, "traffic"),
			Sender:  key("sender"), App: key("app"),
			Trigger:  rapid.SampledFrom([]string{"", "first", "unread", "undelivered"}).Draw(t, "trigger"),
			Segments: rapid.SampledFrom([]uint16{0, 0, 1, 2, 65535}).Draw(t, "segments")}
		leg.NotBilled = rapid.IntRange(0, 7).Draw(t, "billable") == 0
		switch rapid.IntRange(0, 4).Draw(t, "outcome") {
		case 0:
			leg.Sent = true
		case 1:
			leg.Failed = true
		case 2:
			leg.Sent, leg.Failed = true, true
		case 3:
			leg.Sent, leg.Delivered, leg.Read = true, true, rapid.Bool().Draw(t, "read")
			leg.Conversation, leg.Outside = rapid.Bool().Draw(t, "conversation"), rapid.Bool().Draw(t, "outside")
		}
		return leg
	})
}

func anyShape() *rapid.Generator[*Signature] {
	return rapid.Custom(func(t *rapid.T) *Signature {
		return &Signature{SMSSegments: rapid.SampledFrom([]uint16{0, 1, 2, 3, 65535}).Draw(t, "sms segments"),
			Steps: rapid.SliceOfN(anyLeg(), 1, 5).Draw(t, "legs")}
	})
}

func anyCohort() *rapid.Generator[int64] {
	return rapid.OneOf(rapid.Int64Range(0, 9*quarterMS),
		rapid.Map(rapid.Int64Range(0, 9), func(n int64) int64 { return n * quarterMS }))
}

// Of the rows that match, the one that prices is the model's.
func TestPriceList_TariffAt_Model(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tariffs := smallTariffs().Draw(t, "tariffs")
		body, err := TariffsJSON(tariffs)
		if err != nil {
			t.Fatal(err)
		}
		var list struct{ Tariffs []settings.Tariff }
		if err := json.Unmarshal(body, &list); err != nil {
			t.Fatal(err)
		}
		l := NewPriceList(tariffs, nil)
		for range 10 {
			leg, cohort := anyLeg().Draw(t, "leg"), anyCohort().Draw(t, "cohort")
			row, _, err := model.Alone{Channel: leg.Channel, Provider: leg.Provider, Operator: leg.Operator,
				Country: leg.Country, Traffic: leg.Traffic, Sender: leg.Sender, App: leg.App,
				At: time.UnixMilli(cohort)}.Price(list.Tariffs)
			if err != nil {
				t.Fatal(err)
			}
			var want *Tariff
			for i := range tariffs {
				if row == &list.Tariffs[i] {
					want = &tariffs[i]
				}
			}
			if got := l.TariffAt(&leg, cohort); (got == nil) != (want == nil) || (got != nil && *got != *want) {
				t.Fatalf("%+v at %d: got %+v, want %+v", leg, cohort, got, want)
			}
		}
	})
}

func TestPrice_Sums(t *testing.T) {
	priced := 0
	rapid.Check(t, func(t *rapid.T) {
		l := NewPriceList(smallTariffs().Draw(t, "tariffs"), []Template{{"order", 2, 0, 6 * quarterMS}})
		for range 10 {
			shape := anyShape().Draw(t, "shape")
			p := l.Price(shape, rapid.SampledFrom([]string{"", "order", "bday"}).Draw(t, "template"),
				anyCohort().Draw(t, "cohort"))
			if !p.OK {
				if p.Reason == "" || (p.Channel != "") != (p.Reason == ReasonNoTariff ||
					p.Reason == ReasonNoStepSegments) ||
					(p.Reason == ReasonNoSegments) != (p.Segments == 0) {
					t.Fatalf("unpriced because of %q %q: %+v", p.Reason, p.Channel, p)
				}
				p.Currency, p.Segments, p.Reason, p.Channel = "", 0, "", ""
				if !reflect.DeepEqual(p, Priced{}) {
					t.Fatalf("unpriced, but %+v", p)
				}
				continue
			}
			priced++
			var actual, double, unread, wasted Amount
			reached := false
			for i, leg := range shape.Steps {
				cost := p.Steps[i]
				actual = actual.Add(cost.Cost)
				if reached {
					double = double.Add(cost.Cost)
				}
				if reached && leg.Trigger == "unread" {
					unread = unread.Add(cost.Cost)
				}
				if leg.Failed {
					wasted = wasted.Add(cost.Cost)
				}
				if leg.NotBilled && (cost.Units > 0 || cost.Cost.Sign() != 0) {
					t.Fatalf("%+v is not billed and costs %+v", leg, cost)
				}
				if (cost.Tariff != nil) != leg.Sent || (cost.Tariff != nil && cost.Tariff.Currency != p.Currency) ||
					cost.Cost.Sign() < 0 || (!leg.Sent && cost.Units > 0) {
					t.Fatalf("%+v costs %+v in %s", leg, cost, p.Currency)
				}
				reached = reached || leg.Delivered
			}
			if p.Actual != actual || p.DoublePaid != double || p.DoublePaidUnread != unread || p.Wasted != wasted ||
				p.Saved.Add(p.Actual) != p.SMSOnly || p.SMSOnly.Sign() < 0 ||
				p.Segments == 0 || p.Currency == "" {
				t.Fatalf("%+v has %+v", shape, p)
			}
		}
	})
	if priced < 20 {
		t.Errorf("only %d messages had a price: the draw tests little", priced)
	}
}

// samePrice compares what does not depend on where the list keeps its rows.
func samePrice(a, b Priced) bool {
	same := len(a.Steps) == len(b.Steps)
	for i := range a.Steps {
		x, y := a.Steps[i], b.Steps[min(i, len(b.Steps)-1)]
		same = same && x.Units == y.Units && x.Cost == y.Cost && (x.Tariff == nil) == (y.Tariff == nil) &&
			(x.Tariff == nil || *x.Tariff == *y.Tariff)
	}
	a.Steps, b.Steps = nil, nil
	return same && reflect.DeepEqual(a, b)
}

func TestPrice_Laws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tariffs := smallTariffs().Draw(t, "tariffs")
		shuffled := rapid.Permutation(tariffs).Draw(t, "shuffled")
		// Rows of another channel, and of other times, are none of the message's business.
		voice := tariffOf("voice", PerMessageSent, "7", "currency", "USD", "provider", "a")
		later := tariffOf("sms", PerMessageSent, "7", "currency", "USD", "provider", "a", "operator", "a", "country",
			"RU", "traffic", "otp", "sender", "a", "app", "a")
		later.FromMS = 1000 * quarterMS
		more := append(slices.Clone(tariffs), voice)
		if ValidateTariffs(append(slices.Clone(more), later)) == nil {
			more = append(more, later)
		}
		body, err := TariffsJSON(tariffs)
		if err != nil {
			t.Fatal(err)
		}
		read, err := ParseTariffsJSON(body)
		if err != nil {
			t.Fatal(err)
		}
		lists := map[string]*PriceList{"shuffled": NewPriceList(shuffled, nil), "more rows": NewPriceList(more, nil),
			"read again": NewPriceList(read, nil)}
		l := NewPriceList(tariffs, nil)
		for range 5 {
			shape, cohort := anyShape().Draw(t, "shape"), anyCohort().Draw(t, "cohort")
			want := l.Price(shape, "", cohort)
			for name, other := range lists {
				if got := other.Price(shape, "", cohort); !samePrice(got, want) {
					t.Fatalf("%s: %+v, want %+v", name, got, want)
				}
			}
			// Between two borders no price changes.
			i, _ := slices.BinarySearch(l.Borders(), cohort+1)
			if i > 0 {
				if got := l.Price(shape, "", l.Borders()[i-1]); !samePrice(got, want) {
					t.Fatalf("since the border: %+v, want %+v", got, want)
				}
			}
			// Tariffs twice as dear make all money twice as much, the same in every other way.
			double := slices.Clone(tariffs)
			for i := range double {
				double[i].Price *= 2
				double[i].ConnectPrice *= 2
			}
			got := NewPriceList(double, nil).Price(shape, "", cohort)
			if got.OK != want.OK || got.Saved != want.Saved.Times(2) || got.Actual != want.Actual.Times(2) ||
				got.DoublePaid != want.DoublePaid.Times(2) || got.Wasted != want.Wasted.Times(2) {
				t.Fatalf("twice as dear: %+v, was %+v", got, want)
			}
		}
	})
}

// What definitions.md bounds: 32 steps of 65535 segments at the highest price, a million million times.
func TestPrice_DearestMessageIsExact(t *testing.T) {
	l := prices(t, tariffOf("sms", PerSegmentSent, "1000000000"))
	legs := make([]Step, schema.MaxStep)
	for i := range legs {
		legs[i] = Step{Channel: "sms", Sent: true, Failed: true, Segments: 65535}
	}
	p := l.Price(message(1, legs...), "", 0)
	wantMoney(t, "actual", p.Actual.Times(1_000_000_000_000), "2097120000000000000000000000.00")
	wantMoney(t, "saved", p.Saved.Times(1_000_000_000_000), "-2097119000000000000000000000.00")
}

// benchmarkList has rows for operators, senders and countries, as an aggregator's price list.
func benchmarkList(b *testing.B, rows int) *PriceList {
	tariffs := []Tariff{tariffOf("sms", PerSegmentSent, "2"), tariffOf("push", PerMessageSent, "0.36"),
		tariffOf("viber", PerMessageDelivered, "0.75")}
	for i := 0; len(tariffs) < rows; i++ {
		tariffs = append(tariffs, tariffOf("sms", PerSegmentSent, "2.10", "operator", fmt.Sprint("250-", i)),
			tariffOf("sms", PerSegmentSent, "2.20", "provider", "mts", "sender", fmt.Sprint("S", i)),
			tariffOf("viber", PerMessageDelivered, "0.80", "sender", fmt.Sprint("S", i)))
	}
	return prices(b, tariffs...)
}

func BenchmarkPriceList_Price(b *testing.B) {
	for _, rows := range []int{3, 10_000} {
		l := benchmarkList(b, min(rows, MaxTariffs-2))
		push := Step{Channel: "push", Provider: "own", Country: "RU", Traffic: "service", Sender: "S7", App: "shop",
			Trigger: "first", Sent: true, Failed: true}
		sms := Step{Channel: "sms", Provider: "mts", Operator: "250-99", Country: "RU", Traffic: "service",
			Sender:  "S7",
			Trigger: "undelivered", Sent: true, Delivered: true, Segments: 2}
		shape := message(2, push, sms)
		cohort := at("2026-06-01T00:00:00Z")
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if p := l.Price(shape, "order", cohort); !p.OK {
					b.Fatal("unpriced")
				}
			}
		})
	}
}

func BenchmarkParseTariffsJSON(b *testing.B) {
	body, err := TariffsJSON(benchmarkList(b, MaxTariffs-2).tariffs)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := ParseTariffsJSON(body); err != nil {
			b.Fatal(err)
		}
	}
}
