package report

import (
	"context"
	_ "embed"
	"slices"

	"kaskad/query/answer"
	"kaskad/query/rollup"
	"kaskad/schema"
	"kaskad/schema/errormap"
)

//go:embed sql/failures.sql
var failuresSQL string

// The failures report (docs/definitions.md section 5): failed attempts by what failed.
//
// share_den counts the failed attempts of the row's channel in the period, of all channels where the channel is no key.
// Filters by what failed (provider, reason, error_code) choose rows and leave it as it is; the others choose what is
// looked at. The class is that of the error maps as they are now.
var _ = add(&Report{
	Name: "failures",
	For:  answer.ForMarketers,
	Keys: slices.Concat(rollup.ChannelKeys, rollup.Keys{
		rollup.AfterReading(rollup.Enumeration("reason", schema.ClassNames(), false)),
		rollup.Dimension("error_code"),
	}),
	DefaultKeys: "channel,provider,reason,error_code",
	Section:     rollup.Numbers,
	Summary:     "Failed attempts by what failed",
	Figures: []rollup.Figure{
		{Name: "count", Formula: "failed attempts of the channel, provider, class (reason) and error_code"},
		{Name: "share_num", Formula: "count"},
		{Name: "share_den",
			Formula: "all failed attempts of the row's channel in the period; filters by provider, reason and " +
				"error_code choose rows and leave it as it is"},
		{Name: "share_rate", Kind: rollup.Share, Formula: "share_num / share_den", Null: "when share_den is 0"},
		{Name: "share_rate_low", Kind: rollup.Share, Formula: "lower bound of the 95 % Wilson interval of share_rate",
			Null: "when share_den is 0"},
		{Name: "share_rate_high", Kind: rollup.Share, Formula: "upper bound of the 95 % Wilson interval of share_rate",
			Null: "when share_den is 0"},
		{Name: "mature", Kind: rollup.Flag, Formula: "every cohort of the row is older than its route's settling_days"},
	},
	Statement:   rollup.Template("failures.sql", failuresSQL),
	Tables:      []string{"builds", "rollup_failures", "routes"},
	Rollup:      rollup.Rollup{Table: "rollup_failures", Routed: true},
	RowFilters:  []string{"provider", "reason", "error_code"},
	Materialize: readFailures,
})

// failureSums are the failed attempts of a row.
type failureSums struct {
	channel  string // "" where it is no key
	failed   uint64
	settling rollup.Settling
}

// failureDay is what the report has of a day of an account, or of all that it looks at.
type failureDay struct {
	groups rollup.Groups[failureSums]
	// totals are the failed attempts of each channel, of "" where it is no key.
	totals map[string]uint64
	// maps are those by which codes were classed.
	maps *errormap.Maps
}

func newFailureDay(maps *errormap.Maps) *failureDay {
	return &failureDay{rollup.Groups[failureSums]{}, map[string]uint64{}, maps}
}

// Bytes is about what the day takes.
func (d *failureDay) Bytes() int64 {
	size := 100 + 100*int64(len(d.totals))
	for id, g := range d.groups {
		size += 200 + 2*int64(len(id)) + 40*int64(len(g.Keys))
	}
	return size
}

// Plus implements Sums.
func (d *failureDay) Plus(more *failureDay, times int64) (sums *failureDay, counts bool) {
	sums = newFailureDay(d.maps)
	if sums.merge(d, 1) != nil || sums.merge(more, times) != nil {
		return nil, false
	}
	for id, g := range sums.groups {
		if g.Sums.failed == 0 {
			delete(sums.groups, id)
		}
		if int64(g.Sums.failed) < 0 {
			return nil, false
		}
	}
	return sums, true
}

// Settle implements Sums.
func (d *failureDay) Settle(visit func(row string, s rollup.Settling)) {
	for id, g := range d.groups {
		visit(id, g.Sums.settling)
	}
}

// merge adds what another day has, or takes it away.
func (d *failureDay) merge(o *failureDay, times int64) error {
	for channel, n := range o.totals {
		d.totals[channel] += uint64(times) * n
	}
	for _, g := range o.groups {
		if err := d.add(g.Keys, &g.Sums, times); err != nil {
			return err
		}
	}
	return nil
}

func (d *failureDay) add(keys []rollup.KeyValue, more *failureSums, times int64) error {
	sums, err := d.groups.At(keys)
	if err != nil {
		return err
	}
	sums.channel = more.channel
	sums.failed += uint64(times) * more.failed
	sums.settling.Add(more.settling, times)
	return nil
}

func readFailures(ctx context.Context, r *Reading) ([]Row, error) {
	maps, err := r.DB.ErrorMapsOf(ctx, r.State.References)
	if err != nil {
		return nil, err
	}
	whole := newFailureDay(maps)
	if len(r.Accounts()) <= 1 {
		err = r.addFailureDays(ctx, whole)
	} else {
		err = r.readFailureDays(ctx, nil, maps, allIn(whole))
	}
	if err != nil {
		return nil, err
	}
	all, totals := whole.groups, whole.totals
	if len(r.Keys) == 0 && len(all) == 0 {
		all[""] = &rollup.Group[failureSums]{} // no key is one row
	}
	var rows []Row
	r.Seen.Mature = !r.Seen.Lost
	for _, g := range all {
		s := &g.Sums
		total := totals[s.channel]
		rows = append(rows, Row{g.Keys, slices.Concat(
			[]answer.Value{answer.Count(s.failed), answer.Count(s.failed), answer.Count(total)},
			answer.Share(s.failed, total), []answer.Value{answer.Bool(r.settled(s.settling.MS()))})})
	}
	return rows, nil
}

// addFailureDays adds up the days of the account in scope, or of all, of which most are remembered.
func (r *Reading) addFailureDays(ctx context.Context, whole *failureDay) error {
	routes, err := r.DB.Routes(ctx, r.State.References)
	if err != nil {
		return err
	}
	days, err := r.room.failureDays.Of(ctx, r.Request, r.State, routes, &rollup.Reader[*failureDay]{
		Serves: func(_ string, d *failureDay) bool { return d.maps == whole.maps },
		Read: func(ctx context.Context, rows *rollup.DayRows, parts []*rollup.Part[*failureDay]) error {
			of := rollup.PlacesOf(parts, func() *failureDay { return newFailureDay(whole.maps) })
			return r.readFailureDays(ctx, rows, whole.maps, of)
		}})
	if err != nil {
		return err
	}
	for _, p := range days {
		if err := whole.merge(p.Sums, 1); err != nil {
			return err
		}
	}
	return nil
}

// readFailureDays reads failed attempts, of some days alone where there are any, and adds them to what there is of each
// day.
func (r *Reading) readFailureDays(ctx context.Context, wanted *rollup.DayRows, maps *errormap.Maps,
	dayOf func(account string, day int64, settling bool) *failureDay) error {
	reasonAt := slices.IndexFunc(r.Keys, func(k rollup.Key) bool { return k.Name == "reason" })
	_, byChannel := r.Keys.Find("channel")
	var account, channel, provider, code string
	var day uint16
	var expired, settling uint8
	var sums failureSums
	rows, err := r.queryDays(ctx, r.report.Statement, wanted)
	if err != nil {
		return err
	}
	return r.visitRows(rows, []any{&account, &channel, &provider, &code, &expired, &day, &settling,
		rollup.CountOf(&sums.failed, wanted), (*rollup.Change)(&sums.settling.Unsettled),
		&sums.settling.LastMS}, func(keys []rollup.KeyValue) error {
		reason, _ := maps.Class(account, channel, provider, code, expired == 1)
		if sums.channel = ""; byChannel {
			sums.channel = channel
		}
		of := dayOf("", int64(day), settling == 1)
		of.totals[sums.channel] += sums.failed
		if !r.Keeps("reason", reason) || !r.Keeps("provider", provider) || !r.Keeps("error_code", code) {
			return nil
		}
		if reasonAt >= 0 {
			keys = slices.Insert(keys, reasonAt, rollup.KeyValue{Text: reason})
		}
		return of.add(keys, &sums, 1)
	})
}
