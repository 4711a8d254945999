package messages

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
	"kaskad/query/store"
	"kaskad/schema"
	"kaskad/schema/law"
	"kaskad/schema/state"
)

// Columns are the columns of the list of messages.
var Columns = []answer.Column{{Name: "account"}, {Name: "message_id"},
	{Name: "submitted_at", Type: answer.TimeColumn, Text: "Its cohort"},
	{Name: "recipient", Text: "Masked but for scopes crm and admin"},
	{Name: "contact", Text: "Masked but for scopes crm and admin; empty without one"},
	{Name: "campaign"}, {Name: "template"},
	{Name: "path", Text: "Channels of the attempted steps, such as push>viber>sms"},
	{Name: "state", Text: "The first that holds", Of: answer.OneOf(states...)},
	{Name: "reached_by", Text: "Channel of the first delivered step, empty when it reached nobody"},
	{Name: "sent_at", Type: answer.TimeColumn, Text: "Of the step that reached, else of the last one",
		Null: "when it is unknown"},
	{Name: "delivered_at", Type: answer.TimeColumn, Null: "when nothing was delivered"},
	{Name: "read_at", Type: answer.TimeColumn, Null: "when nothing was read"},
	{Name: "replied_at", Type: answer.TimeColumn, Null: "when nobody replied"},
	{Name: "failed_at", Type: answer.TimeColumn, Text: "Of the last step that failed", Null: "when none did"},
	{Name: "reason", Text: "Class of the last step that failed, empty without one"},
	{Name: "error_code", Text: "Code of the last step that failed"},
	{Name: "cost", Type: answer.MoneyColumn, Text: "What the message's steps cost together",
		Null: "when it has no price"},
	{Name: "currency", Text: "Empty without a price"},
	{Name: "unpriced_reason", Text: "Why it has no price"}}

// cursorVersion is the version of what cursors of the list mean.
const cursorVersion = 1

// listParams are the parameters of the list, and numberParams those of the list of one number.
func listParams() []answer.Param {
	return slices.Concat([]answer.Param{
		answer.OfOne("recipient", "Messages with a step to one of these recipients; needs scope crm or admin.", nil,
			"+79161234567"),
		answer.OfOne("contact", "Messages to one of these contacts; needs scope crm or admin.",
			&answer.Schema{Type: "string", MinLength: new(1)}, "crm-1"),
	}, numberParams()[1:])
}

func numberParams() []answer.Param {
	return slices.Concat([]answer.Param{answer.NumberParam(), answer.AccountsParam(),
		answer.OfOne("campaign", "Messages of one of these campaigns.", nil, "spring"),
		answer.OfOne("channel", "Messages with an attempted step on one of these channels.",
			answer.OneOf(schema.Channels.Names()...), "sms"),
		answer.OfOne("status", "Messages in one of these states.", answer.OneOf(states...), "delivered")},
		answer.PeriodParams(answer.LastDays), answer.ListParams(true))
}

// listQuery says which messages are asked for: those of the cohorts from…to that meet all filters. An empty filter is
// met by all. all says that the whole list is the answer.
type listQuery struct {
	accounts, campaigns, recipients, contacts, channels, states []string
	fromMS, toMS                                                int64
	all                                                         bool
}

// byMessage tells whether single messages are looked for, rather than whole hours read.
func (q *listQuery) byMessage() bool { return len(q.recipients)+len(q.contacts) > 0 }

// keeps tells whether a message meets the filters.
func (q *listQuery) keeps(m *state.Message, o *outline) bool {
	cohortMS := m.CohortMS()
	meets := func(filter []string, value string) bool { return len(filter) == 0 || slices.Contains(filter, value) }
	return cohortMS != schema.Never && cohortMS >= q.fromMS && cohortMS < q.toMS && meets(q.campaigns, o.campaign) &&
		meets(q.states, o.state) && meets(q.contacts, o.contact) &&
		(len(q.channels) == 0 || slices.ContainsFunc(o.channels, func(c string) bool {
			return slices.Contains(q.channels, c)
		})) &&
		(len(q.recipients) == 0 || slices.ContainsFunc(m.Attempts, func(a law.Attempt) bool {
			return slices.Contains(q.recipients, a.Recipient())
		}))
}

// targetSQL returns the statement that lists where messages may be, and its parameters.
func (q *listQuery) targetSQL(after *state.Key) (string, []any, error) {
	args := placeArgs("after", after)
	for _, f := range []struct {
		name   string
		values []string
	}{{"accounts", q.accounts}, {"campaigns", q.campaigns}, {"channels", q.channels}, {"recipients", q.recipients},
		{"contacts", q.contacts}} {
		if len(f.values) > 0 {
			args = append(args, clickhouse.Named(f.name, f.values))
		}
	}
	name := "hours.sql"
	if q.byMessage() {
		name = "addressed.sql"
		args = append(args, clickhouse.Named("from_ms", q.fromMS), clickhouse.Named("to_ms", q.toMS))
	} else {
		args = append(args, clickhouse.Named("from", store.Storable(q.fromMS)),
			clickhouse.Named("to", store.Storable(q.toMS)))
	}
	statement, err := store.Fill(statements.Lookup(name), map[string]bool{"Accounts": len(q.accounts) > 0,
		"Campaigns": len(q.campaigns) > 0, "Channels": len(q.channels) > 0, "Recipients": len(q.recipients) > 0,
		"After": after != nil})
	return statement, args, err
}

// readSQL returns one of the statements that read targets behind a message and up to another one, and its parameters.
func (q *listQuery) readSQL(name string, after, last *state.Key, seen *answer.Snapshot) (string, []any, error) {
	args := slices.Concat(knownArgs(seen), placeArgs("after", after), placeArgs("last", last))
	statement, err := store.Fill(statements.Lookup(name), map[string]bool{"ByMessage": q.byMessage(),
		"After": after != nil, "UpTo": last != nil, "Dead": len(seen.Dead) > 0})
	return statement, args, err
}

// list serves GET /v1/messages.
func (m *Messages) list(c *gin.Context) error { return m.serveList(c, nil) }

// ofNumber serves GET /v1/numbers/{number}/messages.
func (m *Messages) ofNumber(c *gin.Context) error {
	number, err := answer.PathRecipient(c.Param("number"))
	if err != nil {
		return err
	}
	return m.serveList(c, []string{number})
}

// listRequest is what a request asks of the list.
type listRequest struct {
	listQuery
	format answer.Format
	limit  int
	hash   []byte
	// nowMS is the moment of the first page, which decides the default period. at is where the page before ended.
	nowMS int64
	at    *answer.Cursor
}

func (m *Messages) readRequest(c *gin.Context, recipients []string) (*listRequest, error) {
	p, err := answer.ReadParams(c)
	if err != nil {
		return nil, err
	}
	r := &listRequest{format: p.Format(c.Request), nowMS: m.db.Now().UnixMilli()}
	r.limit, r.all = p.PageOrAll(r.format)
	r.accounts, r.campaigns, r.contacts = p.Accounts(), p.Many("campaign"), p.Many("contact")
	r.channels, r.states = p.Many("channel"), p.Many("status")
	if r.recipients = recipients; recipients == nil {
		r.recipients = p.Recipients("recipient")
	}
	// Who is told whether a recipient is in the list has seen who it is.
	if caller := answer.CallerOf(c.Request.Context()); len(r.recipients)+len(r.contacts) > 0 && !caller.MayName() {
		return nil, answer.NamesRecipients()
	}
	if slices.Contains(r.contacts, "") {
		p.Fail("contact", "is empty; name a contact, or leave the parameter out")
	}
	checkNames(p, "channel", r.channels, schema.Channels.Names())
	checkNames(p, "status", r.states, states)
	zone := p.Zone()
	parts := []string{"messages", zone.String(), p.Values.Get("from"), p.Values.Get("to")}
	for _, filter := range [][]string{r.accounts, r.campaigns, r.recipients, r.contacts, r.channels, r.states} {
		parts = append(append(parts, strconv.Itoa(len(filter))), filter...)
	}
	r.hash = answer.QueryHash(parts...)
	if r.at = m.db.Cursors.ReadVersion(c.Request.Context(), p, cursorVersion, r.hash, 3); r.at != nil {
		if r.at.Snapshot == nil || r.at.Snapshot.Prices == nil {
			p.Fail("cursor", "cannot be read: start again without a cursor")
		} else {
			r.nowMS = r.at.Snapshot.NowMS
		}
	}
	r.fromMS, r.toMS = p.Period(time.UnixMilli(r.nowMS), zone)
	return r, p.Err()
}

// checkNames fails a filter that names what is not known.
func checkNames(p *answer.Params, parameter string, given, known []string) {
	for _, name := range given {
		if !slices.Contains(known, name) {
			p.Fail(parameter, fmt.Sprintf("%q is no %s; %s", answer.Shorten(name), parameter,
				answer.Suggest(name, known)))
		}
	}
}

// after returns the message that the page before ended with, nil on the first page.
func (r *listRequest) after() (*state.Key, error) {
	if r.at == nil {
		return nil, nil
	}
	bucketMS, err := strconv.ParseInt(string(r.at.After[1]), 10, 64)
	if err != nil {
		return nil, answer.BadParameter("cursor", "cannot be read: start again without a cursor")
	}
	return &state.Key{Account: string(r.at.After[0]), BucketMS: bucketMS, MessageID: string(r.at.After[2])}, nil
}

// serveList answers with messages. Those of given recipients come from the path.
func (m *Messages) serveList(c *gin.Context, recipients []string) error {
	r, err := m.readRequest(c, recipients)
	if err != nil {
		return err
	}
	after, err := r.after()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), m.db.ListTime(r.all))
	defer cancel()
	// as_of before the facts: what was acknowledged until then is in the rows, and published units are with it.
	seen, err := m.db.Snapshot(ctx, m.db.Now())
	if err != nil {
		return err
	}
	var pinned *answer.PriceVersions
	if r.at != nil {
		pinned = r.at.Snapshot.Prices
	}
	var accounts []string
	if len(r.accounts) > 0 {
		accounts = r.accounts
	}
	w := &walk{Messages: m, q: &r.listQuery, seen: &seen, after: after, atOnce: exportChunk}
	if w.lists, err = m.prices.Lists(ctx, accounts, pinned); err != nil {
		return err
	}
	maps, err := m.db.ErrorMaps(ctx)
	if err != nil {
		return err
	}
	if w.targets, err = m.targets(ctx, w.q, after); err != nil {
		return fmt.Errorf("look for messages: %w", err)
	}
	t := answer.NewList(r.format, Columns)
	writer := &rowWriter{table: t, lists: w.lists, maps: maps, shown: answer.CallerOf(c.Request.Context()).Shown()}
	envelope := append(seen.Members(), answer.Member{Name: "tariff_version",
		Value: answer.Count(w.lists.Versions.Tariffs)})
	if r.all {
		return m.export(ctx, c, w, writer, envelope)
	}
	w.atOnce = int64(max(minPageChunk, 2*r.limit))
	var last state.Key
	more := false
	err = w.each(ctx, func(message *state.Message, units []law.Units) error {
		writer.outline.read(message, units)
		if !w.q.keeps(message, &writer.outline) {
			return nil
		}
		if more = t.Rows == r.limit; more {
			return errEnough
		}
		last = state.Key{Account: message.Account, BucketMS: message.BucketMS, MessageID: message.MessageID}
		writer.add(message)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read messages: %w", err)
	}
	var next *answer.Cursor
	if more {
		next = &answer.Cursor{Version: cursorVersion, Query: r.hash,
			After:    [][]byte{[]byte(last.Account), strconv.AppendInt(nil, last.BucketMS, 10), []byte(last.MessageID)},
			Snapshot: &answer.Snapshot{NowMS: r.nowMS, Prices: &w.lists.Versions}}
	}
	return t.SendPage(c, envelope, m.db.Cursors, next)
}

// export answers with all messages of the query.
func (m *Messages) export(ctx context.Context, c *gin.Context, w *walk, writer *rowWriter,
	envelope []answer.Member) error {
	end, err := writer.table.Begin(ctx, c, &m.gate.Workbooks, envelope)
	if err != nil {
		return err
	}
	defer end()
	err = w.each(ctx, func(message *state.Message, units []law.Units) error {
		writer.outline.read(message, units)
		if !w.q.keeps(message, &writer.outline) {
			return nil
		}
		writer.add(message)
		return writer.table.Flow(false)
	})
	if err != nil {
		return fmt.Errorf("export messages: %w", err)
	}
	return writer.table.Finish()
}
