package aggregate

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/google/uuid"

	"kaskad/schema"
)

// currentRollups counts the sets of rollups that there have been: 1 came with money, 2 with number health, 3 with the
// receipts of 00009_receipts.sql, 4 with spend, 5 with editions, 6 with states of messages, 7 with people. Hours of an
// older set are computed anew.
const currentRollups = 7

// statement returns the SQL of a file in sql/.
func statement(name string) string {
	text, found := statements[name]
	if !found {
		panic("aggregate: no statement " + name) // the files are part of the program; a test reads them all
	}
	return text
}

// parameters are those that most statements of an edition have.
func (a *Aggregator) parameters(edition uint64) clickhouse.Parameters {
	return clickhouse.Parameters{"generation": strconv.FormatUint(edition, 10), "rollups": strconv.Itoa(currentRollups)}
}

// do runs a statement of an edition.
func (a *Aggregator) do(ctx context.Context, name string, edition uint64, tables ...*ext.Table) error {
	return a.doWith(ctx, name, a.parameters(edition), tables...)
}

func (a *Aggregator) doWith(ctx context.Context, name string, parameters clickhouse.Parameters,
	tables ...*ext.Table) error {
	ctx = clickhouse.Context(ctx, clickhouse.WithExternalTable(tables...), clickhouse.WithParameters(parameters))
	return a.deps.Conn.Exec(ctx, statement(name))
}

func (a *Aggregator) exec(ctx context.Context, name string, tables ...*ext.Table) error {
	return a.deps.Conn.Exec(clickhouse.Context(ctx, clickhouse.WithExternalTable(tables...)), statement(name))
}

func (a *Aggregator) truncate(ctx context.Context, table string) error {
	if err := a.deps.Conn.Exec(clickhouse.Context(ctx,
		clickhouse.WithParameters(clickhouse.Parameters{"table": table})),
		"TRUNCATE TABLE {table:Identifier}"); err != nil {
		return fmt.Errorf("empty table %s: %w", table, err)
	}
	return nil
}

// begin notes that rows of the edition may be written: as long as it is not published, none of them counts.
func (a *Aggregator) begin(ctx context.Context, edition uint64) error {
	if a.begun == edition {
		return nil
	}
	if err := a.do(ctx, "begin_edition", edition); err != nil {
		return fmt.Errorf("begin edition %d: %w", edition, err)
	}
	a.begun = edition
	return nil
}

func (a *Aggregator) countShared(ctx context.Context) error {
	var shared uint64
	if err := a.deps.Conn.QueryRow(ctx,
		"SELECT uniqExact(account, message_id, step) FROM shared_attempts").Scan(&shared); err != nil {
		return fmt.Errorf("count shared attempts: %w", err)
	}
	a.metrics.shared.Set(float64(shared))
	return nil
}

// targetTable lists hours.
func targetTable(hours map[bucketKey]bool) (*ext.Table, error) {
	table, err := ext.NewTable("targets", ext.Column("account", "String"), ext.Column("bucket", "DateTime('UTC')"))
	if err != nil {
		return nil, err
	}
	for hour := range hours {
		if err := table.Append(hour.account, hourTime(hour.bucketMS)); err != nil {
			return nil, fmt.Errorf("list hours: %w", err)
		}
	}
	return table, nil
}

// hourTime is an hour as tables have it.
func hourTime(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// batchTable lists the batches of touches.
func batchTable(touches []schema.Touch) (*ext.Table, error) {
	table, err := ext.NewTable("batches", ext.Column("id", "UUID"))
	if err != nil {
		return nil, err
	}
	seen := map[uuid.UUID]bool{}
	for _, t := range touches {
		if seen[t.ID] {
			continue
		}
		seen[t.ID] = true
		if err := table.Append(t.ID); err != nil {
			return nil, fmt.Errorf("list batches: %w", err)
		}
	}
	return table, nil
}
