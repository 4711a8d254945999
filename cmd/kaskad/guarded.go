package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"

	"kaskad/engine"
	"kaskad/schema"
)

// notEnoughSpace is what ClickHouse itself answers when a disk has no room.
const notEnoughSpace = 243

// unreadable are ClickHouse's codes for a part whose files are not what was written.
var unreadable = []int32{
	33,  // CANNOT_READ_ALL_DATA
	40,  // CHECKSUM_DOESNT_MATCH
	228, // BAD_SIZE_OF_FILE_IN_DATA_PART
	246, // CORRUPTED_DATA
	271, // CANNOT_DECOMPRESS
}

// guarded is a connection to the embedded ClickHouse that writes nothing while the disk is nearly full, and takes
// nothing for written until the engine is known to have lost no write. All writers, ingest, aggregate and the API, go
// through it, so the promise is kept in one place.
type guarded struct {
	driver.Conn
	engine *engine.ClickHouse
}

// Exec runs a statement; an error that wraps engine.ErrLostWrite means that it has to be repeated.
func (g guarded) Exec(ctx context.Context, query string, args ...any) error {
	if g.engine.Disk().Full() {
		return g.full()
	}
	watched, insert := g.engine.Watch(ctx)
	insert.Begin()
	epoch := g.engine.Epoch()
	if err := g.Conn.Exec(watched, query, args...); err != nil {
		return g.judge(err)
	}
	if insertsWhatItSays(query) {
		return insert.Intact(ctx, g.Conn)
	}
	// Others may write in the name of the process, as those do that change parts, or read what a merge has spoiled.
	return g.engine.Intact(ctx, g.Conn, epoch)
}

// insertsWhatItSays reports whether a statement is an insert, behind its comments, that reads no table.
func insertsWhatItSays(query string) bool {
	for {
		query = strings.TrimLeft(query, " \t\r\n")
		if !strings.HasPrefix(query, "--") {
			return strings.HasPrefix(query, "INSERT") && !strings.Contains(query, "FROM")
		}
		_, query, _ = strings.Cut(query, "\n")
	}
}

// Query runs a query; a part that cannot be read makes the engine restart.
func (g guarded) Query(ctx context.Context, query string, args ...any) (driver.Rows, error) {
	rows, err := g.Conn.Query(ctx, query, args...)
	if err != nil {
		return nil, g.judge(err)
	}
	return guardedRows{rows, g}, nil
}

// QueryRow returns one row; a part that cannot be read makes the engine restart.
func (g guarded) QueryRow(ctx context.Context, query string, args ...any) driver.Row {
	return guardedRow{g.Conn.QueryRow(ctx, query, args...), g}
}

// columns reads large answers; a part that cannot be read makes the engine restart, as for Query.
func (st *stack) columns() schema.Columns {
	if st.options == nil {
		return nil
	}
	read := schema.NewColumns(st.options)
	g, embedded := st.conn.(guarded)
	if read == nil || !embedded {
		return read
	}
	return func(ctx context.Context, q ch.Query) error { return g.judge(read(ctx, q)) }
}

// PrepareBatch begins an insert, which counts as Exec does when it is sent.
func (g guarded) PrepareBatch(ctx context.Context, query string, options ...driver.PrepareBatchOption) (driver.Batch,
	error) {
	if g.engine.Disk().Full() {
		return nil, g.full()
	}
	watched, insert := g.engine.Watch(ctx)
	batch, err := g.Conn.PrepareBatch(watched, query, options...)
	if err != nil {
		return nil, g.judge(err)
	}
	return guardedBatch{batch, insert, ctx, g}, nil
}

func (g guarded) full() error {
	return &proto.Exception{Code: notEnoughSpace, Name: "NOT_ENOUGH_SPACE", Message: engine.ErrDiskFull.Error()}
}

// judge passes an error on, and makes the engine restart if it is about a part that cannot be read.
func (g guarded) judge(err error) error {
	var exception *proto.Exception
	if errors.As(err, &exception) && slices.Contains(unreadable, exception.Code) {
		g.engine.Corrupt(err)
	}
	return err
}

type guardedBatch struct {
	driver.Batch
	insert *engine.Insert
	ctx    context.Context
	g      guarded
}

// Send ends the insert.
func (b guardedBatch) Send() error {
	if b.g.engine.Disk().Full() {
		return b.g.full()
	}
	b.insert.Begin()
	if err := b.Batch.Send(); err != nil {
		return b.g.judge(err)
	}
	return b.insert.Intact(b.ctx, b.g.Conn)
}

type guardedRows struct {
	driver.Rows
	g guarded
}

// Err is the error that ended the rows early.
func (r guardedRows) Err() error { return r.g.judge(r.Rows.Err()) }

type guardedRow struct {
	driver.Row
	g guarded
}

// Err is why there is no row.
func (r guardedRow) Err() error { return r.g.judge(r.Row.Err()) }

// Scan reads the row.
func (r guardedRow) Scan(to ...any) error { return r.g.judge(r.Row.Scan(to...)) }

// ScanStruct reads the row into a struct.
func (r guardedRow) ScanStruct(to any) error { return r.g.judge(r.Row.ScanStruct(to)) }
