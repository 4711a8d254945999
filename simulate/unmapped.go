package simulate

import (
	"cmp"
	"encoding/json"
	"slices"
)

// UnmappedRow is an error code that no line of the error map knows, with the failed attempts that have it.
type UnmappedRow struct {
	Provider, ErrorCode, Channel string
	// Guess is the class that it is taken for, empty for none.
	Guess string
	Count int64
}

// MarshalJSON writes provider, error_code, channel, guess and count.
func (r UnmappedRow) MarshalJSON() ([]byte, error) {
	var w rowWriter
	w.field("provider", r.Provider)
	w.field("error_code", r.ErrorCode)
	w.field("channel", r.Channel)
	if r.Guess == "" {
		w.field("guess", json.RawMessage("null"))
	} else {
		w.field("guess", r.Guess)
	}
	w.field("count", r.Count)
	return w.finish()
}

// Unmapped counts the period's failed attempts whose code is guessed or unknown, the most frequent codes first.
func (m *Model) Unmapped(q ReachQuery) ([]UnmappedRow, error) {
	codes, err := codeBooks(q.Numbers.Shipped, q.Numbers.ErrorMaps)
	if err != nil {
		return nil, err
	}
	steps, err := m.selected(q.Query, nil)
	if err != nil {
		return nil, err
	}
	counts := make(map[UnmappedRow]int64)
	for i := range steps {
		x := &steps[i]
		r, found := m.codeReason(x.attempt, codes(x.account))
		if !x.facts.failed || !found || !r.guessed && !r.unmapped {
			continue
		}
		row := UnmappedRow{Provider: m.strings[x.attempt.dims[dimProvider]], ErrorCode: m.strings[x.attempt.errorCode],
			Channel: m.channel(x.attempt)}
		if r.guessed {
			row.Guess = r.class
		}
		counts[row]++
	}
	rows := make([]UnmappedRow, 0, len(counts))
	for row, n := range counts {
		row.Count = n
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(x, y UnmappedRow) int {
		return cmp.Or(cmp.Compare(y.Count, x.Count),
			slices.Compare([]string{x.Provider, x.ErrorCode, x.Channel}, []string{y.Provider, y.ErrorCode, y.Channel}))
	})
	return rows, nil
}
