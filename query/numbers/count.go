package numbers

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"sync"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
	"kaskad/query/rollup"
	"kaskad/query/store"
	"kaskad/schema"
	"kaskad/schema/rules"
)

//go:embed sql/counts.sql
var countsSQL string

var countsTemplate = rollup.Template("counts.sql", countsSQL)

// maxCounts is of how many sets of accounts counts are remembered.
const maxCounts = 10_000

// count is how many numbers of a kind are in a state by a rule, "" without one.
type count struct {
	kind, state, rule string
	numbers           uint64
}

// counts remembers how many numbers are in each state, as of a version of the verdicts. It is safe for concurrent use.
type counts struct {
	mu      sync.Mutex
	version uint64
	of      map[string][]count
}

// countColumns are those of GET /v1/numbers/counts.
var countColumns = []answer.Column{
	{Name: "kind", Of: answer.OneOf(answer.RecipientKinds...), Text: "phone numbers or e-mail addresses"},
	{Name: "state", Of: answer.OneOf(states...), Text: "the state now"},
	{Name: "rule", Of: answer.OneOf(append([]string{""}, rules.OfVerdicts...)...),
		Text: "the rule by which they are in it, as in the list of the dead; empty without one"},
	{Name: "numbers", Type: answer.CountColumn, Text: "how many they are"},
}

// countsRoute is that of GET /v1/numbers/counts.
func (n *Numbers) countsRoute() answer.Route {
	const path = "/v1/numbers/counts"
	return answer.Get(answer.ForCRM, path, n.serveCounts, path).
		Says(answer.TagNumbers, "How many numbers are in each state, and by which rule", "They are of now, "+
			"whatever the period of other figures; `dead` counts the rows of `GET /v1/numbers/dead`.",
			slices.Concat([]answer.Param{answer.AccountsParam()}, answer.FormatParams()),
			answer.Answer{Text: "One row per kind, state and rule that there are numbers of.", Columns: countColumns,
				Around: answer.Fresh()})
}

// serveCounts serves it.
func (n *Numbers) serveCounts(c *gin.Context) error {
	p, err := answer.ReadParams(c)
	if err != nil {
		return err
	}
	f := p.Format(c.Request)
	accounts := accountsOrAll(p.Accounts())
	if err := p.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), n.db.QueryTime)
	defer cancel()
	// as_of before the counts: what was acknowledged until then is in them.
	now := n.db.Now()
	asOf, err := n.asOf(ctx, now)
	if err != nil {
		return err
	}
	found, err := n.count(ctx, accounts)
	if err != nil {
		return err
	}
	t := answer.NewList(f, countColumns)
	for _, of := range found {
		t.Add([]answer.Value{answer.Text(of.kind), answer.Text(of.state), answer.Text(of.rule),
			answer.Count(of.numbers)})
	}
	return t.Send(c, (&answer.Snapshot{NowMS: now.UnixMilli(), AsOfMS: asOf}).Members(), answer.Null)
}

// Dead is how many dead numbers and addresses there are.
type Dead struct{ Phones, Emails uint64 }

// CountDead counts the rows of GET /v1/numbers/dead of the accounts, nil for all.
func (n *Numbers) CountDead(ctx context.Context, accounts []string) (d Dead, err error) {
	found, err := n.count(ctx, accounts)
	for _, of := range found {
		switch {
		case of.state != deadState:
		case of.kind == schema.KindEmail:
			d.Emails += of.numbers
		default:
			d.Phones += of.numbers
		}
	}
	return d, err
}

// count counts the numbers of the accounts, nil for all. What it returns is shared and must not be changed.
func (n *Numbers) count(ctx context.Context, accounts []string) (found []count, err error) {
	var version uint64
	if err := n.db.Conn.QueryRow(n.db.SmallSettings(ctx), versionSQL).Scan(&version); err != nil {
		return nil, fmt.Errorf("read version of verdicts: %w", err)
	}
	key := string(answer.QueryHash(append([]string{fmt.Sprint(accounts == nil)},
		slices.Sorted(slices.Values(accounts))...)...))
	n.counts.mu.Lock()
	known := n.counts.version == version && n.counts.of != nil
	if known {
		found, known = n.counts.of[key]
	}
	n.counts.mu.Unlock()
	if known {
		return found, nil
	}
	if found, err = n.readCounts(ctx, accounts); err != nil {
		return nil, fmt.Errorf("count numbers: %w", err)
	}
	n.counts.mu.Lock()
	defer n.counts.mu.Unlock()
	if n.counts.version != version || n.counts.of == nil || len(n.counts.of) >= maxCounts {
		n.counts.version, n.counts.of = version, map[string][]count{}
	}
	n.counts.of[key] = found
	return found, nil
}

func (n *Numbers) readCounts(ctx context.Context, accounts []string) (found []count, err error) {
	args := []any{clickhouse.Named("emails", schema.KindPrefix(schema.KindEmail))}
	if accounts != nil {
		args = append(args, clickhouse.Named("accounts", accounts))
	}
	statement, err := store.Fill(countsTemplate, map[string]bool{"Accounts": accounts != nil})
	if err != nil {
		return nil, err
	}
	rows, err := n.db.Conn.Query(n.db.Settings(ctx), statement, args...)
	if err != nil {
		return nil, err
	}
	defer store.CloseRows(rows, &err)
	for rows.Next() {
		var email uint8
		of := count{kind: schema.KindPhone}
		if err := rows.Scan(&email, &of.state, &of.rule, &of.numbers); err != nil {
			return nil, err
		}
		if email == 1 {
			of.kind = schema.KindEmail
		}
		found = append(found, of)
	}
	return found, rows.Err()
}
