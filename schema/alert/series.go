package alert

import "time"

// HourMS is the length of the hours that figures are counted by.
const HourMS = int64(time.Hour / time.Millisecond)

// How far back figures are compared: with the same hour of so many weeks and days before.
const (
	pastWeeks, pastDays = 8, 14
	dayHours            = 24
	weekHours           = 7 * dayHours
	// longest is the longest span of hours that is looked at as one.
	longest = dayHours
	// PastHours is how many hours before an hour, or before a day's last one, its verdict depends on.
	PastHours = pastWeeks*weekHours + longest
)

// Group is what a rule tells apart; a key that it does not name is "".
type Group struct{ Channel, Provider, Operator, Campaign string }

// Of returns the value of a key.
func (g *Group) Of(key string) string {
	switch key {
	case "channel":
		return g.Channel
	case "provider":
		return g.Provider
	case "operator":
		return g.Operator
	case "campaign":
		return g.Campaign
	}
	return ""
}

// Stratum is what must not be mixed up within a group: what a route reports differs, and later steps of a cascade reach
// others than first ones do, and later. So a group whose share of each changes is no alarm.
type Stratum struct {
	Channel, Provider string
	Later             bool
}

// Count is a share as its parts, or a count without den.
type Count struct{ Num, Den int64 }

// Add adds a count.
func (c *Count) Add(o Count) { c.Num, c.Den = c.Num+o.Num, c.Den+o.Den }

// Series are the counts of a group by hours of Unix time.
type Series struct {
	first  int64
	from   int64 // nothing is known of what was before this hour
	hours  int
	names  map[Stratum]int
	strata [][]Count // of each stratum: what there was before each hour, and at last all of it
	sealed bool
	// begun is the first hour that has a count.
	begun int64
	// days are what messages of a day of Unix time cost, of a metric that is money.
	days map[int64]map[CostStratum]DayCost
}

// NewSeries makes an empty one of the hours first…last.
func NewSeries(first, last int64) *Series {
	return &Series{first: first, from: first, hours: int(last-first) + 1, names: map[Stratum]int{}}
}

// Begins says that nothing is known of hours before one.
func (s *Series) Begins(hour int64) { s.from = hour }

// Add adds a count of an hour. What lies outside of the series is left out.
func (s *Series) Add(of Stratum, hour int64, c Count) {
	at := hour - s.first
	if at < 0 || at >= int64(s.hours) || s.sealed {
		return
	}
	i, known := s.names[of]
	if !known {
		i = len(s.strata)
		s.names[of] = i
		s.strata = append(s.strata, make([]Count, s.hours+1))
	}
	s.strata[i][at+1].Add(c)
}

// Seal makes sums of spans cheap; nothing may be added afterwards.
func (s *Series) Seal() {
	if s.sealed {
		return
	}
	s.sealed, s.begun = true, s.first+int64(s.hours)
	for _, counts := range s.strata {
		for i := 1; i < len(counts); i++ {
			if counts[i] != (Count{}) {
				s.begun = min(s.begun, s.first+int64(i)-1)
			}
			counts[i].Add(counts[i-1])
		}
	}
}

// sum is what a stratum has in the span of hours that ends with one.
func (s *Series) sum(stratum int, hour, span int64) Count {
	to := min(max(hour+1-s.first, 0), int64(s.hours))
	from := min(max(hour+1-span-s.first, 0), int64(s.hours))
	all := s.strata[stratum]
	return Count{all[to].Num - all[from].Num, all[to].Den - all[from].Den}
}

// Total is what all strata have in the span of hours that ends with one.
func (s *Series) Total(hour, span int64) (all Count) {
	s.Seal()
	for i := range s.strata {
		all.Add(s.sum(i, hour, span))
	}
	return all
}

// DaysOf are the days, of Unix time, that the verdicts at an hour and the one before it depend on.
func DaysOf(hour int64) map[int64]bool {
	days := map[int64]bool{}
	for _, p := range pasts {
		for i := int64(0); i <= p.times; i++ {
			end := hour - i*p.every
			days[end/dayHours], days[(end-longest)/dayHours] = true, true
		}
	}
	return days
}
