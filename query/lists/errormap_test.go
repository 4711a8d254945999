package lists

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/schema"
	"kaskad/schema/errormap"
)

type errorMapAnswer struct {
	Account *string `json:"account"`
	Version uint64  `json:"version"`
	At      *string `json:"at"`
	errormap.Document
}

func getErrorMap(tb testing.TB, s http.Handler, query string) (answer errorMapAnswer) {
	tb.Helper()
	querytest.Decode(tb, querytest.Get(s, "/v1/error-map"+query), http.StatusOK, &answer)
	return answer
}

// lineOf returns the line in force for a provider's code.
func (a errorMapAnswer) lineOf(provider, code string) errormap.Row {
	for _, l := range a.Lines {
		if l.Provider == provider && l.Code == code {
			return l
		}
	}
	return errormap.Row{}
}

// equal tells whether two answers show the same lines and aliases.
func (a errorMapAnswer) equal(b errorMapAnswer) bool {
	return slices.Equal(a.Lines, b.Lines) && slices.Equal(a.Aliases, b.Aliases)
}

func storedErrorMap(tb testing.TB, conn driver.Conn, account string) string {
	tb.Helper()
	list, _, err := schema.ReadReference(tb.Context(), conn, schema.ReferenceErrorMap, account, 0)
	if err != nil {
		tb.Fatal(err)
	}
	return fmt.Sprintf("%d %s", list.Rows, list.Body)
}

// askedVerdicts counts the open touches of an account that ask for all of its verdicts.
func askedVerdicts(tb testing.TB, conn driver.Conn, account string) (asked uint64) {
	tb.Helper()
	if err := conn.QueryRow(tb.Context(),
		"SELECT count() FROM touched WHERE account = $1 AND toUnixTimestamp(bucket) = 0 AND sign = 1 AND at_ms = $2 "+
			"AND "+
			"id IN (SELECT batch FROM number_queue WHERE account = $1 AND number = '')", account,
		querytest.Now().UnixMilli()).Scan(&asked); err != nil {
		tb.Fatal(err)
	}
	return asked
}

func TestLists_ErrorMap_PutAndGet(t *testing.T) {
	conn := newConn(t)
	s := newRoom(conn)
	shipped := getErrorMap(t, s, "")
	if shipped.Account != nil || shipped.Version != 0 || shipped.At != nil || len(shipped.Lines) < 1000 ||
		len(shipped.Aliases) < 4 {
		t.Fatalf("shipped: version %d, %d lines, %d aliases", shipped.Version, len(shipped.Lines), len(shipped.Aliases))
	}
	for _, l := range shipped.Lines {
		if l.Origin != errormap.OriginShipped {
			t.Errorf("%+v", l)
		}
	}
	const path = "/v1/error-map?account=acme"
	if got := getErrorMap(t, s, "?account=acme"); got.Version != 0 || *got.Account != "acme" || !got.equal(shipped) {
		t.Errorf("before the first: %+v", got)
	}
	// Leading zeros are cut, what says what a shipped line or alias says is not stored.
	version := querytest.Put(t, s, path, `{"lines":[{"provider":"map","code":"0001","class":"unknown_subscriber","origin":"account"},{"code":"013","class":"dnd"},
		{"provider":"devino","code":"ERR","class":"barred","origin":"shipped"}],
		"aliases":[{"provider":"eu","like":"devino"},{"provider":"firebase","like":"apns"},{"provider":"mts","like":"map","origin":"account"},{"provider":"nexmo","like":"vonage"},
		{"provider":"tg","like":"bot"}]}`)
	const stored = `6 {"lines":[{"provider":"*","code":"13","class":"dnd"},{"provider":"devino","code":"ERR","class":"barred"}],` +
		`"aliases":[{"provider":"eu","like":"devino"},{"provider":"firebase","like":"apns"},{"provider":"mts","like":"map"},{"provider":"tg","like":"bot"}]}`
	if got := storedErrorMap(t, conn, "acme"); got != stored || version != 1 {
		t.Errorf("version %d stores %s", version, got)
	}
	got := getErrorMap(t, s, "?account=acme")
	hidden := 0 // by the line for any provider
	for _, l := range shipped.Lines {
		if l.Code == "13" {
			hidden++
		}
	}
	if got.Version != 1 || *got.At != "2026-11-20T00:00:00.000Z" || len(got.Lines) != len(shipped.Lines)+2-hidden ||
		hidden < 4 ||
		got.lineOf("*", "13") != (errormap.Row{Provider: "*", Code: "13", Class: "dnd",
			Origin: errormap.OriginAccount}) ||
		got.lineOf("devino", "ERR").Origin != errormap.OriginAccount ||
		got.lineOf("map", "1").Origin != errormap.OriginShipped || got.lineOf("map", "13").Class != "" {
		t.Errorf("version %d, %d lines, %+v", got.Version, len(got.Lines), got.lineOf("*", "13"))
	}
	if len(got.Aliases) != len(shipped.Aliases)+3 ||
		!slices.Contains(got.Aliases, errormap.AliasRow{Provider: "mts", Like: "map",
			Origin: errormap.OriginAccount}) ||
		!slices.Contains(got.Aliases, errormap.AliasRow{Provider: "firebase", Like: "apns",
			Origin: errormap.OriginAccount}) ||
		!slices.Contains(got.Aliases, errormap.AliasRow{Provider: "nexmo", Like: "vonage",
			Origin: errormap.OriginShipped}) {
		t.Errorf("aliases %+v", got.Aliases)
	}
	if askedVerdicts(t, conn, "acme") != 1 || askedVerdicts(t, conn, "beta") != 0 {
		t.Error("verdicts are not asked for once, of acme alone")
	}
	if got := getErrorMap(t, s, "?account=beta"); !got.equal(shipped) {
		t.Error("another account's map has changed")
	}
	// What GET gives can be put again in each form, and is the same list.
	for i, c := range [][2]string{{"json", "application/json"}, {"yaml", "application/yaml"}, {"csv", "text/csv"}} {
		body := querytest.Get(s, path+"&format="+c[0]).Body.String()
		if v := querytest.Put(t, s, path, body, "Content-Type", c[1]); v != uint64(i+2) ||
			storedErrorMap(t, conn, "acme") != stored {
			t.Errorf("%s: version %d stores %s", c[0], v, storedErrorMap(t, conn, "acme"))
		}
		if again := getErrorMap(t, s, "?account=acme"); !again.equal(got) {
			t.Errorf("%s: another map", c[0])
		}
	}
	if got := askedVerdicts(t, conn, "acme"); got != 4 {
		t.Errorf("verdicts were asked for %d times, want 4", got)
	}
	querytest.Put(t, s, path, `{"lines":[]}`)
	if got := getErrorMap(t, s, "?account=acme"); got.Version != 5 || !got.equal(shipped) {
		t.Error("an empty list does not take the account's lines back")
	}
	if got := getErrorMap(t, s, "?account=acme&version=1"); got.Version != 1 || got.lineOf("*", "13").Class != "dnd" {
		t.Error("the first version is lost")
	}
	var versions struct {
		Rows []struct{ Version, Rows uint64 }
	}
	querytest.Decode(t, querytest.Get(s, "/v1/error-map/versions?account=acme"), http.StatusOK, &versions)
	if len(versions.Rows) != 5 || versions.Rows[4].Rows != 6 {
		t.Errorf("%+v", versions)
	}
	maps, err := errormap.Read(t.Context(), conn)
	if err != nil || maps.Version("acme") != 5 {
		t.Errorf("%v %v", maps, err)
	}
}

func TestLists_ErrorMap_RefusedAsAWhole(t *testing.T) {
	conn := newConn(t)
	s := newRoom(conn)
	const path = "/v1/error-map?account=acme"
	many := strings.Repeat(`{"code":"x","class":"dnd"},`, errormap.MaxLines+2000)
	manyAliases := strings.Repeat(`{"provider":"x","like":"map"},`, errormap.MaxAliases+100)
	type refused struct {
		body string
		row  int
		name string
		says string
	}
	cases := []refused{
		{`{}`, 0, "lines", "is required"},
		{`[]`, 0, "error_map", "must be an object"},
		{`{"error_map":[]}`, 0, "error_map", "unknown beside"},
		{`{"lines":[],"lines":[]}`, 0, "lines", "twice"},
		{`{"lines":[],"aliases":{}}`, 0, "aliases", "must be a list"},
		{`{"lines":[]`, 0, "error_map", "is not JSON"},
	}
	for _, c := range []refused{
		{`{"provider":"x"}`, 1, "aliases.like", "is required"},
		{`{"like":"map"}`, 1, "aliases.provider", "is required"},
		{`{"provider":"","like":"map"}`, 1, "aliases.provider", "must not be empty"},
		{`{"provider":"*","like":"map"}`, 1, "aliases.provider", "one provider"},
		{`{"provider":"x","like":"*"}`, 1, "aliases.like", "has no lines"},
		{`{"provider":"x","like":"nexmo"}`, 1, "aliases.like", "another alias"},
		{`{"provider":"x","like":"map"},{"provider":"y","like":"MAP"}`, 2, "aliases.like", "has no lines"},
		{`{"provider":"x","like":"map"},{"provider":"x","like":"fcm"}`, 2, "aliases.provider", "row 1"},
		{`{"provider":"a\tb","like":"map"}`, 1, "aliases.provider", "control"},
		{`{"provider":"x","like":"map","code":"1"}`, 1, "aliases.code", "unknown"},
		{manyAliases[:len(manyAliases)-1], 0, "aliases", "more than"},
	} {
		c.body = `{"lines":[{"provider":"mine","code":"1","class":"dnd"}],"aliases":[` + c.body + `]}`
		cases = append(cases, c)
	}
	for _, c := range []refused{
		{`{"code":"1","class":"unknown_subscribers"}`, 1, "class", "unknown_subscriber invalid_format"},
		{`{"code":"1","class":""}`, 1, "class", "is no class"},
		{`{"code":"1"}`, 1, "class", "is required"},
		{`{"class":"dnd"}`, 1, "code", "is required"},
		{`{"code":"","class":"dnd"}`, 1, "code", "must not be empty"},
		{`{"code":"000","class":"dnd"}`, 1, "code", "no error"},
		{`{"code":1,"class":"dnd"}`, 1, "code", "in quotes"},
		{`{"code":"1","class":"dnd","provider":""}`, 1, "provider", "must not be empty"},
		{`{"code":"1","class":"dnd"},{"code":"2","class":"dnd"},{"provider":"*","code":"01","class":"barred"}`, 3,
			"code", "row 1"},
		{`{"code":"a\tb","class":"dnd"}`, 1, "code", "control"},
		{`{"code":"` + strings.Repeat("x", 257) + `","class":"dnd"}`, 1, "code", "256"},
		{`{"code":"1","class":"dnd","reason":"x"}`, 1, "reason", "unknown"},
		{many[:len(many)-1], 0, "lines", "more than"},
	} {
		c.body = `{"lines":[` + c.body + `],"aliases":[{"provider":"x","like":"map"}]}`
		cases = append(cases, c)
	}
	for _, c := range cases {
		status, answer := putList(t, s, path, c.body)
		i := slices.IndexFunc(answer.Errors, func(e rowProblem) bool { return e.Parameter == c.name && e.Row == c.row })
		if status < 400 || status >= 500 || i < 0 || !strings.Contains(answer.Errors[i].Reason, c.says) {
			t.Errorf("%.90s: %d %+v", c.body, status, answer.Errors[:min(3, len(answer.Errors))])
		}
	}
	if got := storedErrorMap(t, conn, "acme"); got != "0 " || askedVerdicts(t, conn, "acme") != 0 {
		t.Errorf("stored: %s", got)
	}
	// The same of two providers is no duplicate.
	querytest.Put(t, s, path, `{"lines":[{"code":"1","class":"dnd"},{"provider":"mts","code":"1","class":"dnd"}],"aliases":[{"provider":"mts-eu","like":"mts"}]}`)
	querytest.WantProblem(t, querytest.Call(s, http.MethodPut, "/v1/error-map", strings.NewReader(`{"lines":[]}`)),
		http.StatusBadRequest,
		"account", "account=")
	querytest.WantProblem(t, querytest.Call(s, http.MethodPut, "/v1/error-map?account=a%00b",
		strings.NewReader(`{"lines":[]}`)),
		http.StatusBadRequest, "account")
	querytest.WantProblem(t, querytest.Get(s, "/v1/error-map?account="), http.StatusBadRequest, "account")
	// Who is told that verdicts could not be asked for sends the list again.
	querytest.Execute(t, conn, "DROP TABLE number_queue")
	querytest.WantProblem(t, querytest.Call(s, http.MethodPut, path, strings.NewReader(`{"lines":[]}`)),
		http.StatusServiceUnavailable, "",
		"version 2", "send it once more")
}

// failedCell is a row of rollup_failures.
type failedCell struct {
	account                 string
	hour                    int
	edition                 uint64
	provider, code, channel string
	failed                  int64
	quarter                 int
}

func insertFailures(tb testing.TB, conn driver.Conn, cells []failedCell) {
	tb.Helper()
	batch, err := conn.PrepareBatch(tb.Context(),
		"INSERT INTO rollup_failures (account, kind, day, bucket, edition, cohort, channel, provider, error_code, "+
			"failed)")
	if err != nil {
		tb.Fatal(err)
	}
	for _, c := range cells {
		bucket := querytest.Now().Unix() - int64(c.hour)*3600
		if err := batch.Append(c.account, "difference", time.Unix(bucket, 0).UTC(), bucket, c.edition,
			bucket+int64(c.quarter)*900, c.channel, c.provider,
			c.code, c.failed); err != nil {
			tb.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		tb.Fatal(err)
	}
}

func TestLists_Unmapped_CountsVisibleFailures(t *testing.T) {
	conn := newConn(t)
	s := newRoom(conn)
	querytest.Publish(t, conn, 1, 2)
	insertFailures(t, conn, []failedCell{
		// taken away, in part and as a whole
		{account: "acme", hour: 2, edition: 1, provider: "devino", code: "777", channel: "sms", failed: 1000},
		{account: "acme", hour: 2, edition: 2, provider: "devino", code: "777", channel: "sms", failed: -1000},
		{account: "acme", hour: 2, edition: 1, provider: "devino", code: "999", channel: "sms", failed: 2},
		{account: "acme", hour: 2, edition: 2, provider: "devino", code: "999", channel: "sms", failed: -2},
		{account: "acme", hour: 2, edition: 2, provider: "devino", code: "777", channel: "sms", failed: 5},
		{account: "acme", hour: 2, edition: 2, provider: "devino", code: "777", channel: "sms", failed: 2,
			quarter: 3},
		{account: "acme", hour: 2, edition: 2, provider: "devino", code: "777", channel: "voice", failed: 3},
		// guessed
		{account: "acme", hour: 2, edition: 2, provider: "devino", code: "27", channel: "sms", failed: 50},
		{account: "acme", hour: 2, edition: 2, provider: "mts", code: "5", channel: "sms", failed: 40},
		{account: "acme", hour: 2, edition: 2, provider: "mts", code: "21", channel: "flash_call", failed: 30},
		{account: "acme", hour: 2, edition: 2, provider: "mts", code: "21", channel: "push", failed: 20},
		// found through an alias
		{account: "acme", hour: 2, edition: 2, provider: "nexmo", code: "5", channel: "sms", failed: 50},
		{account: "acme", hour: 2, edition: 2, provider: "fcm", code: "UNREGISTERED", channel: "push", failed: 50},
		// not of this provider
		{account: "acme", hour: 2, edition: 2, provider: "apns", code: "UNREGISTERED", channel: "push", failed: 3},
		{account: "acme", hour: 2, edition: 2, provider: "devino", code: "", channel: "sms", failed: 70},
		// not published
		{account: "acme", hour: 2, edition: 3, provider: "devino", code: "888", channel: "sms", failed: 9},
		{account: "acme", hour: 30, edition: 2, provider: "devino", code: "777", channel: "sms", failed: 10},
		{account: "beta", hour: 2, edition: 2, provider: "devino", code: "777", channel: "sms", failed: 100},
		{account: "beta", hour: 2, edition: 2, provider: "", code: "Z", channel: "viber", failed: 3},
	})
	const day = "from=2026-11-19T20:00:00Z&to=2026-11-20"
	for _, c := range []struct{ query, want string }{
		{"", "devino 777 sms 117; devino 27 sms 50 absent_subscriber; mts 5 sms 40 unknown; mts 21 flash_call 30 " +
			"not_answered; mts 21 push 20; Z viber 3; apns UNREGISTERED push 3; devino 777 voice 3"},
		{"account=acme", "devino 27 sms 50 absent_subscriber; mts 5 sms 40 unknown; mts 21 flash_call 30 " +
			"not_answered; mts 21 push 20; devino 777 sms 17; apns UNREGISTERED push 3; devino 777 voice 3"},
		{"account=acme&account=beta&" + day,
			"devino 777 sms 107; devino 27 sms 50 absent_subscriber; mts 5 sms 40 unknown; mts 21 flash_call 30 " +
				"not_answered; mts 21 push 20; Z viber 3; apns UNREGISTERED push 3; devino 777 voice 3"},
		{"account=acme&from=2026-11-19T22:45:00Z&to=2026-11-20", "devino 777 sms 2"},
		{"account=none", ""},
	} {
		if got := unmappedRows(t, s, c.query); got != c.want {
			t.Errorf("%s: %s, want %s", c.query, got, c.want)
		}
	}
	// Pages hold what one answer does, also when the map does not change and counts are equal.
	var all []string
	query, cursor := "limit=1", ""
	for {
		answer := getUnmapped(t, s, query+cursor)
		all = append(all, answer.text())
		if answer.NextCursor == nil {
			break
		}
		cursor = "&cursor=" + *answer.NextCursor
	}
	if got := strings.Join(all, "; "); got != unmappedRows(t, s, "") {
		t.Errorf("by pages: %s", got)
	}
	// A line of one account takes the code from its attempts, and from no other account's.
	querytest.Put(t, s, "/v1/error-map?account=beta", `{"lines":[{"provider":"devino","code":"777","class":"barred"}]}`)
	if got, want := unmappedRows(t, s, ""),
		"devino 27 sms 50 absent_subscriber; mts 5 sms 40 unknown; mts 21 flash_call 30 not_answered; mts 21 push "+
			"20; devino 777 sms 17; Z viber 3; apns UNREGISTERED push 3; devino 777 voice 3"; got != want {
		t.Errorf("with a line of beta: %s, want %s", got, want)
	}
	// An alias makes lines of guesses.
	querytest.Put(t, s, "/v1/error-map?account=acme", `{"aliases":[{"provider":"mts","like":"map"}]}`)
	if got, want := unmappedRows(t, s, "account=acme"),
		"devino 27 sms 50 absent_subscriber; devino 777 sms 17; apns UNREGISTERED push 3; devino 777 voice 3"; got != want {
		t.Errorf("with an alias: %s, want %s", got, want)
	}
	w := querytest.Get(s, "/v1/error-map/unmapped?format=csv&limit=1&account=acme")
	if got := w.Body.String(); got != "provider,error_code,channel,guess,count\r\ndevino,\"27\",sms,absent_subscriber,50\r\n" || w.Header().Get("Kaskad-Next-Cursor") == "" {
		t.Errorf("CSV: %s %v", got, w.Header())
	}
	var envelope map[string]json.RawMessage
	querytest.Decode(t, querytest.Get(s, "/v1/error-map/unmapped?limit=1"), http.StatusOK, &envelope)
	for _, name := range []string{"report", "from", "to", "tz", "as_of", "lag_seconds", "rows", "next_cursor"} {
		if envelope[name] == nil {
			t.Errorf("%s is missing in %v", name, envelope)
		}
	}
	querytest.WantProblem(t, querytest.Get(s, "/v1/error-map/unmapped?group_by=day"), http.StatusBadRequest, "group_by")
	querytest.WantProblem(t, querytest.Get(s, "/v1/error-map/unmapped?from=2026-11-20T00:01:00Z"),
		http.StatusBadRequest, "from")
	querytest.WantProblem(t, querytest.Get(s, "/v1/error-map/unmapped?account=acme"+cursor), http.StatusBadRequest,
		"cursor",
		"another query")
}

func TestUnmappedQuery_SQL_Golden(t *testing.T) {
	hostile := "x' OR '1'='1 {id:String}"
	querytest.Golden(t, *update, "unmapped_first",
		&unmappedQuery{fromMS: 1760572800000, toMS: 1795136400000, seen: &answer.Snapshot{Edition: 7},
			limit: 1001}, hostile)
	querytest.Golden(t, *update, "unmapped_page",
		&unmappedQuery{accounts: []string{"acme", hostile}, fromMS: 1760572800000,
			toMS: 1795136400000, seen: &answer.Snapshot{Edition: 7}, limit: 11,
			after: &unmappedCode{provider: hostile, code: hostile, channel: hostile, attempts: 12}}, hostile)
}

type unmappedAnswer struct {
	Rows []struct {
		Provider, Channel string
		Code              string `json:"error_code"`
		Guess             *string
		Count             uint64
	}
	NextCursor *string `json:"next_cursor"`
}

func (a unmappedAnswer) text() string {
	rows := make([]string, len(a.Rows))
	for i, r := range a.Rows {
		rows[i] = strings.TrimSpace(fmt.Sprintf("%s %s %s %d", r.Provider, r.Code, r.Channel, r.Count))
		if r.Guess != nil {
			rows[i] += " " + *r.Guess
		}
	}
	return strings.Join(rows, "; ")
}

func getUnmapped(tb testing.TB, s http.Handler, query string) (answer unmappedAnswer) {
	tb.Helper()
	querytest.Decode(tb, querytest.Get(s, "/v1/error-map/unmapped?"+query), http.StatusOK, &answer)
	return answer
}

func unmappedRows(tb testing.TB, s http.Handler, query string) string {
	tb.Helper()
	return getUnmapped(tb, s, query).text()
}
