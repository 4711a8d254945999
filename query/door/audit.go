package door

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"sync"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"kaskad/query/answer"
	"kaskad/query/store"
	"kaskad/schema"
)

//go:embed sql/audit.sql
var auditSQL string

// line is what the audit notes of a request: who asked what, and never of whom.
type line struct {
	account, keyID, by, method, route, about, address string
	atMS                                              int64
}

// ledger writes lines. Those that come while some are being written are written together afterwards, so each waits for
// one or two inserts, however many come. It is safe for concurrent use.
type ledger struct {
	conn    driver.Conn
	mu      sync.Mutex
	next    *batch // what is written next; nil while nobody has anything to write
	writing bool
}

type batch struct {
	lines []line
	done  chan struct{}
	err   error // once done is closed
}

func newLedger(conn driver.Conn) *ledger { return &ledger{conn: conn} }

// write returns when the line is stored.
func (l *ledger) write(ctx context.Context, one line) error {
	l.mu.Lock()
	if l.next == nil {
		l.next = &batch{done: make(chan struct{})}
	}
	mine := l.next
	mine.lines = append(mine.lines, one)
	if !l.writing {
		l.writing = true
		go l.work()
	}
	l.mu.Unlock()
	select {
	case <-mine.done:
		return mine.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// work writes until nothing is left.
func (l *ledger) work() {
	for {
		l.mu.Lock()
		b := l.next
		if l.next = nil; b == nil {
			l.writing = false
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), store.MaxSilence)
		b.err = storeLines(ctx, l.conn, b.lines)
		cancel()
		close(b.done)
	}
}

func storeLines(ctx context.Context, conn driver.Conn, lines []line) error {
	var accounts, keyIDs, by, methods, routes, about, addresses []string
	var at []int64
	var ids []uuid.UUID
	for _, n := range lines {
		accounts, keyIDs, by = append(accounts, n.account), append(keyIDs, n.keyID), append(by, n.by)
		methods, routes, about = append(methods, n.method), append(routes, n.route), append(about, n.about)
		addresses, at, ids = append(addresses, n.address), append(at, n.atMS), append(ids, uuid.New())
	}
	if err := schema.InsertColumns(ctx, conn,
		"INSERT INTO api_audit (account, at_ms, id, key_id, `by`, method, route, "+
			"about, address)", 0, len(lines), []any{accounts, at, ids, keyIDs, by, methods, routes, about,
			addresses}); err != nil {
		return fmt.Errorf("note in the audit: %w", err)
	}
	return nil
}

// note writes a line about a request, and returns when it is stored. account is the one that it is about.
func (d *Door) note(c *gin.Context, caller *answer.Caller, route, about string) error {
	account := caller.Account
	if caller.All {
		account = c.Query("account")
	}
	return d.audit.write(c.Request.Context(), line{account: account, keyID: caller.KeyID, by: caller.By,
		method: c.Request.Method, route: route, about: about, address: network(c.Request.RemoteAddr),
		atMS: d.nowMS()})
}

// readAudit serves GET /v1/audit: who has read whole recipients and changed keys, newest first.
func (d *Door) readAudit(c *gin.Context) error {
	p, err := answer.ReadParams(c)
	if err != nil {
		return err
	}
	account, given := p.One("account")
	limit, format, zone := p.Limit(), p.Format(c.Request), p.Zone()
	from, to := p.Period(d.config.Now(), zone)
	hash := answer.QueryHash("audit", strconv.FormatBool(given), account, zone.String(), p.Values.Get("from"),
		p.Values.Get("to"))
	first, beforeMS, beforeID := true, int64(0), uuid.Nil
	if at := d.db.Cursors.Read(c.Request.Context(), p, hash, 2); at != nil {
		first = false
		if beforeMS, err = strconv.ParseInt(string(at.After[0]), 10, 64); err == nil {
			beforeID, err = uuid.ParseBytes(at.After[1])
		}
		if err != nil {
			p.Fail("cursor", "cannot be read: start again without a cursor")
		}
	}
	if err := p.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), d.db.QueryTime)
	defer cancel()
	t := answer.NewList(format, auditColumns)
	next, err := d.auditRows(ctx, t, limit, clickhouse.Named("every", !given), clickhouse.Named("account", account),
		clickhouse.Named("from", from), clickhouse.Named("to", to), clickhouse.Named("first", first),
		clickhouse.Named("before_ms", beforeMS), clickhouse.Named("before_id", beforeID.String()),
		clickhouse.Named("limit", uint32(limit+1)))
	if err != nil {
		return fmt.Errorf("read the audit: %w", err)
	}
	if next != nil {
		next.Query = hash
	}
	return t.SendPage(c, nil, d.db.Cursors, next)
}

func (d *Door) auditRows(ctx context.Context, t *answer.Table, limit int, args ...any) (next *answer.Cursor,
	err error) {
	rows, err := d.db.Conn.Query(d.db.Settings(ctx), auditSQL, args...)
	if err != nil {
		return nil, err
	}
	defer store.CloseRows(rows, &err)
	var last [][]byte
	for rows.Next() {
		var n line
		var id string
		if err := rows.Scan(&n.account, &n.atMS, &id, &n.keyID, &n.by, &n.method, &n.route, &n.about,
			&n.address); err != nil {
			return nil, err
		}
		if t.Rows == limit {
			next = &answer.Cursor{After: last}
			continue
		}
		last = [][]byte{strconv.AppendInt(nil, n.atMS, 10), []byte(id)}
		t.Add([]answer.Value{answer.Moment(n.atMS), answer.Text(n.account), answer.Text(n.keyID), answer.Text(n.by),
			answer.Text(n.method), answer.Text(n.route), answer.Text(n.about), answer.Text(n.address)})
	}
	return next, rows.Err()
}
