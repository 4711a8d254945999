// Package states is the keyed store: what is published of each message, so that a change costs a look-up and not a scan
// of facts. Its tables: message_states (the state of a message of a warm hour, and the units of its dialogs), state_log
// (what an edition changes there, written before it is published and applied afterwards), settled_states (states of
// quiet hours, found by a scan: settle.go) and cold_hours (hours whose states are not known).
//
// Who takes over applies what was left in the log, so the states are always those of the last edition. Where that
// cannot be, all hours become cold.
package states

import (
	"context"
	"embed"
	"log/slog"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"kaskad/schema/law"
	"kaskad/schema/state"
)

//go:embed sql/*.sql
var files embed.FS

// statement gives the files of sql/, with the law filled in.
var statement = law.Statements(files, "sql")

// Config holds the store's settings.
type Config struct {
	// Bytes bounds table message_states, keys and states as they are before compression; negative: nothing does.
	Bytes int64
	// OnStep is called after each step of a move: "settle", "settle_note", "settle_blank".
	OnStep func(step string)
}

// Deps are what a store works with.
type Deps struct {
	Conn driver.Conn
	// NextEdition returns an id greater than every one used before.
	NextEdition func(now time.Time) uint64
	// CheckOwner fails while somebody else publishes editions.
	CheckOwner func(context.Context) error
	Registerer prometheus.Registerer // may be nil
	Logger     *slog.Logger
}

// Store finds and keeps the states of messages. Only the passes use it, one after the other.
type Store struct {
	// Hours are all hours that anything was published of, and whether they are cold. Only the store changes them.
	Hours map[state.Hour]bool
	// Damaged is set when a state could not be read: the next [Store.Redo] forgets all of them.
	Damaged bool

	cfg      Config
	deps     Deps
	metrics  metrics
	settling settling
}

// New returns a store that knows nothing until [Store.Redo] or [Store.Read].
func New(cfg Config, deps Deps) *Store {
	return &Store{cfg: cfg, deps: deps, metrics: newMetrics(deps.Registerer)}
}

// do runs a statement under the id of an edition.
func (s *Store) do(ctx context.Context, name string, edition uint64, tables ...*ext.Table) error {
	return s.deps.Conn.Exec(clickhouse.Context(ctx, clickhouse.WithExternalTable(tables...), clickhouse.WithParameters(
		clickhouse.Parameters{"generation": strconv.FormatUint(edition, 10)})), statement(name))
}

func bit(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

type metrics struct {
	settledHours, settledReads prometheus.Counter
	stateBytes                 prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) metrics {
	counter := func(name, help string) prometheus.Counter {
		return promauto.With(r).NewCounter(prometheus.CounterOpts{Namespace: "kaskad", Subsystem: "aggregate",
			Name: name, Help: help})
	}
	return metrics{
		settledHours: counter("settled_hours_total",
			"Hours whose states moved out of the keyed store because it was full."),
		settledReads: counter("settled_reads_total",
			"States that changes had to look for outside of the keyed store, by a scan that many share."),
		stateBytes: promauto.With(r).NewGauge(prometheus.GaugeOpts{Namespace: "kaskad", Subsystem: "aggregate",
			Name: "state_bytes",
			Help: "Estimated bytes of keys and states in the keyed store, before compression."}),
	}
}
