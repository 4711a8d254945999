package model

import (
	"fmt"
	"math/big"
	"time"

	"kaskad/simulate/model/settings"
)

// tariff is a row made ready: "*" for every key that is left out, and micro-units.
type tariff struct {
	keys                    tariffKeys
	from, to                *time.Time
	currency, billing       string
	price, connect, minimum *big.Int
}

// tariffKeys are what a tariff may name, and the same of an attempt.
type tariffKeys struct {
	channel, provider, operator, country, traffic, sender, app string
}

func readTariffs(lists map[string][]settings.Tariff) (map[string][]*tariff, error) {
	read := make(map[string][]*tariff, len(lists))
	for account, list := range lists {
		for i, t := range list {
			row := &tariff{keys: tariffKeys{t.Channel, t.Provider, t.Operator, t.Country, t.Traffic, t.Sender, t.App},
				from: &t.ValidFrom, to: t.ValidTo, currency: t.Currency, billing: t.Billing}
			for _, key := range []*string{&row.keys.provider, &row.keys.operator, &row.keys.country, &row.keys.traffic,
				&row.keys.sender, &row.keys.app} {
				if *key == "" {
					*key = "*"
				}
			}
			for _, amount := range []struct {
				to   **big.Int
				text *string
			}{{&row.price, &t.Price}, {&row.connect, t.ConnectPrice}, {&row.minimum, t.MonthlyMinimum}} {
				*amount.to = new(big.Int)
				if amount.text == nil {
					continue
				}
				n, valid := micros(*amount.text)
				if !valid {
					return nil, fmt.Errorf("tariff %d of %s: %q is no price", i+1, account, *amount.text)
				}
				(*amount.to).SetInt64(n)
			}
			read[account] = append(read[account], row)
		}
	}
	return read, nil
}

// bestTariff returns the row that prices something with these keys at a cohort, nil when none does. Of the rows that
// match, the one that names the provider wins over one that does not; then operator, country, traffic, sender, app, in
// this order. general leaves out the rows that name a provider, an operator or an app.
func bestTariff(list []*tariff, keys tariffKeys, cohort int64, general bool) *tariff {
	var best *tariff
	for _, t := range list {
		if !t.matches(keys) || !valid(t.from, t.to, cohort) {
			continue
		}
		if general && (t.keys.provider != "*" || t.keys.operator != "*" || t.keys.app != "*") {
			continue
		}
		if best == nil || t.rank() > best.rank() {
			best = t
		}
	}
	return best
}

func (t *tariff) matches(keys tariffKeys) bool {
	matches := func(pattern, value string) bool { return pattern == "*" || pattern == value }
	return t.keys.channel == keys.channel && matches(t.keys.provider, keys.provider) &&
		matches(t.keys.operator, keys.operator) &&
		matches(t.keys.country, keys.country) && matches(t.keys.traffic, keys.traffic) &&
		matches(t.keys.sender, keys.sender) &&
		matches(t.keys.app, keys.app)
}

// rank is a binary number with a digit for each key that is named, the provider's first.
func (t *tariff) rank() int {
	rank := 0
	for _, key := range []string{t.keys.provider, t.keys.operator, t.keys.country, t.keys.traffic, t.keys.sender,
		t.keys.app} {
		rank *= 2
		if key != "*" {
			rank++
		}
	}
	return rank
}

// valid tells whether from ≤ at < to; nil is open.
func valid(from, to *time.Time, at int64) bool {
	return (from == nil || from.UnixMilli() <= at) && (to == nil || at < to.UnixMilli())
}
