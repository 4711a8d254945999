package numbers

import (
	"slices"

	"kaskad/simulate/model"
)

// FailureRow counts failed attempts of one kind. The default keys are channel, provider, reason and error_code.
type FailureRow struct {
	Keys  []model.Key
	Count int64
	// Share is of the failed attempts on the channel, or of all where the channel is no key.
	Share model.Rate
}

// MarshalJSON writes the keys, count and the share.
func (r FailureRow) MarshalJSON() ([]byte, error) {
	var w model.RowWriter
	w.Keys(r.Keys)
	w.Field("count", r.Count)
	w.Field("share_num", r.Share.Num)
	w.Field("share_den", r.Share.Den)
	w.Rate("share_rate", r.Share)
	w.Interval("share_rate", r.Share)
	return w.Finish()
}

// Failures counts the period's failed attempts by what they failed of. Names are those of the channel report, reason
// and error_code. A nil GroupBy is the default. Filters by provider, reason and error_code choose rows; the others cut
// the whole that shares are of, too.
func Failures(m *model.Model, q ReachQuery) ([]FailureRow, error) {
	codes, err := codeBooks(q.Numbers.Shipped, q.Numbers.ErrorMaps)
	if err != nil {
		return nil, err
	}
	names := q.GroupBy
	if names == nil {
		names = []string{"channel", "provider", "reason", "error_code"}
	}
	looked, rowFilters := q.Query, make(map[string][]string)
	looked.Filters = make(map[string][]string)
	for name, values := range q.Filters {
		if oneOf(name, "provider", "reason", "error_code") {
			rowFilters[name] = values
		} else {
			looked.Filters[name] = values
		}
	}
	failures, err := selected(m, looked, func(x *model.Folded) map[string]string {
		if !x.Facts.Failed {
			return nil
		}
		return map[string]string{"reason": reasonOf(m, x.Attempt, codes(x.Account)).class,
			"error_code": m.ErrorCode(x.Attempt)}
	})
	if err != nil {
		return nil, err
	}
	whole := func(x *keyed) string {
		if slices.Contains(names, "channel") {
			return m.Channel(x.Attempt)
		}
		return ""
	}
	wholes := make(map[string]int64)
	rows := make(map[string]*FailureRow)
	of := make(map[string]string)
	for i := range failures {
		x := &failures[i]
		wholes[whole(x)]++
		chosen := true
		for name, values := range rowFilters {
			key, err := reachKey(m, name, x, q.Zone())
			if err != nil {
				return nil, err
			}
			chosen = chosen && slices.Contains(values, key.String())
		}
		if !chosen {
			continue
		}
		keys, id, err := groupOf(m, names, x, q.Zone())
		if err != nil {
			return nil, err
		}
		if rows[id] == nil {
			rows[id] = &FailureRow{Keys: keys}
		}
		rows[id].Count++
		of[id] = whole(x)
	}
	list := make([]FailureRow, 0, len(rows))
	for id, r := range rows {
		r.Share = model.Rate{Num: r.Count, Den: wholes[of[id]]}
		list = append(list, *r)
	}
	slices.SortFunc(list, func(x, y FailureRow) int { return model.CompareKeys(x.Keys, y.Keys) })
	return list, nil
}
