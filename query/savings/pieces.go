package savings

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"kaskad/query/answer"
	"kaskad/query/report"
	"kaskad/query/store"
)

// piece is a UTC day of an account in an answer, or what the period leaves of it. Its sums are remembered by all that
// they depend on, so an edition costs an answer the days that it changed.
type piece struct {
	date string
	// from and to are its cohorts in Unix seconds.
	from, to uint32
	key      string
	sums     *pieceSums
}

// pieceSums are the rows that a report has of a piece. They never change.
type pieceSums struct {
	rows []*quantities
	// pricing is what they were priced by: monthly minimums are told apart by its tariffs, so sums by another that says
	// the same don't add up.
	pricing *pricing
}

// Bytes is about what the sums take.
func (p *pieceSums) Bytes() int64 { return (&materialized{rows: p.rows}).Bytes() }

const (
	daySeconds = 24 * 60 * 60
	dayMS      = daySeconds * 1000
)

// pieces are the days of the only account in scope that anything is known of, with what is remembered of them.
func (s *Savings) pieces(request *report.Request, in inputs, q *cellsQuery, own priced) (all []piece) {
	core := []string{request.Zone.String(), q.accounts[0], strconv.FormatBool(own.monthEnds != nil),
		fmt.Sprint(in.lists.Versions), in.capabilities.Fingerprint}
	core = append(core, request.Keys.Names()...)
	for _, f := range request.Filters {
		core = append(append(core, "", f.Key.Name), f.Values...)
	}
	from, to := store.Storable(request.FromMS), store.Storable(request.ToMS)
	settling := report.SettlingBorders(&in.seen, report.SettlingDays(in.routes))
	for _, day := range in.days.Known {
		start := uint32(day.Date.Unix())
		p := piece{date: day.Date.Format(time.DateOnly), from: max(from, start), to: min(to, start+daySeconds)}
		if p.from >= p.to {
			continue
		}
		parts := append(core[:len(core):len(core)], p.date, strconv.FormatUint(uint64(p.from), 10),
			strconv.FormatUint(uint64(p.to), 10), strconv.FormatUint(day.Newest, 10))
		for _, border := range settling {
			if border > start && border < start+daySeconds {
				// Some of the day's cohorts settle as time goes by; of other days all do before anybody asks again.
				parts = append(parts, strconv.FormatInt(report.NowQuarter(&in.seen), 10))
				break
			}
		}
		p.key = string(answer.QueryHash(parts...))
		if sums := s.parts.Get(p.key); sums != nil && sums.pricing == own.pricing {
			p.sums = sums
		}
		all = append(all, p)
	}
	return all
}

// computePieces reads and prices the pieces that are not remembered, and adds all of them up.
func (s *Savings) computePieces(ctx context.Context, request *report.Request, in inputs,
	q *cellsQuery) ([]*quantities, error) {
	own := s.priced(q.accounts[0], in, q)
	pieces := s.pieces(request, in, q, own)
	var missing []*piece
	for i := range pieces {
		if p := &pieces[i]; p.sums == nil {
			missing = append(missing, p)
			q.wanted = append(q.wanted, p.date)
			q.addBorders(p.from, p.to)
		}
	}
	if len(missing) > 0 {
		f := newFold(s, request.Keys, request.Filters, report.NowQuarter(&in.seen))
		f.byPiece = true
		if err := s.readCells(ctx, request, q, in, f, map[string]priced{q.accounts[0]: own}); err != nil {
			return nil, err
		}
		if err := f.settle(ctx); err != nil {
			return nil, err
		}
		rows := map[int64][]*quantities{}
		for _, r := range f.rows() {
			rows[r.piece] = append(rows[r.piece], r)
		}
		for _, p := range missing {
			p.sums = &pieceSums{rows: rows[int64(p.from)/daySeconds], pricing: own.pricing}
			s.parts.Put(p.key, p.sums)
		}
	}
	all := newFold(s, request.Keys, nil, 0)
	for _, p := range pieces {
		for _, r := range p.sums.rows {
			if err := all.merge(r); err != nil {
				return nil, err
			}
		}
	}
	return all.rows(), nil
}
