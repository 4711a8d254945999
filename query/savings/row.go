package savings

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-faster/jx"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/rollup"
)

// Columns lists the fields of a row behind its keys. by_channel and unpriced_reasons are arrays in JSON; a CSV
// has the reasons as one text and three columns of numbers for every channel that occurs anywhere in the answer. With
// sms_segments among the keys the sum of that name is left out: it is the key × priced_messages.
func Columns(keys rollup.Keys, f answer.Format, channels []string) (columns []answer.Column) {
	for _, c := range form.Fields() {
		switch {
		case c.Name == "sms_segments" && segmentsAreKey(keys):
		case c.Name == "by_channel" && f.Flat():
			for _, channel := range channels {
				columns = append(columns, answer.Column{Name: channel + "_attempts", Type: answer.CountColumn},
					answer.Column{Name: channel + "_units", Type: answer.CountColumn},
					answer.Column{Name: channel + "_cost", Type: answer.MoneyColumn})
			}
		default:
			columns = append(columns, c)
		}
	}
	return columns
}

func segmentsAreKey(keys rollup.Keys) bool {
	_, found := keys.Find("sms_segments")
	return found
}

// display says how rows are shown.
type display struct {
	keys     rollup.Keys
	format   answer.Format
	channels []string
	minimum  minimumScope
	// asOfMS is when the answer ends: a month that is not over then has no top-up yet.
	asOfMS int64
	seen   *answer.Snapshot
}

// row computes the fields of a row from its quantities.
func (t *display) row(r *quantities, row []answer.Value) []answer.Value {
	for i, k := range t.keys {
		row = append(row, r.keys[i].Value(k))
	}
	row = append(row, answer.Text(r.currency), answer.Count(r.messages), answer.Count(r.reached), answer.Count(r.read),
		answer.Count(r.unpriced),
		answer.Count(r.estimated),
		answer.Count(r.priced), answer.Count(r.pricedReached), answer.Count(r.pricedRead))
	if !segmentsAreKey(t.keys) {
		row = append(row, answer.Count(r.segments))
	}
	// Where messages are there but none is priced, nothing is known of their money.
	known := func(a money.Amount) answer.Value {
		if r.priced == 0 {
			return answer.Null
		}
		return answer.Amount(a)
	}
	row = append(row, known(r.smsOnly), known(r.actual), known(r.saved()), savedRate(r),
		known(r.savedUnreached), known(r.savedReached()),
		known(r.doublePaid), known(r.doublePaidUnread), known(r.wasted), answer.PerUnit(r.actual, r.pricedReached),
		answer.PerUnit(r.readable, r.readAttempts),
		answer.Count(r.reportedAttempts), known(r.reported), known(r.drift()))
	if topUp, shown := t.topUp(r); shown {
		row = append(row, answer.Amount(topUp), answer.Amount(r.saved().Sub(topUp)))
	} else {
		row = append(row, answer.Null, answer.Null)
	}
	if t.format.Flat() {
		row = t.channelCells(r.channels, row)
	} else {
		row = append(row, channelArray(r.channels))
	}
	return append(row, t.reasons(r), answer.Bool(t.seen.Settled(r.settledMS)))
}

// topUp is what monthly minimums add to the row's cost, false where that cannot be known (docs/definitions.md section
// 4, Tariffs).
func (t *display) topUp(r *quantities) (money.Amount, bool) {
	switch {
	case r.priced == 0:
		return money.Amount{}, false
	case t.minimum.none:
		return money.Amount{}, true
	case !t.minimum.shown || t.minimum.bySender && r.mixedSenders > 0:
		return money.Amount{}, false
	}
	return r.topUp(t.asOfMS)
}

// reasons lists why messages are unpriced, by reason and channel: as an array, in a CSV as a text such as "no_tariff
// viber 3; no_segments 1".
func (t *display) reasons(r *quantities) answer.Value {
	keys := slices.SortedFunc(maps.Keys(r.reasons), func(a, b unpricedReason) int {
		return cmp.Or(strings.Compare(a.reason, b.reason), strings.Compare(a.channel, b.channel))
	})
	if t.format.Flat() {
		var texts []string
		for _, k := range keys {
			texts = append(texts, strings.Join(slices.DeleteFunc([]string{k.reason, k.channel,
				strconv.FormatUint(r.reasons[k], 10)},
				func(s string) bool { return s == "" }), " "))
		}
		return answer.Text(strings.Join(texts, "; "))
	}
	var e jx.Encoder
	e.ArrStart()
	for _, k := range keys {
		e.ObjStart()
		e.FieldStart("reason")
		e.Str(k.reason)
		e.FieldStart("channel")
		e.Str(k.channel)
		e.FieldStart("messages")
		e.UInt64(r.reasons[k])
		e.ObjEnd()
	}
	e.ArrEnd()
	return answer.JSON(e.String())
}

// channelCells appends three numbers for each channel of the answer; lines have the same order, and may lack some.
func (t *display) channelCells(lines []channelCost, row []answer.Value) []answer.Value {
	for _, name := range t.channels {
		var line channelCost
		if len(lines) > 0 && lines[0].channel == name {
			line, lines = lines[0], lines[1:]
		}
		row = append(row, answer.Count(line.attempts), answer.Count(line.units), answer.Amount(line.cost))
	}
	return row
}

func channelArray(lines []channelCost) answer.Value {
	var e jx.Encoder
	e.ArrStart()
	for _, line := range lines {
		e.ObjStart()
		e.FieldStart("channel")
		e.Str(line.channel)
		e.FieldStart("attempts")
		e.UInt64(line.attempts)
		e.FieldStart("units")
		e.UInt64(line.units)
		e.FieldStart("cost")
		e.Str(line.cost.String())
		e.ObjEnd()
	}
	e.ArrEnd()
	return answer.JSON(e.String())
}

func savedRate(r *quantities) answer.Value {
	millionths := r.savedRate()
	if millionths == nil {
		return answer.Null
	}
	return answer.BigDecimal(millionths, 6)
}
