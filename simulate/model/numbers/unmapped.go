package numbers

import (
	"cmp"
	"encoding/json"
	"slices"

	"kaskad/simulate/model"
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
	var w model.RowWriter
	w.Field("provider", r.Provider)
	w.Field("error_code", r.ErrorCode)
	w.Field("channel", r.Channel)
	if r.Guess == "" {
		w.Field("guess", json.RawMessage("null"))
	} else {
		w.Field("guess", r.Guess)
	}
	w.Field("count", r.Count)
	return w.Finish()
}

// Unmapped counts the period's failed attempts whose code is guessed or unknown, the most frequent codes first.
func Unmapped(m *model.Model, q ReachQuery) ([]UnmappedRow, error) {
	codes, err := codeBooks(q.Numbers.Shipped, q.Numbers.ErrorMaps)
	if err != nil {
		return nil, err
	}
	steps, err := selected(m, q.Query, nil)
	if err != nil {
		return nil, err
	}
	counts := make(map[UnmappedRow]int64)
	for i := range steps {
		x := &steps[i]
		r, found := codeReason(m, x.Attempt, codes(x.Account))
		if !x.Facts.Failed || !found || !r.guessed && !r.unmapped {
			continue
		}
		row := UnmappedRow{Provider: m.Provider(x.Attempt), ErrorCode: m.ErrorCode(x.Attempt),
			Channel: m.Channel(x.Attempt)}
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
