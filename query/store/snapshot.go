package store

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/query/answer"
	"kaskad/schema"
)

var (
	//go:embed sql/freshness.sql
	freshnessSQL string
	//go:embed sql/edition.sql
	editionSQL string
	//go:embed sql/state.sql
	stateSQL string
	//go:embed sql/lost.sql
	lostSQL string
	//go:embed sql/zone.sql
	zoneSQL string
)

// Freshness is the aggregator's last word; Known is false when it has not spoken yet.
type Freshness struct {
	Known          bool
	AsOfMS         int64
	PendingBuckets uint64
	Age            time.Duration
}

// Freshness reads it.
func (d *DB) Freshness(ctx context.Context) (Freshness, error) {
	var f Freshness
	var ageMS int64
	if err := d.Conn.QueryRow(d.Settings(ctx), freshnessSQL).Scan(&f.Known, &f.AsOfMS, &f.PendingBuckets,
		&ageMS); err != nil {
		return f, fmt.Errorf("read freshness: %w", err)
	}
	f.Age = time.Duration(ageMS) * time.Millisecond
	if d.Stated == nil {
		return f, nil
	}
	// At rest an aggregator states more often than it stores.
	if asOfMS, at := d.Stated(); f.Known && !at.IsZero() {
		f.AsOfMS, f.Age = asOfMS, min(f.Age, time.Since(at))
	}
	return f, nil
}

// AsOf is the moment up to which everything is in the answer; nil before the aggregator has said so for the first time.
func (d *DB) AsOf(fresh Freshness, now time.Time) *int64 {
	ms := fresh.AsOfMS
	if d.Fixed {
		ms = now.UnixMilli()
	} else if !fresh.Known {
		return nil
	}
	return &ms
}

// Snapshot reads as_of first and the newest edition second: what was acknowledged before as_of is then surely in the
// editions.
func (d *DB) Snapshot(ctx context.Context, now time.Time) (answer.Snapshot, error) {
	seen := answer.Snapshot{NowMS: now.UnixMilli(), ReadMS: time.Now().UnixMilli()}
	fresh, err := d.Freshness(ctx)
	if err != nil {
		return seen, err
	}
	seen.AsOfMS = d.AsOf(fresh, now)
	if err := d.Conn.QueryRow(d.Settings(ctx), editionSQL).Scan(&seen.Edition, &seen.Dead); err != nil {
		return seen, fmt.Errorf("read newest edition: %w", err)
	}
	// What is newer may be published yet.
	seen.Dead = slices.DeleteFunc(seen.Dead, func(e uint64) bool { return e > seen.Edition })
	return seen, nil
}

// State is a number that differs when something does that answers depend on besides the edition that they are made of.
func (d *DB) State(ctx context.Context) (state uint64, err error) {
	if err := d.Conn.QueryRow(d.Settings(ctx), stateSQL).Scan(&state); err != nil {
		return 0, fmt.Errorf("read the state of reference data: %w", err)
	}
	return state, nil
}

// Lost reports whether an hour of the period lacks facts that were there: of these accounts, of any without accounts.
func (d *DB) Lost(ctx context.Context, accounts []string, fromMS, toMS int64) (lost bool, err error) {
	// The cohorts of an hour's messages lie in it, or close by.
	const near = schema.HourMS / 1000
	err = d.Conn.QueryRow(d.Settings(ctx), lostSQL,
		clickhouse.Named("accounts", append([]string{}, accounts...)),
		clickhouse.Named("from", fromMS/1000-near), clickhouse.Named("to", toMS/1000+near)).Scan(&lost)
	if err != nil {
		return false, fmt.Errorf("look for lost hours: %w", err)
	}
	return lost, nil
}

// CheckZone refuses a zone that Go knows and ClickHouse does not.
func (d *DB) CheckZone(ctx context.Context, zone *time.Location) error {
	if zone == time.UTC {
		return nil
	}
	if _, known := d.zones.Load(zone.String()); known {
		return nil
	}
	var known bool
	if err := d.Conn.QueryRow(d.Settings(ctx), zoneSQL,
		clickhouse.Named("tz", zone.String())).Scan(&known); err != nil {
		return fmt.Errorf("look up time zone: %w", err)
	}
	if !known {
		return answer.BadParameter("tz",
			fmt.Sprintf("ClickHouse does not know %q; name the zone by its usual IANA name, "+
				"such as Europe/Moscow", zone))
	}
	d.zones.Store(zone.String(), true)
	return nil
}
