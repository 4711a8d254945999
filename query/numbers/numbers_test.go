package numbers

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/schema"
	"kaskad/schema/schematest"
)

// streakRow is an attempt of a streak.
type streakRow struct {
	leg         uint64
	code        uint32
	smsSegments uint16
	cohortMS    int64
}

// healthRow is a row of number_health as tests write it.
type healthRow struct {
	account, number                                                       string
	version                                                               uint64
	state, rule                                                           string
	sinceMS, firstFailedMS, lastFailedMS, lastDeliveredMS, ownerChangedMS int64
	ruleVersion                                                           uint64
	reasons                                                               map[string]uint32
	mailings, days                                                        uint32
	streak                                                                []streakRow
	reassigned                                                            bool
	operator                                                              string
	ported, valid                                                         int8
	override, why                                                         string
	guessed                                                               uint32
	reachable                                                             []schema.Reachable
	optOuts                                                               []schema.OptOut
}

const healthColumns = "account, number, version, state, rule, since_ms, rule_version, reasons, failed_mailings, " +
	"failed_days, first_failed_ms, last_failed_ms, " +
	"last_delivered_ms, streak_legs, streak_codes, streak_sms_segments, streak_cohorts_ms, possible_reassignment, " +
	"operator, ported, valid, owner_changed_ms, override, why, " +
	"guessed, reachable_channels, reachable_ms, opt_channels, opt_apps, opt_senders, opt_kinds, opt_since_ms"

func insertHealth(tb testing.TB, conn driver.Conn, table string, rows ...healthRow) {
	tb.Helper()
	batch, err := conn.PrepareBatch(tb.Context(), "INSERT INTO "+table+" ("+healthColumns+")")
	if err != nil {
		tb.Fatal(err)
	}
	for _, r := range rows {
		legs, codes, segments, cohorts := []uint64{}, []uint32{}, []uint16{}, []int64{}
		for _, a := range r.streak {
			legs, codes, segments, cohorts = append(legs, a.leg), append(codes, a.code),
				append(segments, a.smsSegments), append(cohorts, a.cohortMS)
		}
		reachable, reachableMS := []string{}, []int64{}
		for _, on := range r.reachable {
			reachable, reachableMS = append(reachable, on.Channel), append(reachableMS, on.LastDeliveredMS)
		}
		channels, apps, senders, kinds, since := []string{}, []string{}, []string{}, []string{}, []int64{}
		for _, o := range r.optOuts {
			channels, apps, senders = append(channels, o.Channel), append(apps, o.App), append(senders, o.Sender)
			kinds, since = append(kinds, o.Kind), append(since, o.SinceMS)
		}
		reasons := r.reasons
		if reasons == nil {
			reasons = map[string]uint32{}
		}
		if err := batch.Append(r.account, r.number, r.version, r.state, r.rule, r.sinceMS, r.ruleVersion, reasons,
			r.mailings, r.days, r.firstFailedMS, r.lastFailedMS,
			r.lastDeliveredMS, legs, codes, segments, cohorts, r.reassigned, r.operator, r.ported, r.valid,
			r.ownerChangedMS, r.override, r.why,
			r.guessed, reachable, reachableMS, channels, apps, senders, kinds, since); err != nil {
			tb.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		tb.Fatal(err)
	}
}

// replaceHealth replaces verdicts as the aggregator does: the rows that go are copied first.
func replaceHealth(tb testing.TB, conn driver.Conn, now map[numberKey]healthRow, rows ...healthRow) {
	tb.Helper()
	var before []healthRow
	for _, r := range rows {
		if old, found := now[numberKey{r.number, r.account}]; found {
			before = append(before, old)
		}
		now[numberKey{r.number, r.account}] = r
	}
	if len(before) > 0 {
		insertHealth(tb, conn, "number_health_before", before...)
	}
	insertHealth(tb, conn, "number_health", rows...)
}

func dead(account, number string, version uint64) healthRow {
	return healthRow{account: account, number: number, version: version, state: "dead", rule: "hard",
		sinceMS: int64(version) * 1000, firstFailedMS: int64(version), ported: -1, valid: -1,
		lastFailedMS: int64(version) * 2000, ruleVersion: 1, reasons: map[string]uint32{"unknown_subscriber": 2},
		mailings: 2, days: 2}
}

// numberKeys returns the accounts and numbers of rows, and the version that dead put into since.
func numberKeys(rows []map[string]any) (keys []string) {
	for _, r := range rows {
		keys = append(keys, fmt.Sprint(r["number"], " ", r["account"], " ", r["since"]))
	}
	return keys
}

func deadKeys(now map[numberKey]healthRow, account, rule string) (keys []string) {
	var rows []healthRow
	for _, r := range now {
		if r.state == "dead" && (account == "" || r.account == account) && (rule == "" || r.rule == rule) {
			rows = append(rows, r)
		}
	}
	slices.SortFunc(rows, func(a, b healthRow) int {
		return cmp.Or(strings.Compare(a.number, b.number), strings.Compare(a.account, b.account))
	})
	for _, r := range rows {
		keys = append(keys, fmt.Sprint(r.number, " ", r.account, " ", answer.TimeText(r.sinceMS)))
	}
	return keys
}

// Whatever verdicts change while somebody pages, the pages together are the list as it was at the first one.
func TestNumbers_Dead_Snapshot(t *testing.T) {
	conn := schematest.Conn(t)
	r := rand.New(rand.NewPCG(7, 42))
	now := map[numberKey]healthRow{}
	version := uint64(1000)
	change := func(n int) {
		version++
		rows := map[numberKey]healthRow{}
		for range n {
			d := dead([]string{"acme", "beta", "zeta"}[r.IntN(3)], fmt.Sprintf("+7900%07d", r.IntN(400)), version)
			d.rule = []string{"hard", "soft"}[r.IntN(2)]
			if r.IntN(3) == 0 {
				d.state = "active"
			}
			rows[numberKey{d.number, d.account}] = d
		}
		var list []healthRow
		for _, row := range rows {
			list = append(list, row)
		}
		replaceHealth(t, conn, now, list...)
	}
	change(300)
	change(300)
	change(100)
	s := newRoom(conn)
	for round, c := range []struct {
		query, account, rule string
		limit                int
	}{{"", "", "", 83}, {"account=acme&", "acme", "", 29},
		{"account=acme&account=beta&account=zeta&rule=soft&", "", "soft", 50},
		{"rule=hard&account=zeta&", "zeta", "hard", 17}} {
		want := deadKeys(now, c.account, c.rule)
		if got := numberKeys(s.list(t, "numbers/dead", c.query+"limit=10000").Rows); !slices.Equal(got, want) {
			t.Fatalf("%s: %d rows, want %d", c.query, len(got), len(want))
		}
		var got []string
		page := s.list(t, "numbers/dead", fmt.Sprintf("%slimit=%d", c.query, c.limit))
		for n := 0; ; n++ {
			got = append(got, numberKeys(page.Rows)...)
			if page.NextCursor == nil {
				break
			}
			change(150) // half of all numbers
			if n%2 == 1 {
				querytest.Execute(t, conn, "OPTIMIZE TABLE number_health FINAL") // what was replaced is gone from there
			}
			page = s.list(t, "numbers/dead",
				fmt.Sprintf("%slimit=%d&cursor=%s", c.query, c.limit, *page.NextCursor))
		}
		if !slices.Equal(got, want) {
			t.Errorf("round %d: pages hold %d rows, want the %d of the first page's moment", round, len(got), len(want))
		}
	}
}

func TestNumbers_Dead_Row(t *testing.T) {
	conn := schematest.Conn(t)
	euro := func(price string) string {
		return strings.Replace(querytest.TariffRow("sms", "per_segment_sent", price, "provider", "euro"), "RUB", "EUR",
			1)
	}
	querytest.PutTariffs(t, conn, "acme",
		querytest.TariffRow("sms", "per_segment_sent", "2.50", "valid_to", "2026-06-01T00:00:00Z"),
		querytest.TariffRow("sms", "per_segment_sent", "3.00", "valid_from", "2026-06-01T00:00:00Z"),
		euro("0.07"))
	querytest.Execute(t, conn, "INSERT INTO legs (account, leg, channel, provider) VALUES ('acme', 1, 'sms', 'mts'), "+
		"('acme', "+
		"2, 'voice', ''), ('acme', 3, 'sms', 'euro')")
	cheap, dear := time.Date(2026, 5, 31, 23, 45, 0, 0, time.UTC).UnixMilli(),
		time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	const sent, failed, notBilled = 1, 8, 128
	segments := func(n uint32) uint32 { return sent | failed | n<<8 }
	full := healthRow{account: "acme", number: "+79160000001", version: 5, state: "dead", rule: "soft",
		sinceMS: 1789000000123, firstFailedMS: 1788000000000, lastFailedMS: 1789500000000,
		lastDeliveredMS: 1787000000000, ruleVersion: 3,
		reasons: map[string]uint32{"expired": 4, "absent_subscriber": 1}, mailings: 5, days: 6,
		streak:     []streakRow{{1, segments(2), 9, cheap}, {1, segments(0), 3, dear}, {2, failed, 0, dear}},
		reassigned: true, operator: "250-01", ported: 1, valid: 0, ownerChangedMS: 1780000000000,
		guessed: 2, reachable: []schema.Reachable{{Channel: "email", LastDeliveredMS: 1788100000000},
			{Channel: "viber", LastDeliveredMS: 1788000000000}},
		optOuts: []schema.OptOut{{Channel: "push", App: "a\"pp", Kind: "unsubscribed", SinceMS: 1},
			{Channel: "viber", App: "app", Sender: "Shop, Inc", Kind: "blocked", SinceMS: 1789000000123}}}
	with := func(number string, streak ...streakRow) healthRow {
		r := dead("acme", number, 6)
		r.streak = streak
		return r
	}
	insertHealth(t, conn, "number_health", full,
		with("+79160000002"), // nothing was billed
		// no tariff for voice
		with("+79160000003", streakRow{1, segments(1), 0, cheap}, streakRow{2, sent | failed, 0, cheap}),
		// two currencies
		with("+79160000004", streakRow{1, segments(1), 0, cheap}, streakRow{3, segments(1), 0, cheap}),
		with("+79160000005", streakRow{3, segments(2), 0, cheap}),
		with("+79160000006", streakRow{1, segments(0), 0, cheap}), // no segments
		with("+79160000007", streakRow{1, segments(2) | notBilled, 0, cheap}, streakRow{1, segments(1), 0, cheap}))
	s := newRoom(conn)
	w := querytest.Get(s, "/v1/numbers/dead?limit=1")
	want := `{"as_of":"2026-11-20T00:00:00.000Z","lag_seconds":0,"tariff_version":1,"rows":[{"account":"acme","number":"+79160000001","since":"2026-09-10T00:26:40.123Z","rule":"soft",` +
		`"reasons":{"absent_subscriber":1,"expired":4},"last_delivered_at":"2026-08-17T20:53:20.000Z","last_failed_at":"2026-09-15T19:20:00.000Z","failed_mailings":5,"failed_days":6,` +
		`"wasted_cost":"14.00","currency":"RUB","rule_version":3,"first_failed_at":"2026-08-29T10:40:00.000Z","possible_reassignment":true,"operator":"250-01","ported":true,"valid":false,` +
		`"owner_changed_at":"2026-05-28T20:26:40.000Z","guessed":2,` +
		`"reachable_on":[{"channel":"email","last_delivered_at":"2026-08-30T14:26:40.000Z"},{"channel":"viber","last_delivered_at":"2026-08-29T10:40:00.000Z"}],` +
		`"opt_outs":[{"channel":"push","app":"a\"pp","sender":"","kind":"unsubscribed","since":"1970-01-01T00:00:00.001Z"},` +
		`{"channel":"viber","app":"app","sender":"Shop, Inc","kind":"blocked","since":"2026-09-10T00:26:40.123Z"}]}],"next_cursor":`
	if got := w.Body.String(); !strings.HasPrefix(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	var costs []string
	for _, r := range s.list(t, "numbers/dead", "").Rows {
		costs = append(costs, fmt.Sprint(r["wasted_cost"], r["currency"]))
	}
	if want := []string{"14.00RUB", "0.00", "<nil>", "<nil>", "0.14EUR", "<nil>", "2.50RUB"}; !slices.Equal(costs,
		want) {
		t.Errorf("costs %q, want %q", costs, want)
	}
	csv := querytest.Get(s, "/v1/numbers/dead?limit=1&format=csv")
	if got := csv.Body.String(); got != "account,number,since,rule,reasons,last_delivered_at,last_failed_at,failed_mailings,failed_days,wasted_cost,currency,rule_version,first_failed_at,"+
		"possible_reassignment,operator,ported,valid,owner_changed_at,guessed,reachable_on,opt_outs\r\nacme,\"+79160000001\",2026-09-10T00:26:40.123Z,soft,\"{\"\"absent_subscriber\"\":1,\"\"expired\"\":4}\",2026-08-17T20:53:20.000Z,"+
		"2026-09-15T19:20:00.000Z,5,6,14.00,RUB,3,2026-08-29T10:40:00.000Z,true,\"250-01\",true,false,2026-05-28T20:26:40.000Z,2,"+
		`"[{""channel"":""email"",""last_delivered_at"":""2026-08-30T14:26:40.000Z""},{""channel"":""viber"",""last_delivered_at"":""2026-08-29T10:40:00.000Z""}]",`+
		`"[{""channel"":""push"",""app"":""a\""pp"",""sender"":"""",""kind"":""unsubscribed"",""since"":""1970-01-01T00:00:00.001Z""},`+
		`{""channel"":""viber"",""app"":""app"",""sender"":""Shop, Inc"",""kind"":""blocked"",""since"":""2026-09-10T00:26:40.123Z""}]"`+"\r\n" ||
		csv.Header().Get("Kaskad-Next-Cursor") == "" || csv.Header().Get("Kaskad-Tariff-Version") != "1" {
		t.Errorf("csv: %s %v", got, csv.Header())
	}

	// A price that is corrected corrects the cost; pages that have begun keep theirs.
	cursor := *s.list(t, "numbers/dead", "limit=4").NextCursor
	querytest.PutTariffs(t, conn, "acme", euro("0.10"))
	if got := s.list(t, "numbers/dead", "limit=4&cursor="+cursor); got.Rows[0]["wasted_cost"] != "0.14" ||
		got.TariffVersion != "1" {
		t.Errorf("the page after: %v", got)
	}
	if got := s.list(t, "numbers/dead", ""); got.Rows[4]["wasted_cost"] != "0.20" || got.TariffVersion != "2" {
		t.Errorf("new prices: %v", got)
	}
}

func TestNumbers_Dead_Refused(t *testing.T) {
	conn := schematest.Conn(t)
	insertHealth(t, conn, "number_health", dead("acme", "+79160000001", 1), dead("acme", "+79160000002", 1))
	s := newRoom(conn)
	next := *s.list(t, "numbers/dead", "limit=1").NextCursor
	altered := func(change func(*answer.Cursor)) string {
		c := s.db.Cursors.ReadVersion(t.Context(), &answer.Params{Values: url.Values{"cursor": {next}}}, cursorVersion,
			answer.QueryHash("numbers/dead", "phone", ""), 2)
		if c == nil {
			t.Fatal("the cursor cannot be read")
		}
		change(c)
		encoded, err := s.db.Cursors.Seal(t.Context(), *c)
		if err != nil {
			t.Fatal(err)
		}
		return url.QueryEscape(encoded)
	}
	if w := querytest.Get(s, "/v1/numbers/dead?cursor="+altered(func(c *answer.Cursor) {
		c.Snapshot.ReadMS -= 29 * 60 *
			1000
	})); w.Code != http.StatusOK {
		t.Error(w.Body)
	}
	for _, c := range []struct{ query, parameter, word string }{
		{"cursor=" + altered(func(c *answer.Cursor) { c.Snapshot.ReadMS -= 31 * 60 * 1000 }), "cursor",
			"older than 30 minutes"},
		{"cursor=" + altered(func(c *answer.Cursor) { c.Version = 0 }), "cursor", "start again without a cursor"},
		{"cursor=" + altered(func(c *answer.Cursor) { c.Version = 99 }), "cursor", "older version"},
		{"cursor=" + altered(func(c *answer.Cursor) { c.Snapshot = nil }), "cursor", "start again"},
		{"account=acme&cursor=" + next, "cursor", "another query"},
		{"cursor=nonsense", "cursor", "start again"},
		{"limit=all", "limit", "format=csv"},
		{"limit=all&format=csv&cursor=" + next, "cursor", "limit=all"},
		{"limit=10001", "limit", "10000"},
		{"rule=hart", "rule", "did you mean hard?"},
		{"account=", "account", "empty"},
		{"kind=mail", "kind", "did you mean email?"},
		{"kind=email&cursor=" + next, "cursor", "another query"},
		{"state=dead", "state", "unknown here"},
		{"format=orc", "format", "arrow parquet"},
	} {
		querytest.WantProblem(t, querytest.Get(s, "/v1/numbers/dead?"+c.query), http.StatusBadRequest, c.parameter,
			c.word)
	}
}

func TestNumbers_One(t *testing.T) {
	conn := schematest.Conn(t)
	active := healthRow{account: "acme", number: "+79160000001", version: 5, state: "active",
		lastDeliveredMS: 1787000000000, ported: -1, valid: 1}
	insertHealth(t, conn, "number_health", active, dead("acme", "+79160000002", 5), dead("beta", "+79160000002", 6))
	if err := schema.InsertNumberOverride(t.Context(), conn,
		schema.NumberOverride{Account: "beta", Number: "+79160000002", Version: 1, State: "dead", Why: "asked us",
			By: "ops", AtMS: 1}); err != nil {
		t.Fatal(err)
	}
	s := newRoom(conn)
	want := `{"account":"acme","number":"+79160000001","state":"active","since":null,"rule":"","reasons":{},"last_delivered_at":"2026-08-17T20:53:20.000Z","last_failed_at":null,` +
		`"failed_mailings":0,"failed_days":0,"wasted_cost":"0.00","currency":"","rule_version":0,"first_failed_at":null,"possible_reassignment":false,"operator":"","ported":null,` +
		`"valid":true,"owner_changed_at":null,"guessed":0,"reachable_on":[],"opt_outs":[],"override":null,"tariff_version":0,"as_of":"2026-11-20T00:00:00.000Z","lag_seconds":0}`
	for _, path := range []string{"+79160000001", "%2B79160000001", "%2b79160000001", "+7%39160000001",
		"%2079160000001"} {
		if got := querytest.Get(s, "/v1/numbers/"+path).Body.String(); got != want {
			t.Errorf("%s: got %s\nwant %s", path, got, want)
		}
	}
	var reply map[string]any
	querytest.Decode(t, querytest.Get(s, "/v1/numbers/+79160000009"), http.StatusOK, &reply)
	if reply["state"] != "unknown" || reply["number"] != "+79160000009" || reply["since"] != nil ||
		reply["wasted_cost"] != "0.00" || reply["ported"] != nil || reply["valid"] != nil ||
		reply["account"] != "" {
		t.Errorf("never seen: %v", reply)
	}
	querytest.WantProblem(t, querytest.Get(s, "/v1/numbers/+79160000002"), http.StatusBadRequest, "account",
		"more than one account")
	querytest.Decode(t, querytest.Get(s, "/v1/numbers/+79160000002?account=beta"), http.StatusOK, &reply)
	if fmt.Sprint(reply["override"]) != "map[at:1970-01-01T00:00:00.001Z by:ops state:dead why:asked us]" ||
		reply["account"] != "beta" {
		t.Errorf("overridden: %v", reply)
	}
	querytest.Decode(t, querytest.Get(s, "/v1/numbers/+79160000009?account=beta"), http.StatusOK, &reply)
	if reply["state"] != "unknown" || reply["account"] != "beta" {
		t.Errorf("another account: %v", reply)
	}
	for _, w := range []*httptest.ResponseRecorder{querytest.Get(s, "/v1/numbers/+79160000002?account=gamma"),
		querytest.PostJSON(s, "/v1/numbers/check?account=gamma", `{"numbers":["+79160000002"]}`),
		querytest.Call(s, http.MethodPut, "/v1/numbers/+79160000002/override?account=gamma",
			strings.NewReader(`{"state":"active","why":"x"}`))} {
		querytest.WantProblem(t, w, http.StatusBadRequest, "account", "no such account")
	}
	for path, word := range map[string]string{"+12": "2 digits", "79160000001": "%2B79161234567",
		"89030000001": "must begin with + and the country code", "shop%40mail.ru": "email:",
		"email:": "no address", "+0123456789": "country code", "+7916abc": "digits alone",
		"+1234567890123456": "16 digits", "%20": "no digits"} {
		querytest.WantProblem(t, querytest.Get(s, "/v1/numbers/"+path), http.StatusBadRequest, "number", word)
	}
	querytest.WantProblem(t, querytest.Get(s, "/v1/numbers/+79160000001?acount=x"), http.StatusBadRequest, "acount",
		"account")
}

// Lists have phone numbers or e-mail addresses; a path, a check and an override infer which. A plus sign that became a
// blank on the way is understood.
func TestNumbers_Kinds(t *testing.T) {
	conn := schematest.Conn(t)
	const mail = "email:a+b@example.com"
	gone := dead("acme", mail, 6)
	gone.reasons = map[string]uint32{"no_mailbox": 2}
	insertHealth(t, conn, "number_health", dead("acme", "+79160000001", 5), gone, dead("acme", "+79160000002", 6),
		healthRow{account: "acme", number: "email:quiet@example.com", version: 5, state: "quarantined",
			rule: "override"})
	if err := schema.InsertNumberChanges(t.Context(), conn,
		[]schema.NumberChange{{Account: "acme", Number: mail, From: "unknown", To: "dead", Rule: "hard", AtMS: 1,
			Seq: 1},
			{Account: "acme", Number: "+79160000001", From: "unknown", To: "dead", Rule: "hard", AtMS: 1,
				Seq: 2}}); err != nil {
		t.Fatal(err)
	}
	s := newRoom(conn)
	for query, want := range map[string]string{
		"numbers/dead?":                                    "[+79160000001 +79160000002]",
		"numbers/dead?kind=phone":                          "[+79160000001 +79160000002]",
		"numbers/dead?kind=email":                          "[" + mail + "]",
		"numbers/dead?kind=email&account=acme":             "[" + mail + "]",
		"numbers/changes?":                                 "[+79160000001]",
		"numbers/changes?kind=email":                       "[" + mail + "]",
		"numbers/changes?number=email:a%2Bb@example.com":   "[" + mail + "]",
		"numbers/changes?number=email:a+b@example.com":     "[" + mail + "]",
		"numbers/changes?number=%2079160000001":            "[+79160000001]",
		"numbers/changes?number=+79160000001":              "[+79160000001]",
		"numbers/changes?number=%2B79160000001&kind=phone": "[+79160000001]",
		"numbers/changes?number=%2B79160000002":            "[]",
	} {
		route, parameters, _ := strings.Cut(query, "?")
		got := []any{}
		for _, r := range s.list(t, route, parameters).Rows {
			got = append(got, r["number"])
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%s: %v, want %s", query, got, want)
		}
	}
	for _, path := range []string{mail, "email:a+b%40example.com", "email:a%2Bb%40example.com",
		"email%3Aa%2Bb%40example.com"} {
		var reply map[string]any
		querytest.Decode(t, querytest.Get(s, "/v1/numbers/"+path), http.StatusOK, &reply)
		if reply["number"] != mail || reply["state"] != "dead" ||
			fmt.Sprint(reply["reasons"]) != "map[no_mailbox:2]" {
			t.Errorf("%s: %v", path, reply)
		}
	}
	var reply map[string]any
	querytest.Decode(t, querytest.Get(s, "/v1/numbers/email:never@example.com"), http.StatusOK, &reply)
	if reply["state"] != "unknown" || reply["number"] != "email:never@example.com" {
		t.Errorf("never seen: %v", reply)
	}
	for _, query := range []string{"number=89030000001", "number=79160000001"} {
		querytest.WantProblem(t, querytest.Get(s, "/v1/numbers/changes?"+query), http.StatusBadRequest, "number",
			"%2B79161234567")
	}
	querytest.WantProblem(t, querytest.Get(s, "/v1/numbers/changes?number=email:x@example.com&kind=phone"),
		http.StatusBadRequest, "kind",
		"must be email")
	querytest.WantProblem(t, querytest.Get(s, "/v1/numbers/89030000001"), http.StatusBadRequest, "number",
		"must begin with + and the country code", "%2B79161234567")
}
