package notify

import "github.com/prometheus/client_golang/prometheus"

// metrics are those of all sinks, by name.
type metrics struct {
	announced, failures *prometheus.CounterVec
	lag, stopped        *prometheus.GaugeVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "kaskad", Subsystem: "aggregate", Name: name,
			Help: help}, []string{"sink"})
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "kaskad", Subsystem: "aggregate", Name: name,
			Help: help}, []string{"sink"})
	}
	m := &metrics{
		announced: counter("notified_total",
			"Changes of verdicts that a sink acknowledged; after a crash some are announced again."),
		failures: counter("notify_failures_total",
			"Tries to announce changes of verdicts that a sink did not acknowledge."),
		lag: gauge("notify_lag", "Changes of verdicts that were not announced to a sink yet."),
		stopped: gauge("notify_stopped",
			"1 for a sink that said it is gone, and that nothing is announced to until the process starts again."),
	}
	if r != nil {
		r.MustRegister(m.announced, m.failures, m.lag, m.stopped)
	}
	return m
}

// sink returns the metrics of one sink, which appear before anything is announced to it.
func (m *metrics) sink(name string) sinkMetrics {
	return sinkMetrics{announced: m.announced.WithLabelValues(name), failures: m.failures.WithLabelValues(name),
		lag: m.lag.WithLabelValues(name), stopped: m.stopped.WithLabelValues(name)}
}

type sinkMetrics struct {
	announced, failures prometheus.Counter
	lag, stopped        prometheus.Gauge
}
