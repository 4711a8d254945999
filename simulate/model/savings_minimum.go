package model

import (
	"math/big"
	"slices"
	"time"
)

// minimumKey is what a monthly minimum is agreed on.
type minimumKey struct {
	tariff *tariff
	sender string
	month  time.Time // Its first instant, in the account's billing zone.
}

// minimums says whether a request may show monthly minimums, and of which accounts.
type minimums struct {
	zones    map[string]*time.Location // The billing zones of the accounts that have a minimum.
	shown    bool
	bySender bool // The report is cut by sender.
}

// minimums looks at the lists of the accounts in sight: those of the filter, or all.
func (q SavingsQuery) minimums(tariffs map[string][]*tariff, from, to int64) *minimums {
	months := false
	s := &minimums{zones: make(map[string]*time.Location), shown: true}
	names := slices.Clone(q.GroupBy)
	for name := range q.Filters {
		if name != "currency" {
			names = append(names, name)
		}
	}
	for _, name := range names {
		s.shown = s.shown && oneOf(name, "account", "sender", "month")
		s.bySender = s.bySender || name == "sender"
		months = months || name == "month"
	}
	for account, list := range tariffs {
		if wanted, filtered := q.Filters["account"]; filtered && !slices.Contains(wanted, account) {
			continue
		}
		if !slices.ContainsFunc(list, func(t *tariff) bool { return t.minimum.Sign() > 0 }) {
			continue
		}
		zone := q.billingZone(account)
		s.zones[account] = zone
		s.shown = s.shown && monthOf(from, zone).UnixMilli() == from && monthOf(to, zone).UnixMilli() == to &&
			(!months || q.Zone().String() == zone.String())
	}
	return s
}

func (q SavingsQuery) billingZone(account string) *time.Location {
	if zone, found := q.BillingZones[account]; found {
		return zone
	}
	return time.UTC
}

// monthOf returns the first instant of the month that a time lies in.
func monthOf(ms int64, zone *time.Location) time.Time {
	t := time.UnixMilli(ms).In(zone)
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, zone)
}

// addMinimums counts what a priced message spent towards the minimums, by each attempt's own sender.
func (g *savingsGroup) addMinimums(p *PricedMessage, now int64) {
	zone, found := g.minimums.zones[p.account]
	if !found {
		return
	}
	month := monthOf(p.cohort, zone)
	for _, s := range p.steps {
		g.mixedSenders = g.mixedSenders || s.keys.sender != p.steps[0].keys.sender
		if !s.facts.Sent || s.tariff.minimum.Sign() == 0 {
			continue
		}
		g.unfinished = g.unfinished || month.AddDate(0, 1, 0).UnixMilli() > now
		key := minimumKey{s.tariff, s.keys.sender, month}
		if g.spent[key] == nil {
			g.spent[key] = new(big.Int)
		}
		g.spent[key].Add(g.spent[key], s.cost)
	}
}

// topUp returns what is missing to the minimums, nil where that cannot be said.
func (g *savingsGroup) topUp() *big.Int {
	if len(g.minimums.zones) > 0 && (!g.minimums.shown || g.unfinished || g.minimums.bySender && g.mixedSenders) {
		return nil
	}
	sum := new(big.Int)
	for key, cost := range g.spent {
		if missing := new(big.Int).Sub(key.tariff.minimum, cost); missing.Sign() > 0 {
			sum.Add(sum, missing)
		}
	}
	return sum
}
