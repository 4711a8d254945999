package alert

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"slices"
)

// Why an alert ended.
const (
	// EndedCalm: the figure is well inside of the ordinary again, for two hours (of a cost: days).
	EndedCalm = "recovered"
	// EndedUnknown: for two hours (days) there is too little to say anything.
	EndedUnknown = "too_little"
	// EndedLevel: it was so for a week, and is the ordinary from now on.
	EndedLevel = "new_level"
	// EndedRule: the rule is off, gone or another.
	EndedRule = "rule_changed"
)

// Endings are why alerts end.
var Endings = []string{EndedCalm, EndedUnknown, EndedLevel, EndedRule}

// levelHours is how long an alert is open at most: what lasts longer is the ordinary.
const levelHours = weekHours

// Event is an alert: as it began, and once more as it ended. Its figures are those that it was raised for, to the end:
// what was seen last is the recovery, of which an alert says nothing.
type Event struct {
	Account     string
	Seq         uint64
	ID          string
	Rule        string
	RuleVersion uint64
	Metric      Metric
	// Keys are what the rule tells apart, and Group the values.
	Keys []string
	Group
	Before, Now, Low, High float64
	Num, Den, Hours        int64
	// Costs stand in the place of Before, Now, Low, High and Num where the metric is money.
	Costs   Costs
	SinceMS int64
	// UntilMS is 0 and Ended "" while it is open.
	UntilMS int64
	Ended   string
	SendTo  []string
	// AtMS is when this was found.
	AtMS int64
}

// State is what a rule of an account knows of the past: the alerts that are open, and from which hour on a level is the
// ordinary one.
type State struct {
	Open  map[Group]Event
	Level map[Group]int64
}

// NewState knows of nothing.
func NewState() *State { return &State{Open: map[Group]Event{}, Level: map[Group]int64{}} }

// Note takes an event as it was stored, in the order of seq.
func (st *State) Note(e *Event) {
	if e.UntilMS == 0 {
		st.Open[e.Group] = *e
		return
	}
	delete(st.Open, e.Group)
	if e.Ended == EndedLevel {
		st.Level[e.Group] = hourOf(e.SinceMS)
	}
}

func hourOf(ms int64) int64 { return ms / HourMS }

// Walk judges all groups of a rule at an hour, or the day that ends with it, and returns the alerts that begin and end,
// in the order of groups. It changes nothing: Note takes what was stored of them.
func (r *Rule) Walk(account string, version uint64, all map[Group]*Series, hour int64, st *State) (events []Event) {
	groups := map[Group]bool{}
	for g := range all {
		groups[g] = true
	}
	for g := range st.Open {
		groups[g] = true
	}
	for _, g := range slices.SortedFunc(maps.Keys(groups), compareGroups) {
		open, is := st.Open[g]
		judge := func(at int64) Verdict {
			if is {
				return r.judge(all[g], at, st.Level[g], hourOf(open.SinceMS))
			}
			return r.Judge(all[g], at, st.Level[g])
		}
		now := judge(hour)
		switch {
		case !is && now.Off && (now.Far || judge(hour-r.Metric.Step()).Near):
			e := Event{Account: account, Rule: r.ID, RuleVersion: version, Metric: r.Metric, Keys: r.By, Group: g,
				SinceMS: (hour + 1 - now.Hours) * HourMS, SendTo: r.SendTo}
			e.figures(now)
			e.ID = e.id()
			events = append(events, e)
		case is:
			if why := r.ends(hour, now, &open, judge); why != "" {
				open.end(why, hour+1-2*r.Metric.Step())
				events = append(events, open)
			}
		}
	}
	return events
}

// ends says why an alert ends at an hour, "" where it does not.
func (r *Rule) ends(hour int64, now Verdict, open *Event, judge func(int64) Verdict) string {
	switch {
	case hour-hourOf(open.SinceMS) >= levelHours:
		return EndedLevel
	case now.Off:
		return ""
	}
	before := judge(hour - r.Metric.Step())
	switch {
	case now.Calm && before.Calm:
		return EndedCalm
	case !now.Known && !before.Known:
		return EndedUnknown
	}
	return ""
}

// Limited judges figures that are as of a moment, of metric freshness, and returns the alert that begins or ends. It
// ends when they are half as old as they may be.
func (r *Rule) Limited(account string, version uint64, asOfMS, nowMS int64, st *State) (events []Event) {
	const minuteMS = HourMS / 60
	age, limit := (nowMS-asOfMS)/minuteMS, int64(r.LimitMinutes)
	verdict := Verdict{Known: true, Before: math.NaN(), Now: float64(age), Low: 0, High: float64(limit), Num: age}
	open, is := st.Open[Group{}]
	switch {
	case !is && age > limit:
		e := Event{Account: account, Rule: r.ID, RuleVersion: version, Metric: r.Metric, Keys: r.By, SinceMS: asOfMS,
			SendTo: r.SendTo}
		e.ID = e.id()
		e.figures(verdict)
		events = append(events, e)
	case is && 2*age <= limit:
		open.Ended, open.UntilMS = EndedCalm, max(nowMS, open.SinceMS)
		events = append(events, open)
	}
	return events
}

func (e *Event) figures(v Verdict) {
	e.Before, e.Now, e.Low, e.High = v.Before, v.Now, v.Low, v.High
	e.Num, e.Den, e.Hours, e.Costs = v.Num, v.Den, v.Hours, v.Costs
}

// end ends an alert at an hour, the first of those that it was not seen in.
func (e *Event) end(why string, hour int64) {
	e.Ended, e.UntilMS = why, max(e.SinceMS, hour*HourMS)
}

// Changed ends an alert whose rule is not what it was.
func (e *Event) Changed(atMS int64) {
	e.Ended, e.UntilMS = EndedRule, max(atMS, e.SinceMS)
}

// IsOf tells whether the rule, as it is now, is the one that an open alert is of.
func (e *Event) IsOf(r *Rule) bool {
	return e.Rule == r.ID && e.Metric == r.Metric && slices.Equal(e.Keys, r.By)
}

// id follows from what the alert is about and when it began, so that whoever finds it again gives it the same.
func (e *Event) id() string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %q %d", e.Account, e.Rule, e.Metric,
		[]string{e.Channel, e.Provider, e.Operator, e.Campaign}, e.SinceMS)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func compareGroups(a, b Group) int {
	return cmp.Or(cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.Provider, b.Provider),
		cmp.Compare(a.Operator, b.Operator), cmp.Compare(a.Campaign, b.Campaign))
}
