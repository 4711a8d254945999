package aggregate

import (
	"context"
	"fmt"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"kaskad/schema"
)

// hours are all hours that anything was published of, and whether they are cold: the states of their messages are not
// known.
type hours map[bucketKey]bool

// hasStates says that states of the hour's messages may be stored: something was published of it, and it is not cold.
// Of an hour that is new, as most are under a backlog, nothing has to be looked up.
func (h hours) hasStates(hour bucketKey) bool {
	cold, known := h[hour]
	return known && !cold
}

// readHours reads what hours there are.
func (a *Aggregator) readHours(ctx context.Context) error {
	rows, err := a.deps.Conn.Query(ctx, statement("hours"))
	if err != nil {
		return fmt.Errorf("read hours: %w", err)
	}
	defer rows.Close()
	a.hours = hours{}
	for rows.Next() {
		var key bucketKey
		var cold bool
		if err := rows.Scan(&key.account, &key.bucketMS, &cold); err != nil {
			return fmt.Errorf("read hours: %w", err)
		}
		a.hours[key] = cold
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read hours: %w", err)
	}
	return a.readSettled(ctx)
}

// recallCold reads which of these hours are cold.
func (a *Aggregator) recallCold(ctx context.Context, targets *ext.Table) error {
	rows, err := a.deps.Conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(targets)),
		statement("hours_recall"))
	if err != nil {
		return fmt.Errorf("read cold hours: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var key bucketKey
		if err := rows.Scan(&key.account, &key.bucketMS); err != nil {
			return fmt.Errorf("read cold hours: %w", err)
		}
		a.hours[key] = true
		delete(a.settling.hours, key)
	}
	return rows.Err()
}

// setCold notes for good whether hours are cold. An hour becomes warm when its edition is published and its states are
// applied: should the process end before, it is computed whole once more.
func (a *Aggregator) setCold(ctx context.Context, edition uint64, cold map[bucketKey]bool) error {
	var accounts []string
	var buckets []int64
	var editions []uint64
	var states []uint8
	for key, isCold := range cold {
		if was, known := a.hours[key]; known && was == isCold || !known && !isCold {
			continue
		}
		accounts, buckets = append(accounts, key.account), append(buckets, key.bucketMS/1000)
		editions, states = append(editions, edition), append(states, bit(isCold))
	}
	if err := schema.InsertColumns(ctx, a.deps.Conn, "INSERT INTO cold_hours (account, bucket, edition, cold)", 0,
		len(accounts), []any{accounts, buckets, editions, states}); err != nil {
		return fmt.Errorf("note cold hours: %w", err)
	}
	for key, isCold := range cold {
		if isCold || a.hours[key] {
			delete(a.settling.hours, key) // All of it is or will be written anew.
		}
		a.hours[key] = isCold
	}
	return nil
}

// noteHours notes hours that nothing was published of before.
func (a *Aggregator) noteHours(ctx context.Context, edition uint64, keys map[bucketKey]bool) error {
	var accounts []string
	var buckets []int64
	for key := range keys {
		accounts, buckets = append(accounts, key.account), append(buckets, key.bucketMS/1000)
	}
	n := len(keys)
	editions, rollups := slices.Repeat([]uint64{edition}, n), slices.Repeat([]uint8{currentRollups}, n)
	if err := schema.InsertColumns(ctx, a.deps.Conn, "INSERT INTO generations (account, bucket, generation, rollups)",
		0, n, []any{accounts, buckets, editions, rollups}); err != nil {
		return fmt.Errorf("note hours: %w", err)
	}
	return nil
}
