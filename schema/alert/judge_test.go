package alert

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// steady makes a series of one stratum whose count of an hour a function says.
func steady(hours int64, of func(hour int64) Count) *Series {
	s := NewSeries(0, hours-1)
	for hour := range hours {
		s.Add(Stratum{Channel: "sms"}, hour, of(hour))
	}
	return s
}

const twelveWeeks = 12 * weekHours

// What is too little, or has too little past, is not known, and no alarm.
func TestRule_Judge_UnknownIsNoAlarm(t *testing.T) {
	r := ruleOf(Delivery)
	for name, s := range map[string]*Series{
		"Nothing": NewSeries(0, twelveWeeks-1),
		"FewNow": steady(twelveWeeks, func(h int64) Count {
			if h > twelveWeeks-26 {
				return Count{0, 3}
			}
			return Count{900, 1000}
		}),
		"ThreeDays": steady(twelveWeeks, func(h int64) Count {
			switch {
			case h == twelveWeeks-1:
				return Count{0, 1000}
			case h > twelveWeeks-3*24:
				return Count{900, 1000}
			}
			return Count{}
		}),
		"NewProvider": func() *Series {
			s := steady(twelveWeeks, func(int64) Count { return Count{90, 100} })
			s.Add(Stratum{Channel: "sms", Provider: "new"}, twelveWeeks-1, Count{0, 3000})
			return s
		}(),
		"NeverReports": func() *Series {
			s := steady(twelveWeeks, func(int64) Count { return Count{0, 1000} })
			return s
		}(),
	} {
		if v := r.Judge(s, twelveWeeks-1, 0); v.Known || v.Off || !math.IsNaN(v.Before) {
			t.Errorf("%s: %+v", name, v)
		}
	}
	if v := r.Judge(nil, 5, 0); v.Known || v.Off {
		t.Errorf("no series: %+v", v)
	}
}

// A share that goes to routes that report otherwise is no fall, and a route that falls is one however the shares go.
func TestRule_Judge_SharesOfRoutes(t *testing.T) {
	r := ruleOf(Delivery)
	mixed := func(lastA, lastB Count) *Series {
		s := NewSeries(0, twelveWeeks-1)
		for h := range int64(twelveWeeks) {
			a, b := Count{9000, 10000}, Count{300, 1000}
			if h == twelveWeeks-1 {
				a, b = lastA, lastB
			}
			s.Add(Stratum{Provider: "a"}, h, a)
			s.Add(Stratum{Provider: "b"}, h, b)
		}
		return s
	}
	if v := r.Judge(mixed(Count{900, 1000}, Count{3000, 10000}), twelveWeeks-1, 0); v.Off || !v.Calm || !v.Known ||
		math.Abs(v.Before-v.Now) > 1e-9 {
		t.Errorf("another share: %+v", v)
	}
	if v := r.Judge(mixed(Count{9000, 10000}, Count{3000, 20000}), twelveWeeks-1, 0); !v.Off {
		t.Errorf("a fallen route: %+v", v)
	}
}

// Properties of every verdict: what is off is known, not calm, beyond the bounds and changed by as much as the rule
// asks; the order in which counts came does not matter; less sensitive rules find no more.
func TestRule_Judge_Properties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		metric := rapid.SampledFrom([]Metric{Delivery, Filtered, DeadLetters, Silent}).Draw(t, "metric")
		usual := rapid.Float64Range(0, 1).Draw(t, "usual")
		size := rapid.Int64Range(0, 3000).Draw(t, "size")
		now := rapid.Float64Range(0, 1).Draw(t, "now")
		random := seeded(rapid.Uint64().Draw(t, "seed"))
		type added struct {
			of   Stratum
			hour int64
			c    Count
		}
		var all []added
		for h := range int64(twelveWeeks) {
			p := usual
			if h >= twelveWeeks-3 {
				p = now
			}
			n := size/2 + random.Int64N(size+1)
			all = append(all, added{Stratum{Later: h%3 == 0}, h, Count{binomial(random, n, p), n}})
		}
		build := func() *Series {
			s := NewSeries(0, twelveWeeks-1)
			for _, one := range all {
				s.Add(one.of, one.hour, one.c)
			}
			return s
		}
		s := build()
		var before Verdict
		for i, sensitivity := range []Sensitivity{"high", "normal", "low"} {
			r := ruleOf(metric)
			r.Sensitivity = sensitivity
			v := r.Judge(s, twelveWeeks-1, 0)
			b := sensitivity.bounds()
			if v.Off && (!v.Known || v.Calm) {
				t.Fatalf("%s %+v", sensitivity, v)
			}
			if v.Known && (math.IsNaN(v.Before) || math.IsNaN(v.Now) || v.Low > v.Before || v.Before > v.High) {
				t.Fatalf("bounds: %+v", v)
			}
			if v.Off && metric == Delivery && (v.Now >= v.Low || v.Now > v.Before*(1-b.fall)+1e-9) ||
				v.Off && metric == Filtered && (v.Now <= v.High || v.Now < v.Before+b.points-1e-9) {
				t.Fatalf("%s is no alarm: %+v", metric, v)
			}
			if i > 0 && v.Off && !before.Off {
				t.Fatalf("%s finds what the one before it does not: %+v %+v", sensitivity, v, before)
			}
			before = v
		}
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		r := ruleOf(metric)
		same := func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) < 1e-9 }
		a, b := r.Judge(s, twelveWeeks-1, 0), r.Judge(build(), twelveWeeks-1, 0)
		if a.Off != b.Off || a.Known != b.Known || !same(a.Before, b.Before) || !same(a.Low, b.Low) {
			t.Fatalf("another order: %+v %+v", a, b)
		}
	})
}

// At an hour at which there was always much, there is nothing: by day, and not by night, when there often is nothing.
func TestRule_Judge_Silence(t *testing.T) {
	r := ruleOf(Silent)
	const last = twelveWeeks - 1
	day := func(h int64) bool { return h%24 > 8 && h%24 < 24 }
	s := steady(twelveWeeks, func(h int64) Count {
		if h > last-10 || !day(h) {
			return Count{}
		}
		return Count{100, 0}
	})
	if v := r.Judge(s, last, 0); !v.Off || v.Before != 100 || v.Now != 0 || v.Hours != 1 {
		t.Errorf("by day: %+v", v)
	}
	if v := r.Judge(s, last-18, 0); v.Off {
		t.Errorf("by night: %+v", v)
	}
	// A provider that is new is known after a week; what has sent at times only, never.
	s = steady(twelveWeeks, func(h int64) Count {
		if h == last || h < last-7*24 {
			return Count{}
		}
		return Count{100, 0}
	})
	if v := r.Judge(s, last, 0); !v.Off {
		t.Errorf("a week old: %+v", v)
	}
	s = steady(twelveWeeks, func(h int64) Count { return Count{100 * (h / 24 % 3), 0} })
	for h := int64(twelveWeeks - 100); h < twelveWeeks; h++ {
		if v := r.Judge(s, h, 0); v.Off {
			t.Errorf("at times: %+v", v)
		}
	}
}

func TestRule_Judge_DeadLetters(t *testing.T) {
	r := ruleOf(DeadLetters)
	for name, c := range map[string]struct {
		usual, now int64
		off        bool
	}{"NoneBefore": {0, 100, true}, "Few": {0, 15, false}, "AsEver": {500, 520, false}, "Twice": {500, 1000, true}} {
		s := steady(twelveWeeks, func(h int64) Count {
			if h == twelveWeeks-1 {
				return Count{c.now, 0}
			}
			return Count{c.usual + h%7 - 3*min(c.usual, 1), 0}
		})
		if c.usual == 0 {
			s = steady(twelveWeeks, func(h int64) Count {
				if h == twelveWeeks-1 {
					return Count{c.now, 0}
				}
				return Count{}
			})
		}
		if v := r.Judge(s, twelveWeeks-1, 0); v.Off != c.off || !v.Known {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// The quantiles of Student's distribution, from tables of it.
func TestStudent_Tables(t *testing.T) {
	for _, c := range []struct{ z, freedom, want float64 }{
		{1.6448536, 5, 2.015}, {2.3263479, 7, 2.998}, {3.0902323, 10, 4.144}, {3.0902323, 30, 3.385}, {4, 1e9, 4},
	} {
		if got := student(c.z, c.freedom); math.Abs(got-c.want) > 0.02*c.want {
			t.Errorf("student(%v, %v) = %v, want %v", c.z, c.freedom, got, c.want)
		}
	}
	if !math.IsInf(student(3, 0), 1) {
		t.Error("of one observation a spread is known")
	}
}
