package query

import (
	"context"
	_ "embed"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/gin-gonic/gin"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/report"
	"kaskad/query/store"
	"kaskad/schema"
	"kaskad/schema/law"
	"kaskad/schema/rules"
)

//go:embed dead_spend.sql
var deadSpendSQL string

// deadSpendTemplate fills in identifiers and expressions of this package, and nothing that a request carries.
var deadSpendTemplate = report.Template("dead_spend.sql", deadSpendSQL)

// deadSpendKeys are the names of the report on dead numbers: those of the channel report, and the rule that made the
// number dead.
var deadSpendKeys = slices.Concat(report.ChannelKeys, report.Keys{report.Enumeration("rule", rules.OfVerdicts, false)})

var deadSpendColumns = []string{"currency", "attempts", "unpriced", "cost", "delivered", "avoidable_cost"}

// deadSpend serves GET /v1/reports/dead-spend (docs/definitions.md section 5): what was tried, and spent, on numbers
// while they were dead.
//
// An attempt on sms, voice or flash_call counts when its start, or its cohort where that is unknown, lies within a span
// in which the number was dead, without its ends: so the failure that completed the rule does not count. Each attempt
// is priced by itself. avoidable_cost is the cost of those that were not delivered: had the list been obeyed, the
// others would have been lost.
func (s *Server) deadSpend(c *gin.Context) error {
	ask, err := report.Read(c, s.db, "dead-spend", deadSpendKeys, report.Keys{report.CurrencyFilter}, "channel,rule")
	if err != nil {
		return err
	}
	return s.sendWhole(c, ask, deadSpendColumns,
		func(ctx context.Context, seen *answer.Snapshot) (*wholeAnswer, error) {
			return s.readDeadSpend(ctx, ask, seen)
		})
}

// deadSpendQuery counts attempts by what their price depends on.
type deadSpendQuery struct {
	ask    *report.Request
	routes []store.Capability
	// borders are the Unix seconds at which a price may change.
	borders []uint32
}

// SQL returns the statement and its parameters. The currency is known after pricing.
func (q *deadSpendQuery) SQL() (string, []any, error) {
	return q.ask.Statement(deadSpendTemplate, q.routes, report.Key.InSQL,
		clickhouse.Named("borders", append([]uint32{0}, q.borders...)),
		clickhouse.Named("phone_channels", schema.Channels.TellingOf(schema.KindPhone)))
}

// deadAttempts are attempts as dead_spend.sql returns them: alike in all that their price depends on.
type deadAttempts struct {
	account     string
	leg         money.Leg
	code        law.Code
	smsSegments uint16
	cohort      uint32
	attempts    uint64
	settledMS   int64
}

// destinations are the places that a row is scanned to, behind its keys.
func (d *deadAttempts) destinations() []any {
	l := &d.leg
	return []any{&d.account, &l.Channel, &l.Provider, &l.Operator, &l.Country, &l.Traffic, &l.Sender, &l.App, (*uint32)(&d.code),
		&d.smsSegments, &d.cohort, &d.attempts, &d.settledMS}
}

// price computes what each attempt cost, and the currency of the row that prices it, "" without one. The code's bits
// are those of table shapes.
func (d *deadAttempts) price(list *money.PriceList) (cost money.Amount, currency string, priced bool) {
	l := &d.leg
	l.Take(d.code)
	cohortMS := int64(d.cohort) * 1000
	leg, priced := list.Cost(l, d.smsSegments, cohortMS)
	if leg.Tariff == nil {
		// An attempt that was not sent needs no row, but counts with its like.
		leg.Tariff = list.TariffAt(l, cohortMS)
	}
	if leg.Tariff != nil {
		currency = leg.Tariff.Currency
	}
	return leg.Cost, currency, priced
}

// deadSums are the figures of a group and currency.
type deadSums struct {
	keys                          []report.KeyValue // the currency comes last
	attempts, unpriced, delivered uint64
	cost, avoidable               money.Amount
}

func (s *Server) readDeadSpend(ctx context.Context, ask *report.Request, seen *answer.Snapshot) (reply *wholeAnswer,
	err error) {
	accounts := ask.Accounts()
	lists, err := s.prices.Lists(ctx, accounts, nil)
	if err != nil {
		return nil, err
	}
	q := deadSpendQuery{ask: ask, borders: lists.Borders(accounts)}
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
	var alike deadAttempts
	scan := report.KeyScan{Keys: ask.Keys}
	to := append(scan.Destinations(), alike.destinations()...)
	groups := map[string]*deadSums{}
	seen.Mature = !seen.Lost
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return nil, err
		}
		seen.Mature = seen.Mature && seen.Settled(alike.settledMS)
		cost, currency, priced := alike.price(lists.Of(alike.account))
		if !ask.Keeps("currency", currency) {
			continue
		}
		keys := append(scan.AppendTo(nil), report.KeyValue{Text: currency})
		id := report.KeysText(keys)
		group := groups[id]
		if group == nil {
			if len(groups) == maxWholeRows {
				return nil, tooManyRows()
			}
			group = &deadSums{keys: keys}
			groups[id] = group
		}
		group.attempts += alike.attempts
		if alike.leg.Delivered {
			group.delivered += alike.attempts
		}
		if !priced {
			group.unpriced += alike.attempts
			continue
		}
		cost = cost.Times(int64(alike.attempts))
		group.cost = group.cost.Add(cost)
		if !alike.leg.Delivered {
			group.avoidable = group.avoidable.Add(cost)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	reply = &wholeAnswer{more: []answer.Member{{Name: "tariff_version", Value: answer.Count(lists.Versions.Tariffs)}}}
	for _, group := range groups {
		reply.rows = append(reply.rows, wholeRow{group.keys,
			[]answer.Value{answer.Text(group.keys[len(ask.Keys)].Text), answer.Count(group.attempts),
				answer.Count(group.unpriced),
				answer.Amount(group.cost), answer.Count(group.delivered), answer.Amount(group.avoidable)}})
	}
	return reply, nil
}
