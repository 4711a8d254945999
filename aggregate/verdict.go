package aggregate

import (
	"cmp"
	"slices"
	"time"

	"kaskad/schema"
)

// The states of a number and the rules of its death (docs/definitions.md section 5).
const (
	stateUnknown = "unknown"
	stateActive  = "active"
	stateSuspect = "suspect"
	stateDead    = "dead"
	stateRevived = "revived"

	ruleDeactivated   = "deactivated"
	ruleInvalidFormat = "invalid_format"
	ruleHard          = "hard"
	ruleSoft          = "soft"
	ruleOverride      = "override"

	// lookupMailing is the mailing of a look-up that found a number invalid.
	lookupMailing = "lookup"

	dayMS = int64(24 * time.Hour / time.Millisecond)
	// reassignedAfterMS is how long a number is dead before an operator may give it to somebody else.
	reassignedAfterMS = 3 * dayMS
)

// failure is a failed attempt on a channel that tells of the number, or a look-up that found it invalid.
type failure struct {
	atMS    int64
	class   string
	mailing string
	// attempt is what pricing must know of the attempt; priced is false for a look-up, which costs nothing.
	attempt schema.StreakAttempt
	priced  bool
}

// reset makes evidence of another number in the same memory.
func (e *evidence) reset() {
	*e = evidence{failures: e.failures[:0], successes: e.successes[:0], deliveries: e.deliveries[:0], expiresMS: schema.Never}
}

// evidence is what the verdict on one number is decided from. The slices need no order.
type evidence struct {
	failures  []failure // of sms, voice and flash_call within the window of evidence, and invalid look-ups
	successes []int64   // delivered times of the same channels and window
	// deliveries are delivered times on any channel, however old: they keep the soft rule from killing.
	deliveries []int64
	// ownerChangedMS is the greatest owner_changed_at that a look-up told, 0 for none.
	ownerChangedMS int64
	// expiresMS is when the oldest of the evidence leaves the window, schema.Never where there is none.
	expiresMS int64
}

// override is a verdict set by hand; state "" means that it was taken back at atMS. The zero value: there never was one.
type override struct {
	state, why string
	atMS       int64
}

// transition is a change of a number's state by the evidence.
type transition struct {
	atMS     int64
	to, rule string
}

// verdict is what the rules say of a number.
type verdict struct {
	schema.NumberHealth
	// history is every change of state up to now, from unknown on, as today's evidence has it.
	history []transition
}

// streak is a run of failures that no success has ended.
type streak struct {
	firstMS, firstHardMS    int64
	mailings, hardMailings  map[string]struct{}
	days                    map[int64]struct{}
	reasons                 map[string]uint32
	attempts                []schema.StreakAttempt
	hard, dead, hasFailures bool
	rule                    string
	sinceMS                 int64
}

func (s *streak) add(f *failure) {
	if s.mailings == nil {
		s.mailings, s.hardMailings, s.days, s.reasons = map[string]struct{}{}, map[string]struct{}{}, map[int64]struct{}{}, map[string]uint32{}
	}
	if !s.hasFailures {
		s.hasFailures, s.firstMS = true, f.atMS
	}
	s.mailings[f.mailing] = struct{}{}
	s.days[floorDay(f.atMS)] = struct{}{}
	s.reasons[f.class]++
	if f.priced {
		s.attempts = append(s.attempts, f.attempt)
	}
	if schema.ClassHard(f.class) {
		if !s.hard {
			s.hard, s.firstHardMS = true, f.atMS
		}
		s.hardMailings[f.mailing] = struct{}{}
	}
}

// floorDay returns the number of the UTC day, also before 1970.
func floorDay(ms int64) int64 {
	day := ms / dayMS
	if ms%dayMS < 0 {
		day--
	}
	return day
}

// judge decides the verdict on one number by docs/definitions.md section 5, read at nowMS. The result does not depend on the order of the evidence: what
// happened in the same millisecond is taken together. Then a success ends the streak and no failure of that moment counts, and of several rules that are
// completed the first in the table holds.
func judge(e *evidence, rules schema.NumberRules, set override, nowMS int64) verdict {
	slices.SortFunc(e.failures, func(x, y failure) int {
		return cmp.Or(cmp.Compare(x.atMS, y.atMS), cmp.Compare(x.class, y.class), cmp.Compare(x.mailing, y.mailing), compareBools(x.priced, y.priced), compareAttempts(&x.attempt, &y.attempt))
	})
	slices.Sort(e.successes)
	slices.Sort(e.deliveries)
	w := walkOf{rules: rules, deliveries: e.deliveries}
	failures, successes := e.failures, e.successes
	for len(failures) > 0 || len(successes) > 0 {
		at := schema.Never
		if len(failures) > 0 {
			at = failures[0].atMS
		}
		if len(successes) > 0 {
			at = min(at, successes[0])
		}
		n := 0
		for n < len(failures) && failures[n].atMS == at {
			n++
		}
		if len(successes) > 0 && successes[0] == at {
			w.succeed(at, e.ownerChangedMS)
			for len(successes) > 0 && successes[0] == at {
				successes = successes[1:]
			}
		} else {
			w.fail(failures[:n], at)
		}
		failures = failures[n:]
	}
	w.note(nowMS, "", true)
	return w.verdict(e, set, nowMS)
}

func compareAttempts(x, y *schema.StreakAttempt) int {
	return cmp.Or(cmp.Compare(x.CohortMS, y.CohortMS), cmp.Compare(x.Leg, y.Leg), cmp.Compare(x.Code, y.Code), cmp.Compare(x.SMSSegments, y.SMSSegments))
}

// walkOf is the state of a walk through one number's evidence in the order of time.
type walkOf struct {
	rules      schema.NumberRules
	deliveries []int64
	streak     streak
	state      string
	succeeded  bool
	// revivedUntilMS is the last instant at which the latest revival still shows.
	revivedUntilMS int64
	revived        bool
	reassigned     bool
	history        []transition
	dead           []schema.DeadSpan
}

// succeed ends the streak.
func (w *walkOf) succeed(at, ownerChangedMS int64) {
	w.note(at, "", true)
	if w.streak.dead {
		w.revived, w.revivedUntilMS = true, at+int64(w.rules.RevivedDays)*dayMS
		w.reassigned = w.reassigned || at-w.streak.sinceMS >= reassignedAfterMS
		w.dead[len(w.dead)-1].ToMS = at
	}
	w.reassigned = w.reassigned || (ownerChangedMS > 0 && at > ownerChangedMS)
	w.streak = streak{}
	w.succeeded = true
	w.note(at, "", false)
}

// fail adds the failures of one moment to the streak and looks whether they complete a rule.
func (w *walkOf) fail(failures []failure, at int64) {
	w.note(at, "", true)
	var counted, hard, deactivated, invalid bool
	for i := range failures {
		f := &failures[i]
		isHard := schema.ClassHard(f.class)
		if !isHard && !schema.ClassSoft(f.class) {
			continue
		}
		counted, hard = true, hard || isHard
		deactivated = deactivated || f.class == ruleDeactivated
		invalid = invalid || f.class == ruleInvalidFormat
		w.streak.add(f)
	}
	s := &w.streak
	if counted && !s.dead {
		switch {
		case deactivated:
			s.rule = ruleDeactivated
		case invalid:
			s.rule = ruleInvalidFormat
		case hard && len(s.hardMailings) >= w.rules.HardMailings && at-s.firstHardMS >= int64(w.rules.HardHours)*int64(time.Hour/time.Millisecond):
			s.rule = ruleHard
		case len(s.mailings) >= w.rules.SoftMailings && at-s.firstMS >= int64(w.rules.SoftDays)*dayMS && !w.heardFrom(at):
			s.rule = ruleSoft
		}
		if s.rule != "" {
			s.dead, s.sinceMS = true, at
			w.dead = append(w.dead, schema.DeadSpan{FromMS: at, ToMS: schema.Never, Rule: s.rule})
		}
	}
	w.note(at, s.rule, false)
}

// heardFrom tells whether something was delivered on the UTC day of a moment or in the quiet days before it.
func (w *walkOf) heardFrom(at int64) bool {
	day := floorDay(at)
	from, to := (day-int64(w.rules.QuietDays))*dayMS, (day+1)*dayMS
	i, _ := slices.BinarySearch(w.deliveries, from)
	return i < len(w.deliveries) && w.deliveries[i] < to
}

// note notes the state that holds from at on; before: as what has passed since the last event makes it, before that of at counts.
func (w *walkOf) note(at int64, rule string, before bool) {
	if before {
		if w.revived && at > w.revivedUntilMS {
			w.revived = false
			if w.current() != w.last() {
				w.history = append(w.history, transition{w.revivedUntilMS + 1, w.current(), ""})
			}
		}
		return
	}
	if state := w.current(); state != w.last() {
		w.history = append(w.history, transition{at, state, rule})
	}
}

func (w *walkOf) last() string {
	if len(w.history) == 0 {
		return stateUnknown
	}
	return w.history[len(w.history)-1].to
}

func (w *walkOf) current() string {
	switch {
	case w.streak.dead:
		return stateDead
	case w.streak.hard:
		return stateSuspect
	case w.revived:
		return stateRevived
	case w.succeeded:
		return stateActive
	}
	return stateUnknown
}

// verdict gathers what the walk has found.
func (w *walkOf) verdict(e *evidence, set override, nowMS int64) verdict {
	s := &w.streak
	v := verdict{history: w.history}
	v.State, v.Rule, v.SinceMS = w.current(), s.rule, s.sinceMS
	v.Reasons, v.FailedMailings, v.FailedDays, v.FirstFailedMS, v.Streak = s.reasons, uint32(len(s.mailings)), uint32(len(s.days)), s.firstMS, s.attempts
	if n := len(e.failures); n > 0 {
		v.LastFailedMS = e.failures[n-1].atMS
	}
	if n := len(e.successes); n > 0 {
		v.LastDeliveredMS = e.successes[n-1]
	}
	v.PossibleReassignment, v.Dead = w.reassigned, w.dead
	v.DueMS = e.expiresMS
	if w.revived {
		v.DueMS = min(v.DueMS, w.revivedUntilMS+1)
	}
	if set.state != "" {
		v.overrule(set)
	}
	return v
}

// overrule lets a verdict that was set by hand win over the rules, from the moment when it was set. The evidence stays.
func (v *verdict) overrule(set override) {
	v.State, v.Rule, v.SinceMS = set.state, ruleOverride, set.atMS
	v.Override, v.Why = set.state, set.why
	v.history = slices.DeleteFunc(slices.Clone(v.history), func(t transition) bool { return t.atMS >= set.atMS })
	before := stateUnknown
	if n := len(v.history); n > 0 {
		before = v.history[n-1].to
	}
	if before != set.state {
		v.history = append(v.history, transition{set.atMS, set.state, ruleOverride})
	}
	var spans []schema.DeadSpan
	for _, s := range v.Dead {
		if s.FromMS < set.atMS {
			s.ToMS = min(s.ToMS, set.atMS)
			spans = append(spans, s)
		}
	}
	if set.state == stateDead {
		spans = append(spans, schema.DeadSpan{FromMS: set.atMS, ToMS: schema.Never, Rule: ruleOverride})
	}
	v.Dead = spans
}

// changes returns what the feed must be told of a number whose last told state is before, told as of changedMS; both are zero for a number that
// was never told of. notBeforeMS is when a verdict set by hand was taken back, 0 for never. Where the evidence has rewritten the past, one change leads from
// what was told to what holds now.
func (v *verdict) changes(before string, changedMS, notBeforeMS int64) []schema.NumberChange {
	if before == "" {
		before, changedMS = stateUnknown, -schema.Never
	}
	told, rest := stateUnknown, v.history
	for len(rest) > 0 && rest[0].atMS <= changedMS {
		told, rest = rest[0].to, rest[1:]
	}
	if told != before {
		if v.State == before {
			return nil
		}
		at, rule := notBeforeMS, ""
		if n := len(v.history); n > 0 {
			at, rule = max(at, v.history[n-1].atMS), v.history[n-1].rule
		}
		return []schema.NumberChange{{From: before, To: v.State, AtMS: max(at, changedMS), Rule: rule}}
	}
	all := make([]schema.NumberChange, 0, len(rest))
	for _, t := range rest {
		all = append(all, schema.NumberChange{From: before, To: t.to, AtMS: t.atMS, Rule: t.rule})
		before = t.to
	}
	return all
}
