package model

import (
	"math/big"
	"slices"
	"time"

	"kaskad/simulate/model/settings"
)

// Alone is an attempt told by its facts rather than by events, without a message around it: what a test of a single
// price has.
type Alone struct {
	Channel, Provider, Operator, Country, Traffic, Sender, App string

	At                                 time.Time // by whose tariffs it is priced
	Sent, Delivered, Failed, NotBilled bool
	Segments                           int64 // 0 while nobody knows
}

// Price returns the row that prices the attempt, nil when none does, and what it costs in micro-units, nil where that
// is not known.
func (a Alone) Price(list []settings.Tariff) (row *settings.Tariff, cost *big.Int, err error) {
	row, t, err := a.tariff(list)
	if t == nil || err != nil {
		return nil, nil, err
	}
	s := pricedStep{tariff: t, cost: new(big.Int),
		facts: facts{Sent: a.Sent, Delivered: a.Delivered, Failed: a.Failed, notBilled: a.NotBilled}}
	if a.Sent && !s.bill(a.Segments, dialogUnits{}) {
		return row, nil, nil
	}
	return row, s.cost, nil
}

// OneMore is Price of one more attempt like it, as if it were sent, delivered and billed.
func (a Alone) OneMore(list []settings.Tariff) (row *settings.Tariff, cost *big.Int, err error) {
	row, t, err := a.tariff(list)
	if t == nil || err != nil {
		return nil, nil, err
	}
	return row, t.oneMore(a.Segments), nil
}

func (a Alone) tariff(list []settings.Tariff) (*settings.Tariff, *tariff, error) {
	lists, err := readTariffs(map[string][]settings.Tariff{"": list})
	if err != nil {
		return nil, nil, err
	}
	keys := tariffKeys{a.Channel, a.Provider, a.Operator, a.Country, a.Traffic, a.Sender, a.App}
	best := bestTariff(lists[""], keys, a.At.UnixMilli(), false)
	if best == nil {
		return nil, nil, nil
	}
	return &list[slices.Index(lists[""], best)], best, nil
}
