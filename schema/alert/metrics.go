package alert

import "slices"

// Metric is a figure that a rule watches.
type Metric string

// The metrics.
const (
	Delivery    Metric = "delivery"
	Open        Metric = "open"
	Filtered    Metric = "filtered"
	Blocked     Metric = "blocked"
	Silent      Metric = "silent"
	Unmapped    Metric = "unmapped"
	DeadLetters Metric = "dead_letters"
	Freshness   Metric = "freshness"
	// CostPerReached is money, by days.
	CostPerReached Metric = "cost_per_reached"
)

// shape says how a metric is judged.
type shape uint8

const (
	falls  shape = iota // a share that must not fall
	rises               // a share that must not rise
	grows               // a count that must not rise
	dries               // a count that must not become nothing
	costs               // money that must not rise
	limits              // a number with a limit
)

// metricOf is what there is to know of a metric.
type metricOf struct {
	name  Metric
	shape shape
	// by are the keys that a rule may tell apart, the first default of them where it says nothing.
	by    []string
	given int
	// sample is how much there must be by default, and after how old messages are by default, in minutes; 0 where
	// their age does not matter.
	sample int64
	after  int
	// classes are those of failures that count.
	classes []string
	// service: it is of all accounts together.
	service bool
}

// Keys are what a rule may tell apart, in the order of an alert's fields.
var Keys = []string{"channel", "provider", "operator", "campaign"}

// metrics are all metrics, in the order in which errors list them.
var metrics = []metricOf{
	{name: Delivery, shape: falls, by: Keys, given: 2, sample: 200, after: 15},
	{name: Open, shape: falls, by: Keys, given: 1, sample: 200, after: 45},
	{name: Filtered, shape: rises, by: Keys, given: 2, sample: 200, after: 15,
		classes: []string{"spam_filtered", "content_rejected", "sender_not_allowed", "template_rejected",
			"reputation_block"}},
	{name: Blocked, shape: rises, by: Keys, given: 2, sample: 200, after: 15,
		classes: []string{"blocked_by_user", "opted_out", "dnd"}},
	{name: Silent, shape: dries, by: []string{"channel", "provider"}, given: 2, sample: 30, after: 15},
	{name: Unmapped, shape: rises, by: []string{"channel", "provider"}, given: 2, sample: 50, after: 15},
	{name: CostPerReached, shape: costs, by: Keys, sample: 200, after: 3 * dayHours * 60},
	{name: DeadLetters, shape: grows, sample: 20, service: true},
	{name: Freshness, shape: limits},
}

// Metrics are the names of all metrics.
func Metrics() (names []Metric) {
	for i := range metrics {
		names = append(names, metrics[i].name)
	}
	return names
}

func (m Metric) of() *metricOf {
	if i := slices.IndexFunc(metrics, func(of metricOf) bool { return of.name == m }); i >= 0 {
		return &metrics[i]
	}
	return nil
}

// Sensitivity says how far from its past a figure must lie.
type Sensitivity string

// Sensitivities are all there are, from the one that keeps silent longest.
var Sensitivities = []Sensitivity{"low", "normal", "high"}

// bounds are what a sensitivity asks for.
type bounds struct {
	// z is how many standard deviations a figure lies away.
	z float64
	// fall is by which part of itself a share falls at least, and a cost rises; rise and points by which part, and by
	// how much, a share rises.
	fall, rise, points float64
}

func (s Sensitivity) bounds() bounds {
	switch s {
	case "low":
		return bounds{z: 5, fall: 0.2, rise: 1, points: 0.02}
	case "high":
		return bounds{z: 3, fall: 0.05, rise: 0.25, points: 0.005}
	}
	return bounds{z: 4, fall: 0.1, rise: 0.5, points: 0.01}
}

// Classes are those of failures that a metric counts.
func (m Metric) Classes() []string {
	if of := m.of(); of != nil {
		return of.classes
	}
	return nil
}

// Service tells that a metric is of all accounts together.
func (m Metric) Service() bool { of := m.of(); return of != nil && of.service }

// Step is how many hours of Unix time a metric is judged by: each by itself, or whole days.
func (m Metric) Step() int64 {
	if of := m.of(); of != nil && of.shape == costs {
		return dayHours
	}
	return 1
}

// Tried tells that the past of a metric is known.
func (m Metric) Tried() bool { return m != Freshness }
