package watch

import (
	"github.com/prometheus/client_golang/prometheus"

	"kaskad/schema/alert"
)

type metrics struct {
	alerts  *prometheus.CounterVec
	seconds prometheus.Histogram
}

func newMetrics(r prometheus.Registerer) metrics {
	m := metrics{
		alerts: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "kaskad", Subsystem: "aggregate",
			Name: "alerts_total", Help: "Alerts that began and ended, by metric."}, []string{"metric", "change"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "kaskad", Subsystem: "aggregate",
			Name: "alerts_seconds", Help: "Time that judging what all accounts watch takes, once an hour and rule.",
			Buckets: prometheus.ExponentialBuckets(0.01, 2, 14)}),
	}
	for _, metric := range alert.Metrics() {
		m.alerts.WithLabelValues(string(metric), "began")
		m.alerts.WithLabelValues(string(metric), "ended")
	}
	if r != nil {
		r.MustRegister(m.alerts, m.seconds)
	}
	return m
}
