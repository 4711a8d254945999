package numbers

import (
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"kaskad/query/answer"
)

// arrowNumbers appends rows column by column: a million of them a second would pass through as many values of all kinds
// else. Their columns are Columns, and what they hold is what numberRow.values says.
type arrowNumbers struct {
	to     *answer.ArrowRows
	texts  []string
	counts []int64
	times  []arrow.Timestamp
	truths []bool
	known  []bool
}

func (a *arrowNumbers) append(rows []numberRow, wasted []wastedCost) {
	n := 0
	field := func() array.Builder {
		n++
		return a.to.Field(n - 1)
	}
	text := func(of func(*numberRow) string) {
		a.texts = a.texts[:0]
		for i := range rows {
			a.texts = append(a.texts, of(&rows[i]))
		}
		a.appendTexts(field(), nil)
	}
	count := func(of func(*numberRow) int64) {
		a.counts = a.counts[:0]
		for i := range rows {
			a.counts = append(a.counts, of(&rows[i]))
		}
		field().(*array.Int64Builder).AppendValues(a.counts, nil)
	}
	moment := func(of func(*numberRow) int64) {
		a.times, a.known = a.times[:0], a.known[:0]
		for i := range rows {
			ms := of(&rows[i])
			a.times, a.known = append(a.times, arrow.Timestamp(ms)), append(a.known, ms != 0)
		}
		field().(*array.TimestampBuilder).AppendValues(a.times, a.known)
	}
	truth := func(of func(*numberRow) int8) {
		a.truths, a.known = a.truths[:0], a.known[:0]
		for i := range rows {
			t := of(&rows[i])
			a.truths, a.known = append(a.truths, t == 1), append(a.known, t >= 0)
		}
		field().(*array.BooleanBuilder).AppendValues(a.truths, a.known)
	}
	text(func(r *numberRow) string { return r.account })
	text(func(r *numberRow) string { return r.number })
	moment(func(r *numberRow) int64 { return r.sinceMS })
	text(func(r *numberRow) string { return r.rule })
	a.appendReasons(field(), rows)
	moment(func(r *numberRow) int64 { return r.lastDeliveredMS })
	moment(func(r *numberRow) int64 { return r.lastFailedMS })
	count(func(r *numberRow) int64 { return int64(r.failedMailings) })
	count(func(r *numberRow) int64 { return int64(r.failedDays) })
	a.texts, a.known = a.texts[:0], a.known[:0]
	for i := range wasted {
		a.texts, a.known = append(a.texts, wasted[i].text), append(a.known, wasted[i].text != "")
	}
	a.appendTexts(field(), a.known)
	a.texts = a.texts[:0]
	for i := range wasted {
		a.texts = append(a.texts, wasted[i].currency)
	}
	a.appendTexts(field(), nil)
	count(func(r *numberRow) int64 { return int64(r.ruleVersion) })
	moment(func(r *numberRow) int64 { return r.firstFailedMS })
	truth(func(r *numberRow) int8 { return int8(answer.Bit(r.possibleReassignment)) })
	text(func(r *numberRow) string { return r.operator })
	truth(func(r *numberRow) int8 { return r.ported })
	truth(func(r *numberRow) int8 { return r.valid })
	moment(func(r *numberRow) int64 { return r.ownerChangedMS })
	count(func(r *numberRow) int64 { return int64(r.guessed) })
	text(func(r *numberRow) string { return reachableOn(r.reachable) })
	text(func(r *numberRow) string { return optOuts(r.optOuts) })
	a.to.Added(len(rows))
}

// appendTexts appends a.texts; those that are not known are null.
func (a *arrowNumbers) appendTexts(field array.Builder, known []bool) {
	to := field.(*array.StringBuilder)
	bytes := 0
	for i, text := range a.texts {
		if !utf8.ValidString(text) {
			a.texts[i] = strings.ToValidUTF8(text, "\ufffd")
		}
		bytes += len(a.texts[i])
	}
	to.Reserve(len(a.texts))
	to.ReserveData(bytes)
	to.AppendValues(a.texts, known)
}

func (a *arrowNumbers) appendReasons(field array.Builder, rows []numberRow) {
	to := field.(*array.MapBuilder)
	keys, counts := to.KeyBuilder().(*array.StringBuilder), to.ItemBuilder().(*array.Uint32Builder)
	to.Reserve(len(rows))
	for i := range rows {
		to.Append(true)
		for name, n := range answer.EachCount(rows[i].reasons) {
			if !utf8.ValidString(name) {
				name = strings.ToValidUTF8(name, "\ufffd")
			}
			keys.Append(name)
			counts.Append(n)
		}
	}
}
