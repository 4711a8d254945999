package main

import (
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"

	"kaskad/engine"
)

//go:generate go test -run TestMetrics_Documentation -update .

var Update = flag.Bool("update", false, "write docs/metrics.md anew")

const metricsPage = "../../docs/metrics.md"

// metric is what the registry says about one.
type metric struct{ name, kind, labels, help string }

// allMetrics are Kaskad's own metrics in a process that runs all roles over embedded services.
func allMetrics(t *testing.T) []metric {
	t.Helper()
	st := &stack{logger: slog.New(slog.DiscardHandler), registry: prometheus.NewPedanticRegistry(), now: time.Now,
		clickhouse: &engine.ClickHouse{}, brokers: []string{"127.0.0.1:1"}, dialer: kafka.DefaultDialer}
	var err error
	// Nothing is dialled before it is used.
	st.options = &clickhouse.Options{Addr: []string{"127.0.0.1:1"}}
	if st.conn, err = clickhouse.Open(st.options); err != nil {
		t.Fatal(err)
	}
	if st.disk, err = engine.WatchDisk(t.TempDir(), st.logger); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.disk.Close)
	st.kafka.Topic, st.kafka.DeadLetterTopic, st.kafka.Group = "events", "rejected", "kaskad"
	st.registerDisk()
	p := &process{stack: st}
	if _, err := p.newIngester(nil); err != nil {
		t.Fatal(err)
	}
	if _, err := p.newAggregator(nil, [2]produce{}); err != nil {
		t.Fatal(err)
	}
	p.listen.Auth = "off"
	if _, err := p.newServer(nil, nil, nil); err != nil {
		t.Fatal(err)
	}

	kinds := map[string]string{}
	families, err := st.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		kinds[f.GetName()] = strings.ToLower(f.GetType().String())
	}
	descriptions := make(chan *prometheus.Desc)
	go func() { defer close(descriptions); st.registry.Describe(descriptions) }()
	var metrics []metric
	for d := range descriptions {
		m := parseDescription(t, d)
		kind, shown := kinds[m.name]
		if shown && kind != m.kind {
			t.Errorf("%s is a %s: counters end in _total, histograms in _seconds or _rows, nothing else does", m.name,
				kind)
		}
		metrics = append(metrics, m)
	}
	slices.SortFunc(metrics, func(a, b metric) int { return strings.Compare(a.name, b.name) })
	return metrics
}

var description = regexp.MustCompile(`^Desc\{fqName: ("(?:[^"\\]|\\.)*"), help: ("(?:[^"\\]|\\.)*"), ` +
	`unit: "[a-z]*", constLabels: \{\}, variableLabels: \{([a-z_,]*)\}\}$`)

// parseDescription reads the only form in which Prometheus tells what a metric is before it has a value. The kind
// follows from the name.
func parseDescription(t *testing.T, d *prometheus.Desc) metric {
	t.Helper()
	fields := description.FindStringSubmatch(d.String())
	if fields == nil {
		t.Fatalf("%s is not in the expected form", d)
	}
	name, err := strconv.Unquote(fields[1])
	if err != nil {
		t.Fatal(err)
	}
	help, err := strconv.Unquote(fields[2])
	if err != nil {
		t.Fatal(err)
	}
	kind := "gauge"
	switch {
	case strings.HasSuffix(name, "_total"):
		kind = "counter"
	case strings.HasSuffix(name, "_seconds"), strings.HasSuffix(name, "_rows"):
		kind = "histogram"
	}
	return metric{name, kind, fields[3], help}
}

func TestMetrics_Documentation(t *testing.T) {
	var page strings.Builder
	page.WriteString("<!-- Written by `make docs` from the registry. Change the help in the code, not this page. -->\n" +
		"# Metrics\n\n" +
		"What `GET /metrics` shows of Kaskad's own, besides Go's and the process's. Counters begin at 0 with the " +
		"process.\n" +
		"[operations.md](operations.md#watch-it) says which of them to alert on.\n\n" +
		"| metric | kind | labels | meaning |\n| --- | --- | --- | --- |\n")
	for _, m := range allMetrics(t) {
		fmt.Fprintf(&page, "| `%s` | %s | %s | %s |\n", m.name, m.kind, strings.ReplaceAll(m.labels, ",", ", "),
			strings.ReplaceAll(m.help, "|", `\|`))
	}
	if *Update {
		if err := os.WriteFile(metricsPage, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	written, err := os.ReadFile(metricsPage)
	if err != nil {
		t.Fatal(err)
	}
	if string(written) != page.String() {
		t.Errorf("docs/metrics.md is stale: run make docs\nwant:\n%s", page.String())
	}
}

// What the pages for operators tell to watch exists.
func TestMetrics_NamedInDocumentation(t *testing.T) {
	known := map[string]bool{}
	for _, m := range allMetrics(t) {
		known[m.name] = true
	}
	for _, page := range []string{"../../docs/operations.md", "../../docs/api.md", "../../docs/architecture.md",
		"../../README.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		unknown := map[string]bool{}
		for _, name := range regexp.MustCompile(`\bkaskad_(?:ingest|aggregate|query|disk|engine)_[a-z_]+`).
			FindAllString(string(text), -1) {
			if !known[name] {
				unknown[name] = true
			}
		}
		if len(unknown) > 0 {
			t.Errorf("%s names metrics that there are not: %v", page, slices.Sorted(maps.Keys(unknown)))
		}
	}
}
