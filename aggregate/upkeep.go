package aggregate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"kaskad/schema"
)

// upkeepEvery is how often orphans expire, and how often at most it is listed what is to be removed.
const upkeepEvery = time.Minute

// numbersDueEvery is how often numbers are looked for whose verdict changes by time alone.
const numbersDueEvery = time.Minute

// upkeep does what is done now and then, before a pass.
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
	for _, do := range []func(context.Context) error{a.joiner.Expire, a.emptyQueue, a.settleLosses} {
		if err := do(ctx); err != nil {
			return err
		}
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
