package report

import (
	"context"
	_ "embed"
	"slices"

	"kaskad/query/answer"
	"kaskad/schema"
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
	Keys: slices.Concat(ChannelKeys, Keys{
		AfterReading(Enumeration("reason", schema.ClassNames(), false)),
		Dimension("error_code"),
	}),
	DefaultKeys: "channel,provider,reason,error_code",
	Section:     Numbers,
	Summary:     "Failed attempts by what failed",
	Figures: []Figure{
		{Name: "count", Formula: "failed attempts of the channel, provider, class (reason) and error_code"},
		{Name: "share_num", Formula: "count"},
		{Name: "share_den",
			Formula: "all failed attempts of the row's channel in the period; filters by provider, reason and " +
				"error_code choose rows and leave it as it is"},
		{Name: "share_rate", Kind: Share, Formula: "share_num / share_den", Null: "when share_den is 0"},
		{Name: "share_rate_low", Kind: Share, Formula: "lower bound of the 95 % Wilson interval of share_rate",
			Null: "when share_den is 0"},
		{Name: "share_rate_high", Kind: Share, Formula: "upper bound of the 95 % Wilson interval of share_rate",
			Null: "when share_den is 0"},
		{Name: "mature", Kind: Flag, Formula: "every cohort of the row is older than its route's settling_days"},
	},
	Statement:   Template("failures.sql", failuresSQL),
	Tables:      []string{"builds", "rollup_failures", "routes"},
	Rollup:      Rollup{Table: "rollup_failures", Routed: true},
	RowFilters:  []string{"provider", "reason", "error_code"},
	Materialize: readFailures,
})

// failureSums are the failed attempts of a row.
type failureSums struct {
	channel   string // "" where it is no key
	failed    uint64
	settledMS int64
}

func readFailures(ctx context.Context, r *Reading) ([]Row, error) {
	maps, err := r.DB.ErrorMapsOf(ctx, r.State.References)
	if err != nil {
		return nil, err
	}
	reasonAt := slices.IndexFunc(r.Keys, func(k Key) bool { return k.Name == "reason" })
	_, byChannel := r.Keys.Find("channel")
	var account, channel, provider, code string
	var expired uint8
	var failed uint64
	var settledMS int64
	all, totals := groups[failureSums]{}, map[string]uint64{}
	err = r.each(ctx, []any{&account, &channel, &provider, &code, &expired, (*Count)(&failed), &settledMS},
		func(keys []KeyValue) error {
			reason, _ := maps.Class(account, channel, provider, code, expired == 1)
			shareOf := ""
			if byChannel {
				shareOf = channel
			}
			totals[shareOf] += failed
			if !r.Keeps("reason", reason) || !r.Keeps("provider", provider) || !r.Keeps("error_code", code) {
				return nil
			}
			if reasonAt >= 0 {
				keys = slices.Insert(keys, reasonAt, KeyValue{Text: reason})
			}
			sums, err := all.at(keys)
			if err != nil {
				return err
			}
			sums.channel = shareOf
			sums.failed += failed
			sums.settledMS = max(sums.settledMS, settledMS)
			return nil
		})
	if err != nil {
		return nil, err
	}
	if len(r.Keys) == 0 && len(all) == 0 {
		all[""] = &group[failureSums]{} // no key is one row
	}
	var rows []Row
	r.Seen.Mature = !r.Seen.Lost
	for _, g := range all {
		s := &g.sums
		total := totals[s.channel]
		rows = append(rows, Row{g.keys, slices.Concat(
			[]answer.Value{answer.Count(s.failed), answer.Count(s.failed), answer.Count(total)},
			answer.Share(s.failed, total), []answer.Value{answer.Bool(r.settled(s.settledMS))})})
	}
	return rows, nil
}
