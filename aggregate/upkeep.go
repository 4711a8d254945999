package aggregate

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/schema"
)

// upkeepEvery is how often replaced generations are removed and orphans expire.
const upkeepEvery = time.Minute

func (a *Aggregator) upkeep(ctx context.Context, now time.Time) error {
	if now.Sub(a.lastUpkeep) < upkeepEvery {
		return nil
	}
	if err := a.expireOrphans(ctx); err != nil {
		return err
	}
	if err := a.dropReplaced(ctx, now); err != nil {
		return err
	}
	if err := a.emptyQueue(ctx); err != nil {
		return err
	}
	a.lastUpkeep = now
	return nil
}

// emptyQueue removes from number_queue what was answered since the last upkeep. What a crash makes it forget ends by its age.
func (a *Aggregator) emptyQueue(ctx context.Context) error {
	if len(a.answered) == 0 {
		return nil
	}
	batches := make([]schema.Touch, 0, len(a.answered))
	for id := range a.answered {
		batches = append(batches, schema.Touch{ID: id})
	}
	table, err := batchTable(batches)
	if err != nil {
		return err
	}
	if err := a.exec(ctx, "queue_answered", table); err != nil {
		return fmt.Errorf("remove what was answered from the queue: %w", err)
	}
	clear(a.answered)
	return nil
}

// dropReplaced removes generations that were replaced longer than Retention ago, cells first: a generation without its publication
// cannot be read, one without its cells would read as empty.
func (a *Aggregator) dropReplaced(ctx context.Context, now time.Time) error {
	cutoff := strconv.FormatInt(now.Add(-a.cfg.Retention).UnixMicro(), 10)
	ctx = clickhouse.Context(ctx, clickhouse.WithParameters(clickhouse.Parameters{"cutoff": cutoff}))
	var stale uint64
	if err := a.deps.Conn.QueryRow(ctx, statement("stale")).Scan(&stale); err != nil {
		return fmt.Errorf("count replaced generations: %w", err)
	}
	if stale == 0 {
		return nil
	}
	for _, table := range []string{"rollup_attempts", "rollup_cascades", "rollup_waste", "rollup_failures", "dialogs", "dialogs_by_person"} {
		if err := a.doWith(ctx, "drop_cells", clickhouse.Parameters{"table": table, "cutoff": cutoff}); err != nil {
			return fmt.Errorf("remove replaced generations from %s: %w", table, err)
		}
	}
	for _, name := range []string{"drop_day_cells", "drop_days"} {
		if err := a.deps.Conn.Exec(ctx, statement(name)); err != nil {
			return fmt.Errorf("remove sums of days (%s): %w", name, err)
		}
	}
	if err := a.deps.Conn.Exec(ctx, statement("drop_generations")); err != nil {
		return fmt.Errorf("remove replaced generations: %w", err)
	}
	a.metrics.dropped.Add(float64(stale))
	return nil
}

// statement returns the SQL of a file in sql/.
func statement(name string) string {
	text, err := statements.ReadFile("sql/" + name + ".sql")
	if err != nil {
		panic("aggregate: no statement " + name) // the files are part of the program; a test reads them all
	}
	return string(text)
}
