package forecast

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/prices"
)

// channelPrice is what a message on the channel costs.
type channelPrice struct {
	billing        money.Billing // one of money.ForecastBillings, or zero
	price, connect *big.Rat      // connect is nil but with attempt_plus_connect
	tariff         *money.Tariff // the row that it comes from; nil when the request named the price
}

// historyKey is a column of history.sql that a price depends on.
type historyKey struct {
	Column, Name string
	// of is where the value belongs in a cell.
	of func(*historyCell) *string
}

// The keys of the message, and those of its first SMS. Only the latter may name a provider, an operator, an app.
var (
	messageKeys = []historyKey{
		{"country", "country", func(c *historyCell) *string { return &c.message.Country }},
		{"traffic", "traffic", func(c *historyCell) *string { return &c.message.Traffic }},
		{"sender", "sender", func(c *historyCell) *string { return &c.message.Sender }},
	}
	firstSMSKeys = []historyKey{
		{"sms_step.1", "sms_provider", func(c *historyCell) *string { return &c.firstSMS.Provider }},
		{"sms_step.2", "sms_operator", func(c *historyCell) *string { return &c.firstSMS.Operator }},
		{"sms_step.3", "sms_country", func(c *historyCell) *string { return &c.firstSMS.Country }},
		{"sms_step.4", "sms_traffic", func(c *historyCell) *string { return &c.firstSMS.Traffic }},
		{"sms_step.5", "sms_sender", func(c *historyCell) *string { return &c.firstSMS.Sender }},
		{"sms_step.6", "sms_app", func(c *historyCell) *string { return &c.firstSMS.App }},
	}
)

// historyPrices tells what a message costs as SMS and what it would cost on the channel, by the request or by the
// account's tariffs as they are at the last moment of the period: a forecast looks ahead from there.
type historyPrices struct {
	request  *historyRequest
	list     *money.PriceList
	atMS     int64
	currency string // "" when the request named both prices and no currency
	sms      *money.Amount
	// rows are the channel's prices by the tariff row that they come from.
	rows map[*money.Tariff]*channelPrice
	// keys are what the price of a message depends on: most lists name none.
	keys []historyKey
}

// newHistoryPrices refuses a request whose prices cannot be found, and says which field would name them.
func newHistoryPrices(request *historyRequest, account prices.Account, versions answer.PriceVersions) (*historyPrices,
	error) {
	h := &historyPrices{request: request, list: account.List, atMS: request.toMS - 1, currency: request.currency,
		rows: map[*money.Tariff]*channelPrice{}}
	var p answer.Params
	valid := func(channel string) (named, open []*money.Tariff) {
		for i := range account.Tariffs {
			t := &account.Tariffs[i]
			switch {
			case t.Channel != channel || h.atMS < t.FromMS || h.atMS >= t.ToMS:
			case t.Provider != money.Any || t.Operator != money.Any || t.App != money.Any:
				named = append(named, t)
			default:
				open = append(open, t)
			}
		}
		return named, open
	}
	missing := func(channel string, named []*money.Tariff) string {
		if len(named) > 0 {
			return fmt.Sprintf("every row of the account's tariffs for %s that is valid at the end of the period "+
				"names a provider, an operator or an app, and nobody knows which of them would carry the messages",
				channel)
		}
		return fmt.Sprintf("the account's tariffs (version %d) have no row for %s that is valid at the end of the "+
			"period", versions.Tariffs, channel)
	}
	var used []*money.Tariff
	if request.channelPrice == nil {
		named, open := valid(request.channel)
		if len(open) == 0 {
			p.Fail("channel_price", missing(request.channel,
				named)+": send channel_price and billing, or put such a row")
		}
		for _, t := range open {
			if !slices.Contains(money.ForecastBillings, t.Billing) && t.Billing != money.Zero {
				p.Fail("billing", fmt.Sprintf("%s is billed %s by the account's tariffs, which cannot be forecast: "+
					"send channel_price and billing; %s", request.channel, t.Billing,
					answer.Suggest("", billingNames())))
				break
			}
		}
		used = append(used, open...)
	}
	byStep := false
	if request.smsPrice != nil {
		cost, err := money.ParsePrice(request.smsPrice.FloatString(priceDecimals))
		if err != nil {
			return nil, fmt.Errorf("price of an SMS: %w", err)
		}
		amount := money.Micros(cost)
		h.sms = &amount
	} else {
		named, open := valid("sms")
		if len(open)+len(named) == 0 {
			p.Fail("sms_price", missing("sms", nil)+": send sms_price, or put such a row")
		}
		// The price of an SMS is that of its first attempted step where no row matches the message. A row that names
		// nothing always does.
		byStep = !slices.ContainsFunc(open, func(t *money.Tariff) bool {
			return t.Country == money.Any && t.Traffic == money.Any && t.Sender == money.Any
		})
		used = append(used, open...)
		if byStep {
			used = append(used, named...)
		}
	}
	h.chooseCurrency(&p, used)
	h.keys = keysOf(used, byStep)
	return h, p.Err()
}

func billingNames() []string {
	names := make([]string, len(money.ForecastBillings))
	for i, b := range money.ForecastBillings {
		names[i] = string(b)
	}
	return names
}

// chooseCurrency finds the one currency of the rows that may be used, unless the request names one of them.
func (p *historyPrices) chooseCurrency(params *answer.Params, used []*money.Tariff) {
	known := map[string][]string{} // by channel
	var all []string
	for _, t := range used {
		if !slices.Contains(known[t.Channel], t.Currency) {
			known[t.Channel] = append(known[t.Channel], t.Currency)
		}
		if !slices.Contains(all, t.Currency) {
			all = append(all, t.Currency)
		}
	}
	slices.Sort(all)
	if p.currency == "" {
		if len(all) > 1 {
			params.Fail("currency", fmt.Sprintf("the account's tariffs for %s and sms are in %s, and currencies are "+
				"never converted: name one, or send the prices", p.request.channel, strings.Join(all, " and ")))
		}
		if len(all) == 1 {
			p.currency = all[0]
		}
		return
	}
	for _, c := range []struct{ channel, field string }{{p.request.channel, "channel_price"}, {"sms", "sms_price"}} {
		if found := known[c.channel]; len(found) > 0 && !slices.Contains(found, p.currency) {
			params.Fail("currency", fmt.Sprintf("the account's tariffs for %s are in %s, and currencies are never "+
				"converted: send %s in %s", c.channel, strings.Join(found, " and "), c.field, p.currency))
		}
	}
}

// keysOf lists what the price of a message depends on: the keys that some row names, and all where the first SMS
// decides.
func keysOf(rows []*money.Tariff, byStep bool) (keys []historyKey) {
	for i, k := range messageKeys {
		if byStep || slices.ContainsFunc(rows,
			func(t *money.Tariff) bool { return [...]string{t.Country, t.Traffic, t.Sender}[i] != money.Any }) {
			keys = append(keys, k)
		}
	}
	if byStep {
		keys = append(keys, firstSMSKeys...)
	}
	return keys
}

// smsCost is what a message of the cell costs as SMS, each, by the rule of the savings report's baseline; known is
// false when no row matches, or one in another currency.
func (p *historyPrices) smsCost(c *historyCell, segments uint16) (cost money.Amount, known bool) {
	if p.sms != nil {
		return p.sms.Times(int64(segments)), true
	}
	first, rest := c.firstSMS, c.message
	first.Channel, rest.Channel = "sms", p.request.channel
	// Steps that were not sent need no price of their own, so what is left of the price of this message is its
	// baseline.
	priced := p.list.Price(&money.Signature{SMSSegments: segments, Steps: []money.Step{first, rest}}, "", p.atMS)
	return priced.SMSOnly, priced.OK && priced.Currency == p.currency
}

// channelCost returns the price of a message of the cell on the channel, nil when no row matches, or one in another
// currency. Which provider would carry it is not known, so rows that name one don't match.
func (p *historyPrices) channelCost(c *historyCell) *channelPrice {
	if p.request.channelPrice != nil {
		return p.request.channelPrice
	}
	step := c.message
	step.Channel = p.request.channel
	t := p.list.TariffAt(&step, p.atMS)
	if t == nil || t.Currency != p.currency {
		return nil
	}
	if p.rows[t] == nil {
		price := &channelPrice{billing: t.Billing, price: big.NewRat(t.Price, answer.Million), tariff: t}
		if t.Billing == money.AttemptPlusConnect {
			price.connect = big.NewRat(t.ConnectPrice, answer.Million)
		}
		p.rows[t] = price
	}
	return p.rows[t]
}
