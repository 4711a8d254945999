package query

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"text/template"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/gin-gonic/gin"

	"kaskad/schema"
	"kaskad/schema/errormap"
	"kaskad/schema/law"
)

//go:embed audience.sql
var audienceSQL string

var audienceTemplate = template.Must(template.Must(law.Template("audience.sql").Parse(optOutsSQL)).Parse(audienceSQL))

// audienceStates are what people may have said of an app, from the gain to the loss: at equal times the later one wins.
// Whoever is in one of them is in no other; who blocked or complained may be in any.
var audienceStates = []string{"subscribed", "unsubscribed", "uninstalled", "blocked", "complained"}

var audienceColumns = []column{{"account", columnText}, {"recipient", columnText}, {"contact", columnText},
	{"channel", columnText}, {"app", columnText},
	{"since", columnTime}}

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
	args := []any{clickhouse.Named("rank", uint8(1+slices.Index(audienceStates, q.state)))}
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
	statement, err := fill(audienceTemplate,
		map[string]any{"Class": errormap.ClassSQL("r"), "Blocked": blocked, "Single": single,
			"Accounts": len(q.accounts) > 0,
			"Channels": len(q.channels) > 0, "Apps": len(q.apps) > 0, "After": q.after != nil, "Limit": q.limit > 0})
	return statement, args, err
}

// audience serves GET /v1/audience/{state}.
func (s *Server) audience(c *gin.Context, state string) error {
	p, err := readParams(c.Request, []string{"account", "channel", "app", "limit", "cursor", "format", "bom"})
	if err != nil {
		return err
	}
	f := p.listFormat(c.Request)
	limit, all := p.pageOrAll(f)
	// An app may be unnamed where an account has just one, so "" is an app as well.
	q := audienceQuery{state: state, accounts: p.accountFilter(),
		apps: slices.Compact(slices.Sorted(slices.Values(p.values["app"])))}
	for _, f := range (keySet{enumeration("channel", schema.Channels, false)}).filters(p, time.UTC) {
		q.channels = f.values
	}
	hash := queryHash(slices.Concat([]string{"audience", state, fmt.Sprint(len(q.accounts), len(q.channels))},
		q.accounts, q.channels, q.apps)...)
	if at := s.cursorOf(c.Request.Context(), p, numberCursor, hash, 4); at != nil {
		q.after = &subscriber{string(at.After[0]), string(at.After[1]), string(at.After[2]), string(at.After[3])}
	}
	if err := p.err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), s.listTime(all))
	defer cancel()
	seen, err := s.pin(ctx, s.config.Now())
	if err != nil {
		return err
	}
	t := newList(f, audienceColumns)
	if all {
		end, err := s.begin(ctx, c, t, asOfMembers(&seen))
		if err != nil {
			return err
		}
		defer end()
		if _, _, err := s.readAudience(ctx, &q, t); err != nil {
			return fmt.Errorf("export audience: %w", err)
		}
		return t.finish()
	}
	q.limit = limit + 1
	last, more, err := s.readAudience(ctx, &q, t)
	if err != nil {
		return fmt.Errorf("audience: %w", err)
	}
	next := null
	if more {
		encoded, err := s.seal(c.Request.Context(), cursor{Version: numberCursor, Query: hash,
			After: [][]byte{[]byte(last.account), []byte(last.recipient), []byte(last.channel), []byte(last.app)}})
		if err != nil {
			return err
		}
		next = text(encoded)
	}
	t.send(c, asOfMembers(&seen), next)
	return nil
}

// readAudience adds the rows to the table. Of a page it leaves out the row that is one too many.
func (s *Server) readAudience(ctx context.Context, q *audienceQuery, t *table) (last subscriber, more bool, err error) {
	statement, args, err := q.SQL()
	if err != nil {
		return last, false, err
	}
	reading, err := s.withErrorMap(s.listSettings(ctx, q.limit == 0))
	if err != nil {
		return last, false, err
	}
	rows, err := s.deps.Conn.Query(reading, statement, args...)
	if err != nil {
		return last, false, err
	}
	defer closeRows(rows, &err)
	var row []value
	for rows.Next() {
		if q.limit > 0 && t.rows == q.limit-1 {
			more = true
			continue
		}
		var contact string
		var sinceMS int64
		if err := rows.Scan(&last.account, &last.recipient, &contact, &last.channel, &last.app, &sinceMS); err != nil {
			return last, false, err
		}
		row = append(row[:0], text(last.account), text(last.recipient), text(contact), text(last.channel),
			text(last.app), moment(sinceMS))
		t.row(row)
		if err := t.flow(false); err != nil {
			return last, false, err
		}
	}
	return last, more, rows.Err()
}
