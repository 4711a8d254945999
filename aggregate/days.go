package aggregate

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
)

const (
	// dayQuiet is how long no bucket of a day may have been published before its cells are summed: a day that is
	// written to changes again at once.
	dayQuiet = time.Minute
	// daysEvery is how often quiet days are looked for, and daysAtOnce how many are summed at a time, while there is
	// nothing else to do.
	daysEvery  = 10 * time.Second
	daysAtOnce = 64
)

// sumDays sums the cells of quiet days, so that reports over long periods read less. It does nothing that a report
// depends on.
func (a *Aggregator) sumDays(ctx context.Context, now time.Time) error {
	if now.Before(a.nextDays) {
		return nil
	}
	rows, err := a.deps.Conn.Query(clickhouse.Context(ctx, clickhouse.WithParameters(clickhouse.Parameters{
		"quiet": strconv.FormatInt(now.Add(-dayQuiet).UnixMicro(), 10), "limit": strconv.Itoa(daysAtOnce),
	})), statement("day_candidates"))
	if err != nil {
		return fmt.Errorf("look for quiet days: %w", err)
	}
	defer rows.Close()
	days, err := ext.NewTable("days", ext.Column("account", "String"), ext.Column("day", "Date"),
		ext.Column("state", "UInt64"))
	if err != nil {
		return err
	}
	found := 0
	for rows.Next() {
		var account string
		var day time.Time
		var state uint64
		if err := rows.Scan(&account, &day, &state); err != nil {
			return fmt.Errorf("look for quiet days: %w", err)
		}
		if err := days.Append(account, day, state); err != nil {
			return fmt.Errorf("list quiet days: %w", err)
		}
		found++
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("look for quiet days: %w", err)
	}
	if found < daysAtOnce {
		a.nextDays = now.Add(daysEvery)
	}
	if found == 0 {
		return nil
	}
	build := clickhouse.Parameters{"build": strconv.FormatUint(a.nextGeneration(now), 10)}
	for _, name := range []string{"day_cells", "day_register"} {
		if err := a.doWith(ctx, name, build, days); err != nil {
			return fmt.Errorf("sum %d days (%s): %w", found, name, err)
		}
	}
	a.metrics.days.Add(float64(found))
	return nil
}
