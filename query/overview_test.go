package query

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"kaskad/query/querytest"
	"kaskad/schema/keys"
)

// Every figure of the overview is that of its own report: of one account and of all, for several periods.
func TestServer_Overview_Reports(t *testing.T) {
	conn := newConn(t)
	storeLives(t, conn)
	execute(t, conn, `INSERT INTO rejected (topic, partition, offset, line, reason, field, error, raw, at_ms)
		SELECT 't', 1, number, 1, if(number % 3 = 0, 'invalid', 'json'), '', 'e', 'r', 1 FROM numbers(7)`)
	execute(t, conn, `INSERT INTO alert_events (account, seq, id, rule, metric, since_ms, until_ms)
		SELECT if(number = 3, 'other', 'acme'), number, toString(number), 'd', 'delivery', 1, if(number = 1, 5, 0) FROM numbers(4)`)
	s := newServer(t, conn)
	filled := map[string]bool{}
	for _, q := range []url.Values{{}, {"account": {"acme"}}, {"account": {"nobody"}}, {"account": {"acme", "nobody"}},
		{"from": {"2026-11-12"}, "to": {"2026-11-15"}, "tz": {"Asia/Kathmandu"}}, {"to": {"2026-11-15"}},
		{"account": {"acme"}, "to": {"2026-11-01"}}} {
		var got, again map[string]any // the second time it is remembered
		decode(t, get(s, "/v1/overview?"+q.Encode()), http.StatusOK, &got)
		decode(t, get(s, "/v1/overview?"+q.Encode()), http.StatusOK, &again)
		if !reflect.DeepEqual(got, again) {
			t.Errorf("%s: remembered it is %v, before %v", q.Encode(), again, got)
		}
		period := url.Values{"from": {got["from"].(string)}, "to": {got["to"].(string)}}
		for name, list := range q {
			if name != "from" && name != "to" {
				period[name] = list
			}
		}
		compareOverview(t, s, q.Encode(), got, period, filled)
		if len(got["withheld"].([]any)) > 0 {
			t.Errorf("withheld: %v", got["withheld"])
		}
	}
	// Letters that were sent through again are done with, also where their number was remembered.
	for offset := range 3 {
		execute(t, conn, fmt.Sprintf(`INSERT INTO replayed (topic, partition, offset, line, at_ms)
			VALUES ('t', 1, %d, 1, 2)`, offset))
		var got map[string]any
		decode(t, get(s, "/v1/overview"), http.StatusOK, &got)
		left := int64(0)
		for _, row := range got["dead_letters"].([]any) {
			left += whole(t, row.(map[string]any)["letters"])
		}
		if left != int64(6-offset) {
			t.Errorf("after %d replays %d dead letters wait", offset+1, left)
		}
		period := url.Values{"from": {got["from"].(string)}, "to": {got["to"].(string)}}
		compareOverview(t, s, "replayed", got, period, filled)
	}
	for _, name := range []string{"attempts", "money", "unmapped", "dead", "letters", "alerts"} {
		if !filled[name] {
			t.Errorf("%s is never filled", name)
		}
	}
}

// compareOverview holds an overview against the reports of its period.
func compareOverview(t *testing.T, s *Server, what string, got map[string]any, period url.Values,
	filled map[string]bool) {
	t.Helper()
	ask := func(path string, more ...string) querytest.Report {
		q := url.Values{"limit": {"10000"}}
		for name, list := range period {
			q[name] = list
		}
		for i := 0; i+1 < len(more); i += 2 {
			q.Set(more[i], more[i+1])
		}
		return answerOf(t, s, path, q)
	}
	same := func(name string, x, y any) {
		t.Helper()
		if fmt.Sprint(x) != fmt.Sprint(y) {
			t.Errorf("%s: %s is %v, in its report %v", what, name, x, y)
		}
	}
	channels := ask("/v1/reports/channels", "group_by", "").Rows[0]
	for _, part := range []string{"attempts", "opt_outs"} {
		for name, value := range got[part].(map[string]any) {
			same(part+"."+name, value, channels[name])
		}
	}
	filled["attempts"] = filled["attempts"] || channels["attempted"] != number(0)
	saved := ask("/v1/reports/savings")
	money := got["money"].(map[string]any)
	rows := money["rows"].([]any)
	same("money.mature", money["mature"], saved.Mature)
	if same("money.rows", len(rows), len(saved.Rows)); len(rows) != len(saved.Rows) {
		return
	}
	messages, reasons := int64(0), map[string]int64{}
	for i, row := range rows {
		for name, value := range row.(map[string]any) {
			same("money."+name, value, saved.Rows[i][name])
		}
		filled["money"] = filled["money"] || row.(map[string]any)["saved_reached"] != nil
		messages += whole(t, saved.Rows[i]["messages"])
		for _, r := range saved.Rows[i]["unpriced_reasons"].([]any) {
			r := r.(map[string]any)
			reasons[fmt.Sprint(r["reason"], " ", r["channel"])] += whole(t, r["messages"])
		}
	}
	same("messages", got["messages"], messages)
	if people := ask("/v1/reports/penetration").Rows; len(people) > 0 {
		same("messages", got["messages"], people[0]["messages"])
	}
	for _, r := range got["unpriced"].([]any) {
		r := r.(map[string]any)
		same("unpriced", r["messages"], reasons[fmt.Sprint(r["reason"], " ", r["channel"])])
	}
	same("unpriced", len(got["unpriced"].([]any)), len(reasons))
	codes := map[string]int64{"codes": 0, "attempts": 0, "guessed_codes": 0, "guessed_attempts": 0}
	for _, row := range ask("/v1/error-map/unmapped").Rows {
		prefix := ""
		if row["guess"] != nil {
			prefix = "guessed_"
		}
		codes[prefix+"codes"]++
		codes[prefix+"attempts"] += whole(t, row["count"])
		filled["unmapped"] = true
	}
	for name, n := range codes {
		same("unmapped_codes."+name, got["unmapped_codes"].(map[string]any)[name], n)
	}
	for _, kind := range []string{"phone", "email"} {
		q := url.Values{"kind": {kind}}
		if accounts := period["account"]; accounts != nil {
			q["account"] = accounts
		}
		n := len(listed(t, s, "numbers/dead", q.Encode()).Rows)
		same("dead_numbers."+kind, got["dead_numbers"].(map[string]any)[kind], n)
		filled["dead"] = filled["dead"] || n > 0
	}
	letters := map[any]int{}
	for _, row := range listed(t, s, "rejected", "replayed=no").Rows {
		letters[row["reason"]]++
		filled["letters"] = true
	}
	for _, row := range got["dead_letters"].([]any) {
		row := row.(map[string]any)
		same("dead_letters", row["letters"], letters[row["reason"]])
		delete(letters, row["reason"])
	}
	same("dead_letters left", len(letters), 0)
	open, shown := listed(t, s, "alerts/events", url.Values{"open": {"1"}, "account": period["account"]}.Encode()).Rows, 0
	for _, row := range got["alerts"].([]any) {
		n, err := row.(map[string]any)["alerts"].(json.Number).Int64()
		shown += int(n)
		filled["alerts"] = err == nil && n > 0 || filled["alerts"]
	}
	same("alerts", shown, len(open))
}

// The period is the present month in tz, or that of to.
func TestServer_Overview_Period(t *testing.T) {
	conn := newConn(t)
	now := time.Date(2026, 11, 30, 22, 10, 0, 0, time.UTC)
	s := newServer(t, conn, func(c *Config, _ *Deps) { c.Now = func() time.Time { return now } })
	for query, want := range map[string]string{
		"":                             "2026-11-01T00:00:00Z 2026-11-30T23:15:00Z",
		"tz=Europe/Moscow":             "2026-12-01T00:00:00+03:00 2026-12-01T02:15:00+03:00",
		"to=2026-11-01":                "2026-10-01T00:00:00Z 2026-11-01T00:00:00Z",
		"to=2026-11-02":                "2026-11-01T00:00:00Z 2026-11-02T00:00:00Z",
		"from=2026-01-01":              "2026-01-01T00:00:00Z 2026-11-30T23:15:00Z",
		"from=2026-01-01&to=2026-2-1":  "400",
		"from=2026-01-01&group_by=day": "400",
		"limit=1":                      "400",
	} {
		w := get(s, "/v1/overview?"+query)
		if want == "400" {
			wantProblem(t, w, http.StatusBadRequest, "")
			continue
		}
		var got querytest.Report
		decode(t, w, http.StatusOK, &got)
		if got.From+" "+got.To != want {
			t.Errorf("%s: %s %s, want %s", query, got.From, got.To, want)
		}
	}
}

// A key sees what its scopes open elsewhere, of its own account, and is told what it does not see.
func TestServer_Overview_Scopes(t *testing.T) {
	conn := newConn(t)
	storeLives(t, conn)
	s := newServer(t, conn, withKeys)
	all := []string{"messages", "attempts", "opt_outs", "money", "dead_numbers", "unpriced", "unmapped_codes",
		"dead_letters", "alerts"}
	for scope, sees := range map[keys.Scopes][]string{
		keys.Marketer: {"messages", "attempts", "opt_outs", "alerts"},
		keys.Analyst:  {"messages", "attempts", "opt_outs", "money", "unpriced", "unmapped_codes", "alerts"},
		keys.CRM:      {"dead_numbers"}, keys.Admin: slices.Concat(all[:7], []string{"alerts"}),
		keys.Marketer | keys.CRM: {"messages", "attempts", "opt_outs", "dead_numbers", "alerts"},
	} {
		for _, account := range []string{"acme", "empty"} {
			key := makeKey(t, conn, account, scope)
			w := bearer(s, key, http.MethodGet, "/v1/overview", "")
			var got map[string]any
			decode(t, w, http.StatusOK, &got)
			var withheld []any
			for _, name := range all {
				_, shown := got[name]
				if shown != slices.Contains(sees, name) {
					t.Errorf("%v: %s is shown: %v", scope.List(), name, shown)
				}
				if !shown {
					withheld = append(withheld, name)
				}
			}
			if !slices.Equal(got["withheld"].([]any), withheld) {
				t.Errorf("%v: withheld are %v, want %v", scope.List(), got["withheld"], withheld)
			}
			if scope == keys.Marketer && strings.Contains(w.Body.String(), "cost") {
				t.Errorf("money: %s", w.Body)
			}
			if n, found := got["messages"]; found && (account == "empty") != (n == json.Number("0")) {
				t.Errorf("%s has %v messages", account, n)
			}
			if d, found := got["dead_numbers"].(map[string]any); found &&
				(account == "empty") != (d["phone"] == json.Number("0")) {
				t.Errorf("%s has %v dead", account, d)
			}
			if w := bearer(s, key, http.MethodGet, "/v1/overview?account=other", ""); w.Code != http.StatusForbidden {
				t.Errorf("another account: %d %s", w.Code, w.Body)
			}
		}
	}
	if w := bearer(s, makeKey(t, conn, "acme", keys.Ingest), http.MethodGet, "/v1/overview", ""); w.Code !=
		http.StatusForbidden {
		t.Errorf("ingest: %d", w.Code)
	}
}

// At rest an overview costs next to nothing.
func BenchmarkServer_Overview(b *testing.B) {
	conn := newConn(b)
	cells := randomCells(31, 20_000, testNow, 60)
	insertCells(b, conn, cells)
	publish(b, conn, cells)
	s := newServer(b, conn)
	for _, query := range []string{"account=acme", ""} {
		get(s, "/v1/overview?"+query) // computes what is remembered
		b.Run(query, func(b *testing.B) {
			for b.Loop() {
				if w := querytest.Get(s.Handler(), "/v1/overview?"+query); w.Code != http.StatusOK {
					b.Fatal(w.Body)
				}
			}
		})
	}
}
