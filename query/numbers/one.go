package numbers

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/gin-gonic/gin"
	"github.com/go-faster/jx"

	"kaskad/query/answer"
	"kaskad/query/store"
)

//go:embed sql/override.sql
var overrideSQL string

// oneQuery asks for a number. Without an account all accounts are searched.
type oneQuery struct{ number, account string }

// SQL returns the statement and its parameters.
func (q *oneQuery) SQL() (string, []any, error) {
	args := []any{clickhouse.Named("number", q.number)}
	if q.account != "" {
		args = append(args, clickhouse.Named("account", q.account))
	}
	statement, err := store.Fill(oneTemplate, map[string]bool{"Account": q.account != ""})
	return statement, args, err
}

// verdict is what number_health says of a number; the zero verdict is that of a number that was never seen.
type verdict struct {
	numberRow
	state, override, why string
	version              uint64
}

// override is a verdict that somebody set by hand; state is "" when there is none.
type override struct {
	state, why, by string
	atMS           int64
	version        uint64
}

// readOne reads what the routes of one number share: the number or e-mail address of the path, and parameter
// account.
func readOne(c *gin.Context) (oneQuery, error) {
	p, err := answer.ReadParams(c)
	if err != nil {
		return oneQuery{}, err
	}
	account, given := p.One("account")
	if given && account == "" {
		p.Fail("account", "is empty; name an account, or leave the parameter out")
	}
	number, err := answer.PathRecipient(c.Param("number"))
	if err == nil {
		err = p.Err()
	}
	return oneQuery{number, account}, err
}

// one serves GET /v1/numbers/{number}.
func (n *Numbers) one(c *gin.Context) error {
	q, err := readOne(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), n.db.QueryTime)
	defer cancel()
	v, err := n.readVerdict(ctx, q)
	if err == nil && v.state == unknownState {
		err = n.checkAccount(ctx, q.account)
	}
	if err != nil {
		return err
	}
	return n.answerNumber(ctx, c, http.StatusOK, v, "")
}

// readVerdict returns the verdict on a number. One that was never seen has the account that was asked for. A number of
// several accounts is a Problem that asks for one of them.
func (n *Numbers) readVerdict(ctx context.Context, q oneQuery) (v verdict, err error) {
	statement, args, err := q.SQL()
	if err != nil {
		return v, err
	}
	rows, err := n.db.Conn.Query(n.db.Settings(ctx), statement, args...)
	if err != nil {
		return v, fmt.Errorf("read verdict: %w", err)
	}
	defer store.CloseRows(rows, &err)
	v.account, v.number, v.state, v.ported, v.valid = q.account, q.number, unknownState, -1, -1
	for n := 0; rows.Next(); n++ {
		if n == 1 {
			return v, answer.BadParameter("account",
				"is needed here: more than one account knows this number; add account=…")
		}
		var packed string
		if err := rows.Scan(&packed, &v.state, &v.version, &v.override, &v.why); err != nil {
			return v, fmt.Errorf("read verdict: %w", err)
		}
		if err := v.unpack(packed); err != nil {
			return v, err
		}
	}
	return v, rows.Err()
}

// readOverride returns the override of a number that was set or taken back last.
func (n *Numbers) readOverride(ctx context.Context, account, number string) (o override, err error) {
	rows, err := n.db.Conn.Query(n.db.Settings(ctx), overrideSQL, clickhouse.Named("account", account),
		clickhouse.Named("number", number))
	if err != nil {
		return o, fmt.Errorf("read override: %w", err)
	}
	defer store.CloseRows(rows, &err)
	for rows.Next() {
		if err := rows.Scan(&o.state, &o.why, &o.by, &o.atMS, &o.version); err != nil {
			return o, fmt.Errorf("read override: %w", err)
		}
	}
	return o, rows.Err()
}

// answerNumber writes a verdict with its evidence; detail, if there is one, tells why the answer is not final.
func (n *Numbers) answerNumber(ctx context.Context, c *gin.Context, status int, v verdict, detail string) error {
	now := n.db.Now()
	asOf, err := n.asOf(ctx, now)
	if err != nil {
		return err
	}
	o, err := n.readOverride(ctx, v.account, v.number)
	if err != nil {
		return err
	}
	wasted, versions, err := n.wastedOn(ctx, v)
	if err != nil {
		return err
	}
	var out jx.Encoder
	out.ObjStart()
	if detail != "" {
		out.FieldStart("detail")
		out.Str(detail)
	}
	field := func(name string, v answer.Value) {
		out.FieldStart(name)
		v.Encode(&out)
	}
	for i, shown := range v.values(nil, wasted) {
		field(Columns[i].Name, shown)
		if Columns[i].Name == "number" {
			field("state", answer.Text(v.state))
		}
	}
	out.FieldStart("override")
	if o.state == "" {
		out.Null()
	} else {
		out.ObjStart()
		field("state", answer.Text(o.state))
		field("why", answer.Text(o.why))
		field("at", answer.Instant(o.atMS))
		field("by", answer.Text(o.by))
		out.ObjEnd()
	}
	field("tariff_version", answer.Count(versions.Tariffs))
	for _, m := range (&answer.Snapshot{NowMS: now.UnixMilli(), AsOfMS: asOf}).Members() {
		field(m.Name, m.Value)
	}
	out.ObjEnd()
	c.Data(status, answer.FormatJSON.ContentType(), out.Bytes())
	return nil
}

// wastedOn prices the streak of one number.
func (n *Numbers) wastedOn(ctx context.Context, v verdict) (wastedCost, answer.PriceVersions, error) {
	lists, err := n.prices.Lists(ctx, []string{v.account}, nil)
	if err != nil {
		return wastedCost{}, answer.PriceVersions{}, err
	}
	wasted, err := n.newStreakPricer(lists).price(ctx, []numberRow{v.numberRow}, nil)
	if err != nil {
		return wastedCost{}, answer.PriceVersions{}, fmt.Errorf("price streak: %w", err)
	}
	return wasted[0], lists.Versions, nil
}
