package query

import (
	"cmp"
	"encoding/json"
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
	"kaskad/query/report"
)

// groupFields are those of the list that the channel report has too.
var groupFields = []string{"attempted", "sent", "delivered", "read", "clicked", "replied", "failed", "pending",
	"skipped", "open_rate_bound", "mature"}

// naiveGroups returns the rows of the list as the model of the channel report has them, with their first cohorts, those
// with a key that holds the text, sorted.
func naiveGroups(cells []cell, groupBy []string, filters map[string][]string, zone *time.Location, from, to time.Time,
	sort, search string) []map[string]any {
	var kept []cell
	firsts := map[string]time.Time{}
	for _, c := range cells {
		holds := search == ""
		for _, name := range groupBy {
			holds = holds || strings.Contains(strings.ToLower(shownKey(c, name, zone)), strings.ToLower(search))
		}
		if !holds {
			continue
		}
		kept = append(kept, c)
		within := !c.cohort.Before(from) && c.cohort.Before(to)
		for name, values := range filters {
			within = within && slices.Contains(values, shownKey(c, name, zone))
		}
		id := groupID(groupBy, func(name string) string { return shownKey(c, name, zone) })
		if first, found := firsts[id]; within && (!found || c.cohort.Before(first)) {
			firsts[id] = c.cohort
		}
	}
	rows := naiveReport(kept, groupBy, filters, zone, from, to, testNow, nil)
	for i, all := range rows {
		row := map[string]any{"first_at": nil}
		for _, name := range append(groupFields, groupBy...) {
			row[name] = all[name]
		}
		for _, name := range []string{"delivery", "open", "click", "reply"} {
			for _, part := range []string{"_num", "_den", "_rate", "_rate_low", "_rate_high"} {
				row[name+part] = all[name+part]
			}
		}
		id := groupID(groupBy, func(name string) string { return jsonText(all[name]) })
		if first, found := firsts[id]; found {
			row["first_at"] = first.UTC().Format("2006-01-02T15:04:05.000Z")
		}
		rows[i] = row
	}
	field, down := strings.CutPrefix(sort, "-")
	slices.SortStableFunc(rows, func(a, b map[string]any) int {
		switch x, y := a[field], b[field]; {
		case sort == "":
			return 0
		case x == nil || y == nil:
			return cmp.Compare(isNil(x), isNil(y))
		case field == "first_at" && down:
			return strings.Compare(y.(string), x.(string))
		case field == "first_at":
			return strings.Compare(x.(string), y.(string))
		case down:
			return cmp.Compare(numberOf(y), numberOf(x))
		default:
			return cmp.Compare(numberOf(x), numberOf(y))
		}
	})
	return rows
}

func groupID(groupBy []string, value func(name string) string) string {
	var id []string
	for _, name := range groupBy {
		id = append(id, strings.ToValidUTF8(value(name), "\ufffd"))
	}
	return strings.Join(id, "\x00")
}

func jsonText(v any) string {
	if n, isNumber := v.(json.Number); isNumber {
		return n.String()
	}
	return v.(string)
}

func isNil(v any) int {
	if v == nil {
		return 1
	}
	return 0
}

func numberOf(v any) float64 {
	f, err := strconv.ParseFloat(string(v.(json.Number)), 64)
	if err != nil {
		panic(err)
	}
	return f
}

// groupPages reads the list page by page, and whether all of it is mature.
func groupPages(t *testing.T, s *Server, values url.Values) (rows []map[string]any, mature bool) {
	t.Helper()
	for {
		var page querytest.Report
		decode(t, get(s, "/v1/reports/groups?"+values.Encode()), http.StatusOK, &page)
		if limit, _ := strconv.Atoi(values.Get("limit")); len(page.Rows) > limit {
			t.Errorf("%s: a page of %d", values.Encode(), len(page.Rows))
		}
		rows = append(rows, page.Rows...)
		if page.NextCursor == nil {
			return rows, page.Mature
		}
		values.Set("cursor", *page.NextCursor)
	}
}

// The list is the channel report with the first cohort of each row, however it is sorted, searched and cut.
func TestServer_Groups_Naive(t *testing.T) {
	conn := newConn(t)
	cells := randomCells(11, 3000, testNow, 60)
	insertCells(t, conn, cells)
	querytest.Scatter(t, conn, "rollup_attempts")
	s := newServer(t, conn)
	groups := reportNamed(t, "groups")
	r := rand.New(rand.NewPCG(11, 11))
	sorts := []string{""}
	for _, by := range groups.Sorts {
		sorts = append(sorts, by.Field, "-"+by.Field)
	}
	found, asked := 0, enginetest.World(t, len(sorts), len(sorts), 4*len(sorts))
	for i := range asked {
		zone := querytest.Location(t, []string{"UTC", "Asia/Kathmandu"}[r.IntN(2)])
		names := groups.Keys.Names()
		r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		groupBy := names[:r.IntN(4)]
		from := testNow.AddDate(0, 0, -r.IntN(70)).Add(time.Duration(r.IntN(96)) * 15 * time.Minute)
		to := from.Add(time.Duration(1+r.IntN(96*40)) * 15 * time.Minute)
		sort := sorts[i%len(sorts)]
		search := []string{"", "", "С", "c", "aCm", "нет", "1", "\"B\"", "-10%"}[r.IntN(9)]
		values := url.Values{"group_by": {strings.Join(groupBy, ",")}, "tz": {zone.String()},
			"from": {from.In(zone).Format(time.RFC3339)},
			"to":   {to.Format(time.RFC3339)}}
		if sort != "" {
			values.Set("sort", sort)
		}
		if len(groupBy) == 0 {
			search = "" // which no key holds
		}
		if search != "" {
			values.Set("search", search)
		}
		filters := map[string][]string{}
		if r.IntN(2) == 0 {
			name := names[r.IntN(len(names))]
			for range 1 + r.IntN(3) {
				value := shownKey(cells[r.IntN(len(cells))], name, zone)
				filters[name] = append(filters[name], value)
				values.Add(name, value)
			}
		}
		want := naiveGroups(cells, groupBy, filters, zone, from, to, sort, search)
		values.Set("limit", strconv.Itoa(1+len(want)/6+r.IntN(1+len(want)/2)))
		what := values.Encode()
		got, mature := groupPages(t, s, values)
		querytest.SameRows(t, what, got, want)
		wantMature := true
		for _, row := range want {
			wantMature = wantMature && row["mature"].(bool)
		}
		if mature != wantMature {
			t.Errorf("%s: mature is %v, want %v", what, mature, wantMature)
		}
		if found += len(want); t.Failed() {
			return
		}
	}
	if found < 8*asked {
		t.Errorf("only %d rows were compared", found)
	}
}

// A cursor goes on with its own order and search alone.
func TestServer_Groups_Cursor(t *testing.T) {
	conn := newConn(t)
	cells := randomCells(3, 300, testNow, 20)
	insertCells(t, conn, cells)
	publish(t, conn, cells)
	s := newServer(t, conn)
	var page querytest.Report
	decode(t, get(s, "/v1/reports/groups?sort=-sent&limit=2"), http.StatusOK, &page)
	for _, other := range []string{"", "sort=sent", "sort=-read", "sort=-sent&search=c"} {
		wantProblem(t, get(s, "/v1/reports/groups?limit=2&"+other+"&cursor="+*page.NextCursor), http.StatusBadRequest,
			"cursor", "another query")
	}
}

// What is no order is refused, and reports that are not sorted know neither parameter.
func TestServer_Groups_Errors(t *testing.T) {
	s := newServer(t, newConn(t))
	wantProblem(t, get(s, "/v1/reports/groups?sort=-snet"), http.StatusBadRequest, "sort", "did you mean -sent?")
	wantProblem(t, get(s, "/v1/reports/groups?sort=campaign"), http.StatusBadRequest, "sort", "is no order")
	wantProblem(t, get(s, "/v1/reports/groups?search="), http.StatusBadRequest, "search", "is empty")
	for _, of := range report.All() {
		if len(of.Sorts) == 0 {
			wantProblem(t, get(s, of.Path()+"?sort=-sent"), http.StatusBadRequest, "sort", "is unknown here")
			wantProblem(t, get(s, of.Path()+"?search=x"), http.StatusBadRequest, "search", "is unknown here")
		}
	}
}
