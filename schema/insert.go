package schema

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// insertSettings make an insert synchronous and keep ClickHouse's own deduplication out of it: two equal blocks are
// legal, and merge. Rows are folded when parts merge and when they are read, not while they are inserted: that would
// nearly triple the cost of an insert.
var insertSettings = clickhouse.Settings{"async_insert": 0, "optimize_on_insert": 0, "insert_deduplicate": 0,
	"deduplicate_blocks_in_dependent_materialized_views": 0,
	"max_partitions_per_insert_block":                    0, "materialized_views_ignore_errors": 0}

// InsertColumns sends one block, column by column, and returns when it is acknowledged.
func InsertColumns(ctx context.Context, conn driver.Conn, statement string, lo, hi int, columns []any) error {
	var in inserter
	return in.insert(ctx, conn, statement, hi-lo, columns)
}

// inserter sends blocks under one statement and keeps the memory of their columns from one to the next: without it
// each block would grow them anew from nothing. It keeps the driver's batch, which can be sent again on any connection;
// a context or connection other than before, or an error, makes a new one.
type inserter struct {
	ctx    context.Context
	conn   driver.Conn
	batch  driver.Batch
	native []byte
	words  words
	source bytes.Reader
	reader *proto.Reader // of source
}

// insert sends a block and returns when it is acknowledged. The statement is always the same.
func (in *inserter) insert(ctx context.Context, conn driver.Conn, statement string, rows int,
	columns []any) (err error) {
	if rows <= 0 {
		return nil
	}
	if err := ctx.Err(); err != nil {
		// What the driver starts to end an insert with its context may still look at the batch of the one before.
		return fmt.Errorf("insert by %q: %w", statement, err)
	}
	if in.batch == nil || in.ctx != ctx || in.conn != conn {
		in.batch, err = conn.PrepareBatch(clickhouse.Context(ctx, clickhouse.WithSettings(insertSettings)), statement)
		if err != nil {
			in.batch = nil
			return fmt.Errorf("prepare %q: %w", statement, err)
		}
		in.ctx, in.conn = ctx, conn
	}
	defer func() {
		if err != nil {
			_ = in.batch.Abort()
			in.batch = nil
		}
	}()
	all := in.batch.Columns()
	if len(all) != len(columns) {
		return fmt.Errorf("fill %q: it has %d columns, not %d", statement, len(all), len(columns))
	}
	for i, values := range columns {
		all[i].Reset()
		if err := in.fill(all[i], values); err != nil {
			return fmt.Errorf("fill column %d of %q: %w", i, statement, err)
		}
	}
	if err := in.batch.Send(); err != nil {
		return fmt.Errorf("send %d rows of %q: %w", rows, statement, err)
	}
	return nil
}

func (in *inserter) fill(to column.Interface, values any) error {
	if texts, plain := values.([]string); plain && to.Type() == "LowCardinality(String)" {
		in.words.reset()
		for _, text := range texts {
			in.words.appendString(text)
		}
		values = in.words.between(0, len(texts))
	}
	if texts, numbered := values.(*Texts); numbered {
		values = texts.words.between(0, len(texts.words.rows))
	}
	from, ok := values.(native)
	if texts, isTexts := values.(wordRange); isTexts {
		if ok = strings.Contains(string(to.Type()), "LowCardinality("); !ok {
			values = texts.strings()
		}
	}
	if !ok {
		_, err := to.Append(values)
		return err
	}
	// The driver's own way to append looks every text up, of every row, or makes an object of each of them.
	in.native = from.appendNative(in.native[:0])
	in.source.Reset(in.native)
	if in.reader == nil {
		in.reader = proto.NewReader(&in.source)
	}
	return to.Decode(in.reader, from.len())
}
