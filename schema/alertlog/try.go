package alertlog

import (
	"context"
	"slices"

	"kaskad/schema/alert"
)

// Tried is what a rule would have found in the past.
type Tried struct {
	// Events are the alerts that would have begun, each as it ended or is open at the last hour, the latest first.
	Events []alert.Event
	// Unpriced are the days, of Unix time, on which a rule on money could not judge some group.
	Unpriced []int64
}

// Try walks through the past, hour by hour or by whole days.
func Try(ctx context.Context, r *Reader, rule *alert.Rule, account string, first, last, asOfMS int64) (t Tried,
	err error) {
	step := rule.Metric.Step()
	groups, err := r.Read(ctx, Want{Rule: rule, Accounts: []string{account}, First: first - step - alert.PastHours,
		Last: last, AsOfMS: asOfMS})
	if err != nil {
		return t, err
	}
	state := alert.NewState()
	found := map[string]int{}
	// Days begin where hours are a multiple of 24, and are judged by their last one.
	for hour := (first+step-1)/step*step + step - 1; hour <= last; hour += step {
		if err := ctx.Err(); err != nil {
			return t, err
		}
		for _, s := range groups[account] {
			if s.Unpriced(hour) {
				t.Unpriced = append(t.Unpriced, hour/step)
				break
			}
		}
		for _, e := range rule.Walk(account, 0, groups[account], hour, state) {
			state.Note(&e)
			if i, known := found[e.ID]; known {
				t.Events[i] = e
				continue
			}
			found[e.ID] = len(t.Events)
			t.Events = append(t.Events, e)
		}
	}
	slices.SortStableFunc(t.Events, func(a, b alert.Event) int { return int((b.SinceMS - a.SinceMS) / alert.HourMS) })
	return t, nil
}
