package messages

import (
	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/prices"
	"kaskad/schema"
	"kaskad/schema/errormap"
	"kaskad/schema/state"
)

// maxAmounts bounds the printed amounts that a writer remembers.
const maxAmounts = 1 << 14

// rowWriter adds messages to a table, as Columns say. Its outline is that of the message that comes next.
type rowWriter struct {
	table   *answer.Table
	lists   *prices.Lists
	maps    *errormap.Maps
	shown   func(recipient string) string
	outline outline
	row     []answer.Value
	// amounts are printed once: a campaign has few different ones.
	amounts map[money.Amount]answer.Value
}

func (w *rowWriter) add(m *state.Message) {
	o := &w.outline
	reason, errorCode := "", ""
	if o.failed != nil {
		errorCode = o.failed.ErrorCode()
		reason, _ = w.maps.Class(m.Account, o.failed.Channel, o.failed.Provider, errorCode, o.expired)
	}
	priced, tried := o.price(w.lists.Of(m.Account), m.CohortMS())
	cost := answer.Null
	if tried && priced.OK {
		cost = w.amount(priced.Actual)
	}
	w.row = append(w.row[:0], answer.Text(m.Account), answer.Text(m.MessageID), moment(m.CohortMS()),
		answer.Text(w.shown(o.recipient)), answer.Text(w.shown(o.contact)), answer.Text(o.campaign),
		answer.Text(o.template), answer.Text(o.path), answer.Text(o.state), answer.Text(o.reachedBy),
		moment(o.sentMS), moment(o.deliveredMS), moment(o.readMS), moment(o.repliedMS), moment(o.failedMS),
		answer.Text(reason), answer.Text(errorCode), cost, answer.Text(priced.Currency), answer.Text(priced.Reason))
	w.table.Add(w.row)
}

func (w *rowWriter) amount(a money.Amount) answer.Value {
	shown, known := w.amounts[a]
	if !known {
		if w.amounts == nil || len(w.amounts) == maxAmounts {
			w.amounts = map[money.Amount]answer.Value{}
		}
		shown = answer.Amount(a)
		w.amounts[a] = shown
	}
	return shown
}

// moment is a time that may be unknown.
func moment(ms int64) answer.Value {
	if ms == schema.Never {
		return answer.Null
	}
	return answer.Moment(ms)
}
