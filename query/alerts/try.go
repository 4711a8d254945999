package alerts

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-faster/jx"

	"kaskad/money/costs"
	"kaskad/query/answer"
	"kaskad/schema/alert"
	"kaskad/schema/alertlog"
	"kaskad/schema/errormap"
	"kaskad/schema/listfile"
)

const (
	// maxTryBody is what rules to be tried may weigh, in bytes.
	maxTryBody = 256 << 10
	// tryDays is how many days are tried at a time, and maxTried how many alerts an answer lists.
	tryDays  = 31
	maxTried = 1000
)

var notJudgedColumns = []answer.Column{{Name: "rule", Text: "Its id"}, {Name: "days", Type: answer.CountColumn},
	{Name: "first_day", Of: answer.Formed("date")}, {Name: "last_day", Of: answer.Formed("date")}}

func (a *Alerts) tryRoute() answer.Route {
	r := answer.Route{Method: http.MethodPost, Path: "/v1/alerts/try", For: answer.ForAnalysts, Serve: a.try,
		Errors: badTry}.
		Says(answer.TagReports, "What alert rules would have found", "Walks rules through the hours of a period, of "+
			"31 days at most, and stores nothing. Figures are those that are known today. A rule that is off is tried "+
			"too. Of freshness no past is known: `not_tried` names such rules. What nobody can know is not judged: "+
			"`not_judged` tells on how many UTC days some group of a rule on money has an attempt without a price, or "+
			"prices in two currencies.",
			append([]answer.Param{answer.AccountParam("Whose messages.")},
				answer.PeriodParams("Without from: 14 days before to.")...),
			answer.Answer{Text: "The alerts that there would have been, the latest first.", Of: answer.ObjectOf(
				answer.Column{Name: "account"}, answer.Column{Name: "from", Type: answer.TimeColumn},
				answer.Column{Name: "to", Type: answer.TimeColumn},
				answer.Column{Name: "not_tried", Of: answer.ListOf(answer.AnyText())},
				answer.Column{Name: "not_judged", Of: answer.ListOf(answer.ObjectOf(notJudgedColumns...))},
				answer.Column{Name: "rows", Of: answer.ListOf(answer.ObjectOf(columns...))},
				answer.Column{Name: "rows_left_off", Type: answer.CountColumn})})
	r.Body = &answer.Body{Text: "As PUT /v1/alerts takes it.", Of: &answer.Schema{Type: "object"},
		Example: `{"alerts":[{"id":"delivery","metric":"delivery","sensitivity":"high"}]}`}
	return r
}

// try serves POST /v1/alerts/try.
func (a *Alerts) try(c *gin.Context) error {
	p, err := answer.ReadParams(c)
	if err != nil {
		return err
	}
	account := p.Required("account", "rules are tried on the messages of one account; say whose: account=…")
	if _, given := p.Values["account"]; given {
		p.CheckAccount(account)
	}
	now := a.db.Now()
	zone := p.Zone()
	from, to := p.Period(now, zone)
	if _, given := p.One("from"); !given {
		from = to - 14*24*alert.HourMS
	}
	if to-from > tryDays*24*alert.HourMS {
		p.Fail("from", fmt.Sprintf("lies more than %d days before to: try a shorter period", tryDays))
	}
	if err := p.Err(); err != nil {
		return err
	}
	rules, err := a.readRules(c)
	if err != nil {
		return err
	}
	caller := answer.CallerOf(c.Request.Context())
	ofAll := func(r alert.Rule) bool { return r.Metric.Service() }
	if i := slices.IndexFunc(rules.Alerts, ofAll); i >= 0 && !caller.All {
		return wrongRules(answer.ParameterError{Parameter: "alerts.metric", Reason: string(rules.Alerts[i].Metric) +
			" is of all accounts, and needs an admin key of all accounts"})
	}
	end, err := a.db.Reads(c, &a.gate.Queries)
	if err != nil {
		return err
	}
	defer end()
	ctx, cancel := context.WithTimeout(c.Request.Context(), a.db.QueryTime)
	defer cancel()
	fresh, err := a.db.Freshness(ctx)
	if err != nil {
		return err
	}
	asOf := now.UnixMilli()
	if known := a.db.AsOf(fresh, now); known != nil {
		asOf = *known
	}
	t := tried{account: account, from: from, to: to}
	if err := a.walk(ctx, rules, asOf, &t); err != nil {
		return fmt.Errorf("try alert rules: %w", err)
	}
	return t.send(c)
}

// tried is what rules would have found.
type tried struct {
	account  string
	from, to int64
	// notTried are the ids of rules of whose figures no past is known, notJudged those that could not judge some days.
	notTried  []string
	notJudged []notJudged
	events    []alert.Event
}

// notJudged are days, of Unix time and in their order, on which it is not known what messages of a rule cost.
type notJudged struct {
	rule string
	days []int64
}

// walk tries rules, one after the other.
func (a *Alerts) walk(ctx context.Context, rules alert.Rules, asOf int64, t *tried) error {
	priced := &costs.Reader{Conn: a.db.Conn, Unlisted: true}
	reader := &alertlog.Reader{Conn: a.db.Conn, Costs: priced.Read,
		Maps: func(ctx context.Context) (*errormap.Maps, error) { return a.db.ErrorMaps(ctx) }}
	for i := range rules.Alerts {
		r := &rules.Alerts[i]
		if !r.Metric.Tried() {
			t.notTried = append(t.notTried, r.ID)
			continue
		}
		first := (t.from + alert.HourMS - 1) / alert.HourMS
		last := min(t.to/alert.HourMS-1, alertlog.Last(r, asOf))
		if last < first {
			continue
		}
		found, err := alertlog.Try(a.db.Settings(ctx), reader, r, t.account, first, last, asOf)
		if err != nil {
			return err
		}
		t.events = append(t.events, found.Events...)
		if len(found.Unpriced) > 0 {
			t.notJudged = append(t.notJudged, notJudged{r.ID, found.Unpriced})
		}
	}
	slices.SortStableFunc(t.events, func(x, y alert.Event) int { return cmp.Compare(y.SinceMS, x.SinceMS) })
	return nil
}

// readRules reads rules from the body.
func (a *Alerts) readRules(c *gin.Context) (rules alert.Rules, err error) {
	if err := answer.CheckJSON(c.Request); err != nil {
		return rules, err
	}
	body, memory, err := a.gate.Receive(c, maxTryBody, "the rules are larger than "+answer.ByteSize(maxTryBody))
	if err != nil {
		return rules, err
	}
	defer memory.Release()
	// What GET gave of another account is not tried on this one by mistake.
	var of struct {
		Account *string `json:"account"`
	}
	if json.Unmarshal(body, &of) == nil && of.Account != nil && !answer.CallerOf(c.Request.Context()).May(*of.Account) {
		return rules, answer.ForeignAccount()
	}
	rules, err = alert.ReadJSON(body)
	var rows listfile.RowErrors
	if errors.As(err, &rows) {
		wrong := make([]answer.ParameterError, len(rows))
		for i, r := range rows {
			wrong[i] = answer.ParameterError{Parameter: r.Field, Reason: r.Error()}
		}
		return rules, wrongRules(wrong...)
	}
	return rules, err
}

func wrongRules(wrong ...answer.ParameterError) error {
	p := answer.NewProblem(http.StatusUnprocessableEntity, "bad-rules", "nothing was tried: "+wrong[0].Reason)
	p.Errors = wrong
	return p
}

// send writes the answer.
func (t *tried) send(c *gin.Context) error {
	var out encoder
	out.ObjStart()
	out.member("account", answer.Text(t.account))
	out.member("from", answer.Instant(t.from))
	out.member("to", answer.Instant(t.to))
	out.FieldStart("not_tried")
	out.ArrStart()
	for _, id := range t.notTried {
		out.Str(id)
	}
	out.ArrEnd()
	out.FieldStart("not_judged")
	out.ArrStart()
	for _, one := range t.notJudged {
		out.object(notJudgedColumns, []answer.Value{answer.Text(one.rule), answer.Count(uint64(len(one.days))),
			answer.Text(dateOf(one.days[0])), answer.Text(dateOf(one.days[len(one.days)-1]))})
	}
	out.ArrEnd()
	out.FieldStart("rows")
	out.ArrStart()
	for i := range t.events[:min(len(t.events), maxTried)] {
		out.object(columns, row(&t.events[i]))
	}
	out.ArrEnd()
	out.member("rows_left_off", answer.Count(uint64(max(0, len(t.events)-maxTried))))
	out.ObjEnd()
	c.Data(http.StatusOK, answer.FormatJSON.ContentType(), out.Bytes())
	return nil
}

// dateOf is the date of a day of Unix time.
func dateOf(day int64) string { return time.Unix(day*24*3600, 0).UTC().Format(time.DateOnly) }

// encoder writes the answer.
type encoder struct{ jx.Encoder }

func (e *encoder) object(columns []answer.Column, values []answer.Value) {
	e.ObjStart()
	for i, value := range values {
		e.member(columns[i].Name, value)
	}
	e.ObjEnd()
}

func (e *encoder) member(name string, v answer.Value) {
	e.FieldStart(name)
	v.Encode(&e.Encoder)
}
