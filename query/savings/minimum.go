package savings

import (
	"slices"
	"time"

	"kaskad/query/prices"
	"kaskad/query/rollup"
)

// minimumScope says whether a report may show monthly minimums (docs/definitions.md section 4, Tariffs).
type minimumScope struct {
	// none: no list in scope has a minimum, so there is nothing to add.
	none bool
	// shown: the period is of whole months in the billing zone of every account that has one, and nothing cuts a
	// sender's month but what names it.
	shown bool
	// bySender: senders are apart.
	bySender bool
	// zones are the billing zones of the accounts that have a minimum.
	zones map[string]*time.Location
}

// newMinimumScope looks at the lists of the accounts that the request covers.
func newMinimumScope(r *rollup.Request, lists *prices.Lists) minimumScope {
	names := r.Keys.Names()
	for _, f := range r.Filters {
		names = append(names, f.Key.Name)
	}
	m := minimumScope{shown: true, bySender: slices.Contains(names, "sender"), zones: map[string]*time.Location{}}
	for account, own := range lists.Accounts(r.Accounts()) {
		if !own.List.HasMinimum() {
			continue
		}
		m.zones[account] = own.Zone
		m.shown = m.shown && startOfMonth(r.FromMS, own.Zone).UnixMilli() == r.FromMS &&
			startOfMonth(r.ToMS, own.Zone).UnixMilli() == r.ToMS &&
			(!slices.Contains(names, "month") || r.Zone.String() == own.Zone.String())
	}
	m.none = len(m.zones) == 0
	m.shown = m.shown && !slices.ContainsFunc(names, func(name string) bool {
		return !slices.Contains([]string{"account", "sender", "month", "currency"}, name)
	})
	return m
}

// startOfMonth returns the first instant of the month that a time lies in.
func startOfMonth(ms int64, zone *time.Location) time.Time {
	t := time.UnixMilli(ms).In(zone)
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, zone)
}

// The years of monthEnds: no cohort lies outside of them, and a place among their months takes 8 bits.
const firstBillingYear, lastBillingYear = 2020, 2040

// monthEnds lists, in order, the Unix milliseconds at which the months of the zone end that begin in from…to. There is
// one at least.
func monthEnds(fromMS, toMS int64, zone *time.Location) (ends []int64) {
	first := max(fromMS, time.Date(firstBillingYear, 1, 1, 0, 0, 0, 0, zone).UnixMilli())
	toMS = max(first+1, min(toMS, time.Date(lastBillingYear, 1, 1, 0, 0, 0, 0, zone).UnixMilli()))
	for start := startOfMonth(first, zone); start.UnixMilli() < toMS; {
		start = startOfMonth(start.AddDate(0, 1, 0).UnixMilli(), zone)
		ends = append(ends, start.UnixMilli())
	}
	return ends
}
