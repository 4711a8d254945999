package report

import (
	"slices"
	"strconv"
	"time"

	"kaskad/query/answer"
	"kaskad/query/store"
)

// Part is a UTC day of an account in an answer, or what the period leaves of it.
type Part[S any] struct {
	Date time.Time
	// From and To are its cohorts in Unix seconds, half-open.
	From, To uint32
	// Sums are what the report has of them. They never change.
	Sums S

	key string
}

// Day is the part's day in days of Unix time.
func (p *Part[S]) Day() int64 { return p.Date.Unix() / daySeconds }

// DaySums remember what a report has of the days of accounts by all that it depends on, so that an edition costs an
// answer the days that it changed. They are safe for concurrent use.
type DaySums[S interface {
	comparable
	Bytes() int64
}] struct{ cache Cache[S] }

// Of returns the parts of the period that anything is known of, of the one account in scope, or of all. read fills in
// the sums of those that are not remembered, or that are and don't serve this answer. What they depend on besides the
// request and what is published is named by depends.
func (d *DaySums[S]) Of(r *Request, state *store.State, routes *store.Routes, depends []string, serves func(S) bool,
	read func(missing []*Part[S]) error) (all []*Part[S], err error) {
	depends = append(append([]string{r.Name, r.Zone.String(), routes.Fingerprint}, depends...), r.Keys.Names()...)
	for _, f := range r.Filters {
		depends = append(append(depends, "", f.Key.Name), f.Values...)
	}
	depends = slices.Clip(depends)
	from, to := store.Storable(r.FromMS), store.Storable(r.ToMS)
	settling := SettlingBorders(&state.Snapshot, routes.SettlingDays)
	var none S
	var missing []*Part[S]
	for _, day := range state.Days {
		start := uint32(day.Date.Unix())
		p := &Part[S]{Date: day.Date, From: max(from, start), To: min(to, start+daySeconds)}
		if p.From >= p.To {
			continue
		}
		parts := append(depends, p.Date.Format(time.DateOnly), strconv.FormatUint(uint64(p.From), 10),
			strconv.FormatUint(uint64(p.To), 10), strconv.FormatUint(day.Newest, 10))
		if slices.ContainsFunc(settling,
			func(border uint32) bool { return border > start && border < start+daySeconds }) {
			// Some of the day's cohorts settle as time goes by; of other days all do before anybody asks again.
			parts = append(parts, strconv.FormatInt(NowQuarter(&state.Snapshot), 10))
		}
		p.key = string(answer.QueryHash(parts...))
		if sums := d.cache.Get(p.key); sums != none && serves(sums) {
			p.Sums = sums
		} else {
			missing = append(missing, p)
		}
		all = append(all, p)
	}
	if len(missing) == 0 {
		return all, nil
	}
	if err := read(missing); err != nil {
		return nil, err
	}
	for _, p := range missing {
		d.cache.Put(p.key, p.Sums)
	}
	return all, nil
}
