package simulate

import "slices"

// FailureRow counts failed attempts of one kind. The default keys are channel, provider, reason and error_code.
type FailureRow struct {
	Keys  []Key
	Count int64
	// Share is of the failed attempts on the channel, or of all where the channel is no key.
	Share Rate
}

// MarshalJSON writes the keys, count and the share.
func (r FailureRow) MarshalJSON() ([]byte, error) {
	var w rowWriter
	w.keys(r.Keys)
	w.field("count", r.Count)
	w.field("share_num", r.Share.Num)
	w.field("share_den", r.Share.Den)
	w.rate("share_rate", r.Share)
	w.interval("share_rate", r.Share)
	return w.finish()
}

// Failures counts the period's failed attempts by what they failed of. Names are those of the channel report, reason
// and error_code. A nil GroupBy is the default. Filters by provider, reason and error_code choose rows; the others cut
// the whole that shares are of, too.
func (m *Model) Failures(q ReachQuery) ([]FailureRow, error) {
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
	failures, err := m.selected(looked, func(x *foldedAttempt) map[string]string {
		if !x.facts.failed {
			return nil
		}
		return map[string]string{"reason": m.reason(x.attempt, codes(x.account)).class,
			"error_code": m.strings[x.attempt.errorCode]}
	})
	if err != nil {
		return nil, err
	}
	whole := func(x *keyed) string {
		if slices.Contains(names, "channel") {
			return m.channel(x.attempt)
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
			key, err := m.reachKey(name, x, q.zone())
			if err != nil {
				return nil, err
			}
			chosen = chosen && slices.Contains(values, key.String())
		}
		if !chosen {
			continue
		}
		keys, id, err := m.groupOf(names, x, q.zone())
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
		r.Share = Rate{r.Count, wholes[of[id]]}
		list = append(list, *r)
	}
	slices.SortFunc(list, func(x, y FailureRow) int { return compareKeys(x.Keys, y.Keys) })
	return list, nil
}
