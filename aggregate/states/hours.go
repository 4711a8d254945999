package states

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/schema"
	"kaskad/schema/state"
)

// Read reads what hours there are.
func (s *Store) Read(ctx context.Context) error {
	s.Hours = map[state.Hour]bool{}
	if err := schema.EachRow(ctx, s.deps.Conn, "read hours", statement("hours"), func(rows driver.Rows) error {
		var hour state.Hour
		var cold bool
		if err := rows.Scan(&hour.Account, &hour.BucketMS, &cold); err != nil {
			return err
		}
		s.Hours[hour] = cold
		return nil
	}); err != nil {
		return err
	}
	return s.readSettled(ctx)
}

// Recall reads which of these hours are cold.
func (s *Store) Recall(ctx context.Context, targets *ext.Table) error {
	return schema.EachRow(clickhouse.Context(ctx, clickhouse.WithExternalTable(targets)), s.deps.Conn,
		"read cold hours", statement("hours_recall"), func(rows driver.Rows) error {
			var hour state.Hour
			if err := rows.Scan(&hour.Account, &hour.BucketMS); err != nil {
				return err
			}
			s.Hours[hour] = true
			delete(s.settling.hours, hour)
			return nil
		})
}

// SetCold notes for good whether hours are cold. An hour becomes warm when its edition is published and its states are
// applied: should the process end before, it is computed whole once more.
func (s *Store) SetCold(ctx context.Context, edition uint64, cold map[state.Hour]bool) error {
	var accounts []string
	var buckets []int64
	var editions []uint64
	var colds []uint8
	for key, isCold := range cold {
		if was, known := s.Hours[key]; known && was == isCold || !known && !isCold {
			continue
		}
		accounts, buckets = append(accounts, key.Account), append(buckets, key.BucketMS/1000)
		editions, colds = append(editions, edition), append(colds, bit(isCold))
	}
	if err := schema.InsertColumns(ctx, s.deps.Conn, "INSERT INTO cold_hours (account, bucket, edition, cold)", 0,
		len(accounts), []any{accounts, buckets, editions, colds}); err != nil {
		return fmt.Errorf("note cold hours: %w", err)
	}
	for key, isCold := range cold {
		if isCold || s.Hours[key] {
			delete(s.settling.hours, key) // All of it is or will be written anew.
		}
		s.Hours[key] = isCold
	}
	return nil
}

// Has says that states of the hour's messages may be stored: something was published of it, and it is not cold. Of an
// hour that is new, as most are under a backlog, nothing has to be looked up.
func (s *Store) Has(hour state.Hour) bool {
	cold, known := s.Hours[hour]
	return known && !cold
}

// HourTable lists hours, as statements want them: targets (account, bucket).
func HourTable(hours map[state.Hour]bool) (*ext.Table, error) {
	return schema.TableOf("targets", maps.Keys(hours),
		func(hour state.Hour) []any { return []any{hour.Account, time.UnixMilli(hour.BucketMS).UTC()} },
		ext.Column("account", "String"), ext.Column("bucket", "DateTime('UTC')"))
}
