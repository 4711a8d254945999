package numbers

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"kaskad/simulate/model"
	"kaskad/simulate/model/settings"
)

// addressKind is what a recipient is: phone numbers and e-mail addresses have health, others have none.
type addressKind uint8

const (
	noAddress addressKind = iota
	phoneNumber
	mailAddress
)

func kindOf(recipient string) addressKind {
	switch {
	case strings.HasPrefix(recipient, "+"):
		return phoneNumber
	case strings.HasPrefix(recipient, "email:"):
		return mailAddress
	}
	return noAddress
}

// evidence tells whether attempts on a channel are evidence of an address.
func (k addressKind) evidence(channel string) bool {
	if k == mailAddress {
		return channel == "email"
	}
	return oneOf(channel, "sms", "voice", "flash_call")
}

// hard and soft tell the classes that count. All others never do.
func (k addressKind) hard(class string) bool {
	if k == mailAddress {
		return class == "no_mailbox"
	}
	return oneOf(class, "unknown_subscriber", "not_sms_capable", "deactivated", "invalid_format")
}

func (k addressKind) soft(class string) bool {
	if k == mailAddress {
		return oneOf(class, "mailbox_full", "expired", "unknown")
	}
	return oneOf(class, "absent_subscriber", "memory_full", "handset_busy", "barred", "roaming", "expired", "unknown")
}

// numberEvidence is what is known of a number or an e-mail address, in no order.
type numberEvidence struct {
	kind       addressKind
	rules      settings.NumberRules
	failures   []numberFailure
	successes  []int64 // Delivered times of attempts that count as evidence.
	deliveries []numberDelivery
	lookups    []model.PersonEvent
}

// numberDelivery is a delivery on any channel, however old.
type numberDelivery struct {
	channel string
	at      int64
}

type numberFailure struct {
	at             int64
	class, mailing string
	guessed        bool
	attempt        *model.Folded // nil for a lookup.
}

// hardClass tells a failure of a hard class, guessed or not: it makes a number suspect.
func (e *numberEvidence) hardClass(f numberFailure) bool {
	return e.kind.hard(f.class)
}

// hard tells a failure that can kill by the rules for hard ones: a guessed class counts as soft.
func (e *numberEvidence) hard(f numberFailure) bool { return e.hardClass(f) && !f.guessed }

// counts tells a failure that counts at all.
func (e *numberEvidence) counts(f numberFailure) bool {
	return e.kind.hard(f.class) || e.kind.soft(f.class)
}

// The end of time, for evidence that is not cut.
const forever = math.MaxInt64

// streak returns the hard and soft failures later than the latest success, as they were known at a time: what happens
// later is not looked at. A failure at the time of the success is not later.
func (e *numberEvidence) streak(until int64) []numberFailure {
	latest := int64(math.MinInt64)
	for _, at := range e.successes {
		if at <= until {
			latest = max(latest, at)
		}
	}
	var streak []numberFailure
	for _, f := range e.failures {
		if f.at > latest && f.at <= until && e.counts(f) {
			streak = append(streak, f)
		}
	}
	return streak
}

// dead tells by which rule, and since when, the number was dead as it was known at a time; the rule is empty when it
// was not.
func (e *numberEvidence) dead(until int64) (rule string, since int64) {
	streak := e.streak(until)
	since = forever
	for _, f := range streak {
		if f.at < since {
			if completed := e.completes(streak, f.at, until); completed != "" {
				rule, since = completed, f.at
			}
		}
	}
	return rule, since
}

// completes returns the rule that the failures of a streak at one time complete, the one that stands first where there
// are more.
func (e *numberEvidence) completes(streak []numberFailure, at, until int64) string {
	deactivated, badFormat, hardNow := false, false, false
	hardMailings, allMailings := map[string]bool{}, map[string]bool{}
	firstHard, first := int64(forever), int64(forever)
	for _, f := range streak {
		if f.at > at {
			continue
		}
		allMailings[f.mailing] = true
		first = min(first, f.at)
		if e.hard(f) {
			hardMailings[f.mailing] = true
			firstHard = min(firstHard, f.at)
		}
		if f.at == at {
			deactivated = deactivated || e.hard(f) && f.class == "deactivated"
			badFormat = badFormat || e.hard(f) && f.class == "invalid_format"
			hardNow = hardNow || e.hard(f)
		}
	}
	switch {
	case deactivated:
		return "deactivated"
	case badFormat:
		return "invalid_format"
	case hardNow && len(hardMailings) >= e.rules.HardMailings && at-firstHard >= int64(e.rules.HardHours)*hourMS:
		return "hard"
	case len(allMailings) >= e.rules.SoftMailings && at-first >= int64(e.rules.SoftDays)*dayMS && e.quiet(at, until):
		return "soft"
	}
	return ""
}

// quiet tells whether no delivery is known, at a time, on a failure's UTC day and the days before it.
func (e *numberEvidence) quiet(failed, until int64) bool {
	day := utcDay(failed)
	for _, d := range e.deliveries {
		if d.at <= until && utcDay(d.at) <= day && utcDay(d.at) >= day-int64(e.rules.QuietDays) {
			return false
		}
	}
	return true
}

// judge decides the state that is read at asOf from what happened until a time.
func (e *numberEvidence) judge(until, asOf int64) (state, rule string, since int64) {
	if rule, since := e.dead(until); rule != "" {
		return "dead", rule, since
	}
	for _, f := range e.streak(until) {
		if e.hardClass(f) {
			return "suspect", "", 0
		}
	}
	state = "unknown"
	for _, success := range e.successes {
		if success > until {
			continue
		}
		if state == "unknown" {
			state = "active"
		}
		if success >= asOf-int64(e.rules.RevivedDays)*dayMS && e.deadBefore(success) {
			state = "revived"
		}
	}
	return state, "", 0
}

// deadBefore tells whether the number was dead at a time by what happened before it.
func (e *numberEvidence) deadBefore(at int64) bool {
	rule, _ := e.dead(at - 1)
	return rule != ""
}

// reassigned tells whether somebody else may have the number: a success after the owner changed, or after three days of
// death.
func (e *numberEvidence) reassigned() bool {
	changed := int64(0)
	for _, lookup := range e.lookups {
		changed = max(changed, lookup.OwnerChanged)
	}
	for _, success := range e.successes {
		if changed != 0 && success > changed {
			return true
		}
		if rule, since := e.dead(success - 1); rule != "" && success-since >= 3*dayMS {
			return true
		}
	}
	return false
}

// Change is a change of a number's state, or of the rule by which it is dead.
type Change struct {
	At             time.Time
	From, To, Rule string
}

// DeadSpan is a time in which a number was dead, half-open. A zero To is open.
type DeadSpan struct {
	From, To time.Time
	Rule     string
}

// history lists how the state would have been read at every instant up to now.
func (e *numberEvidence) history(now int64) []Change {
	type instant struct{ at, asOf int64 }
	var instants []instant
	for _, f := range e.failures {
		instants = append(instants, instant{f.at, min(f.at, now)})
	}
	for _, d := range e.deliveries {
		instants = append(instants, instant{d.at, min(d.at, now)})
	}
	for _, at := range e.successes {
		instants = append(instants, instant{at, min(at, now)})
		// At the end of its days a revived number is still that, a millisecond later it is not.
		if end := at + int64(e.rules.RevivedDays)*dayMS; end < now {
			instants = append(instants, instant{end, end + 1})
		}
	}
	slices.SortFunc(instants, func(x, y instant) int {
		return cmp.Or(cmp.Compare(x.at, y.at),
			cmp.Compare(x.asOf, y.asOf))
	})

	var changes []Change
	state, rule := "unknown", ""
	for _, i := range slices.Compact(instants) {
		nextState, nextRule, _ := e.judge(i.at, i.asOf)
		if nextState != state || nextRule != rule {
			changes = append(changes, Change{At: time.UnixMilli(i.at).UTC(), From: state, To: nextState,
				Rule: nextRule})
		}
		state, rule = nextState, nextRule
	}
	return changes
}

// deadSpans are the times between the changes to dead and those that followed.
func deadSpans(changes []Change) []DeadSpan {
	var spans []DeadSpan
	for i, c := range changes {
		if c.To != "dead" {
			continue
		}
		span := DeadSpan{From: c.At, Rule: c.Rule}
		if i+1 < len(changes) {
			span.To = changes[i+1].At
		}
		spans = append(spans, span)
	}
	return spans
}

func utcDay(ms int64) int64 {
	t := time.UnixMilli(ms).UTC()
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC).Unix() / 86_400
}

// mailing is what an attempt belongs to: its campaign, or the UTC day of its cohort.
func mailing(campaign string, cohort int64) string {
	if campaign != "" {
		return campaign
	}
	return time.UnixMilli(cohort).UTC().Format(time.DateOnly)
}
