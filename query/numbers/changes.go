package numbers

import (
	"context"
	_ "embed"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
	"kaskad/query/rollup"
	"kaskad/query/store"
	"kaskad/schema"
)

var (
	//go:embed sql/changes.sql
	changesSQL string
	//go:embed sql/changes_head.sql
	changesHeadSQL string
)

var changesTemplate = rollup.Template("changes.sql", changesSQL)

const (
	// maxFeedWait is how long a request for changes may wait for one, in seconds: less than proxies allow.
	maxFeedWait = 30
	// feedPoll is how often the end of the feed is looked for while somebody waits.
	feedPoll = 250 * time.Millisecond
)

// states are all states of a number.
var states = []string{"active", "dead", "quarantined", "revived", "suspect", "unknown"}

var changeColumns = []answer.Column{{Name: "account"}, {Name: "number"},
	{Name: "from", Text: "The state before", Of: answer.OneOf(states...)},
	{Name: "to", Text: "The state after", Of: answer.OneOf(states...)},
	{Name: "at", Type: answer.TimeColumn, Text: "Since when the new state holds", Null: "when it is unknown"},
	{Name: "rule", Text: "By which rule, empty without one"},
	{Name: "seen_at", Type: answer.TimeColumn, Text: "When the verdict was given", Null: "when it is unknown"},
	{Name: "seq", Type: answer.CountColumn, Text: "The place in the feed"}}

// changesParams are the parameters of the feed.
func changesParams() []answer.Param {
	return slices.Concat([]answer.Param{answer.AccountsParam(), kindParam(),
		{Name: "number", Text: "Changes of this phone number or e-mail address.", Schema: answer.AnyText(),
			Example: "+79161234567"},
		answer.OfOne("to", "Changes to one of these states.", answer.OneOf(states...), "dead"),
		{Name: "wait", Text: "How many seconds to wait for a change when there is none yet.",
			Schema: answer.Whole(0, maxFeedWait), Example: 0},
		{Name: "order", Text: "newest looks back: the latest change first, and next_cursor, null at the end, leads " +
			"to older ones. Who follows the feed leaves it out.", Schema: answer.OneOf(orders...),
			Example: "newest"},
	}, answer.ListParams(true))
}

// kindParam is parameter kind.
func kindParam() answer.Param {
	p := answer.Param{Name: "kind", Text: "The kind of recipients.", Schema: answer.OneOf(answer.RecipientKinds...),
		Example: answer.RecipientKinds[0]}
	p.Schema.Default = []byte(`"` + answer.RecipientKinds[0] + `"`)
	return p
}

// orders are those of the feed; the first is the default.
var orders = []string{"oldest", "newest"}

// changesQuery asks for the feed behind a place up to another, limit 0 for all of it; with before for what comes before
// that place, the newest first.
type changesQuery struct {
	accounts, to []string
	kind, number string
	after, head  uint64
	before       uint64
	limit        int
}

// SQL returns the statement and its parameters.
func (q *changesQuery) SQL() (string, []any, error) {
	args := []any{clickhouse.Named("after", q.after), clickhouse.Named("head", q.head)}
	if q.before > 0 {
		args = []any{clickhouse.Named("before", q.before)}
	}
	if len(q.accounts) > 0 {
		args = append(args, clickhouse.Named("accounts", q.accounts))
	}
	if q.number != "" {
		args = append(args, clickhouse.Named("number", q.number))
	} else {
		args = append(args, clickhouse.Named("prefix", schema.KindPrefix(q.kind)))
	}
	if len(q.to) > 0 {
		args = append(args, clickhouse.Named("to", q.to))
	}
	if q.limit > 0 {
		args = append(args, clickhouse.Named("limit", uint32(q.limit)))
	}
	statement, err := store.Fill(changesTemplate,
		map[string]bool{"Accounts": len(q.accounts) > 0, "Number": q.number != "", "To": len(q.to) > 0,
			"Limit": q.limit > 0, "Newest": q.before > 0})
	return statement, args, err
}

// changes serves GET /v1/numbers/changes.
func (n *Numbers) changes(c *gin.Context) error {
	p, err := answer.ReadParams(c)
	if err != nil {
		return err
	}
	f := p.Format(c.Request)
	limit, all := p.PageOrAll(f)
	q := changesQuery{accounts: p.Accounts(), kind: p.Kind(),
		to: p.Many("to"), limit: limit}
	if number, given := p.One("number"); given {
		if q.number, err = answer.PathRecipient(number); err != nil {
			p.Errs = append(p.Errs, answer.AsProblem(err).Errors...)
		} else if kind := schema.KindOf(q.number); q.kind != kind && len(p.Values["kind"]) > 0 {
			p.Fail("kind", fmt.Sprintf("must be %s with this number, or be left out", kind))
		}
	}
	for _, state := range q.to {
		if !slices.Contains(states, state) {
			p.Fail("to", fmt.Sprintf("%q is no state; %s", answer.Shorten(state), answer.Suggest(state, states)))
		}
	}
	wait := p.Seconds("wait", maxFeedWait)
	if all && wait > 0 {
		p.Fail("wait", "goes with pages; limit=all answers at once")
	}
	of := []string{"numbers/changes", q.number}
	if q.number == "" && q.kind != answer.RecipientKinds[0] {
		of = append(of, "kind", q.kind) // cursors of before there were kinds stay good
	}
	backwards := readOrder(p, all, wait)
	if backwards {
		of[0], q.before = of[0]+"/newest", math.MaxUint64
	}
	hash := answer.QueryHash(slices.Concat(of, q.accounts, []string{""}, q.to)...)
	if at := n.db.Cursors.ReadVersion(c.Request.Context(), p, cursorVersion, hash, 1); at != nil {
		if q.after, err = strconv.ParseUint(string(at.After[0]), 10, 64); err != nil {
			p.Fail("cursor", "cannot be read: start again without a cursor")
		}
		if backwards {
			q.before = q.after
		}
	}
	if err := p.Err(); err != nil {
		return err
	}
	next := func(seq uint64) (answer.Value, error) {
		encoded, err := n.db.Cursors.Seal(c.Request.Context(),
			answer.Cursor{Version: cursorVersion, Query: hash, After: [][]byte{strconv.AppendUint(nil, seq, 10)}})
		return answer.Text(encoded), err
	}
	if all {
		return n.exportChanges(c, q, answer.NewList(f, changeColumns), next)
	}
	// as_of before the rows: what was acknowledged until then is in them.
	now := n.db.Now()
	asOf, err := n.feedAsOf(c.Request.Context(), now)
	if err != nil {
		return err
	}
	t := answer.NewList(f, changeColumns)
	if err := n.awaitChanges(c.Request.Context(), &q, t, wait); err != nil {
		return err
	}
	// Forwards there always is a next page: what it asks for may come later.
	nextCursor, place := answer.Null, q.after
	if backwards {
		place = q.before
	}
	if !backwards || t.Rows == q.limit {
		nextCursor, err = next(place)
	}
	if err != nil {
		return err
	}
	return t.Send(c, (&answer.Snapshot{NowMS: now.UnixMilli(), AsOfMS: asOf}).Members(), nextCursor)
}

// readOrder tells whether the feed is read from its end.
func readOrder(p *answer.Params, all bool, wait time.Duration) bool {
	order, given := p.One("order")
	if given && !slices.Contains(orders, order) {
		p.Fail("order", fmt.Sprintf("%q must be oldest or newest, or left out for oldest", answer.Shorten(order)))
	}
	if order != "newest" {
		return false
	}
	if all || wait > 0 {
		p.Fail("order", "newest goes with pages; without it limit=all sends all of the feed, and wait waits for more")
	}
	return true
}

// feedAsOf says up to when everything is in the feed.
func (n *Numbers) feedAsOf(ctx context.Context, now time.Time) (asOf *int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, n.db.QueryTime)
	defer cancel()
	ctx, over := n.db.Watch(ctx)
	defer func() { err = over(err) }()
	return n.asOf(ctx, now)
}

// exportChanges answers with the feed up to its end now. Its next cursor is that end.
func (n *Numbers) exportChanges(c *gin.Context, q changesQuery, t *answer.Table,
	next func(uint64) (answer.Value, error)) (err error) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), answer.ExportTime)
	defer cancel()
	release, err := n.gate.Exports.Take(ctx)
	if err != nil {
		return err
	}
	defer release()
	ctx, over := n.db.Watch(ctx)
	defer func() { err = over(err) }()
	if q.head, err = n.feed.end(ctx, n.db, 0); err != nil {
		return err
	}
	nextCursor, err := next(q.head)
	if err != nil {
		return err
	}
	end, err := t.Begin(ctx, c, &n.gate.Workbooks, []answer.Member{{Name: "next_cursor", Value: nextCursor}})
	if err != nil {
		return err
	}
	defer end()
	if err := n.readChanges(ctx, &q, t); err != nil {
		return fmt.Errorf("export changes: %w", err)
	}
	return t.Finish()
}

// awaitChanges reads a page, waiting for its first row when there is none yet, and moves q.after to where the next one
// begins.
func (n *Numbers) awaitChanges(ctx context.Context, q *changesQuery, t *answer.Table, wait time.Duration) error {
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	tick := time.NewTicker(feedPoll)
	defer tick.Stop()
	for age := time.Duration(0); ; age = feedPoll / 2 {
		if err := n.changesPage(ctx, q, t, age); err != nil {
			return fmt.Errorf("changes: %w", err)
		}
		if t.Rows > 0 || wait == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return nil
		case <-n.gate.Stopping:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// changesPage reads what there is now; who has waited before makes do with an end of the feed of that age. It takes a
// turn for as long as it reads.
func (n *Numbers) changesPage(ctx context.Context, q *changesQuery, t *answer.Table, age time.Duration) (err error) {
	ctx, cancel := context.WithTimeout(ctx, n.db.QueryTime)
	defer cancel()
	ctx, over := n.db.Watch(ctx)
	defer func() { err = over(err) }()
	// The end first: all rows up to it are visible to the statement that follows.
	if q.before == 0 {
		if q.head, err = n.feed.end(ctx, n.db, age); err != nil || q.head <= q.after {
			return err
		}
	}
	release, err := n.gate.Queries.Take(ctx)
	if err != nil {
		return err
	}
	defer release()
	return n.readChanges(ctx, q, t)
}

// readChanges adds rows to the table and moves q.after behind them: to the last row of a full page, else to the end
// that was looked for.
func (n *Numbers) readChanges(ctx context.Context, q *changesQuery, t *answer.Table) (err error) {
	statement, args, err := q.SQL()
	if err != nil {
		return err
	}
	rows, err := n.db.Conn.Query(n.db.ListSettings(ctx, q.limit == 0), statement, args...)
	if err != nil {
		return err
	}
	defer store.CloseRows(rows, &err)
	var seq uint64
	var row []answer.Value
	for rows.Next() {
		var account, number, from, to, rule string
		var atMS, seenMS int64
		if err := rows.Scan(&seq, &account, &number, &from, &to, &atMS, &rule, &seenMS); err != nil {
			return err
		}
		row = append(row[:0], answer.Text(account), answer.Text(number), answer.Text(from), answer.Text(to),
			answer.Moment(atMS), answer.Text(rule),
			answer.Moment(seenMS), answer.Count(seq))
		t.Add(row)
		if err := t.Flow(false); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if q.before > 0 {
		q.before = max(seq, 1)
		return nil
	}
	if q.after = q.head; q.limit > 0 && t.Rows == q.limit {
		q.after = seq
	}
	return nil
}

// feedHead knows the end of the feed of changes. However many wait for it, it is looked for once at a time, and behind
// the last end.
type feedHead struct {
	mu     sync.Mutex
	seq    uint64
	readAt time.Time
}

// end returns the number of the last change, 0 when there is none, as somebody has seen it no longer ago than age.
func (f *feedHead) end(ctx context.Context, db *store.DB, age time.Duration) (uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.readAt) < age {
		return f.seq, nil
	}
	var seq uint64
	err := db.Conn.QueryRow(db.Settings(answer.ForAll(ctx)), changesHeadSQL,
		clickhouse.Named("after", f.seq)).Scan(&seq)
	if err != nil {
		return 0, fmt.Errorf("read the end of the feed of changes: %w", err)
	}
	f.seq, f.readAt = max(f.seq, seq), time.Now()
	return f.seq, nil
}
