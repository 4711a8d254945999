package aggregate

import (
	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	passSeconds                                                                  prometheus.Histogram
	generations, messages, buckets, moved, days, joined, splits, expired, errors prometheus.Counter
	pending, shared, lostHours, brokenParts                                      prometheus.Gauge
	audited, settledHours, settledReads                                          prometheus.Counter
	stateBytes                                                                   prometheus.Gauge
	differences                                                                  *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "kaskad", Subsystem: "aggregate", Name: name,
			Help: help})
	}
	m := &metrics{
		passSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "kaskad", Subsystem: "aggregate",
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
		joined:  counter("orphans_joined_total", "Parked events copied to their message."),
		splits:  counter("split_buckets_total", "Buckets of split messages copied home."),
		expired: counter("orphans_expired_total", "Parked events that became dead letters."),
		errors:  counter("errors_total", "Passes that failed and were retried."),
		pending: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "kaskad", Subsystem: "aggregate",
			Name: "pending_buckets",
			Help: "Hours and batches of changes that wait for their edition."}),
		shared: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "kaskad", Subsystem: "aggregate",
			Name: "shared_attempts",
			Help: "Attempts whose events name different recipients: one id is used for several people."}),
		lostHours: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "kaskad", Subsystem: "aggregate",
			Name: "lost_hours",
			Help: "Hours of accounts whose facts tell of less than was published, and that nobody accepted."}),
		brokenParts: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "kaskad", Subsystem: "aggregate",
			Name: "broken_parts",
			Help: "Parts of tables that cannot be read, that nothing replaces, and that nobody accepted."}),
	}
	m.audited = prometheus.NewCounter(prometheus.CounterOpts{Namespace: "kaskad", Subsystem: "audit",
		Name: "hours_total", Help: "Hours whose figures the aggregator compared with facts by itself."})
	m.differences = prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "kaskad", Subsystem: "audit",
		Name: "differences_total", Help: "What the audit found published and not what facts say, by kind. The hours " +
			"were computed anew. It is a bug: report it."}, []string{"kind"})
	for _, kind := range []string{differsCells, differsState, differsDialog, differsUnit, differsOptOut} {
		m.differences.WithLabelValues(kind)
	}
	m.settledHours = counter("settled_hours_total",
		"Hours whose states moved out of the keyed store because it was full.")
	m.settledReads = counter("settled_reads_total",
		"States that changes had to look for outside of the keyed store, by a scan that many share.")
	m.stateBytes = prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "kaskad", Subsystem: "aggregate",
		Name: "state_bytes", Help: "Estimated bytes of keys and states in the keyed store, before compression."})
	if r != nil {
		r.MustRegister(m.settledHours, m.settledReads, m.stateBytes, m.audited, m.differences,
			m.passSeconds, m.generations, m.messages, m.buckets, m.moved, m.days, m.joined, m.splits,
			m.expired,
			m.errors, m.pending, m.shared, m.lostHours, m.brokenParts)
	}
	return m
}
