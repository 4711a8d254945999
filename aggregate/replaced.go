package aggregate

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// Rows of dialogs that are replaced go when they are many, for finding them reads all of the table; those of editions
// that died go before it is forgotten that these died.

const (
	// dialogsEvery is how long replaced rows stay at most, however few they are, and rows of dead editions under which
	// somebody who was taken for gone may still have written.
	dialogsEvery = time.Hour
	// dialogsSlice is how many rows are grouped at a time.
	dialogsSlice = 5_000_000
)

// replacedDialogs is what is known of the rows of dialogs that were replaced.
type replacedDialogs struct {
	written uint64 // rows since the last time
	dead    uint64 // the last edition whose rows were removed because it died
	looked  time.Time
}

func (a *Aggregator) dropDialogs(ctx context.Context, now time.Time, cutoff string) error {
	d := &a.dialogs
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
	late := d.looked.IsZero() || d.written > 0 && now.Sub(d.looked) >= dialogsEvery
	const few = 4 // a quarter of the table
	many := d.written*few >= rows && d.written > 0
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
		d.written, d.looked = 0, now
	}
	return nil
}
