package store

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"text/template"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sync/singleflight"

	"kaskad/query/answer"
	"kaskad/schema"
	"kaskad/schema/keys"
)

// spillBytes is what ClickHouse may hold of an export's sorting or grouping in memory before it goes on on disk.
const spillBytes = 256 << 20

// exportRows is how many rows a block of an export has at most: a reader has some of them in hand, and its memory is
// not to depend on the answer.
const exportRows = 16384

// DB is ClickHouse as all rooms of the API read it. It is safe for concurrent use.
type DB struct {
	Conn driver.Conn
	// Columns reads large answers; nil where the driver alone can.
	Columns schema.Columns
	// Now is the clock of reports. Fixed says that it stands still: reports are then as of Now.
	Now   func() time.Time
	Fixed bool
	// Stated is the as_of that an aggregator of this process stated last, and when; nil when none runs here.
	Stated func() (asOfMS int64, at time.Time)
	// Busy reports whether several requests are answered; nil if that does not matter.
	Busy func() bool
	// QueryTime ends a query of a page.
	QueryTime time.Duration
	// Cursors reads and makes cursors.
	Cursors *answer.Cursors
	// Silence is how long ClickHouse may be silent (see MaxSilence).
	Silence time.Duration

	pings  singleflight.Group
	maps   errorMapCache
	routes routesCache
	shared publishedCache
	// zones holds the names that ClickHouse is known to know.
	zones sync.Map
}

// Settings gives every query its limits; ClickHouse ends it by itself even if we cannot tell it to.
func (d *DB) Settings(ctx context.Context) context.Context { return d.SettingsFor(ctx, d.QueryTime) }

// SettingsFor does so for a query that may take longer than others.
func (d *DB) SettingsFor(ctx context.Context, most time.Duration) context.Context {
	return d.with(ctx, clickhouse.Settings{"max_execution_time": max(1, int(most.Seconds()))})
}

// SmallSettings are those of a query that reads little: a second thread costs it more than it saves, and there are
// many.
func (d *DB) SmallSettings(ctx context.Context) context.Context {
	return d.with(ctx, clickhouse.Settings{"max_execution_time": max(1, int(d.QueryTime.Seconds())), "max_threads": 1})
}

// ExportSettings are the settings of a query that answers limit=all.
func (d *DB) ExportSettings(ctx context.Context) context.Context {
	return d.with(ctx, exportSettings())
}

func exportSettings() clickhouse.Settings {
	return clickhouse.Settings{
		"max_execution_time":                 int(answer.ExportTime.Seconds()),
		"max_bytes_before_external_sort":     spillBytes,
		"max_bytes_before_external_group_by": spillBytes,
		"max_block_size":                     exportRows,
	}
}

// with adds what holds for every query.
func (d *DB) with(ctx context.Context, settings clickhouse.Settings) context.Context {
	forCaller(ctx, settings)
	options := []clickhouse.QueryOption{clickhouse.WithSettings(settings)}
	if life, watched := ctx.Value(pulseKey{}).(*pulse); watched {
		options = append(options, clickhouse.WithProgress(func(*clickhouse.Progress) { life.beat() }))
	}
	return clickhouse.Context(ctx, options...)
}

// accountTables are those whose rows belong to accounts, and are read for one caller at a time. Lists that rooms keep
// for all callers (reference data, routes) are not among them.
var accountTables = []string{"alert_events", "api_views", "attempts", "attempts_by_recipient",
	"dialogs", "dialogs_by_person", "number_changes",
	"number_health", "number_health_before", "number_overrides", "opt_outs", "orphans", "recipient_events", "replies",
	"rollup_attempts", "rollup_cascades", "rollup_failures", "rollup_people", "rollup_spend", "rollup_waste"}

// bindAccount makes ClickHouse leave out the rows of other accounts, whatever a statement asks for: a second wall
// behind the account that is bound where parameters are read.
func bindAccount(caller *answer.Caller, settings clickhouse.Settings) {
	if caller.All {
		return
	}
	var filters strings.Builder
	for i, table := range accountTables {
		if i > 0 {
			filters.WriteByte(',')
		}
		// In hexadecimal digits, so that no account can end a text.
		fmt.Fprintf(&filters, `'%s':'account = unhex(\'%x\')'`, table, caller.Account)
	}
	settings["additional_table_filters"] = "{" + filters.String() + "}"
}

// limits bound a statement on ClickHouse's side.
type limits struct {
	rows, memory uint64
	seconds      int
}

// limitsOf are those of each scope but admin, which has the engine's own alone. A key with several has the largest.
// Reports whose statements may run for ten minutes are for marketers too, and exports for CRMs.
func limitsOf(scopes keys.Scopes) (most limits) {
	for _, of := range []struct {
		scope keys.Scopes
		limits
	}{
		{keys.Ingest, limits{10_000_000, 256 << 20, 10}},
		{keys.Marketer, limits{2_000_000_000, 2 << 30, 600}},
		{keys.Analyst, limits{10_000_000_000, 4 << 30, 600}},
		{keys.CRM, limits{10_000_000_000, 4 << 30, 1800}},
	} {
		if scopes.Any(of.scope) {
			most = limits{max(most.rows, of.rows), max(most.memory, of.memory), max(most.seconds, of.seconds)}
		}
	}
	return most
}

// bound limits a statement by the scopes of the caller's key; who has shown none has no limits of his own.
func bound(caller *answer.Caller, settings clickhouse.Settings) {
	if caller.Scopes == 0 || caller.Scopes.Any(keys.Admin) {
		return
	}
	most := limitsOf(caller.Scopes)
	settings["max_rows_to_read"], settings["max_memory_usage"] = most.rows, most.memory
	if seconds, set := settings["max_execution_time"].(int); !set || seconds > most.seconds {
		settings["max_execution_time"] = most.seconds
	}
}

// forCaller adds what holds for every statement, and what binds those of the caller.
func forCaller(ctx context.Context, settings clickhouse.Settings) {
	caller := answer.CallerOf(ctx)
	bindAccount(caller, settings)
	bound(caller, settings)
	settings["readonly"] = 2
	settings["log_queries"] = 0 // a statement may name a number, and the log of queries outlives an erasure
	settings["join_use_nulls"] = 0
}

// ListTime is how long a list may take: a page of it, or all.
func (d *DB) ListTime(all bool) time.Duration {
	if all {
		return answer.ExportTime
	}
	return d.QueryTime
}

// ListSettings are those of a page, or of an export.
func (d *DB) ListSettings(ctx context.Context, all bool) context.Context {
	if all {
		return d.ExportSettings(ctx)
	}
	return d.Settings(ctx)
}

// Fill fills in a template of SQL: identifiers and expressions of the program, and nothing that a request carries.
func Fill(t *template.Template, data any) (string, error) {
	var statement strings.Builder
	if err := t.Execute(&statement, data); err != nil {
		return "", fmt.Errorf("fill %s: %w", t.Name(), err)
	}
	return statement.String(), nil
}

// CloseRows keeps the error of a result that ended early.
func CloseRows(rows driver.Rows, err *error) {
	if closing := rows.Close(); *err == nil {
		*err = closing
	}
}

// Storable is a time in seconds within what a DateTime holds; no cohort lies outside.
func Storable(ms int64) uint32 {
	return uint32(min(max(ms/1000, 0), 1<<32-1))
}
