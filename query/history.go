package query

import (
	"context"
	_ "embed"
	"fmt"
	"math/big"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/gin-gonic/gin"

	"kaskad/money"
	"kaskad/schema"
	"kaskad/schema/errormap"
)

//go:embed history.sql
var historySQL string

// historyTemplate fills in identifiers and expressions of this package, and nothing that a request carries.
var historyTemplate = reachTemplate("history.sql", historySQL)

// monthMS is the month that figures are scaled to: 30 days.
const monthMS = 30 * 24 * schema.HourMS

// historyFields are the fields of the body of POST /v1/forecasts/from-history. Decimals are texts or JSON numbers.
var historyFields = []bodyField{{"channel", false}, {"channel_price", true}, {"billing", false},
	{"connect_price", true}, {"sms_price", true},
	{"currency", false}, {"threshold", true}}

// historyAsk is what a request asks: which templates of an account are worth moving from SMS to a channel, as far as a
// period tells.
type historyAsk struct {
	account, channel string
	zone             *time.Location
	now              time.Time
	fromMS, toMS     int64
	limit            int
	threshold        *big.Rat
	currency         string // "" when none is named
	// channelPrice and smsPrice are those of the request, nil where the account's tariffs tell.
	channelPrice *channelPrice
	smsPrice     *big.Rat
}

// forecastHistory serves POST /v1/forecasts/from-history (docs/definitions.md section 4, Forecasts from history).
func (s *Server) forecastHistory(c *gin.Context) error {
	ask, err := s.readHistoryAsk(c)
	if err != nil {
		return err
	}
	end, err := s.reads(c, s.queries)
	if err != nil {
		return err
	}
	defer end()
	ctx, cancel := context.WithTimeout(c.Request.Context(), s.config.QueryTime)
	defer cancel()
	seen, err := s.pinPeriod(ctx, ask.now, []string{ask.account}, ask.fromMS, ask.toMS)
	if err != nil {
		return err
	}
	lists, err := s.priceLists(ctx, []string{ask.account}, nil)
	if err != nil {
		return err
	}
	seen.Prices = &lists.versions
	account := lists.rows(ask.account)
	prices, err := newHistoryPrices(ask, account, lists.versions)
	if err != nil {
		return err
	}
	q := historyQuery{ask: ask, keys: prices.keys, asOfMS: seen.upTo(),
		borders: templateBorders(account.templates, ask.fromMS, ask.toMS)}
	if q.routes, err = s.readRoutes(ctx); err != nil {
		return err
	}
	h, err := s.readHistory(ctx, &q, prices)
	if err != nil {
		return fmt.Errorf("forecast from history: %w", err)
	}
	return h.send(c, ask, prices, &seen)
}

// readHistoryAsk reads the query string, which says what is measured, and the body, which says what is asked.
func (s *Server) readHistoryAsk(c *gin.Context) (*historyAsk, error) {
	q, err := readParams(c.Request, []string{"account", "from", "to", "tz", "limit"})
	if err != nil {
		return nil, err
	}
	b, err := s.readFields(c, maxForecastBody, historyFields)
	if err != nil {
		return nil, err
	}
	ask := &historyAsk{now: s.config.Now()}
	ask.account = q.required("account", "a forecast is of one account; say which: account=…")
	if !q.failed("account") && (ask.account == "" || !utf8.ValidString(ask.account)) {
		q.fail("account", "must be the name of an account, in UTF-8")
	}
	ask.zone, ask.limit = q.zone(), q.limit()
	ask.fromMS, ask.toMS = q.finished(ask.now, ask.zone)

	ask.channel = b.channelToMoveTo()
	ask.channelPrice = b.channelPrice()
	if _, given := b.values["sms_price"]; given {
		ask.smsPrice = b.price("sms_price", "")
	}
	if _, given := b.values["threshold"]; !given {
		b.values.Set("threshold", money.DefaultThreshold)
	}
	ask.threshold = b.rate("threshold", "")
	if currency := b.currency(); currency != nil {
		ask.currency = *currency
	}
	b.errs = append(q.errs, b.errs...)
	return ask, b.err()
}

// finished returns the period that a month's figures are scaled from: without from and to the last 30 days. It must be
// over, because what is still to come would count as silence.
func (p *params) finished(now time.Time, zone *time.Location) (from, to int64) {
	to = p.bound("to", zone, floorTo(now.UnixMilli(), quarterMS))
	from = p.bound("from", zone, to-monthMS)
	switch {
	case p.failed("from") || p.failed("to") || p.failed("tz"):
	case from >= to:
		p.fail("to", "must be later than from")
	case to > now.UnixMilli():
		p.fail("to", "lies ahead: the figures of a month are scaled from the length of the period, so it must be "+
			"over; it is "+timeText(now.UnixMilli()))
	}
	return from, to
}

func (p *params) channelToMoveTo() string {
	known := slices.DeleteFunc(slices.Clone(schema.Channels), func(name string) bool { return name == "sms" })
	channel := p.required("channel", "the channel that SMS would move to; "+suggest("", known))
	switch {
	case p.failed("channel") || slices.Contains(known, channel):
	case channel == "sms":
		p.fail("channel", "sms is what would be moved; name the channel that it would move to: "+suggest("", known))
	default:
		p.fail("channel", fmt.Sprintf("%q is no channel; %s", shorten(channel), suggest(channel, known)))
	}
	return channel
}

// channelPrice returns the price of the request, nil when it has none. A price is not complete without the way it is
// billed.
func (p *params) channelPrice() *channelPrice {
	given := func(name string) bool { _, found := p.values[name]; return found }
	if !given("channel_price") && !given("billing") {
		if given("connect_price") {
			p.fail("connect_price", "goes with channel_price and billing attempt_plus_connect: send all three, or "+
				"none to take the account's tariffs")
		}
		return nil
	}
	price := &channelPrice{price: p.price("channel_price",
		"send it with billing, or leave both out to take the account's tariffs"), billing: p.billing()}
	switch {
	case price.billing == money.AttemptPlusConnect:
		price.connect = p.price("connect_price",
			"attempt_plus_connect adds it to channel_price for each message delivered")
	case given("connect_price") && price.billing != "":
		p.fail("connect_price", "belongs to billing attempt_plus_connect; leave it out")
	}
	return price
}

// historyQuery counts the messages of a period.
type historyQuery struct {
	ask    *historyAsk
	routes []route
	keys   []historyKey
	asOfMS int64
	// borders are the Unix seconds at which the segments of a template may change.
	borders []uint32
}

// SQL returns the statement and its parameters.
func (q *historyQuery) SQL() (string, []any, error) {
	args := []any{
		clickhouse.Named("account", q.ask.account),
		clickhouse.Named("filter_account", []string{q.ask.account}),
		clickhouse.Named("channel", q.ask.channel),
		clickhouse.Named("from", storable(q.ask.fromMS)),
		clickhouse.Named("to", storable(q.ask.toMS)),
		clickhouse.Named("as_of", q.asOfMS),
		clickhouse.Named("borders", append([]uint32{0}, q.borders...)),
	}
	var data struct {
		Accounts, Channel bool
		Route, Class      string
		Keys              []historyKey
	}
	var routeArgs []any
	data.Accounts, data.Channel, data.Class, data.Keys = true, true, errormap.ClassSQL("r"), q.keys
	data.Route, routeArgs = routeSQL(q.routes)
	statement, err := fill(historyTemplate, data)
	return statement, append(args, routeArgs...), err
}

// templateBorders returns the Unix seconds inside of a period at which a row of templates starts or ends, in order.
func templateBorders(templates []money.Template, fromMS, toMS int64) (borders []uint32) {
	for _, t := range templates {
		for _, ms := range []int64{t.FromMS, t.ToMS} {
			if ms > fromMS && ms < toMS {
				borders = append(borders, storable(ms))
			}
		}
	}
	slices.Sort(borders)
	return slices.Compact(borders)
}
