package savings

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"kaskad/query/rollup"
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

// Plus implements report.Sums.
func (p *pieceSums) Plus(more *pieceSums, times int64) (sums *pieceSums, counts bool) {
	all := newFold(nil, nil, nil, 0)
	all.changes = true
	for _, r := range p.rows {
		if all.merge(r, 1) != nil {
			return nil, false
		}
	}
	for _, r := range more.rows {
		if all.merge(r, times) != nil {
			return nil, false
		}
	}
	sums = &pieceSums{pricing: p.pricing}
	for _, r := range all.rows() {
		left, counts := r.left()
		if !counts {
			return nil, false
		}
		if left {
			sums.rows = append(sums.rows, r)
		}
	}
	return sums, true
}

// Settle implements report.Sums.
func (p *pieceSums) Settle(visit func(row string, s rollup.Settling)) {
	for _, r := range p.rows {
		visit(rollup.KeysText(append(slices.Clip(r.keys), rollup.KeyValue{Text: r.currency})), r.settling)
	}
}

const dayMS = 24 * schema.HourMS

// computePieces reads and prices the pieces that are not remembered, or what editions changed of those that are, and
// adds all of them up.
func (s *Savings) computePieces(ctx context.Context, request *rollup.Request, in inputs,
	q *cellsQuery) ([]*quantities, error) {
	own := s.priced(q.accounts[0], in, q)
	pieces, err := s.parts.Of(ctx, request, in.state, in.routes, &rollup.Reader[*pieceSums]{
		Depends: func(account string) []string {
			of, _ := in.lists.Beside(account)
			return []string{strconv.FormatBool(q.monthEnds[account] != nil), fmt.Sprint(of.Versions)}
		},
		Serves: func(account string, sums *pieceSums) bool {
			if account == q.accounts[0] {
				return sums.pricing == own.pricing
			}
			return sums.pricing == s.priced(account, in, q).pricing
		},
		Along: func(account string) bool {
			_, read := in.lists.Beside(account)
			// A monthly minimum tells apart what others add up.
			return read && !in.lists.Account(account).List.HasMinimum()
		},
		Read: func(ctx context.Context, rows *rollup.DayRows, parts []*rollup.Part[*pieceSums]) error {
			if rows.Accounts != nil {
				return s.readPiecesApart(ctx, request, in, rows, parts)
			}
			return s.readPieces(ctx, request, in, *q, map[string]priced{q.accounts[0]: own}, rows, parts)
		}})
	if err != nil {
		return nil, err
	}
	all := newFold(s, request.Keys, nil, 0)
	for _, p := range pieces {
		for _, r := range p.Sums.rows {
			if err := all.merge(r, 1); err != nil {
				return nil, err
			}
		}
	}
	return all.rows(), nil
}

// readPiecesApart reads and prices what editions changed of pieces of several accounts, none of which has a monthly
// minimum.
func (s *Savings) readPiecesApart(ctx context.Context, request *rollup.Request, in inputs,
	rows *rollup.DayRows, parts []*rollup.Part[*pieceSums]) error {
	apart := request.Of(rows.Accounts...)
	account, _ := Keys.Find("account")
	apart.Keys = append(rollup.Keys{account}, request.Keys...)
	q := newCellsQuery(apart, &in.state.Snapshot)
	q.setPrices(in.lists, in.routes.SettlingDays, minimumScope{none: true})
	accounts := map[string]priced{}
	for _, account := range rows.Accounts {
		accounts[account] = s.priced(account, in, q)
	}
	return s.readPieces(ctx, apart, in, *q, accounts, rows, parts)
}

// readPieces reads and prices pieces, or what editions changed of them.
func (s *Savings) readPieces(ctx context.Context, request *rollup.Request, in inputs, q cellsQuery,
	accounts map[string]priced, rows *rollup.DayRows, parts []*rollup.Part[*pieceSums]) error {
	q.rows, q.borders = rows, slices.Clone(q.borders)
	for _, p := range parts {
		q.addBorders(p.From, p.To)
	}
	f := newFold(s, request.Keys, request.Filters, rollup.NowQuarter(&in.state.Snapshot))
	f.byPiece, f.changes = true, rows.Above != nil
	f.settling = rollup.SettlingQuarters(&in.state.Snapshot, in.routes.SettlingDays)
	if err := s.readCells(ctx, request, &q, in, f, accounts); err != nil {
		return err
	}
	if err := f.settle(ctx); err != nil {
		return err
	}
	type place struct {
		account string
		piece
	}
	of := map[place][]*quantities{}
	for _, r := range f.rows() {
		at := place{piece: r.piece}
		if rows.Accounts != nil {
			at.account, r.keys = r.keys[0].Text, r.keys[1:]
		}
		of[at] = append(of[at], r)
	}
	for _, p := range parts {
		account := q.accounts[0]
		if p.Account != "" {
			account = p.Account
		}
		p.Sums = &pieceSums{rows: of[place{p.Account, piece{p.Day(), p.Settling}}], pricing: accounts[account].pricing}
	}
	return nil
}
