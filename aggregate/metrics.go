package aggregate

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	passSeconds                                                  prometheus.Histogram
	generations, messages, buckets, moved, days, errors, audited prometheus.Counter
	pending, shared, lostHours, brokenParts                      prometheus.Gauge
	differences                                                  *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	made := promauto.With(r)
	counter := func(name, help string) prometheus.Counter {
		return made.NewCounter(prometheus.CounterOpts{Namespace: "kaskad", Subsystem: "aggregate", Name: name,
			Help: help})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return made.NewGauge(prometheus.GaugeOpts{Namespace: "kaskad", Subsystem: "aggregate", Name: name, Help: help})
	}
	m := &metrics{
		passSeconds: made.NewHistogram(prometheus.HistogramOpts{Namespace: "kaskad", Subsystem: "aggregate",
			Name: "pass_seconds",
			Help: "Time from reading touches to closing them.", Buckets: prometheus.ExponentialBuckets(0.01, 2, 14)}),
		generations: counter("generations_total", "Editions published."),
		messages: counter("messages_folded_total",
			"Messages folded: those that changed, and all of hours computed whole."),
		buckets: counter("buckets_recomputed_total",
			"Hours computed whole: cold ones that changed, and those that a touch named."),
		moved: counter("messages_moved_total",
			"Messages that joined an edition because another one moved their conversation or reply-window units."),
		days: counter("days_summed_total",
			"Days whose cells were summed because they were quiet or had changed much."),
		errors: counter("errors_total", "Passes that failed and were retried."),
		pending: gauge("pending_buckets",
			"Hours and batches of changes that wait for their edition."),
		shared: gauge("shared_attempts",
			"Attempts whose events name different recipients: one id is used for several people."),
		lostHours: gauge("lost_hours",
			"Hours of accounts whose facts tell of less than was published, and that nobody accepted."),
		brokenParts: gauge("broken_parts",
			"Parts of tables that cannot be read, that nothing replaces, and that nobody accepted."),
	}
	m.audited = made.NewCounter(prometheus.CounterOpts{Namespace: "kaskad", Subsystem: "audit",
		Name: "hours_total", Help: "Hours whose figures the aggregator compared with facts by itself."})
	m.differences = made.NewCounterVec(prometheus.CounterOpts{Namespace: "kaskad", Subsystem: "audit",
		Name: "differences_total", Help: "What the audit found published and not what facts say, by kind. The hours " +
			"were computed anew. It is a bug: report it."}, []string{"kind"})
	for _, kind := range []string{differsCells, differsState, differsDialog, differsUnit, differsOptOut} {
		m.differences.WithLabelValues(kind)
	}
	return m
}
