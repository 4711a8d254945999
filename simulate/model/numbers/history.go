package numbers

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"kaskad/simulate/model"
	"kaskad/simulate/model/settings"
)

// HistoryQuery asks what moving an account's SMS to a channel would save, by what a period tells. Prices are decimals.
type HistoryQuery struct {
	ReachQuery
	Account, Channel string
	Templates        map[string][]settings.Template

	// ChannelPrice and Billing are of the channel: per_message_sent, per_message_delivered or attempt_plus_connect,
	// which ConnectPrice belongs to.
	ChannelPrice, Billing, ConnectPrice string
	// SMSPrice is of a segment; empty is what the tariffs of the last moment of the period say.
	SMSPrice string
	// Threshold is the least penetration that is worth it; empty is 0.40.
	Threshold string
}

// HistoryForecast is what a period tells of an account's people, and what follows for each template.
type HistoryForecast struct {
	Audience, Tested, Reached int64
	// Delivery is of attempts on the channel to people whom it reached.
	Delivery  model.Rate
	Templates []HistoryRow
}

// HistoryRow is a template with its candidates: messages that went by SMS and not by the channel. Sums of money are in
// units of the currency, a month has 30 days.
type HistoryRow struct {
	Template                              string
	Candidates, Tested, Reached, Segments int64
	SMSCost                               *big.Rat

	Messages, Movable, SMSOnlyCost, ChannelCost, MovedSMSCost, Saved, CascadeCost *big.Rat
	// Known tells that what moving saves is known: somebody was tried on the channel, and something sent.
	Known, BelowThreshold, WorthIt bool
}

// MarshalJSON writes tested_share, penetration and delivery_rate with numerators and denominators, and the rows.
func (f HistoryForecast) MarshalJSON() ([]byte, error) {
	var w model.RowWriter
	for _, x := range [...]struct {
		name, quotient string
		rate           model.Rate
	}{
		{"tested", "tested_share", model.Rate{Num: f.Tested, Den: f.Audience}},
		{"penetration", "penetration", model.Rate{Num: f.Reached, Den: f.Audience}},
		{"delivery", "delivery_rate", f.Delivery},
	} {
		w.Field(x.name+"_num", x.rate.Num)
		w.Field(x.name+"_den", x.rate.Den)
		w.Rate(x.quotient, x.rate)
	}
	w.Field("rows", f.Templates)
	return w.Finish()
}

// MarshalJSON writes the fields that docs/definitions.md names, with numerators and denominators; what is unknown is
// null.
func (r HistoryRow) MarshalJSON() ([]byte, error) {
	var w model.RowWriter
	rounded := func(name string, x *big.Rat, known, money bool) {
		if !known {
			w.Field(name, nil)
			return
		}
		text := strings.TrimRight(x.FloatString(6), "0")
		if money {
			for len(text)-strings.IndexByte(text, '.') < 3 {
				text += "0"
			}
			w.Field(name, text)
			return
		}
		w.Field(name, json.RawMessage(strings.TrimSuffix(text, ".")))
	}
	candidates := new(big.Rat).SetInt64(max(r.Candidates, 1))
	w.Field("template", r.Template)
	w.Field("candidates", r.Candidates)
	w.Field("penetration_num", r.Reached)
	w.Field("penetration_den", r.Candidates)
	if r.Tested > 0 {
		w.Rate("penetration", model.Rate{Num: r.Reached, Den: r.Candidates})
	} else {
		w.Field("penetration", nil)
	}
	rounded("sms_segments", new(big.Rat).Quo(new(big.Rat).SetInt64(r.Segments), candidates), r.Candidates > 0, false)
	rounded("sms_price", new(big.Rat).Quo(r.SMSCost, new(big.Rat).SetInt64(max(r.Segments, 1))), r.Candidates > 0, true)
	rounded("messages_per_month", r.Messages, true, false)
	rounded("movable_per_month", r.Movable, r.Known, false)
	rounded("sms_only_cost_per_month", r.SMSOnlyCost, true, true)
	rounded("channel_cost_per_month", r.ChannelCost, r.Known, true)
	rounded("moved_sms_cost_per_month", r.MovedSMSCost, r.Known, true)
	rounded("saved_per_month", r.Saved, r.Known, true)
	rounded("cascade_cost_per_month", r.CascadeCost, r.Known, true)
	rate := new(big.Rat)
	if r.SMSOnlyCost.Sign() != 0 {
		rate.Quo(r.Saved, r.SMSOnlyCost)
	}
	rounded("saved_rate", rate, r.Known && r.SMSOnlyCost.Sign() != 0, false)
	w.Field("below_threshold", known(r.BelowThreshold, r.Tested > 0))
	w.Field("worth_it", known(r.WorthIt, r.Known))
	return w.Finish()
}

func known(value, isKnown bool) *bool {
	if !isKnown {
		return nil
	}
	return &value
}

// Forecast measures a period and computes the forecast of each template, in the order of their names.
func Forecast(m *model.Model, q HistoryQuery) (HistoryForecast, error) {
	var f HistoryForecast
	from, to, err := m.Bounds(q.Query)
	if err != nil {
		return f, err
	}
	r, err := newReach(m, q.Numbers)
	if err != nil {
		return f, err
	}
	q.Filters = map[string][]string{"account": {q.Account}}
	steps, err := selected(m, q.Query, nil)
	if err != nil {
		return f, err
	}
	pointers := make([]*keyed, len(steps))
	audience := make(map[personKey]bool)
	for i := range steps {
		pointers[i] = &steps[i]
		audience[personOf(m, &steps[i].Folded)] = true
	}
	tested, reached := r.people(q.Channel, pointers)
	f.Audience, f.Tested, f.Reached = int64(len(audience)), int64(len(tested)), int64(len(reached))
	for i := range steps {
		x := &steps[i]
		onChannel := m.Channel(x.Attempt) == q.Channel && !r.blind(&x.Folded)
		if !onChannel || !x.Facts.Sent || !reached[personOf(m, &x.Folded)] {
			continue
		}
		f.Delivery.Den++
		if x.Facts.Delivered {
			f.Delivery.Num++
		}
	}
	templates := make(map[string]*HistoryRow)
	prices, err := m.Pricer(q.Numbers.Tariffs, q.Templates, nil)
	if err != nil {
		return f, err
	}
	for msg, p := range prices.Messages(q.Account, from, to) {
		if !p.Used("sms") || p.Used(q.Channel) || p.Segments == 0 {
			continue
		}
		cost, priced, err := q.smsCost(prices, p, to-1)
		if err != nil {
			return f, err
		}
		if !priced {
			continue
		}
		row := templates[p.Template]
		if row == nil {
			row = &HistoryRow{Template: p.Template, SMSCost: new(big.Rat)}
			templates[p.Template] = row
		}
		who := personKey{q.Account, msg.Person()}
		row.Candidates++
		row.Segments += int64(p.Segments)
		row.SMSCost.Add(row.SMSCost, cost)
		if tested[who] {
			row.Tested++
		}
		if reached[who] {
			row.Reached++
		}
	}
	for _, row := range templates {
		if err := row.forecast(q, f.Delivery, to-from); err != nil {
			return f, err
		}
		f.Templates = append(f.Templates, *row)
	}
	slices.SortFunc(f.Templates, func(x, y HistoryRow) int { return strings.Compare(x.Template, y.Template) })
	return f, nil
}

// smsCost is what a candidate costs as SMS: by the price asked for, or by the tariffs of the last moment of the period.
func (q HistoryQuery) smsCost(prices *model.Pricer, p *model.PricedMessage, last int64) (*big.Rat, bool, error) {
	segments := new(big.Rat).SetInt64(int64(p.Segments))
	if q.SMSPrice != "" {
		price, err := decimal("sms_price", q.SMSPrice)
		if err != nil {
			return nil, false, err
		}
		return price.Mul(price, segments), true, nil
	}
	cost, priced := prices.AsSMS(p, last)
	return cost, priced, nil
}

// forecast computes the formulas of docs/definitions.md section 4 with what was measured.
func (r *HistoryRow) forecast(q HistoryQuery, delivery model.Rate, periodMS int64) error {
	price, err := decimal("channel_price", q.ChannelPrice)
	if err != nil {
		return err
	}
	connect, err := decimal("connect_price", q.ConnectPrice)
	if err != nil {
		return err
	}
	threshold := big.NewRat(2, 5)
	if q.Threshold != "" {
		if threshold, err = decimal("threshold", q.Threshold); err != nil {
			return err
		}
	}
	times := func(x *big.Rat, more ...*big.Rat) *big.Rat {
		product := new(big.Rat).Set(x)
		for _, y := range more {
			product.Mul(product, y)
		}
		return product
	}
	quotient := func(num, den int64) *big.Rat { return big.NewRat(num, max(den, 1)) }
	month := int64(30 * 24 * time.Hour / time.Millisecond)
	segments := quotient(r.Segments, r.Candidates)
	smsPrice := times(r.SMSCost, quotient(1, r.Segments))
	penetration := quotient(r.Reached, r.Candidates)

	r.Messages = times(big.NewRat(r.Candidates, 1), big.NewRat(month, periodMS))
	tried := times(r.Messages, penetration)
	r.Movable = times(tried, quotient(delivery.Num, delivery.Den))
	switch q.Billing {
	case "per_message_delivered":
		r.ChannelCost = times(r.Movable, price)
	case "per_message_sent":
		r.ChannelCost = times(tried, price)
	case "attempt_plus_connect":
		r.ChannelCost = new(big.Rat).Add(times(tried, price), times(r.Movable, connect))
	default:
		return fmt.Errorf("billing: %q cannot be forecast", q.Billing)
	}
	r.MovedSMSCost = times(r.Movable, segments, smsPrice)
	r.Saved = new(big.Rat).Sub(r.MovedSMSCost, r.ChannelCost)
	r.SMSOnlyCost = times(r.Messages, segments, smsPrice)
	r.CascadeCost = new(big.Rat).Sub(r.SMSOnlyCost, r.Saved)
	r.Known = r.Tested > 0 && delivery.Den > 0
	r.BelowThreshold = penetration.Cmp(threshold) < 0
	r.WorthIt = r.Known && !r.BelowThreshold && r.Saved.Sign() > 0
	return nil
}

// decimal reads a price; empty is 0.
func decimal(field, text string) (*big.Rat, error) {
	if text == "" {
		return new(big.Rat), nil
	}
	x, valid := new(big.Rat).SetString(text)
	if !valid || x.Sign() < 0 {
		return nil, fmt.Errorf("%s: %q is no price", field, text)
	}
	return x, nil
}
