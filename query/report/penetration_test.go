package report

import (
	"slices"
	"testing"
	"time"

	"kaskad/query/rollup"
	"kaskad/schema"
)

// A number of 32 bits has a bit for each channel.
func TestAudience_Channels_Fit(t *testing.T) {
	if len(schema.Channels) > len(audience{}.channels) || len(audience{}.channels) > 32 {
		t.Errorf("%d channels", len(schema.Channels))
	}
}

// Keys and filters that name accounts and times alone are answered from counts, whatever the zone.
func TestRequest_FromCounts(t *testing.T) {
	report := All()[slices.IndexFunc(All(), func(r *Report) bool { return r.Name == "penetration" })]
	counted := map[string]bool{"account": true, "channel": true, "hour": true, "day": true, "week": true, "month": true,
		"hour_of_day": true, "weekday": true}
	for _, k := range report.Keys {
		for _, ask := range []*rollup.Request{{Keys: rollup.Keys{k}}, {Filters: []rollup.Filter{{Key: k, Values: []string{""}}}}} {
			if fromCounts(ask) != counted[k.Name] {
				t.Errorf("%s: from counts is %v", k.Name, fromCounts(ask))
			}
		}
	}
}

// What is read from counts, without keys and filters and with all that counts know, is as it was.
func TestPenetration_Counts_Golden(t *testing.T) {
	report := All()[slices.IndexFunc(All(), func(r *Report) bool { return r.Name == "penetration" })]
	all := request(t, report)
	all.Keys = slices.DeleteFunc(slices.Clone(all.Keys), func(k rollup.Key) bool {
		return !fromCounts(&rollup.Request{Keys: rollup.Keys{k}})
	})
	all.Filters = slices.DeleteFunc(all.Filters, func(f rollup.Filter) bool {
		return !fromCounts(&rollup.Request{Filters: []rollup.Filter{f}})
	})
	for name, ask := range map[string]*rollup.Request{"total": {Name: report.Name, Zone: time.UTC, ToMS: 1 << 60, Limit: 1000},
		"all": all} {
		for part, counts := range map[string]Report{
			"counts":  {Name: report.Name, Statement: penetrationCounts, Knows: report.Knows},
			"settled": {Name: report.Name, Statement: penetrationSettled, Knows: report.Knows, Rollup: settledRollup()}} {
			t.Run(part+"/"+name, func(t *testing.T) { checkGolden(t, &counts, ask, "penetration_"+part+"_"+name) })
		}
	}
}
