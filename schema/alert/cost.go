package alert

import (
	"cmp"
	"maps"
	"math"
	"math/big"
	"slices"
)

// Costs are money in micro-units of a currency.
type Costs struct {
	// Currency is "" where the metric is no money.
	Currency string
	// Cost is what the messages of the day cost that are compared.
	Cost int64
	// Before is what reaching somebody has cost, and Now what it does; the past explains Low…High.
	Before, Now, Low, High int64
}

// CostStratum is what must not be mixed up within a group whose messages cost something: long texts and short ones,
// mailings by SMS alone and codes that go by push. So a day with a mailing that is dearer than what goes out every day
// is no alarm.
type CostStratum struct{ Campaign, Template string }

// DayCost is what messages cost that were submitted on a day.
type DayCost struct {
	// Currency is that of all of their prices.
	Currency string
	// Micros is what all of them cost together, in micro-units. It is MaxDayCost at most.
	Micros int64
	// Messages are all of them, Reached those that were delivered, and Pending those of which nothing is known yet.
	Messages, Reached, Pending int64
	// Squares is the sum of the squares of what each has cost, and OfReached what those cost that were delivered: what
	// chance is made of.
	Squares, OfReached float64
	// Unknown: some attempt has no price, or there are prices in two currencies, or the sum is too large. Nothing is
	// said of such a day, and it is no past of another.
	Unknown bool
}

// MaxDayCost bounds what a day may cost to be judged, so that sums of days are exact.
const MaxDayCost = int64(100_000_000_000_000_000)

// AddDay sets what messages of a stratum cost on a day of Unix time. Days outside of the series are left out.
func (s *Series) AddDay(of CostStratum, day int64, c DayCost) {
	if day*dayHours < s.first || (day+1)*dayHours > s.first+int64(s.hours) {
		return
	}
	if s.days == nil {
		s.days = map[int64]map[CostStratum]DayCost{}
	}
	if s.days[day] == nil {
		s.days[day] = map[CostStratum]DayCost{}
	}
	s.days[day][of] = c
}

// stratumPast is what is known of messages of a stratum by days of the past, and what there is of it now.
type stratumPast struct {
	now, past DayCost
	rate      float64 // what reaching somebody has cost
	variance  float64 // of what each has cost who was reached, by chance
}

// costPast is what days of the past let expect.
type costPast struct {
	expectation
	strata []stratumPast
	// now and before are what the strata that have a past cost, and would have.
	now, before int64
	// best is what reaching somebody costs if all arrives that may; own is the variance of what it costs, by chance,
	// and usual what that would be if messages cost as in the past: the spread of days is no multiple of a few that are
	// very dear now.
	best, own, usual float64
}

// expectCost compares a day with others. It is false where there is too little of it, or of them.
func (r *Rule) expectCost(s *Series, hour int64, currency string, ends []int64) (p costPast, known bool) {
	var all int64
	var strata []CostStratum
	today := s.days[hour/dayHours]
	for _, stratum := range slices.SortedFunc(maps.Keys(today), compareStrata) {
		now := today[stratum]
		all += now.Reached
		one := stratumPast{now: now}
		days := 0
		for _, end := range ends {
			if past, is := s.dayOf(end/dayHours, stratum, currency); is {
				days++
				one.past.add(&past)
			}
		}
		if days < fewest || one.past.Reached < stratumSample {
			continue
		}
		one.measure()
		strata, p.strata = append(strata, stratum), append(p.strata, one)
	}
	if p.sum(); p.den < max(r.MinSample, 1) || 2*p.den < all {
		return p, false
	}
	for _, end := range ends {
		var by, reached, chance float64
		for i, stratum := range strata {
			if day, is := s.dayOf(end/dayHours, stratum, currency); is {
				k := &p.strata[i]
				by += float64(day.Micros) - float64(day.Reached)*k.rate
				reached += float64(day.Reached)
				chance += float64(day.Reached) * k.variance
			}
		}
		if 2*reached >= float64(r.MinSample) {
			p.residuals = append(p.residuals, residual{by / reached, reached, chance / reached / reached})
		}
	}
	return p, len(p.residuals) >= fewest
}

func compareStrata(a, b CostStratum) int {
	return cmp.Or(cmp.Compare(a.Campaign, b.Campaign), cmp.Compare(a.Template, b.Template))
}

// Day is what messages of a stratum cost on a day, and whether there were any.
func (s *Series) Day(of CostStratum, day int64) (c DayCost, is bool) {
	c, is = s.days[day][of]
	return c, is
}

// dayOf is so too, false where it is not known in the currency.
func (s *Series) dayOf(day int64, of CostStratum, currency string) (DayCost, bool) {
	c, is := s.Day(of, day)
	return c, is && !c.Unknown && c.Currency == currency
}

func (c *DayCost) add(o *DayCost) {
	c.Micros, c.Messages, c.Reached = c.Micros+o.Micros, c.Messages+o.Messages, c.Reached+o.Reached
	c.Pending, c.Squares, c.OfReached = c.Pending+o.Pending, c.Squares+o.Squares, c.OfReached+o.OfReached
}

// measure finds out how much reaching somebody has cost, and how much that varies by chance.
func (k *stratumPast) measure() {
	reached := float64(k.past.Reached)
	k.rate = float64(k.past.Micros) / reached
	// Where everybody has cost the same a spread is known badly, and where the past was free not at all.
	k.variance = max(k.past.variance(), k.rate*k.rate/reached, 1)
}

// variance is that of what each costs who is reached: of a quotient of sums over messages.
func (c *DayCost) variance() float64 {
	if c.Reached == 0 {
		return 0
	}
	reached := float64(c.Reached)
	rate := float64(c.Micros) / reached
	return max(0, c.Squares-2*rate*c.OfReached+rate*rate*reached) / reached
}

// sum adds up the strata. Of the messages of which nothing is known yet, as many as are more than usual may still
// arrive, for nothing more than they have cost by now: so a day that is judged early is no alarm.
func (p *costPast) sum() {
	var may, own, usual float64
	for i := range p.strata {
		k := &p.strata[i]
		p.den, p.pastDen = p.den+k.now.Reached, p.pastDen+k.past.Reached
		p.now += k.now.Micros
		p.before += scaled(k.past.Micros, k.now.Reached, k.past.Reached)
		if max(p.now, p.before) > MaxDayCost {
			p.den = 0 // too much to be exact
			return
		}
		pending := float64(k.past.Pending) / float64(k.past.Messages) * float64(k.now.Messages)
		may += max(0, float64(k.now.Pending)-pending)
		reached := float64(k.now.Reached)
		before := k.variance * reached / float64(k.past.Reached)
		own += reached * (max(k.variance, k.now.variance()) + before)
		usual += reached * (k.variance + before)
	}
	if p.den == 0 {
		return
	}
	den := float64(p.den)
	p.rate, p.best = float64(p.before)/den, float64(p.now)/(den+may)
	p.own, p.usual = own/den/den, usual/den/den
}

// daysBefore are days of the past that end before an alert began. The day before is none of them: were it the first of
// a rise, the second would be compared with it.
func (s *Series) daysBefore(hour, since, began, every, times int64) []int64 {
	return slices.DeleteFunc(s.past(hour, dayHours, since, every, times), func(end int64) bool {
		return end >= min(began, hour-dayHours)
	})
}

// Unpriced tells whether it is not known what the messages of the day cost that ends with an hour, so that nothing is
// said of it: an attempt has no price, or there are prices in two currencies.
func (s *Series) Unpriced(hour int64) bool {
	_, priced := s.currencyOf(hour)
	return !priced
}

// currencyOf is that of all prices of the day that ends with an hour, false where it is not known what the day cost.
func (s *Series) currencyOf(hour int64) (currency string, priced bool) {
	for _, now := range s.days[hour/dayHours] {
		if now.Unknown || currency != "" && now.Currency != "" && now.Currency != currency {
			return "", false
		}
		currency = max(currency, now.Currency)
	}
	return currency, true
}

// cost judges what reaching somebody has cost on the day that ends with an hour.
func (r *Rule) cost(s *Series, hour, since, began int64) Verdict {
	currency, priced := s.currencyOf(hour)
	if !priced {
		return nothing()
	}
	var known []costPast
	var all []residual
	freedom := 0
	for _, past := range pasts {
		p, is := r.expectCost(s, hour, currency, s.daysBefore(hour, since, began, past.every, past.times))
		if !is {
			continue
		}
		known = append(known, p)
		all = append(all, p.residuals...)
		freedom += len(p.residuals) - 1
	}
	verdict := nothing()
	bounds := r.Sensitivity.bounds()
	reach := student(bounds.z, float64(freedom))
	for i := range known {
		p := &known[i]
		width := reach * p.deviation(all, freedom, p.own, p.usual)
		most, rose := 0.0, bounds.fall*p.rate
		for _, one := range p.residuals {
			most = max(most, one.by)
		}
		one := nothing()
		one.Known, one.Den, one.Hours = true, p.den, dayHours
		one.Costs = Costs{Currency: currency, Cost: p.now, Before: scaled(p.before, 1, p.den),
			Now: scaled(p.now, 1, p.den), Low: micros(p.rate - width), High: micros(p.rate + width)}
		one.Off = p.best > p.rate+width && p.best > p.rate+most && p.best-p.rate >= rose
		one.Far, one.Near = p.best > p.rate+far*width, p.best > p.rate+width/2
		one.Calm = float64(p.now)/float64(p.den) <= p.rate+max(width, rose)/2
		if i == 0 {
			verdict = one
			continue
		}
		verdict.and(one)
	}
	return verdict
}

// scaled is amount × times ÷ by, rounded half up, of what is not negative; MaxDayCost where it is more.
func scaled(amount, times, by int64) int64 {
	n := new(big.Int).Mul(big.NewInt(amount), big.NewInt(times))
	n.Lsh(n, 1).Add(n, big.NewInt(by))
	if n.Quo(n, big.NewInt(2*by)); !n.IsInt64() {
		return MaxDayCost
	}
	return min(n.Int64(), MaxDayCost)
}

// micros is a bound in whole micro-units.
func micros(bound float64) int64 {
	return int64(math.Round(min(max(bound, 0), float64(MaxDayCost))))
}
