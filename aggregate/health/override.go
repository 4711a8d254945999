package health

import "kaskad/schema"

// Override is a state that was set by hand at AtMS; State "" means that it was taken back then.
type Override struct {
	State, Why string
	AtMS       int64
}

// overrule lets states that were set by hand win over the rules, each from the moment when it was set until the next
// one, or until it was taken back. The evidence stays.
func (v *Verdict) overrule(overrides []Override) {
	computed, dead := v.history, v.Dead
	v.history, v.Dead = nil, nil
	from := -schema.Never // where the rules begin to hold
	rulesHold := func(until int64) {
		if state, rule := stateAt(computed, from); state != lastState(v.history) {
			v.history = append(v.history, transition{from, state, rule})
		}
		for _, t := range computed {
			if t.atMS > from && t.atMS < until && t.to != lastState(v.history) {
				v.history = append(v.history, t)
			}
		}
		for _, s := range dead {
			s.FromMS, s.ToMS = max(s.FromMS, from), min(s.ToMS, until)
			if s.FromMS < s.ToMS {
				v.Dead = append(v.Dead, s)
			}
		}
	}
	for i, o := range overrides {
		until := schema.Never
		if i+1 < len(overrides) {
			until = overrides[i+1].AtMS
		}
		if i == 0 || overrides[i-1].State == "" {
			rulesHold(o.AtMS)
		}
		from = o.AtMS
		if o.State == "" || o.AtMS >= until {
			continue
		}
		if o.State != lastState(v.history) {
			v.history = append(v.history, transition{o.AtMS, o.State, RuleOverride})
		}
		if o.State == StateDead {
			v.Dead = append(v.Dead, schema.DeadSpan{FromMS: o.AtMS, ToMS: until, Rule: RuleOverride})
		}
	}
	last := overrides[len(overrides)-1]
	if last.State == "" {
		rulesHold(schema.Never)
		return
	}
	v.State, v.Rule, v.SinceMS = last.State, RuleOverride, last.AtMS
	v.Override, v.Why = last.State, last.Why
}

// stateAt returns the state of a history at a moment, and the rule that made it.
func stateAt(history []transition, at int64) (state, rule string) {
	state = StateUnknown
	for _, t := range history {
		if t.atMS > at {
			break
		}
		state, rule = t.to, t.rule
	}
	return state, rule
}

// Announced is what the feed of changes last said of a number; its zero value means that it never said anything.
type Announced struct {
	State string
	AtMS  int64
}

// Changes returns what the feed must announce of a number after what it last announced. Where the evidence has
// rewritten the past, one change leads from the announced state to the present one.
func (v *Verdict) Changes(last Announced) []schema.NumberChange {
	if last.State == "" {
		last = Announced{StateUnknown, -schema.Never}
	}
	known, rest := StateUnknown, v.history
	for len(rest) > 0 && rest[0].atMS <= last.AtMS {
		known, rest = rest[0].to, rest[1:]
	}
	if known != last.State {
		if v.State == last.State {
			return nil
		}
		at, rule := last.AtMS, ""
		if n := len(v.history); n > 0 {
			at, rule = v.history[n-1].atMS, v.history[n-1].rule
		}
		return []schema.NumberChange{{From: last.State, To: v.State, AtMS: max(at, last.AtMS), Rule: rule}}
	}
	all := make([]schema.NumberChange, 0, len(rest))
	for _, t := range rest {
		all = append(all, schema.NumberChange{From: last.State, To: t.to, AtMS: t.atMS, Rule: t.rule})
		last.State = t.to
	}
	return all
}
