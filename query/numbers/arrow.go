package numbers

import (
	"bytes"
	"context"
	"unicode/utf8"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"kaskad/query/answer"
	"kaskad/query/prices"
	"kaskad/query/store"
	"kaskad/schema/law"
)

// deadColumns are the columns of dead.sql and what an Arrow stream makes of them, block by block: a million rows a
// second would pass through as many values of all kinds else. The stream's columns are Columns, and hold what
// numberRow.values says.
type deadColumns struct {
	to     *answer.ArrowRows
	pricer *streakPricer

	account, rule, operator, reachable, optOuts                 words
	number                                                      proto.ColStr
	since, lastDelivered, lastFailed, firstFailed, ownerChanged proto.ColInt64
	ruleVersion                                                 proto.ColUInt64
	failedMailings, failedDays, guessed                         proto.ColUInt32
	possibleReassignment                                        proto.ColUInt8
	ported, valid                                               proto.ColInt8
	// The elements of arrays, beside where each row's end.
	reasons             words
	counts              proto.ColUInt32
	legs                proto.ColUInt64
	codes               proto.ColUInt32
	segments            proto.ColUInt16
	cohorts             proto.ColInt64
	reasonEnds, legEnds *proto.ColUInt64

	// What goes to the stream next; kept for its memory.
	field   int
	numbers []int64
	times   []arrow.Timestamp
	truths  []bool
	known   []bool
	wasted  []wastedCost
}

// results are the columns in the order of dead.sql.
func (d *deadColumns) results() proto.Results {
	for _, w := range []*words{&d.account, &d.rule, &d.operator, &d.reachable, &d.optOuts, &d.reasons} {
		w.Index = &w.texts
	}
	reasons, legs := proto.NewArray[string](&d.reasons), proto.NewArray[uint64](&d.legs)
	d.reasonEnds, d.legEnds = &reasons.Offsets, &legs.Offsets
	var results proto.Results
	for _, column := range []proto.ColResult{&d.account, &d.number, &d.since, &d.rule, reasons,
		proto.NewArray[uint32](&d.counts), &d.lastDelivered, &d.lastFailed, &d.failedMailings, &d.failedDays,
		&d.ruleVersion, &d.firstFailed, &d.possibleReassignment, &d.operator, &d.ported, &d.valid, &d.ownerChanged,
		&d.guessed, &d.reachable, &d.optOuts, legs, proto.NewArray[uint32](&d.codes),
		proto.NewArray[uint16](&d.segments), proto.NewArray[int64](&d.cohorts)} {
		results = append(results, proto.ResultColumn{Data: column})
	}
	return results
}

// readColumns adds all rows to a table of Arrow.
func (n *Numbers) readColumns(ctx context.Context, q *deadQuery, lists *prices.Lists, t *answer.Table) error {
	statement, args, err := q.SQL()
	if err != nil {
		return err
	}
	pricer := n.newStreakPricer(lists)
	columns := [2]deadColumns{{to: t.Arrow, pricer: pricer}, {to: t.Arrow, pricer: pricer}}
	sets := []proto.Results{columns[0].results(), columns[1].results()}
	query := store.ColumnQuery{Statement: statement, Args: args}
	return n.db.ExportColumns(ctx, query, sets, func(ctx context.Context, set, rows int) error {
		d := &columns[set]
		if err := d.price(ctx, rows); err != nil {
			return err
		}
		if err := d.append(rows); err != nil {
			return err
		}
		t.Rows += rows
		return t.Flow(false)
	})
}

// price adds up what the streaks of the block cost.
func (d *deadColumns) price(ctx context.Context, rows int) error {
	each := func(do func(a *accountPricer, from, to int)) {
		var a *accountPricer
		from := 0
		for i := range rows {
			if account := d.account.RowBytes(i); a == nil || a.account != string(account) {
				a = d.pricer.of(string(account))
			}
			to := int((*d.legEnds)[i])
			do(a, from, to)
			from = to
		}
	}
	each(func(a *accountPricer, from, to int) {
		for _, leg := range d.legs[from:to] {
			d.pricer.need(a, leg)
		}
	})
	if err := d.pricer.loadMissing(ctx); err != nil {
		return err
	}
	d.wasted = d.wasted[:0]
	each(func(a *accountPricer, from, to int) {
		var sum streakSum
		for i := from; i < to; i++ {
			sum.add(a.priced(attemptKey{step: d.legs[i], code: law.Code(d.codes[i]), smsSegments: d.segments[i]},
				d.cohorts[i]))
		}
		d.wasted = append(d.wasted, d.pricer.wasted(&sum))
	})
	return nil
}

// append adds the block to the stream, column by column.
func (d *deadColumns) append(rows int) error {
	d.field = 0
	d.words(&d.account)
	appendTexts(d.next().(*array.StringBuilder), &d.number)
	d.moments(d.since)
	d.words(&d.rule)
	d.appendReasons(rows)
	d.moments(d.lastDelivered)
	d.moments(d.lastFailed)
	appendCounts(d, d.failedMailings)
	appendCounts(d, d.failedDays)
	costs, currencies := d.next().(*array.Decimal128Builder), d.next().(*array.StringBuilder)
	costs.Reserve(rows)
	currencies.Reserve(rows)
	for _, w := range d.wasted {
		if w.text == "" {
			costs.AppendNull()
		} else if err := answer.AppendDecimal(costs, w.text); err != nil {
			return err
		}
		currencies.Append(w.currency)
	}
	appendCounts(d, d.ruleVersion)
	d.moments(d.firstFailed)
	appendTruths(d, d.possibleReassignment)
	d.words(&d.operator)
	appendTruths(d, d.ported)
	appendTruths(d, d.valid)
	d.moments(d.ownerChanged)
	appendCounts(d, d.guessed)
	d.lists(&d.reachable, reachableOn)
	d.lists(&d.optOuts, optOuts)
	d.to.Added(rows)
	return nil
}

// next returns the next column of the stream.
func (d *deadColumns) next() array.Builder {
	d.field++
	return d.to.Field(d.field - 1)
}

// appendTexts copies texts.
func appendTexts(to *array.StringBuilder, from *proto.ColStr) {
	to.Reserve(from.Rows())
	to.ReserveData(len(from.Buf))
	for i := range from.Rows() {
		to.BinaryBuilder.Append(validText(from.RowBytes(i)))
	}
}

// validText is the text as Arrow has it. What providers send is stored as it came; Arrow's texts must be UTF-8.
func validText(text []byte) []byte {
	if utf8.Valid(text) {
		return text
	}
	return bytes.ToValidUTF8(text, []byte("\ufffd"))
}

func (d *deadColumns) words(from *words) {
	from.appendTo(d.next().(*array.StringBuilder), validText)
}

// lists copies packed lists as JSON.
func (d *deadColumns) lists(from *words, text func(packed string) string) {
	from.appendTo(d.next().(*array.StringBuilder), func(packed []byte) []byte {
		if len(packed) == 0 {
			return []byte(emptyList)
		}
		return []byte(text(string(packed)))
	})
}

func (d *deadColumns) moments(from proto.ColInt64) {
	d.times, d.known = d.times[:0], d.known[:0]
	for _, ms := range from {
		d.times, d.known = append(d.times, arrow.Timestamp(ms)), append(d.known, ms != 0)
	}
	d.next().(*array.TimestampBuilder).AppendValues(d.times, d.known)
}

func appendCounts[T uint32 | uint64](d *deadColumns, from []T) {
	d.numbers = d.numbers[:0]
	for _, n := range from {
		d.numbers = append(d.numbers, int64(n))
	}
	d.next().(*array.Int64Builder).AppendValues(d.numbers, nil)
}

// appendTruths copies what is 1 for true, 0 for false, and less for unknown.
func appendTruths[T int8 | uint8](d *deadColumns, from []T) {
	d.truths, d.known = d.truths[:0], d.known[:0]
	for _, n := range from {
		d.truths, d.known = append(d.truths, n == 1), append(d.known, n == 0 || n == 1)
	}
	d.next().(*array.BooleanBuilder).AppendValues(d.truths, d.known)
}

func (d *deadColumns) appendReasons(rows int) {
	to := d.next().(*array.MapBuilder)
	to.Reserve(rows)
	from := 0
	names, counts := to.KeyBuilder().(*array.StringBuilder), to.ItemBuilder().(*array.Uint32Builder)
	names.Reserve(len(d.counts))
	counts.Reserve(len(d.counts))
	for i := range rows {
		to.Append(true)
		for end := int((*d.reasonEnds)[i]); from < end; from++ {
			names.BinaryBuilder.Append(validText(d.reasons.RowBytes(from)))
			counts.Append(d.counts[from])
		}
	}
}
