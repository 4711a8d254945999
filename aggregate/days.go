package aggregate

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"kaskad/schema"
)

const (
	// dayQuiet is how long no edition may have changed a day before its sums are built although few changes came: one
	// that is written to changes again at once.
	dayQuiet = time.Minute
	// daysEvery is how often days are looked for. Of them firstDays are built, and then as many at a time as take
	// targetBuild, mostDays at most: no edition is published meanwhile.
	daysEvery   = 5 * time.Second
	firstDays   = 4
	mostDays    = 64
	targetBuild = 500 * time.Millisecond
	// daysShare bounds the part of the time that goes into builds while changes wait to be published: one in
	// daysShare+1. Days of a backlog change until it is over, and have to be built again. daysShareStreaming does so
	// while editions follow each other: a day that goes on to change is the cheaper to build for each of its changes,
	// the more of them there are.
	daysShare          = 10
	daysShareStreaming = 1
	// windowsLag is how long windows have been over, by what was stated, that sums no longer tell apart. A reader may
	// not have read yet what was stated last, and must not count a window earlier than one who reads differences.
	windowsLag = time.Minute
)

// buildDays sums what editions changed on days that are quiet, or that have changed much, so that reports read a few
// sums rather than every change. No figure depends on when that happens. A build that dies is an edition that was never
// published. Verdicts that waited for a backlog come first.
func (a *Aggregator) buildDays(ctx context.Context, now time.Time) error {
	if now.Before(a.nextDays) || (a.pending > 0 || a.streaming()) && now.Before(a.daysRested) ||
		a.pending == 0 && a.verdicts.Deferred() {
		return nil
	}
	if a.days == nil {
		if err := a.readDays(ctx); err != nil {
			return err
		}
	}
	found := a.daysToBuild(uint64(now.Add(-dayQuiet).UnixMicro()), a.daysAtOnce)
	if len(found) < a.daysAtOnce {
		a.nextDays = now.Add(daysEvery)
	}
	if len(found) == 0 {
		return nil
	}
	days, err := schema.TableOf("days", slices.Values(found),
		func(key dayKey) []any { return []any{key.account, time.Unix(key.unix, 0).UTC()} },
		ext.Column("account", "String"), ext.Column("day", "Date"))
	if err != nil {
		return err
	}
	began := time.Now()
	err = a.build(ctx, now, days, len(found))
	took := time.Since(began)
	share := daysShareStreaming
	if a.pending > 0 {
		share = daysShare
	}
	a.daysRested = time.Now().Add(took * time.Duration(share))
	switch {
	case took > 2*targetBuild:
		a.daysAtOnce = max(1, a.daysAtOnce/2)
	case took < targetBuild:
		a.daysAtOnce = min(mostDays, 2*a.daysAtOnce)
	}
	return err
}

// build sums all that is published of the days under a new edition, and publishes it.
func (a *Aggregator) build(ctx context.Context, now time.Time, days *ext.Table, n int) error {
	build := a.nextGeneration(now)
	if err := a.begin(ctx, build); err != nil {
		return err
	}
	parameters := a.parameters(build)
	parameters["build"] = strconv.FormatUint(build, 10)
	parameters["as_of"] = strconv.FormatInt(a.lastAsOfMS.Load()-windowsLag.Milliseconds(), 10)
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
	return a.noteBuilt(ctx, build, days)
}
