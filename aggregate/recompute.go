package aggregate

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"kaskad/schema"
)

// sliceRows is how many rows of facts are folded at a time: about 150 bytes each in memory. A pass over more goes slice by slice,
// each with whole messages.
const sliceRows = 4_000_000

// cellStatements compute all rollups of a slice, in this order.
var cellStatements = []string{"fold", "heads", "rollup_attempts", "rollup_cascades", "legs", "shapes", "rollup_waste"}

// workTables are the names of the tables in memory that this aggregator works with (sql/work_tables.sql).
type workTables struct{ folded, heads, dialogRows string }

func (t workTables) all() []string { return []string{t.folded, t.heads, t.dialogRows} }

// createTables makes the tables of this aggregator, and removes those of aggregators that ended without doing so: there is no other one now.
func (a *Aggregator) createTables(ctx context.Context) error {
	rows, err := a.deps.Conn.Query(ctx, statement("stale_tables"))
	if err != nil {
		return fmt.Errorf("list work tables: %w", err)
	}
	defer rows.Close()
	var stale []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return fmt.Errorf("list work tables: %w", err)
		}
		stale = append(stale, name)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("list work tables: %w", err)
	}
	if err := a.dropTables(ctx, stale); err != nil {
		return err
	}
	prefix := "work_" + strings.ReplaceAll(a.owner.String(), "-", "") + "_"
	a.tables = workTables{prefix + "folded", prefix + "heads", prefix + "dialog_rows"}
	ctx = clickhouse.Context(ctx, clickhouse.WithParameters(a.parameters(0)))
	for _, create := range strings.Split(statement("work_tables"), ";\n") {
		if err := a.deps.Conn.Exec(ctx, create); err != nil {
			return fmt.Errorf("create work table: %w", err)
		}
	}
	return nil
}

func (a *Aggregator) dropTables(ctx context.Context, names []string) error {
	for _, name := range names {
		if err := a.deps.Conn.Exec(clickhouse.Context(ctx, clickhouse.WithParameters(clickhouse.Parameters{"table": name})),
			"DROP TABLE IF EXISTS {table:Identifier}"); err != nil {
			return fmt.Errorf("drop work table %s: %w", name, err)
		}
	}
	return nil
}

func (a *Aggregator) truncate(ctx context.Context, name string) error {
	if err := a.deps.Conn.Exec(clickhouse.Context(ctx, clickhouse.WithParameters(clickhouse.Parameters{"table": name})),
		"TRUNCATE TABLE {table:Identifier}"); err != nil {
		return fmt.Errorf("empty work table %s: %w", name, err)
	}
	return nil
}

// parameters are those that the statements of a pass share.
func (a *Aggregator) parameters(generation uint64) clickhouse.Parameters {
	return clickhouse.Parameters{
		"generation": strconv.FormatUint(generation, 10), "folded": a.tables.folded, "heads": a.tables.heads, "dialog_rows": a.tables.dialogRows,
	}
}

// do runs a statement of the pass.
func (a *Aggregator) do(ctx context.Context, name string, generation uint64, tables ...*ext.Table) error {
	return a.doWith(ctx, name, a.parameters(generation), tables...)
}

func (a *Aggregator) doWith(ctx context.Context, name string, parameters clickhouse.Parameters, tables ...*ext.Table) error {
	ctx = clickhouse.Context(ctx, clickhouse.WithExternalTable(tables...), clickhouse.WithParameters(parameters))
	return a.deps.Conn.Exec(ctx, statement(name))
}

// recompute runs steps 3 to 5 of the package comment for the chosen buckets and those whose units they move. It returns all of them.
func (a *Aggregator) recompute(ctx context.Context, generation uint64, nowMS int64, work []*bucketWork, open map[bucketKey]*bucketWork) ([]*bucketWork, error) {
	work, err := a.decideDialogs(ctx, generation, work, open)
	if err != nil {
		return nil, fmt.Errorf("compute generation %d: %w", generation, err)
	}
	targets, err := targetTable(work)
	if err != nil {
		return nil, err
	}
	if err := a.computeCells(ctx, generation, nowMS, targets); err != nil {
		return nil, fmt.Errorf("compute generation %d of %d buckets: %w", generation, len(work), err)
	}
	a.cfg.OnStep("computed")
	if err := a.do(ctx, "publish", generation, targets); err != nil {
		return nil, fmt.Errorf("publish generation %d: %w", generation, err)
	}
	a.cfg.OnStep("published")
	var touches []schema.Touch
	for _, w := range work {
		touches = append(touches, w.touches...)
		delete(a.due, w.bucketKey)
	}
	if err := schema.CloseTouches(ctx, a.deps.Conn, touches); err != nil {
		return nil, fmt.Errorf("close touches of generation %d: %w", generation, err)
	}
	a.cfg.OnStep("closed")
	a.metrics.generations.Inc()
	a.metrics.buckets.Add(float64(len(work)))
	return work, a.readDue(ctx, generation)
}

// computeCells folds the facts of the targets once, slice by slice, and computes all rollups from that.
func (a *Aggregator) computeCells(ctx context.Context, generation uint64, nowMS int64, targets *ext.Table) error {
	var rows uint64
	if err := a.deps.Conn.QueryRow(clickhouse.Context(ctx, clickhouse.WithExternalTable(targets)), statement("count_attempts")).Scan(&rows); err != nil {
		return fmt.Errorf("count attempts: %w", err)
	}
	slices := 1 + rows/sliceRows
	parameters := a.parameters(generation)
	parameters["slices"] = strconv.FormatUint(slices, 10)
	parameters["as_of"] = strconv.FormatInt(nowMS, 10)
	for slice := range slices {
		parameters := maps.Clone(parameters)
		parameters["slice"] = strconv.FormatUint(slice, 10)
		if err := a.truncate(ctx, a.tables.folded); err != nil {
			return err
		}
		if err := a.truncate(ctx, a.tables.heads); err != nil {
			return err
		}
		for _, name := range cellStatements {
			if err := a.doWith(ctx, name, parameters, targets); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return a.truncate(ctx, a.tables.folded)
}

func targetTable(work []*bucketWork) (*ext.Table, error) {
	table, err := ext.NewTable("targets", ext.Column("account", "String"), ext.Column("bucket", "DateTime('UTC')"))
	if err != nil {
		return nil, err
	}
	for _, w := range work {
		if err := table.Append(w.account, time.UnixMilli(w.bucketMS).UTC()); err != nil {
			return nil, fmt.Errorf("list buckets: %w", err)
		}
	}
	return table, nil
}
