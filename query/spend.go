package query

import (
	"context"
	_ "embed"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/gin-gonic/gin"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/prices"
	"kaskad/query/report"
	"kaskad/query/store"
	"kaskad/schema/law"
)

//go:embed spend.sql
var spendSQL string

// spendTemplate fills in identifiers and expressions of this package, and nothing that a request carries.
var spendTemplate = report.Template("spend.sql", spendSQL)

// maxKnownMessages bounds what a report remembers of the messages that it has priced.
const maxKnownMessages = 1 << 18

var spendColumns = []string{"currency", "attempts", "sent", "delivered", "units", "cost", "unpriced",
	"cost_per_delivered", "billed_segments", "computed_segments", "segment_drift", "reported_attempts",
	"reported_cost", "drift", "of_unpriced"}

// spend serves GET /v1/reports/spend (docs/definitions.md section 4, Spend report): what each attempt cost, whatever
// its message did besides, to check an invoice.
func (s *Server) spend(c *gin.Context) error {
	ask, err := report.Read(c, s.db, "spend", report.ChannelKeys, report.Keys{report.CurrencyFilter}, "channel")
	if err != nil {
		return err
	}
	return s.sendWhole(c, ask, spendColumns,
		func(ctx context.Context, seen *answer.Snapshot) (*wholeAnswer, error) {
			return s.readSpend(ctx, ask, seen)
		})
}

// spendQuery counts attempts by what their price depends on.
type spendQuery struct {
	ask        *report.Request
	routes     []store.Capability
	generation uint64
	// borders are the Unix seconds at which a price may change.
	borders []uint32
}

// SQL returns the statement and its parameters. The currency is known after pricing.
func (q *spendQuery) SQL() (string, []any, error) {
	return q.ask.Statement(spendTemplate, q.routes, report.Key.InSQL, clickhouse.Named("generation", q.generation),
		clickhouse.Named("borders", append([]uint32{0}, q.borders...)))
}

// legKey names a leg: ids are an account's own.
type legKey struct {
	account string
	leg     uint64
}

// spentAlike are attempts as spend.sql returns them: alike in all that their price depends on, and their message's.
type spentAlike struct {
	legKey
	code            uint32
	messageSegments uint16
	template        string
	since           uint32
	attempts        uint64
	billed          uint64
	computed        uint64
	reported        string
	steps           string
	settledMS       int64
}

// destinations are the places that a row is scanned to, behind its keys.
func (a *spentAlike) destinations() []any {
	return []any{&a.account, &a.leg, &a.code, &a.messageSegments, &a.template, &a.since, &a.attempts, &a.billed,
		&a.computed, &a.reported, &a.steps, &a.settledMS}
}

// spentMessage is all that decides whether a message is priced.
type spentMessage struct {
	account, steps, template string
	segments                 uint16
	since                    uint32
}

// spendPricer prices attempts and their messages by the lists of their accounts.
type spendPricer struct {
	lists  *prices.Lists
	legs   map[legKey]money.Leg
	priced map[spentMessage]bool
}

// step returns a leg of table legs with what its code says.
func (p *spendPricer) step(key legKey, code uint32) (money.Leg, error) {
	leg, found := p.legs[key]
	if !found {
		return leg, fmt.Errorf("table legs lacks leg %d of account %q, which attempts are counted by", key.leg,
			key.account)
	}
	leg.Take(law.Code(code))
	return leg, nil
}

// messagePriced reports whether the savings report has a price for the attempts' message.
func (p *spendPricer) messagePriced(a *spentAlike) (bool, error) {
	key := spentMessage{a.account, a.steps, a.template, a.messageSegments, a.since}
	priced, known := p.priced[key]
	if known {
		return priced, nil
	}
	const size = 12
	shape := money.Shape{SMSSegments: a.messageSegments}
	for steps := a.steps; len(steps) >= size; steps = steps[size:] {
		leg, err := p.step(legKey{a.account, answer.LE64(steps)}, answer.LE32(steps[8:]))
		if err != nil {
			return false, err
		}
		shape.Legs = append(shape.Legs, leg)
	}
	if len(shape.Legs) == 0 {
		return false, fmt.Errorf("table shapes lacks a shape of account %q that attempts are counted by", a.account)
	}
	priced = p.lists.Of(a.account).Price(&shape, a.template, int64(a.since)*1000).OK
	if len(p.priced) == maxKnownMessages {
		clear(p.priced)
	}
	p.priced[key] = priced
	return priced, nil
}

// reportedIn sums up the prices that were reported in a currency.
func (a *spentAlike) reportedIn(currency string) money.Amount {
	const size = 3 + 16
	for packed := a.reported; len(packed) >= size; packed = packed[size:] {
		if packed[:3] == currency {
			return wideAmount(int64(answer.LE64(packed[11:])), answer.LE64(packed[3:]))
		}
	}
	return money.Amount{}
}

// spendSums are the figures of a group and currency. priced attempts have a price, if of nothing.
type spendSums struct {
	keys                                              []report.KeyValue // the currency comes last
	attempts, sent, delivered, units, unpriced        uint64
	priced, pricedDelivered, reportedAttempts         uint64
	billed, computed                                  uint64
	cost, ofUnpriced, reportedCost, computedOfReports money.Amount
}

func (s *spendSums) values(row []answer.Value) []answer.Value {
	known := func(a money.Amount) answer.Value {
		if s.priced == 0 {
			return answer.Null
		}
		return answer.Amount(a)
	}
	return append(row, answer.Count(s.attempts), answer.Count(s.sent), answer.Count(s.delivered), answer.Count(s.units),
		known(s.cost),
		answer.Count(s.unpriced), perUnit(s.cost, s.pricedDelivered), answer.Count(s.billed), answer.Count(s.computed),
		answer.Decimal(int64(s.billed)-int64(s.computed), 0), answer.Count(s.reportedAttempts), known(s.reportedCost),
		known(s.reportedCost.Sub(s.computedOfReports)), known(s.ofUnpriced))
}

// spent is what a pricing says of each of the attempts that are alike.
type spent struct {
	leg      money.Leg
	cost     money.LegCost
	currency string
	// priced: there is a tariff, and units are known. messagePriced: the savings report counts what it cost.
	priced, messagePriced bool
}

func (p *spendPricer) price(a *spentAlike) (each spent, err error) {
	if each.leg, err = p.step(a.legKey, a.code); err != nil {
		return each, err
	}
	list, sinceMS := p.lists.Of(a.account), int64(a.since)*1000
	each.cost, each.priced = list.Cost(&each.leg, a.messageSegments, sinceMS)
	if each.cost.Tariff == nil {
		// What was not sent needs no tariff, but counts with its like, and costs nothing where there is one.
		each.cost.Tariff = list.TariffAt(&each.leg, sinceMS)
		each.priced = each.priced && each.cost.Tariff != nil
	}
	if each.cost.Tariff != nil {
		each.currency = each.cost.Tariff.Currency
	}
	if each.priced && each.cost.Cost.Sign() != 0 {
		each.messagePriced, err = p.messagePriced(a)
	}
	return each, err
}

// add counts attempts that are alike.
func (s *spendSums) add(a *spentAlike, each *spent) {
	n := a.attempts
	s.attempts += n
	if each.leg.Sent {
		s.sent += n
	}
	if each.leg.Delivered {
		s.delivered += n
	}
	s.billed += a.billed
	s.computed += a.computed
	if !each.priced {
		if each.leg.Sent {
			s.unpriced += n
		}
		return
	}
	cost := each.cost.Cost.Times(int64(n))
	s.priced += n
	if each.leg.Delivered {
		s.pricedDelivered += n
	}
	s.units += n * each.cost.Units
	s.cost = s.cost.Add(cost)
	if !each.messagePriced {
		s.ofUnpriced = s.ofUnpriced.Add(cost)
	}
	for _, currency := range each.leg.ReportedIn {
		if currency == each.currency {
			s.reportedAttempts += n
			s.reportedCost = s.reportedCost.Add(a.reportedIn(currency))
			s.computedOfReports = s.computedOfReports.Add(cost)
		}
	}
}

func (s *Server) readSpend(ctx context.Context, ask *report.Request, seen *answer.Snapshot) (whole *wholeAnswer,
	err error) {
	accounts := ask.Accounts()
	lists, err := s.prices.Lists(ctx, accounts, nil)
	if err != nil {
		return nil, err
	}
	pricer := spendPricer{lists: lists, priced: map[spentMessage]bool{}}
	if pricer.legs, err = s.readSpendLegs(ctx, accounts); err != nil {
		return nil, fmt.Errorf("read legs: %w", err)
	}
	q := spendQuery{ask: ask, generation: seen.Edition, borders: lists.Borders(accounts)}
	if q.routes, err = s.db.Capabilities(ctx); err != nil {
		return nil, err
	}
	statement, args, err := q.SQL()
	if err != nil {
		return nil, err
	}
	rows, err := s.db.Conn.Query(s.db.SettingsFor(ctx, wholeTime), statement, args...)
	if err != nil {
		return nil, err
	}
	defer store.CloseRows(rows, &err)
	var alike spentAlike
	scan := report.KeyScan{Keys: ask.Keys}
	to := append(scan.Destinations(), alike.destinations()...)
	groups := map[string]*spendSums{}
	seen.Mature = !seen.Lost
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return nil, err
		}
		seen.Mature = seen.Mature && seen.Settled(alike.settledMS)
		each, err := pricer.price(&alike)
		if err != nil {
			return nil, err
		}
		if !ask.Keeps("currency", each.currency) {
			continue
		}
		keys := append(scan.AppendTo(nil), report.KeyValue{Text: each.currency})
		id := report.KeysText(keys)
		group := groups[id]
		if group == nil {
			if len(groups) == maxWholeRows {
				return nil, tooManyRows()
			}
			group = &spendSums{keys: keys}
			groups[id] = group
		}
		group.add(&alike, &each)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	whole = &wholeAnswer{more: []answer.Member{{Name: "tariff_version", Value: answer.Count(lists.Versions.Tariffs)},
		{Name: "template_version", Value: answer.Count(lists.Versions.Templates)}}}
	for _, group := range groups {
		currency := answer.Text(group.keys[len(ask.Keys)].Text)
		whole.rows = append(whole.rows, wholeRow{group.keys, group.values([]answer.Value{currency})})
	}
	return whole, nil
}

// readSpendLegs returns the legs of some accounts, nil for all of them.
func (s *Server) readSpendLegs(ctx context.Context, accounts []string) (legs map[legKey]money.Leg, err error) {
	var statement strings.Builder
	if err := spendTemplate.ExecuteTemplate(&statement, "legs",
		report.StatementData{Accounts: accounts != nil}); err != nil {
		return nil, fmt.Errorf("fill spend.sql: %w", err)
	}
	rows, err := s.db.Conn.Query(s.db.SettingsFor(ctx, wholeTime), statement.String(),
		clickhouse.Named("filter_account", append([]string{}, accounts...)))
	if err != nil {
		return nil, err
	}
	defer store.CloseRows(rows, &err)
	legs = map[legKey]money.Leg{}
	for rows.Next() {
		var key legKey
		var leg money.Leg
		var currencies string
		if err := rows.Scan(&key.account, &key.leg, &leg.Channel, &leg.Provider, &leg.Operator, &leg.Country,
			&leg.Traffic, &leg.Sender, &leg.App, &leg.Trigger, &currencies); err != nil {
			return nil, err
		}
		if currencies != "" {
			leg.ReportedIn = strings.Split(currencies, ",")
		}
		legs[key] = leg
	}
	return legs, rows.Err()
}
