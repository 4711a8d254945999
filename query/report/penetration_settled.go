package report

import (
	"context"
	_ "embed"
	"slices"
	"time"

	"kaskad/query/store"
)

//go:embed sql/penetration_settled.sql
var penetrationSettledSQL string

var penetrationSettled = Template("penetration_settled.sql", penetrationSettledSQL)

// settledRollup tells when the cohorts of groups settle.
func settledRollup() Rollup { return Rollup{Table: "rollup_attempts", Routed: true, ByRoute: true} }

// settledDay is when the youngest cohort of each group settles, of those of a day, by the text of the group's keys.
type settledDay struct{ of map[string]int64 }

// Bytes is about what the day takes.
func (d *settledDay) Bytes() int64 {
	size := int64(100)
	for id := range d.of {
		size += 60 + int64(len(id))
	}
	return size
}

// addSettled notes when the youngest cohorts of groups settle: of one account, or of all, as remembered by days.
func (r *Reading) addSettled(ctx context.Context, routes *store.Routes, all groups[audience]) error {
	isChannel := func(k Key) bool { return k.Name == "channel" }
	ask := *r.Request
	ask.Name, ask.Keys = "settled", slices.DeleteFunc(slices.Clone(r.Keys), isChannel)
	ask.Filters = slices.DeleteFunc(slices.Clone(r.Filters), func(f Filter) bool { return isChannel(f.Key) })
	var days []*Part[*settledDay]
	var err error
	if len(r.Accounts()) <= 1 {
		days, err = r.room.settledDays.Of(&ask, r.State, routes, nil, func(*settledDay) bool { return true },
			func(missing []*Part[*settledDay]) error {
				of := map[int64]*settledDay{}
				var wanted []string
				for _, p := range missing {
					wanted = append(wanted, p.Date.Format(time.DateOnly))
					p.Sums = &settledDay{map[string]int64{}}
					of[p.Day()] = p.Sums
				}
				return r.readSettled(ctx, &ask, routes, wanted, func(day int64) *settledDay { return of[day] })
			})
	} else {
		whole := &settledDay{map[string]int64{}}
		days = []*Part[*settledDay]{{Sums: whole}}
		err = r.readSettled(ctx, &ask, routes, nil, func(int64) *settledDay { return whole })
	}
	for _, p := range days {
		for id, ms := range p.Sums.of {
			if group := all[id]; group != nil {
				group.sums.settledMS = max(group.sums.settledMS, ms)
			}
		}
	}
	return err
}

func (r *Reading) readSettled(ctx context.Context, ask *Request, routes *store.Routes, wanted []string,
	dayOf func(day int64) *settledDay) error {
	cells := &Cells{Rollup: settledRollup(), Accounts: r.Accounts(), FromMS: r.FromMS, ToMS: r.ToMS, Keys: ask.Keys,
		Filters: ask.Filters, Zone: r.Zone.String(), Seen: r.Seen, SettlingDays: routes.SettlingDays,
		Days: r.State.Days, Wanted: wanted}
	var day uint16
	var settledMS int64
	return r.eachOf(ctx, penetrationSettled, routes, cells, []any{&day, &settledMS}, func(keys []KeyValue) error {
		dayOf(int64(day)).of[KeysText(keys)] = settledMS
		return nil
	})
}
