package report

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/query/answer"
	"kaskad/query/rollup"
	"kaskad/query/store"
)

const (
	// skewedAt is the place of the skewed attempts among the counts.
	skewedAt = 9
	// skippedAt is that of the skipped steps.
	skippedAt = 8
	// packedBytes is what a cell of a packed histogram takes: its number (2) and its attempts (8), little-endian.
	packedBytes = 2 + 8
	// windowCounts is how many counts of a row of channel_days.sql are of windows; they come after the others.
	windowCounts = 5
)

// errManyRows says that an answer's rows would fill the memory.
var errManyRows = errors.New("an answer has too many rows to hold them")

// channelDay is what the channel report has of a day of an account, or of its opt-outs.
type channelDay struct {
	rows []channelPart
	// It serves answers that end from asOfMS on up to untilMS: then other windows are over.
	asOfMS, untilMS int64
}

// channelPart are attempts on routes that can report the same: a row of channel_days.sql.
type channelPart struct {
	keys    []rollup.KeyValue
	reports uint32
	counts  [channelCounts + windowCounts]uint64
	// latencies are packed histograms: to deliver, to read, to reply.
	latencies [3]string
	settling  rollup.Settling
}

// Bytes is about what the day takes.
func (d *channelDay) Bytes() int64 {
	size := int64(100)
	for i := range d.rows {
		p := &d.rows[i]
		size += 300 + int64(len(p.latencies[0])+len(p.latencies[1])+len(p.latencies[2]))
		for _, k := range p.keys {
			size += 32 + int64(len(k.Text))
		}
	}
	return size
}

// id is a text that differs for rows that are apart.
func (p *channelPart) id() string { return rollup.KeysText(p.keys) + string(rune(p.reports)) }

// counted is what makes it a row: an attempt, a step that was skipped, an opt-out.
func (p *channelPart) counted() bool {
	return p.counts[0] != 0 || p.counts[skippedAt] != 0 ||
		slices.ContainsFunc(p.counts[channelCounts-3:channelCounts], func(n uint64) bool { return n != 0 })
}

// add adds another row, or takes it away, and tells whether anything is left, and no count of it below 0.
func (p *channelPart) add(o *channelPart, times int64) (left, counts bool) {
	counts = true
	for i := range p.counts {
		p.counts[i] += uint64(times) * o.counts[i]
		left = left || p.counts[i] != 0
		counts = counts && int64(p.counts[i]) >= 0
	}
	for i := range p.latencies {
		p.latencies[i] = plusPacked(p.latencies[i], o.latencies[i], uint64(times))
		left = left || p.latencies[i] != ""
	}
	p.settling.Add(o.settling, times)
	return left, counts
}

// Plus implements Sums.
func (d *channelDay) Plus(more *channelDay, times int64) (sums *channelDay, counts bool) {
	if len(more.rows) == 0 {
		return d, true
	}
	// A window of what is added may have ended since the day was read: there is more that serves no earlier answer.
	sums = &channelDay{rows: slices.Clone(d.rows), asOfMS: max(d.asOfMS, more.asOfMS),
		untilMS: min(d.untilMS, more.untilMS)}
	at := make(map[string]int, len(d.rows))
	for i := range d.rows {
		at[d.rows[i].id()] = i
	}
	counts = true
	gone := map[int]bool{}
	for i := range more.rows {
		m := &more.rows[i]
		row, found := at[m.id()]
		if !found {
			row = len(sums.rows)
			at[m.id()] = row
			sums.rows = append(sums.rows, channelPart{keys: m.keys, reports: m.reports})
		}
		left, whole := sums.rows[row].add(m, times)
		gone[row] = !left
		counts = counts && whole
	}
	kept := sums.rows[:0]
	for i := range sums.rows {
		if !gone[i] {
			kept = append(kept, sums.rows[i])
		}
	}
	sums.rows = kept
	return sums, counts
}

// Settle implements Sums.
func (d *channelDay) Settle(visit func(row string, s rollup.Settling)) {
	for i := range d.rows {
		visit(rollup.KeysText(d.rows[i].keys), d.rows[i].settling)
	}
}

// plusPacked adds packed histograms, whose cells are in order.
func plusPacked(a, b string, times uint64) string {
	sum := make([]byte, 0, len(a)+len(b))
	for len(b) >= packedBytes {
		switch cell := b[:2]; {
		case len(a) < packedBytes || answer.LE16(a) > answer.LE16(b):
			sum = binary.LittleEndian.AppendUint64(append(sum, cell...), times*answer.LE64(b[2:]))
			b = b[packedBytes:]
		case answer.LE16(a) < answer.LE16(b):
			sum, a = append(sum, a[:packedBytes]...), a[packedBytes:]
		default:
			if n := answer.LE64(a[2:]) + times*answer.LE64(b[2:]); n != 0 {
				sum = binary.LittleEndian.AppendUint64(append(sum, cell...), n)
			}
			a, b = a[packedBytes:], b[packedBytes:]
		}
	}
	return string(append(sum, a...))
}

// channelRow is a row of the report while it is added up.
type channelRow struct {
	channelSums
	histograms [3]histogram
	// skewed are the attempts that are left out of latencies, on routes that report deliveries, and reads.
	skewedDelivery, skewedReads uint64
}

// add adds attempts whose routes can report the same.
func (s *channelRow) add(p *channelPart) {
	for i := range s.counts {
		s.counts[i] += p.counts[i]
	}
	s.settledMS = max(s.settledMS, p.settling.MS())
	attempted, sent, delivered, read := p.counts[0], p.counts[1], p.counts[2], p.counts[3]
	clicked, replied, windows := p.counts[4], p.counts[5], p.counts[channelCounts:]
	if p.reports&1 != 0 {
		s.deliveryNum, s.deliveryDen, s.attemptedDen = s.deliveryNum+delivered, s.deliveryDen+sent,
			s.attemptedDen+attempted
		s.replyNum, s.clickNum = s.replyNum+replied, s.clickNum+clicked
		s.within1mNum, s.within1mDen = s.within1mNum+windows[0], s.within1mDen+windows[1]
		s.within24hNum, s.within24hDen = s.within24hNum+windows[2], s.within24hDen+windows[3]
		for i := range s.optOutNum {
			s.optOutNum[i] += p.counts[channelCounts-len(s.optOutNum)+i]
		}
		s.skewedDelivery += p.counts[skewedAt]
		s.histograms[0].add(p.latencies[0])
		s.histograms[2].add(p.latencies[2])
	}
	if p.reports&2 != 0 {
		s.openNum, s.openDen, s.readOfSentDen = s.openNum+read, s.openDen+delivered, s.readOfSentDen+sent
		s.read24hNum, s.read24hDen = s.read24hNum+windows[4], s.read24hDen+windows[3]
		switch p.reports >> 2 {
		case 1:
			s.exact += delivered
		case 2:
			s.lower += delivered
		case 3:
			s.upper += delivered
		}
		s.skewedReads += p.counts[skewedAt]
		s.histograms[1].add(p.latencies[1])
	}
}

// histogram has the attempts of each latency cell, modulo 2^64.
type histogram []uint64

// add adds a packed histogram.
func (h *histogram) add(packed string) {
	for ; len(packed) >= packedBytes; packed = packed[packedBytes:] {
		cell := int(answer.LE16(packed))
		if missing := cell + 1 - len(*h); missing > 0 {
			*h = append(*h, make([]uint64, missing)...)
		}
		(*h)[cell] += answer.LE64(packed[2:])
	}
}

// ranks are the cells at the nearest ranks, as ClickHouse's quantilesExactWeighted finds them.
func (h histogram) ranks() (ranks answer.LatencyRanks) {
	var all uint64
	for _, n := range h {
		all += n
	}
	if all == 0 {
		return ranks
	}
	ranks.Known = true
	for _, level := range []float64{0.5, 0.9, 0.99} {
		wanted, met := uint64(math.Ceil(float64(all)*level)), uint64(0)
		cell := slices.IndexFunc(h, func(n uint64) bool {
			met += n
			return met >= wanted
		})
		ranks.Cells = append(ranks.Cells, uint16(cell))
	}
	return ranks
}

// readChannelDays adds up the rows of a report on one account, or on all, in their order.
func readChannelDays(ctx context.Context, r *Reading) ([]*rollup.Group[channelRow], error) {
	if len(r.Keys) > 0 {
		return r.readChannelDays(ctx, r.Keys)
	}
	// Who asks for all of it mostly asks for it by channel, too: these rows add up to it.
	byChannel, of := *r.Request, *r
	channel, _ := rollup.ChannelKeys.Find("channel")
	byChannel.Keys, of.Request = rollup.Keys{channel}, &byChannel
	return of.readChannelDays(ctx, nil)
}

// readChannelDays adds up rows by the request's keys, or by none.
func (r *Reading) readChannelDays(ctx context.Context, by rollup.Keys) ([]*rollup.Group[channelRow], error) {
	routes, err := r.DB.Routes(ctx, r.State.References)
	if err != nil {
		return nil, err
	}
	asOfMS := int64(0)
	if r.Seen.AsOfMS != nil {
		asOfMS = *r.Seen.AsOfMS
	}
	days, err := r.room.channelDays.Of(ctx, r.Request, r.State, routes, &rollup.Reader[*channelDay]{
		Serves: func(_ string, d *channelDay) bool { return d.asOfMS <= asOfMS && asOfMS <= d.untilMS },
		Along:  func(string) bool { return true },
		Read: func(ctx context.Context, rows *rollup.DayRows, parts []*rollup.Part[*channelDay]) error {
			of := rollup.PlacesOf(parts, func() *channelDay {
				return &channelDay{asOfMS: asOfMS,
					untilMS: math.MaxInt64}
			})
			return r.readChannelParts(ctx, rows, of)
		}})
	if err != nil {
		return nil, err
	}
	optOuts, err := r.channelOptOuts(ctx, routes)
	if err != nil {
		return nil, err
	}
	sums := []*channelDay{optOuts}
	for _, p := range days {
		sums = append(sums, p.Sums)
	}
	return sumChannels(sums, by)
}

// sumChannels adds up the rows of days by their keys, and in the order of these, or all of them.
func sumChannels(days []*channelDay, by rollup.Keys) ([]*rollup.Group[channelRow], error) {
	all := rollup.Groups[channelRow]{}
	if len(by) == 0 {
		_, _ = all.At(nil) // no key is one row, and none is too many
	}
	for _, d := range days {
		for i := range d.rows {
			if !d.rows[i].counted() {
				continue
			}
			keys := d.rows[i].keys
			if len(by) == 0 {
				keys = nil
			}
			row, err := all.At(keys)
			if err != nil {
				return nil, errManyRows
			}
			row.add(&d.rows[i])
		}
	}
	var rows []*rollup.Group[channelRow]
	for _, row := range all {
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b *rollup.Group[channelRow]) int { return Row{Keys: a.Keys}.CompareKeys(b.Keys) })
	return rows, nil
}

// channelOptOuts returns the opt-outs of the accounts, remembered until there are others. Attributing one anew takes it
// from a day of which nothing else changes, so they are no part of days.
func (r *Reading) channelOptOuts(ctx context.Context, routes *store.Routes) (*channelDay, error) {
	if r.State.OptOut == 0 {
		return &channelDay{}, nil
	}
	key := string(answer.QueryHash(string(hash(r.Request, "", "")), routes.Fingerprint, strconv.FormatInt(r.FromMS, 10),
		strconv.FormatInt(r.ToMS, 10), strconv.FormatInt(rollup.NowQuarter(r.Seen), 10),
		fmt.Sprint(r.State.Epoch, r.State.OptOut)))
	if d := r.room.channelMore.Get(key); d != nil {
		return d, nil
	}
	d := &channelDay{}
	if err := r.readChannelParts(ctx, &rollup.DayRows{}, allIn(d)); err != nil {
		return nil, err
	}
	r.room.channelMore.Put(key, d)
	return d, nil
}

// allIn has one place for all days.
func allIn[S any](sums S) func(account string, day int64, settling bool) S {
	return func(string, int64, bool) S { return sums }
}

// readChannelParts reads some days into what there is of each, opt-outs where there are none, and all without any.
func (r *Reading) readChannelParts(ctx context.Context, wanted *rollup.DayRows,
	of func(account string, day int64, settling bool) *channelDay) (err error) {
	r = r.apart(wanted)
	rows, err := r.queryDays(ctx, channelsTemplate.Lookup("channel_days"), wanted,
		clickhouse.Named("limit", uint32(rollup.MaxRows+1)))
	if err != nil {
		return err
	}
	defer store.CloseRows(rows, &err)
	scan := r.keyScan()
	var day uint16
	var settling uint8
	var untilMS int64
	var p channelPart
	places := append([]any{&day, &settling, &p.reports}, scan.Destinations()...)
	for i := range p.counts {
		places = append(places, rollup.CountOf(&p.counts[i], wanted))
	}
	places = append(places, &p.latencies[0], &p.latencies[1], &p.latencies[2],
		(*rollup.Change)(&p.settling.Unsettled), &p.settling.LastMS, &untilMS)
	for n := 0; rows.Next(); n++ {
		if n == rollup.MaxRows {
			return errManyRows
		}
		if err := rows.Scan(places...); err != nil {
			return err
		}
		account := ""
		if p.keys = scan.AppendTo(nil); wanted != nil && wanted.Accounts != nil {
			account, p.keys = p.keys[0].Text, p.keys[1:]
		}
		d := of(account, int64(day), settling == 1)
		d.rows = append(d.rows, p)
		d.untilMS = min(d.untilMS, untilMS)
	}
	return rows.Err()
}

// cutChannels cuts a page of rows.
func cutChannels(r *Reading, page *Page, rows []*rollup.Group[channelRow]) error {
	if r.At == nil {
		r.Seen.Mature = !slices.ContainsFunc(rows,
			func(g *rollup.Group[channelRow]) bool { return !r.Seen.Settled(g.Sums.settledMS) }) && !r.Seen.Lost
	} else {
		after, err := r.rowAfter()
		if err != nil {
			return err
		}
		start, found := slices.BinarySearchFunc(rows, after,
			func(g *rollup.Group[channelRow], after []rollup.KeyValue) int {
				return Row{Keys: g.Keys}.CompareKeys(after)
			})
		if found {
			start++
		}
		rows = rows[start:]
	}
	if len(r.Keys) > 0 && len(rows) > r.Limit {
		rows = rows[:r.Limit]
		page.Last = r.Keys.Shown(rows[r.Limit-1].Keys)
	}
	var line []answer.Value
	for _, g := range rows {
		row := &g.Sums
		for i := range row.latencies {
			row.latencies[i] = row.histograms[i].ranks()
		}
		line = row.row(r.Seen, r.Keys.Values(line[:0], g.Keys))
		page.Add(line)
	}
	return nil
}
