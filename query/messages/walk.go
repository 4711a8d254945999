package messages

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"kaskad/query/answer"
	"kaskad/query/prices"
	"kaskad/query/store"
	"kaskad/schema/law"
	"kaskad/schema/state"
)

const (
	// exportChunk is about how many attempts a statement of an export reads: enough that its start costs nothing, few
	// enough that ClickHouse holds little of them.
	exportChunk = 500_000
	// minPageChunk and maxPageChunk bound the attempts that a statement of a page reads: more and more while filters
	// keep few of them.
	minPageChunk = 64
	maxPageChunk = 256_000
	// maxTargets is how many hours, or messages, a statement is sent.
	maxTargets = 8192
)

// target is an hour of an account with about how many attempts it holds, or a message in it.
type target struct {
	state.Key
	attempts int64
}

func compareKeys(x, y state.Key) int {
	return cmp.Or(strings.Compare(x.Account, y.Account), cmp.Compare(x.BucketMS, y.BucketMS),
		strings.Compare(x.MessageID, y.MessageID))
}

// targets lists where messages of the query may be, in their order, behind a message (nil: from the first one on).
func (m *Messages) targets(ctx context.Context, q *listQuery, after *state.Key) (all []target, err error) {
	statement, args, err := q.targetSQL(after)
	if err != nil {
		return nil, err
	}
	rows, err := m.db.Conn.Query(m.db.ListSettings(ctx, q.all), statement, args...)
	if err != nil {
		return nil, err
	}
	defer store.CloseRows(rows, &err)
	for rows.Next() {
		t := target{attempts: 2} // of a message
		to := []any{&t.Account, &t.BucketMS, &t.attempts}
		if q.byMessage() {
			to[2] = &t.MessageID
		}
		if err := rows.Scan(to...); err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, rows.Err()
}

// walk goes through the messages of a query, in the order of account, hour and id.
type walk struct {
	*Messages
	q     *listQuery
	seen  *answer.Snapshot
	lists *prices.Lists
	// targets are those that are left, after the message that was told last.
	targets []target
	after   *state.Key
	// atOnce is about how many attempts the next statement reads.
	atOnce int64
}

// errEnough ends a walk: nothing behind the message is wanted.
var errEnough = errors.New("enough messages")

// each calls do with every message whose facts are where the query looks, until it returns an error; errEnough is none.
// The message and the units of its attempts are overwritten by the next one.
func (w *walk) each(ctx context.Context, do func(*state.Message, []law.Units) error) error {
	for len(w.targets) > 0 {
		chunk := w.chunk()
		reading, err := w.withTargets(w.db.ListSettings(ctx, w.q.all), chunk)
		if err != nil {
			return err
		}
		done := len(chunk)
		var last *state.Key
		if !w.q.all {
			if last, err = w.bound(reading); err != nil {
				return fmt.Errorf("look where a page ends: %w", err)
			}
		}
		if last != nil {
			// Hours behind the place are not read yet, and its own may not be done with.
			end := slices.IndexFunc(chunk, func(t target) bool { return w.q.compare(t, *last) > 0 })
			if end >= 0 {
				chunk = chunk[:end]
			}
			done = max(0, len(chunk)-1)
			if reading, err = w.withTargets(w.db.ListSettings(ctx, false), chunk); err != nil {
				return err
			}
		}
		switch err := w.read(reading, chunk, last, do); {
		case errors.Is(err, errEnough):
			return nil
		case err != nil:
			return err
		}
		w.targets = w.targets[done:]
		if last != nil {
			w.after = last
		}
		w.atOnce = min(2*w.atOnce, max(w.atOnce, maxPageChunk))
	}
	return nil
}

// compare orders a target and a message by what the query looks at.
func (q *listQuery) compare(t target, message state.Key) int {
	if !q.byMessage() {
		message.MessageID = ""
	}
	return compareKeys(t.Key, message)
}

// bound returns the message up to which a page reads next, nil where it reads all of the targets.
func (w *walk) bound(ctx context.Context) (*state.Key, error) {
	statement, args, err := w.q.readSQL("bound.sql", w.after, nil, w.seen)
	if err != nil {
		return nil, err
	}
	var key state.Key
	err = w.db.Conn.QueryRow(ctx, statement, append(args, clickhouse.Named("attempts", uint32(w.atOnce)))...).
		Scan(&key.Account, &key.BucketMS, &key.MessageID)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &key, err
}

// chunk returns the targets that the next statement reads.
func (w *walk) chunk() []target {
	n, attempts := 0, int64(0)
	for n < len(w.targets) && n < maxTargets && attempts < w.atOnce {
		attempts += w.targets[n].attempts
		n++
	}
	return w.targets[:n]
}

// read tells of the messages of a chunk, up to the last one: all of them where there is none.
func (w *walk) read(ctx context.Context, chunk []target, last *state.Key,
	do func(*state.Message, []law.Units) error) (err error) {
	to := &merger{units: &unitStream{}, do: do}
	to.message.Reset()
	if slices.ContainsFunc(chunk, func(t target) bool { return billsDialogs(w.lists.Account(t.Account)) }) {
		statement, args, err := w.q.readSQL("units.sql", w.after, last, w.seen)
		if err != nil {
			return err
		}
		if to.units, err = w.openUnits(ctx, statement, args); err != nil {
			return fmt.Errorf("read units of dialogs: %w", err)
		}
	}
	defer to.units.close(&err)
	statement, args, err := w.q.readSQL("list.sql", w.after, last, w.seen)
	if err != nil {
		return err
	}
	if w.q.all && w.db.Columns != nil {
		err = w.readColumns(ctx, statement, args, chunk, to)
	} else {
		err = w.readRows(ctx, statement, args, to)
	}
	if err != nil {
		return err
	}
	return to.tell()
}

// readRows adds the facts of a statement, row by row.
func (w *walk) readRows(ctx context.Context, statement string, args []any, to *merger) (err error) {
	rows, err := w.db.Conn.Query(ctx, statement, args...)
	if err != nil {
		return err
	}
	defer store.CloseRows(rows, &err)
	var fact fact
	for rows.Next() {
		if err := fact.scan(rows); err != nil {
			return err
		}
		if err := to.add(&fact); err != nil {
			return err
		}
	}
	return rows.Err()
}

// merger makes messages of facts that come in their order.
type merger struct {
	message state.Message
	units   *unitStream
	do      func(*state.Message, []law.Units) error
}

// add takes the next fact, and tells of the message before when it is of another one.
func (g *merger) add(f *fact) error {
	if f.key != g.message.Key {
		if err := g.tell(); err != nil {
			return err
		}
		g.message.Reset()
		g.message.Key = f.key
	}
	f.addTo(&g.message)
	return nil
}

// tell tells of the message that is whole now.
func (g *merger) tell() error {
	if len(g.message.Attempts) == 0 {
		return nil
	}
	units, err := g.units.of(&g.message)
	if err != nil {
		return fmt.Errorf("read units of dialogs: %w", err)
	}
	return g.do(&g.message, units)
}

// withTargets sends a chunk along with statements.
func (w *walk) withTargets(ctx context.Context, chunk []target) (context.Context, error) {
	columns := []func(*ext.Table) error{ext.Column("account", "String"), ext.Column("bucket", "DateTime('UTC')")}
	if w.q.byMessage() {
		columns = append(columns, ext.Column("message_id", "String"))
	}
	table, err := ext.NewTable("targets", columns...)
	if err != nil {
		return nil, fmt.Errorf("list hours: %w", err)
	}
	for _, t := range chunk {
		row := []any{t.Account, time.UnixMilli(t.BucketMS).UTC()}
		if w.q.byMessage() {
			row = append(row, t.MessageID)
		}
		if err := table.Append(row...); err != nil {
			return nil, fmt.Errorf("list hours: %w", err)
		}
	}
	return clickhouse.Context(ctx, clickhouse.WithExternalTable(table)), nil
}

// placeArgs are the parameters of a message behind which, or up to which, is read; name says which.
func placeArgs(name string, at *state.Key) []any {
	if at == nil {
		return nil
	}
	return []any{clickhouse.Named(name+"_account", at.Account),
		clickhouse.Named(name+"_bucket", store.Storable(at.BucketMS)), clickhouse.Named(name+"_id", at.MessageID)}
}
