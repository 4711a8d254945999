package health_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kaskad/aggregate/health"
	"kaskad/schema"
	"kaskad/schema/rules"
)

const (
	hour = time.Hour
	day  = 24 * hour
	week = 7 * day
)

// start is where the stories of the tests begin; now is when their verdicts are read.
var (
	start = time.Date(2026, 9, 21, 0, 0, 0, 0, time.UTC)
	now   = start.Add(60 * day)
)

// story is the evidence on a phone number, told as what happened after start.
type story []func(*health.Evidence)

func (s story) evidence() *health.Evidence {
	e := &health.Evidence{Kind: schema.KindPhone, ExpiresMS: schema.Never}
	for _, tell := range s {
		tell(e)
	}
	return e
}

func failed(mailing, class string, after time.Duration) func(*health.Evidence) {
	return func(e *health.Evidence) {
		e.Failures = append(e.Failures, health.Failure{AtMS: start.Add(after).UnixMilli(), Class: class,
			Mailing: mailing})
	}
}

func guessed(mailing, class string, after time.Duration) func(*health.Evidence) {
	return func(e *health.Evidence) {
		failed(mailing, class, after)(e)
		e.Failures[len(e.Failures)-1].Guessed = true
	}
}

func delivered(after time.Duration) func(*health.Evidence) {
	return func(e *health.Evidence) {
		at := start.Add(after).UnixMilli()
		e.Successes = append(e.Successes, at)
		e.Deliveries = append(e.Deliveries, health.Delivery{Channel: "sms", AtMS: at, BearsNumber: true})
	}
}

func deliveredOn(channel string, after time.Duration) func(*health.Evidence) {
	return func(e *health.Evidence) {
		e.Deliveries = append(e.Deliveries, health.Delivery{Channel: channel, AtMS: start.Add(after).UnixMilli()})
	}
}

// soft is a failure of a soft class of each of n mailings.
func soft(n int, step time.Duration) (s story) {
	for i := range n {
		s = append(s, failed(fmt.Sprint("s", i), "absent_subscriber", time.Duration(i)*step))
	}
	return s
}

func TestDecide_Rules(t *testing.T) {
	const hard = "unknown_subscriber"
	for name, c := range map[string]struct {
		story       story
		state, rule string
	}{
		"Nothing":                {nil, health.StateUnknown, ""},
		"OneHardFailureDoesNot":  {story{failed("c1", hard, 0)}, health.StateSuspect, ""},
		"TwoMailingsWithin24Not": {story{failed("c1", hard, 0), failed("c2", hard, day-1e6)}, health.StateSuspect, ""},
		"TwoMailings24HoursApart": {story{failed("c1", hard, 0), failed("c2", hard, day)}, health.StateDead,
			health.RuleHard},
		"OneMailingTwiceDoesNot": {story{failed("c1", hard, 0), failed("c1", hard, 2*day)}, health.StateSuspect, ""},
		"AGuessDoesNot":          {story{guessed("c1", hard, 0), failed("c2", hard, 2*day)}, health.StateSuspect, ""},
		"AGuessIsNoMailingOfHardOnes": {story{guessed("c1", hard, 0), failed("c2", hard, 0), failed("c2", hard, 2*day)},
			health.StateSuspect, ""},
		"DeactivatedAtOnce": {story{failed("c1", "deactivated", 0)}, health.StateDead,
			health.RuleDeactivated},
		"DeactivatedByGuessDoesNot": {story{guessed("c1", "deactivated", 0)}, health.StateSuspect, ""},
		"InvalidAtOnce": {story{failed("lookup", "invalid_format", 0)}, health.StateDead,
			health.RuleInvalidFormat},
		"TheFirstOfTheTableHolds": {story{failed("c1", "invalid_format", 0), failed("c2", "deactivated", 0)},
			health.StateDead, health.RuleDeactivated},
		"FiveSoftOver14Days":        {soft(5, week/2), health.StateDead, health.RuleSoft},
		"FourSoftDoNot":             {soft(4, week), health.StateUnknown, ""},
		"FiveSoftWithin14DaysDoNot": {soft(5, week/2-1e6), health.StateUnknown, ""},
		"ViberKeepsSoftAway": {append(soft(5, week/2), onViber(2*week-30*day)), health.StateUnknown,
			""},
		"ViberADayEarlierDoesNot": {append(soft(5, week/2), onViber(2*week-30*day-1e6)), health.StateDead,
			health.RuleSoft},
		"ViberLaterThatDayTakesItBack": {append(soft(5, week/2), onViber(2*week+23*hour)), health.StateUnknown, ""},
		"ViberTheDayAfterDoesNot": {append(soft(5, week/2), onViber(2*week+24*hour)), health.StateDead,
			health.RuleSoft},
		"OtherClassesDoNot": {story{failed("c1", "expired", 0), failed("c2", "blocked_by_user", 2*day)},
			health.StateUnknown, ""},
		"AFailureAtTheSuccessIsNotAfter": {story{failed("c1", hard, 0), delivered(0)},
			health.StateActive, ""},
		"ASuccessEndsTheStreak": {story{failed("c1", hard, 0), delivered(hour), failed("c2", hard, 2*day)},
			health.StateSuspect, ""},
		"Revived": {story{failed("c1", hard, 0), failed("c2", hard, day), delivered(30 * day)},
			health.StateRevived, ""},
		"RevivedIsActiveAfter30Days": {story{failed("c1", hard, 0), failed("c2", hard, day), delivered(30*day - 1e6)},
			health.StateActive, ""},
	} {
		t.Run(name, func(t *testing.T) {
			v := health.Decide(c.story.evidence(), rules.Default, nil, now.UnixMilli())
			if v.State != c.state || v.Rule != c.rule {
				t.Errorf("%s by %q, want %s by %q", v.State, v.Rule, c.state, c.rule)
			}
		})
	}
}

func onViber(after time.Duration) func(*health.Evidence) { return deliveredOn("viber", after) }

// Of rules that are completed at one moment the first in the table holds.
func TestDecide_FirstRuleOfTheTable(t *testing.T) {
	rules := rules.Default
	rules.HardMailings, rules.HardHours = rules.SoftMailings, 24*rules.SoftDays
	var s story
	for i := range 5 {
		s = append(s, failed(fmt.Sprint("c", i), "unknown_subscriber", time.Duration(i)*week/2))
	}
	v := health.Decide(s.evidence(), rules, nil, now.UnixMilli())
	if v.Rule != health.RuleHard || v.SinceMS != start.Add(2*week).UnixMilli() {
		t.Errorf("dead by %q since %d", v.Rule, v.SinceMS)
	}
}

// A number that comes back may belong to somebody else: after three days of death, or after a change of owner that a
// look-up found. Its death ends with the delivery, and the verdict is due when the revival has been shown for 30 days.
func TestDecide_Revival(t *testing.T) {
	dead := story{failed("c1", "deactivated", 40*day)}
	for name, c := range map[string]struct {
		back, ownerChanged time.Duration
		reassigned         bool
	}{
		"AfterThreeDays":     {43 * day, 0, true},
		"EarlierThanThat":    {43*day - 1e6, 0, false},
		"AfterTheChange":     {41 * day, 41*day - 1e6, true},
		"BeforeTheChange":    {41 * day, 42 * day, false},
		"AtTheVeryMoment":    {41 * day, 41 * day, false},
		"NoChangeIsNoMoment": {41 * day, 0, false},
	} {
		e := append(dead[:1:1], delivered(c.back)).evidence()
		if c.ownerChanged > 0 {
			e.OwnerChangedMS = start.Add(c.ownerChanged).UnixMilli()
		}
		v := health.Decide(e, rules.Default, nil, now.UnixMilli())
		back := start.Add(c.back).UnixMilli()
		want := schema.DeadSpan{FromMS: start.Add(40 * day).UnixMilli(), ToMS: back, Rule: health.RuleDeactivated}
		if v.State != health.StateRevived || v.PossibleReassignment != c.reassigned ||
			v.DueMS != back+(30*day).Milliseconds()+1 || len(v.Dead) != 1 || v.Dead[0] != want {
			t.Errorf("%s: %s, reassigned %v, due %d, dead %v", name, v.State, v.PossibleReassignment, v.DueMS, v.Dead)
		}
	}
}

// A number that fails is reachable on channels that do not depend on it, since its streak began.
func TestDecide_ReachableOn(t *testing.T) {
	s := story{delivered(-day), onViber(-1e6), deliveredOn("whatsapp", 0), deliveredOn("whatsapp", day),
		deliveredOn("rcs", 0), failed("c1", "unknown_subscriber", 0)}
	e := s.evidence()
	e.Deliveries = append(e.Deliveries, health.Delivery{Channel: "email", AtMS: start.UnixMilli(), BearsNumber: true})
	v := health.Decide(e, rules.Default, nil, now.UnixMilli())
	want := []schema.Reachable{{Channel: "rcs", LastDeliveredMS: start.UnixMilli()},
		{Channel: "whatsapp", LastDeliveredMS: start.Add(day).UnixMilli()}}
	if !slices.Equal(v.ReachableOn, want) {
		t.Errorf("reachable on %v, want %v", v.ReachableOn, want)
	}
}

// An override that was taken back stays a span of death, or an end of one.
func TestDecide_OverridesPast(t *testing.T) {
	s := story{failed("c1", "unknown_subscriber", 0), failed("c2", "unknown_subscriber", day)}
	at := func(n int) int64 { return start.Add(time.Duration(n) * day).UnixMilli() }
	v := health.Decide(s.evidence(), rules.Default, []health.Override{{State: "active", AtMS: at(5)},
		{AtMS: at(10)}, {State: "dead", AtMS: at(12)}, {State: "quarantined", AtMS: at(14)}, {AtMS: at(15)}},
		now.UnixMilli())
	if v.State != health.StateDead || v.Rule != health.RuleHard || v.Override != "" {
		t.Errorf("%s by %q, override %q; want dead by hard", v.State, v.Rule, v.Override)
	}
	want := []schema.DeadSpan{{FromMS: at(1), ToMS: at(5), Rule: "hard"}, {FromMS: at(10), ToMS: at(12), Rule: "hard"},
		{FromMS: at(12), ToMS: at(14), Rule: "override"}, {FromMS: at(15), ToMS: schema.Never, Rule: "hard"}}
	if !slices.Equal(v.Dead, want) {
		t.Errorf("spans of death %v, want %v", v.Dead, want)
	}
	mustAnnounce(t, v.Changes(health.Announced{}), "unknown>suspect 0", "suspect>dead 1 hard", "dead>active 5 override",
		"active>dead 10 hard", "dead>quarantined 14 override", "quarantined>dead 15 hard")
}

// What happens at the moment of an override gives way to it.
func TestDecide_OverrideAtTheMoment(t *testing.T) {
	at := start.Add(day).UnixMilli()
	s := story{failed("c1", "unknown_subscriber", 0), failed("c2", "unknown_subscriber", day)}
	v := health.Decide(s.evidence(), rules.Default, []health.Override{{State: "active", AtMS: at}},
		now.UnixMilli())
	mustAnnounce(t, v.Changes(health.Announced{}), "unknown>suspect 0", "suspect>active 1 override")
}

// An override that holds wins, and keeps the evidence.
func TestDecide_OverrideHolds(t *testing.T) {
	s := story{failed("c1", "unknown_subscriber", 0)}
	at := start.Add(day).UnixMilli()
	v := health.Decide(s.evidence(), rules.Default,
		[]health.Override{{State: "dead", Why: "asked us to stop", AtMS: at}}, now.UnixMilli())
	if v.State != "dead" || v.Rule != health.RuleOverride || v.SinceMS != at || v.Override != "dead" ||
		v.Why != "asked us to stop" || v.FailedMailings != 1 {
		t.Errorf("%+v", v.NumberHealth)
	}
}

// mustAnnounce compares changes, as from>to, days after start, and rule.
func mustAnnounce(t *testing.T, changes []schema.NumberChange, want ...string) {
	t.Helper()
	var got []string
	for _, c := range changes {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s>%s %v %s", c.From, c.To,
			time.UnixMilli(c.AtMS).Sub(start).Hours()/24, c.Rule)))
	}
	if !slices.Equal(got, want) {
		t.Errorf("announced:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// What was announced already is not announced again, and a past that was rewritten is announced as one change.
func TestVerdict_Changes(t *testing.T) {
	s := story{failed("c1", "unknown_subscriber", 0), failed("c2", "unknown_subscriber", day)}
	at := func(days float64) int64 { return start.Add(time.Duration(days * float64(day))).UnixMilli() }
	v := health.Decide(s.evidence(), rules.Default, nil, now.UnixMilli())
	mustAnnounce(t, v.Changes(health.Announced{}), "unknown>suspect 0", "suspect>dead 1 hard")
	mustAnnounce(t, v.Changes(health.Announced{State: "suspect", AtMS: at(0)}), "suspect>dead 1 hard")
	mustAnnounce(t, v.Changes(health.Announced{State: "dead", AtMS: at(1)}))
	mustAnnounce(t, v.Changes(health.Announced{State: "dead", AtMS: at(0.5)}))
	v = health.Decide(append(s, delivered(2*day), failed("c3", "unknown_subscriber", 3*day)).evidence(),
		rules.Default, nil, now.UnixMilli())
	mustAnnounce(t, v.Changes(health.Announced{State: "dead", AtMS: at(1)}), "dead>revived 2", "revived>suspect 3")
	v = health.Decide(append(s, delivered(12*hour)).evidence(), rules.Default, nil, now.UnixMilli())
	mustAnnounce(t, v.Changes(health.Announced{State: "dead", AtMS: at(1)}), "dead>suspect 1")
	v = health.Decide(story{}.evidence(), rules.Default, nil, now.UnixMilli())
	mustAnnounce(t, v.Changes(health.Announced{State: "dead", AtMS: at(1)}), "dead>unknown 1")
}

// randomStory is a story of up to forty events that often fall on the same moments and the edges of the rules.
func randomStory(r *rapid.T) (s story) {
	classes := []string{"unknown_subscriber", "deactivated", "invalid_format", "absent_subscriber", "expired"}
	for range rapid.IntRange(0, 40).Draw(r, "events") {
		after := time.Duration(rapid.IntRange(0, 90).Draw(r, "half days"))*12*hour +
			time.Duration(rapid.IntRange(-1, 1).Draw(r, "ms"))*time.Millisecond
		mailing, class := rapid.StringMatching("c[0-5]").Draw(r, "mailing"), rapid.SampledFrom(classes).Draw(r, "class")
		switch rapid.IntRange(0, 5).Draw(r, "what") {
		case 0:
			s = append(s, delivered(after))
		case 1:
			s = append(s, onViber(after))
		case 2:
			s = append(s, guessed(mailing, class, after))
		default:
			leg := uint64(rapid.IntRange(0, 3).Draw(r, "leg"))
			s = append(s, func(e *health.Evidence) {
				failed(mailing, class, after)(e)
				f := &e.Failures[len(e.Failures)-1]
				f.Priced, f.Attempt.Leg = true, leg
			})
		}
	}
	return s
}

// A verdict does not depend on the order of the evidence.
func TestDecide_OrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := randomStory(r)
		first := health.Decide(s.evidence(), rules.Default, nil, now.UnixMilli())
		second := health.Decide(story(rapid.Permutation(s).Draw(r, "order")).evidence(), rules.Default, nil,
			now.UnixMilli())
		if !reflect.DeepEqual(first, second) {
			r.Fatalf("%+v\nin another order\n%+v", first, second)
		}
	})
}

// The attempts of a streak have one order, also those of one moment.
func TestDecide_StreakHasOneOrder(t *testing.T) {
	e := story{failed("c1", "unknown_subscriber", 0), failed("c1", "unknown_subscriber", 0)}.evidence()
	for i := range e.Failures {
		e.Failures[i].Priced, e.Failures[i].Attempt.Leg = true, uint64(i)
	}
	first := health.Decide(e, rules.Default, nil, now.UnixMilli())
	slices.Reverse(e.Failures)
	second := health.Decide(e, rules.Default, nil, now.UnixMilli())
	if len(first.Streak) != 2 || !slices.Equal(first.Streak, second.Streak) {
		t.Errorf("%v, and %v in another order", first.Streak, second.Streak)
	}
}

// However the evidence arrives, each line of the feed begins where the one before ended, times never go back, and the
// last line is the verdict; a state of the table dead has a span that is open, and no other has.
func TestVerdict_Changes_EndAtTheState(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s, last := randomStory(r), health.Announced{}
		for len(s) > 0 {
			n := rapid.IntRange(1, len(s)).Draw(r, "batch")
			var known story
			known, s = append(known, s[:n]...), s[n:]
			v := health.Decide(known.evidence(), rules.Default, nil, now.UnixMilli())
			for _, c := range v.Changes(last) {
				if want := last.State; c.From != want && (want != "" || c.From != health.StateUnknown) {
					r.Fatalf("a change from %s after %s", c.From, want)
				}
				if c.From == c.To || c.AtMS < last.AtMS {
					r.Fatalf("a change from %s to %s at %d, after %d", c.From, c.To, c.AtMS, last.AtMS)
				}
				last = health.Announced{State: c.To, AtMS: c.AtMS}
			}
			if last.State != v.State && (last.State != "" || v.State != health.StateUnknown) {
				r.Fatalf("the feed ends with %q, the verdict is %s", last.State, v.State)
			}
			open := len(v.Dead) > 0 && v.Dead[len(v.Dead)-1].ToMS == schema.Never
			if open != (v.State == health.StateDead) {
				r.Fatalf("%s with the spans %v", v.State, v.Dead)
			}
		}
	})
}
