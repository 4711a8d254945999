package forecast

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/go-faster/jx"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/rollup"
)

// values are the fields of rowColumns.
func (r *historyRow) values() []answer.Value {
	segments, price, below, worth := answer.Null, answer.Null, answer.Null, answer.Null
	if r.candidates > 0 {
		segments = roundedNumber(quotient(r.segments, r.candidates))
		price = roundedMoney(new(big.Rat).Quo(rational(r.smsCost), new(big.Rat).SetUint64(r.segments)))
	}
	if r.measured {
		below = answer.Bool(r.belowThreshold)
	}
	if r.known {
		worth = answer.Bool(r.worthIt)
	}
	return slices.Concat(
		[]answer.Value{answer.Text(r.template), answer.Count(r.messages), answer.Count(r.onChannel),
			answer.Count(r.withoutSMS), answer.Count(r.unknownSegments),
			answer.Count(r.unpriced), answer.Count(r.candidates)},
		[]answer.Value{answer.Count(r.tested), answer.Count(r.candidates), answer.Rate(r.tested, r.candidates)},
		measuredShare(r.measured, r.reached, r.candidates),
		[]answer.Value{answer.Count(r.segments), answer.Count(r.candidates), segments, answer.Amount(r.smsCost), price},
		r.month.values(r.known),
		[]answer.Value{below, worth})
}

// values are the fields of monthColumns. Without known there are the messages and what they cost as SMS.
func (m historyMonth) values(known bool) []answer.Value {
	row := make([]answer.Value, len(monthColumns))
	for i, figure := range m {
		switch {
		case i == monthMessages || (i == monthMovable && known):
			row[i] = roundedNumber(figure)
		case i == monthSMSOnly || known:
			row[i] = roundedMoney(figure)
		}
	}
	if known && m[monthSMSOnly].Sign() != 0 {
		row[len(row)-1] = roundedNumber(new(big.Rat).Quo(m[monthSaved], m[monthSMSOnly]))
	}
	return row
}

// measuredShare is num, den, their quotient and its Wilson interval; these are null where nothing was measured.
func measuredShare(measured bool, num, den uint64) []answer.Value {
	share, low, high := answer.Null, answer.Null, answer.Null
	if measured {
		share = answer.Rate(num, den)
		low, high = answer.Wilson(num, den)
	}
	return []answer.Value{answer.Count(num), answer.Count(den), share, low, high}
}

// send writes the figures: those of the period, the total of the templates that are worth moving, and a row for each
// template.
func (h *history) send(c *gin.Context, request *historyRequest, prices *historyPrices, seen *answer.Snapshot) error {
	t := answer.NewList(answer.FormatJSON, rowColumns)
	sum := newHistoryMonth()
	var worth, unknown uint64
	for i, r := range h.rows {
		switch {
		case !r.known && r.candidates+r.unknownSegments+r.unpriced > 0:
			unknown++
		case r.worthIt:
			worth++
			sum.add(r.month)
		}
		if i < request.limit {
			t.Add(r.values())
		}
	}
	shown, err := prices.members(h)
	if err != nil {
		return err
	}
	all := &h.total
	seen.Mature = seen.Settled(all.settledMS)
	first, last := answer.Null, answer.Null
	if all.messages > 0 {
		first, last = answer.Instant(all.firstMS), answer.Instant(all.lastMS)
	}
	envelope := rollup.Request{Name: "forecast-from-history", Zone: request.zone, FromMS: request.fromMS,
		ToMS: request.toMS}
	tested := all.testedPeople > 0
	return t.Send(c, slices.Concat(envelope.Envelope(seen),
		[]answer.Member{{Name: "tariff_version", Value: answer.Count(seen.Prices.Tariffs)},
			{Name: "template_version", Value: answer.Count(seen.Prices.Templates)},
			{Name: "account", Value: answer.Text(request.account)},
			{Name: "channel", Value: answer.Text(request.channel)},
			{Name: "threshold", Value: answer.JSON(string(exactNumber(request.threshold)))}},
		shown,
		[]answer.Member{{Name: "messages", Value: answer.Count(all.messages)}, {Name: "first_message", Value: first},
			{Name: "last_message", Value: last}},
		pairs([]string{"tested_num", "tested_den", "tested_share"},
			[]answer.Value{answer.Count(all.testedPeople), answer.Count(all.people),
				answer.Rate(all.testedPeople, all.people)}),
		pairs([]string{"penetration_num", "penetration_den", "penetration", "penetration_low", "penetration_high"},
			measuredShare(tested, all.reachedPeople, all.people)),
		pairs([]string{"message_penetration_num", "message_penetration_den", "message_penetration",
			"message_penetration_low", "message_penetration_high"},
			measuredShare(tested, all.reached, all.messages)),
		pairs([]string{"delivery_num", "delivery_den", "delivery_rate", "delivery_rate_low", "delivery_rate_high"},
			measuredShare(all.sent > 0, all.delivered, all.sent)),
		[]answer.Member{{Name: "templates", Value: answer.Count(uint64(len(h.rows)))},
			{Name: "templates_unknown", Value: answer.Count(unknown)},
			{Name: "total", Value: object(append([]answer.Member{{Name: "templates", Value: answer.Count(worth)}},
				pairs(columnNames(monthColumns), sum.values(true))...))}}), answer.Null)
}

// members show the prices that figures were made with: those that hold for all rows, null where there are several, and
// the tariffs that they come from.
func (p *historyPrices) members(h *history) ([]answer.Member, error) {
	used := []*channelPrice{p.request.channelPrice}
	if p.request.channelPrice == nil {
		used = h.channelPrices()
	}
	currency, price, billing, connect, sms := answer.Null, answer.Null, answer.Null, answer.Null, answer.Null
	if p.currency != "" {
		currency = answer.Text(p.currency)
	}
	if len(used) == 1 {
		price, billing = roundedMoney(used[0].price), answer.Text(string(used[0].billing))
		if used[0].connect != nil {
			connect = roundedMoney(used[0].connect)
		}
	}
	if p.request.smsPrice != nil {
		sms = roundedMoney(p.request.smsPrice)
	} else if h.unit != nil && !h.units {
		sms = roundedMoney(h.unit)
	}
	tariffs := []*money.Tariff{}
	for _, u := range used {
		if u.tariff != nil {
			tariffs = append(tariffs, u.tariff)
		}
	}
	rows, err := json.Marshal(tariffs)
	if err != nil {
		return nil, fmt.Errorf("show tariffs: %w", err)
	}
	return []answer.Member{{Name: "currency", Value: currency}, {Name: "channel_price", Value: price},
		{Name: "billing", Value: billing}, {Name: "connect_price", Value: connect},
		{Name: "sms_price", Value: sms},
		{Name: "channel_tariffs", Value: answer.JSON(string(rows))}}, nil
}

// channelPrices lists the tariffs that price candidates on the channel, in the order of their keys.
func (h *history) channelPrices() (used []*channelPrice) {
	seen := map[*channelPrice]bool{}
	for _, r := range h.rows {
		for price := range r.parts {
			if !seen[price] {
				seen[price], used = true, append(used, price)
			}
		}
	}
	slices.SortFunc(used, func(a, b *channelPrice) int {
		return cmp.Or(cmp.Compare(a.tariff.Country, b.tariff.Country), cmp.Compare(a.tariff.Traffic, b.tariff.Traffic),
			cmp.Compare(a.tariff.Sender, b.tariff.Sender))
	})
	return used
}

// roundedDecimals are those of figures that may have no end: a third of a message, and what it costs.
const roundedDecimals = 6

// roundedText rounds half away from zero to 6 decimals, and cuts zeros beyond the least decimals.
func roundedText(r *big.Rat, least int) string {
	whole, fraction, _ := strings.Cut(r.FloatString(roundedDecimals), ".")
	for len(fraction) > least && strings.HasSuffix(fraction, "0") {
		fraction = fraction[:len(fraction)-1]
	}
	if fraction != "" {
		whole += "." + fraction
	}
	if strings.Trim(whole, "-0.") == "" {
		return strings.TrimPrefix(whole, "-") // Less than nothing, but not by a millionth.
	}
	return whole
}

func roundedNumber(r *big.Rat) answer.Value { return answer.JSON(roundedText(r, 0)) }
func roundedMoney(r *big.Rat) answer.Value  { return answer.Money(roundedText(r, 2)) }

// pairs makes members of names and values.
func pairs(names []string, values []answer.Value) []answer.Member {
	members := make([]answer.Member, len(names))
	for i, name := range names {
		members[i] = answer.Member{Name: name, Value: values[i]}
	}
	return members
}

// object is a JSON object as the value of a field.
func object(members []answer.Member) answer.Value {
	var out jx.Encoder
	out.ObjStart()
	for _, m := range members {
		out.FieldStart(m.Name)
		m.Value.Encode(&out)
	}
	out.ObjEnd()
	return answer.JSON(out.String())
}
