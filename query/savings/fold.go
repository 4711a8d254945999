package savings

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/report"
)

const (
	// cellBytes is the size of a cell as cells.sql packs it.
	cellBytes = 40
	// maxWaiting is how many cells wait for their signatures to be loaded; a cold start loads them in few statements.
	maxWaiting = 1 << 20
	// maxRows bounds an answer, which is kept in memory as a whole.
	maxRows = 1_000_000
)

// quantities is a row of the report as quantities, which may be added up over any partition of the messages.
type quantities struct {
	keys     []report.KeyValue
	currency string

	messages, reached, read, unpriced, estimated uint64
	priced, pricedReached, pricedRead, segments  uint64
	smsOnly, actual, savedUnreached              money.Amount
	doublePaid, doublePaidUnread, wasted         money.Amount
	reportedAttempts                             uint64
	reported, reportedComputed                   money.Amount
	readable                                     money.Amount  // cost where the channel reports reads
	readAttempts                                 uint64        // of them that were read
	channels                                     []channelCost // in the order of channels
	reasons                                      map[unpricedReason]uint64
	minimums                                     map[minimumKey]money.Amount
	mixedSenders                                 bool  // a message with a minimum has steps of different senders
	settledMS                                    int64 // when its youngest cohort settles
	piece                                        int64 // the UTC day of a piece, in days of Unix time
}

// unpricedReason tells why messages are unpriced, and on which channel where that is one step's fault.
type unpricedReason struct{ reason, channel string }

// minimumKey is what a monthly minimum is agreed on, within one row.
type minimumKey struct {
	tariff *money.Tariff
	sender string
	// monthEndMS is when the month ends in the account's billing zone.
	monthEndMS int64
}

// add counts n messages with one outcome. monthEndMS is 0 where their account has no monthly minimum. Where cohorts
// from sinceMS on are not settled in the quarter hour nowMS, the youngest of those that are left decides.
func (r *quantities) add(o *outcome, tally *tally, monthEndMS, sinceMS, nowMS int64) {
	n := tally.messages
	times := func(a money.Amount) money.Amount { return a.Times(int64(n)) }
	r.messages += n
	if n > 0 && sinceMS+o.settlingMS >= nowMS {
		r.settledMS = max(r.settledMS, tally.maxMS+o.settlingMS)
	}
	if o.reached {
		r.reached += n
	}
	if o.read {
		r.read += n
	}
	if !o.priced {
		r.unpriced += n
		if r.reasons == nil {
			r.reasons = map[unpricedReason]uint64{}
		}
		r.reasons[unpricedReason{o.reason, o.reasonChannel}] += n
		return
	}
	r.priced += n
	if o.reached {
		r.pricedReached += n
	} else {
		r.savedUnreached = r.savedUnreached.Add(times(o.smsOnly.Sub(o.actual)))
	}
	if o.read {
		r.pricedRead += n
	}
	if o.estimated {
		r.estimated += n
	}
	r.segments += n * uint64(o.segments)
	r.smsOnly = r.smsOnly.Add(times(o.smsOnly))
	r.actual = r.actual.Add(times(o.actual))
	r.doublePaid = r.doublePaid.Add(times(o.doublePaid))
	r.doublePaidUnread = r.doublePaidUnread.Add(times(o.doublePaidUnread))
	r.wasted = r.wasted.Add(times(o.wasted))
	r.reportedAttempts += n * o.reportedAttempts
	r.reportedComputed = r.reportedComputed.Add(times(o.reportedComputed))
	r.readable = r.readable.Add(times(o.readable))
	r.readAttempts += n * o.readAttempts
	for _, c := range o.channels {
		r.channels = addChannel(r.channels, channelCost{c.channel, n * c.attempts, n * c.units, times(c.cost)})
	}
	if n == 0 || monthEndMS == 0 {
		return // A further currency of messages that were counted already; no minimum.
	}
	r.mixedSenders = r.mixedSenders || o.mixedSenders
	for _, m := range o.minimums {
		if r.minimums == nil {
			r.minimums = map[minimumKey]money.Amount{}
		}
		key := minimumKey{m.tariff, m.sender, monthEndMS}
		r.minimums[key] = r.minimums[key].Add(times(m.cost))
	}
}

// merge adds other messages of the same row.
func (r *quantities) merge(other *quantities) {
	for _, n := range [][2]*uint64{{&r.messages, &other.messages}, {&r.reached, &other.reached},
		{&r.read, &other.read}, {&r.unpriced, &other.unpriced}, {&r.estimated, &other.estimated},
		{&r.priced, &other.priced}, {&r.pricedReached, &other.pricedReached}, {&r.pricedRead, &other.pricedRead},
		{&r.segments, &other.segments}, {&r.reportedAttempts, &other.reportedAttempts},
		{&r.readAttempts, &other.readAttempts}} {
		*n[0] += *n[1]
	}
	for _, a := range [][2]*money.Amount{{&r.smsOnly, &other.smsOnly}, {&r.actual, &other.actual},
		{&r.savedUnreached, &other.savedUnreached}, {&r.doublePaid, &other.doublePaid},
		{&r.doublePaidUnread, &other.doublePaidUnread}, {&r.wasted, &other.wasted}, {&r.reported, &other.reported},
		{&r.reportedComputed, &other.reportedComputed}, {&r.readable, &other.readable}} {
		*a[0] = a[0].Add(*a[1])
	}
	for _, c := range other.channels {
		r.channels = addChannel(r.channels, c)
	}
	if r.reasons == nil && len(other.reasons) > 0 {
		r.reasons = map[unpricedReason]uint64{}
	}
	for reason, n := range other.reasons {
		r.reasons[reason] += n
	}
	if r.minimums == nil && len(other.minimums) > 0 {
		r.minimums = map[minimumKey]money.Amount{}
	}
	for key, cost := range other.minimums {
		r.minimums[key] = r.minimums[key].Add(cost)
	}
	r.mixedSenders = r.mixedSenders || other.mixedSenders
	r.settledMS = max(r.settledMS, other.settledMS)
}

// topUp is what monthly minimums add to the cost; false while a month is not over at asOfMS.
func (r *quantities) topUp(asOfMS int64) (sum money.Amount, known bool) {
	for key, cost := range r.minimums {
		if key.monthEndMS > asOfMS {
			return money.Amount{}, false
		}
		if missing := money.Micros(key.tariff.MonthlyMinimum).Sub(cost); missing.Sign() > 0 {
			sum = sum.Add(missing)
		}
	}
	return sum, true
}

// compare orders rows by their keys, then by currency.
func (r *quantities) compare(other *quantities) int {
	return cmp.Or(slices.CompareFunc(r.keys, other.keys, report.KeyValue.Compare),
		strings.Compare(r.currency, other.currency))
}

// tally is what the cells of one outcome sum up to.
type tally struct {
	messages uint64
	reported money.Amount
	maxMS    int64
	met      bool
}

// cellRow is a row of cells.sql: the cells of one group under the same conditions.
type cellRow struct {
	// keys are all of the report's; those of signatures are left empty.
	keys     []report.KeyValue
	currency string // in which prices were reported
	// monthEndMS is when the month of the cells ends in the account's billing zone; 0 without a monthly minimum.
	monthEndMS int64
	store      *accountSignatures
	pricing    *pricing
	interval   uint16
	segments   uint8 // of the template
	// sinceMS is the last border before the cohorts, or the start of the period.
	sinceMS int64
	cells   string
}

// fold adds cells to the rows of a report.
type fold struct {
	room *Savings
	// keys are the report's, and filters those that cells know by their signatures alone.
	keys    report.Keys
	filters []report.Filter
	// quarterMS is the quarter hour in which cohorts are settled or not.
	quarterMS int64
	// byPiece keeps the rows of pieces apart.
	byPiece bool

	groups map[string]*quantities
	// dims holds, by the place of an outcome, 1 + the place in derived of what the report wants to know of it, or -1
	// when a filter leaves it out.
	dims      map[*pricing][]int32
	derived   []signatureKeys
	dimOf     map[string]int32
	byDim     []*quantities // of the current cellRow
	tallies   []tally       // by the place of an outcome
	met       []int32
	rest      []byte
	id        []byte
	waiting   []cellRow
	waitCells int
}

// signatureKeys are the keys that come from signatures, in the order of the report's keys, and the currency.
type signatureKeys struct {
	values   []report.KeyValue
	currency string
}

func newFold(s *Savings, keys report.Keys, filters []report.Filter, quarterMS int64) *fold {
	f := &fold{room: s, keys: keys, quarterMS: quarterMS, groups: map[string]*quantities{},
		dims:  map[*pricing][]int32{},
		dimOf: map[string]int32{}}
	for _, filter := range filters {
		if filter.Key.Cell == "" {
			f.filters = append(f.filters, filter)
		}
	}
	return f
}

// add takes a row. Cells whose signatures are not known yet wait until there are many of them.
func (f *fold) add(ctx context.Context, row cellRow) error {
	rest, err := f.take(&row)
	if err != nil || rest == "" {
		return err
	}
	row.cells = rest
	f.waiting = append(f.waiting, row)
	if f.waitCells += len(rest) / cellBytes; f.waitCells >= maxWaiting {
		return f.settle(ctx)
	}
	return nil
}

// settle loads and prices the signatures that cells wait for, and adds the cells.
func (f *fold) settle(ctx context.Context) error {
	wanted := map[*accountSignatures][]uint64{}
	for _, row := range f.waiting {
		for at := 0; at < len(row.cells); at += cellBytes {
			wanted[row.store] = append(wanted[row.store], answer.LE64(row.cells[at:]))
		}
	}
	for store, ids := range wanted {
		if err := f.room.loadSignatures(ctx, store, ids); err != nil {
			return err
		}
	}
	var ids []uint64
	for i := range f.waiting {
		row := &f.waiting[i]
		ids = ids[:0]
		for at := 0; at < len(row.cells); at += cellBytes {
			ids = append(ids, answer.LE64(row.cells[at:]))
		}
		if err := row.store.price(row.pricing, ids, row.interval, row.segments); err != nil {
			return err
		}
		if err := f.takeAll(row); err != nil {
			return err
		}
	}
	if len(f.waiting) > 0 {
		f.room.signatures.trim()
	}
	f.waiting, f.waitCells = f.waiting[:0], 0
	return nil
}

// takeAll adds cells whose signatures are priced. A cell that is not would be missing from the report, so it is an
// error.
func (f *fold) takeAll(row *cellRow) error {
	rest, err := f.take(row)
	if err == nil && rest != "" {
		return fmt.Errorf("%d of %d cells of account %q have no price after their signatures were priced; ask again, "+
			"and "+
			"report this if it stays",
			len(rest)/cellBytes, len(row.cells)/cellBytes, row.store.account)
	}
	return err
}

// take adds the cells whose outcome is known and returns the others.
func (f *fold) take(row *cellRow) (rest string, err error) {
	f.rest = f.rest[:0]
	store, p := row.store, row.pricing
	store.mu.RLock()
	outcomes := p.outcomes
	if missing := len(outcomes) - len(f.tallies); missing > 0 {
		f.tallies = append(f.tallies, make([]tally, missing)...)
	}
	for at := 0; at+cellBytes <= len(row.cells); at += cellBytes {
		cell := row.cells[at : at+cellBytes]
		place, known := store.outcomeOf(p, answer.LE64(cell), row.interval, row.segments)
		if !known {
			f.rest = append(f.rest, cell...)
			continue
		}
		t := &f.tallies[place]
		if !t.met {
			*t = tally{met: true}
			f.met = append(f.met, place)
		}
		t.messages += answer.LE64(cell[8:])
		if lo, hi := answer.LE64(cell[16:]), answer.LE64(cell[24:]); lo|hi != 0 {
			t.reported = t.reported.Add(money.Wide(int64(hi), lo))
		}
		t.maxMS = max(t.maxMS, int64(answer.LE64(cell[32:])))
	}
	store.mu.RUnlock()
	err = f.flush(row, outcomes)
	return string(f.rest), err
}

// flush adds the tallies to the groups.
func (f *fold) flush(row *cellRow, outcomes []outcome) error {
	f.byDim = slices.Grow(f.byDim[:0], len(f.derived))[:len(f.derived)]
	clear(f.byDim)
	dims := f.dims[row.pricing]
	if missing := len(outcomes) - len(dims); missing > 0 {
		dims = append(dims, make([]int32, missing)...)
		f.dims[row.pricing] = dims
	}
	for _, place := range f.met {
		t, o := &f.tallies[place], &outcomes[place]
		t.met = false
		if dims[place] == 0 {
			dims[place] = f.dim(o)
		}
		dim := dims[place] - 1
		if dim < 0 {
			continue
		}
		for int(dim) >= len(f.byDim) {
			f.byDim = append(f.byDim, nil)
		}
		if f.byDim[dim] == nil {
			group, err := f.group(row, &f.derived[dim])
			if err != nil {
				return err
			}
			f.byDim[dim] = group
		}
		group := f.byDim[dim]
		if int64(t.messages) < 0 {
			return fmt.Errorf("table rollup_cascades counts %d messages of account %q: differences do not add up; the "+
				"aggregator's audit repairs it", int64(t.messages), row.store.account)
		}
		group.add(o, t, row.monthEndMS, row.sinceMS, f.quarterMS)
		if o.priced && o.currency == row.currency {
			group.reported = group.reported.Add(t.reported)
		}
	}
	f.met = f.met[:0]
	return nil
}

// dim returns what dims holds of an outcome.
func (f *fold) dim(o *outcome) int32 {
	for _, filter := range f.filters {
		if !slices.Contains(filter.Values, o.shown(filter.Key)) {
			return -1
		}
	}
	keys := signatureKeys{currency: o.currency}
	f.id = f.id[:0]
	for _, k := range f.keys {
		if k.Cell == "" {
			value := o.key(k.Name)
			keys.values = append(keys.values, value)
			f.id = value.AppendTo(f.id)
		}
	}
	f.id = append(f.id, o.currency...)
	place, found := f.dimOf[string(f.id)]
	if !found {
		f.derived = append(f.derived, keys)
		place = int32(len(f.derived))
		f.dimOf[string(f.id)] = place
	}
	return place
}

// group returns the row of the report, a new one when there is none.
func (f *fold) group(row *cellRow, derived *signatureKeys) (*quantities, error) {
	f.id = f.id[:0]
	piece := int64(0)
	if f.byPiece {
		piece = row.sinceMS / dayMS
		f.id = binary.AppendVarint(f.id, piece)
	}
	next := 0
	for i, k := range f.keys {
		value := row.keys[i]
		if k.Cell == "" {
			value = derived.values[next]
			next++
		}
		f.id = value.AppendTo(f.id)
	}
	f.id = append(f.id, derived.currency...)
	if group, found := f.groups[string(f.id)]; found {
		return group, nil
	}
	if len(f.groups) == maxRows {
		return nil, tooLarge()
	}
	group := &quantities{keys: slices.Clone(row.keys), currency: derived.currency, piece: piece}
	next = 0
	for i, k := range f.keys {
		if k.Cell == "" {
			group.keys[i] = derived.values[next]
			next++
		}
	}
	f.groups[string(f.id)] = group
	return group, nil
}

func tooLarge() error {
	return answer.NewProblem(http.StatusServiceUnavailable, "too-large",
		"the answer has more than a million rows: shorten from…to, group by less, or filter")
}

// merge adds a row of a piece, which stays as it is.
func (f *fold) merge(row *quantities) error {
	f.id = f.id[:0]
	for _, value := range row.keys {
		f.id = value.AppendTo(f.id)
	}
	f.id = append(f.id, row.currency...)
	group, found := f.groups[string(f.id)]
	if !found {
		if len(f.groups) == maxRows {
			return tooLarge()
		}
		group = &quantities{keys: row.keys, currency: row.currency}
		f.groups[string(f.id)] = group
	}
	group.merge(row)
	return nil
}

// rows returns the rows of the report in their order.
func (f *fold) rows() []*quantities {
	rows := make([]*quantities, 0, len(f.groups))
	for _, group := range f.groups {
		if group.messages > 0 { // What differences took away leaves no row.
			rows = append(rows, group)
		}
	}
	slices.SortFunc(rows, (*quantities).compare)
	return rows
}

// key returns the message's value of a key that comes from its signature.
func (o *outcome) key(name string) report.KeyValue {
	switch name {
	case "sender":
		return report.KeyValue{Text: o.sender}
	case "traffic":
		return report.KeyValue{Text: o.traffic}
	case "country":
		return report.KeyValue{Text: o.country}
	case "first_channel":
		return report.KeyValue{Text: o.firstChannel}
	case "reached_by":
		return report.KeyValue{Text: o.reachedBy}
	case "path":
		return report.KeyValue{Text: o.path}
	case "sms_segments":
		return report.KeyValue{Number: o.segments}
	}
	return report.KeyValue{Text: o.currency}
}

// shown returns the value as a filter has it.
func (o *outcome) shown(k report.Key) string { return o.key(k.Name).Shown(k) }
