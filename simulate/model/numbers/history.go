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

	// Currency is that of the prices; those of tariffs in another one are unknown. Empty is any.
	Currency string
	// ChannelPrice and Billing are of the channel: per_message_sent, per_message_delivered or attempt_plus_connect,
	// which ConnectPrice belongs to. Empty is what the tariffs of the last moment of the period say of each message.
	ChannelPrice, Billing, ConnectPrice string
	// SMSPrice is of a segment; empty is what the tariffs of the last moment of the period say.
	SMSPrice string
	// Threshold is the least penetration that is worth it; empty is 0.40.
	Threshold string
}

// HistoryForecast is what a period tells of an account's people, and what follows for each template, the templates that
// save most first.
type HistoryForecast struct {
	Audience, Tested, Reached, Messages, MessagesReached int64
	// Delivery is of attempts on the channel to people whom it reached.
	Delivery  model.Rate
	Templates []HistoryRow
	// Total is of the templates that are worth it, Worth how many these are. Of Unknown templates nothing can be said.
	Total          HistoryMonth
	Worth, Unknown int64
	Mature         bool
}

// HistoryRow is a template: its messages, and the candidates among them, which went by SMS and not by the channel.
type HistoryRow struct {
	Template                                              string
	All, OnChannel, WithoutSMS, UnknownSegments, Unpriced int64
	Candidates, Tested, Reached, Segments                 int64
	SMSCost                                               *big.Rat // In units of the currency.
	// Known tells that what moving saves is known: somebody was tried on the channel, and something sent.
	Known, BelowThreshold, WorthIt bool
	HistoryMonth

	candidates []candidate
}

// HistoryMonth is what candidates come to in 30 days. Sums of money are in units of the currency.
type HistoryMonth struct {
	Messages, Movable, SMSOnlyCost, ChannelCost, MovedSMSCost, Saved, CascadeCost *big.Rat
}

// candidate is a message that may move, with what it costs as SMS and on the channel.
type candidate struct {
	sms     *big.Rat
	channel model.ListPrice
}

func newHistoryMonth() HistoryMonth {
	var m HistoryMonth
	for _, sum := range m.sums() {
		*sum = new(big.Rat)
	}
	return m
}

func (m *HistoryMonth) sums() []**big.Rat {
	return []**big.Rat{&m.Messages, &m.Movable, &m.SMSOnlyCost, &m.ChannelCost, &m.MovedSMSCost, &m.Saved,
		&m.CascadeCost}
}

// write writes the fields of a month; what moving costs and saves is null unless it is known.
func (m *HistoryMonth) write(w *model.RowWriter, isKnown bool) {
	for i, name := range [...]string{"messages", "movable", "sms_only_cost", "channel_cost", "moved_sms_cost", "saved",
		"cascade_cost"} {
		writeRounded(w, name+"_per_month", **m.sums()[i], isKnown || i == 0 || i == 2, i > 1)
	}
	rate := new(big.Rat)
	if m.SMSOnlyCost.Sign() != 0 {
		rate.Quo(m.Saved, m.SMSOnlyCost)
	}
	writeRounded(w, "saved_rate", *rate, isKnown && m.SMSOnlyCost.Sign() != 0, false)
}

// writeRounded writes a number of at most 6 decimals, money with at least 2.
func writeRounded(w *model.RowWriter, name string, x big.Rat, isKnown, money bool) {
	if !isKnown {
		w.Field(name, nil)
		return
	}
	text := strings.TrimRight(x.FloatString(6), "0")
	if strings.Trim(text, "-0.") == "" {
		text = "0."
	}
	if money {
		for len(text)-strings.IndexByte(text, '.') < 3 {
			text += "0"
		}
		w.Field(name, text)
		return
	}
	w.Field(name, json.RawMessage(strings.TrimSuffix(text, ".")))
}

// MarshalJSON writes the figures of the answer and its rows.
func (f HistoryForecast) MarshalJSON() ([]byte, error) {
	var w, total model.RowWriter
	share := func(name, quotient string, num, den int64, bounds bool) {
		w.Field(name+"_num", num)
		w.Field(name+"_den", den)
		rate := model.Rate{Num: num, Den: den}
		if quotient != "tested_share" && quotient != "delivery_rate" && f.Tested == 0 {
			rate = model.Rate{} // Nobody was tried.
		}
		if bounds {
			w.Share(quotient, rate)
		} else {
			w.Rate(quotient, rate)
		}
	}
	w.Field("messages", f.Messages)
	share("tested", "tested_share", f.Tested, f.Audience, false)
	share("penetration", "penetration", f.Reached, f.Audience, true)
	share("message_penetration", "message_penetration", f.MessagesReached, f.Messages, true)
	share("delivery", "delivery_rate", f.Delivery.Num, f.Delivery.Den, true)
	w.Field("templates", len(f.Templates))
	w.Field("templates_unknown", f.Unknown)
	total.Field("templates", f.Worth)
	f.Total.write(&total, true)
	sums, err := total.Finish()
	if err != nil {
		return nil, err
	}
	w.Field("total", json.RawMessage(sums))
	w.Field("mature", f.Mature)
	w.Field("rows", f.Templates)
	return w.Finish()
}

// MarshalJSON writes the fields that docs/definitions.md names, with numerators and denominators; what is unknown is
// null.
func (r HistoryRow) MarshalJSON() ([]byte, error) {
	var w model.RowWriter
	w.Field("template", r.Template)
	for _, count := range [...]struct {
		name string
		n    int64
	}{{"messages", r.All}, {"on_channel", r.OnChannel}, {"without_sms", r.WithoutSMS},
		{"unknown_segments", r.UnknownSegments}, {"unpriced", r.Unpriced}, {"candidates", r.Candidates},
		{"tested_num", r.Tested}, {"tested_den", r.Candidates}, {"penetration_num", r.Reached},
		{"penetration_den", r.Candidates}, {"sms_segments_num", r.Segments}, {"sms_segments_den", r.Candidates}} {
		w.Field(count.name, count.n)
	}
	w.Rate("tested_share", model.Rate{Num: r.Tested, Den: r.Candidates})
	penetration := model.Rate{}
	if r.Tested > 0 {
		penetration = model.Rate{Num: r.Reached, Den: r.Candidates}
	}
	w.Share("penetration", penetration)
	writeRounded(&w, "sms_segments", *quotient(r.Segments, r.Candidates), r.Candidates > 0, false)
	writeRounded(&w, "sms_cost", *r.SMSCost, true, true)
	writeRounded(&w, "sms_price", *new(big.Rat).Mul(r.SMSCost, quotient(1, r.Segments)), r.Candidates > 0, true)
	r.write(&w, r.Known)
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

// quotient is num ÷ den, num where den is 0.
func quotient(num, den int64) *big.Rat { return big.NewRat(num, max(den, 1)) }

// Forecast measures a period and computes the forecast of each template.
func Forecast(m *model.Model, q HistoryQuery) (HistoryForecast, error) {
	f := HistoryForecast{Total: newHistoryMonth(), Mature: true}
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
		x := &steps[i]
		pointers[i] = x
		audience[personOf(m, &x.Folded)] = true
		f.Mature = f.Mature && x.Cohort+model.Settling(m.Channel(x.Attempt)) < asOf(m, q.Numbers)
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
		if !p.Attempted() {
			continue
		}
		row := templates[p.Template]
		if row == nil {
			row = &HistoryRow{Template: p.Template, SMSCost: new(big.Rat), HistoryMonth: newHistoryMonth()}
			templates[p.Template] = row
		}
		who := personKey{q.Account, msg.Person()}
		f.Messages++
		if reached[who] {
			f.MessagesReached++
		}
		isCandidate, err := row.add(q, prices, p, to-1)
		if err != nil {
			return f, err
		}
		if isCandidate && tested[who] {
			row.Tested++
		}
		if isCandidate && reached[who] {
			row.Reached++
		}
	}
	for _, row := range templates {
		if err := row.forecast(q, f.Delivery, to-from); err != nil {
			return f, err
		}
		if row.WorthIt {
			f.Worth++
			for i, sum := range f.Total.sums() {
				(*sum).Add(*sum, *row.sums()[i])
			}
		}
		if !row.Known && row.Candidates+row.UnknownSegments+row.Unpriced > 0 {
			f.Unknown++
		}
		f.Templates = append(f.Templates, *row)
	}
	slices.SortFunc(f.Templates, func(x, y HistoryRow) int {
		if x.Known != y.Known {
			if x.Known {
				return -1
			}
			return 1
		}
		if x.Known && x.Saved.Cmp(y.Saved) != 0 {
			return y.Saved.Cmp(x.Saved)
		}
		return strings.Compare(x.Template, y.Template)
	})
	return f, nil
}

// add counts a message, and reports whether it is a candidate. It is priced by what the query says, or else by the
// tariffs of the last moment of the period; a price in another currency is none.
func (r *HistoryRow) add(q HistoryQuery, prices *model.Pricer, p *model.PricedMessage, last int64) (bool, error) {
	r.All++
	switch {
	case p.Used(q.Channel):
		r.OnChannel++
		return false, nil
	case !p.Used("sms"):
		r.WithoutSMS++
		return false, nil
	case p.Segments == 0:
		r.UnknownSegments++
		return false, nil
	}
	inCurrency := func(currency string) bool { return q.Currency == "" || q.Currency == currency }
	cost, currency, priced := prices.AsSMS(p, last)
	priced = priced && inCurrency(currency)
	if q.SMSPrice != "" {
		price, err := decimal("sms_price", q.SMSPrice)
		if err != nil {
			return false, err
		}
		cost, priced = price.Mul(price, big.NewRat(int64(p.Segments), 1)), true
	}
	channel, listed := prices.OnChannel(p, q.Channel, last)
	listed = listed && inCurrency(channel.Currency)
	if q.ChannelPrice != "" {
		price, err := decimal("channel_price", q.ChannelPrice)
		if err != nil {
			return false, err
		}
		connect, err := decimal("connect_price", q.ConnectPrice)
		if err != nil {
			return false, err
		}
		channel, listed = model.ListPrice{Billing: q.Billing, Price: price, Connect: connect}, true
	}
	if !priced || !listed {
		r.Unpriced++
		return false, nil
	}
	r.Candidates++
	r.Segments += int64(p.Segments)
	r.SMSCost.Add(r.SMSCost, cost)
	r.candidates = append(r.candidates, candidate{cost, channel})
	return true, nil
}

// forecast computes the formulas of docs/definitions.md section 4 with what was measured, message by message: each
// moves with the chance that its template's people are reached, and that the channel delivers.
func (r *HistoryRow) forecast(q HistoryQuery, delivery model.Rate, periodMS int64) error {
	threshold := big.NewRat(2, 5)
	if q.Threshold != "" {
		var err error
		if threshold, err = decimal("threshold", q.Threshold); err != nil {
			return err
		}
	}
	times := func(x, y *big.Rat) *big.Rat { return new(big.Rat).Mul(x, y) }
	scale := big.NewRat(int64(30*24*time.Hour/time.Millisecond), periodMS)
	tried := quotient(r.Reached, r.Candidates)
	moves := times(tried, quotient(delivery.Num, delivery.Den))
	for _, c := range r.candidates {
		cost := new(big.Rat)
		switch c.channel.Billing {
		case "per_message_delivered":
			cost = times(moves, c.channel.Price)
		case "per_message_sent":
			cost = times(tried, c.channel.Price)
		case "attempt_plus_connect":
			cost.Add(times(tried, c.channel.Price), times(moves, c.channel.Connect))
		case "zero":
		default:
			return fmt.Errorf("billing: %q cannot be forecast", c.channel.Billing)
		}
		moved := times(moves, c.sms)
		saved := new(big.Rat).Sub(moved, cost)
		for i, x := range []*big.Rat{big.NewRat(1, 1), moves, c.sms, cost, moved, saved,
			new(big.Rat).Sub(c.sms, saved)} {
			sum := *r.sums()[i]
			sum.Add(sum, times(x, scale))
		}
	}
	r.Known = r.Tested > 0 && delivery.Den > 0
	r.BelowThreshold = tried.Cmp(threshold) < 0
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
