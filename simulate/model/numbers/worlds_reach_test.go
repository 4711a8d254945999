package numbers

import (
	"testing"
	"time"

	"kaskad/simulate/model"
	"kaskad/simulate/worlds"
)

// reports looks at what the reports of people meet.
func (c coverage) reports(t testing.TB, m *model.Model, w worlds.NumberWorld) {
	t.Helper()
	q := ReachQuery{Numbers: w.Query()}
	c.audience(t, m, w)
	c.penetration(t, m, w)

	failures, err := Failures(m, q)
	if err != nil {
		t.Fatal(err)
	}
	c["failure kinds"] += len(failures)
	best, err := BestChannel(m, q)
	if err != nil {
		t.Fatal(err)
	}
	prices, err := m.Pricer(q.Numbers.Tariffs, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	channels := map[personKey]map[string]string{}
	for _, x := range m.Attempts() {
		if p := personOf(m, &x); x.Facts.Delivered {
			if channels[p] == nil {
				channels[p] = map[string]string{}
			}
			_, channels[p][m.Channel(x.Attempt)] = prices.OneMore(&x, w.Now.UnixMilli())
			c.meet("best of four segments", m.Channel(x.Attempt) == "sms" && x.BilledSegments() >= 4)
		}
	}
	for _, row := range best {
		has := channels[personKey{row.Account, row.Contact}]
		c.meet("best "+row.Evidence, true)
		c.meet("best unpriced", row.Cost == nil)
		c.meet("best of several", len(has) > 1)
		currencies := map[string]bool{}
		for _, currency := range has {
			currencies[currency] = true
		}
		c.meet("best in another currency", currencies["RUB"] && currencies["EUR"])
	}
	spend, err := DeadSpend(m, q)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range spend {
		c.meet("spend dead", row.Cost.Sign() > 0)
		c.meet("spend unpriced", row.Unpriced > 0)
		c.meet("spend delivered", row.Delivered > 0 && row.AvoidableCost.Cmp(row.Cost) < 0)
		if row.Keys[0].Text == "viber" {
			t.Errorf("a Viber message is spent on a dead phone: %+v", row)
		}
	}
	// A streak in two currencies shows only in its attempts.
	codes, err := codeBooks(nil, q.Numbers.ErrorMaps)
	if err != nil {
		t.Fatal(err)
	}
	evidence := gatherEvidence(m, q.Numbers, codes)
	for _, e := range evidence {
		currencies := map[string]bool{}
		for _, f := range e.streak(forever) {
			if f.attempt == nil {
				continue
			}
			if _, currency, priced := prices.AttemptCost(f.attempt); priced && currency != "" {
				currencies[currency] = true
			}
		}
		c.meet("two currencies", len(currencies) > 1)
	}
}

func (c coverage) audience(t testing.TB, m *model.Model, w worlds.NumberWorld) {
	t.Helper()
	maps := w.Query().ErrorMaps
	rows, err := Audience(m, AudienceQuery{ErrorMaps: maps})
	if err != nil {
		t.Fatal(err)
	}
	for _, state := range []string{"blocked", "complained"} {
		left, err := Audience(m, AudienceQuery{State: state, ErrorMaps: maps})
		if err != nil {
			t.Fatal(err)
		}
		c["audience "+state] += len(left)
	}
	for _, row := range rows {
		c.meet("audience "+row.State, true)
		told, at := false, map[string]bool{}
		for e := range m.PersonEvents() {
			if m.Text(e.App) == row.App && m.Text(e.Channel) == row.Channel && e.Recipient == row.Recipient &&
				instantOf(e.Occurred).Equal(row.Since) {
				told = told || m.Text(e.Status) == row.State
				at[m.Text(e.Status)] = true
			}
		}
		c.meet("audience by token", row.State == "uninstalled" && !told)
		c.meet("audience at one time", len(at) > 1 || len(at) == 1 && !told)
	}
}

func (c coverage) penetration(t testing.TB, m *model.Model, w worlds.NumberWorld) {
	t.Helper()
	q := ReachQuery{Numbers: w.Query()}
	rows, err := Penetration(m, q)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if row.Reached > row.Tested || row.Tested > row.Audience || row.MessagesMovable > row.Messages {
			t.Errorf("%+v: more reached than there are", row)
		}
	}
	lost, err := lostAddresses(m, q.Numbers)
	if err != nil {
		t.Fatal(err)
	}
	codes, err := codeBooks(nil, q.Numbers.ErrorMaps)
	if err != nil {
		t.Fatal(err)
	}
	signals := gatherSignals(m, codes)
	events := map[int64]bool{} // The times of all events about recipients.
	for e := range m.PersonEvents() {
		events[e.Occurred] = true
	}
	type place struct {
		personKey
		channel string
	}
	addresses := map[place]map[bool]bool{}
	for _, x := range m.Attempts() {
		if !x.Facts.Delivered {
			continue
		}
		where := addressOf(m, &x)
		gone := lost(where)
		p := place{personOf(m, &x), where.channel}
		if addresses[p] == nil {
			addresses[p] = map[bool]bool{}
		}
		addresses[p][gone] = true
		c.meet("penetration lost", gone)
		told := false
		for _, s := range signals[numberKey{where.account, where.recipient}] {
			if s.channel != where.channel || s.app != where.app || s.at < x.Facts.DeliveredAt {
				continue
			}
			told = told || oneOf(s.kind, "token", "uninstalled", "unsubscribed", "blocked")
			c.meet("loss at the delivery", gone && s.at == x.Facts.DeliveredAt)
			c.meet("lost by token", gone && s.kind == "token")
			c.meet("lost by block", gone && s.kind == "blocked")
			c.meet("lost by code", gone && oneOf(s.kind, "blocked", "unsubscribed") && !events[s.at])
			c.meet("back again", !gone && s.kind == "subscribed" && told)
		}
		c.meet("lost by death", gone && !told)
	}
	for _, found := range addresses {
		c.meet("another app holds", found[true] && found[false])
	}
	history := HistoryQuery{ReachQuery: q, Account: w.Account, Channel: "push", ChannelPrice: "0.36",
		Billing: "per_message_sent", SMSPrice: "2"}
	history.From, history.To = time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	forecast, err := Forecast(m, history)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range forecast.Templates {
		c["candidates"] += int(row.Candidates)
		c.meet("history measured", row.Known && row.Reached > 0)
	}
}
