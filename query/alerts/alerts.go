// Package alerts is the room of the API about alerts: what was out of the ordinary, and what rules would have found in
// the past. The rules themselves are a list of reference data (package lists).
//
// Its guarantees: an alert is shown to keys of its account alone; what a try finds is what the aggregator would have,
// for the same functions decide.
package alerts

import (
	"context"
	"math"
	"net/http"
	"slices"
	"strconv"

	"github.com/gin-gonic/gin"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/store"
	"kaskad/schema/alert"
	"kaskad/schema/alertlog"
)

// Alerts serves the routes about alerts. It is safe for concurrent use.
type Alerts struct {
	db   *store.DB
	gate *answer.Gate
}

// New makes the room.
func New(db *store.DB, gate *answer.Gate) *Alerts { return &Alerts{db: db, gate: gate} }

// columns are those of alerts.
var columns = []answer.Column{{Name: "id", Text: "The same in webhooks and in the topic"}, {Name: "account"},
	{Name: "rule", Text: "Its id"}, {Name: "metric", Of: answer.OneOf(alert.Metrics()...)},
	{Name: "channel", Null: "where the rule does not tell channels apart"},
	{Name: "provider", Null: "where the rule does not tell providers apart"},
	{Name: "operator", Null: "where the rule does not tell operators apart"},
	{Name: "campaign", Null: "where the rule does not tell campaigns apart"},
	{Name: "before", Type: answer.DecimalColumn, Text: "What the past lets expect",
		Null: "of freshness and of cost_per_reached"},
	{Name: "now", Type: answer.DecimalColumn, Text: "What there was instead when it began, also of an alert that ended",
		Null: ofMoney},
	{Name: "low", Type: answer.DecimalColumn, Text: "From here …", Null: ofMoney},
	{Name: "high", Type: answer.DecimalColumn, Text: "… to here the past explains it", Null: ofMoney},
	{Name: "num", Type: answer.CountColumn, Text: "now is num ÷ den; a count, or minutes of freshness, by itself",
		Null: ofMoney},
	{Name: "den", Type: answer.CountColumn, Text: "Of cost_per_reached: messages that reached somebody",
		Null: "of counts"},
	{Name: "hours", Type: answer.CountColumn, Text: "How many hours of messages now is of"},
	{Name: "since", Type: answer.TimeColumn, Text: "When these hours began"},
	{Name: "until", Type: answer.TimeColumn, Null: "while it is open"},
	{Name: "ended", Of: answer.OneOf(alert.Endings...), Null: "while it is open"},
	{Name: "currency", Null: notOfMoney},
	{Name: "cost", Type: answer.MoneyColumn, Text: "What the day's messages cost", Null: notOfMoney},
	{Name: "cost_before", Type: answer.MoneyColumn, Text: "What the past lets expect", Null: notOfMoney},
	{Name: "cost_now", Type: answer.MoneyColumn, Text: "cost ÷ den", Null: notOfMoney},
	{Name: "cost_low", Type: answer.MoneyColumn, Text: "From here …", Null: notOfMoney},
	{Name: "cost_high", Type: answer.MoneyColumn, Text: "… to here the past explains it", Null: notOfMoney}}

// When figures of alerts are unknown.
const (
	ofMoney    = "of cost_per_reached"
	notOfMoney = "of all metrics but cost_per_reached"
)

// Routes lists what the room serves.
func (a *Alerts) Routes() []answer.Route {
	about := "Open alerts first, then the latest."
	params := slices.Concat([]answer.Param{answer.AccountsParam(),
		{Name: "open", Text: "1: those that are open alone; 0: those that ended alone.",
			Schema: answer.OneOf("0", "1"), Example: "1"},
		{Name: "rule", Many: true, Text: "Those of a rule alone, by its id.", Example: "delivery"},
		{Name: "metric", Many: true, Text: "Those of a metric alone.", Schema: answer.OneOf(alert.Metrics()...),
			Example: "delivery"}}, answer.ListParams(false))
	return []answer.Route{
		answer.Get(answer.ForMarketers, "/v1/alerts/events", a.events, "/v1/alerts/events").
			Says(answer.TagReports, "What is and was out of the ordinary", about, params,
				answer.Answer{Text: "A page of alerts.", Columns: columns}),
		a.tryRoute(),
	}
}

// events serves GET /v1/alerts/events.
func (a *Alerts) events(c *gin.Context) error {
	p, err := answer.ReadParams(c)
	if err != nil {
		return err
	}
	format := p.Format(c.Request)
	limit := p.Limit()
	f := alertlog.Filter{Accounts: p.Accounts(), Rules: p.Many("rule"), Metrics: p.Many("metric"), Limit: limit + 1}
	for _, name := range f.Metrics {
		if !slices.Contains(alert.Metrics(), alert.Metric(name)) {
			p.Fail("metric", answer.Shorten(name)+" is no metric")
		}
	}
	switch open, given := p.One("open"); {
	case given && open != "0" && open != "1":
		p.Fail("open", "must be 1, for alerts that are open, or 0, for those that ended")
	case given:
		f.Open, f.Over = open == "1", open == "0"
	}
	hash := answer.QueryHash(slices.Concat([]string{"alerts", strconv.FormatBool(f.Open), strconv.FormatBool(f.Over),
		strconv.Itoa(len(f.Accounts)), strconv.Itoa(len(f.Rules))}, f.Accounts, f.Rules, f.Metrics)...)
	if at := a.db.Cursors.Read(c.Request.Context(), p, hash, 3); at != nil {
		if f.After, err = lastOf(at.After); err != nil {
			p.Fail("cursor", "cannot be read: start again without a cursor")
		}
	}
	if err := p.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), a.db.QueryTime)
	defer cancel()
	events, err := alertlog.Events(a.db.Settings(ctx), a.db.Conn, f)
	if err != nil {
		return err
	}
	var next *answer.Cursor
	if len(events) > limit {
		events = events[:limit]
		next = &answer.Cursor{Query: hash, After: keysOf(&events[limit-1])}
	}
	t := answer.NewList(format, columns)
	for i := range events {
		t.Add(row(&events[i]))
	}
	return t.SendPage(c, nil, a.db.Cursors, next)
}

func keysOf(e *alert.Event) [][]byte {
	return [][]byte{strconv.AppendInt(nil, e.UntilMS, 10), strconv.AppendInt(nil, e.SinceMS, 10), []byte(e.ID)}
}

func lastOf(keys [][]byte) (*alert.Event, error) {
	until, err := strconv.ParseInt(string(keys[0]), 10, 64)
	if err != nil {
		return nil, err
	}
	since, err := strconv.ParseInt(string(keys[1]), 10, 64)
	if err != nil {
		return nil, err
	}
	return &alert.Event{UntilMS: until, SinceMS: since, ID: string(keys[2])}, nil
}

// row is an alert as it is shown.
func row(e *alert.Event) []answer.Value {
	values := []answer.Value{answer.Text(e.ID), answer.Text(e.Account), answer.Text(e.Rule),
		answer.Text(string(e.Metric))}
	for _, key := range alert.Keys {
		if slices.Contains(e.Keys, key) {
			values = append(values, answer.Text(e.Of(key)))
		} else {
			values = append(values, answer.Null)
		}
	}
	for _, figure := range []float64{e.Before, e.Now, e.Low, e.High} {
		values = append(values, figureOf(figure))
	}
	den, ended := answer.Null, answer.Null
	if e.Den > 0 {
		den = answer.Count(uint64(e.Den))
	}
	if e.UntilMS != 0 {
		ended = answer.Text(e.Ended)
	}
	num, currency := answer.Count(uint64(max(0, e.Num))), answer.Null
	if e.Costs.Currency != "" {
		num, currency = answer.Null, answer.Text(e.Costs.Currency)
	}
	values = append(values, num, den, answer.Count(uint64(e.Hours)), answer.Moment(e.SinceMS),
		answer.Moment(e.UntilMS), ended, currency)
	for _, micros := range []int64{e.Costs.Cost, e.Costs.Before, e.Costs.Now, e.Costs.Low, e.Costs.High} {
		if e.Costs.Currency == "" {
			values = append(values, answer.Null)
			continue
		}
		values = append(values, answer.Amount(money.Micros(micros)))
	}
	return values
}

// figureOf is a figure to six decimals, null where it is unknown.
func figureOf(f float64) answer.Value {
	const millionths = 1e6
	if math.IsNaN(f) || math.Abs(f) > math.MaxInt64/(2*millionths) {
		return answer.Null
	}
	return answer.Decimal(int64(math.Round(f*millionths)), 6)
}

var badTry = answer.Errors{http.StatusUnprocessableEntity: "rules are wrong; `errors` names each"}

// OpenOf are open alerts of a rule of an account.
type OpenOf = alertlog.Counted

// CountOpen counts the alerts that are open, by account, rule and metric.
func (a *Alerts) CountOpen(ctx context.Context, accounts []string) ([]OpenOf, error) {
	return alertlog.CountOpen(a.db.SmallSettings(ctx), a.db.Conn, accounts)
}
