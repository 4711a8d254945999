package simulate

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SavingsQuery selects and groups the messages of a savings report, and says what things cost. Names are those of
// docs/definitions.md section 4, currency among the filters.
type SavingsQuery struct {
	Query
	// Tariffs and Templates are the price lists by account.
	Tariffs   map[string][]SavingsTariff
	Templates map[string][]SavingsTemplate
}

// SavingsReport computes the savings report over all accounts, slowly and with whole numbers alone: messages one by one, a tariff by
// looking at every row. It returns an error when a name is unknown, a bound lies off the quarter hour or a tariff has no
// readable price. Rows come in the order of their keys, then of their currency.
func (m *Model) SavingsReport(q SavingsQuery) ([]SavingsRow, error) {
	from, to, err := m.bounds(q.Query)
	if err != nil {
		return nil, err
	}
	zone := q.TZ
	if zone == nil {
		zone = time.UTC
	}
	names := slices.Clone(q.GroupBy)
	for name := range q.Filters {
		if name != "currency" {
			names = append(names, name)
		}
	}
	for _, name := range names {
		if _, err := savingsKey(name, &pricedMessage{}, zone); err != nil {
			return nil, err
		}
	}
	prices := pricer{model: m, templates: q.Templates, dialogs: m.dialogs()}
	if prices.tariffs, err = readTariffs(q.Tariffs); err != nil {
		return nil, err
	}

	groups := make(map[string]*savingsGroup)
	for mk, msg := range m.messages {
		cohort, known := msg.cohort()
		if !known || cohort < from || cohort >= to {
			continue
		}
		p := prices.price(m.strings[mk.account], msg, cohort)
		if len(p.steps) == 0 || !savingsPass(q.Filters, &p, zone) {
			continue
		}
		var keys []Key
		id := p.currency
		for _, name := range q.GroupBy {
			key, err := savingsKey(name, &p, zone)
			if err != nil {
				return nil, err
			}
			keys = append(keys, key)
			id += strconv.Itoa(len(key.Text)) + ":" + key.Text + strconv.Itoa(key.Number) + ";"
		}
		g := groups[id]
		if g == nil {
			g = newSavingsGroup(keys, p.currency)
			groups[id] = g
		}
		g.add(&p, m.now)
	}

	withMinimum := q.minimumApplies(zone, from, to)
	rows := make([]SavingsRow, 0, len(groups))
	for _, g := range groups {
		rows = append(rows, g.finish(withMinimum))
	}
	slices.SortFunc(rows, func(x, y SavingsRow) int {
		return cmp.Or(slices.CompareFunc(x.Keys, y.Keys, Key.compare), strings.Compare(x.Currency, y.Currency))
	})
	return rows, nil
}

// minimumApplies tells whether a monthly minimum can be shown: whole months of UTC, and nothing that cuts a sender's month.
func (q SavingsQuery) minimumApplies(zone *time.Location, from, to int64) bool {
	monthBorder := func(ms int64) bool {
		t := time.UnixMilli(ms).UTC()
		return t.Equal(time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC))
	}
	whole := zone.String() == "UTC" && monthBorder(from) && monthBorder(to)
	for _, name := range q.GroupBy {
		whole = whole && oneOf(name, "account", "sender", "month")
	}
	for name := range q.Filters {
		whole = whole && oneOf(name, "account", "sender", "month", "currency")
	}
	return whole
}

func savingsPass(filters map[string][]string, p *pricedMessage, zone *time.Location) bool {
	for name, wanted := range filters {
		value := p.currency
		if name != "currency" {
			key, err := savingsKey(name, p, zone)
			if err != nil {
				return false
			}
			value = key.String()
		}
		if !slices.Contains(wanted, value) {
			return false
		}
	}
	return true
}

// savingsKey returns the message's value of a group name.
func savingsKey(name string, p *pricedMessage, zone *time.Location) (Key, error) {
	text := func(s string) (Key, error) { return Key{Name: name, Text: s}, nil }
	switch name {
	case "account":
		return text(p.account)
	case "campaign":
		return text(p.campaign)
	case "template":
		return text(p.template)
	case "sender":
		return text(p.sender)
	case "traffic":
		return text(p.traffic)
	case "country":
		return text(p.country)
	case "first_channel":
		if len(p.steps) == 0 {
			return text("")
		}
		return text(p.steps[0].keys.channel)
	case "reached_by":
		for _, s := range p.steps {
			if s.facts.delivered {
				return text(s.keys.channel)
			}
		}
		return text("")
	case "path":
		var channels []string
		for _, s := range p.steps {
			channels = append(channels, s.keys.channel)
		}
		return text(strings.Join(channels, ">"))
	case "sms_segments":
		return Key{Name: name, Number: p.segments, Numeric: true}, nil
	}
	key, err := timeKey(name, time.UnixMilli(p.cohort).In(zone))
	if err != nil {
		return Key{}, fmt.Errorf("group_by: %q is no name of the savings report", name)
	}
	return key, nil
}

// savingsGroup gathers the messages of one row.
type savingsGroup struct {
	row      SavingsRow
	channels map[string]*ChannelCost
	minimums map[minimumKey]*big.Int // What was spent towards each minimum.
}

// minimumKey is what a monthly minimum is agreed on.
type minimumKey struct {
	tariff *tariff
	sender string
	month  int // Of UTC: 12 × year + month.
}

func newSavingsGroup(keys []Key, currency string) *savingsGroup {
	g := &savingsGroup{row: SavingsRow{Keys: keys, Currency: currency, Mature: true}, channels: map[string]*ChannelCost{}, minimums: map[minimumKey]*big.Int{}}
	r := &g.row
	for _, amount := range []**big.Int{&r.SMSOnlyCost, &r.ActualCost, &r.Saved, &r.SavedUnreached, &r.DoublePaid, &r.DoublePaidUnread,
		&r.WastedCost, &r.ReportedCost, &r.Drift} {
		*amount = new(big.Int)
	}
	return g
}

// add counts a message in a report as of now.
func (g *savingsGroup) add(p *pricedMessage, now int64) {
	r := &g.row
	reached, wasRead := false, false
	for _, s := range p.steps {
		r.Mature = r.Mature && p.cohort+settling(s.keys.channel) < now
		reached = reached || s.facts.delivered
		wasRead = wasRead || s.facts.read
	}
	count := func(n *int64, when bool) {
		if when {
			*n++
		}
	}
	r.Messages++
	count(&r.Reached, reached)
	count(&r.Read, wasRead)
	if !p.priced {
		r.Unpriced++
		return
	}
	count(&r.Estimated, p.estimated)
	count(&r.PricedMessages, true)
	count(&r.PricedReached, reached)
	count(&r.PricedRead, wasRead)
	r.SMSSegments += int64(p.segments)

	actual := new(big.Int)
	paidBefore := false // Some step before this one was delivered.
	for _, s := range p.steps {
		actual.Add(actual, s.cost)
		if paidBefore {
			r.DoublePaid.Add(r.DoublePaid, s.cost)
			if s.trigger == "unread" {
				r.DoublePaidUnread.Add(r.DoublePaidUnread, s.cost)
			}
		}
		paidBefore = paidBefore || s.facts.delivered
		if s.facts.failed {
			r.WastedCost.Add(r.WastedCost, s.cost)
		}
		if price, found := s.attempt.reportedPrice(p.currency); found {
			r.ReportedAttempts++
			r.ReportedCost.Add(r.ReportedCost, big.NewInt(price))
			r.Drift.Add(r.Drift, new(big.Int).Sub(big.NewInt(price), s.cost))
		}
		c := g.channels[s.keys.channel]
		if c == nil {
			c = &ChannelCost{Channel: s.keys.channel, Cost: new(big.Int)}
			g.channels[s.keys.channel] = c
		}
		c.Attempts++
		c.Units += s.units
		c.Cost.Add(c.Cost, s.cost)
		if s.facts.sent {
			t := time.UnixMilli(p.cohort).UTC()
			key := minimumKey{s.tariff, s.keys.sender, 12*t.Year() + int(t.Month())}
			if g.minimums[key] == nil {
				g.minimums[key] = new(big.Int)
			}
			g.minimums[key].Add(g.minimums[key], s.cost)
		}
	}
	saved := new(big.Int).Sub(p.smsOnly, actual)
	r.SMSOnlyCost.Add(r.SMSOnlyCost, p.smsOnly)
	r.ActualCost.Add(r.ActualCost, actual)
	r.Saved.Add(r.Saved, saved)
	if !reached {
		r.SavedUnreached.Add(r.SavedUnreached, saved)
	}
}

func (g *savingsGroup) finish(withMinimum bool) SavingsRow {
	r := &g.row
	r.CostPerReached = perUnit(r.ActualCost, r.PricedReached)
	r.CostPerRead = perUnit(r.ActualCost, r.PricedRead)
	if withMinimum {
		r.MinimumTopUp = new(big.Int)
		for key, cost := range g.minimums {
			if missing := new(big.Int).Sub(key.tariff.minimum, cost); missing.Sign() > 0 {
				r.MinimumTopUp.Add(r.MinimumTopUp, missing)
			}
		}
	}
	for _, c := range g.channels {
		r.ByChannel = append(r.ByChannel, *c)
	}
	slices.SortFunc(r.ByChannel, func(x, y ChannelCost) int { return strings.Compare(x.Channel, y.Channel) })
	return *r
}
