package forecast

import (
	"cmp"
	"context"
	"fmt"
	"math/big"
	"net/http"
	"slices"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/store"
)

// The kinds of messages that history.sql tells apart.
const (
	kindOnChannel = iota
	kindWithoutSMS
	kindMovable
)

// historyCell is a row as history.sql returns it: messages that nothing tells apart.
type historyCell struct {
	template          string
	kind              uint8
	segments          uint16 // by the messages' own events, 0 when unknown
	since             uint32
	message, firstSMS money.Step // keys alone

	messages, tested, reached uint64
	// attempts where the channel reports delivery, to people whom it reached
	sent, delivered            uint64
	firstMS, lastMS, settledMS int64
	// people of all attempted steps, and of those where the channel reports delivery.
	people, testedPeople, reachedPeople uint64
}

// destinations are the places that a row is scanned to.
func (c *historyCell) destinations(keys []historyKey) []any {
	to := []any{&c.template, &c.kind, &c.segments, &c.since}
	for _, k := range keys {
		to = append(to, k.of(c))
	}
	return append(to, &c.messages, &c.tested, &c.reached, &c.sent, &c.delivered, &c.firstMS, &c.lastMS, &c.settledMS,
		&c.people, &c.testedPeople, &c.reachedPeople)
}

// history is what a period tells.
type history struct {
	total historyCell
	rows  []*historyRow
	// unit is the price of a segment; units tells that there are several.
	unit  *big.Rat
	units bool
}

// historyRow is a template. Its candidates are the messages that could move: with an attempted SMS and no attempt on
// the channel, and with known segments and prices.
type historyRow struct {
	template                        string
	messages, onChannel, withoutSMS uint64
	unknownSegments, unpriced       uint64
	// Of the candidates: those to people who were tested, reached on the channel; the sum of their segments, and of
	// what they cost as SMS.
	candidates, tested, reached, segments uint64
	smsCost                               money.Amount
	parts                                 map[*channelPrice]*historyPart

	month historyMonth
	// measured tells that some candidate's person was tried on the channel; only then is a penetration known.
	measured bool
	// known tells that what moving saves is known.
	known                   bool
	belowThreshold, worthIt bool
}

// historyPart are the candidates of a row that have one price on the channel.
type historyPart struct {
	messages, segments uint64
	smsCost            money.Amount
}

// readHistory counts by template. Its memory grows with the number of templates.
func (f *Forecasts) readHistory(ctx context.Context, q *historyQuery, prices *historyPrices) (h *history, err error) {
	statement, args, err := q.SQL()
	if err != nil {
		return nil, err
	}
	reading, err := f.db.WithLossCodes(f.db.Settings(ctx))
	if err != nil {
		return nil, err
	}
	rows, err := f.db.Conn.Query(reading, statement, args...)
	if err != nil {
		return nil, err
	}
	defer store.CloseRows(rows, &err)
	h = &history{}
	byTemplate := map[string]*historyRow{}
	for rows.Next() {
		var c historyCell
		if err := rows.Scan(c.destinations(q.keys)...); err != nil {
			return nil, err
		}
		r := byTemplate[c.template]
		if r == nil {
			if len(byTemplate) == money.MaxTemplates {
				return nil, answer.NewProblem(http.StatusUnprocessableEntity, "too-many-templates",
					fmt.Sprintf("the messages of the period have more than %d templates: "+
						"a template is the name of a text, the same for all messages made from it; shorten from…to, "+
						"or mend the events", money.MaxTemplates))
			}
			r = &historyRow{template: c.template, parts: map[*channelPrice]*historyPart{}, month: newHistoryMonth()}
			byTemplate[c.template] = r
		}
		h.add(r, &c, prices)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if len(byTemplate) > 0 {
		if err := rows.Totals(h.total.destinations(q.keys)...); err != nil {
			return nil, fmt.Errorf("read totals: %w", err)
		}
	}
	for _, r := range byTemplate {
		if err := r.forecast(q.request, &h.total); err != nil {
			return nil, err
		}
		h.rows = append(h.rows, r)
	}
	slices.SortFunc(h.rows, (*historyRow).compare)
	return h, nil
}

// compare orders rows by what they save, the most first, then by template. What is not known comes last.
func (r *historyRow) compare(other *historyRow) int {
	saved := int(answer.Bit(other.known)) - int(answer.Bit(r.known))
	if r.known && other.known {
		saved = other.month[monthSaved].Cmp(r.month[monthSaved])
	}
	return cmp.Or(saved, cmp.Compare(r.template, other.template))
}

// add counts a cell in its row.
func (h *history) add(r *historyRow, c *historyCell, prices *historyPrices) {
	r.messages += c.messages
	switch c.kind {
	case kindOnChannel:
		r.onChannel += c.messages
		return
	case kindWithoutSMS:
		r.withoutSMS += c.messages
		return
	}
	segments := c.segments
	if segments == 0 {
		segments = prices.list.TemplateSegments(c.template, max(int64(c.since)*1000, prices.request.fromMS))
	}
	if segments == 0 {
		r.unknownSegments += c.messages
		return
	}
	cost, known := prices.smsCost(c, segments)
	channel := prices.channelCost(c)
	if !known || channel == nil {
		r.unpriced += c.messages
		return
	}
	unit := new(big.Rat).Quo(rational(cost), new(big.Rat).SetInt64(int64(segments)))
	h.units = h.units || (h.unit != nil && h.unit.Cmp(unit) != 0)
	h.unit = unit
	part := r.parts[channel]
	if part == nil {
		part = &historyPart{}
		r.parts[channel] = part
	}
	cost = cost.Times(int64(c.messages))
	part.messages += c.messages
	part.segments += c.messages * uint64(segments)
	part.smsCost = part.smsCost.Add(cost)
	r.candidates += c.messages
	r.tested += c.tested
	r.reached += c.reached
	r.segments += c.messages * uint64(segments)
	r.smsCost = r.smsCost.Add(cost)
}

// The figures of a month.
const (
	monthMessages = iota
	monthMovable
	monthSMSOnly
	monthChannel
	monthMovedSMS
	monthSaved
	monthCascade
	monthFigures
)

// historyMonth are the exact figures of a month of 30 days.
type historyMonth [monthFigures]*big.Rat

func newHistoryMonth() (m historyMonth) {
	for i := range m {
		m[i] = new(big.Rat)
	}
	return m
}

func (m historyMonth) add(other historyMonth) {
	for i, sum := range m {
		sum.Add(sum, other[i])
	}
}

// forecast computes what moving the candidates would save in a month of 30 days. Where nobody among their people was
// tried on the channel, or deliveries there are not known, only what they cost as SMS is.
func (r *historyRow) forecast(request *historyRequest, total *historyCell) error {
	r.measured = r.tested > 0
	f := money.Forecast{Penetration: new(big.Rat), DeliveryRate: new(big.Rat), Threshold: request.threshold}
	if r.measured {
		f.Penetration = quotient(r.reached, r.candidates)
		r.belowThreshold = f.Penetration.Cmp(request.threshold) < 0
	}
	if total.sent > 0 {
		f.DeliveryRate = quotient(total.delivered, total.sent)
	}
	perMonth := big.NewRat(monthMS, request.toMS-request.fromMS)
	for price, part := range r.parts {
		f.Messages = new(big.Rat).Mul(new(big.Rat).SetUint64(part.messages), perMonth)
		f.SMSSegments = quotient(part.segments, part.messages)
		f.SMSPrice = new(big.Rat).Quo(rational(part.smsCost), new(big.Rat).SetUint64(part.segments))
		f.ChannelPrice, f.ConnectPrice, f.Billing = price.price, price.connect, price.billing
		if price.billing == money.Zero {
			f.Billing = money.PerMessageDelivered // for nothing
		}
		result, err := f.Forecast()
		if err != nil {
			return err
		}
		r.month.add(historyMonth{f.Messages, result.Movable, result.SMSOnlyCost, result.ChannelCost,
			result.MovedSMSCost, result.Saved, result.CascadeCost})
	}
	r.known = r.measured && total.sent > 0
	r.worthIt = r.known && !r.belowThreshold && r.month[monthSaved].Sign() > 0
	return nil
}

func quotient(num, den uint64) *big.Rat {
	return new(big.Rat).SetFrac(new(big.Int).SetUint64(num), new(big.Int).SetUint64(den))
}

// rational is an amount in units of its currency.
func rational(a money.Amount) *big.Rat {
	r, _ := new(big.Rat).SetString(a.String()) // A plain decimal always reads.
	return r
}
