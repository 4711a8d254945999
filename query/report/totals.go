package report

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"kaskad/query/answer"
	"kaskad/query/rollup"
)

// Totals is the channel report without keys, as other answers have parts of it.
type Totals struct {
	*totalSums
	mature bool
}

// totalSums are what is remembered of it: whether they are mature is another question each time. They never change.
type totalSums struct{ channelSums }

// Bytes is about what they take.
func (*totalSums) Bytes() int64 { return 600 }

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
	sums := s.totals.Get(key)
	if sums == nil {
		groups, err := r.channelRows(ctx)
		if err != nil {
			return nil, fmt.Errorf("channels: %w", err)
		}
		sums = &totalSums{groups[0].Sums.channelSums}
		s.totals.Put(key, sums)
	}
	return &Totals{sums, r.Seen.Settled(sums.settledMS)}, nil
}

// Members are the figures of the report that are asked for by their names, and mature.
func (t *Totals) Members(figures []string) (members []answer.Member) {
	values := t.row(&answer.Snapshot{}, nil)
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
