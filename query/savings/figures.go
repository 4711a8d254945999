package savings

import (
	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/rollup"
	"kaskad/schema"
)

// figures are the fields of a row of the savings report behind its keys, in their order (docs/definitions.md
// section 4).
var figures = []rollup.Figure{
	{Name: "currency", Kind: rollup.Text, Of: rollup.CurrencyFilter.Schema, Over: "all messages",
		Formula: "of the message's prices; of an unpriced message that of the tariff rows that were " +
			"found for its sent steps and baseline, those that cost nothing too; empty when there " +
			"was none, or two currencies"},
	{Name: "messages", Over: "all messages",
		Formula: "messages with an attempted step"},
	{Name: "reached", Over: "all messages",
		Formula: "messages with a delivered attempt"},
	{Name: "read", Over: "all messages",
		Formula: "messages with a read attempt"},
	{Name: "unpriced", Over: "all messages",
		Formula: "messages without a price"},
	{Name: "estimated", Over: "priced messages",
		Formula: "messages whose baseline segments are the template's"},
	{Name: "priced_messages", Over: "priced messages",
		Formula: "messages - unpriced"},
	{Name: "priced_reached", Over: "priced messages",
		Formula: "messages with a delivered attempt"},
	{Name: "priced_read", Over: "priced messages",
		Formula: "messages with a read attempt"},
	{Name: "sms_segments", Over: "priced messages",
		Formula: "sum of baseline segments; left out where sms_segments is a key"},
	{Name: "sms_only_cost", Kind: rollup.Amount, Over: "priced messages",
		Formula: "sum of baseline segments x SMS price (1 x for a tariff by the message, 0 for zero), " +
			"delivered or not",
		Null: "when the row has messages and none is priced"},
	{Name: "actual_cost", Kind: rollup.Amount, Over: "priced messages",
		Formula: "sum of the cost of all attempts",
		Null:    "when the row has messages and none is priced"},
	{Name: "saved", Kind: rollup.Amount, Over: "priced messages",
		Formula: "sms_only_cost - actual_cost",
		Null:    "when the row has messages and none is priced"},
	{Name: "saved_rate", Kind: rollup.Share, Over: "priced messages",
		Formula: "saved / sms_only_cost, rounded half away from zero to 6 decimals",
		Null:    "when sms_only_cost is 0 or null"},
	{Name: "saved_unreached", Kind: rollup.Amount, Over: "priced messages",
		Formula: "the part of saved that comes from messages which reached nobody: no saving to boast " +
			"of",
		Null: "when the row has messages and none is priced"},
	{Name: "saved_reached", Kind: rollup.Amount, Over: "priced messages",
		Formula: "saved - saved_unreached: the headline wherever one figure is shown",
		Null:    "when the row has messages and none is priced"},
	{Name: "double_paid", Kind: rollup.Amount, Over: "priced messages",
		Formula: "cost of all steps after the first delivered step, in the order of steps",
		Null:    "when the row has messages and none is priced"},
	{Name: "double_paid_unread", Kind: rollup.Amount, Over: "priced messages",
		Formula: "the part of double_paid on steps whose trigger is unread",
		Null:    "when the row has messages and none is priced"},
	{Name: "wasted_cost", Kind: rollup.Amount, Over: "priced messages",
		Formula: "cost of failed attempts",
		Null:    "when the row has messages and none is priced"},
	{Name: "cost_per_reached", Kind: rollup.Amount, Over: "priced messages",
		Formula: "actual_cost / priced_reached, rounded half away from zero to 6 decimals",
		Null:    "when priced_reached is 0"},
	{Name: "cost_per_read", Kind: rollup.Amount, Over: "priced messages",
		Formula: "cost of the attempts on routes that report reads / those of them that were read, " +
			"rounded half away from zero to 6 decimals",
		Null: "when none was read"},
	{Name: "reported_attempts", Over: "priced messages",
		Formula: "attempts with a reported price in the row's currency"},
	{Name: "reported_cost", Kind: rollup.Amount, Over: "priced messages",
		Formula: "sum of the prices that providers reported of attempted steps in the row's currency: " +
			"of an attempt the sum over its parts of the greatest",
		Null: "when the row has messages and none is priced"},
	{Name: "drift", Kind: rollup.Amount, Over: "priced messages",
		Formula: "reported_cost - computed cost of the same attempts",
		Null:    "when the row has messages and none is priced"},
	{Name: "minimum_top_up", Kind: rollup.Amount, Over: "priced messages",
		Formula: "sum of max(0, monthly_minimum - cost) over tariff rows, senders and months of the " +
			"account's billing zone with a sent attempt of a priced message: cost of such " +
			"attempts priced by that row, by the attempt's own sender and its cohort's month " +
			"there; 0.00 without a minimum in any list",
		Null: "unless from and to are month borders of the billing zone of every account in sight, " +
			"and there is no group key or filter but account, sender, month (with tz = that zone) " +
			"and currency; where a month is not over at as_of; where attempts of one message have " +
			"different senders and sender is a key or filter; when the row has messages and none " +
			"is priced"},
	{Name: "saved_after_minimum", Kind: rollup.Amount, Over: "priced messages",
		Formula: "saved - minimum_top_up",
		Null:    "when minimum_top_up is"},
	{Name: "by_channel", Kind: rollup.Listing, Of: answer.ListOf(byChannel), Over: "priced messages",
		Formula: "channel, attempts, units, cost per channel of the attempted steps; their costs add " +
			"up to actual_cost. In CSV three columns per channel: sms_attempts, sms_units, " +
			"sms_cost"},
	{Name: "unpriced_reasons", Kind: rollup.Listing, Of: answer.ListOf(unpricedReasons), Over: "all messages",
		Formula: "[{reason, channel, messages}], of each unpriced message the first that holds: " +
			"no_segments (baseline unknown), no_sms_tariff, no_tariff with the channel of its " +
			"first sent step that has none, no_step_segments with the channel of that step, " +
			"two_currencies; ordered by reason and channel. In CSV one text"},
	{Name: "mature", Kind: rollup.Flag, Over: "all messages",
		Formula: "every cohort of the row is older than the longest settling_days among the routes of " +
			"its steps"},
}

// byChannel is an element of by_channel, and unpricedReasons one of unpriced_reasons.
var (
	byChannel = answer.ObjectOf(answer.Column{Name: "channel", Of: answer.OneOf(schema.Channels.Names()...)},
		answer.Column{Name: "attempts", Type: answer.CountColumn},
		answer.Column{Name: "units", Type: answer.CountColumn},
		answer.Column{Name: "cost", Type: answer.MoneyColumn})
	unpricedReasons = answer.ObjectOf(UnpricedColumns()...)
)

// UnpricedColumns describe why messages have no price.
func UnpricedColumns() []answer.Column {
	return []answer.Column{{Name: "reason", Of: answer.OneOf(money.Reasons()...)}, {Name: "channel"},
		{Name: "messages", Type: answer.CountColumn}}
}
