package numbers

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
	"kaskad/query/prices"
	"kaskad/query/store"
	"kaskad/schema"
	"kaskad/schema/rules"
)

// chunkSize is how many rows are priced together.
const chunkSize = 8192

// numberKey is the place of a number in the order of lists.
type numberKey struct{ number, account string }

// deadQuery asks for a page of the dead numbers at the version of a snapshot, or for all of them when limit is 0.
type deadQuery struct {
	accounts, rules []string
	kind            string
	after           *numberKey
	upTo            uint64
	limit           int
	columns         bool // as deadColumns reads them
}

// SQL returns the statement and its parameters.
func (q *deadQuery) SQL() (string, []any, error) {
	args := []any{clickhouse.Named("prefix", schema.KindPrefix(q.kind))}
	single := len(q.accounts) == 1
	switch {
	case single:
		args = append(args, clickhouse.Named("account", q.accounts[0]))
	case len(q.accounts) > 1:
		args = append(args, clickhouse.Named("accounts", q.accounts))
	}
	if len(q.rules) > 0 {
		args = append(args, clickhouse.Named("rules", q.rules))
	}
	if q.after != nil {
		args = append(args, clickhouse.Named("after_number", q.after.number),
			clickhouse.Named("after_account", q.after.account))
	}
	if q.limit > 0 {
		args = append(args, clickhouse.Named("up_to", q.upTo), clickhouse.Named("limit", uint32(q.limit)))
	}
	statement, err := store.Fill(deadTemplate,
		map[string]bool{"Page": q.limit > 0, "Single": single, "Accounts": len(q.accounts) > 0,
			"Rules": len(q.rules) > 0, "After": q.after != nil, "Columns": q.columns})
	return statement, args, err
}

// dead serves GET /v1/numbers/dead.
func (n *Numbers) dead(c *gin.Context) error {
	p, err := answer.ReadParams(c)
	if err != nil {
		return err
	}
	f := p.Format(c.Request)
	limit, all := p.PageOrAll(f)
	q := deadQuery{accounts: p.Accounts(), kind: p.Kind(),
		rules: p.Many("rule")}
	for _, r := range q.rules {
		if !slices.Contains(rules.OfVerdicts, r) {
			p.Fail("rule", fmt.Sprintf("%q is no rule of dead numbers; %s", answer.Shorten(r),
				answer.Suggest(r, rules.OfVerdicts)))
		}
	}
	hash := answer.QueryHash(slices.Concat([]string{"numbers/dead", q.kind}, q.accounts, []string{""}, q.rules)...)
	at := n.db.Cursors.ReadVersion(c.Request.Context(), p, cursorVersion, hash, 2)
	if at != nil {
		if at.Snapshot == nil || at.Snapshot.Prices == nil {
			p.Fail("cursor", "cannot be read: start again without a cursor")
		} else if age := time.Since(time.UnixMilli(at.Snapshot.ReadMS)); age > maxCursorAge {
			p.Fail("cursor", "is older than 30 minutes, and verdicts of its time may have been forgotten: start "+
				"again without a cursor, or take the list in one answer by limit=all&format=csv")
		}
	}
	if err := p.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), n.db.ListTime(all))
	defer cancel()
	seen := answer.Snapshot{}
	var versions *answer.PriceVersions
	if at != nil {
		seen, versions = *at.Snapshot, at.Snapshot.Prices
		q.after = &numberKey{string(at.After[0]), string(at.After[1])}
	} else if seen, err = n.snapshot(ctx, n.db.Now()); err != nil {
		return err
	}
	lists, err := n.prices.Lists(ctx, accountsOrAll(q.accounts), versions)
	if err != nil {
		return err
	}
	seen.Prices = &lists.Versions
	t := answer.NewList(f, Columns)
	envelope := append(seen.Members(), answer.Member{Name: "tariff_version",
		Value: answer.Count(lists.Versions.Tariffs)})
	if all {
		return n.exportDead(ctx, c, q, lists, t, envelope)
	}
	q.upTo, q.limit = seen.Edition, limit+1
	last, more, err := n.readDead(ctx, &q, lists, t)
	if err != nil {
		return fmt.Errorf("dead numbers: %w", err)
	}
	var next *answer.Cursor
	if more {
		next = &answer.Cursor{Version: cursorVersion, Query: hash,
			After:    [][]byte{[]byte(last.number), []byte(last.account)},
			Snapshot: &seen}
	}
	return t.SendPage(c, envelope, n.db.Cursors, next)
}

// accountsOrAll is nil for all accounts.
func accountsOrAll(accounts []string) []string {
	if len(accounts) == 0 {
		return nil
	}
	return accounts
}

// exportDead answers with all dead numbers, as one statement sees them.
func (n *Numbers) exportDead(ctx context.Context, c *gin.Context, q deadQuery, lists *prices.Lists, t *answer.Table,
	envelope []answer.Member) error {
	if len(q.accounts) == 0 {
		// The rows of a single account need no sorting.
		accounts, err := n.accountsWithNumbers(ctx)
		if err != nil {
			return err
		}
		if len(accounts) == 1 {
			q.accounts = accounts
		}
	}
	end, err := t.Begin(ctx, c, &n.gate.Workbooks, envelope)
	if err != nil {
		return err
	}
	defer end()
	if q.columns = t.Arrow != nil && n.db.Columns != nil; q.columns {
		err = n.readColumns(ctx, &q, lists, t)
	} else {
		_, _, err = n.readDead(ctx, &q, lists, t)
	}
	if err != nil {
		return fmt.Errorf("export dead numbers: %w", err)
	}
	return t.Finish()
}

// readDead adds the rows to the table, chunk by chunk. The last row of a page only shows that there is a next page, and
// is left out.
func (n *Numbers) readDead(ctx context.Context, q *deadQuery, lists *prices.Lists, t *answer.Table) (last numberKey,
	more bool,
	err error) {
	statement, args, err := q.SQL()
	if err != nil {
		return last, false, err
	}
	rows, err := n.db.Conn.Query(n.db.ListSettings(ctx, q.limit == 0), statement, args...)
	if err != nil {
		return last, false, err
	}
	defer store.CloseRows(rows, &err)
	pricer := n.newStreakPricer(lists)
	chunk := make([]numberRow, 0, chunkSize)
	var wasted []wastedCost
	var row []answer.Value
	flush := func() error {
		if wasted, err = pricer.price(ctx, chunk, wasted); err != nil {
			return err
		}
		for i := range chunk {
			row = chunk[i].values(row[:0], wasted[i])
			t.Add(row)
		}
		chunk = chunk[:0]
		return t.Flow(false)
	}
	var packed, number, account string
	to := []any{&packed}
	if q.limit > 0 {
		to = append(to, &number, &account)
	}
	for read := 1; rows.Next(); read++ {
		if read == q.limit {
			more = true
			continue
		}
		if err := rows.Scan(to...); err != nil {
			return last, false, err
		}
		last = numberKey{number, account}
		chunk = append(chunk, numberRow{})
		if err := chunk[len(chunk)-1].unpack(packed); err != nil {
			return last, false, err
		}
		if len(chunk) == chunkSize {
			if err := flush(); err != nil {
				return last, false, err
			}
		}
	}
	if err := rows.Err(); err != nil {
		return last, false, err
	}
	return last, more, flush()
}
