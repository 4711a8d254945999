package health

import (
	"slices"
	"time"

	"kaskad/schema"
	"kaskad/schema/rules"
)

// The states of a number.
const (
	StateUnknown = "unknown"
	StateActive  = "active"
	StateSuspect = "suspect"
	StateDead    = "dead"
	StateRevived = "revived"
)

// The rules by which a number is dead, in the order of their table: of several that are completed at once the first
// holds.
const (
	RuleDeactivated   = "deactivated"
	RuleInvalidFormat = "invalid_format"
	RuleHard          = "hard"
	RuleSoft          = "soft"
	// RuleOverride is the rule of a state that was set by hand, dead or not.
	RuleOverride = "override"
)

const (
	dayMS = int64(24 * time.Hour / time.Millisecond)
	// reassignedAfterMS is how long a number is dead before an operator may give it to somebody else.
	reassignedAfterMS = 3 * dayMS
)

// Verdict is what the rules say of a number.
type Verdict struct {
	schema.NumberHealth
	// history is every change of state up to now, from unknown on, as today's evidence has it.
	history []transition
}

// transition is a change of a number's state.
type transition struct {
	atMS     int64
	to, rule string
}

// Decide returns the verdict on one number, read at nowMS. It sorts the evidence. The result does not depend on the
// order of the evidence: what happened in the same millisecond is taken together. Then a success ends the streak and no
// failure of that moment counts. Overrides are in the order of their times.
func Decide(e *Evidence, rules rules.Rules, overrides []Override, nowMS int64) Verdict {
	slices.SortFunc(e.Failures, func(x, y Failure) int { return x.compare(&y) })
	slices.Sort(e.Successes)
	deliveries := make([]int64, len(e.Deliveries))
	for i, d := range e.Deliveries {
		deliveries[i] = d.AtMS
	}
	slices.Sort(deliveries)
	w := walk{kind: e.Kind, rules: rules, lastDeliveryMS: -schema.Never}
	failures, successes := e.Failures, e.Successes
	for len(failures) > 0 || len(successes) > 0 || len(deliveries) > 0 {
		at := schema.Never
		if len(failures) > 0 {
			at = failures[0].AtMS
		}
		for _, times := range [...][]int64{successes, deliveries} {
			if len(times) > 0 {
				at = min(at, times[0])
			}
		}
		n := 0
		for n < len(failures) && failures[n].AtMS == at {
			n++
		}
		w.pass(at)
		succeeded := len(successes) > 0 && successes[0] == at
		if succeeded {
			w.succeed(at, e.OwnerChangedMS)
		}
		if len(deliveries) > 0 && deliveries[0] == at {
			w.deliver(at)
		}
		if !succeeded {
			w.fail(failures[:n], at)
		}
		failures, successes, deliveries = failures[n:], after(successes, at), after(deliveries, at)
	}
	w.pass(nowMS)
	return w.verdict(e, overrides)
}

// after cuts the times up to at from the front.
func after(times []int64, at int64) []int64 {
	for len(times) > 0 && times[0] <= at {
		times = times[1:]
	}
	return times
}

// walk is the state of a walk through one number's evidence in the order of time.
type walk struct {
	kind  string
	rules rules.Rules
	// lastDeliveryMS is the latest delivery on any channel so far.
	lastDeliveryMS int64
	streak         streak
	succeeded      bool
	// revivedUntilMS is the last instant at which the latest revival still shows.
	revivedUntilMS int64
	revived        bool
	reassigned     bool
	history        []transition
	dead           []schema.DeadSpan
}

// pass lets time pass up to a moment, before what happens at that moment counts.
func (w *walk) pass(at int64) {
	if w.revived && at > w.revivedUntilMS {
		w.revived = false
		w.record(w.revivedUntilMS + 1)
	}
}

// succeed ends the streak.
func (w *walk) succeed(at, ownerChangedMS int64) {
	if rule, since := w.streak.death(); rule != "" {
		w.revived, w.revivedUntilMS = true, at+int64(w.rules.RevivedDays)*dayMS
		w.reassigned = w.reassigned || at-since >= reassignedAfterMS
	}
	w.reassigned = w.reassigned || (ownerChangedMS > 0 && at > ownerChangedMS)
	w.streak = streak{}
	w.succeeded = true
	w.record(at)
}

// deliver takes a delivery on any channel: it takes back a death by the soft rule of the same UTC day, and keeps that
// rule from being completed for a while.
func (w *walk) deliver(at int64) {
	w.lastDeliveryMS = at
	if s := &w.streak; s.softMS != 0 && floorDay(s.softMS) == floorDay(at) {
		s.softMS = 0
		w.record(at)
	}
}

// fail adds the failures of one moment to the streak and sees whether they complete a rule.
func (w *walk) fail(failures []Failure, at int64) {
	var counted, hard, deactivated, invalid bool
	for i := range failures {
		f := &failures[i]
		if !schema.ClassHard(w.kind, f.Class) && !schema.ClassSoft(w.kind, f.Class) {
			continue
		}
		counted, hard = true, hard || f.hard(w.kind)
		deactivated = deactivated || f.hard(w.kind) && f.Class == RuleDeactivated
		invalid = invalid || f.hard(w.kind) && f.Class == RuleInvalidFormat
		w.streak.add(f, w.kind)
	}
	if !counted {
		return
	}
	w.streak.completeFirm(at, &w.rules, hard, deactivated, invalid)
	w.streak.completeSoft(at, &w.rules, w.lastDeliveryMS)
	w.record(at)
}

// record notes the state that holds from at on.
func (w *walk) record(at int64) {
	rule, _ := w.streak.death()
	state := w.state()
	n := len(w.dead)
	if n > 0 && w.dead[n-1].ToMS == schema.Never && w.dead[n-1].Rule != rule {
		w.dead[n-1].ToMS = at
	}
	if rule != "" && (n == 0 || w.dead[n-1].ToMS != schema.Never) {
		w.dead = append(w.dead, schema.DeadSpan{FromMS: at, ToMS: schema.Never, Rule: rule})
	}
	if state != lastState(w.history) {
		w.history = append(w.history, transition{at, state, rule})
	}
}

// state is the state that holds now.
func (w *walk) state() string {
	rule, _ := w.streak.death()
	switch {
	case rule != "":
		return StateDead
	case w.streak.suspect:
		return StateSuspect
	case w.revived:
		return StateRevived
	case w.succeeded:
		return StateActive
	}
	return StateUnknown
}

// verdict gathers what the walk has found.
func (w *walk) verdict(e *Evidence, overrides []Override) Verdict {
	s := &w.streak
	v := Verdict{history: w.history}
	v.State = w.state()
	v.Rule, v.SinceMS = s.death()
	v.Reasons, v.FailedMailings, v.FailedDays, v.FirstFailedMS, v.Streak = s.reasons, uint32(len(s.mailings)),
		uint32(len(s.days)), s.firstMS, s.attempts
	if n := len(e.Failures); n > 0 {
		v.LastFailedMS = e.Failures[n-1].AtMS
	}
	if n := len(e.Successes); n > 0 {
		v.LastDeliveredMS = e.Successes[n-1]
	}
	v.PossibleReassignment, v.Dead, v.Guessed = w.reassigned, w.dead, s.guessed
	v.OptOuts = optOuts(e.Signals)
	if s.hasFailures {
		v.ReachableOn = e.reachableOn(s.firstMS)
	}
	v.DueMS = e.ExpiresMS
	if w.revived {
		v.DueMS = min(v.DueMS, w.revivedUntilMS+1)
	}
	if len(overrides) > 0 {
		v.overrule(overrides)
	}
	return v
}

// lastState is the state in which a history ends.
func lastState(history []transition) string {
	if len(history) == 0 {
		return StateUnknown
	}
	return history[len(history)-1].to
}
