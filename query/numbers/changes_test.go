package numbers

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/query/store"
	"kaskad/schema"
	"kaskad/schema/schematest"
)

type changeRow struct {
	account, number, from, to, rule string
	seq                             uint64
}

func insertChanges(tb testing.TB, conn driver.Conn, rows ...changeRow) {
	tb.Helper()
	batch, err := conn.PrepareBatch(tb.Context(),
		"INSERT INTO number_changes (account, seq, number, `from`, `to`, at_ms, rule, seen_ms)")
	if err != nil {
		tb.Fatal(err)
	}
	for _, r := range rows {
		if err := batch.Append(r.account, r.seq, r.number, r.from, r.to, int64(r.seq)*1000, r.rule,
			int64(r.seq)*1000+7); err != nil {
			tb.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		tb.Fatal(err)
	}
}

// A client that follows the feed while verdicts change gets each change once and in order, through restarts and pages
// of any size.
func TestNumbers_Changes_Follow(t *testing.T) {
	conn := schematest.Conn(t)
	r := rand.New(rand.NewPCG(3, 9))
	var all []changeRow
	seq := uint64(1000)
	grow := func() {
		var rows []changeRow
		for range 1 + r.IntN(30) {
			seq += uint64(1 + r.IntN(5))
			rows = append(rows, changeRow{[]string{"acme", "beta"}[r.IntN(2)], fmt.Sprintf("+7900%07d", r.IntN(20)),
				"unknown", []string{"dead", "active"}[r.IntN(2)], "hard", seq})
		}
		insertChanges(t, conn, rows...)
		all = append(all, rows...)
	}
	grow()
	for _, c := range []struct {
		query string
		match func(changeRow) bool
	}{
		{"", func(changeRow) bool { return true }},
		{"account=beta&", func(c changeRow) bool { return c.account == "beta" }},
		{"number=%2B79000000007&to=dead&",
			func(c changeRow) bool { return c.number == "+79000000007" && c.to == "dead" }},
	} {
		cursor := ""
		var got []string
		follow := func(limit int) int {
			s := newRoom(conn) // each page is another process
			page := s.list(t, "numbers/changes", fmt.Sprintf("%slimit=%d%s", c.query, limit, cursor))
			for _, r := range page.Rows {
				got = append(got, fmt.Sprint(r["account"], r["number"], r["to"], r["at"]))
			}
			if page.NextCursor == nil {
				t.Fatal("there is no next cursor")
			}
			cursor = "&cursor=" + *page.NextCursor
			return len(page.Rows)
		}
		for range 10 {
			follow(1 + r.IntN(20))
			grow()
		}
		for follow(100) == 100 {
		}
		var want []string
		for _, r := range all {
			if c.match(r) {
				want = append(want, fmt.Sprint(r.account, r.number, r.to, answer.TimeText(int64(r.seq)*1000)))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %d changes, want %d in their order", c.query, len(got), len(want))
		}
	}
	s := newRoom(conn)
	one := querytest.Get(s, "/v1/numbers/changes?limit=1").Body.String()
	if want := fmt.Sprintf(`{"as_of":"2026-11-20T00:00:00.000Z","lag_seconds":0,"rows":[{"account":%q,"number":%q,"from":"unknown","to":%q,"at":%q,"rule":"hard","seen_at":%q,"seq":%d}],"next_cursor":"`, all[0].account, all[0].number, all[0].to,
		answer.TimeText(int64(all[0].seq)*1000), answer.TimeText(int64(all[0].seq)*1000+7),
		all[0].seq); !strings.HasPrefix(one,
		want) {
		t.Errorf("got %s, want %s", one, want)
	}
	// An export ends where its cursor goes on.
	w := querytest.Get(s, "/v1/numbers/changes?limit=all&format=csv")
	if lines := strings.Count(w.Body.String(), "\r\n"); lines != len(all)+1 {
		t.Errorf("an export of %d lines", lines)
	}
	grow()
	if page := s.list(t, "numbers/changes",
		"cursor="+w.Header().Get("Kaskad-Next-Cursor")); fmt.Sprint(page.Rows[0]["seq"]) == "" || len(page.Rows) == 0 ||
		page.Rows[0]["seq"] != s.list(t, "numbers/changes", "limit=10000").Rows[len(all)-len(page.Rows)]["seq"] {
		t.Errorf("after the export: %v", page.Rows)
	}
}

// Read from its end the feed is the same, the other way round, through pages of any size; what comes meanwhile is
// not in them.
func TestNumbers_Changes_Newest(t *testing.T) {
	conn := schematest.Conn(t)
	r := rand.New(rand.NewPCG(3, 10))
	var all []changeRow
	for i := range 100 {
		all = append(all, changeRow{[]string{"acme", "beta"}[r.IntN(2)], fmt.Sprintf("+7900%07d", r.IntN(20)),
			"unknown", []string{"dead", "active"}[r.IntN(2)], "hard", uint64(1 + 3*i)})
	}
	insertChanges(t, conn, all...)
	s := newRoom(conn)
	for query, match := range map[string]func(changeRow) bool{
		"":                      func(changeRow) bool { return true },
		"&account=beta&to=dead": func(c changeRow) bool { return c.account == "beta" && c.to == "dead" },
	} {
		var want, got []string
		for _, c := range slices.Backward(all[:100]) {
			if match(c) {
				want = append(want, fmt.Sprint(c.account, c.number, c.to, c.seq))
			}
		}
		for cursor, pages := "", 0; ; pages++ {
			page := s.list(t, "numbers/changes", fmt.Sprintf("order=newest&limit=%d%s%s", 1+r.IntN(20), query, cursor))
			for _, c := range page.Rows {
				got = append(got, fmt.Sprint(c["account"], c["number"], c["to"], c["seq"]))
			}
			if page.NextCursor == nil || pages > len(all) {
				break
			}
			cursor = "&cursor=" + *page.NextCursor
			all = append(all, changeRow{"beta", "+79000000099", "unknown", "dead", "hard", all[len(all)-1].seq + 1})
			insertChanges(t, conn, all[len(all)-1])
		}
		// Those that came between the tests come first.
		if len(got) < len(want) || !slices.Equal(got[len(got)-len(want):], want) {
			t.Errorf("%q: %v, want %v", query, got, want)
		}
	}
	forwards := *s.list(t, "numbers/changes", "limit=1").NextCursor
	for query, parameter := range map[string]string{"order=up": "order", "order=newest&wait=1": "order",
		"order=newest&limit=all&format=csv": "order", "order=newest&cursor=" + forwards: "cursor"} {
		querytest.WantProblem(t, querytest.Get(s, "/v1/numbers/changes?"+query), http.StatusBadRequest, parameter)
	}
}

func TestNumbers_Changes_Wait(t *testing.T) {
	conn := schematest.Conn(t)
	insertChanges(t, conn, changeRow{"acme", "+79000000001", "unknown", "dead", "hard", 10})
	s := newRoom(conn)
	// Who waits holds no turn: more wait than may read at a time.
	cursor := *s.list(t, "numbers/changes", "wait=30").NextCursor
	var waiting sync.WaitGroup
	const waiters = 3 * querytest.Turns
	answers := make([]list, waiters)
	for i := range waiters {
		waiting.Go(func() {
			query := "to=active&wait=30"
			if i%2 == 0 {
				query = "wait=30&cursor=" + cursor
			}
			answers[i] = s.list(t, "numbers/changes", query)
		})
	}
	if got := s.list(t, "numbers/dead", ""); len(got.Rows) != 0 {
		t.Error(got)
	}
	insertChanges(t, conn, changeRow{"acme", "+79000000002", "unknown", "dead", "hard", 20})
	insertChanges(t, conn, changeRow{"acme", "+79000000001", "dead", "active", "override", 30})
	waiting.Wait()
	for i, a := range answers {
		if first := a.Rows[0]["number"]; (i%2 == 0) != (first == "+79000000002") {
			t.Errorf("waiter %d: %v", i, a.Rows)
		}
	}
	// Nothing comes: the cursor moves on all the same.
	after := *s.list(t, "numbers/changes", "number=%2B79000000002&to=active").NextCursor
	if page := s.list(t, "numbers/changes",
		"number=%2B79000000002&to=active&wait=1&cursor="+after); len(page.Rows) != 0 || *page.NextCursor != after {
		t.Errorf("a page of nothing: %v", page)
	}
	// A server that ends keeps nobody waiting.
	ended := make(chan list, 1)
	go func() {
		ended <- s.list(t, "numbers/changes", "wait=30&cursor="+*answers[1].NextCursor+"&to=active")
	}()
	close(s.gate.Stopping)
	if page := <-ended; len(page.Rows) != 0 {
		t.Error(page)
	}

	other := newRoom(conn)
	for _, c := range []struct{ query, parameter, word string }{
		{"cursor=" + cursor + "&account=acme", "cursor", "another query"},
		{"cursor=eyJxIjoiMTIzIiwiayI6WyIxMCJdfQ", "cursor", "older version"},
		{"cursor=!", "cursor", "start again"},
		{"wait=31", "wait", "0…30"},
		{"wait=1.5", "wait", "whole number"},
		{"wait=1&limit=all&format=csv", "wait", "limit=all"},
		{"to=deaf", "to", "did you mean dead?"},
		{"number=%2B12", "number", "2 digits"},
		{"from=dead", "from", "unknown here"},
	} {
		querytest.WantProblem(t, querytest.Get(other, "/v1/numbers/changes?"+c.query), http.StatusBadRequest,
			c.parameter, c.word)
	}
}

// obey answers the queue as the aggregator does, until ctx ends: it gives the verdict that an override asks for, under
// a new version.
func obey(ctx context.Context, conn driver.Conn) error {
	for version := 100; ; version++ {
		err := conn.Exec(ctx, "INSERT INTO number_health (account, number, version, state, rule, since_ms, override, "+
			"why, ported, valid) "+
			"SELECT q.account, q.number, "+strconv.Itoa(version)+", if(o.state = '', 'unknown', o.state), if(o.state "+
			"= '', '', 'override'), o.at_ms, o.state, o.why, -1, -1 "+
			"FROM (SELECT DISTINCT account, number FROM number_queue WHERE batch IN (SELECT id FROM touched WHERE "+
			"bucket = 0)) AS q "+
			"JOIN (SELECT * FROM number_overrides FINAL) AS o ON o.account = q.account AND o.number = q.number")
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the end of the test interrupts it
		}
		if err != nil {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestNumbers_Override_PutAndDelete(t *testing.T) {
	conn := schematest.Conn(t)
	insertHealth(t, conn, "number_health", dead("acme", "+79160000001", 1), dead("acme", "+79160000002", 1),
		dead("beta", "+79160000002", 1))
	clock := querytest.Now()
	s := newRoom(conn, func(db *store.DB) { db.Now = func() time.Time { return clock } })
	put := func(path, body string) (w *http.Response, reply map[string]any) {
		t.Helper()
		r := querytest.Call(s, http.MethodPut, "/v1/numbers/"+path, strings.NewReader(body), "Content-Type",
			"application/json")
		querytest.Decode(t, r, r.Code, &reply)
		return r.Result(), reply
	}
	// Nobody answers: the override is stored all the same.
	s.verdictWait = 300 * time.Millisecond
	if w, reply := put("+79160000001/override",
		`{"state":"active","why":"he called"}`); w.StatusCode != http.StatusAccepted || reply["state"] != "dead" ||
		!strings.Contains(fmt.Sprint(reply["detail"]), "is the aggregator running?") ||
		fmt.Sprint(reply["override"]) != "map[at:2026-11-20T00:00:00.000Z by:auth off state:active why:he called]" {
		t.Errorf("%s %v", w.Status, reply)
	}
	s.verdictWait = 20 * time.Second
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	obeyed := make(chan error, 1)
	go func() { obeyed <- obey(ctx, conn) }()
	for _, c := range []struct{ path, body, state, account string }{
		{"%2B79160000001/override", `{"state":"quarantined","why":"wrong person"}`, "quarantined", "acme"},
		// again, at the same time
		{"+79160000001/override", `{"state":"quarantined","why":"wrong person"}`, "quarantined", "acme"},
		{"%2B79160000002/override?account=beta", `{"state":"dead","why":"x"}`, "dead", "beta"},
		{"+79160000009/override?account=acme", `{"state":"dead","why":"never seen"}`, "dead", "acme"},
	} {
		w, reply := put(c.path, c.body)
		if w.StatusCode != http.StatusOK || reply["state"] != c.state || reply["account"] != c.account ||
			reply["rule"] != "override" || reply["detail"] != nil {
			t.Errorf("%s: %s %v", c.path, w.Status, reply)
		}
	}
	var reply map[string]any
	querytest.Decode(t, querytest.Call(s, http.MethodDelete, "/v1/numbers/+79160000001/override", nil), http.StatusOK,
		&reply)
	if reply["override"] != nil || reply["state"] != "unknown" {
		t.Errorf("deleted: %v", reply)
	}
	// There is nothing to take back from a number that has no override.
	querytest.Decode(t, querytest.Call(s, http.MethodDelete, "/v1/numbers/+79160000002/override?account=acme", nil),
		http.StatusOK, &reply)
	if reply["override"] != nil || reply["state"] != "dead" {
		t.Errorf("deleted nothing: %v", reply)
	}
	cancel()
	if err := <-obeyed; err != nil {
		t.Error(err)
	}
	// The clock stood still; each version is above the one before.
	var versions []uint64
	if err := conn.QueryRow(t.Context(),
		"SELECT groupArray(version) FROM (SELECT version FROM number_overrides WHERE account = 'acme' AND number = "+
			"'+79160000001' ORDER BY version)").Scan(&versions); err != nil {
		t.Fatal(err)
	}
	first := uint64(querytest.Now().UnixMicro())
	if versions[len(versions)-1] != first+3 {
		t.Errorf("versions %d from %d on", versions, first)
	}

	for _, c := range []struct {
		path, body, parameter, word string
	}{
		{"+79160000002/override", `{"state":"dead","why":"x"}`, "account", "more than one account"},
		{"+79160000077/override", `{"state":"dead","why":"x"}`, "account", "no account knows this number"},
		{"+79160000001/override", `{"state":"deaf","why":"x"}`, "state", "did you mean dead?"},
		{"+79160000001/override", `{"state":"unknown","why":"x"}`, "state", "DELETE"},
		{"+79160000001/override", `{"state":"dead"}`, "why", "is required"},
		{"+79160000001/override", `{"state":"dead","why":""}`, "why", "is empty"},
		{"+79160000001/override", `{"why":"x"}`, "state", "is required"},
		{"+79160000001/override", `{"state":"dead","why":"` + strings.Repeat("x", 1001) + `"}`, "why", "1000 bytes"},
		{"+79160000001/override", `{"state":"dead","why":"x","until":"2027"}`, "until", "unknown here"},
		{"+12/override", `{"state":"dead","why":"x"}`, "number", "2 digits"},
		{"79160000001/override", `{"state":"dead","why":"x"}`, "number", "%2B79161234567"},
	} {
		querytest.WantProblem(t, querytest.Call(s, http.MethodPut, "/v1/numbers/"+c.path, strings.NewReader(c.body)),
			http.StatusBadRequest,
			c.parameter, c.word)
	}
}

func TestNumbers_Check(t *testing.T) {
	conn := schematest.Conn(t)
	insertHealth(t, conn, "number_health", dead("acme", "+79160000001", 1000))
	insertHealth(t, conn, "number_health", dead("acme", "+79160000002", 1000),
		healthRow{account: "acme", number: "+79160000003", version: 5, state: "active",
			optOuts: []schema.OptOut{{Channel: "viber", Sender: "Shop", Kind: "blocked", SinceMS: 1}}},
		healthRow{account: "acme", number: "email:a+b@example.com", version: 5, state: "quarantined", rule: "override",
			sinceMS: 9000})
	revived := healthRow{account: "acme", number: "+79160000002", version: 2000, state: "revived", sinceMS: 7000}
	insertHealth(t, conn, "number_health", revived)
	s := newRoom(conn)
	check := func(query, body string) string {
		return querytest.Call(s, http.MethodPost, "/v1/numbers/check"+query, strings.NewReader(body), "Content-Type",
			"application/json").Body.String()
	}
	want := `{"account":"acme","as_of":"2026-11-20T00:00:00.000Z","lag_seconds":0,"rows":[` +
		`{"number":"+79160000002","state":"revived","rule":"","since":"1970-01-01T00:00:07.000Z","opt_outs":[]},` +
		`{"number":"+79160000009","state":"unknown","rule":"","since":null,"opt_outs":[]},` +
		`{"number":"79160000001","error":"must begin with + and the country code, such as +79161234567"},` +
		`{"number":"+79160000001","state":"dead","rule":"hard","since":"1970-01-01T00:16:40.000Z","opt_outs":[]},` +
		`{"number":"+7 916 000","error":"must be + and digits alone: leave out spaces, brackets and dashes"},` +
		`{"number":"","error":"is empty; a number is + and 7 to 15 digits"},` +
		`{"number":"+79160000003","state":"active","rule":"","since":null,"opt_outs":[{"channel":"viber","app":"","sender":"Shop","kind":"blocked","since":"1970-01-01T00:00:00.001Z"}]},` +
		`{"number":"email:a+b@example.com","state":"quarantined","rule":"override","since":"1970-01-01T00:00:09.000Z","opt_outs":[]},` +
		`{"number":"email:x@example.com","state":"unknown","rule":"","since":null,"opt_outs":[]},` +
		`{"number":"x@example.com","error":"is an e-mail address without its kind: write it as events do, email:user@example.com"},` +
		`{"number":"email:","error":"has no address behind email:"},` +
		`{"number":"+79160000002","state":"revived","rule":"","since":"1970-01-01T00:00:07.000Z","opt_outs":[]}]}`
	body := `{"numbers":["+79160000002","+79160000009","79160000001","+79160000001","+7 916 000","","+79160000003","email:a+b@example.com","email:x@example.com",` +
		`"x@example.com","email:","+79160000002"]}`
	if got := check("", body); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := check("?account=acme", `{"numbers":[]}`); !strings.HasSuffix(got, `"rows":[]}`) {
		t.Error(got)
	}
	insertHealth(t, conn, "number_health", dead("beta", "+79160000001", 1))
	if got := check("?account=acme", body); got != want {
		t.Errorf("with another account: %s", got)
	}
	for _, c := range []struct{ query, body, parameter, word string }{
		{"", body, "account", "more than one account"},
		{"?account=", body, "account", "empty"},
		{"?x=1", body, "x", "unknown"},
		{"?account=acme", `{"numbers":[1]}`, "numbers", "element 1 is not a string"},
		{"?account=acme", `{"numbers":"+79160000001"}`, "numbers", "array"},
		{"?account=acme", `{"number":[]}`, "number", "unknown here"},
		{"?account=acme", `{}`, "numbers", "required"},
		{"?account=acme", `[]`, "", "one JSON object"},
		{"?account=acme", `{"numbers":[]}{}`, "", "something follows"},
		{"?account=acme", `{"numbers":["+7`, "", "not valid JSON"},
		{"?account=acme", `{"numbers":[` + strings.Repeat(`"",`, 10_000) + `""]}`, "numbers", "more than 10000"},
	} {
		querytest.WantProblem(t, querytest.Call(s, http.MethodPost, "/v1/numbers/check"+c.query,
			strings.NewReader(c.body)),
			http.StatusBadRequest, c.parameter, c.word)
	}
	if w := querytest.Call(s, http.MethodPost, "/v1/numbers/check",
		strings.NewReader(strings.Repeat(" ", maxCheckBody+1))); w.Code != http.StatusRequestEntityTooLarge {
		t.Error(w.Body)
	}
}
