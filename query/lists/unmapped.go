package lists

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
	"kaskad/query/rollup"
	"kaskad/query/store"
	"kaskad/schema/errormap"
)

//go:embed sql/unmapped.sql
var unmappedSQL string

// unmappedTemplate fills in what schema says of a class, and nothing that a request carries.
var unmappedTemplate = rollup.Template("unmapped.sql", unmappedSQL)

// unmappedCode is a code that no line knows, with its failed attempts and the class that it is guessed to have, "" for
// none.
type unmappedCode struct {
	provider, code, channel string
	attempts                uint64
	guess                   string
}

// unmappedQuery is one page of the unmapped codes.
type unmappedQuery struct {
	accounts     []string
	fromMS, toMS int64
	// seen is what the answer is of.
	seen *answer.Snapshot
	// after is the last row of the page before; nil on the first page.
	after *unmappedCode
	limit int
}

// SQL returns the statement and its parameters. The statement reads the external table of the error maps besides.
func (q *unmappedQuery) SQL() (string, []any, error) {
	cells := rollup.Cells{Rollup: rollup.Rollup{Table: "rollup_failures"}, FromMS: q.fromMS, ToMS: q.toMS, Zone: "UTC",
		Seen: q.seen}
	visible, args := cells.SQL()
	args = append(args, clickhouse.Named("from", store.Storable(q.fromMS)),
		clickhouse.Named("to", store.Storable(q.toMS)), clickhouse.Named("limit", uint32(q.limit)))
	data := struct {
		rollup.CellsSQL
		Accounts, Single, After bool
		Mapped, Guess           string
	}{visible, len(q.accounts) > 0, false, q.after != nil, errormap.MappedClassSQL("r"),
		errormap.GuessSQL("r")}
	if data.Accounts {
		args = append(args, clickhouse.Named("filter_account", q.accounts))
	}
	if a := q.after; a != nil {
		args = append(args, clickhouse.Named("after_count", a.attempts), clickhouse.Named("after_provider", a.provider),
			clickhouse.Named("after_code", a.code), clickhouse.Named("after_channel", a.channel))
	}
	var statement strings.Builder
	if err := unmappedTemplate.Execute(&statement, data); err != nil {
		return "", nil, fmt.Errorf("fill unmapped.sql: %w", err)
	}
	return statement.String(), args, nil
}

// unmapped serves GET /v1/error-map/unmapped.
func (l *Lists) unmapped(c *gin.Context) error {
	p, err := answer.ReadParams(c)
	if err != nil {
		return err
	}
	format, zone, now := p.Format(c.Request), p.Zone(), l.db.Now()
	q := unmappedQuery{accounts: p.Many("account"),
		limit: p.Limit() + 1}
	hash := answer.QueryHash(append([]string{"unmapped", zone.String(), p.Values.Get("from"), p.Values.Get("to")},
		q.accounts...)...)
	at := l.db.Cursors.Read(c.Request.Context(), p, hash, 4)
	if at != nil {
		if q.after, err = unmappedOf(at.After); err != nil || at.Snapshot == nil {
			p.Fail("cursor", "cannot be read: start again without a cursor")
		} else if age := time.Since(time.UnixMilli(at.Snapshot.ReadMS)); age > answer.MaxCursorAge {
			p.Fail("cursor", "is older than 9 minutes, and what it points to may have been replaced: start again "+
				"without a cursor")
		} else {
			now = time.UnixMilli(at.Snapshot.NowMS)
		}
	}
	q.fromMS, q.toMS = p.Period(now, zone)
	if err := p.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), l.db.QueryTime)
	defer cancel()
	var seen answer.Snapshot
	if at != nil {
		seen = *at.Snapshot
	} else if seen, err = l.db.Snapshot(ctx, now); err != nil {
		return err
	}
	q.seen = &seen
	codes, err := l.readUnmapped(ctx, &q)
	if err != nil {
		return fmt.Errorf("unmapped codes: %w", err)
	}
	var next *answer.Cursor
	if len(codes) == q.limit {
		codes = codes[:q.limit-1]
		next = &answer.Cursor{Query: hash, After: codes[len(codes)-1].keys(), Snapshot: &seen}
	}
	t := answer.NewList(format, unmappedColumns)
	for _, u := range codes {
		guess := answer.Null
		if u.guess != "" {
			guess = answer.Text(u.guess)
		}
		t.Add([]answer.Value{answer.Text(u.provider), answer.Text(u.code), answer.Text(u.channel), guess,
			answer.Count(u.attempts)})
	}
	request := rollup.Request{Name: "unmapped", Zone: zone, FromMS: q.fromMS, ToMS: q.toMS}
	envelope := slices.DeleteFunc(request.Envelope(&seen), func(m answer.Member) bool { return m.Name == "mature" })
	return t.SendPage(c, envelope, l.db.Cursors, next)
}

func (l *Lists) readUnmapped(ctx context.Context, q *unmappedQuery) (codes []unmappedCode, err error) {
	ctx = l.db.Settings(ctx)
	maps, err := l.db.ErrorMaps(ctx)
	if err != nil {
		return nil, err
	}
	table, err := maps.Table()
	if err != nil {
		return nil, err
	}
	statement, args, err := q.SQL()
	if err != nil {
		return nil, err
	}
	rows, err := l.db.Conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(table)), statement, args...)
	if err != nil {
		return nil, err
	}
	defer store.CloseRows(rows, &err)
	for rows.Next() {
		var u unmappedCode
		if err := rows.Scan(&u.provider, &u.code, &u.channel, (*rollup.Count)(&u.attempts), &u.guess); err != nil {
			return nil, err
		}
		codes = append(codes, u)
	}
	return codes, rows.Err()
}

func (u *unmappedCode) keys() [][]byte {
	return [][]byte{strconv.AppendUint(nil, u.attempts, 10), []byte(u.provider), []byte(u.code), []byte(u.channel)}
}

func unmappedOf(keys [][]byte) (*unmappedCode, error) {
	attempts, err := strconv.ParseUint(string(keys[0]), 10, 64)
	return &unmappedCode{provider: string(keys[1]), code: string(keys[2]), channel: string(keys[3]),
		attempts: attempts}, err
}
