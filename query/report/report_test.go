package report

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
	"kaskad/query/rollup"
	"kaskad/query/store"
	"kaskad/schema"
)

var update = flag.Bool("update", false, "write the statements of testdata anew")

// hostile is a value that must never become SQL.
const hostile = "x' OR '1'='1 {id:String}"

// lines are capabilities of every level of the lookup.
func lines() *store.Routes {
	exact, upper := "exact", "upper"
	return store.NewRoutes([]store.Capability{
		{Account: "acme", Channel: "email", Provider: "*", Delivery: true, Reads: true, Bound: &upper, SettlingDays: 7},
		{Account: "acme", Channel: "sms", Provider: "mts", SettlingDays: 30},
		{Channel: "push", Provider: "*", Delivery: true, Reads: true, Bound: &exact, SettlingDays: 1},
		{Channel: "push", Provider: "fcm", SettlingDays: 1},
		{Channel: "sms", Provider: "*", Delivery: true, SettlingDays: 3}})
}

// seen is what an answer is of.
func seen() *answer.Snapshot {
	asOfMS := int64(1795132799000)
	return &answer.Snapshot{Edition: 7, Dead: []uint64{5}, NowMS: 1795132800000, AsOfMS: &asOfMS}
}

// value is one that a filter by the key takes.
func value(t *testing.T, k rollup.Key) string {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Kathmandu")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []string{hostile, "RUB", "1", "sms", "promotional", "hard", "expired", "fallback", "2026-11-16",
		"time_to_read", "2026-11", "2026-11-20T13:00:00+05:45", ""} {
		if shown, err := k.Read(v, zone); err == nil {
			return shown
		}
	}
	t.Fatalf("no value is one of %s", k.Name)
	return ""
}

// request asks a report for all of its keys, filtered by everything that it knows, behind a row.
func request(t *testing.T, r *Report) *rollup.Request {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Kathmandu")
	if err != nil {
		t.Fatal(err)
	}
	ask := &rollup.Request{Name: r.Name, Zone: zone, Keys: r.Keys, Extra: r.Extra, FromMS: 1760572800000,
		ToMS: 1795136400000, Limit: 10}
	for _, k := range slices.Concat(r.Keys, r.Extra) {
		ask.Filters = append(ask.Filters, rollup.Filter{Key: k, Values: []string{value(t, k)}})
	}
	if r.Page != nil {
		ask.At = &answer.Cursor{}
		for _, k := range rowKeys(ask) {
			ask.At.After = append(ask.At.After, []byte(value(t, k)))
		}
		if len(r.Sorts) > 0 {
			ask.Order, ask.Search = &rollup.Order{Ranked: r.Sorts[len(r.Sorts)-1], Down: true}, hostile
			ask.At.After = append(ask.At.After, []byte("-41"))
		}
	}
	return ask
}

// What a report reads without keys and filters, and with all of them, is as it was, and no value becomes SQL.
func TestReport_SQL_Golden(t *testing.T) {
	for _, r := range All() {
		for name, ask := range map[string]*rollup.Request{
			"total": {Name: r.Name, Zone: time.UTC, ToMS: 1 << 60, Limit: 1000},
			"all":   request(t, r),
		} {
			t.Run(r.Name+"/"+name, func(t *testing.T) {
				checkGolden(t, r, ask,
					strings.ReplaceAll(r.Name, "-", "_")+"_"+name)
			})
		}
	}
}

func checkGolden(t *testing.T, r *Report, ask *rollup.Request, name string) {
	statement, args, err := r.SQL(ask, r.cells(ask, seen(), lines(), []uint32{1761000300}), lines())
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{hostile, "acme", "Kathmandu", "RUB"} {
		if strings.Contains(statement, value) {
			t.Errorf("%s became SQL", value)
		}
	}
	var got strings.Builder
	got.WriteString(strings.TrimSpace(statement) + "\n")
	for _, a := range args {
		named := a.(driver.NamedValue)
		value, err := json.Marshal(named.Value)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "-- %s = %s\n", named.Name, value)
	}
	path := filepath.Join("testdata", name+".sql")
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: run go test ./query/report -run Golden -update, and read what it wrote", err)
	}
	if got.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}

// A report says which tables it reads, and no others: readiness asks for them.
func TestReport_Tables_OfStatement(t *testing.T) {
	from := regexp.MustCompile(`(?:FROM|JOIN)\s+(?:\(\s*SELECT[^()]*\sFROM\s+)?([a-z_]+)\b`)
	defined := regexp.MustCompile(`([a-z_]+) AS\s*\(`)
	for _, r := range All() {
		ask := request(t, r)
		// The builds of one account are known beforehand.
		at := slices.IndexFunc(ask.Filters, func(f rollup.Filter) bool { return f.Key.Name == "account" })
		ask.Filters[at].Values = append(ask.Filters[at].Values, "another")
		statement, _, err := r.SQL(ask, r.cells(ask, seen(), lines(), nil), lines())
		if err != nil {
			t.Fatal(err)
		}
		for _, instead := range r.Instead {
			cells := &rollup.Cells{Rollup: rollup.Rollup{Table: "rollup_attempts"}, Accounts: ask.Accounts(),
				Seen: seen()}
			another, _, err := ask.Statement(instead, lines().Lines, r.knows, cells)
			if err != nil {
				t.Fatal(err)
			}
			statement += another
		}
		local := []string{"error_map"} // an external table
		for _, m := range defined.FindAllStringSubmatch(statement, -1) {
			local = append(local, m[1])
		}
		tables := []string{"routes"} // what capabilities are read from
		for _, m := range from.FindAllStringSubmatch(statement, -1) {
			if !slices.Contains(local, m[1]) {
				tables = append(tables, m[1])
			}
		}
		slices.Sort(tables)
		if tables = slices.Compact(tables); !slices.Equal(r.Tables, tables) {
			t.Errorf("%s: Tables are %v, the statement reads %v", r.Name, r.Tables, tables)
		}
	}
}

// A report is complete: what readers see of it is there, and its names are its own.
func TestReport_Complete(t *testing.T) {
	if len(All()) < 6 {
		t.Errorf("only %d reports", len(All()))
	}
	for _, r := range All() {
		if (r.Materialize == nil) == (r.Page == nil) {
			t.Errorf("%s: either of Materialize and Page", r.Name)
		}
		columns := slices.Concat(r.Keys.Names(), r.Columns())
		if slices.Sort(columns); len(slices.Compact(columns)) != len(r.Keys)+len(r.Columns()) {
			t.Errorf("%s: a name is there twice: %v", r.Name, columns)
		}
		for _, f := range r.Figures {
			if f.Name == "" || (f.Formula == "") != (f.Kind == rollup.Rate) || (f.Numerator == "") == (f.Kind == rollup.Rate) {
				t.Errorf("%s: a figure lacks something: %+v", r.Name, f)
			}
		}
		for _, name := range strings.Split(r.DefaultKeys, ",") {
			if _, known := r.Keys.Find(name); !known {
				t.Errorf("%s: default key %s is not known", r.Name, name)
			}
		}
		if _, known := r.Keys.Find(r.Always); r.Always != "" && !known {
			t.Errorf("%s: key %s is not known", r.Name, r.Always)
		}
	}
}

// What no report takes is refused by every report, with the parameter and the reason, before anything is read.
func TestReport_Errors(t *testing.T) {
	gin.SetMode(gin.ReleaseMode)
	db := &store.DB{Now: func() time.Time { return time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC) },
		QueryTime: time.Second, Cursors: answer.NewCursors([]schema.CursorKey{{1}}, nil)}
	room := New(db, nil)
	names := []string{"number", "path", "currency"}
	for _, r := range All() {
		names = append(names, r.Keys.Names()...)
	}
	for _, route := range room.Routes() {
		if route.Path == Compare.Path() || route.Path == overlapPath {
			continue // They take other parameters.
		}
		refused := map[string][2]string{
			"group_by=nothing":              {"group_by", "is no name"},
			"group_by=account,account":      {"group_by", "twice"},
			"unknown=1":                     {"unknown", ""},
			"from=yesterday":                {"from", "RFC 3339"},
			"from=2026-11-02&to=2026-11-01": {"to", ""},
			"tz=Mars":                       {"tz", "IANA"},
			"limit=0":                       {"limit", "whole number"},
			"limit=10001":                   {"limit", "whole number"},
			"limit=all":                     {"limit", "whole number"},
			"to=2026-11-01T00:01:00Z":       {"to", "quarter hour"},
			"format=xml":                    {"format", "is no format"},
			"format=orc":                    {"format", "json csv ndjson"},
			"cursor=x":                      {"cursor", "cannot be read"},
			"day=tomorrow":                  {"day", "must be a date"},
			"week=2026-11-17":               {"week", "Monday"},
			"weekday=8":                     {"weekday", "1…7"},
		}
		r := All()[slices.IndexFunc(All(), func(r *Report) bool { return r.Path() == route.Path })]
		for _, k := range slices.Concat(r.Keys, r.Extra) {
			if _, err := k.Read("?", time.UTC); err != nil {
				refused[k.Name+"=%3F"] = [2]string{k.Name, err.Error()}
			}
		}
		for _, name := range names {
			if _, known := r.Keys.Find(name); !known {
				refused["group_by="+name] = [2]string{"group_by", "is no name"}
			}
			if _, known := slices.Concat(r.Keys, r.Extra).Find(name); !known {
				refused[name+"=x"] = [2]string{name, "is unknown here"}
			}
		}
		for query, want := range refused {
			c, _ := gin.CreateTestContext(httptest.NewRecorder())
			(&answer.Route{Params: r.Params()}).Enter(c)
			c.Request = httptest.NewRequest(http.MethodGet, route.Path+"?"+query, nil)
			problem := answer.AsProblem(route.Serve(c))
			if problem.Status != http.StatusBadRequest || len(problem.Errors) == 0 ||
				problem.Errors[0].Parameter != want[0] || !strings.Contains(problem.Detail, want[1]) {
				t.Errorf("%s?%s: %+v, want %v", route.Path, query, problem, want)
			}
		}
	}
}

// The landing page names every report, each address with parameters that the report takes.
func TestRoom_Routes_Try(t *testing.T) {
	routes := New(&store.DB{}, nil).Routes()
	for i, route := range routes[:len(All())] {
		r := All()[i]
		if route.Path != "/v1/reports/"+r.Name || !slices.Contains(route.Try, route.Path) {
			t.Errorf("%s: %+v", r.Name, route)
		}
		for _, try := range route.Try {
			address, err := url.Parse(try)
			if err != nil {
				t.Fatal(err)
			}
			for name := range address.Query() {
				if !route.Takes(name) {
					t.Errorf("%s: %s is no parameter", try, name)
				}
			}
		}
	}
}
