package alert

import "math"

// Verdict is what is to be said of a group at an hour.
type Verdict struct {
	// Known: there is enough now, and enough past to compare it with. Off: it is out of the ordinary; Far: by so much
	// that nobody has to wait for another hour. Near: it is on the way out. Calm: it is well inside, so that an alert
	// that is open may end.
	Known, Off, Far, Near, Calm bool
	// Before is what the past lets expect, Low and High the bounds of what it explains, Now what is; NaN for unknown.
	Before, Now, Low, High float64
	// Num and Den are what Now is of, and Hours how many hours they are of.
	Num, Den int64
	Hours    int64
	// Costs stand in the place of Before, Now, Low, High and Num where the metric is money.
	Costs Costs
}

// nothing is the verdict where nothing is known.
func nothing() Verdict {
	nan := math.NaN()
	return Verdict{Before: nan, Now: nan, Low: nan, High: nan}
}

const (
	// fewest is how many spans of the past there must be to tell a spread.
	fewest = 4
	// stratumSample is how much there must be of a stratum in the past for it to be expected anything of.
	stratumSample = 30
	// far is how many times as far as the bounds a figure lies for one hour to be enough. Otherwise the hour before
	// must be half as far out too: an hour in some thousands lies outside by chance, two in a row in some millions.
	far = 1.5
)

// spans are the hours that are looked at as one, the shortest that holds enough.
var spans = [...]int64{1, 2, 4, 8, longest}

// pasts are the spans that one at an hour is compared with: the same hour on the same weekday of the weeks before, and
// of the days before, as far as they are workdays or weekends like it. A figure must be out of the ordinary by each of
// them that is known.
var pasts = [...]struct{ every, times int64 }{{weekHours, pastWeeks}, {dayHours, pastDays}}

// Judge says what is to be said of a group at an hour, by what there was of it before. since leaves out of the past
// what came before that hour: a level that has become the ordinary one.
func (r *Rule) Judge(s *Series, hour, since int64) Verdict {
	return r.judge(s, hour, since, math.MaxInt64)
}

// judge leaves out of a past of days those that end after an hour, when an alert began that is open: they are not what
// it is to be compared with.
func (r *Rule) judge(s *Series, hour, since, began int64) Verdict {
	m := r.Metric.of()
	if s == nil || m == nil {
		return nothing()
	}
	s.Seal()
	for _, span := range spans {
		verdict := nothing()
		switch m.shape {
		case falls, rises:
			verdict = r.share(s, hour, span, since, m.shape == rises)
		case grows:
			verdict = r.count(s, hour, span, since)
		case dries:
			verdict = r.silence(s, hour, span, since)
		case costs:
			return r.cost(s, hour, since, began) // of a day, however few
		case limits:
			return verdict // Limited judges it: of no hour, and without a past
		}
		if verdict.Known || m.shape == grows {
			return verdict
		}
	}
	return nothing()
}

// past lists the last hours of spans before an hour that lie in the series and after since.
func (s *Series) past(hour, span, since, every, times int64) (ends []int64) {
	for i := int64(1); i <= times; i++ {
		end := hour - i*every
		if end-span+1 >= max(s.first, s.from, since) && weekend(end) == weekend(hour) {
			ends = append(ends, end)
		}
	}
	return ends
}

// weekend tells whether an hour lies on a Saturday or Sunday (the first day of Unix time was a Thursday).
func weekend(hour int64) bool { return (hour/dayHours+3)%7 >= 5 }

// expectation is what a part of the past lets expect.
type expectation struct {
	rate      float64 // what the strata of now would have had
	num, den  int64   // what they have
	pastDen   int64
	residuals []residual
}

// residual is by how much a span of the past differs from what the past as a whole lets expect of it, and of how many.
type residual struct {
	by, den float64
	chance  float64 // its variance by chance
}

// expect compares a span with others. It is false where there is too little of it, or of them. Strata are compared each
// with their own past, so that it does not matter how much there is of each.
func (r *Rule) expect(s *Series, hour, span int64, ends []int64, rise bool) (e expectation, known bool) {
	if len(ends) < fewest {
		return e, false
	}
	rates := make([]float64, len(s.strata))
	var all int64
	var expected float64
	for i := range s.strata {
		var past Count
		for _, end := range ends {
			past.Add(s.sum(i, end, span))
		}
		now := s.sum(i, hour, span)
		rates[i] = -1
		silent := !rise && past.Num == 0 && past.Den >= stratumSample // its route never reports this
		if !silent {
			all += now.Den
		}
		if silent || past.Den < stratumSample {
			continue
		}
		rates[i] = float64(past.Num) / float64(past.Den)
		e.num, e.den, e.pastDen = e.num+now.Num, e.den+now.Den, e.pastDen+past.Den
		expected += float64(now.Den) * rates[i]
	}
	if e.den < r.MinSample || 2*e.den < all {
		return e, false
	}
	e.rate = expected / float64(e.den)
	for _, end := range ends {
		var num, den, want float64
		for i, rate := range rates {
			if rate < 0 {
				continue
			}
			c := s.sum(i, end, span)
			num, den, want = num+float64(c.Num), den+float64(c.Den), want+float64(c.Den)*rate
		}
		if 2*den >= float64(r.MinSample) {
			e.residuals = append(e.residuals, residual{by: (num - want) / den, den: den})
		}
	}
	return e, len(e.residuals) >= fewest
}

// share judges a share.
func (r *Rule) share(s *Series, hour, span, since int64, rise bool) Verdict {
	var known []expectation
	freedom := 0
	var all []residual
	for _, p := range pasts {
		e, is := r.expect(s, hour, span, s.past(hour, span, since, p.every, p.times), rise)
		if !is {
			continue
		}
		known = append(known, e)
		all = append(all, e.residuals...)
		freedom += len(e.residuals) - 1
	}
	verdict := nothing()
	verdict.Hours = span
	bounds := r.Sensitivity.bounds()
	reach := student(bounds.z, float64(freedom))
	for i, e := range known {
		width := reach * e.ofShare(all, freedom)
		now := float64(e.num) / float64(e.den)
		least, most := 0.0, 0.0
		for _, one := range e.residuals {
			least, most = min(least, one.by), max(most, one.by)
		}
		one := Verdict{Known: true, Before: e.rate, Now: now, Low: max(0, e.rate-width), High: min(1, e.rate+width),
			Num: e.num, Den: e.den, Hours: span}
		if rise {
			rose := max(bounds.rise*e.rate, bounds.points)
			one.Off = now > e.rate+width && now > e.rate+most && now-e.rate >= rose
			one.Far, one.Near = now > e.rate+far*width, now > e.rate+width/2
			one.Calm = now <= e.rate+max(width, rose)/2
		} else {
			one.Off = now < e.rate-width && now < e.rate+least && e.rate-now >= bounds.fall*e.rate
			one.Far, one.Near = now < e.rate-far*width, now < e.rate-width/2
			one.Calm = now >= e.rate-max(width, bounds.fall*e.rate)/2
		}
		if i == 0 {
			verdict = one
			continue
		}
		// It is shown as the first past has it, the same weekday where that is known.
		verdict.and(one)
	}
	return verdict
}

// and joins verdicts by another past: a figure is out of the ordinary by both, and calm by either.
func (v *Verdict) and(o Verdict) {
	v.Off, v.Far, v.Near, v.Calm = v.Off && o.Off, v.Far && o.Far, v.Near && o.Near, v.Calm || o.Calm
}

// ofShare is how far a share like this one lies from what is expected.
func (e *expectation) ofShare(all []residual, freedom int) float64 {
	// Of a share that was never anything else than 0 or 1 the variance is not 0.
	p := (e.rate*float64(e.pastDen) + 1) / (float64(e.pastDen) + 2)
	variance := p * (1 - p)
	for i := range all {
		all[i].chance = variance / all[i].den
	}
	own := variance/float64(e.den) + variance/float64(e.pastDen)
	return e.deviation(all, freedom, own, own)
}

// deviation is how far a figure like this one lies from what is expected, by the spread of the past: the variance
// between spans and that of chance, or that of chance times how much more than it the past varies, whichever is more.
// own is the variance of this figure by chance, usual that of one like those of the past.
func (e *expectation) deviation(all []residual, freedom int, own, usual float64) float64 {
	var squares, chances, ratios float64
	for _, one := range all {
		squares += one.by * one.by
		chances += one.chance
		ratios += one.by * one.by / one.chance
	}
	n, free := float64(len(all)), float64(freedom)
	between := max(0, squares/free-chances/n)
	return math.Sqrt(max(between*(1+1/float64(len(e.residuals)))+own, own, ratios/free*usual))
}

// count judges a count that must not rise.
func (r *Rule) count(s *Series, hour, span, since int64) Verdict {
	now := s.Total(hour, span)
	bounds := r.Sensitivity.bounds()
	verdict := nothing()
	for _, p := range pasts {
		ends := s.past(hour, span, since, p.every, p.times)
		if len(ends) < fewest {
			continue
		}
		var sum, squares, most float64
		for _, end := range ends {
			n := float64(s.Total(end, span).Num)
			sum, squares, most = sum+n, squares+n*n, max(most, n)
		}
		n := float64(len(ends))
		mean := sum / n
		// A count varies by itself like one of Poisson, and by 1 at least.
		variance := max(squares-sum*mean, 0)/(n-1)*(1+1/n) + max(mean, 1)
		width := student(bounds.z, n-1) * math.Sqrt(variance)
		is := float64(now.Num)
		one := Verdict{Known: true, Before: mean, Now: is, Low: max(0, mean-width), High: mean + width, Num: now.Num,
			Hours: span,
			Off:   now.Num >= r.MinSample && is > mean+width && is > most && is >= (1+bounds.rise)*mean,
			Far:   is > mean+far*width, Near: is > mean+width/2,
			Calm: now.Num < r.MinSample || is <= mean+width/2}
		if verdict.Known {
			verdict.and(one)
			continue
		}
		verdict = one
	}
	return verdict
}

// silence judges a count that must not become nothing: at an hour at which there always was much, there is nothing.
func (r *Rule) silence(s *Series, hour, span, since int64) Verdict {
	verdict := nothing()
	now := s.Total(hour, span).Num
	for _, p := range pasts {
		ends := s.past(hour, span, max(since, s.begun), p.every, p.times)
		if len(ends) < fewest {
			continue
		}
		least, most, sum := int64(math.MaxInt64), int64(0), int64(0)
		for _, end := range ends {
			n := s.Total(end, span).Num
			least, most, sum = min(least, n), max(most, n), sum+n
		}
		if least < r.MinSample {
			return nothing()
		}
		if !verdict.Known {
			verdict = Verdict{Known: true, Off: now == 0, Far: now == 0, Near: now == 0, Calm: now > 0,
				Before: float64(sum) / float64(len(ends)),
				Now:    float64(now), Low: float64(least), High: float64(most), Num: now, Hours: span}
		}
	}
	return verdict
}

// student is the quantile of Student's distribution that leaves as much in its tail as z does of the normal one (D. L.
// Wallace, Annals of Mathematical Statistics 30 (1959) 1124–1130): of few observations a spread is known badly.
func student(z, freedom float64) float64 {
	if freedom < 1 {
		return math.Inf(1)
	}
	scaled := z * (8*freedom + 3) / (8*freedom + 1)
	return math.Sqrt(freedom * math.Expm1(scaled*scaled/freedom))
}
