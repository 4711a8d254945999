package simulate

import (
	"slices"
	"testing"
)

// reports looks at what the reports of people meet.
func (c coverage) reports(t testing.TB, m *Model, w NumberWorld) {
	t.Helper()
	q := ReachQuery{Numbers: w.Query()}
	c.audience(t, m, w)
	c.penetration(t, m, q)

	failures, err := m.Failures(q)
	if err != nil {
		t.Fatal(err)
	}
	c["failure kinds"] += len(failures)
	best, err := m.BestChannel(q)
	if err != nil {
		t.Fatal(err)
	}
	channels := map[string]map[string]bool{}
	for _, x := range m.foldedAttempts() {
		if p := who(x.attempt.contact, x.attempt.recipient); x.facts.delivered {
			if channels[p] == nil {
				channels[p] = map[string]bool{}
			}
			channels[p][m.channel(x.attempt)] = true
		}
	}
	for _, row := range best {
		c.meet("best "+row.Evidence, true)
		c.meet("best unpriced", row.UnitPrice == nil)
		c.meet("best of several", len(channels[row.Contact]) > 1)
	}
	spend, err := m.DeadSpend(q)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range spend {
		c.meet("spend dead", row.Cost.Sign() > 0)
		c.meet("spend unpriced", row.Unpriced > 0)
		c.meet("spend elsewhere", oneOf(row.Keys[0].Text, "viber", "whatsapp"))
	}
	// A streak in two currencies shows only in its attempts.
	prices := pricer{model: m, dialogs: m.dialogs()}
	if prices.tariffs, err = readTariffs(q.Numbers.Tariffs); err != nil {
		t.Fatal(err)
	}
	evidence, err := m.numberEvidence(q.Numbers)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range evidence {
		currencies := map[string]bool{}
		for _, f := range e.streak(forever) {
			if f.attempt == nil {
				continue
			}
			if _, currency, priced := prices.attemptCost(f.attempt); priced && currency != "" {
				currencies[currency] = true
			}
		}
		c.meet("two currencies", len(currencies) > 1)
	}
}

func (c coverage) audience(t testing.TB, m *Model, w NumberWorld) {
	t.Helper()
	maps := w.Query().ErrorMaps
	rows, err := m.Audience(AudienceQuery{ErrorMaps: maps})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		c.meet("audience "+row.State, true)
		told, at := false, map[string]bool{}
		for e := range m.people {
			if m.strings[e.app] == row.App && e.recipient == row.Recipient && instantOf(e.occurred).Equal(row.Since) {
				told = told || m.strings[e.status] == row.State
				at[m.strings[e.status]] = true
			}
		}
		c.meet("audience by token", row.State == "uninstalled" && !told)
		c.meet("audience at one time", len(at) > 1 || len(at) == 1 && !told)
	}
}

func (c coverage) penetration(t testing.TB, m *Model, q ReachQuery) {
	t.Helper()
	rows, err := m.Penetration(q)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if row.Reached > row.Tested || row.Tested > row.Audience || row.MessagesMovable > row.Messages {
			t.Errorf("%+v: more reached than there are", row)
		}
	}
	losses, err := m.losses(q.Numbers.ErrorMaps)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := m.selected(q.Query, nil)
	if err != nil {
		t.Fatal(err)
	}
	recipients := map[personKey]map[string]bool{}
	for i := range steps {
		if p := personOf(&steps[i]); steps[i].facts.delivered {
			if recipients[p] == nil {
				recipients[p] = map[string]bool{}
			}
			recipients[p][steps[i].attempt.recipient] = true
		}
	}
	type reach struct {
		personKey
		channel string
	}
	apps := map[reach][]bool{}
	for i := range steps {
		x := &steps[i]
		if !x.facts.delivered {
			continue
		}
		p, channel, app := personOf(x), m.channel(x.attempt), m.app(x.attempt)
		here := losses[lossKey{p.account, channel}]
		gone := lost(here, p, recipients[p], app, x.facts.deliveredAt)
		apps[reach{p, channel}] = append(apps[reach{p, channel}], gone)
		c.meet("penetration lost", gone)
		c.meet("loss at the delivery", lost(here, p, recipients[p], app, x.facts.deliveredAt-1) && !gone)
		for _, l := range here {
			if l.app != app || l.at <= x.facts.deliveredAt {
				continue
			}
			c.meet("lost by contact", l.contact != "" && l.contact == p.who)
			c.meet("lost by recipient", l.contact == "" && p.who != l.recipient && recipients[p][l.recipient])
		}
	}
	for _, gone := range apps {
		c.meet("another app holds", slices.Contains(gone, true) && slices.Contains(gone, false))
	}
	for _, x := range m.foldedAttempts() {
		codes, err := errorMaps(q.Numbers.ErrorMaps)
		if err != nil {
			t.Fatal(err)
		}
		if m.tokenError(&x, codes(x.account)) {
			k := keyed{foldedAttempt: x}
			p := personOf(&k)
			c.meet("lost by token", recipients[p] != nil)
		}
	}
}
