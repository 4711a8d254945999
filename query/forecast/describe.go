package forecast

import (
	"slices"

	"kaskad/money"
	"kaskad/query/answer"
)

// share is a share in a body, and price a price there.
func share(name, text string) answer.Param {
	return answer.Param{Name: name, Text: text + " 0…1, as a text or a JSON number.", Schema: answer.Exact()}
}

func price(name, text string) answer.Param {
	return answer.Param{Name: name, Text: text + " A decimal with at most 6 places, as a text or a JSON number.",
		Schema: answer.Exact()}
}

func required(p answer.Param) answer.Param {
	p.Required = true
	return p
}

func billingField() answer.Param {
	return answer.Param{Name: "billing", Text: "How the channel charges.",
		Schema: answer.OneOf(money.ForecastBillings...)}
}

func connectField() answer.Param {
	return price("connect_price", "What attempt_plus_connect adds for each message that is delivered; with that "+
		"billing alone.")
}

func thresholdField() answer.Param {
	return share("threshold", "The penetration from which moving is worth the effort, "+money.DefaultThreshold+
		" where it is left out.")
}

func currencyField() answer.Param {
	return answer.Param{Name: "currency", Text: "A code of ISO 4217, repeated in the answer.",
		Schema: answer.Matching("^[A-Z]{3}$"), Example: "RUB"}
}

// savingsFields are the inputs of POST /v1/forecasts/savings.
func savingsFields() []answer.Param {
	return []answer.Param{
		{Name: "messages", Required: true, Text: "How many messages.", Schema: answer.Exact()},
		required(share("penetration", "The share of the people whom the channel can reach.")),
		required(share("delivery_rate", "The share of the channel's messages that are delivered.")),
		{Name: "sms_segments", Required: true, Text: "The segments of a message as SMS, 1…255; an average may have " +
			"decimals.", Schema: answer.Exact()},
		required(price("sms_price", "Of a segment.")),
		required(price("channel_price", "Of a message on the channel.")),
		connectField(), required(billingField()), thresholdField(), currencyField()}
}

// Inputs are the names of what a forecast is made from.
func Inputs() (names []string) {
	for _, f := range savingsFields() {
		names = append(names, f.Name)
	}
	return names
}

func currencyColumn() answer.Column {
	return answer.Column{Name: "currency", Null: "when the request named none"}
}

// inputColumns are the inputs as the answer repeats them.
func inputColumns() []answer.Column {
	return []answer.Column{{Name: "messages", Type: answer.DecimalColumn},
		{Name: "penetration", Type: answer.DecimalColumn}, {Name: "delivery_rate", Type: answer.DecimalColumn},
		{Name: "sms_segments", Type: answer.DecimalColumn}, {Name: "sms_price", Type: answer.MoneyColumn},
		{Name: "channel_price", Type: answer.MoneyColumn},
		{Name: "connect_price", Type: answer.MoneyColumn, Null: "but with attempt_plus_connect"},
		{Name: "billing", Of: answer.OneOf(money.ForecastBillings...)},
		{Name: "threshold", Type: answer.DecimalColumn}, currencyColumn()}
}

// SavingsColumns are the figures of POST /v1/forecasts/savings, and BreakEvenColumns those of GET
// /v1/forecasts/break-even.
var (
	SavingsColumns = []answer.Column{
		{Name: "movable", Type: answer.DecimalColumn, Text: "messages x penetration x delivery_rate"},
		{Name: "channel_cost", Type: answer.MoneyColumn, Text: "per_message_delivered: movable x channel_price; " +
			"per_message_sent: messages x penetration x channel_price; attempt_plus_connect: messages x penetration " +
			"x channel_price + movable x connect_price"},
		{Name: "moved_sms_cost", Type: answer.MoneyColumn, Text: "movable x sms_segments x sms_price"},
		{Name: "saved", Type: answer.MoneyColumn, Text: "moved_sms_cost - channel_cost"},
		{Name: "sms_only_cost", Type: answer.MoneyColumn, Text: "messages x sms_segments x sms_price"},
		{Name: "cascade_cost", Type: answer.MoneyColumn, Text: "sms_only_cost - saved"},
		{Name: "saved_rate", Type: answer.DecimalColumn,
			Text: "saved / sms_only_cost, rounded half away from zero to 6 decimals", Null: "when sms_only_cost is 0"},
		{Name: "worth_it", Type: answer.BoolColumn, Text: "penetration >= threshold (0.40 by default) and saved > 0"},
	}
	BreakEvenColumns = []answer.Column{
		{Name: "segments", Type: answer.CountColumn, Text: "the smallest number of SMS segments that costs more than " +
			"channel_price", Null: "when sms_price is 0"},
		{Name: "ratio", Type: answer.DecimalColumn,
			Text: "channel_price / sms_price, rounded half away from zero to 6 decimals", Null: "when sms_price is 0"},
	}
)

func breakEvenParams() []answer.Param {
	priced := func(name, text, example string) answer.Param {
		return answer.Param{Name: name, Required: true, Text: text, Schema: answer.Matching(`^[0-9]+(\.[0-9]{1,6})?$`),
			Example: example}
	}
	return []answer.Param{priced("channel_price", "The price of a message on the channel.", "4.50"),
		priced("sms_price", "The price of an SMS segment.", "2.00"), currencyField()}
}

func historyParams() []answer.Param {
	return slices.Concat([]answer.Param{answer.AccountParam("Whose templates.")},
		answer.PeriodParams("Without both the last 30 days; the period must be over."),
		[]answer.Param{answer.LimitParam(false)})
}

// historyFields are the fields of the body of POST /v1/forecasts/from-history.
func historyFields() []answer.Param {
	return []answer.Param{{Name: "channel", Required: true, Text: "The channel that SMS would move to.",
		Schema: answer.OneOf(otherChannels()...)},
		price("channel_price", "Of a message on the channel; left out, with billing, the account's tariffs tell."),
		billingField(), connectField(), price("sms_price", "Of a segment; left out, the account's tariffs tell."),
		currencyField(), thresholdField()}
}

// rowColumns are the fields of a row of POST /v1/forecasts/from-history.
var rowColumns = slices.Concat([]answer.Column{{Name: "template"}, {Name: "messages", Type: answer.CountColumn},
	{Name: "on_channel", Type: answer.CountColumn}, {Name: "without_sms", Type: answer.CountColumn},
	{Name: "unknown_segments", Type: answer.CountColumn}, {Name: "unpriced", Type: answer.CountColumn},
	{Name: "candidates", Type: answer.CountColumn}},
	measured("tested", "tested_share", "candidates to people who were tried on the channel / candidates",
		"when there are no candidates", false),
	measured("penetration", "penetration", "candidates to reached people / candidates; reached as in the penetration "+
		"report", "when no candidate's person was tried on the channel", true),
	measured("sms_segments", "sms_segments", "sum of the candidates' baseline segments / candidates",
		"when there are no candidates", false),
	[]answer.Column{{Name: "sms_cost", Type: answer.MoneyColumn},
		{Name: "sms_price", Type: answer.MoneyColumn, Text: "what the candidates cost as SMS / their segments",
			Null: "when there are no candidates"}}, monthColumns,
	[]answer.Column{{Name: "below_threshold", Type: answer.BoolColumn, Null: oneUnknown},
		{Name: "worth_it", Type: answer.BoolColumn, Text: "penetration >= threshold and saved_per_month > 0",
			Null: oneUnknown}})

const oneUnknown = "when one of them is unknown"

// monthColumns are the figures of a month, of a row and of the total.
var monthColumns = []answer.Column{
	{Name: "messages_per_month", Type: answer.DecimalColumn, Text: "candidates x 30 days / length of the period"},
	{Name: "movable_per_month", Type: answer.DecimalColumn, Text: "messages_per_month x penetration x delivery_rate",
		Null: oneUnknown},
	{Name: "sms_only_cost_per_month", Type: answer.MoneyColumn},
	{Name: "channel_cost_per_month", Type: answer.MoneyColumn, Null: oneUnknown},
	{Name: "moved_sms_cost_per_month", Type: answer.MoneyColumn, Null: oneUnknown},
	{Name: "saved_per_month", Type: answer.MoneyColumn, Text: "moved_sms_cost_per_month - channel_cost_per_month, as " +
		"in forecast", Null: oneUnknown},
	{Name: "cascade_cost_per_month", Type: answer.MoneyColumn, Null: oneUnknown},
	{Name: "saved_rate", Type: answer.DecimalColumn, Null: oneUnknown},
}

// measured are a quotient with its numerator and denominator, and its interval where it has one.
func measured(stem, name, text, null string, interval bool) []answer.Column {
	columns := []answer.Column{{Name: stem + "_num", Type: answer.CountColumn},
		{Name: stem + "_den", Type: answer.CountColumn},
		{Name: name, Type: answer.DecimalColumn, Text: text, Null: null}}
	if interval {
		for _, bound := range []string{"_low", "_high"} {
			columns = append(columns, answer.Column{Name: name + bound, Type: answer.DecimalColumn, Null: null})
		}
	}
	return columns
}

// deliveryColumns are how messages on the channel are delivered.
var deliveryColumns = measured("delivery", "delivery_rate", "delivered / sent attempts of the period on the channel "+
	"to people whom it reached: being reached is not discounted twice", "when there are none", true)

// HistoryColumns are the columns that POST /v1/forecasts/from-history defines.
func HistoryColumns() []answer.Column { return slices.Concat(rowColumns, deliveryColumns) }

func columnNames(columns []answer.Column) (names []string) {
	for _, c := range columns {
		names = append(names, c.Name)
	}
	return names
}

// historyAround are the members around the rows.
func historyAround() []answer.Column {
	const several = "when rows have several, or none"
	return slices.Concat(answer.Period("forecast-from-history"), answer.Fresh(), []answer.Column{answer.MatureColumn(),
		answer.TariffVersion(), answer.TemplateVersion(), {Name: "account"},
		{Name: "channel", Of: answer.OneOf(otherChannels()...)}, {Name: "threshold", Type: answer.DecimalColumn},
		{Name: "currency", Null: "when no price has one"},
		{Name: "channel_price", Type: answer.MoneyColumn, Null: several},
		{Name: "billing", Of: answer.OneOf(append([]money.Billing{money.Zero}, money.ForecastBillings...)...),
			Null: several},
		{Name: "connect_price", Type: answer.MoneyColumn, Null: several},
		{Name: "sms_price", Type: answer.MoneyColumn, Null: several},
		{Name: "channel_tariffs", Of: answer.ListOf(answer.Typed[money.Tariff]()),
			Text: "The rows that price the channel"},
		{Name: "messages", Type: answer.CountColumn},
		{Name: "first_message", Type: answer.TimeColumn, Null: "without messages"},
		{Name: "last_message", Type: answer.TimeColumn, Null: "without messages"}},
		measured("tested", "tested_share", "people who were tried on the channel / people", "without people", false),
		measured("penetration", "penetration", "reached people / people", "when nobody was tried", true),
		measured("message_penetration", "message_penetration", "messages to reached people / messages",
			"when nobody was tried", true), deliveryColumns,
		[]answer.Column{{Name: "templates", Type: answer.CountColumn},
			{Name: "templates_unknown", Type: answer.CountColumn},
			{Name: "total", Text: "Of the templates that are worth moving", Of: answer.ObjectOf(append([]answer.Column{
				{Name: "templates", Type: answer.CountColumn}}, monthColumns...)...)}})
}
