package forecast

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
	"kaskad/query/answer"
	"kaskad/query/rollup"
	"kaskad/query/store"
	"kaskad/schema"
	"kaskad/schema/errormap"
)

//go:embed sql/history.sql
var historySQL string

// historyTemplate fills in identifiers and expressions of this package, and nothing that a request carries.
var historyTemplate = rollup.Template("history.sql", historySQL)

// monthMS is the month that figures are scaled to: 30 days.
const monthMS = 30 * 24 * schema.HourMS

// historyRequest asks which templates of an account are worth moving from SMS to a channel, as far as a period tells.
type historyRequest struct {
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

// fromHistory serves POST /v1/forecasts/from-history (docs/definitions.md section 4, Forecasts from history).
func (f *Forecasts) fromHistory(c *gin.Context) error {
	request, err := f.readHistoryRequest(c)
	if err != nil {
		return err
	}
	end, err := f.db.Reads(c, &f.gate.Queries)
	if err != nil {
		return err
	}
	defer end()
	ctx, cancel := context.WithTimeout(c.Request.Context(), f.db.QueryTime)
	defer cancel()
	state, err := f.db.State(ctx, store.Scope{Accounts: []string{request.account}, FromMS: request.fromMS,
		ToMS: request.toMS}, request.now, nil)
	if err != nil {
		return err
	}
	seen := state.Snapshot
	lists, err := f.prices.ListsOf(ctx, state.References, []string{request.account}, nil)
	if err != nil {
		return err
	}
	seen.Prices = &lists.Versions
	account := lists.Account(request.account)
	prices, err := newHistoryPrices(request, account, lists.Versions)
	if err != nil {
		return err
	}
	q := historyQuery{request: request, keys: prices.keys, asOfMS: seen.UpTo(),
		borders: templateBorders(account.Templates, request.fromMS, request.toMS)}
	routes, err := f.db.Routes(ctx, state.References)
	if err != nil {
		return err
	}
	q.capabilities = routes.Lines
	h, err := f.readHistory(ctx, &q, prices)
	if err != nil {
		return fmt.Errorf("forecast from history: %w", err)
	}
	return h.send(c, request, prices, &seen)
}

// readHistoryRequest reads the query string, which says what is measured, and the body, which says what is asked.
func (f *Forecasts) readHistoryRequest(c *gin.Context) (*historyRequest, error) {
	q, err := answer.ReadParams(c)
	if err != nil {
		return nil, err
	}
	b, err := f.gate.ReadFields(c, maxForecastBody)
	if err != nil {
		return nil, err
	}
	request := &historyRequest{now: f.db.Now()}
	request.account = q.Required("account", "a forecast is of one account; say which: account=…")
	if !q.Failed("account") && (request.account == "" || !utf8.ValidString(request.account)) {
		q.Fail("account", "must be the name of an account, in UTF-8")
	}
	request.zone, request.limit = q.Zone(), q.Limit()
	request.fromMS, request.toMS = finishedPeriod(q, request.now, request.zone)

	request.channel = channelToMoveTo(b)
	request.channelPrice = channelPriceParam(b)
	if _, given := b.Values["sms_price"]; given {
		request.smsPrice = priceParam(b, "sms_price", "")
	}
	if _, given := b.Values["threshold"]; !given {
		b.Values.Set("threshold", money.DefaultThreshold)
	}
	request.threshold = rateParam(b, "threshold", "")
	if currency := currencyParam(b); currency != nil {
		request.currency = *currency
	}
	b.Errs = append(q.Errs, b.Errs...)
	return request, b.Err()
}

// finishedPeriod returns the period that a month's figures are scaled from: without from and to the last 30 days. It
// must be over, because what is still to come would count as silence.
func finishedPeriod(p *answer.Params, now time.Time, zone *time.Location) (from, to int64) {
	to = p.Bound("to", zone, answer.FloorTo(now.UnixMilli(), answer.QuarterMS))
	from = p.Bound("from", zone, to-monthMS)
	switch {
	case p.Failed("from") || p.Failed("to") || p.Failed("tz"):
	case from >= to:
		p.Fail("to", "must be later than from")
	case to > now.UnixMilli():
		p.Fail("to", "lies ahead: the figures of a month are scaled from the length of the period, so it must be "+
			"over; it is "+answer.TimeText(now.UnixMilli()))
	}
	return from, to
}

// otherChannels are those that SMS can move to.
func otherChannels() []string {
	return slices.DeleteFunc(schema.Channels.Names(), func(name string) bool { return name == schema.SMS })
}

func channelToMoveTo(p *answer.Params) string {
	known := otherChannels()
	channel := p.Required("channel", "the channel that SMS would move to; "+answer.Suggest("", known))
	switch {
	case p.Failed("channel") || slices.Contains(known, channel):
	case channel == schema.SMS:
		p.Fail("channel", "sms is what would be moved; name the channel that it would move to: "+answer.Suggest("",
			known))
	default:
		p.Fail("channel", fmt.Sprintf("%q is no channel; %s", answer.Shorten(channel), answer.Suggest(channel, known)))
	}
	return channel
}

// channelPriceParam returns the price of the request, nil when it has none. A price is not complete without the way it
// is billed.
func channelPriceParam(p *answer.Params) *channelPrice {
	given := func(name string) bool { _, found := p.Values[name]; return found }
	if !given("channel_price") && !given("billing") {
		if given("connect_price") {
			p.Fail("connect_price", "goes with channel_price and billing attempt_plus_connect: send all three, or "+
				"none to take the account's tariffs")
		}
		return nil
	}
	price := &channelPrice{price: priceParam(p, "channel_price",
		"send it with billing, or leave both out to take the account's tariffs"), billing: billingParam(p)}
	switch {
	case price.billing == money.AttemptPlusConnect:
		price.connect = priceParam(p, "connect_price",
			"attempt_plus_connect adds it to channel_price for each message delivered")
	case given("connect_price") && price.billing != "":
		p.Fail("connect_price", "belongs to billing attempt_plus_connect; leave it out")
	}
	return price
}

// historyQuery counts the messages of a period.
type historyQuery struct {
	request      *historyRequest
	capabilities []store.Capability
	keys         []historyKey
	asOfMS       int64
	// borders are the Unix seconds at which the segments of a template may change.
	borders []uint32
}

// SQL returns the statement and its parameters.
func (q *historyQuery) SQL() (string, []any, error) {
	args := []any{
		clickhouse.Named("account", q.request.account),
		clickhouse.Named("filter_account", []string{q.request.account}),
		clickhouse.Named("channel", q.request.channel),
		clickhouse.Named("from", store.Storable(q.request.fromMS)),
		clickhouse.Named("to", store.Storable(q.request.toMS)),
		clickhouse.Named("as_of", q.asOfMS),
		clickhouse.Named("phone_channels", schema.Channels.TellingOf(schema.KindPhone)),
		clickhouse.Named("borders", append([]uint32{0}, q.borders...)),
	}
	var data struct {
		Accounts, Channel bool
		Route, Class      string
		Keys              []historyKey
	}
	var routeArgs []any
	data.Accounts, data.Channel, data.Class, data.Keys = true, true, errormap.ClassSQL("r"), q.keys
	data.Route, routeArgs = store.CapabilitySQL(q.capabilities)
	statement, err := store.Fill(historyTemplate, data)
	return statement, append(args, routeArgs...), err
}

// templateBorders returns the Unix seconds inside of a period at which a row of templates starts or ends, in order.
func templateBorders(templates []money.Template, fromMS, toMS int64) (borders []uint32) {
	for _, t := range templates {
		for _, ms := range []int64{t.FromMS, t.ToMS} {
			if ms > fromMS && ms < toMS {
				borders = append(borders, store.Storable(ms))
			}
		}
	}
	slices.Sort(borders)
	return slices.Compact(borders)
}
