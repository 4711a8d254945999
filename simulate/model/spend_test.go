package model

import (
	"fmt"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"kaskad/simulate/model/settings"
	"kaskad/simulate/worlds"
)

func TestModel_SpendReport_Cases(t *testing.T) {
	list := worlds.PriceList(t, "sms per_segment_sent 2.00", "viber per_message_delivered 0.75",
		"push per_message_sent 0.30 currency=EUR")
	for name, c := range map[string]struct {
		events []string
		// By row: attempts, sent, delivered, units, cost, unpriced, cost_per_delivered, segments, reported,
		// of_unpriced.
		want []string
	}{
		"an SMS": {[]string{`delivered segments=2 sms_segments=1`},
			[]string{"sms RUB 1 1 1 2 4.00 0 4.00 2-1=1 0 0.00 0.00 0.00"}},
		"segments of sent SMS that carry both": {[]string{`rejected segments=2 sms_segments=1`,
			`sent step=2 segments=3`, `sent step=3 sms_segments=3`,
			`sent channel="viber" step=4 segments=3 sms_segments=2`},
			[]string{"sms RUB 3 2 0 6 12.00 0 <nil> 0-0=0 0 0.00 0.00 0.00",
				"viber RUB 1 1 0 0 0.00 0 <nil> 0-0=0 0 0.00 0.00 0.00"}},
		"of an unpriced message": {[]string{`delivered sms_segments=1 price="2.10" currency="RUB"`,
			`delivered step=2 channel="vk"`},
			[]string{"sms RUB 1 1 1 1 2.00 0 2.00 0-0=0 1 2.10 0.10 2.00",
				"vk  1 1 1 0 <nil> 1 <nil> 0-0=0 0 <nil> <nil> <nil>"}},
		"two currencies": {[]string{`delivered sms_segments=1`, `sent step=2 channel="push"`},
			[]string{"push EUR 1 1 0 1 0.30 0 <nil> 0-0=0 0 0.00 0.00 0.30",
				"sms RUB 1 1 1 1 2.00 0 2.00 0-0=0 0 0.00 0.00 2.00"}},
		"a segment count is missing": {[]string{`delivered`, `delivered message_id="n" segments=1`},
			[]string{"sms RUB 2 2 2 1 2.00 1 2.00 0-0=0 0 0.00 0.00 0.00"}},
		"skipped": {[]string{`skipped segments=1`}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			m := New(noon)
			for _, e := range c.events {
				if err := m.Add([]byte(event(e))); err != nil {
					t.Fatal(err)
				}
			}
			rows, err := m.SpendReport(SavingsQuery{Tariffs: map[string][]settings.Tariff{"a": list}})
			if err != nil || len(rows) != len(c.want) {
				t.Fatalf("%d rows, %v; want %d", len(rows), err, len(c.want))
			}
			for i, row := range rows {
				if got := row.text(t); got != c.want[i] {
					t.Errorf("%s, want %s", got, c.want[i])
				}
			}
		})
	}
}

// text prints the fields of a row.
func (r SpendRow) text(t testing.TB) string {
	t.Helper()
	encoded, err := r.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	f, err := decodeRow(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%v %v %v %v %v %v %v %v %v %v-%v=%v %v %v %v %v", f["channel"], f["currency"], f["attempts"],
		f["sent"], f["delivered"], f["units"], f["cost"],
		f["unpriced"], f["cost_per_delivered"], f["billed_segments"], f["computed_segments"], f["segment_drift"],
		f["reported_attempts"], f["reported_cost"],
		f["drift"], f["of_unpriced"])
}

// Spend and savings agree: what the report by attempts says of priced messages is the actual cost.
func TestModel_SpendReport_AddsUpToSavings(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := worlds.RandomMoney(rapid.Uint64Range(0, 1<<20).Draw(rt, "seed"))
		m := modelOf(w, t, w.Early, w.Late)
		sums := map[string]*big.Int{}
		add := func(currency string, amount *big.Int) {
			if amount == nil {
				return
			}
			if sums[currency] == nil {
				sums[currency] = new(big.Int)
			}
			sums[currency].Add(sums[currency], amount)
		}
		group := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"channel", "provider", "sender", "day", "step"}), 0,
			2, rapid.ID).Draw(rt, "group_by")
		rows, err := m.SpendReport(queryOf(w, Query{GroupBy: group}, w.Tariffs))
		if err != nil {
			rt.Fatal(err)
		}
		for _, r := range rows {
			if r.Cost != nil {
				add(r.Currency, new(big.Int).Sub(r.Cost, r.OfUnpriced))
			}
		}
		for _, r := range mustReport(t, m, queryOf(w, Query{}, w.Tariffs)) {
			if r.ActualCost != nil {
				add(r.Currency, new(big.Int).Neg(r.ActualCost))
			}
		}
		for currency, sum := range sums {
			if sum.Sign() != 0 {
				rt.Fatalf("%s: spend is off by %s", currency, WriteMoney(sum))
			}
		}
	})
}
