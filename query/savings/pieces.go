package savings

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"kaskad/query/report"
	"kaskad/schema"
)

// pieceSums are the rows that a report has of a piece. They never change.
type pieceSums struct {
	rows []*quantities
	// pricing is what they were priced by: monthly minimums are told apart by its tariffs, so sums by another that says
	// the same don't add up.
	pricing *pricing
}

// Bytes is about what the sums take.
func (p *pieceSums) Bytes() int64 { return (&materialized{rows: p.rows}).Bytes() }

const dayMS = 24 * schema.HourMS

// computePieces reads and prices the pieces that are not remembered, and adds all of them up.
func (s *Savings) computePieces(ctx context.Context, request *report.Request, in inputs,
	q *cellsQuery) ([]*quantities, error) {
	own := s.priced(q.accounts[0], in, q)
	pieces, err := s.parts.Of(request, in.state, in.routes,
		[]string{strconv.FormatBool(own.monthEnds != nil), fmt.Sprint(in.lists.Versions)},
		func(sums *pieceSums) bool { return sums.pricing == own.pricing },
		func(missing []*report.Part[*pieceSums]) error {
			for _, p := range missing {
				q.wanted = append(q.wanted, p.Date.Format(time.DateOnly))
				q.addBorders(p.From, p.To)
			}
			f := newFold(s, request.Keys, request.Filters, report.NowQuarter(&in.state.Snapshot))
			f.byPiece = true
			if err := s.readCells(ctx, request, q, in, f, map[string]priced{q.accounts[0]: own}); err != nil {
				return err
			}
			if err := f.settle(ctx); err != nil {
				return err
			}
			rows := map[int64][]*quantities{}
			for _, r := range f.rows() {
				rows[r.piece] = append(rows[r.piece], r)
			}
			for _, p := range missing {
				p.Sums = &pieceSums{rows: rows[p.Day()], pricing: own.pricing}
			}
			return nil
		})
	if err != nil {
		return nil, err
	}
	all := newFold(s, request.Keys, nil, 0)
	for _, p := range pieces {
		for _, r := range p.Sums.rows {
			if err := all.merge(r); err != nil {
				return nil, err
			}
		}
	}
	return all.rows(), nil
}
