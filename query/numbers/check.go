package numbers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/gin-gonic/gin"
	"github.com/go-faster/jx"

	"kaskad/query/answer"
	"kaskad/query/store"
)

const (
	// maxChecked is how many numbers one request may ask about.
	maxChecked = 10_000
	// maxCheckBody is enough for as many of the longest e-mail addresses.
	maxCheckBody = 2 << 20
)

// checkedNumber is what a CRM asks before a mailing.
type checkedNumber struct {
	state, rule string
	sinceMS     int64
	optOuts     string // packed
}

// check serves POST /v1/numbers/check.
func (n *Numbers) check(c *gin.Context) error {
	p, err := answer.ReadParams(c)
	if err != nil {
		return err
	}
	account, given := p.One("account")
	if given && account == "" {
		p.Fail("account", "is empty; name an account, or leave the parameter out")
	}
	if err := p.Err(); err != nil {
		return err
	}
	if err := answer.CheckJSON(c.Request); err != nil {
		return err
	}
	body, memory, err := n.gate.Receive(c, maxCheckBody,
		fmt.Sprintf("the body is larger than %d KiB: ask about at most %d numbers at a time", maxCheckBody>>10,
			maxChecked))
	if err != nil {
		return err
	}
	numbers, err := readNumbers(body)
	memory.Release()
	if err != nil {
		return err
	}
	end, err := n.db.Reads(c, &n.gate.Queries)
	if err != nil {
		return err
	}
	defer end()
	ctx, cancel := context.WithTimeout(c.Request.Context(), n.db.QueryTime)
	defer cancel()
	now := n.db.Now()
	asOf, err := n.asOf(ctx, now)
	if err != nil {
		return err
	}
	if !given {
		accounts, err := n.accountsWithNumbers(ctx)
		if err != nil {
			return err
		}
		if len(accounts) > 1 {
			return answer.BadParameter("account", "is needed here: more than one account has numbers; add account=…")
		}
		if len(accounts) == 1 {
			account = accounts[0]
		}
	}
	found, err := n.readChecked(ctx, account, numbers)
	if err == nil && len(found) == 0 {
		err = n.checkAccount(ctx, account)
	}
	if err != nil {
		return fmt.Errorf("check numbers: %w", err)
	}
	var out jx.Encoder
	out.ObjStart()
	for _, m := range append([]answer.Member{{Name: "account", Value: answer.Text(account)}},
		(&answer.Snapshot{NowMS: now.UnixMilli(), AsOfMS: asOf}).Members()...) {
		out.FieldStart(m.Name)
		m.Value.Encode(&out)
	}
	out.FieldStart("rows")
	out.ArrStart()
	for _, number := range numbers {
		found.encode(&out, number)
	}
	out.ArrEnd()
	out.ObjEnd()
	c.Data(http.StatusOK, answer.FormatJSON.ContentType(), out.Bytes())
	return nil
}

// checkedNumbers are the verdicts on numbers that have been seen.
type checkedNumbers map[string]checkedNumber

// encode writes the row of a number.
func (found checkedNumbers) encode(out *jx.Encoder, number string) {
	out.ObjStart()
	defer out.ObjEnd()
	field := func(name string, v answer.Value) {
		out.FieldStart(name)
		v.Encode(out)
	}
	field("number", answer.Text(number))
	if wrong := answer.RecipientProblem(number); wrong != "" {
		field("error", answer.Text(wrong))
		return
	}
	v, seen := found[number]
	if !seen {
		v.state = unknownState
	}
	field("state", answer.Text(v.state))
	field("rule", answer.Text(v.rule))
	field("since", answer.Moment(v.sinceMS))
	field("opt_outs", answer.JSON(optOuts(v.optOuts)))
}

// readNumbers reads {"numbers": […]}. What is not a text is an error of the whole body; a text that is not a number has
// its own row.
func readNumbers(body []byte) (numbers []string, err error) {
	bad := func(detail string) error { return answer.NewProblem(http.StatusBadRequest, "bad-body", detail) }
	const form = `the body must be one JSON object such as {"numbers":["+79161234567"]}`
	d := jx.DecodeBytes(body)
	if d.Next() != jx.Object {
		return nil, bad(form)
	}
	found := false
	err = d.Obj(func(d *jx.Decoder, name string) error {
		if name != "numbers" || found {
			return answer.BadParameter(answer.Shorten(name), "is unknown here, or there twice; "+form)
		}
		found = true
		if d.Next() != jx.Array {
			return answer.BadParameter("numbers", "must be an array of strings; "+form)
		}
		return d.Arr(func(d *jx.Decoder) error {
			if d.Next() != jx.String {
				return answer.BadParameter("numbers",
					fmt.Sprintf("element %d is not a string: write numbers in quotes, with their plus sign",
						len(numbers)+1))
			}
			if len(numbers) == maxChecked {
				return answer.BadParameter("numbers",
					fmt.Sprintf("there are more than %d: ask in several requests", maxChecked))
			}
			number, err := d.Str()
			numbers = append(numbers, number)
			return err
		})
	})
	var p *answer.Problem
	switch {
	case errors.As(err, &p):
		return nil, p
	case err != nil:
		return nil, bad("the body is not valid JSON: " + form)
	case !found:
		return nil, answer.BadParameter("numbers", "is required; "+form)
	}
	if err := d.Skip(); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, bad("something follows the object: " + form)
	}
	return numbers, nil
}

func (n *Numbers) readChecked(ctx context.Context, account string, numbers []string) (found checkedNumbers, err error) {
	wanted, err := ext.NewTable("wanted", ext.Column("number", "String"))
	if err != nil {
		return nil, fmt.Errorf("make external table: %w", err)
	}
	numbers = slices.Compact(slices.Sorted(slices.Values(numbers)))
	asked := 0
	for _, number := range numbers {
		if answer.RecipientProblem(number) != "" {
			continue
		}
		asked++
		if err := wanted.Append(number); err != nil {
			return nil, fmt.Errorf("fill external table: %w", err)
		}
	}
	found = checkedNumbers{}
	if asked == 0 {
		return found, nil
	}
	statement, err := store.Fill(checkTemplate, nil)
	if err != nil {
		return nil, err
	}
	rows, err := n.db.Conn.Query(clickhouse.Context(n.db.Settings(ctx), clickhouse.WithExternalTable(wanted)),
		statement, clickhouse.Named("account", account))
	if err != nil {
		return nil, err
	}
	defer store.CloseRows(rows, &err)
	for rows.Next() {
		var number string
		var v checkedNumber
		if err := rows.Scan(&number, &v.state, &v.rule, &v.sinceMS, &v.optOuts); err != nil {
			return nil, err
		}
		found[number] = v
	}
	return found, rows.Err()
}
