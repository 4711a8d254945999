package money

import (
	"cmp"
	"slices"

	"kaskad/schema"
	"kaskad/schema/listfile"
)

// decimal returns a price or 0 when it is left out.
func decimal(r *listfile.Row, field string) int64 {
	v := r.Value(field)
	if v.Kind == listfile.Absent {
		return 0
	}
	if v.Kind == listfile.Other {
		r.Refuse(field, `must be a decimal such as "2.50"`)
		return 0
	}
	micros, err := ParsePrice(v.Text)
	if err != nil {
		r.Refuse(field, err.Error())
	}
	return micros
}

const quarterMS = 15 * 60 * 1000

// checkValidity judges the borders of a row's validity. FromMS is 0 and ToMS is schema.Never where they are unknown.
func checkValidity(fromMS, toMS int64, refuse func(field, reason string)) {
	check := func(field string, ms int64) {
		switch {
		case ms < 0 || ms >= schema.Never:
			refuse(field, "must lie in the years 1970 to 2286; leave valid_to out while the row has no end")
		case ms%quarterMS != 0:
			refuse(field, "must lie on a quarter hour of UTC, because prices change between quarter hours of "+
				"cohorts: :00, :15, :30 or :45 without seconds")
		}
	}
	check("valid_from", fromMS)
	if toMS != schema.Never {
		check("valid_to", toMS)
	}
	if toMS <= fromMS && fromMS < schema.Never {
		refuse("valid_to", "must be later than valid_from: the row is valid from valid_from until just before valid_to")
	}
}

// period is a row's validity under its keys.
type period[K comparable] struct {
	keys         K
	fromMS, toMS int64
	row          int // index
}

// overlaps calls found with the indexes of rows that have the same keys and are valid at the same time, the later row
// of the list first.
func overlaps[K comparable](periods []period[K], found func(row, with int)) {
	groups := make(map[K][]period[K], len(periods))
	for _, p := range periods {
		groups[p.keys] = append(groups[p.keys], p)
	}
	// In the order of the list, so that the same list has the same problems in the same order.
	for _, p := range periods {
		group := groups[p.keys]
		if len(group) < 2 {
			continue
		}
		delete(groups, p.keys)
		slices.SortStableFunc(group, func(a, b period[K]) int { return cmp.Compare(a.fromMS, b.fromMS) })
		last := group[0] // of those so far, the one that is valid longest
		for _, q := range group[1:] {
			if q.fromMS < last.toMS {
				found(max(q.row, last.row), min(q.row, last.row))
			}
			if q.toMS > last.toMS {
				last = q
			}
		}
	}
}
