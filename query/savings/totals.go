package savings

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"kaskad/query/answer"
	"kaskad/query/rollup"
)

// Totals is the savings report without keys, as other answers have parts of it.
type Totals struct {
	// Messages are all with an attempted step.
	Messages uint64
	// Rows are those of the report, one for each currency, with the figures that were asked for.
	Rows [][]answer.Member
	// Unpriced are the messages without a price by why, over all currencies, ordered by reason and channel.
	Unpriced []Unpriced
	Mature   bool
	Versions answer.PriceVersions
}

// Unpriced are messages without a price.
type Unpriced struct {
	Reason, Channel string
	Messages        uint64
}

// Totals returns the report of a period and its accounts: remembered where nothing has changed. The request has no
// keys, and no filter but by account.
func (s *Savings) Totals(ctx context.Context, r rollup.Request, figures []string) (*Totals, error) {
	r.Name, r.Keys, r.Extra, r.Limit = form.Name, nil, form.Extra, 0
	r.Hash = answer.QueryHash(append([]string{"savings totals", r.Zone.String(), fmt.Sprint(r.Accounts() == nil)},
		r.Accounts()...)...)
	in, err := s.readInputs(ctx, &r)
	if err != nil {
		return nil, fmt.Errorf("savings: %w", err)
	}
	reply, err := s.materialize(ctx, &r, in)
	if err != nil {
		return nil, fmt.Errorf("savings: %w", err)
	}
	seen := &in.state.Snapshot
	shown := display{format: answer.FormatJSON, channels: reply.channels, minimum: newMinimumScope(&r, in.lists),
		seen: seen, asOfMS: seen.UpTo()}
	columns := Columns(nil, answer.FormatJSON, reply.channels)
	t := &Totals{Mature: !seen.Lost, Versions: in.lists.Versions}
	reasons := map[unpricedReason]uint64{}
	for _, row := range reply.rows {
		t.Messages += row.messages
		t.Mature = t.Mature && seen.Settled(row.settledMS)
		for reason, n := range row.reasons {
			reasons[reason] += n
		}
		values := shown.row(row, nil)
		var members []answer.Member
		for _, name := range figures {
			at := slices.IndexFunc(columns, func(c answer.Column) bool { return c.Name == name })
			members = append(members, answer.Member{Name: name, Value: values[at]})
		}
		t.Rows = append(t.Rows, members)
	}
	for reason, n := range reasons {
		t.Unpriced = append(t.Unpriced, Unpriced{reason.reason, reason.channel, n})
	}
	slices.SortFunc(t.Unpriced, func(a, b Unpriced) int {
		return cmp.Or(cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Channel, b.Channel))
	})
	return t, nil
}

// TotalsColumns describes the figures of a row of Totals.
func TotalsColumns(figures []string) (columns []answer.Column) {
	for _, c := range form.Fields() {
		if slices.Contains(figures, c.Name) {
			columns = append(columns, c)
		}
	}
	return columns
}
