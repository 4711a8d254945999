// Package overview is the room of the API for a first look: figures of several reports in one request
// (docs/definitions.md section 6, Overview).
//
// Its guarantees: every figure is that of the report which it is taken from, of one published state; what the caller's
// key does not open elsewhere is not shown here either, and named; at rest nothing is computed anew.
package overview

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-faster/jx"

	"kaskad/query/alerts"
	"kaskad/query/answer"
	"kaskad/query/lists"
	"kaskad/query/messages"
	"kaskad/query/numbers"
	"kaskad/query/report"
	"kaskad/query/rollup"
	"kaskad/query/savings"
	"kaskad/query/store"
)

// Rooms are those that the figures are of.
type Rooms struct {
	Reports  *report.Room
	Savings  *savings.Savings
	Lists    *lists.Lists
	Numbers  *numbers.Numbers
	Messages *messages.Messages
	Alerts   *alerts.Alerts
}

// Overview serves the route. It is safe for concurrent use.
type Overview struct {
	db    *store.DB
	rooms Rooms
}

// New makes the room.
func New(db *store.DB, rooms Rooms) *Overview { return &Overview{db, rooms} }

// Path is that of the route.
const Path = "/v1/overview"

// Routes lists what the room serves.
func (o *Overview) Routes() []answer.Route {
	const month = "Without from the month, in tz, in which to lies or the present one; " +
		"to is then an hour from now at most."
	params := append(answer.PeriodParams(month), answer.AccountsParam())
	// It has no tag: dead letters and verdicts change without an edition.
	return []answer.Route{answer.Get(answer.ForMessages, Path, o.serve, Path).Says(answer.TagReports,
		"What a first look needs", "Figures of several reports, each as "+
			"its own report has it. A key sees those whose report it may ask for; `withheld` names the others.", params,
		answer.Answer{Text: "The overview.", Of: answer.ObjectOf(columns()...)})}
}

// The figures of reports that are shown.
var (
	attemptFigures = []string{"attempted", "sent", "delivered", "read", "failed", "pending", "delivery", "open",
		"open_rate_bound"}
	optOutFigures = []string{"unsubscribed", "blocked", "complained"}
	moneyFigures  = []string{"currency", "messages", "reached", "read", "priced_messages", "unpriced", "sms_only_cost",
		"actual_cost", "saved", "saved_rate", "saved_unreached", "saved_reached", "double_paid", "mature"}
)

// readRequest reads the parameters. Without from the period begins with the month, in tz, that to lies in or ends.
func readRequest(c *gin.Context, now time.Time) (*rollup.Request, error) {
	p, err := answer.ReadParams(c)
	if err != nil {
		return nil, err
	}
	q := &rollup.Request{Name: "overview", Zone: p.Zone(), Now: now}
	q.Filters = rollup.Keys{rollup.Dimension("account")}.Filters(p, q.Zone)
	q.FromMS, q.ToMS = p.Period(now, q.Zone)
	if _, given := p.One("from"); !given {
		last := now
		if _, given := p.One("to"); given {
			last = time.UnixMilli(q.ToMS - 1)
		}
		last = last.In(q.Zone)
		q.FromMS = answer.DayStart(time.Date(last.Year(), last.Month(), 1, 0, 0, 0, 0, time.UTC), q.Zone).UnixMilli()
	}
	return q, p.Err()
}

// serve serves GET /v1/overview.
func (o *Overview) serve(c *gin.Context) error {
	q, err := readRequest(c, o.db.Now())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), o.db.QueryTime)
	defer cancel()
	if err := o.db.CheckZone(ctx, q.Zone); err != nil {
		return err
	}
	// All rooms look at what is published now.
	if ctx, _, err = o.db.Begin(ctx, o.db.QueryTime); err != nil {
		return err
	}
	state, err := q.State(ctx, o.db)
	if err != nil {
		return err
	}
	w := &writer{may: mayFor(answer.CallerOf(ctx))}
	w.e.ObjStart()
	w.members(q.FreshEnvelope(&state.Snapshot))
	if err := o.figures(ctx, q, w); err != nil {
		return fmt.Errorf("overview: %w", err)
	}
	w.object("withheld", w.withheldList)
	w.e.ObjEnd()
	c.Data(http.StatusOK, answer.FormatJSON.ContentType(), w.e.Bytes())
	return nil
}

// mayFor tells what the caller may see. Without keys (--auth off) that is everything.
func mayFor(caller *answer.Caller) func(answer.Access) bool {
	return func(who answer.Access) bool { return caller.Scopes == 0 || who.Check(caller) == nil }
}

// columns describe the answer.
func columns() []answer.Column {
	count := func(names ...string) (columns []answer.Column) {
		for _, name := range names {
			columns = append(columns, answer.Column{Name: name, Type: answer.CountColumn})
		}
		return columns
	}
	object := func(name, text string, of ...answer.Column) answer.Column {
		return answer.Column{Name: name, Text: text, Of: answer.ObjectOf(of...), Optional: true}
	}
	list := func(name, text string, of ...answer.Column) answer.Column {
		return answer.Column{Name: name, Text: text, Of: answer.ListOf(answer.ObjectOf(of...)), Optional: true}
	}
	rows := list("rows", "As the savings report has them, one for each currency",
		savings.TotalsColumns(moneyFigures)...)
	rows.Optional = false
	return slices.Concat(answer.Period("overview"), answer.Fresh(), []answer.Column{
		{Name: "messages", Type: answer.CountColumn, Optional: true,
			Text: "Messages with an attempted step, as in penetration"},
		object("attempts", "As the channel report has them", report.TotalsColumns(attemptFigures)...),
		object("opt_outs", "As the channel report has them", report.TotalsColumns(optOutFigures)...),
		object("money", "", answer.TariffVersion(), answer.TemplateVersion(), answer.MatureColumn(), rows),
		object("dead_numbers", "How many are dead now, whatever the period", count("phone", "email")...),
		list("unpriced", "Messages without a price by why, over all currencies",
			savings.UnpricedColumns()...),
		object("unmapped_codes", "Error codes that no line knows, those with a guess apart, and the failed attempts "+
			"of each", count("codes", "attempts", "guessed_codes", "guessed_attempts")...),
		list("dead_letters", "Dead letters of all accounts within 30 days, whatever the period, but for those that "+
			"were sent through again", append([]answer.Column{
			{Name: "reason"}}, count("letters")...)...),
		list("alerts", "Alerts that are open now, whatever the period, by rule", append([]answer.Column{
			{Name: "account"}, {Name: "rule"}, {Name: "metric"}}, count("alerts")...)...),
		{Name: "withheld", Of: answer.ListOf(answer.AnyText()), Text: "Members that the key may not see"}})
}

// figures writes the members that the caller may see.
func (o *Overview) figures(ctx context.Context, q *rollup.Request, w *writer) error {
	var saved *savings.Totals
	var err error
	// Penetration shows marketers how many messages there are; why some have no price is the savings report's.
	if w.may(answer.ForMarketers) {
		if saved, err = o.rooms.Savings.Totals(ctx, *q, moneyFigures); err != nil {
			return err
		}
	}
	for _, part := range []struct {
		name  string
		who   answer.Access
		write func() error
	}{
		{"messages", answer.ForMarketers, func() error { return w.value("messages", answer.Count(saved.Messages)) }},
		{"attempts", answer.ForMarketers, func() error { return o.attempts(ctx, q, w, "attempts", attemptFigures) }},
		{"opt_outs", answer.ForMarketers, func() error { return o.attempts(ctx, q, w, "opt_outs", optOutFigures) }},
		{"money", answer.ForAnalysts, func() error { w.money(saved); return nil }},
		{"dead_numbers", answer.ForCRM, func() error { return o.dead(ctx, q, w) }},
		{"unpriced", answer.ForAnalysts, func() error { w.unpriced(saved.Unpriced); return nil }},
		{"unmapped_codes", answer.ForAnalysts, func() error { return o.unmapped(ctx, q, w) }},
		{"dead_letters", answer.ForAdminsOfAll, func() error { return o.letters(ctx, w) }},
		{"alerts", answer.ForMarketers, func() error { return o.alerts(ctx, q, w) }},
	} {
		if !w.may(part.who) {
			w.withheld = append(w.withheld, part.name)
			continue
		}
		if err := part.write(); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}

func (o *Overview) attempts(ctx context.Context, q *rollup.Request, w *writer, name string, figures []string) error {
	totals, err := o.rooms.Reports.Totals(ctx, *q)
	if err == nil {
		w.object(name, func() { w.wrapped(totals.Members(figures)) })
	}
	return err
}

func (o *Overview) dead(ctx context.Context, q *rollup.Request, w *writer) error {
	dead, err := o.rooms.Numbers.CountDead(ctx, q.Accounts())
	if err == nil {
		w.object("dead_numbers", func() {
			w.wrapped([]answer.Member{{Name: "phone", Value: answer.Count(dead.Phones)},
				{Name: "email", Value: answer.Count(dead.Emails)}})
		})
	}
	return err
}

func (o *Overview) unmapped(ctx context.Context, q *rollup.Request, w *writer) error {
	codes, err := o.rooms.Lists.CountUnmapped(ctx, *q)
	if err == nil {
		w.object("unmapped_codes", func() {
			w.wrapped([]answer.Member{{Name: "codes", Value: answer.Count(codes.Codes)},
				{Name: "attempts", Value: answer.Count(codes.Attempts)},
				{Name: "guessed_codes", Value: answer.Count(codes.GuessedCodes)},
				{Name: "guessed_attempts", Value: answer.Count(codes.GuessedAttempts)}})
		})
	}
	return err
}

func (o *Overview) letters(ctx context.Context, w *writer) error {
	letters, err := o.rooms.Messages.CountRejected(ctx)
	if err == nil {
		w.array("dead_letters", len(letters), func(i int) []answer.Member {
			return []answer.Member{{Name: "reason", Value: answer.Text(letters[i].Reason)},
				{Name: "letters", Value: answer.Count(letters[i].Letters)}}
		})
	}
	return err
}

func (o *Overview) alerts(ctx context.Context, q *rollup.Request, w *writer) error {
	open, err := o.rooms.Alerts.CountOpen(ctx, q.Accounts())
	if err == nil {
		w.array("alerts", len(open), func(i int) []answer.Member {
			return []answer.Member{{Name: "account", Value: answer.Text(open[i].Account)},
				{Name: "rule", Value: answer.Text(open[i].Rule)},
				{Name: "metric", Value: answer.Text(string(open[i].Metric))},
				{Name: "alerts", Value: answer.Count(open[i].Alerts)}}
		})
	}
	return err
}

// writer writes the answer.
type writer struct {
	e        jx.Encoder
	may      func(answer.Access) bool
	withheld []string
}

func (w *writer) value(name string, v answer.Value) error {
	w.members([]answer.Member{{Name: name, Value: v}})
	return nil
}

func (w *writer) members(members []answer.Member) {
	for _, m := range members {
		w.e.FieldStart(m.Name)
		m.Value.Encode(&w.e)
	}
}

// wrapped writes members as an object.
func (w *writer) wrapped(members []answer.Member) {
	w.e.ObjStart()
	w.members(members)
	w.e.ObjEnd()
}

// object writes a member by a function that writes its value.
func (w *writer) object(name string, write func()) {
	w.e.FieldStart(name)
	write()
}

// array writes a member that is a list of objects.
func (w *writer) array(name string, n int, of func(i int) []answer.Member) {
	w.object(name, func() {
		w.e.ArrStart()
		for i := range n {
			w.wrapped(of(i))
		}
		w.e.ArrEnd()
	})
}

func (w *writer) money(saved *savings.Totals) {
	w.object("money", func() {
		w.e.ObjStart()
		w.members([]answer.Member{{Name: "tariff_version", Value: answer.Count(saved.Versions.Tariffs)},
			{Name: "template_version", Value: answer.Count(saved.Versions.Templates)},
			{Name: "mature", Value: answer.Bool(saved.Mature)}})
		w.array("rows", len(saved.Rows), func(i int) []answer.Member { return saved.Rows[i] })
		w.e.ObjEnd()
	})
}

func (w *writer) unpriced(reasons []savings.Unpriced) {
	w.array("unpriced", len(reasons), func(i int) []answer.Member {
		return []answer.Member{{Name: "reason", Value: answer.Text(reasons[i].Reason)},
			{Name: "channel", Value: answer.Text(reasons[i].Channel)},
			{Name: "messages", Value: answer.Count(reasons[i].Messages)}}
	})
}

// withheldList writes the names of what the caller may not see.
func (w *writer) withheldList() {
	w.e.ArrStart()
	for _, name := range w.withheld {
		w.e.Str(name)
	}
	w.e.ArrEnd()
}
