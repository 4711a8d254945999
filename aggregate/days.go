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
	// dayQuiet is how long no edition may have changed a day before its sums are built although few changes came: one
	// that is written to changes again at once.
	dayQuiet = time.Minute
	// daysEvery is how often days are looked for, and daysAtOnce how many are built at a time.
	daysEvery  = 5 * time.Second
	daysAtOnce = 64
)

// buildDays sums what editions changed on days that are quiet, or that have changed much, so that reports read a few
// sums rather than every change. No figure depends on when that happens. A build that dies is an edition that was never
// published.
func (a *Aggregator) buildDays(ctx context.Context, now time.Time) error {
	if now.Before(a.nextDays) || a.allBuilt {
		return nil
	}
	rows, err := a.deps.Conn.Query(clickhouse.Context(ctx, clickhouse.WithParameters(clickhouse.Parameters{
		"quiet": strconv.FormatInt(now.Add(-dayQuiet).UnixMicro(), 10), "limit": strconv.Itoa(daysAtOnce),
	})), statement("day_candidates"))
	if err != nil {
		return fmt.Errorf("look for days to build: %w", err)
	}
	defer rows.Close()
	days, err := ext.NewTable("days", ext.Column("account", "String"), ext.Column("day", "Date"))
	if err != nil {
		return err
	}
	found := 0
	for rows.Next() {
		var account string
		var day time.Time
		if err := rows.Scan(&account, &day); err != nil {
			return fmt.Errorf("look for days to build: %w", err)
		}
		if err := days.Append(account, day); err != nil {
			return fmt.Errorf("list days to build: %w", err)
		}
		found++
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("look for days to build: %w", err)
	}
	if found < daysAtOnce {
		a.nextDays = now.Add(daysEvery)
	}
	// What was published long ago is quiet: as long as nothing else is, there is nothing to look for.
	a.allBuilt = found == 0 && now.Sub(a.lastPublished) > dayQuiet
	if found == 0 {
		return nil
	}
	return a.build(ctx, now, days, found)
}

// build sums all that is published of the days under a new edition, and publishes it.
func (a *Aggregator) build(ctx context.Context, now time.Time, days *ext.Table, n int) error {
	build := a.nextGeneration(now)
	if err := a.begin(ctx, build); err != nil {
		return err
	}
	parameters := a.parameters(build)
	parameters["build"] = strconv.FormatUint(build, 10)
	parameters["as_of"] = strconv.FormatInt(a.cfg.Now().UnixMilli(), 10)
	for _, name := range []string{"build_attempts", "build_cascades", "build_spend", "build_waste", "build_failures",
		"build_people", "build_register"} {
		if err := a.doWith(ctx, name, parameters, days); err != nil {
			return fmt.Errorf("build %d days (%s): %w", n, name, err)
		}
	}
	// What another aggregator has published in the meantime is not in the sums.
	if err := a.checkOwner(ctx); err != nil {
		return err
	}
	if err := a.do(ctx, "publish_edition", build); err != nil {
		return fmt.Errorf("publish the build of %d days: %w", n, err)
	}
	a.metrics.days.Add(float64(n))
	return nil
}
