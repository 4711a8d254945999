package store

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/query/answer"
)

//go:embed sql/zone.sql
var zoneSQL string

//go:embed sql/freshness.sql
var freshnessSQL string

// Freshness is the aggregator's last word; Known is false when it has not spoken yet.
type Freshness struct {
	Known          bool
	AsOfMS         int64
	PendingBuckets uint64
	Age            time.Duration
}

// Freshness reads it.
func (d *DB) Freshness(ctx context.Context) (f Freshness, err error) {
	if err := d.readFreshness(ctx, &f); err != nil {
		return f, err
	}
	f.take(d.stated())
	return f, nil
}

// readFreshness reads what is stored of it.
func (d *DB) readFreshness(ctx context.Context, f *Freshness) error {
	var ageMS int64
	if err := d.Conn.QueryRow(d.SmallSettings(ctx), freshnessSQL).Scan(&f.Known, &f.AsOfMS, &f.PendingBuckets,
		&ageMS); err != nil {
		return fmt.Errorf("read freshness: %w", err)
	}
	f.Age = time.Duration(ageMS) * time.Millisecond
	return nil
}

// stated is what an aggregator of this process stated last.
func (d *DB) stated() (asOfMS int64, at time.Time) {
	if d.Stated == nil {
		return 0, time.Time{}
	}
	return d.Stated()
}

// take takes in what an aggregator of this process stated: at rest it states more often than it stores.
func (f *Freshness) take(asOfMS int64, at time.Time) {
	if f.Known && !at.IsZero() {
		f.AsOfMS, f.Age = asOfMS, min(f.Age, time.Since(at))
	}
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
