package numbers

import (
	"cmp"
	"slices"
	"time"

	"kaskad/simulate/model/settings"
)

// overrule sets a verdict by hand, from when it was said until it was removed or replaced.
func (v *Verdict) overrule(overrides []settings.NumberOverride) {
	slices.SortStableFunc(overrides, func(x, y settings.NumberOverride) int { return x.At.Compare(y.At) })
	for i, o := range overrides {
		end := o.Until
		if i+1 < len(overrides) && (end.IsZero() || overrides[i+1].At.Before(end)) {
			end = overrides[i+1].At
		}
		v.DeadSpans = cutOut(v.DeadSpans, o.At.UTC(), end)
		if o.State == "dead" {
			v.DeadSpans = append(v.DeadSpans, DeadSpan{From: o.At.UTC(), To: end, Rule: "override"})
		}
		if end.IsZero() {
			v.State, v.Rule, v.Since, v.Override, v.Why = o.State, "override", o.At.UTC(), o.State, o.Why
		}
	}
	slices.SortFunc(v.DeadSpans, func(x, y DeadSpan) int { return cmp.Or(x.From.Compare(y.From), x.To.Compare(y.To)) })
}

// cutOut takes the time from one moment to another, or for ever, out of spans.
func cutOut(spans []DeadSpan, from, to time.Time) []DeadSpan {
	var left []DeadSpan
	for _, s := range spans {
		before, after := s, s
		if before.To.IsZero() || before.To.After(from) {
			before.To = from
		}
		if before.From.Before(before.To) {
			left = append(left, before)
		}
		if to.IsZero() {
			continue
		}
		if after.From.Before(to) {
			after.From = to
		}
		if after.To.IsZero() || after.From.Before(after.To) {
			left = append(left, after)
		}
	}
	return left
}
