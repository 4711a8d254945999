package report

import (
	"context"
	_ "embed"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/prices"
	"kaskad/query/store"
	"kaskad/schema/law"
)

//go:embed sql/spend.sql
var spendSQL string

// spendTemplate has the statement of the report, and that of the steps that its rows name.
var spendTemplate = Template("spend.sql", spendSQL)

// The spend report (docs/definitions.md section 4, Spend report): what each attempt cost, whatever its message did
// besides, to check an invoice.
var _ = add(&Report{
	Name:        "spend",
	For:         answer.ForAnalysts,
	Keys:        ChannelKeys,
	Extra:       Keys{CurrencyFilter},
	DefaultKeys: "channel",
	Section:     Money,
	Figures: []Figure{
		{Name: "currency", Formula: "of the tariff row of the attempt, sent or not; empty without one",
			Over: "attempted steps"},
		{Name: "attempts", Formula: "count", Over: "attempted steps"},
		{Name: "sent", Formula: "count", Over: "sent attempts"},
		{Name: "delivered", Formula: "count", Over: "delivered attempts"},
		{Name: "units", Formula: "units that the tariffs bill", Over: "attempts with a price"},
		{Name: "cost", Formula: "units x price, and connect_price where it is due", Over: "attempts with a " +
			"price", Null: "when no attempt of the row has a price"},
		{Name: "unpriced", Formula: "count",
			Over: "sent attempts without a price: a tariff or segments are missing"},
		{Name: "cost_per_delivered", Formula: "cost / delivered attempts", Over: "attempts with a price",
			Null: "when none of them was delivered"},
		{Name: "billed_segments", Formula: "sum of segments",
			Over: "sent SMS attempts that carry segments and sms_segments"},
		{Name: "computed_segments", Formula: "sum of sms_segments", Over: "the same"},
		{Name: "segment_drift", Formula: "billed_segments - computed_segments", Over: "the same"},
		{Name: "reported_attempts", Formula: "count",
			Over: "attempts with a price and a reported price in the row's currency"},
		{Name: "reported_cost", Formula: "sum of reported prices", Over: "the same",
			Null: "when no attempt of the row has a price"},
		{Name: "drift", Formula: "reported_cost - cost of the same attempts", Over: "the same",
			Null: "when no attempt of the row has a price"},
		{Name: "of_unpriced",
			Formula: "the part of cost whose message is unpriced in the savings report: cost - of_unpriced " +
				"adds up to actual_cost", Over: "attempts with a price", Null: "when no attempt of the row has a " +
				"price"},
	},
	Statement:   spendTemplate,
	Tables:      []string{"builds", "day_changes", "legs", "rollup_spend", "routes", "shapes"},
	Rollup:      Rollup{Table: "rollup_spend"},
	Long:        true,
	Materialize: readSpend,
})

// maxKnownMessages bounds what a report remembers of the messages that it has priced.
const maxKnownMessages = 1 << 18

// stepID names a step: ids are an account's own.
type stepID struct {
	account string
	step    uint64
}

// spentAlike are attempts as spend.sql returns them: alike in all that their price depends on, and their message's.
type spentAlike struct {
	stepID
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

// places are where a row is scanned to, behind its keys.
func (a *spentAlike) places() []any {
	return []any{&a.account, &a.step, &a.code, &a.messageSegments, &a.template, &a.since, (*Count)(&a.attempts),
		(*Count)(&a.billed), (*Count)(&a.computed), &a.reported, &a.steps, &a.settledMS}
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
	steps  map[stepID]money.Step
	priced map[spentMessage]bool
}

// step returns a step of table legs with what its code says.
func (p *spendPricer) step(key stepID, code uint32) (money.Step, error) {
	step, found := p.steps[key]
	if !found {
		return step, fmt.Errorf("table legs lacks step %d of account %q, which attempts are counted by", key.step,
			key.account)
	}
	step.Take(law.Code(code))
	return step, nil
}

// messagePriced reports whether the savings report has a price for the attempts' message.
func (p *spendPricer) messagePriced(a *spentAlike) (bool, error) {
	key := spentMessage{a.account, a.steps, a.template, a.messageSegments, a.since}
	priced, known := p.priced[key]
	if known {
		return priced, nil
	}
	const size = 12
	signature := money.Signature{SMSSegments: a.messageSegments}
	for steps := a.steps; len(steps) >= size; steps = steps[size:] {
		step, err := p.step(stepID{a.account, answer.LE64(steps)}, answer.LE32(steps[8:]))
		if err != nil {
			return false, err
		}
		signature.Steps = append(signature.Steps, step)
	}
	if len(signature.Steps) == 0 {
		return false, fmt.Errorf("table shapes lacks a signature of account %q that attempts are counted by", a.account)
	}
	priced = p.lists.Of(a.account).Price(&signature, a.template, int64(a.since)*1000).OK
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
			return money.Wide(int64(answer.LE64(packed[11:])), answer.LE64(packed[3:]))
		}
	}
	return money.Amount{}
}

// spendSums are the figures of a group and currency. priced attempts have a price, if of nothing.
type spendSums struct {
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
		answer.Count(s.unpriced), answer.PerUnit(s.cost, s.pricedDelivered), answer.Count(s.billed),
		answer.Count(s.computed),
		answer.Decimal(int64(s.billed)-int64(s.computed), 0), answer.Count(s.reportedAttempts), known(s.reportedCost),
		known(s.reportedCost.Sub(s.computedOfReports)), known(s.ofUnpriced))
}

// spent is what a pricing says of each of the attempts that are alike.
type spent struct {
	step     money.Step
	cost     money.StepCost
	currency string
	// priced: there is a tariff, and units are known. messagePriced: the savings report counts what it cost.
	priced, messagePriced bool
}

func (p *spendPricer) price(a *spentAlike) (each spent, err error) {
	if each.step, err = p.step(a.stepID, a.code); err != nil {
		return each, err
	}
	list, sinceMS := p.lists.Of(a.account), int64(a.since)*1000
	each.cost, each.priced = list.Cost(&each.step, a.messageSegments, sinceMS)
	if each.cost.Tariff == nil {
		// What was not sent needs no tariff, but counts with its like, and costs nothing where there is one.
		each.cost.Tariff = list.TariffAt(&each.step, sinceMS)
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
	if each.step.Sent {
		s.sent += n
	}
	if each.step.Delivered {
		s.delivered += n
	}
	s.billed += a.billed
	s.computed += a.computed
	if !each.priced {
		if each.step.Sent {
			s.unpriced += n
		}
		return
	}
	cost := each.cost.Cost.Times(int64(n))
	s.priced += n
	if each.step.Delivered {
		s.pricedDelivered += n
	}
	s.units += n * each.cost.Units
	s.cost = s.cost.Add(cost)
	if !each.messagePriced {
		s.ofUnpriced = s.ofUnpriced.Add(cost)
	}
	for _, currency := range each.step.ReportedIn {
		if currency == each.currency {
			s.reportedAttempts += n
			s.reportedCost = s.reportedCost.Add(a.reportedIn(currency))
			s.computedOfReports = s.computedOfReports.Add(cost)
		}
	}
}

func readSpend(ctx context.Context, r *Reading) ([]Row, error) {
	accounts := r.Accounts()
	lists, err := r.Prices.Lists(ctx, accounts, nil)
	if err != nil {
		return nil, err
	}
	r.More = []answer.Member{{Name: "tariff_version", Value: answer.Count(lists.Versions.Tariffs)},
		{Name: "template_version", Value: answer.Count(lists.Versions.Templates)}}
	pricer := spendPricer{lists: lists, priced: map[spentMessage]bool{}}
	if pricer.steps, err = readSpendSteps(ctx, r.DB, accounts); err != nil {
		return nil, fmt.Errorf("read steps: %w", err)
	}
	r.Borders = lists.Borders(accounts)
	var alike spentAlike
	all := groups[spendSums]{}
	r.Seen.Mature = !r.Seen.Lost
	err = r.each(ctx, alike.places(), func(keys []KeyValue) error {
		r.settled(alike.settledMS)
		each, err := pricer.price(&alike)
		if err != nil || !r.Keeps(CurrencyFilter.Name, each.currency) {
			return err
		}
		sums, err := all.at(append(keys, KeyValue{Text: each.currency}))
		if err != nil {
			return err
		}
		sums.add(&alike, &each)
		return nil
	}, borders(r.Borders))
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, g := range all {
		rows = append(rows, Row{g.keys, g.sums.values([]answer.Value{answer.Text(g.keys[len(r.Keys)].Text)})})
	}
	return rows, nil
}

// readSpendSteps returns the steps of some accounts, nil for all of them.
func readSpendSteps(ctx context.Context, db *store.DB, accounts []string) (steps map[stepID]money.Step, err error) {
	statement, err := store.Fill(spendTemplate.Lookup("legs"), StatementData{Accounts: accounts != nil})
	if err != nil {
		return nil, err
	}
	rows, err := db.Conn.Query(db.SettingsFor(ctx, materializeTime), statement,
		clickhouse.Named("filter_account", append([]string{}, accounts...)))
	if err != nil {
		return nil, err
	}
	defer store.CloseRows(rows, &err)
	steps = map[stepID]money.Step{}
	for rows.Next() {
		var key stepID
		var step money.Step
		var currencies string
		if err := rows.Scan(&key.account, &key.step, &step.Channel, &step.Provider, &step.Operator, &step.Country,
			&step.Traffic, &step.Sender, &step.App, &step.Trigger, &currencies); err != nil {
			return nil, err
		}
		if currencies != "" {
			step.ReportedIn = strings.Split(currencies, ",")
		}
		steps[key] = step
	}
	return steps, rows.Err()
}
