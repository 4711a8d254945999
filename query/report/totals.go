package report

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"kaskad/query/answer"
	"kaskad/query/rollup"
)

// Totals is the channel report without keys, as other answers have parts of it. It never changes.
type Totals struct {
	sums   channelSums
	mature bool
}

// Bytes is about what it takes.
func (t *Totals) Bytes() int64 { return 600 }

// Totals returns the channel report of a period and its accounts, but for what depends on windows that are over and for
// percentiles: remembered where nothing has changed. The request has no keys, and no filter but by account.
func (s *Room) Totals(ctx context.Context, request rollup.Request) (*Totals, error) {
	state, err := request.State(ctx, s.db)
	if err != nil {
		return nil, err
	}
	r := (&Reading{Request: &request, DB: s.db, Prices: s.prices, State: state, Seen: &state.Snapshot,
		room: s}).ofChannels(nil, request.Filters)
	routes, err := s.db.Routes(ctx, state.References)
	if err != nil {
		return nil, err
	}
	key := string(answer.QueryHash(string(r.Hash), strconv.FormatInt(r.FromMS, 10), strconv.FormatInt(r.ToMS, 10),
		strconv.FormatInt(rollup.NowQuarter(r.Seen), 10), state.Fingerprint(), strconv.FormatUint(state.OptOut, 10),
		routes.Fingerprint))
	if known := s.totals.Get(key); known != nil {
		return known, nil
	}
	groups, err := r.channelRows(ctx)
	if err != nil {
		return nil, fmt.Errorf("channels: %w", err)
	}
	t := &Totals{sums: groups[0].Sums.channelSums}
	t.mature = !r.Seen.Lost && r.Seen.Settled(t.sums.settledMS)
	s.totals.Put(key, t)
	return t, nil
}

// Members are the figures of the report that are asked for by their names, and mature.
func (t *Totals) Members(figures []string) (members []answer.Member) {
	values := t.sums.row(&answer.Snapshot{}, nil)
	for i := range channelsReport.Figures {
		f := &channelsReport.Figures[i]
		fields := f.Fields()
		if slices.Contains(figures, f.Name) {
			for at, name := range fields {
				members = append(members, answer.Member{Name: name, Value: values[at]})
			}
		}
		values = values[len(fields):]
	}
	return append(members, answer.Member{Name: "mature", Value: answer.Bool(t.mature)})
}

// TotalsColumns describes Members.
func TotalsColumns(figures []string) (columns []answer.Column) {
	for i := range channelsReport.Figures {
		if f := &channelsReport.Figures[i]; slices.Contains(figures, f.Name) {
			columns = append(columns, f.Columns()...)
		}
	}
	return append(columns, answer.MatureColumn())
}
