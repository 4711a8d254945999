package messages

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"kaskad/query/answer"
	"kaskad/query/prices"
	"kaskad/query/store"
	"kaskad/schema"
	"kaskad/schema/law"
	"kaskad/schema/state"
)

const (
	// exportChunk is about how many attempts a statement of an export reads: enough that its start costs nothing, few
	// enough that ClickHouse holds little of them.
	exportChunk = 500_000
	// maxPageChunk bounds the attempts that a statement of a page reads while filters keep few of them.
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

// each calls do with every message whose facts are where the query looks, until it returns false. The message and the
// units of its attempts are overwritten by the next one.
func (w *walk) each(ctx context.Context, do func(*state.Message, []law.Units) (bool, error)) error {
	for len(w.targets) > 0 {
		chunk := w.chunk()
		cut, goOn, err := w.read(ctx, chunk, do)
		if err != nil || !goOn {
			return err
		}
		done := len(chunk)
		if cut {
			// The last hour of the chunk, and others before it, may not be done with.
			done, _ = slices.BinarySearchFunc(chunk, *w.after, func(t target, after state.Key) int {
				if !w.q.byMessage() {
					after.MessageID = ""
				}
				return compareKeys(t.Key, after)
			})
		}
		w.targets = w.targets[done:]
		if !w.q.all {
			w.atOnce = min(2*w.atOnce, maxPageChunk)
		}
	}
	return nil
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

// read tells of the messages of a chunk. Of a page it reads so many attempts at most: where there are more the chunk is
// cut off behind the last message that is whole.
func (w *walk) read(ctx context.Context, chunk []target, do func(*state.Message, []law.Units) (bool, error)) (cut,
	goOn bool, err error) {
	limit := 0
	if !w.q.all {
		limit = int(w.atOnce)
	}
	ctx, err = w.withTargets(w.db.ListSettings(ctx, w.q.all), chunk)
	if err != nil {
		return false, false, err
	}
	units := &unitStream{}
	if slices.ContainsFunc(chunk, func(t target) bool { return billsDialogs(w.lists.Account(t.Account)) }) {
		statement, args, err := w.q.readSQL("units.sql", w.after, limit, w.seen)
		if err != nil {
			return false, false, err
		}
		if units, err = w.openUnits(ctx, statement, args); err != nil {
			return false, false, fmt.Errorf("read units of dialogs: %w", err)
		}
	}
	defer units.close(&err)
	statement, args, err := w.q.readSQL("list.sql", w.after, limit, w.seen)
	if err != nil {
		return false, false, err
	}
	rows, err := w.db.Conn.Query(ctx, statement, args...)
	if err != nil {
		return false, false, err
	}
	defer store.CloseRows(rows, &err)
	var fact fact
	var message state.Message
	message.Reset()
	tell := func() (bool, error) {
		if len(message.Attempts) == 0 {
			return true, nil
		}
		carried, err := units.of(&message)
		if err != nil {
			return false, fmt.Errorf("read units of dialogs: %w", err)
		}
		w.after = &state.Key{Account: message.Account, BucketMS: message.BucketMS, MessageID: message.MessageID}
		return do(&message, carried)
	}
	read := 0
	for ; rows.Next(); read++ {
		if err := fact.scan(rows); err != nil {
			return false, false, err
		}
		if fact.key != message.Key {
			if goOn, err := tell(); err != nil || !goOn {
				return false, false, err
			}
			message.Reset()
			message.Key = fact.key
		}
		fact.addTo(&message)
	}
	if err := rows.Err(); err != nil {
		return false, false, err
	}
	if limit > 0 && read == limit {
		return true, true, nil
	}
	goOn, err = tell()
	return false, goOn, err
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

// afterArgs are the parameters of a place behind which is read.
func afterArgs(after *state.Key) []any {
	if after == nil {
		return nil
	}
	return []any{clickhouse.Named("after_account", after.Account),
		clickhouse.Named("after_bucket", store.Storable(after.BucketMS)),
		clickhouse.Named("after_id", after.MessageID)}
}

// minPageChunk is what a statement of a page reads at least, so that one whole message is among it.
const minPageChunk = 2 * schema.MaxStep
