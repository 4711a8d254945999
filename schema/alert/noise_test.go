package alert

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// A world of hours: figures vary by hour of the day, weekday, by chance, and by more than chance; nothing changes for
// the worse but what a test makes fall.
type world struct {
	random *rand.Rand
	// perHour is how many messages there are in an average hour, rate what becomes of them.
	perHour, rate float64
	// day and weekend are by which part figures go up and down with the hour and at weekends; spread is that of each
	// hour, lasting that of each day, drift by which part a figure falls over the whole time.
	day, weekend, spread, lasting, drift float64
	// bursts: some hours have ten times as many messages. mixed: a second route, with another rate, has a share of the
	// messages that changes all the time.
	bursts, mixed bool
}

const simulatedDays = 84 // 12 weeks: 8 of the past, and 4 that are judged

// binomial draws how many of n come about with probability p.
func binomial(random *rand.Rand, n int64, p float64) (k int64) {
	p = min(max(p, 0), 1)
	if n > 200 {
		mean, deviation := float64(n)*p, math.Sqrt(float64(n)*p*(1-p))
		return int64(min(max(math.Round(mean+deviation*random.NormFloat64()), 0), float64(n)))
	}
	for range n {
		if random.Float64() < p {
			k++
		}
	}
	return k
}

// series makes hours; fallen says by which factor the rate of an hour is multiplied.
func (w *world) series(fallen func(hour int64) float64) *Series {
	s := NewSeries(0, simulatedDays*24-1)
	dayShift := 0.0
	for hour := int64(0); hour < simulatedDays*24; hour++ {
		if hour%24 == 0 {
			dayShift = w.lasting * w.random.NormFloat64()
		}
		wave := math.Sin(2 * math.Pi * float64(hour%24) / 24)
		factor := 1 + w.day*wave
		if weekend(hour) {
			factor *= 1 - w.weekend
		}
		n := w.perHour * (1 + 0.8*wave) * (0.7 + 0.6*w.random.Float64())
		if w.bursts && w.random.Float64() < 0.05 {
			n *= 10
		}
		p := w.rate * factor * (1 + w.spread*w.random.NormFloat64() + dayShift) *
			(1 - w.drift*float64(hour)/(simulatedDays*24)) * fallen(hour)
		share := 0.0
		if w.mixed {
			share = w.random.Float64()
		}
		first, second := int64(n*(1-share)), int64(n*share)
		s.Add(Stratum{Channel: "sms", Provider: "a"}, hour, Count{binomial(w.random, first, p), first})
		s.Add(Stratum{Channel: "sms", Provider: "b"}, hour, Count{binomial(w.random, second, p/2), second})
	}
	return s
}

func never(int64) float64 { return 1 }

var noises = map[string]world{
	"Chance":       {perHour: 3000, rate: 0.9},
	"Few":          {perHour: 60, rate: 0.9},
	"FewAndLow":    {perHour: 100, rate: 0.1},
	"Large":        {perHour: 300_000, rate: 0.7},
	"DayAndNight":  {perHour: 3000, rate: 0.6, day: 0.2, weekend: 0.2},
	"Spread":       {perHour: 3000, rate: 0.3, spread: 0.15},
	"SpreadLarge":  {perHour: 200_000, rate: 0.3, spread: 0.15, day: 0.1},
	"SomeSpread":   {perHour: 3000, rate: 0.3, spread: 0.08},
	"SomeOfLarge":  {perHour: 200_000, rate: 0.3, spread: 0.08, day: 0.1},
	"DaysDiffer":   {perHour: 3000, rate: 0.3, lasting: 0.15},
	"Drift":        {perHour: 3000, rate: 0.5, drift: 0.3, spread: 0.03},
	"Bursts":       {perHour: 300, rate: 0.8, bursts: true, spread: 0.05},
	"Mixed":        {perHour: 3000, rate: 0.8, mixed: true},
	"AllOfItAbove": {perHour: 800, rate: 0.4, day: 0.1, weekend: 0.1, spread: 0.1, lasting: 0.05, bursts: true, mixed: true},
}

// judged are the hours of a simulated time that are judged.
func judged() (first, last int64) { return 56*24 + 24, simulatedDays*24 - 1 }

// alarms walks a rule through the judged hours.
func alarms(r *Rule, s *Series) (events []Event) {
	state := NewState()
	first, last := judged()
	for hour := first; hour <= last; hour++ {
		for _, e := range r.Walk("acme", 1, map[Group]*Series{{}: s}, hour, state) {
			state.Note(&e)
			events = append(events, e)
		}
	}
	return events
}

func ruleOf(m Metric) *Rule {
	r := &Rule{ID: "r", Metric: m}
	r.fill()
	return r
}

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 15)) }

// Where nothing changes there is hardly ever an alarm: of 80 groups in 4 weeks of each kind of noise one at most,
// which is less than one in six years of a group.
func TestRule_Walk_NoiseIsNoAlarm(t *testing.T) {
	for name, w := range noises {
		for _, metric := range []Metric{Delivery, Filtered} {
			t.Run(fmt.Sprintf("%s/%s", name, metric), func(t *testing.T) {
				t.Parallel()
				w, r, began, known := w, ruleOf(metric), 0, false
				for seed := range uint64(80) {
					w.random = seeded(seed)
					s := w.series(never)
					for _, e := range alarms(r, s) {
						if e.UntilMS == 0 {
							began++
							t.Logf("seed %d: %+v", seed, e)
						}
					}
					_, last := judged()
					known = known || r.Judge(s, last, 0).Known
				}
				if began > 1 {
					t.Errorf("%d alarms", began)
				}
				if !known {
					t.Error("nothing was judged: the test says nothing")
				}
			})
		}
	}
}

// A real fall is found when its first hour is judged, or the second, and the alarm ends when it is over.
func TestRule_Walk_FindsFalls(t *testing.T) {
	const from, to = 70*24 + 9, 70*24 + 15
	for name, c := range map[string]struct {
		noise string
		left  float64 // of the rate
	}{
		"HalfOfDeliveries": {"Chance", 0.5}, "FifthOfDeliveries": {"Chance", 0.8}, "AllOfFew": {"Few", 0},
		"TenthOfMany": {"Large", 0.85}, "HalfByDay": {"DayAndNight", 0.5}, "MostOfSpread": {"SomeSpread", 0.3},
		"MostOfLarge": {"SomeOfLarge", 0.3}, "HalfOfMixed": {"Mixed", 0.5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, r, missed := noises[c.noise], ruleOf(Delivery), 0
			const seeds = 50
			for seed := range uint64(seeds) {
				w.random = seeded(seed)
				events := alarms(r, w.series(func(hour int64) float64 {
					if hour >= from && hour < to {
						return c.left
					}
					return 1
				}))
				if len(events) != 2 || events[0].ID != events[1].ID || events[1].Ended != EndedCalm ||
					hourOf(events[0].SinceMS) < from-8 || hourOf(events[0].SinceMS) > from+1 {
					missed++
					continue
				}
				// Few messages are looked at over several hours, at night over more.
				late, most := hourOf(events[1].UntilMS)-to, int64(2)
				if w.perHour < 1000 {
					most = 12
				}
				if late < 0 || late > most {
					t.Errorf("seed %d: it ended %d hours after its end", seed, late)
				}
			}
			if missed > seeds/20 {
				t.Errorf("%d of %d were not found in time, or found twice", missed, seeds)
			}
		})
	}
}
