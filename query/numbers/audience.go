package numbers

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
	"kaskad/query/rollup"
	"kaskad/query/store"
	"kaskad/schema"
	"kaskad/schema/errormap"
)

//go:embed sql/audience.sql
var audienceSQL string

var audienceTemplate = rollup.Template("audience.sql", audienceSQL)

// audienceStates are what people may have said of an app, from the gain to the loss: at equal times the later one wins.
// Whoever is in one of them is in no other; who blocked or complained may be in any.
var audienceStates = []string{"subscribed", "unsubscribed", "uninstalled", "blocked", "complained"}

// AudienceColumns are the columns of an audience.
var AudienceColumns = []answer.Column{
	{Name: "account", Text: "whose subscriber it is"},
	{Name: "recipient", Text: "the address"},
	{Name: "contact", Text: "the person, empty when unknown"},
	{Name: "channel", Of: answer.OneOf(schema.Channels.Names()...), Text: "the channel"},
	{Name: "app", Text: "the app, empty where there is none"},
	{Name: "since", Type: answer.TimeColumn,
		Text: "subscribed, unsubscribed, uninstalled: the latest of these of (account, channel, app, " +
			"recipient); a push failure of class app_uninstalled or token_invalid counts as uninstalled " +
			"at its time; at equal times the loss wins. blocked, complained: by the rules of opt_outs"},
}

// audienceFilters choose rows of an audience by channel.
var audienceFilters = rollup.Keys{rollup.Enumeration("channel", schema.Channels.Names(), false)}

// audienceRoute is the route of a state.
func (n *Numbers) audienceRoute(state string) answer.Route {
	return answer.Route{Method: http.MethodGet, Path: "/v1/audience/" + state, Turn: answer.Listing,
		Serve: func(c *gin.Context) error { return n.audience(c, state) }}.
		Says(answer.TagNumbers, "Who "+map[string]string{"subscribed": "is subscribed",
			"unsubscribed": "has unsubscribed", "uninstalled": "has removed the app",
			"blocked": "has blocked the sender", "complained": "has complained"}[state], "",
			slices.Concat([]answer.Param{answer.AccountsParam()},
				audienceFilters.Params(),
				[]answer.Param{answer.OfOne("app", "Rows of these apps; one that is not named is "+
					"an app as well.", nil, "shop-app")}, answer.ListParams(true)),
			answer.Answer{Text: "One row per recipient, channel and app.", Columns: AudienceColumns,
				Around: answer.Fresh()})
}

// subscriber is the place of a row in the order of the list.
type subscriber struct{ account, recipient, channel, app string }

// audienceQuery asks for a page of an audience, or for all of it when limit is 0.
type audienceQuery struct {
	state                    string
	accounts, channels, apps []string
	after                    *subscriber
	limit                    int
}

// SQL returns the statement and its parameters.
func (q *audienceQuery) SQL() (string, []any, error) {
	args := []any{clickhouse.Named("rank", uint8(1+slices.Index(audienceStates, q.state))),
		clickhouse.Named("installed_channels", schema.Channels.Installed())}
	blocked := slices.Index(audienceStates, q.state) > slices.Index(audienceStates, "uninstalled")
	if blocked {
		args = []any{clickhouse.Named("kinds", []string{q.state})}
	}
	single := len(q.accounts) == 1
	switch {
	case single:
		args = append(args, clickhouse.Named("account", q.accounts[0]))
	case len(q.accounts) > 1:
		args = append(args, clickhouse.Named("accounts", q.accounts))
	}
	if len(q.channels) > 0 {
		args = append(args, clickhouse.Named("channels", q.channels))
	}
	if len(q.apps) > 0 {
		args = append(args, clickhouse.Named("apps", q.apps))
	}
	if a := q.after; a != nil {
		args = append(args, clickhouse.Named("after_account", a.account),
			clickhouse.Named("after_recipient", a.recipient),
			clickhouse.Named("after_channel", a.channel), clickhouse.Named("after_app", a.app))
	}
	if q.limit > 0 {
		args = append(args, clickhouse.Named("limit", uint32(q.limit)))
	}
	statement, err := store.Fill(audienceTemplate,
		map[string]any{"Class": errormap.ClassSQL("r"), "Blocked": blocked, "Single": single,
			"Accounts": len(q.accounts) > 0,
			"Channels": len(q.channels) > 0, "Apps": len(q.apps) > 0, "After": q.after != nil, "Limit": q.limit > 0})
	return statement, args, err
}

// audience serves GET /v1/audience/{state}.
func (n *Numbers) audience(c *gin.Context, state string) error {
	p, err := answer.ReadParams(c)
	if err != nil {
		return err
	}
	f := p.Format(c.Request)
	limit, all := p.PageOrAll(f)
	// An app may be unnamed where an account has just one, so "" is an app as well.
	q := audienceQuery{state: state, accounts: p.Accounts(),
		apps: p.Many("app")}
	for _, f := range audienceFilters.Filters(p, time.UTC) {
		q.channels = f.Values
	}
	hash := answer.QueryHash(slices.Concat([]string{"audience", state, fmt.Sprint(len(q.accounts), len(q.channels))},
		q.accounts, q.channels, q.apps)...)
	if at := n.db.Cursors.ReadVersion(c.Request.Context(), p, cursorVersion, hash, 4); at != nil {
		q.after = &subscriber{string(at.After[0]), string(at.After[1]), string(at.After[2]), string(at.After[3])}
	}
	if err := p.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), n.db.ListTime(all))
	defer cancel()
	seen, err := n.db.Snapshot(ctx, n.db.Now())
	if err != nil {
		return err
	}
	t := answer.NewList(f, AudienceColumns)
	if all {
		end, err := t.Begin(ctx, c, &n.gate.Workbooks, seen.Members())
		if err != nil {
			return err
		}
		defer end()
		if _, _, err := n.readAudience(ctx, &q, t); err != nil {
			return fmt.Errorf("export audience: %w", err)
		}
		return t.Finish()
	}
	q.limit = limit + 1
	last, more, err := n.readAudience(ctx, &q, t)
	if err != nil {
		return fmt.Errorf("audience: %w", err)
	}
	var next *answer.Cursor
	if more {
		next = &answer.Cursor{Version: cursorVersion, Query: hash,
			After: [][]byte{[]byte(last.account), []byte(last.recipient), []byte(last.channel), []byte(last.app)}}
	}
	return t.SendPage(c, seen.Members(), n.db.Cursors, next)
}

// readAudience adds the rows to the table. The last row of a page only shows that there is a next page, and is left
// out.
func (n *Numbers) readAudience(ctx context.Context, q *audienceQuery, t *answer.Table) (last subscriber, more bool,
	err error) {
	statement, args, err := q.SQL()
	if err != nil {
		return last, false, err
	}
	reading, err := n.db.WithLossCodes(n.db.ListSettings(ctx, q.limit == 0))
	if err != nil {
		return last, false, err
	}
	rows, err := n.db.Conn.Query(reading, statement, args...)
	if err != nil {
		return last, false, err
	}
	defer store.CloseRows(rows, &err)
	var row []answer.Value
	for rows.Next() {
		if q.limit > 0 && t.Rows == q.limit-1 {
			more = true
			continue
		}
		var contact string
		var sinceMS int64
		if err := rows.Scan(&last.account, &last.recipient, &contact, &last.channel, &last.app, &sinceMS); err != nil {
			return last, false, err
		}
		row = append(row[:0], answer.Text(last.account), answer.Text(last.recipient), answer.Text(contact),
			answer.Text(last.channel),
			answer.Text(last.app), answer.Moment(sinceMS))
		t.Add(row)
		if err := t.Flow(false); err != nil {
			return last, false, err
		}
	}
	return last, more, rows.Err()
}
