package query

import "github.com/prometheus/client_golang/prometheus"

// metrics are the server's own. A nil Registerer counts for nobody.
type metrics struct {
	requests *prometheus.HistogramVec
	events   *prometheus.CounterVec
}

func newMetrics(registerer prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "kaskad_query_request_seconds",
			Help:    "Time to answer HTTP requests, by route, method and status.",
			Buckets: []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"route", "method", "status"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kaskad_query_events_total",
			Help: "Events of POST /v1/events: accepted ones were acknowledged by Kafka, rejected ones are the " +
				"caller's to mend, unavailable ones were refused as Kafka was away.",
		}, []string{"outcome"}),
	}
	if registerer == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.requests, m.events} {
		if err := registerer.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}
