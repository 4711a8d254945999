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

// upkeepEvery is how often orphans expire, and how often at most it is listed what is to be removed.
const upkeepEvery = time.Minute

// shareOfDrops bounds the part of the time that removing takes while editions follow each other: one in shareOfDrops+1.
const shareOfDrops = 7

// numbersDueEvery is how often numbers are looked for whose verdict changes by time alone.
const numbersDueEvery = time.Minute

func (a *Aggregator) upkeep(ctx context.Context, now time.Time) error {
	if a.lossOpen && now.Sub(a.lastLossLook) >= lossEvery {
		if err := a.settleLosses(ctx); err != nil {
			return err
		}
		a.lastLossLook = now
	}
	if now.Sub(a.lastUpkeep) >= upkeepEvery {
		if err := a.tidy(ctx, now); err != nil {
			return err
		}
		a.lastUpkeep = now
	}
	return a.dropSome(ctx)
}

// tidy does what is done now and then.
func (a *Aggregator) tidy(ctx context.Context, now time.Time) (err error) {
	if err := a.joiner.Expire(ctx); err != nil {
		return err
	}
	if err := a.emptyQueue(ctx); err != nil {
		return err
	}
	if err := a.settleLosses(ctx); err != nil {
		return err
	}
	if len(a.drops.left) == 0 {
		a.drops.left, err = a.listDrops(ctx, now)
	}
	return err
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

// drops are what is to be removed, a statement in a pass: together they take as long as many passes. next is when the
// next one is due while editions follow each other.
type drops struct {
	left []func(context.Context) error
	next time.Time
}

// dropSome removes the next of what is to be removed, if it is due.
func (a *Aggregator) dropSome(ctx context.Context) error {
	d := &a.drops
	began := time.Now()
	if len(d.left) == 0 || a.streaming() && began.Before(d.next) {
		return nil
	}
	if err := d.left[0](ctx); err != nil {
		return err
	}
	d.left = d.left[1:]
	d.next = time.Now().Add(shareOfDrops * time.Since(began))
	return nil
}

// listDrops lists the statements that remove what builds and generations replaced longer than Retention ago, which
// nobody reads any more: cells first, for the tables that name them say which they are.
func (a *Aggregator) listDrops(ctx context.Context, now time.Time) (all []func(context.Context) error, err error) {
	cutoff := strconv.FormatInt(now.Add(-a.cfg.Retention).UnixMicro(), 10)
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
