package aggregate

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"kaskad/schema"
	"kaskad/schema/state"
)

// currentRollups counts the sets of rollups that there have been: 1 came with money, 2 with number health, 3 with the
// receipts of 00009_receipts.sql, 4 with spend, 5 with editions, 6 with states of messages, 7 with people. Hours of an
// older set are computed anew.
const currentRollups = 7

// parameters are those that most statements of an edition have.
func (a *Aggregator) parameters(edition uint64) clickhouse.Parameters {
	return clickhouse.Parameters{"generation": strconv.FormatUint(edition, 10), "rollups": strconv.Itoa(currentRollups)}
}

// do runs a statement of an edition.
func (a *Aggregator) do(ctx context.Context, name string, edition uint64, tables ...*ext.Table) error {
	return a.doWith(ctx, name, a.parameters(edition), tables...)
}

func (a *Aggregator) doWith(ctx context.Context, name string, parameters clickhouse.Parameters,
	tables ...*ext.Table) error {
	ctx = clickhouse.Context(ctx, clickhouse.WithExternalTable(tables...), clickhouse.WithParameters(parameters))
	return a.deps.Conn.Exec(ctx, statement(name))
}

// begin notes that rows of the edition may be written: as long as it is not published, none of them counts.
func (a *Aggregator) begin(ctx context.Context, edition uint64) error {
	if a.begun == edition {
		return nil
	}
	if err := a.do(ctx, "begin_edition", edition); err != nil {
		return fmt.Errorf("begin edition %d: %w", edition, err)
	}
	a.begun = edition
	return nil
}

func (a *Aggregator) countShared(ctx context.Context) error {
	var shared uint64
	if err := a.deps.Conn.QueryRow(ctx,
		"SELECT uniqExact(account, message_id, step) FROM shared_attempts").Scan(&shared); err != nil {
		return fmt.Errorf("count shared attempts: %w", err)
	}
	a.metrics.shared.Set(float64(shared))
	return nil
}

// noteHours notes hours that nothing was published of before.
func (a *Aggregator) noteHours(ctx context.Context, edition uint64, keys map[state.Hour]bool) error {
	var accounts []string
	var buckets []int64
	for key := range keys {
		accounts, buckets = append(accounts, key.Account), append(buckets, key.BucketMS/1000)
	}
	n := len(keys)
	editions, rollups := slices.Repeat([]uint64{edition}, n), slices.Repeat([]uint8{currentRollups}, n)
	if err := schema.InsertColumns(ctx, a.deps.Conn, "INSERT INTO generations (account, bucket, generation, rollups)",
		0, n, []any{accounts, buckets, editions, rollups}); err != nil {
		return fmt.Errorf("note hours: %w", err)
	}
	return nil
}

// hourTime is an hour as tables have it.
func hourTime(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
