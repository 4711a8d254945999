package grafana

import (
	"context"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
)

// world is two hours of metrics, scraped every 15 seconds; it answers Prometheus's own engine.
type world []promql.Series

func (w world) Querier(_, _ int64) (storage.Querier, error) { return querier{nil, w}, nil }

// querier knows Select alone, which is what queries use.
type querier struct {
	storage.LabelQuerier
	world world
}

func (querier) Close() error { return nil }

func (q querier) Select(_ context.Context, _ bool, _ *storage.SelectHints,
	matchers ...*labels.Matcher) storage.SeriesSet {
	set := &seriesSet{}
	for _, s := range q.world {
		matches := true
		for _, m := range matchers {
			matches = matches && m.Matches(s.Metric.Get(m.Name))
		}
		if matches {
			set.left = append(set.left, promql.NewStorageSeries(s))
		}
	}
	return set
}

// seriesSet walks through series.
type seriesSet struct {
	left []storage.Series
	at   storage.Series
}

func (s *seriesSet) Next() bool {
	if len(s.left) == 0 {
		return false
	}
	s.at, s.left = s.left[0], s.left[1:]
	return true
}

func (s *seriesSet) At() storage.Series              { return s.at }
func (*seriesSet) Err() error                        { return nil }
func (*seriesSet) Warnings() annotations.Annotations { return nil }

const worldLength = 2 * time.Hour

// newWorld has all metrics of docs/metrics.md; value says what one has at a time, in seconds. Metrics of which it says
// NaN are not there.
func newWorld(t *testing.T, value func(name, kind string, at float64) float64) world {
	t.Helper()
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	var w world
	add := func(name, kind string, pairs ...string) {
		s := promql.Series{Metric: labels.FromStrings(append(pairs, "__name__", name, "job", "kaskad", "role", "run",
			"instance", "kaskad:8080")...)}
		for at := time.Duration(0); at <= worldLength; at += 15 * time.Second {
			if v := value(name, kind, at.Seconds()); !math.IsNaN(v) {
				s.Floats = append(s.Floats, promql.FPoint{T: at.Milliseconds(), F: v})
			}
		}
		if len(s.Floats) > 0 {
			w = append(w, s)
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| ([a-z]+) \\| ([a-z, ]*)\\|").
		FindAllStringSubmatch(string(page), -1) {
		var pairs []string
		for _, label := range strings.FieldsFunc(m[3], func(r rune) bool { return r == ',' || r == ' ' }) {
			pairs = append(pairs, label, map[bool]string{true: "503", false: "some"}[label == "status"])
		}
		if m[2] != "histogram" {
			add(m[1], m[2], pairs...)
			continue
		}
		for _, le := range []string{"0.1", "1", "+Inf"} {
			add(m[1]+"_bucket", "counter", append(pairs, "le", le)...)
		}
		add(m[1]+"_sum", "counter", pairs...)
		add(m[1]+"_count", "counter", pairs...)
	}
	add("up", "gauge")
	add("process_cpu_seconds_total", "counter")
	add("process_resident_memory_bytes", "gauge")
	if len(w) < 60 {
		t.Fatalf("only %d series", len(w))
	}
	return w
}

// healthy: much is stored, and nothing is wrong.
func healthy(name, kind string, at float64) float64 {
	switch {
	case name == "up":
		return 1
	case strings.HasPrefix(name, "kaskad_disk_") && strings.HasSuffix(name, "_bytes"):
		return 1e12
	case strings.Contains(name, "consumed_events"), strings.Contains(name, "stored_events"),
		strings.Contains(name, "messages_folded"), strings.HasPrefix(name, "kaskad_query_request"):
		return 10 * at
	case strings.HasSuffix(name, "_events_total"): // the rest of the balance
		return 0
	case kind == "counter":
		return 7
	case name == "kaskad_ingest_lag_events":
		return 100 + 90*math.Sin(at)
	default:
		return 0
	}
}

// sick: everything that can be wrong is.
func sick(name, kind string, at float64) float64 {
	switch {
	case name == "up":
		return 0
	case name == "kaskad_disk_free_bytes":
		return 1e9
	case name == "kaskad_disk_total_bytes":
		return 1e12
	case kind == "gauge":
		return 1e6 + at
	case strings.Contains(name, "messages_folded"):
		return at
	default:
		return 10 * at
	}
}

func ask(t *testing.T, w world, expr string) promql.Vector {
	t.Helper()
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e7, Timeout: time.Minute, LookbackDelta: 5 * time.Minute,
		Parser: parser.NewParser(parser.Options{})})
	defer engine.Close()
	q, err := engine.NewInstantQuery(t.Context(), w, nil, expr, time.UnixMilli(worldLength.Milliseconds()))
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	defer q.Close()
	result := q.Exec(t.Context())
	v, err := result.Vector()
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	return v
}

// fires tells whether Grafana's comparison holds for any series of the answer. What docs/operations.md shows, for an
// alert manager of one's own, must say the same.
func (a *Alert) fires(t *testing.T, w world) bool {
	t.Helper()
	fires := false
	for _, sample := range ask(t, w, a.Query) {
		fires = fires || a.Below && sample.F < a.Limit || !a.Below && sample.F > a.Limit
	}
	if a.Words == "" {
		shown := regexp.MustCompile("`([^`]+)`").FindStringSubmatch(a.Row())[1]
		if alone := len(ask(t, w, shown)) > 0; alone != fires {
			t.Errorf("%s: the rule fires: %t, %s: %t", a.Name, fires, shown, alone)
		}
	}
	return fires
}

// Each rule is silent while nothing is wrong, and speaks when its fault is there.
func TestAlerts_SilentAndLoud(t *testing.T) {
	well, ill := newWorld(t, healthy), newWorld(t, sick)
	nobody := newWorld(t, func(name, kind string, at float64) float64 {
		if strings.HasPrefix(name, "kaskad_ingest_lag") || name == "up" {
			return math.NaN()
		}
		return healthy(name, kind, at)
	})
	for _, a := range Alerts() {
		if a.Plugin != Prometheus {
			continue
		}
		if a.fires(t, well) {
			t.Errorf("%s fires although nothing is wrong", a.Name)
		}
		faulty := ill
		if strings.HasPrefix(a.Query, "absent") {
			faulty = nobody
		}
		if !a.fires(t, faulty) {
			t.Errorf("%s does not fire", a.Name)
		}
		if a.Name == "not ready" && !a.fires(t, nobody) {
			t.Errorf("%s does not fire when nothing is scraped", a.Name)
		}
	}
}

// Each panel that asks Prometheus has something to show.
func TestDashboards_PrometheusAnswers(t *testing.T) {
	w := newWorld(t, sick)
	for _, expr := range promQueries(t) {
		if strings.HasPrefix(expr, "absent") {
			continue
		}
		if v := ask(t, w, strings.ReplaceAll(expr, "$__rate_interval", "1m")); len(v) == 0 || math.IsNaN(v[0].F) {
			t.Errorf("%s: %v", expr, v)
		}
	}
}
