package aggregate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"kaskad/schema"
)

// upkeepEvery is how often replaced generations are removed and orphans expire.
const upkeepEvery = time.Minute

// numbersDueEvery is how often numbers are looked for whose verdict changes by time alone.
const numbersDueEvery = time.Minute

func (a *Aggregator) upkeep(ctx context.Context, now time.Time) error {
	if a.lossOpen && now.Sub(a.lastLossLook) >= lossEvery {
		if err := a.settleLosses(ctx); err != nil {
			return err
		}
		a.lastLossLook = now
	}
	if now.Sub(a.lastUpkeep) < upkeepEvery {
		return nil
	}
	if err := a.joiner.Expire(ctx); err != nil {
		return err
	}
	if err := a.dropReplaced(ctx, now); err != nil {
		return err
	}
	if err := a.emptyQueue(ctx); err != nil {
		return err
	}
	if err := a.settleLosses(ctx); err != nil {
		return err
	}
	a.lastUpkeep = now
	return nil
}

// rememberQueue lists what was left by processes that are gone, for emptyQueue to remove. A batch that is a day old and
// not open is answered: who stored it and died before it opened the touch has read its events again.
func (a *Aggregator) rememberQueue(ctx context.Context) error {
	return a.eachBatch(ctx, "old_batches", func(id uuid.UUID) { a.answered[id] = true })
}

// eachBatch reads the batches that a statement finds.
func (a *Aggregator) eachBatch(ctx context.Context, name string, do func(uuid.UUID)) error {
	return schema.EachRow(ctx, a.deps.Conn, "read batches ("+name+")", statement(name), func(rows driver.Rows) error {
		var id uuid.UUID
		if err := rows.Scan(&id); err != nil {
			return err
		}
		do(id)
		return nil
	})
}

// emptyQueue removes from number_queue and changes what was answered since the last upkeep.
func (a *Aggregator) emptyQueue(ctx context.Context) error {
	if len(a.answered) == 0 {
		return nil
	}
	open := map[uuid.UUID]bool{}
	if err := a.eachBatch(ctx, "open_batches", func(id uuid.UUID) { open[id] = true }); err != nil {
		return err
	}
	var ended []string
	for id := range a.answered {
		if !open[id] {
			ended = append(ended, "'"+id.String()+"'")
		}
	}
	for part := range slices.Chunk(ended, 1000) {
		for _, name := range []string{"queue_answered", "changes_answered"} {
			if err := a.doWith(ctx, name,
				clickhouse.Parameters{"batches": "[" + strings.Join(part, ",") + "]"}); err != nil {
				return fmt.Errorf("remove what was answered (%s): %w", name, err)
			}
		}
	}
	maps.DeleteFunc(a.answered, func(id uuid.UUID, _ bool) bool { return !open[id] })
	return nil
}

// rollups are the tables whose cells editions change.
var rollups = []string{"rollup_attempts", "rollup_cascades", "rollup_spend", "rollup_waste", "rollup_failures",
	"rollup_people"}

// dropReplaced removes what builds and generations replaced longer than Retention ago, cells first: what is gone from
// the tables that name it cannot be read, what is named and gone would read as empty.
func (a *Aggregator) dropReplaced(ctx context.Context, now time.Time) error {
	cutoff := strconv.FormatInt(now.Add(-a.cfg.Retention).UnixMicro(), 10)
	ctx = clickhouse.Context(ctx, clickhouse.WithParameters(clickhouse.Parameters{"cutoff": cutoff}))
	var stale bool
	if err := a.deps.Conn.QueryRow(ctx, statement("stale")).Scan(&stale); err != nil {
		return fmt.Errorf("look for replaced editions: %w", err)
	}
	if !stale {
		return nil
	}
	drop := func(name, table string) error {
		if err := a.doWith(ctx, name, clickhouse.Parameters{"table": table, "cutoff": cutoff}); err != nil {
			return fmt.Errorf("remove what was replaced from %s (%s): %w", table, name, err)
		}
		return nil
	}
	for _, table := range rollups {
		if err := drop("drop_cells", table); err != nil {
			return err
		}
	}
	if err := a.dropDialogs(ctx, now, cutoff); err != nil {
		return err
	}
	for _, names := range [][2]string{{"drop_states", "state_log"}, {"drop_opt_outs", "opt_outs"},
		{"drop_generations", "generations"},
		{"drop_changes", "day_changes"}, {"drop_builds", "builds"}, {"drop_begun", "editions"},
		{"drop_published", "editions"}} {
		if err := drop(names[0], names[1]); err != nil {
			return err
		}
	}
	return nil
}
