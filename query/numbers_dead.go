package query

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/gin-gonic/gin"

	"kaskad/schema"
)

// numberChunk is how many rows are priced together.
const numberChunk = 8192

// numberKey is the place of a number in the order of lists.
type numberKey struct{ number, account string }

// deadQuery asks for a page of the dead numbers at a pinned version, or for all of them when limit is 0.
type deadQuery struct {
	accounts, rules []string
	kind            string
	after           *numberKey
	pin             uint64
	limit           int
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
		args = append(args, clickhouse.Named("pin", q.pin), clickhouse.Named("limit", uint32(q.limit)))
	}
	var statement strings.Builder
	err := numberTemplates.ExecuteTemplate(&statement, "dead",
		map[string]bool{"Page": q.limit > 0, "Single": single, "Accounts": len(q.accounts) > 0,
			"Rules": len(q.rules) > 0, "After": q.after != nil})
	if err != nil {
		return "", nil, fmt.Errorf("fill numbers_dead.sql: %w", err)
	}
	return statement.String(), args, nil
}

// accountFilter reads parameter account, which may be given several times. An empty one names no account.
func (p *params) accountFilter() []string {
	accounts := slices.Compact(slices.Sorted(slices.Values(p.values["account"])))
	if slices.Contains(accounts, "") {
		p.fail("account", "is empty; name an account, or leave the parameter out")
	}
	return accounts
}

// deadNumbers serves GET /v1/numbers/dead.
func (s *Server) deadNumbers(c *gin.Context) error {
	p, err := readParams(c.Request, []string{"account", "kind", "rule", "limit", "cursor", "format", "bom"})
	if err != nil {
		return err
	}
	f := p.listFormat(c.Request)
	limit, all := p.pageOrAll(f)
	q := deadQuery{accounts: p.accountFilter(), kind: p.kind(),
		rules: slices.Compact(slices.Sorted(slices.Values(p.values["rule"])))}
	for _, r := range q.rules {
		if !slices.Contains(numberRules, r) {
			p.fail("rule", fmt.Sprintf("%q is no rule of dead numbers; %s", shorten(r), suggest(r, numberRules)))
		}
	}
	hash := queryHash(slices.Concat([]string{"numbers/dead", q.kind}, q.accounts, []string{""}, q.rules)...)
	at := s.cursorOf(c.Request.Context(), p, numberCursor, hash, 2)
	if at != nil {
		if at.Pin == nil || at.Pin.Prices == nil {
			p.fail("cursor", "cannot be read: start again without a cursor")
		} else if age := time.Since(time.UnixMilli(at.Pin.ReadMS)); age > maxNumberCursorAge {
			p.fail("cursor", "is older than 30 minutes, and verdicts of its time may have been forgotten: start "+
				"again without a cursor, or take the list in one answer by limit=all&format=csv")
		}
	}
	if err := p.err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), s.listTime(all))
	defer cancel()
	seen := pin{}
	var pinned *priceVersions
	if at != nil {
		seen, pinned = *at.Pin, at.Pin.Prices
		q.after = &numberKey{string(at.After[0]), string(at.After[1])}
	} else if seen, err = s.pinNumbers(ctx, s.config.Now()); err != nil {
		return err
	}
	lists, err := s.priceLists(ctx, accountsOrAll(q.accounts), pinned)
	if err != nil {
		return err
	}
	seen.Prices = &lists.versions
	t := newList(f, numberColumns)
	envelope := append(asOfMembers(&seen), member{"tariff_version", count(lists.versions.Tariffs)})
	if all {
		return s.exportDead(ctx, c, q, lists, t, envelope)
	}
	q.pin, q.limit = seen.Generation, limit+1
	last, more, err := s.readDead(ctx, &q, lists, t)
	if err != nil {
		return fmt.Errorf("dead numbers: %w", err)
	}
	next := null
	if more {
		encoded, err := s.seal(c.Request.Context(),
			cursor{Version: numberCursor, Query: hash, After: [][]byte{[]byte(last.number), []byte(last.account)},
				Pin: &seen})
		if err != nil {
			return err
		}
		next = text(encoded)
	}
	t.send(c, envelope, next)
	return nil
}

// accountsOrAll is nil for all accounts.
func accountsOrAll(accounts []string) []string {
	if len(accounts) == 0 {
		return nil
	}
	return accounts
}

// exportDead answers with all dead numbers, as one statement sees them.
func (s *Server) exportDead(ctx context.Context, c *gin.Context, q deadQuery, lists *priceLists, t *table,
	envelope []member) error {
	if len(q.accounts) == 0 {
		// The rows of a single account need no sorting.
		accounts, err := s.numberAccounts(ctx)
		if err != nil {
			return err
		}
		if len(accounts) == 1 {
			q.accounts = accounts
		}
	}
	end, err := s.begin(ctx, c, t, envelope)
	if err != nil {
		return err
	}
	defer end()
	if _, _, err := s.readDead(ctx, &q, lists, t); err != nil {
		return fmt.Errorf("export dead numbers: %w", err)
	}
	return t.finish()
}

// readDead adds the rows to the table, chunk by chunk. Of a page it leaves out the row that is one too many.
func (s *Server) readDead(ctx context.Context, q *deadQuery, lists *priceLists, t *table) (last numberKey, more bool,
	err error) {
	statement, args, err := q.SQL()
	if err != nil {
		return last, false, err
	}
	rows, err := s.deps.Conn.Query(s.listSettings(ctx, q.limit == 0), statement, args...)
	if err != nil {
		return last, false, err
	}
	defer closeRows(rows, &err)
	pricer := s.newStreakPricer(lists)
	chunk := make([]numberRow, 0, numberChunk)
	var wasted []wastedCost
	var row []value
	columns := arrowNumbers{to: t.arrow}
	flush := func() error {
		if wasted, err = pricer.price(ctx, chunk, wasted); err != nil {
			return err
		}
		if t.arrow != nil {
			t.rows += len(chunk)
			columns.append(chunk, wasted)
		} else {
			for i := range chunk {
				row = chunk[i].values(row[:0], wasted[i])
				t.row(row)
			}
		}
		chunk = chunk[:0]
		return t.flow(false)
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
		if len(chunk) == numberChunk {
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
