package report

import (
	"context"
	_ "embed"
	"maps"
	"slices"

	"kaskad/query/store"
)

//go:embed sql/penetration_settled.sql
var penetrationSettledSQL string

var penetrationSettled = Template("penetration_settled.sql", penetrationSettledSQL)

// settledRollup tells when the cohorts of groups settle.
func settledRollup() Rollup { return Rollup{Table: "rollup_attempts", Routed: true, ByRoute: true} }

// settledDay is when the youngest cohort of each group settles, of those of a day, by the text of the group's keys.
type settledDay struct{ of map[string]Settling }

func newSettledDay() *settledDay { return &settledDay{map[string]Settling{}} }

// Bytes is about what the day takes.
func (d *settledDay) Bytes() int64 {
	size := int64(100)
	for id := range d.of {
		size += 70 + int64(len(id))
	}
	return size
}

// Plus implements Sums.
func (d *settledDay) Plus(more *settledDay, times int64) (sums *settledDay, counts bool) {
	sums = &settledDay{maps.Clone(d.of)}
	for id, s := range more.of {
		at := sums.of[id]
		at.Add(s, times)
		if sums.of[id] = at; int64(at.Unsettled) < 0 {
			return nil, false
		}
	}
	return sums, true
}

// Settle implements Sums.
func (d *settledDay) Settle(visit func(row string, s Settling)) {
	for id, s := range d.of {
		visit(id, s)
	}
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
			func(rows *DayRows, parts []*Part[*settledDay]) error {
				return r.readSettled(ctx, &ask, routes, rows, placesOf(parts, newSettledDay))
			})
	} else {
		whole := newSettledDay()
		days = []*Part[*settledDay]{{Sums: whole}}
		err = r.readSettled(ctx, &ask, routes, nil, allIn(whole))
	}
	for _, p := range days {
		for id, s := range p.Sums.of {
			if group := all[id]; group != nil {
				group.sums.settledMS = max(group.sums.settledMS, s.MS())
			}
		}
	}
	return err
}

func (r *Reading) readSettled(ctx context.Context, ask *Request, routes *store.Routes, wanted *DayRows,
	dayOf func(day int64, settling bool) *settledDay) error {
	cells := &Cells{Rollup: settledRollup(), Accounts: r.Accounts(), FromMS: r.FromMS, ToMS: r.ToMS, Keys: ask.Keys,
		Filters: ask.Filters, Zone: r.Zone.String(), Seen: r.Seen, SettlingDays: routes.SettlingDays,
		Days: r.State.Days, Rows: wanted}
	var day uint16
	var settling uint8
	var s Settling
	return r.eachOf(ctx, penetrationSettled, routes, cells, []any{&day, &settling, (*Change)(&s.Unsettled), &s.LastMS},
		func(keys []KeyValue) error {
			of, id := dayOf(int64(day), settling == 1).of, KeysText(keys)
			sum := of[id]
			sum.Add(s, 1)
			of[id] = sum
			return nil
		})
}
