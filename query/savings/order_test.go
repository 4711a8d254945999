package savings

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kaskad/engine/enginetest"
	"kaskad/query/querytest"
	"kaskad/simulate/model"
)

// sortNaive puts the rows of the model in order: by the field as the model writes it, what is null last, money within
// its currency.
func sortNaive(tb testing.TB, rows []model.SavingsRow, sort string) (unequal int) {
	tb.Helper()
	field, down := strings.CutPrefix(sort, "-")
	type line struct {
		row   model.SavingsRow
		value *big.Rat
		money bool
	}
	lines := make([]line, len(rows))
	for i, row := range rows {
		encoded, err := row.MarshalJSON()
		if err != nil {
			tb.Fatal(err)
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(encoded, &fields); err != nil {
			tb.Fatal(err)
		}
		lines[i].row = row
		text := string(fields[field])
		if text == "null" {
			continue
		}
		lines[i].money = strings.HasPrefix(text, `"`)
		var read bool
		if lines[i].value, read = new(big.Rat).SetString(strings.Trim(text, `"`)); !read {
			tb.Fatalf("%s: %s", field, text)
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int {
		switch {
		case a.value == nil && b.value == nil:
			return 0
		case a.value == nil:
			return 1
		case b.value == nil:
			return -1
		case a.money && a.row.Currency != b.row.Currency:
			return strings.Compare(a.row.Currency, b.row.Currency)
		case down:
			return b.value.Cmp(a.value)
		}
		return a.value.Cmp(b.value)
	})
	for i, l := range lines {
		if rows[i] = l.row; i > 0 && l.value != nil && lines[i-1].value != nil && l.value.Cmp(lines[i-1].value) != 0 {
			unequal++
		}
	}
	return unequal
}

// Pages come in the order of the model's rows, however they are cut and whatever is remembered.
func TestSavings_Order_Model(t *testing.T) {
	conn, m, _ := newSavings(t, 13, 2000, 40)
	s := newRoom(t, conn)
	r := rand.New(rand.NewPCG(13, 13))
	unequal := map[string]int{}
	for i := range enginetest.World(t, 2*len(orders), 2*len(orders), 8*len(orders)) {
		field := orders[i/2%len(orders)].field
		sort := []string{field, "-" + field}[i%2]
		names := Keys.Names()
		r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		groupBy := names[:1+r.IntN(3)]
		values := url.Values{"group_by": {strings.Join(groupBy, ",")}, "sort": {sort}, "tz": {"UTC"},
			"from": {testNow.AddDate(0, 0, -50).Truncate(24 * time.Hour).Format(time.RFC3339)},
			"to":   {testNow.Truncate(24 * time.Hour).Format(time.RFC3339)}}
		filters := map[string][]string{}
		if r.IntN(2) == 0 {
			filters["account"] = []string{"acme"} // sums of days are remembered of one account
			values.Set("account", "acme")
		}
		want := m.report(t, groupBy, filters, time.UTC, testNow.AddDate(0, 0, -50).Truncate(24*time.Hour),
			testNow.Truncate(24*time.Hour))
		unequal[field] += sortNaive(t, want, sort)
		values.Set("limit", strconv.Itoa(1+len(want)/5+r.IntN(1+len(want)/2)))
		var got []map[string]any
		for what := values.Encode(); ; {
			page := savingsReport(t, s, values.Encode())
			if got = append(got, page.Rows...); page.NextCursor == nil {
				if err := compare(want, got); err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				break
			}
			values.Set("cursor", *page.NextCursor)
		}
	}
	for _, by := range orders {
		if unequal[by.field] < 3 {
			t.Errorf("%s: rows are alike, the test sorts nothing", by.field)
		}
	}
}

// What is no order is refused, and a cursor goes on with its own order alone.
func TestSavings_Order_Errors(t *testing.T) {
	conn, _, _ := newSavings(t, 5, 200, 5)
	s := newRoom(t, conn)
	for query, word := range map[string]string{"sort=-saved_reachd": "did you mean -saved_reached?",
		"sort=campaign": "is no order", "sort=": "is no order"} {
		querytest.WantProblem(t, querytest.Get(s, "/v1/reports/savings?"+query), http.StatusBadRequest, "sort", word)
	}
	querytest.WantProblem(t, querytest.Get(s, "/v1/reports/savings?search=x"), http.StatusBadRequest, "search",
		"is unknown here")
	const query = "group_by=campaign&sort=-messages&limit=1"
	page := savingsReport(t, s, query)
	for _, other := range []string{"", "&sort=messages", "&sort=-read"} {
		querytest.WantProblem(t, querytest.Get(s, "/v1/reports/savings?group_by=campaign&limit=1"+other+"&cursor="+
			*page.NextCursor), http.StatusBadRequest, "cursor", "another query")
	}
	// One row has no order.
	if rows := savingsReport(t, s, "sort=-saved").Rows; !slices.IsSortedFunc(rows, func(a, b map[string]any) int {
		return cmp.Compare(fmt.Sprint(a["currency"]), fmt.Sprint(b["currency"]))
	}) {
		t.Errorf("rows without keys come by currency, got %v", rows)
	}
}
