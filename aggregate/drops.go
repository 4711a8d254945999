package aggregate

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// shareOfDrops bounds the part of the time that removing takes while editions follow each other: one in shareOfDrops+1,
// as long as it rests for no longer than longestDropRest.
const (
	shareOfDrops    = 7
	longestDropRest = 2 * time.Minute
)

// rollups are the tables whose cells editions change.
var rollups = []string{"rollup_attempts", "rollup_cascades", "rollup_spend", "rollup_waste", "rollup_failures",
	"rollup_people"}

// drops are the statements that remove what was replaced. They are executed beside the passes: each of them waits until
// ClickHouse has written the parts concerned anew, after the merges that are under way.
type drops struct {
	left   []func(context.Context) error
	listed time.Time
	// takeovers is what Aggregator.takeovers was when they were listed: who took the work over in between removes what
	// is old by its own clock.
	takeovers uint64
	dialogs   replacedDialogs
	underWay  atomic.Uint64 // the least id of the pass that is under way, 0 for none
}

// dropSome removes the next of what is to be removed, and says how long to wait until the one after it.
func (a *Aggregator) dropSome(ctx context.Context) (wait time.Duration, err error) {
	d := &a.drops
	if now := a.takeovers.Load(); d.takeovers != now {
		d.takeovers, d.left = now, nil
	}
	if !a.owning.Load() {
		return a.cfg.Poll, nil
	}
	began := time.Now()
	if len(d.left) == 0 {
		if wait := upkeepEvery - began.Sub(d.listed); wait > 0 {
			return wait, nil
		}
		if d.left, err = a.listDrops(ctx, began); err != nil {
			return 0, err
		}
		d.listed = began
		return 0, nil
	}
	if err := d.left[0](ctx); err != nil {
		return 0, err
	}
	if d.left = d.left[1:]; a.streaming() {
		return min(longestDropRest, shareOfDrops*time.Since(began)), nil
	}
	return 0, nil
}

// listDrops lists the statements that remove what builds and generations replaced longer than Retention ago, which
// nobody reads any more: cells first, for the tables that name them say which they are.
func (a *Aggregator) listDrops(ctx context.Context, now time.Time) (all []func(context.Context) error, err error) {
	before := uint64(now.Add(-a.cfg.Retention).UnixMicro())
	if id := a.drops.underWay.Load(); id > 0 { // Its editions are not dead, however long it takes.
		before = min(before, id)
	}
	cutoff := strconv.FormatUint(before, 10)
	var stale bool
	if err := a.deps.Conn.QueryRow(clickhouse.Context(ctx, clickhouse.WithParameters(clickhouse.Parameters{
		"cutoff": cutoff})), statement("stale")).Scan(&stale); err != nil {
		return nil, fmt.Errorf("look for replaced editions: %w", err)
	}
	if !stale {
		return nil, nil
	}
	drop := func(name, table string) {
		all = append(all, func(ctx context.Context) error {
			if err := a.doWith(ctx, name, clickhouse.Parameters{"table": table, "cutoff": cutoff}); err != nil {
				return fmt.Errorf("remove what was replaced from %s (%s): %w", table, name, err)
			}
			return nil
		})
	}
	for _, table := range rollups {
		drop("drop_cells", table)
	}
	all = append(all, func(ctx context.Context) error { return a.dropDialogs(ctx, now, cutoff) })
	for _, names := range [][2]string{{"drop_states", "state_log"}, {"drop_opt_outs", "opt_outs"},
		{"drop_generations", "generations"},
		{"drop_changes", "day_changes"}, {"drop_builds", "builds"}, {"drop_begun", "editions"},
		{"drop_published", "editions"}} {
		drop(names[0], names[1])
	}
	return all, nil
}

const (
	// dialogsEvery is how long replaced rows stay at most, however few they are, and rows of dead editions under which
	// somebody who was taken for gone may still have written.
	dialogsEvery = time.Hour
	// dialogsSlice is how many rows are grouped at a time.
	dialogsSlice = 5_000_000
)

// replacedDialogs is what is known of the rows of dialogs that were replaced.
type replacedDialogs struct {
	written atomic.Uint64 // rows since the last time
	dead    uint64        // the last edition whose rows were removed because it died
	looked  time.Time
}

// dropDialogs removes rows of dialogs. Those that are replaced go when they are many, for finding them reads all of the
// table; those of editions that died go before it is forgotten that these died.
func (a *Aggregator) dropDialogs(ctx context.Context, now time.Time, cutoff string) error {
	d := &a.drops.dialogs
	parameters := func(more clickhouse.Parameters) clickhouse.Parameters {
		more["cutoff"] = cutoff
		return more
	}
	var dead, rows uint64
	if err := a.deps.Conn.QueryRow(clickhouse.Context(ctx,
		clickhouse.WithParameters(parameters(clickhouse.Parameters{}))), statement("dead_editions")).Scan(
		&dead); err != nil {
		return fmt.Errorf("look for editions that died: %w", err)
	}
	if err := a.deps.Conn.QueryRow(ctx, "SELECT count() FROM dialogs").Scan(&rows); err != nil {
		return fmt.Errorf("count dialogs: %w", err)
	}
	written := d.written.Load()
	late := d.looked.IsZero() || written > 0 && now.Sub(d.looked) >= dialogsEvery
	const few = 4 // a quarter of the table
	many := written*few >= rows && written > 0
	slices := rows/dialogsSlice + 1
	for _, table := range []string{"dialogs", "dialogs_by_person"} {
		if dead > d.dead || dead > 0 && now.Sub(d.looked) >= dialogsEvery {
			if err := a.doWith(ctx, "drop_dead_dialogs",
				parameters(clickhouse.Parameters{"table": table})); err != nil {
				return fmt.Errorf("remove what died from %s: %w", table, err)
			}
		}
		for slice := uint64(0); slice < slices && (many || late); slice++ {
			if err := a.doWith(ctx, "drop_dialogs", parameters(clickhouse.Parameters{"table": table,
				"slices": strconv.FormatUint(slices, 10), "slice": strconv.FormatUint(slice, 10)})); err != nil {
				return fmt.Errorf("remove what was replaced from %s: %w", table, err)
			}
		}
	}
	d.dead = max(d.dead, dead)
	if many || late || now.Sub(d.looked) >= dialogsEvery {
		d.written.Add(-written)
		d.looked = now
	}
	return nil
}
