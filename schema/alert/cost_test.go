package alert

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// A world of days: a cascade that tries a free push first and an SMS of some segments for those whom it did not reach.
type costWorld struct {
	random *rand.Rand
	// perDay is how many messages there are on an average day, price that of a segment, in micro-units.
	perDay float64
	price  int64
	// pushed is the share that the push reaches, delivered that of the SMS; shares vary by day by spread, and weekends
	// have weekend times as many messages, which the push reaches less.
	pushed, delivered, spread, weekend float64
	// long is the share of texts of 4 segments, which changes from day to day. drift: prices fall and rise slowly.
	// dear: some go abroad, at thirty times the price.
	long, drift, dear float64
	// mailings: on some days there are so many times as many messages more, all by SMS; each is a campaign of its own,
	// or all are of one template.
	mailings float64
	template string
}

const costDays = 98 // 14 weeks: 8 of the past, and 6 that are judged

// series makes days; dearer says by which factor the prices of a day are multiplied.
func (w *costWorld) series(dearer func(day int64) float64) *Series {
	s := NewSeries(0, costDays*24-1)
	for day := range int64(costDays) {
		factor := dearer(day) * (1 + w.drift*math.Sin(2*math.Pi*float64(day)/costDays))
		n := w.perDay * (0.7 + 0.6*w.random.Float64())
		pushed := w.pushed * (1 + w.spread*w.random.NormFloat64())
		if w.weekend > 0 && weekend(day*24) {
			n, pushed = n*w.weekend, pushed*0.9
		}
		s.AddDay(CostStratum{Template: "code"}, day, w.day(n, pushed, factor))
		if w.mailings > 0 && w.random.Float64() < 0.1 {
			kind := CostStratum{Campaign: fmt.Sprintf("mailing %d", day)}
			if w.template != "" {
				kind = CostStratum{Template: w.template}
			}
			s.AddDay(kind, day, w.day(n*w.mailings, 0, factor))
		}
	}
	return s
}

// day makes messages of a day.
func (w *costWorld) day(n, pushed, factor float64) (c DayCost) {
	c.Currency = "RUB"
	long := w.long * 2 * w.random.Float64()
	c.Messages = int64(n)
	c.Reached = binomial(w.random, c.Messages, pushed)
	texts := c.Messages - c.Reached
	abroad := binomial(w.random, texts, w.dear)
	longer := binomial(w.random, texts-abroad, long)
	price := int64(float64(w.price) * factor)
	for _, kind := range []struct{ n, cost int64 }{{abroad, 30 * price}, {longer, 4 * price},
		{texts - abroad - longer, price}} {
		delivered := binomial(w.random, kind.n, w.delivered*(1+0.2*w.spread*w.random.NormFloat64()))
		c.Micros += kind.n * kind.cost
		c.Squares += float64(kind.n) * float64(kind.cost) * float64(kind.cost)
		c.Reached, c.OfReached = c.Reached+delivered, c.OfReached+float64(delivered)*float64(kind.cost)
	}
	return c
}

var costNoises = map[string]costWorld{
	"Chance":      {perDay: 20_000, price: 2_000_000, pushed: 0.4, delivered: 0.95},
	"Few":         {perDay: 400, price: 2_000_000, pushed: 0.4, delivered: 0.9},
	"Large":       {perDay: 3_000_000, price: 1_850_000, pushed: 0.6, delivered: 0.97},
	"SMSAlone":    {perDay: 20_000, price: 2_000_000, delivered: 1},
	"Spread":      {perDay: 20_000, price: 2_000_000, pushed: 0.4, delivered: 0.9, spread: 0.15},
	"SpreadBig":   {perDay: 1_000_000, price: 2_000_000, pushed: 0.4, delivered: 0.9, spread: 0.15},
	"Weekends":    {perDay: 20_000, price: 2_000_000, pushed: 0.5, delivered: 0.9, spread: 0.05, weekend: 0.3},
	"Texts":       {perDay: 20_000, price: 2_000_000, pushed: 0.3, delivered: 0.9, long: 0.3},
	"Abroad":      {perDay: 3_000, price: 2_000_000, pushed: 0.5, delivered: 0.9, dear: 0.002},
	"Mailings":    {perDay: 3_000, price: 2_000_000, pushed: 0.5, delivered: 0.9, mailings: 10},
	"MailingsFew": {perDay: 3_000, price: 2_000_000, pushed: 0.5, delivered: 0.9, mailings: 0.5},
	"MailingsOfOneTemplate": {perDay: 3_000, price: 2_000_000, pushed: 0.5, delivered: 0.9, mailings: 0.8,
		template: "promo"},
	"Drift": {perDay: 20_000, price: 2_000_000, pushed: 0.4, delivered: 0.9, drift: 0.3, spread: 0.03},
	"AllOfIt": {perDay: 5_000, price: 2_000_000, pushed: 0.4, delivered: 0.85, spread: 0.1, weekend: 0.5, long: 0.2,
		dear: 0.001, mailings: 0.7},
	"NearlyFree": {perDay: 20_000, price: 2_000_000, pushed: 0.9999, delivered: 0.9},
}

func sameCost(int64) float64 { return 1 }

// costAlarms walks a rule through the judged days.
func costAlarms(r *Rule, s *Series) (events []Event) {
	state := NewState()
	for day := int64(pastWeeks*7 + 1); day < costDays; day++ {
		for _, e := range r.Walk("acme", 1, map[Group]*Series{{}: s}, day*24+23, state) {
			state.Note(&e)
			events = append(events, e)
		}
	}
	return events
}

// Where nothing changes there is hardly ever an alarm: of 200 groups in 6 weeks of each kind of noise one at most,
// which is less than one in twenty years of a group.
func TestRule_Walk_NoiseOfCostIsNoAlarm(t *testing.T) {
	for name, w := range costNoises {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, r, began, known := w, ruleOf(CostPerReached), 0, false
			for seed := range uint64(200) {
				w.random = seeded(seed)
				s := w.series(sameCost)
				for _, e := range costAlarms(r, s) {
					if e.UntilMS == 0 {
						began++
						t.Logf("seed %d: %+v", seed, e)
					}
				}
				known = known || r.Judge(s, costDays*24-1, 0).Known
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

// A real rise is found when its first day is judged, or the second; the alert ends when it is over, or when it has
// become the ordinary after a week.
func TestRule_Walk_FindsRisesOfCost(t *testing.T) {
	const from = 70 // a Thursday
	for name, c := range map[string]struct {
		noise  string
		factor float64
		days   int64
		ended  string
	}{
		"FifthOfChance": {"Chance", 1.2, 4, EndedCalm}, "HalfOfFew": {"Few", 1.5, 4, EndedCalm},
		"SixthOfLarge": {"Large", 1.15, 4, EndedCalm}, "SixthOfSMS": {"SMSAlone", 1.15, 4, EndedCalm},
		"MuchOfSpread": {"Spread", 2.5, 4, EndedCalm}, "MuchOfTexts": {"Texts", 5, 4, EndedCalm},
		"IntoTheWeekend": {"Weekends", 1.6, 4, EndedCalm}, "NewTariff": {"Chance", 1.25, costDays, EndedLevel},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, r, missed := costNoises[c.noise], ruleOf(CostPerReached), 0
			const seeds = 50
			for seed := range uint64(seeds) {
				w.random = seeded(seed)
				events := costAlarms(r, w.series(func(day int64) float64 {
					if day >= from && day < from+c.days {
						return c.factor
					}
					return 1
				}))
				if len(events) != 2 || events[0].ID != events[1].ID || events[1].Ended != c.ended ||
					events[0].SinceMS/(dayHours*HourMS) < from || events[0].SinceMS/(dayHours*HourMS) > from+1 {
					missed++
					t.Logf("seed %d: %+v", seed, events)
					continue
				}
				if until := events[1].UntilMS / (dayHours * HourMS); c.ended == EndedCalm &&
					(until < from+c.days || until > from+c.days+2) {
					t.Errorf("seed %d: it ended on day %d", seed, until-from)
				}
			}
			if missed > seeds/20 {
				t.Errorf("%d of %d were not found in time, or found twice", missed, seeds)
			}
		})
	}
}

// flat makes days that are all alike but for what a function changes.
func flat(change func(day int64, c *DayCost)) *Series {
	s := NewSeries(0, costDays*24-1)
	for day := range int64(costDays) {
		c := DayCost{Currency: "RUB", Micros: 2_000_000_000 + day%5*1_000_000, Messages: 1100, Reached: 1000}
		c.Squares = float64(c.Micros) / 1100 * float64(c.Micros) / 1100 * 1100
		c.OfReached = float64(c.Micros) / 1.1
		change(day, &c)
		if c.Messages > 0 {
			s.AddDay(CostStratum{}, day, c)
		}
	}
	return s
}

// What is not known is no alarm: no prices, two currencies, too few messages, no past, a day of which much may still
// arrive; and a past in another currency is none.
func TestRule_Judge_UnknownCostIsNoAlarm(t *testing.T) {
	const last = costDays - 1
	r := ruleOf(CostPerReached)
	dear := func(c *DayCost) { c.Micros *= 3 }
	for name, c := range map[string]struct {
		change     func(day int64, c *DayCost)
		known, off bool
	}{
		"Rise":   {func(day int64, c *DayCost) { dear(onDay(day, last, c)) }, true, true},
		"NoRise": {func(int64, *DayCost) {}, true, false},
		"Unpriced": {func(day int64, c *DayCost) {
			dear(onDay(day, last, c))
			onDay(day, last, c).Unknown = true
		}, false, false},
		"PastUnpriced": {func(day int64, c *DayCost) {
			dear(onDay(day, last, c))
			c.Unknown = day < last
		}, false, false},
		"SomeOfPastUnpriced": {func(day int64, c *DayCost) {
			dear(onDay(day, last, c))
			c.Unknown = day < last && day%2 == 0
		}, true, true},
		"OtherCurrency": {func(day int64, c *DayCost) {
			dear(onDay(day, last, c))
			onDay(day, last, c).Currency = "KZT"
		}, false, false},
		"Few": {func(day int64, c *DayCost) {
			dear(onDay(day, last, c))
			onDay(day, last, c).Reached = 150
		}, false, false},
		"NobodyReached": {func(day int64, c *DayCost) { onDay(day, last, c).Reached = 0 }, false, false},
		"ThreeDays": {func(day int64, c *DayCost) {
			dear(onDay(day, last, c))
			if day < last-3 {
				c.Messages = 0
			}
		}, false, false},
		"NoSuchDay": {func(day int64, c *DayCost) { onDay(day, last, c).Messages = 0 }, false, false},
		// Half of them are on their way.
		"Early": {func(day int64, c *DayCost) {
			on := onDay(day, last, c)
			on.Reached, on.Pending = on.Reached/2, 600
		}, true, false},
		// So they always are, as on a route that reports no deliveries.
		"AlwaysPending": {func(day int64, c *DayCost) {
			c.Messages, c.Pending = 5100, 4000
			dear(onDay(day, last, c))
		}, true, true},
		"Failing": {func(day int64, c *DayCost) { onDay(day, last, c).Reached /= 2 }, true, true},
		// It was free. One SMS is chance, a hundred are none.
		"OneOfFree": {func(day int64, c *DayCost) {
			c.Micros, c.Squares, c.OfReached = 0, 0, 0
			onDay(day, last, c).paid(1, 2_000_000)
		}, true, false},
		"SomeOfFree": {func(day int64, c *DayCost) {
			c.Micros, c.Squares, c.OfReached = 0, 0, 0
			onDay(day, last, c).paid(100, 2_000_000)
		}, true, true},
	} {
		v := r.Judge(flat(c.change), last*24+23, 0)
		if v.Known != c.known || v.Off != c.off || v.Off && v.Calm || (v.Costs.Currency != "") != c.known {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// onDay is the day's own where it is that day, else one that nobody looks at.
func onDay(day, wanted int64, c *DayCost) *DayCost {
	if day == wanted {
		return c
	}
	return &DayCost{}
}

// paid makes some of the day's messages cost something.
func (c *DayCost) paid(n, micros int64) {
	c.Micros += n * micros
	c.Squares += float64(n) * float64(micros) * float64(micros)
	c.OfReached += float64(n) * float64(micros)
}

// What is shown is exact: quotients of whole sums, at any size; what is off is known, dearer than all of the past and
// by as much as the rule asks; less sensitive rules find no more; nothing depends on the order of days.
func TestRule_Judge_CostProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.Int64Range(1, 50_000_000).Draw(t, "unit")
		size := rapid.Int64Range(0, 1_000_000).Draw(t, "size")
		factor := rapid.Float64Range(0, 4).Draw(t, "factor")
		random := seeded(rapid.Uint64().Draw(t, "seed"))
		days := map[int64]DayCost{}
		const last = costDays - 1
		for day := range int64(costDays) {
			price := unit
			if day == last {
				price = int64(float64(unit) * factor)
			}
			c := DayCost{Currency: "RUB", Messages: size + random.Int64N(size+1)}
			c.Reached = binomial(random, c.Messages, 0.8)
			c.Micros = c.Messages * price
			c.Squares, c.OfReached = float64(c.Micros)*float64(price), float64(c.Reached)*float64(price)
			days[day] = c
		}
		s := NewSeries(0, costDays*24-1)
		for day, c := range days { // in no order
			s.AddDay(CostStratum{}, day, c)
		}
		var before Verdict
		for i, sensitivity := range []Sensitivity{"high", "normal", "low"} {
			r := ruleOf(CostPerReached)
			r.Sensitivity = sensitivity
			v := r.Judge(s, last*24+23, 0)
			now := days[last]
			if v.Known && now.Reached < r.MinSample {
				t.Fatalf("%+v of %+v", v, now)
			}
			var micros, reached, weeks int64
			for week := int64(1); week <= pastWeeks; week++ {
				day := days[last-7*week]
				micros, reached = micros+day.Micros, reached+day.Reached
				if 2*day.Reached >= r.MinSample {
					weeks++
				}
			}
			if !v.Known || weeks < fewest {
				continue // otherwise it is shown by the days before
			}
			want := Costs{Currency: "RUB", Cost: now.Micros, Now: rounded(now.Micros, 1, now.Reached),
				Before: rounded(rounded(micros, now.Reached, reached), 1, now.Reached),
				Low:    v.Costs.Low, High: v.Costs.High}
			if v.Costs != want || v.Costs.Low > v.Costs.Before || v.Costs.Before > v.Costs.High {
				t.Fatalf("%+v, want %+v", v.Costs, want)
			}
			if v.Off && (v.Calm || v.Costs.Now < v.Costs.High || float64(v.Costs.Now) <
				float64(v.Costs.Before)*(1+sensitivity.bounds().fall)-2) {
				t.Fatalf("%s is no alarm: %+v", sensitivity, v)
			}
			if i > 0 && v.Off && !before.Off {
				t.Fatalf("%s finds what the one before it does not: %+v %+v", sensitivity, v, before)
			}
			before = v
		}
	})
}

// rounded is a quotient as somebody computes it who has all the time of the world.
func rounded(micros, times, by int64) int64 {
	all := new(big.Int).Mul(big.NewInt(micros), big.NewInt(times))
	text := new(big.Rat).SetFrac(all, big.NewInt(by)).FloatString(0)
	var whole int64
	if _, err := fmt.Sscan(text, &whole); err != nil {
		return -1
	}
	return whole
}
