package verdicts

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	seconds                    prometheus.Histogram
	numbers, verdicts, changes prometheus.Counter
}

func newMetrics(r prometheus.Registerer) metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "kaskad", Subsystem: "aggregate", Name: name,
			Help: help})
	}
	m := metrics{
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "kaskad", Subsystem: "aggregate",
			Name: "numbers_seconds", Help: "Time that a slice of touched numbers takes to be decided.",
			Buckets: prometheus.ExponentialBuckets(0.01, 2, 14)}),
		numbers: counter("numbers_decided_total",
			"Numbers whose verdict was decided anew; an event touches one number."),
		verdicts: counter("number_verdicts_total", "Verdicts or evidence that came out different and were stored."),
		changes:  counter("number_changes_total", "Lines added to the feed of verdicts."),
	}
	if r != nil {
		r.MustRegister(m.seconds, m.numbers, m.verdicts, m.changes)
	}
	return m
}
