package ingest

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the counters of one Ingester. Those of the balance are collected from one snapshot, see Ingester.Collect.
type metrics struct {
	rejected       *prometheus.CounterVec
	redelivered    prometheus.Counter
	markers        prometheus.Counter
	unknownFields  prometheus.Counter
	offsetResets   prometheus.Counter
	skippedOffsets prometheus.Counter
	fetchErrors    prometheus.Counter
	generations    prometheus.Counter
	insertRetries  prometheus.Counter
	bisections     prometheus.Counter
	insertSeconds  prometheus.Histogram
	storeSeconds   prometheus.Histogram
	blockRows      prometheus.Histogram
	pseudonymised  prometheus.Counter
}

const namespace, subsystem = "kaskad", "ingest"

func newMetrics() metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name,
			Help: help})
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace, Subsystem: subsystem, Name: name,
			Help: help, Buckets: buckets})
	}
	return metrics{
		rejected: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem,
			Name: "rejected_events_total",
			Help: "Events that became dead letters, by reason."}, []string{"reason"}),
		redelivered: counter("redelivered_events_total",
			"Events read again although the ledger knows them: stored again, not counted again. "+
				"Normal after a restart."),
		markers: counter("control_markers_total", "Transaction markers skipped."),
		unknownFields: counter("unknown_fields_total",
			"Fields of accepted events that no version of the event knows."),
		offsetResets: counter("offset_resets_total",
			"Times the wanted offset was gone and reading went on from the earliest: events may be lost."),
		skippedOffsets: counter("skipped_offsets_total", "Offsets without a record that were stepped over."),
		fetchErrors:    counter("fetch_errors_total", "Fetches that failed and were tried again on a new connection."),
		generations:    counter("generations_total", "Generations of the consumer group that were joined."),
		insertRetries:  counter("insert_retries_total", "Writes that failed and were tried again."),
		bisections:     counter("bisections_total", "Blocks that were halved to find a row that ClickHouse refuses."),
		pseudonymised: counter("pseudonymised_total",
			"Erased numbers that were found in events, and stored as their pseudonym."),
		insertSeconds: histogram("insert_seconds", "Time to insert the facts of a block, retries included.",
			prometheus.ExponentialBuckets(0.005, 2, 14)),
		storeSeconds: histogram("store_seconds", "Time to store a block, from its facts to its commit.",
			prometheus.ExponentialBuckets(0.005, 2, 14)),
		blockRows: histogram("block_rows", "Rows per insert of facts.", prometheus.ExponentialBuckets(1, 4, 10)),
	}
}

func (m *metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.rejected, m.redelivered, m.markers, m.unknownFields, m.offsetResets,
		m.skippedOffsets, m.fetchErrors,
		m.generations, m.insertRetries, m.bisections, m.insertSeconds, m.storeSeconds, m.blockRows, m.pseudonymised}
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, subsystem, name), help, labels, nil)
}

// descriptions are the metrics made of a snapshot.
type descriptions struct {
	consumed, returned, stored, parked, empty, inFlight, lag *prometheus.Desc
}

func newDescriptions() descriptions {
	return descriptions{
		consumed: describe("consumed_events_total",
			"Events taken from the log. consumed - returned = stored + rejected + parked + in_flight + empty."),
		returned: describe("returned_events_total",
			"Events given back because a generation of the consumer group ended before they were stored."),
		stored:   describe("stored_events_total", "Events stored as facts."),
		parked:   describe("parked_events_total", "Events that wait for their message to appear."),
		empty:    describe("empty_events_total", "Records without any event."),
		inFlight: describe("in_flight_events", "Events taken and not yet stored."),
		lag:      describe("lag_events", "Records of the partition that are not yet stored.", "partition"),
	}
}

// Describe implements prometheus.Collector.
func (in *Ingester) Describe(out chan<- *prometheus.Desc) {
	for _, c := range in.metrics.collectors() {
		c.Describe(out)
	}
	d := in.descriptions
	for _, desc := range []*prometheus.Desc{d.consumed, d.returned, d.stored, d.parked, d.empty, d.inFlight, d.lag} {
		out <- desc
	}
}

// Collect implements prometheus.Collector. The terms of the balance come from one moment.
func (in *Ingester) Collect(out chan<- prometheus.Metric) {
	for _, c := range in.metrics.collectors() {
		c.Collect(out)
	}
	d := in.descriptions
	balance, taken, returned := in.tally.read()
	for desc, value := range map[*prometheus.Desc]uint64{d.consumed: taken, d.returned: returned,
		d.stored: balance.Stored,
		d.parked: balance.Parked, d.empty: balance.Empty} {
		out <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(value))
	}
	out <- prometheus.MustNewConstMetric(d.inFlight, prometheus.GaugeValue, float64(balance.InFlight))
	for partition, lag := range in.LocalLag() {
		out <- prometheus.MustNewConstMetric(d.lag, prometheus.GaugeValue, float64(lag), strconv.Itoa(partition))
	}
}
