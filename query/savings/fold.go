package savings

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/http"
	"slices"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/rollup"
)

const (
	// cellBytes is the size of a cell as cells.sql packs it.
	cellBytes = 40
	// maxWaiting is how many cells wait for their signatures to be loaded; a cold start loads them in few statements.
	maxWaiting = 1 << 20
	// maxRows bounds an answer, which is kept in memory as a whole.
	maxRows = 1_000_000
)

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
	keys     []rollup.KeyValue
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
	keys    rollup.Keys
	filters []rollup.Filter
	// quarterMS is the quarter hour in which cohorts are settled or not.
	quarterMS int64
	// byPiece keeps the rows of pieces apart, where settling has the quarter hours that settle at present, in Unix
	// seconds; and changes takes what editions changed, which may count less than nothing.
	byPiece, changes bool
	settling         []uint32

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
	values   []rollup.KeyValue
	currency string
}

func newFold(s *Savings, keys rollup.Keys, filters []rollup.Filter, quarterMS int64) *fold {
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
	if err := f.room.loadSignatures(ctx, wanted); err != nil {
		return err
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
		if int64(t.messages) < 0 && !f.changes {
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
	of := piece{}
	if f.byPiece {
		of = piece{row.sinceMS / dayMS, slices.Contains(f.settling, uint32(row.sinceMS/1000))}
		f.id = append(binary.AppendVarint(f.id, of.day), answer.Bit(of.settling))
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
	group := &quantities{keys: slices.Clone(row.keys), currency: derived.currency, piece: of}
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

// merge adds a row of a piece, which stays as it is, or takes it away.
func (f *fold) merge(row *quantities, times int64) error {
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
	group.merge(row, times)
	group.settledMS = max(group.settledMS, row.settling.MS())
	return nil
}

// rows returns the rows of the report in their order.
func (f *fold) rows() []*quantities {
	rows := make([]*quantities, 0, len(f.groups))
	for _, group := range f.groups {
		if group.messages > 0 || f.changes { // What differences took away leaves no row.
			rows = append(rows, group)
		}
	}
	slices.SortFunc(rows, (*quantities).compare)
	return rows
}

// key returns the message's value of a key that comes from its signature.
func (o *outcome) key(name string) rollup.KeyValue {
	switch name {
	case "sender":
		return rollup.KeyValue{Text: o.sender}
	case "traffic":
		return rollup.KeyValue{Text: o.traffic}
	case "country":
		return rollup.KeyValue{Text: o.country}
	case "first_channel":
		return rollup.KeyValue{Text: o.firstChannel}
	case "reached_by":
		return rollup.KeyValue{Text: o.reachedBy}
	case "path":
		return rollup.KeyValue{Text: o.path}
	case "sms_segments":
		return rollup.KeyValue{Number: o.segments}
	}
	return rollup.KeyValue{Text: o.currency}
}

// shown returns the value as a filter has it.
func (o *outcome) shown(k rollup.Key) string { return o.key(k.Name).Shown(k) }
