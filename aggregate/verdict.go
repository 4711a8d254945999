package aggregate

import (
	"cmp"
	"slices"
	"time"

	"kaskad/schema"
	"kaskad/schema/rules"
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
	guessed bool // the class is a guess: no line knows the provider's code
	mailing string
	// attempt is what pricing must know of the attempt; priced is false for a look-up, which costs nothing.
	attempt schema.StreakAttempt
	priced  bool
}

// reset makes evidence of another number in the same memory.
func (e *evidence) reset() {
	*e = evidence{kind: schema.KindPhone, failures: e.failures[:0], successes: e.successes[:0],
		deliveries: e.deliveries[:0], signals: e.signals[:0], expiresMS: schema.Never}
}

// delivery is a delivered attempt; tells means that its channel tells of the number.
type delivery struct {
	channel string
	atMS    int64
	tells   bool
}

// evidence is what the verdict on one number is decided from. The slices need no order.
type evidence struct {
	kind      string    // schema.KindPhone or schema.KindEmail
	failures  []failure // of the channels that tell of the number, within the window of evidence, and invalid look-ups
	successes []int64   // delivered times of the same channels and window
	// deliveries are those on any channel, however old: they keep the soft rule from killing.
	deliveries []delivery
	// signals are what the recipient did that opts out, or ends that.
	signals []signal
	// ownerChangedMS is the greatest owner_changed_at that a look-up told, 0 for none.
	ownerChangedMS int64
	// expiresMS is when the oldest of the evidence leaves the window, schema.Never where there is none.
	expiresMS int64
}

// override is a verdict set by hand; state "" means that it was taken back at atMS.
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
	firstMS, firstHardMS   int64
	mailings, hardMailings map[string]struct{}
	days                   map[int64]struct{}
	reasons                map[string]uint32
	attempts               []schema.StreakAttempt
	guessed                uint32
	// suspect: a failure of a hard class, guessed or not. hard: one that is not guessed.
	suspect, hard, hasFailures bool
	// firm is the first rule but soft that a failure completed, "" for none, and firmMS its time. softMS is when the
	// soft rule was completed, 0 for never; a delivery later that day takes it back.
	firm           string
	firmMS, softMS int64
}

// death returns the rule that was completed first and when; of two at one moment soft is the later in the table.
func (s *streak) death() (rule string, sinceMS int64) {
	if s.softMS != 0 && (s.firm == "" || s.softMS < s.firmMS) {
		return ruleSoft, s.softMS
	}
	return s.firm, s.firmMS
}

func (s *streak) add(f *failure, kind string) {
	if s.mailings == nil {
		s.mailings, s.hardMailings, s.days, s.reasons = map[string]struct{}{}, map[string]struct{}{},
			map[int64]struct{}{}, map[string]uint32{}
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
	if f.guessed {
		s.guessed++
	}
	s.suspect = s.suspect || schema.ClassHard(kind, f.class)
	if f.hard(kind) {
		if !s.hard {
			s.hard, s.firstHardMS = true, f.atMS
		}
		s.hardMailings[f.mailing] = struct{}{}
	}
}

// hard tells whether the failure counts as a hard one: a guess alone never makes a number dead.
func (f *failure) hard(kind string) bool { return !f.guessed && schema.ClassHard(kind, f.class) }

// floorDay returns the number of the UTC day, also before 1970.
func floorDay(ms int64) int64 {
	day := ms / dayMS
	if ms%dayMS < 0 {
		day--
	}
	return day
}

// judge decides the verdict on one number by docs/definitions.md section 5, read at nowMS. The result does not depend
// on the order of the evidence: what happened in the same millisecond is taken together. Then a success ends the streak
// and no failure of that moment counts, and of several rules that are completed the first in the table holds.
func judge(e *evidence, rules rules.Rules, sets []override, nowMS int64) verdict {
	slices.SortFunc(e.failures, func(x, y failure) int {
		return cmp.Or(cmp.Compare(x.atMS, y.atMS), cmp.Compare(x.class, y.class), cmp.Compare(x.mailing, y.mailing),
			compareBools(x.guessed, y.guessed), compareBools(x.priced, y.priced),
			compareAttempts(&x.attempt, &y.attempt))
	})
	slices.Sort(e.successes)
	heard := make([]int64, len(e.deliveries))
	for i, d := range e.deliveries {
		heard[i] = d.atMS
	}
	slices.Sort(heard)
	w := walkOf{kind: e.kind, rules: rules, heardMS: -schema.Never}
	failures, successes, deliveries := e.failures, e.successes, heard
	for len(failures) > 0 || len(successes) > 0 || len(deliveries) > 0 {
		at := schema.Never
		if len(failures) > 0 {
			at = failures[0].atMS
		}
		for _, times := range [...][]int64{successes, deliveries} {
			if len(times) > 0 {
				at = min(at, times[0])
			}
		}
		n := 0
		for n < len(failures) && failures[n].atMS == at {
			n++
		}
		w.age(at)
		succeeded := len(successes) > 0 && successes[0] == at
		if succeeded {
			w.succeed(at, e.ownerChangedMS)
		}
		if len(deliveries) > 0 && deliveries[0] == at {
			w.hear(at)
		}
		if !succeeded {
			w.fail(failures[:n], at)
		}
		failures, successes, deliveries = failures[n:], later(successes, at), later(deliveries, at)
	}
	w.age(nowMS)
	return w.verdict(e, sets)
}

// later cuts the times up to at from the front.
func later(times []int64, at int64) []int64 {
	for len(times) > 0 && times[0] <= at {
		times = times[1:]
	}
	return times
}

func compareAttempts(x, y *schema.StreakAttempt) int {
	return cmp.Or(cmp.Compare(x.CohortMS, y.CohortMS), cmp.Compare(x.Leg, y.Leg), cmp.Compare(x.Code, y.Code),
		cmp.Compare(x.SMSSegments, y.SMSSegments))
}

// walkOf is the state of a walk through one number's evidence in the order of time.
type walkOf struct {
	kind      string
	rules     rules.Rules
	heardMS   int64 // the latest delivery on any channel so far
	streak    streak
	succeeded bool
	// revivedUntilMS is the last instant at which the latest revival still shows.
	revivedUntilMS int64
	revived        bool
	reassigned     bool
	history        []transition
	dead           []schema.DeadSpan
}

// age lets time pass up to a moment, before what happens then counts.
func (w *walkOf) age(at int64) {
	if w.revived && at > w.revivedUntilMS {
		w.revived = false
		w.note(w.revivedUntilMS + 1)
	}
}

// succeed ends the streak.
func (w *walkOf) succeed(at, ownerChangedMS int64) {
	if rule, since := w.streak.death(); rule != "" {
		w.revived, w.revivedUntilMS = true, at+int64(w.rules.RevivedDays)*dayMS
		w.reassigned = w.reassigned || at-since >= reassignedAfterMS
	}
	w.reassigned = w.reassigned || (ownerChangedMS > 0 && at > ownerChangedMS)
	w.streak = streak{}
	w.succeeded = true
	w.note(at)
}

// hear takes a delivery on any channel: it takes back a death by the soft rule of the same UTC day, and keeps that rule
// from killing for a while.
func (w *walkOf) hear(at int64) {
	w.heardMS = at
	if s := &w.streak; s.softMS != 0 && floorDay(s.softMS) == floorDay(at) {
		s.softMS = 0
		w.note(at)
	}
}

// fail adds the failures of one moment to the streak and looks whether they complete a rule.
func (w *walkOf) fail(failures []failure, at int64) {
	var counted, hard, deactivated, invalid bool
	for i := range failures {
		f := &failures[i]
		if !schema.ClassHard(w.kind, f.class) && !schema.ClassSoft(w.kind, f.class) {
			continue
		}
		counted, hard = true, hard || f.hard(w.kind)
		deactivated = deactivated || f.hard(w.kind) && f.class == ruleDeactivated
		invalid = invalid || f.hard(w.kind) && f.class == ruleInvalidFormat
		w.streak.add(f, w.kind)
	}
	if !counted {
		return
	}
	s := &w.streak
	if s.firm == "" {
		switch {
		case deactivated:
			s.firm = ruleDeactivated
		case invalid:
			s.firm = ruleInvalidFormat
		case hard && len(s.hardMailings) >= w.rules.HardMailings &&
			at-s.firstHardMS >= int64(w.rules.HardHours)*int64(time.Hour/time.Millisecond):
			s.firm = ruleHard
		}
		if s.firm != "" {
			s.firmMS = at
		}
	}
	if s.softMS == 0 && len(s.mailings) >= w.rules.SoftMailings && at-s.firstMS >= int64(w.rules.SoftDays)*dayMS &&
		w.heardMS < (floorDay(at)-int64(w.rules.QuietDays))*dayMS {
		s.softMS = at
	}
	w.note(at)
}

// note notes the state that holds from at on.
func (w *walkOf) note(at int64) {
	rule, _ := w.streak.death()
	state := w.current()
	n := len(w.dead)
	if n > 0 && w.dead[n-1].ToMS == schema.Never && w.dead[n-1].Rule != rule {
		w.dead[n-1].ToMS = at
	}
	if rule != "" && (n == 0 || w.dead[n-1].ToMS != schema.Never) {
		w.dead = append(w.dead, schema.DeadSpan{FromMS: at, ToMS: schema.Never, Rule: rule})
	}
	if state != w.last() {
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
	rule, _ := w.streak.death()
	switch {
	case rule != "":
		return stateDead
	case w.streak.suspect:
		return stateSuspect
	case w.revived:
		return stateRevived
	case w.succeeded:
		return stateActive
	}
	return stateUnknown
}

// verdict gathers what the walk has found.
func (w *walkOf) verdict(e *evidence, sets []override) verdict {
	s := &w.streak
	v := verdict{history: w.history}
	v.State = w.current()
	v.Rule, v.SinceMS = s.death()
	v.Reasons, v.FailedMailings, v.FailedDays, v.FirstFailedMS, v.Streak = s.reasons, uint32(len(s.mailings)),
		uint32(len(s.days)), s.firstMS, s.attempts
	if n := len(e.failures); n > 0 {
		v.LastFailedMS = e.failures[n-1].atMS
	}
	if n := len(e.successes); n > 0 {
		v.LastDeliveredMS = e.successes[n-1]
	}
	v.PossibleReassignment, v.Dead, v.Guessed = w.reassigned, w.dead, s.guessed
	v.OptOuts = optOuts(e.signals)
	if s.hasFailures {
		v.ReachableOn = e.reachableOn(s.firstMS)
	}
	v.DueMS = e.expiresMS
	if w.revived {
		v.DueMS = min(v.DueMS, w.revivedUntilMS+1)
	}
	if len(sets) > 0 {
		v.overrule(sets)
	}
	return v
}

// reachableOn lists the channels that do not tell of the number on which its recipient was delivered to since a moment,
// by channel.
func (e *evidence) reachableOn(sinceMS int64) (on []schema.Reachable) {
	for _, d := range e.deliveries {
		if d.tells || d.atMS < sinceMS {
			continue
		}
		i, found := slices.BinarySearchFunc(on, d.channel,
			func(r schema.Reachable, channel string) int { return cmp.Compare(r.Channel, channel) })
		if !found {
			on = slices.Insert(on, i, schema.Reachable{Channel: d.channel})
		}
		on[i].LastDeliveredMS = max(on[i].LastDeliveredMS, d.atMS)
	}
	return on
}

// overrule lets verdicts that were set by hand win over the rules, each from the moment when it was set until the next
// one, or until it was taken back. The evidence stays.
func (v *verdict) overrule(sets []override) {
	computed, dead := v.history, v.Dead
	v.history, v.Dead = nil, nil
	from := -schema.Never // where the rules begin to hold
	rulesHold := func(until int64) {
		if state, rule := stateAt(computed, from); state != v.lastState() {
			v.history = append(v.history, transition{from, state, rule})
		}
		for _, t := range computed {
			if t.atMS > from && t.atMS < until && t.to != v.lastState() {
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
	for i, set := range sets {
		until := schema.Never
		if i+1 < len(sets) {
			until = sets[i+1].atMS
		}
		if i == 0 || sets[i-1].state == "" {
			rulesHold(set.atMS)
		}
		from = set.atMS
		if set.state == "" || set.atMS >= until {
			continue
		}
		if set.state != v.lastState() {
			v.history = append(v.history, transition{set.atMS, set.state, ruleOverride})
		}
		if set.state == stateDead {
			v.Dead = append(v.Dead, schema.DeadSpan{FromMS: set.atMS, ToMS: until, Rule: ruleOverride})
		}
	}
	last := sets[len(sets)-1]
	if last.state == "" {
		rulesHold(schema.Never)
		return
	}
	v.State, v.Rule, v.SinceMS = last.state, ruleOverride, last.atMS
	v.Override, v.Why = last.state, last.why
}

// stateAt returns the state of a history at a moment, and the rule that made it.
func stateAt(history []transition, at int64) (state, rule string) {
	state = stateUnknown
	for _, t := range history {
		if t.atMS > at {
			break
		}
		state, rule = t.to, t.rule
	}
	return state, rule
}

// lastState is the last state of the history.
func (v *verdict) lastState() string {
	if len(v.history) == 0 {
		return stateUnknown
	}
	return v.history[len(v.history)-1].to
}

// changes returns what the feed must be told of a number whose last told state is before, told as of changedMS; both
// are zero for a number that was never told of. Where the evidence has rewritten the past, one change leads from what
// was told to what holds now.
func (v *verdict) changes(before string, changedMS int64) []schema.NumberChange {
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
		at, rule := changedMS, ""
		if n := len(v.history); n > 0 {
			at, rule = v.history[n-1].atMS, v.history[n-1].rule
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
