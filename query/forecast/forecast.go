// Package forecast is the room of the API about what is not sent yet: what a campaign would save on another channel,
// from given figures or from the history of an account, from which price on a channel is cheaper, and what a text takes
// as SMS (docs/definitions.md section 4, Forecasts).
//
// Its guarantees: a forecast is exact arithmetic over the figures that its answer repeats; of history it takes what the
// reports show of the same period; a text is neither stored nor logged.
package forecast

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/prices"
	"kaskad/query/store"
	"kaskad/schema"
)

const (
	// maxForecastBody is many times what the fields of a forecast take.
	maxForecastBody = 16 << 10
	// maxSegments is how many segments an SMS can have: the header numbers no more.
	maxSegments = 255
	// priceDecimals are those of a tariff.
	priceDecimals = 6
)

// Forecasts serves the routes about forecasts. It is safe for concurrent use.
type Forecasts struct {
	db     *store.DB
	gate   *answer.Gate
	prices *prices.Cache
}

// New makes the room.
func New(db *store.DB, gate *answer.Gate, lists *prices.Cache) *Forecasts {
	return &Forecasts{db: db, gate: gate, prices: lists}
}

// Routes lists what the room serves.
func (f *Forecasts) Routes() []answer.Route {
	savings := answer.Route{Method: http.MethodPost, Path: "/v1/forecasts/savings", Serve: f.savings,
		For: answer.ForMarketers}.
		Says(answer.TagForecasts, "What moving a mailing from SMS to a channel would save",
			"Exact arithmetic over the figures of the request, which the answer repeats. Nothing is stored.", nil,
			answer.Answer{
				Text: "The forecast.", Of: answer.ObjectOf(slices.Concat(inputColumns(), SavingsColumns)...)})
	savings.Body = &answer.Body{Fields: savingsFields(), Example: `{"messages":1000000,"penetration":"0.5",` +
		`"delivery_rate":"0.8","sms_segments":2,"sms_price":"2.00","channel_price":"0.36",` +
		`"billing":"per_message_delivered","currency":"RUB"}`}
	history := answer.Route{Method: http.MethodPost, Path: "/v1/forecasts/from-history", Serve: f.fromHistory,
		For: answer.ForMarketers, Errors: answer.Errors{http.StatusUnprocessableEntity: "there are more templates, " +
			"or more that their prices depend on, than an answer has room for"}}.
		Says(answer.TagForecasts, "What moving the SMS of an account's templates to a channel would save",
			"Measures in the account's own messages what the other forecast asks for. `total` adds up the templates "+
				"that are worth moving.", historyParams(),
			answer.Answer{Text: "A row per template, the largest saving first.",
				Columns: rowColumns, Around: historyAround()})
	history.Body = &answer.Body{Fields: historyFields(), Example: `{"channel":"push","channel_price":"0.36",` +
		`"billing":"per_message_delivered","sms_price":"2.00","currency":"RUB"}`}
	segments := answer.Route{Method: http.MethodPost, Path: "/v1/sms/segments", Serve: f.smsSegments,
		For: answer.ForMarketers}.
		Says(answer.TagForecasts, "How many segments a text takes as SMS, and why", "The text is neither stored nor "+
			"logged.", nil, answer.Answer{Text: "What the text takes.", Of: answer.Typed[money.Explanation]()})
	segments.Body = &answer.Body{Fields: []answer.Param{{Name: "text", Required: true, Text: "The text.",
		Schema: &answer.Schema{Type: "string", MaxLength: new(schema.MaxSMSCharacters)}}},
		Example: `{"text":"Ваш код: 1234"}`}
	return []answer.Route{savings, history,
		answer.Route{Method: http.MethodGet, Path: "/v1/forecasts/break-even", Serve: f.breakEven,
			For: answer.ForMarketers, Try: []string{"/v1/forecasts/break-even?channel_price=4.50&sms_price=2.00"}}.
			Says(answer.TagForecasts, "From which length of an SMS on a channel is cheaper", "", breakEvenParams(),
				answer.Answer{Text: "Where SMS costs more.", Of: answer.ObjectOf(slices.Concat([]answer.Column{
					{Name: "channel_price", Type: answer.MoneyColumn}, {Name: "sms_price", Type: answer.MoneyColumn},
					currencyColumn()}, BreakEvenColumns)...)}),
		segments}
}

// forecastAnswer repeats the inputs, for a forecast is passed on, and adds what follows from them. Money is exact.
type forecastAnswer struct {
	Messages     json.Number   `json:"messages"`
	Penetration  json.Number   `json:"penetration"`
	DeliveryRate json.Number   `json:"delivery_rate"`
	SMSSegments  json.Number   `json:"sms_segments"`
	SMSPrice     string        `json:"sms_price"`
	ChannelPrice string        `json:"channel_price"`
	ConnectPrice *string       `json:"connect_price"`
	Billing      money.Billing `json:"billing"`
	Threshold    json.Number   `json:"threshold"`
	Currency     *string       `json:"currency"`

	Movable      json.Number  `json:"movable"`
	ChannelCost  string       `json:"channel_cost"`
	MovedSMSCost string       `json:"moved_sms_cost"`
	Saved        string       `json:"saved"`
	SMSOnlyCost  string       `json:"sms_only_cost"`
	CascadeCost  string       `json:"cascade_cost"`
	SavedRate    *json.Number `json:"saved_rate"`
	WorthIt      bool         `json:"worth_it"`
}

// savings serves POST /v1/forecasts/savings (docs/definitions.md section 4, Forecasts).
func (f *Forecasts) savings(c *gin.Context) error {
	p, err := f.gate.BodyParams(c, maxForecastBody)
	if err != nil {
		return err
	}
	input := money.Forecast{
		Messages: decimalParam(p, "messages", "send the number of messages", 0, nil, nil),
		Penetration: rateParam(p, "penetration",
			"send the share of the people whom the channel can reach, such as 0.5"),
		DeliveryRate: rateParam(p, "delivery_rate",
			"send the share of the channel's messages that are delivered, such as 0.8"),
		SMSSegments: decimalParam(p, "sms_segments",
			"send the segments of a message as SMS, such as 2; POST /v1/sms/segments counts them", priceDecimals,
			big.NewRat(1, 1), big.NewRat(maxSegments, 1)),
		SMSPrice:     priceParam(p, "sms_price", "send the price of an SMS segment"),
		ChannelPrice: priceParam(p, "channel_price", "send the price of a message on the channel"),
		Billing:      billingParam(p),
	}
	connectPrice := (*string)(nil)
	_, given := p.Values["connect_price"]
	switch {
	case input.Billing == money.AttemptPlusConnect:
		input.ConnectPrice = priceParam(p, "connect_price",
			"attempt_plus_connect adds it to channel_price for each message delivered")
		connectPrice = moneyText(input.ConnectPrice)
	case given && input.Billing != "":
		p.Fail("connect_price", "belongs to billing attempt_plus_connect; leave it out")
	}
	if _, given := p.Values["threshold"]; !given {
		p.Values.Set("threshold", money.DefaultThreshold)
	}
	input.Threshold = rateParam(p, "threshold", "")
	currency := currencyParam(p)
	if err := p.Err(); err != nil {
		return err
	}
	r, err := input.Forecast()
	if err != nil {
		return fmt.Errorf("forecast: %w", err)
	}
	c.PureJSON(http.StatusOK, forecastAnswer{
		Messages: exactNumber(input.Messages), Penetration: exactNumber(input.Penetration),
		DeliveryRate: exactNumber(input.DeliveryRate), SMSSegments: exactNumber(input.SMSSegments),
		SMSPrice: *moneyText(input.SMSPrice), ChannelPrice: *moneyText(input.ChannelPrice), ConnectPrice: connectPrice,
		Billing:   input.Billing,
		Threshold: exactNumber(input.Threshold), Currency: currency,
		Movable: exactNumber(r.Movable), ChannelCost: *moneyText(r.ChannelCost),
		MovedSMSCost: *moneyText(r.MovedSMSCost), Saved: *moneyText(r.Saved),
		SMSOnlyCost: *moneyText(r.SMSOnlyCost), CascadeCost: *moneyText(r.CascadeCost),
		SavedRate: millionthsNumber(r.SavedRate), WorthIt: r.WorthIt,
	})
	return nil
}

// breakEven serves GET /v1/forecasts/break-even (docs/definitions.md section 4, Forecasts).
func (f *Forecasts) breakEven(c *gin.Context) error {
	p, err := answer.ReadParams(c)
	if err != nil {
		return err
	}
	channel := priceParam(p, "channel_price", "the price of a message on the channel, such as 4.50")
	sms := priceParam(p, "sms_price", "the price of an SMS segment, such as 2.00")
	currency := currencyParam(p)
	if err := p.Err(); err != nil {
		return err
	}
	segments, ratio := money.BreakEven(channel, sms)
	c.PureJSON(http.StatusOK, struct {
		ChannelPrice *string      `json:"channel_price"`
		SMSPrice     *string      `json:"sms_price"`
		Currency     *string      `json:"currency"`
		Segments     *big.Int     `json:"segments"`
		Ratio        *json.Number `json:"ratio"`
	}{moneyText(channel), moneyText(sms), currency, segments, millionthsNumber(ratio)})
	return nil
}

// decimalParam reads a parameter that must be given, lo…hi where they are not nil, from its literal text: no float
// comes in between. After an error it is 0.
func decimalParam(p *answer.Params, name, hint string, decimals int, lo, hi *big.Rat) *big.Rat {
	given := p.Required(name, hint)
	if p.Failed(name) {
		return new(big.Rat)
	}
	r, err := money.ParseDecimal(given, decimals)
	if err == nil && ((lo != nil && r.Cmp(lo) < 0) || (hi != nil && r.Cmp(hi) > 0)) {
		err = errors.New("must be " + money.DecimalString(lo, 0) + "…" + money.DecimalString(hi, 0))
	}
	if err != nil {
		p.Fail(name, fmt.Sprintf("%q %v", answer.Shorten(given), err))
		return new(big.Rat)
	}
	return r
}

func rateParam(p *answer.Params, name, hint string) *big.Rat {
	return decimalParam(p, name, hint, money.MaxDecimals, new(big.Rat), big.NewRat(1, 1))
}

func priceParam(p *answer.Params, name, hint string) *big.Rat {
	return decimalParam(p, name, hint, priceDecimals, new(big.Rat), big.NewRat(money.MaxPrice, answer.Million))
}

// billingParam returns "" after an error.
func billingParam(p *answer.Params) money.Billing {
	names := make([]string, len(money.ForecastBillings))
	for i, b := range money.ForecastBillings {
		names[i] = string(b)
	}
	given := p.Required("billing", "how the channel charges; "+answer.Suggest("", names))
	for _, b := range money.ForecastBillings {
		if given == string(b) {
			return b
		}
	}
	if !p.Failed("billing") {
		p.Fail("billing", fmt.Sprintf("%q is not known here; %s", answer.Shorten(given), answer.Suggest(given, names)))
	}
	return ""
}

// currencyParam returns the currency that the answer repeats, nil when none is given.
func currencyParam(p *answer.Params) *string {
	given, _ := p.One("currency")
	if given == "" {
		return nil
	}
	if !schema.KnownCurrency(given) {
		p.Fail("currency", fmt.Sprintf("%q is not an ISO 4217 code such as RUB", answer.Shorten(given)))
	}
	return &given
}

// exactNumber is a decimal as a JSON number with all of its digits.
func exactNumber(r *big.Rat) json.Number { return json.Number(money.DecimalString(r, 0)) }

// moneyText is exact money: a decimal with at least 2 decimals.
func moneyText(r *big.Rat) *string {
	text := money.DecimalString(r, 2)
	return &text
}

// millionthsNumber is a rate as a JSON number; nil stays null.
func millionthsNumber(n *big.Int) *json.Number {
	if n == nil {
		return nil
	}
	number := exactNumber(new(big.Rat).SetFrac(n, big.NewInt(answer.Million)))
	return &number
}
