package model

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"kaskad/money"
	"kaskad/simulate/model/settings"
	"kaskad/simulate/worlds"
)

// Package money and the model share no code. Here each prices the messages of many random worlds, and they agree on
// every one: a difference is found in a second, without a pipeline around it.
func TestModel_SavingsReport_AgreesWithMoney(t *testing.T) {
	for seed := range uint64(300) {
		w := worlds.RandomMoney(seed)
		m := modelOf(w, t, w.Early, w.Late)
		for _, list := range [][]settings.Tariff{w.Tariffs, w.Corrected} {
			own, err := readTariffs(map[string][]settings.Tariff{w.Account: list})
			if err != nil {
				t.Fatal(err)
			}
			prices := Pricer{model: m, tariffs: own, templates: map[string][]settings.Template{w.Account: w.Templates},
				dialogs: m.dialogs()}
			other := moneyList(t, list, w.Templates)
			for key, msg := range m.messages {
				cohort, known := msg.cohort()
				if !known {
					continue
				}
				p := prices.price(w.Account, msg, cohort)
				// Package money is told of units, not of who bills them.
				if len(p.steps) == 0 {
					continue
				}
				shape := moneyShape(m, &prices, msg, &p)
				if got, want := moneyText(other.Price(&shape, p.Template, cohort)),
					modelText(&p); !slices.Equal(got, want) {
					t.Fatalf("seed %d, message %s: package money says\n%v\nthe model\n%v", seed, key.ID, got, want)
				}
			}
		}
	}
}

func moneyList(t testing.TB, tariffs []settings.Tariff, templates []settings.Template) *money.PriceList {
	t.Helper()
	body, err := worlds.TariffsBody(tariffs)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := money.ParseTariffsJSON(body)
	if err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	if body, err = worlds.TemplatesBody(templates); err != nil {
		t.Fatal(err)
	}
	parsedTemplates, err := money.ParseTemplatesJSON(body)
	if err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return money.NewPriceList(parsed, parsedTemplates)
}

func moneyShape(m *Model, prices *Pricer, msg *Message, p *PricedMessage) money.Signature {
	var shape money.Signature
	for _, s := range p.steps {
		leg := money.Step{Channel: s.keys.channel, Provider: s.keys.provider, Operator: s.keys.operator,
			Country: s.keys.country, Traffic: s.keys.traffic,
			Sender: s.keys.sender, App: s.keys.app, Trigger: s.trigger, Sent: s.facts.Sent,
			Delivered: s.facts.Delivered, Read: s.facts.Read, Failed: s.facts.Failed}
		a := msg.attempt(s.step)
		units := prices.dialogs[a]
		leg.Conversation, leg.Outside, leg.NotBilled, leg.Segments = units.conversation > 0, units.outside > 0,
			s.facts.notBilled, a.segments
		shape.Steps = append(shape.Steps, leg)
		shape.SMSSegments = max(shape.SMSSegments, a.smsSegments)
	}
	return shape
}

// moneyText and modelText write the same things of a message, amounts as they are printed.
func moneyText(p money.Priced) []string {
	out := []string{p.Currency, fmt.Sprint(p.Segments)}
	if !p.OK {
		return append(out, "unpriced")
	}
	if p.Estimated {
		out = append(out, "estimated")
	}
	out = append(out, p.SMSOnly.String(), p.Actual.String(), p.Saved.String(), p.DoublePaid.String(),
		p.DoublePaidUnread.String(), p.Wasted.String())
	for _, leg := range p.Steps {
		out = append(out, fmt.Sprint(leg.Units), leg.Cost.String())
	}
	return out
}

func modelText(p *PricedMessage) []string {
	out := []string{p.currency, fmt.Sprint(p.Segments)}
	if !p.priced() {
		return append(out, "unpriced")
	}
	if p.estimated {
		out = append(out, "estimated")
	}
	g := newSavingsGroup(nil, p.currency, &minimums{})
	g.add(p, 0)
	for _, amount := range []*big.Int{g.row.SMSOnlyCost, g.row.ActualCost, g.row.Saved, g.row.DoublePaid,
		g.row.DoublePaidUnread, g.row.WastedCost} {
		out = append(out, strings.Trim(string(WriteMoney(amount)), `"`))
	}
	for _, s := range p.steps {
		out = append(out, fmt.Sprint(s.units), strings.Trim(string(WriteMoney(s.cost)), `"`))
	}
	return out
}
