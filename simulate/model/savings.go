package model

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"kaskad/simulate/model/settings"
)

// SavingsQuery selects and groups the messages of a savings report, and says what things cost. Names are those of
// docs/definitions.md section 4, currency among the filters.
type SavingsQuery struct {
	Query
	// Tariffs and Templates are the price lists by account.
	Tariffs   map[string][]settings.Tariff
	Templates map[string][]settings.Template
	// BillingZones are the zones in which an account's providers close the month; UTC where none is given.
	BillingZones map[string]*time.Location
}

// SavingsReport computes the savings report over all accounts, slowly and with whole numbers alone: messages one by
// one, a tariff by looking at every row. It returns an error when a name is unknown, a bound lies off the quarter hour
// or a tariff has no readable price. Rows come in the order of their keys, then of their currency.
func (m *Model) SavingsReport(q SavingsQuery) ([]SavingsRow, error) {
	from, to, err := m.Bounds(q.Query)
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
		if _, err := savingsKey(name, &PricedMessage{}, zone); err != nil {
			return nil, err
		}
	}
	prices, err := m.Pricer(q.Tariffs, q.Templates, q.Aliases)
	if err != nil {
		return nil, err
	}

	minimums := q.minimums(prices.tariffs, from, to)
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
			g = newSavingsGroup(keys, p.currency, minimums)
			groups[id] = g
		}
		g.add(&p, m.now)
	}

	rows := make([]SavingsRow, 0, len(groups))
	for _, g := range groups {
		rows = append(rows, g.finish())
	}
	slices.SortFunc(rows, func(x, y SavingsRow) int {
		return cmp.Or(slices.CompareFunc(x.Keys, y.Keys, Key.compare), strings.Compare(x.Currency, y.Currency))
	})
	return rows, nil
}

func savingsPass(filters map[string][]string, p *PricedMessage, zone *time.Location) bool {
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
func savingsKey(name string, p *PricedMessage, zone *time.Location) (Key, error) {
	text := func(s string) (Key, error) { return Key{Name: name, Text: s}, nil }
	switch name {
	case "account":
		return text(p.account)
	case "campaign":
		return text(p.campaign)
	case "template":
		return text(p.Template)
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
			if s.facts.Delivered {
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
		return Key{Name: name, Number: p.Segments, Numeric: true}, nil
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
	reasons  map[UnpricedReason]int64 // Their own counts are 0.
	minimums *minimums

	spent map[minimumKey]*big.Int // Towards each minimum.
	// Some message has steps of several senders; some month is not over.
	mixedSenders, unfinished bool

	costOfReadable *big.Int // Of the attempts on routes that report reads.
	readable       int64    // Those of them that were read.
}

func newSavingsGroup(keys []Key, currency string, minimums *minimums) *savingsGroup {
	g := &savingsGroup{row: SavingsRow{Keys: keys, Currency: currency, Mature: true},
		channels: map[string]*ChannelCost{},
		reasons:  map[UnpricedReason]int64{}, minimums: minimums, spent: map[minimumKey]*big.Int{},
		costOfReadable: new(big.Int)}
	for _, amount := range g.row.sums() {
		*amount = new(big.Int)
	}
	return g
}

// sums are the amounts that add up over messages.
func (r *SavingsRow) sums() []**big.Int {
	return []**big.Int{&r.SMSOnlyCost, &r.ActualCost, &r.Saved, &r.SavedUnreached, &r.DoublePaid, &r.DoublePaidUnread,
		&r.WastedCost,
		&r.ReportedCost, &r.Drift}
}

// add counts a message in a report as of now.
func (g *savingsGroup) add(p *PricedMessage, now int64) {
	r := &g.row
	reached, wasRead := false, false
	for _, s := range p.steps {
		r.Mature = r.Mature && p.cohort+Settling(s.keys.channel) < now
		reached = reached || s.facts.Delivered
		wasRead = wasRead || s.facts.Read
	}
	count := func(n *int64, when bool) {
		if when {
			*n++
		}
	}
	r.Messages++
	count(&r.Reached, reached)
	count(&r.Read, wasRead)
	if !p.priced() {
		r.Unpriced++
		g.reasons[p.unpriced]++
		return
	}
	count(&r.Estimated, p.estimated)
	count(&r.PricedMessages, true)
	count(&r.PricedReached, reached)
	count(&r.PricedRead, wasRead)
	r.SMSSegments += int64(p.Segments)
	for _, s := range p.steps {
		g.addStep(p.currency, &s)
	}
	g.addMinimums(p, now)

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
		paidBefore = paidBefore || s.facts.Delivered
	}
	saved := new(big.Int).Sub(p.smsOnly, actual)
	r.SMSOnlyCost.Add(r.SMSOnlyCost, p.smsOnly)
	r.ActualCost.Add(r.ActualCost, actual)
	r.Saved.Add(r.Saved, saved)
	if !reached {
		r.SavedUnreached.Add(r.SavedUnreached, saved)
	}
}

// addStep counts an attempted step of a priced message.
func (g *savingsGroup) addStep(currency string, s *pricedStep) {
	r := &g.row
	if s.facts.Failed {
		r.WastedCost.Add(r.WastedCost, s.cost)
	}
	if s.reportsReads {
		g.costOfReadable.Add(g.costOfReadable, s.cost)
		if s.facts.Read {
			g.readable++
		}
	}
	if price, found := s.attempt.reportedPrice(currency); found {
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
}

func (g *savingsGroup) finish() SavingsRow {
	r := &g.row
	for reason, n := range g.reasons {
		reason.Messages = n
		r.UnpricedReasons = append(r.UnpricedReasons, reason)
	}
	slices.SortFunc(r.UnpricedReasons, func(x, y UnpricedReason) int {
		return cmp.Or(strings.Compare(x.Reason, y.Reason), strings.Compare(x.Channel, y.Channel))
	})
	for _, c := range g.channels {
		r.ByChannel = append(r.ByChannel, *c)
	}
	slices.SortFunc(r.ByChannel, func(x, y ChannelCost) int { return strings.Compare(x.Channel, y.Channel) })
	if r.PricedMessages == 0 {
		for _, amount := range r.sums() {
			*amount = nil
		}
		return *r
	}
	r.SavedReached = new(big.Int).Sub(r.Saved, r.SavedUnreached)
	r.CostPerReached = perUnit(r.ActualCost, r.PricedReached)
	r.CostPerRead = perUnit(g.costOfReadable, g.readable)
	if r.MinimumTopUp = g.topUp(); r.MinimumTopUp != nil {
		r.SavedAfterMinimum = new(big.Int).Sub(r.Saved, r.MinimumTopUp)
	}
	return *r
}
