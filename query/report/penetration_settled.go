package report

import (
	"context"
	_ "embed"
	"maps"
	"slices"

	"kaskad/query/rollup"
	"kaskad/query/store"
)

//go:embed sql/penetration_settled.sql
var penetrationSettledSQL string

var penetrationSettled = rollup.Template("penetration_settled.sql", penetrationSettledSQL)

// settledRollup tells when the cohorts of groups settle.
func settledRollup() rollup.Rollup {
	return rollup.Rollup{Table: "rollup_attempts", Routed: true, ByRoute: true}
}

// settledDay is when the youngest cohort of each group settles, of those of a day, by the text of the group's keys.
type settledDay struct{ of map[string]rollup.Settling }

func newSettledDay() *settledDay { return &settledDay{map[string]rollup.Settling{}} }

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
func (d *settledDay) Settle(visit func(row string, s rollup.Settling)) {
	for id, s := range d.of {
		visit(id, s)
	}
}

// addSettled notes when the youngest cohorts of groups settle: of one account, or of all, as remembered by days.
func (r *Reading) addSettled(ctx context.Context, routes *store.Routes, all rollup.Groups[audience]) error {
	isChannel := func(k rollup.Key) bool { return k.Name == "channel" }
	ask := *r.Request
	ask.Name, ask.Keys = "settled", slices.DeleteFunc(slices.Clone(r.Keys), isChannel)
	ask.Filters = slices.DeleteFunc(slices.Clone(r.Filters), func(f rollup.Filter) bool { return isChannel(f.Key) })
	var days []*rollup.Part[*settledDay]
	var err error
	if len(r.Accounts()) <= 1 {
		days, err = r.room.settledDays.Of(ctx, &ask, r.State, routes, &rollup.Reader[*settledDay]{
			Serves: func(string, *settledDay) bool { return true },
			Read: func(ctx context.Context, rows *rollup.DayRows, parts []*rollup.Part[*settledDay]) error {
				return r.readSettled(ctx, &ask, routes, rows, rollup.PlacesOf(parts, newSettledDay))
			}})
	} else {
		whole := newSettledDay()
		days = []*rollup.Part[*settledDay]{{Sums: whole}}
		err = r.readSettled(ctx, &ask, routes, nil, allIn(whole))
	}
	for _, p := range days {
		for id, s := range p.Sums.of {
			if group := all[id]; group != nil {
				group.Sums.settledMS = max(group.Sums.settledMS, s.MS())
			}
		}
	}
	return err
}

func (r *Reading) readSettled(ctx context.Context, ask *rollup.Request, routes *store.Routes, wanted *rollup.DayRows,
	dayOf func(account string, day int64, settling bool) *settledDay) error {
	cells := &rollup.Cells{Rollup: settledRollup(), Accounts: r.Accounts(), FromMS: r.FromMS, ToMS: r.ToMS,
		Keys: ask.Keys, Filters: ask.Filters, Zone: r.Zone.String(), Seen: r.Seen, SettlingDays: routes.SettlingDays,
		Days: r.State.Days, Rows: wanted}
	var day uint16
	var settling uint8
	var s rollup.Settling
	return r.eachOf(ctx, penetrationSettled, routes, cells, []any{&day, &settling, (*rollup.Change)(&s.Unsettled),
		&s.LastMS}, func(keys []rollup.KeyValue) error {
		of, id := dayOf("", int64(day), settling == 1).of, rollup.KeysText(keys)
		sum := of[id]
		sum.Add(s, 1)
		of[id] = sum
		return nil
	})
}
