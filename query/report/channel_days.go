package report

import (
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/query/answer"
	"kaskad/query/store"
)

const (
	// noDay is a day that has no cells, and fewDays are so few that a second thread is not worth its cost.
	noDay   = "1970-01-01"
	fewDays = 3
	// skewedAt is the place of the skewed attempts among the counts.
	skewedAt = 9
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
	keys    []KeyValue
	reports uint32
	counts  [channelCounts + windowCounts]uint64
	// latencies are packed histograms: to deliver, to read, to reply.
	latencies [3]string
	settledMS int64
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
	s.settledMS = max(s.settledMS, p.settledMS)
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
	const size = 2 + 8
	for ; len(packed) >= size; packed = packed[size:] {
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
func readChannelDays(ctx context.Context, r *Reading) ([]*group[channelRow], error) {
	routes, err := r.DB.Routes(ctx, r.State.References)
	if err != nil {
		return nil, err
	}
	asOfMS := int64(0)
	if r.Seen.AsOfMS != nil {
		asOfMS = *r.Seen.AsOfMS
	}
	days, err := r.room.channelDays.Of(r.Request, r.State, routes, nil,
		func(d *channelDay) bool { return d.asOfMS <= asOfMS && asOfMS <= d.untilMS },
		func(missing []*Part[*channelDay]) error {
			wanted, of := make([]string, len(missing)), make(map[int64]*channelDay, len(missing))
			for i, p := range missing {
				wanted[i] = p.Date.Format(time.DateOnly)
				p.Sums = &channelDay{asOfMS: asOfMS, untilMS: math.MaxInt64}
				of[p.Day()] = p.Sums
			}
			return r.readChannelParts(ctx, wanted, func(day int64) *channelDay { return of[day] })
		})
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
	return r.sumChannels(sums)
}

// sumChannels adds up the rows of days, in the order of their keys.
func (r *Reading) sumChannels(days []*channelDay) ([]*group[channelRow], error) {
	all := groups[channelRow]{}
	if len(r.Keys) == 0 {
		_, _ = all.at(nil) // no key is one row, and none is too many
	}
	for _, d := range days {
		for i := range d.rows {
			row, err := all.at(d.rows[i].keys)
			if err != nil {
				return nil, errManyRows
			}
			row.add(&d.rows[i])
		}
	}
	var rows []*group[channelRow]
	for _, row := range all {
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b *group[channelRow]) int { return Row{Keys: a.keys}.CompareKeys(b.keys) })
	return rows, nil
}

// channelOptOuts returns the opt-outs of the accounts, remembered until there are others. Attributing one anew takes it
// from a day of which nothing else changes, so they are no part of days.
func (r *Reading) channelOptOuts(ctx context.Context, routes *store.Routes) (*channelDay, error) {
	if r.State.OptOut == 0 {
		return &channelDay{}, nil
	}
	key := string(answer.QueryHash(string(r.Hash), routes.Fingerprint, strconv.FormatInt(r.FromMS, 10),
		strconv.FormatInt(r.ToMS, 10), strconv.FormatInt(NowQuarter(r.Seen), 10),
		strconv.FormatUint(r.State.OptOut, 10)))
	if d := r.room.channelDays.cache.Get(key); d != nil {
		return d, nil
	}
	d := &channelDay{}
	if err := r.readChannelParts(ctx, []string{noDay}, everyDay(d)); err != nil {
		return nil, err
	}
	r.room.channelDays.cache.Put(key, d)
	return d, nil
}

// everyDay has one place for all days.
func everyDay(d *channelDay) func(day int64) *channelDay {
	return func(int64) *channelDay { return d }
}

// readChannelParts reads some days, or opt-outs as noDay, into what there is of each; without any all of them.
func (r *Reading) readChannelParts(ctx context.Context, wanted []string, of func(day int64) *channelDay) (err error) {
	rows, err := r.queryDays(ctx, channelsTemplate.Lookup("channel_days"), wanted,
		clickhouse.Named("limit", uint32(maxRows+1)))
	if err != nil {
		return err
	}
	defer store.CloseRows(rows, &err)
	scan := r.keyScan()
	var day uint16
	var untilMS int64
	var p channelPart
	places := append([]any{&day, &p.reports}, scan.Destinations()...)
	for i := range p.counts {
		places = append(places, (*Count)(&p.counts[i]))
	}
	places = append(places, &p.latencies[0], &p.latencies[1], &p.latencies[2], &p.settledMS, &untilMS)
	for n := 0; rows.Next(); n++ {
		if n == maxRows {
			return errManyRows
		}
		if err := rows.Scan(places...); err != nil {
			return err
		}
		p.keys = scan.AppendTo(nil)
		d := of(int64(day))
		d.rows = append(d.rows, p)
		d.untilMS = min(d.untilMS, untilMS)
	}
	return rows.Err()
}

// cutChannels cuts a page of rows.
func cutChannels(r *Reading, page *Page, rows []*group[channelRow]) error {
	if r.At == nil {
		r.Seen.Mature = !slices.ContainsFunc(rows,
			func(g *group[channelRow]) bool { return !r.Seen.Settled(g.sums.settledMS) }) && !r.Seen.Lost
	} else {
		after, err := r.rowAfter()
		if err != nil {
			return err
		}
		start, found := slices.BinarySearchFunc(rows, after,
			func(g *group[channelRow], after []KeyValue) int { return Row{Keys: g.keys}.CompareKeys(after) })
		if found {
			start++
		}
		rows = rows[start:]
	}
	if len(r.Keys) > 0 && len(rows) > r.Limit {
		rows = rows[:r.Limit]
		page.Last = r.Keys.Shown(rows[r.Limit-1].keys)
	}
	var line []answer.Value
	for _, g := range rows {
		row := &g.sums
		for i := range row.latencies {
			row.latencies[i] = row.histograms[i].ranks()
		}
		line = row.row(r.Seen, r.Keys.Values(line[:0], g.keys))
		page.Add(line)
	}
	return nil
}
