package alert

import (
	"reflect"
	"testing"
)

// began is an alert without what its end adds.
func began(e Event) Event {
	e.UntilMS, e.Ended = 0, ""
	return e
}

// An alert says what it was raised for, after it ended too: not how good the hour is that ended it, nor nothing where
// there was too little to end it by.
func TestRule_Walk_EndKeepsWhatItBeganWith(t *testing.T) {
	const fell = twelveWeeks - 60
	for why, after := range map[string]Count{EndedCalm: {98, 100}, EndedUnknown: {}} {
		s := steady(twelveWeeks, func(h int64) Count {
			n := int64(1000)
			switch {
			case h < fell:
				return Count{97 * n / 100, n}
			case h < fell+5:
				return Count{2 * n / 5, n}
			}
			return Count{after.Num * 10, after.Den * 10}
		})
		var events []Event
		state, r := NewState(), ruleOf(Delivery)
		for hour := int64(fell - 2); hour < twelveWeeks && len(events) < 2; hour++ {
			for _, e := range r.Walk("acme", 1, map[Group]*Series{{}: s}, hour, state) {
				state.Note(&e)
				events = append(events, e)
			}
		}
		if len(events) != 2 || events[1].Ended != why || events[1].UntilMS == 0 {
			t.Fatalf("%s: %+v", why, events)
		}
		if e := events[1]; !reflect.DeepEqual(began(e), events[0]) || e.Now != 0.4 || e.Before != 0.97 || e.Low <= 0.4 {
			t.Errorf("%s: began as %+v, ended as %+v", why, events[0], e)
		}
	}
}

// So does one that figures are late.
func TestRule_Limited_EndKeepsWhatItBeganWith(t *testing.T) {
	const minute = HourMS / 60
	r, state := ruleOf(Freshness), NewState()
	events := r.Limited("acme", 1, 0, 45*minute, state)
	if len(events) != 1 {
		t.Fatalf("%+v", events)
	}
	state.Note(&events[0])
	ended := r.Limited("acme", 1, 60*minute, 61*minute, state)
	if len(ended) != 1 || ended[0].UntilMS != 61*minute || ended[0].Now != 45 || ended[0].Num != 45 ||
		ended[0].High != 30 {
		t.Errorf("%+v, ended as %+v", events, ended)
	}
}
