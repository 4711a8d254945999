// Package costs prices what alerts on money are decided by: what the messages of a day cost, of each group of a rule.
//
// Its guarantee: a day is summed up exactly, by the price lists as they are now and as the reports do it, or it is
// called unknown: where a sent attempt has no price, where there are prices in two currencies, where differences do not
// add up.
package costs

import (
	"context"
	"fmt"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/money"
	"kaskad/money/stored"
	"kaskad/schema/alert"
	"kaskad/schema/alertlog"
)

const (
	// batchRows is how many rows are held until what they name is known, and maxKnown about how many bytes of what they
	// name is remembered.
	batchRows = 1 << 16
	maxKnown  = 64 << 20
)

// Reader reads what messages cost.
type Reader struct {
	Conn driver.Conn
	// Broken is told of a price list that cannot be read, as one of an older program may be: nothing is known then of
	// what the account's messages cost. nil makes it an error.
	Broken func(account string, err error)
	// Unlisted reads accounts without a price list too. Nothing of theirs has a price, so nothing is judged; but who
	// asks can be told.
	Unlisted bool
}

// Read adds the days of a rule's groups; it is the Costs of an alertlog.Reader.
func (r *Reader) Read(ctx context.Context, w *alertlog.Want, groups alertlog.Groups) error {
	p := pricing{Reader: r, rule: w.Rule, accounts: map[string]*account{}}
	var borders []uint32
	priced := *w
	priced.Accounts = nil
	for _, name := range w.Accounts {
		lists, err := stored.ReadTariffs(ctx, r.Conn, name)
		switch {
		case err != nil && r.Broken == nil:
			return fmt.Errorf("price list of account %q: %w", name, err)
		case err != nil:
			r.Broken(name, err)
			continue
		case len(lists.Tariffs) == 0 && !r.Unlisted:
			continue // nothing has a price
		}
		for _, ms := range lists.List.Borders() {
			borders = append(borders, uint32(min(ms/1000, 1<<32-1)))
		}
		priced.Accounts = append(priced.Accounts, name)
		p.accounts[name] = &account{list: lists.List, known: &stored.Known{}, days: map[groupDay]*daySum{}}
	}
	if len(priced.Accounts) == 0 {
		return nil
	}
	slices.Sort(borders)
	var batch []alertlog.Messages
	err := alertlog.ReadMessages(ctx, r.Conn, &priced, slices.Compact(borders), func(m *alertlog.Messages) error {
		if batch = append(batch, *m); len(batch) < batchRows {
			return nil
		}
		err := p.add(ctx, batch)
		batch = batch[:0]
		return err
	})
	if err == nil {
		err = p.add(ctx, batch)
	}
	if err != nil {
		return err
	}
	for name, a := range p.accounts {
		for of, sum := range a.days {
			groups.At(w, name, of.group).AddDay(of.stratum, of.day, sum.day())
		}
	}
	return nil
}

// pricing prices messages.
type pricing struct {
	*Reader
	rule     *alert.Rule
	accounts map[string]*account
}

// account is what is known of an account, and its sums.
type account struct {
	list  *money.PriceList
	known *stored.Known
	days  map[groupDay]*daySum
}

type groupDay struct {
	group   alert.Group
	stratum alert.CostStratum
	day     int64
}

// add prices messages.
func (p *pricing) add(ctx context.Context, batch []alertlog.Messages) error {
	known, named := map[string]*stored.Known{}, map[string]stored.Named{}
	for i := range batch {
		m := &batch[i]
		if named[m.Account].Shapes == nil {
			named[m.Account] = stored.Named{Shapes: map[uint64]bool{}}
			a := p.accounts[m.Account]
			if a.known.Bytes() > maxKnown {
				a.known = &stored.Known{}
			}
			known[m.Account] = a.known
		}
		named[m.Account].Shapes[m.Shape] = true
	}
	known, err := stored.Learn(ctx, p.Conn, known, named)
	if err != nil {
		return err
	}
	for name, of := range known {
		p.accounts[name].known = of
	}
	var parts []part
	for i := range batch {
		m := &batch[i]
		a := p.accounts[m.Account]
		parts = p.split(a, m, parts[:0])
		for j := range parts {
			of := groupDay{parts[j].group, alert.CostStratum{Campaign: m.Campaign, Template: m.Template}, m.Day}
			sum := a.days[of]
			if sum == nil {
				sum = &daySum{}
				a.days[of] = sum
			}
			sum.add(&parts[j], m.Count)
		}
	}
	return nil
}

// part is what a message is to a group: the steps of it that belong there.
type part struct {
	group            alert.Group
	cost             money.Amount
	currency         string
	reached, pending bool
	unknown          bool
}

// split takes a message apart into what it is to each of the rule's groups.
func (p *pricing) split(a *account, m *alertlog.Messages, parts []part) []part {
	shape := a.known.Shapes[m.Shape]
	for i, leg := range shape.Steps {
		step := a.known.Steps[leg]
		step.Take(shape.Codes[i])
		group, kept := p.groupOf(&step, m.Campaign)
		if !kept {
			continue
		}
		at := slices.IndexFunc(parts, func(one part) bool { return one.group == group })
		if at < 0 {
			at = len(parts)
			parts = append(parts, part{group: group})
		}
		cost, priced := a.list.Cost(&step, shape.SMSSegments, m.SinceMS)
		parts[at].add(&step, &cost, priced)
	}
	return parts
}

// groupOf returns the group of a step, false where the rule does not look at it.
func (p *pricing) groupOf(step *money.Step, campaign string) (g alert.Group, kept bool) {
	for _, key := range []struct {
		name  string
		value string
		to    *string
	}{{"channel", step.Channel, &g.Channel}, {"provider", step.Provider, &g.Provider},
		{"operator", step.Operator, &g.Operator}, {"campaign", campaign, &g.Campaign}} {
		if only := p.rule.Only.Of(key.name); len(only) > 0 && !slices.Contains(only, key.value) {
			return g, false
		}
		if slices.Contains(p.rule.By, key.name) {
			*key.to = key.value
		}
	}
	return g, true
}

// add adds a step.
func (p *part) add(step *money.Step, cost *money.StepCost, priced bool) {
	p.unknown = p.unknown || !priced
	p.reached = p.reached || step.Delivered
	p.pending = p.pending || !step.Delivered && !step.Failed
	p.cost = p.cost.Add(cost.Cost)
	if cost.Tariff != nil {
		p.currency, p.unknown = oneCurrency(p.currency, cost.Tariff.Currency, p.unknown)
	}
}

// oneCurrency joins currencies; two of them are unknown.
func oneCurrency(a, b string, unknown bool) (string, bool) {
	if a == "" {
		return b, unknown
	}
	return a, unknown || b != "" && a != b
}

// daySum is what messages of a day cost.
type daySum struct {
	alert.DayCost
	cost money.Amount
}

// add adds messages that are alike.
func (s *daySum) add(p *part, n int64) {
	s.Currency, s.Unknown = oneCurrency(s.Currency, p.currency, s.Unknown || p.unknown || n < 0)
	s.cost = s.cost.Add(p.cost.Times(n))
	s.Messages += n
	micros, fits := p.cost.Int64()
	s.Unknown = s.Unknown || !fits
	each, all := float64(micros), float64(n)
	s.Squares += all * each * each
	switch {
	case p.reached:
		s.Reached += n
		s.OfReached += all * each
	case p.pending:
		s.Pending += n
	}
}

// day returns the sum.
func (s *daySum) day() alert.DayCost {
	micros, whole := s.cost.Int64()
	s.Micros = micros
	s.Unknown = s.Unknown || !whole || micros > alert.MaxDayCost
	return s.DayCost
}
