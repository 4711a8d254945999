package savings

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/query/store"
	"kaskad/schema"
)

// savingsReply is the envelope of the savings report.
type savingsReply struct {
	querytest.Report
	TariffVersion   uint64 `json:"tariff_version"`
	TemplateVersion uint64 `json:"template_version"`
}

func savingsReport(tb testing.TB, s room, query string) savingsReply {
	tb.Helper()
	var reply savingsReply
	querytest.Decode(tb, querytest.Get(s, "/v1/reports/savings?"+query), http.StatusOK, &reply)
	return reply
}

// newSavings makes a database of random messages and lists.
func newSavings(tb testing.TB, seed uint64, n, days int) (driver.Conn, []pricedCascade, answer.PriceVersions) {
	tb.Helper()
	conn := newConn(tb)
	cascades, lists := randomCascades(seed, n, testNow, days), randomLists()
	insertCascades(tb, conn, cascades)
	return conn, priceCascades(tb, cascades, lists), putLists(tb, conn, lists)
}

func TestSavings_Naive(t *testing.T) {
	conn, all, versions := newSavings(t, 7, 6000, 60)
	s := newRoom(t, conn)
	r := rand.New(rand.NewPCG(7, 7))
	zones := []string{"UTC", "UTC", "UTC", "Europe/Moscow", "America/New_York", "Asia/Kathmandu"}
	seen := map[string]int{}
	for round := range 160 {
		if round == 50 {
			querytest.Scatter(t, conn, "rollup_cascades")
			s = newRoom(t, conn)
		}
		zone := querytest.Location(t, zones[r.IntN(len(zones))])
		names := Keys.Names()
		r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		groupBy := slices.Clone(names[:r.IntN(4)])
		from := testNow.AddDate(0, 0, -r.IntN(70)).Add(time.Duration(r.IntN(96)) * 15 * time.Minute)
		to := from.Add(time.Duration(1+r.IntN(96*40)) * 15 * time.Minute)
		if r.IntN(4) == 0 {
			groupBy = slices.DeleteFunc([]string{"account", "sender", "month"},
				func(string) bool { return r.IntN(2) == 0 })
			names = []string{"account", "sender", "month"}
			from = monthStart(testNow).AddDate(0, -r.IntN(3), 0)
			to = from.AddDate(0, 1+r.IntN(2), 0)
		}
		if r.IntN(2) == 0 {
			from, to = from.Truncate(24*time.Hour), to.Add(24*time.Hour).Truncate(24*time.Hour)
		}
		values := url.Values{"group_by": {strings.Join(groupBy, ",")}, "tz": {zone.String()}, "limit": {"10000"},
			"from": {from.In(zone).Format(time.RFC3339)}, "to": {to.Format(time.RFC3339)}}
		filters := map[string][]string{}
		for range r.IntN(3) {
			name := append(names, "currency")[r.IntN(len(names)+1)]
			for range 1 + r.IntN(3) {
				value := fmt.Sprint(all[r.IntN(len(all))].key(name, zone))
				filters[name] = append(filters[name], value)
				values.Add(name, value)
			}
		}
		reply := savingsReport(t, s, values.Encode())
		want := naiveSavings(all, groupBy, filters, zone, from, to, testNow)
		querytest.SameRows(t, values.Encode(), reply.Rows, want)
		mature := true
		for _, row := range want {
			mature = mature && row["mature"].(bool)
			for name, value := range row {
				if value != nil && value != "0.00" && fmt.Sprint(value) != "0" {
					seen[name]++
				}
			}
		}
		if reply.Mature != mature {
			t.Errorf("%s: mature is %v, want %v", values.Encode(), reply.Mature, mature)
		}
		if filters["account"] == nil && (reply.TariffVersion != versions.Tariffs ||
			reply.TemplateVersion != versions.Templates) {
			t.Errorf("%s: versions %d and %d, want %+v", values.Encode(), reply.TariffVersion, reply.TemplateVersion,
				versions)
		}
		if t.Failed() {
			return
		}
	}
	for _, name := range Columns(nil, answer.FormatJSON, nil) {
		if seen[name] == 0 {
			t.Errorf("%s was never anything but 0 or null: the test compares nothing", name)
		}
	}
}

// Every name, each alone, by its own filter: the part that a filter keeps is the row that the grouping shows.
func TestSavings_FilterIsGroup(t *testing.T) {
	conn, _, _ := newSavings(t, 3, 600, 20)
	s := newRoom(t, conn)
	for _, name := range append(Keys.Names(), "currency") {
		groupBy := name
		if name == "currency" {
			groupBy = ""
		}
		all := savingsReport(t, s, "tz=Asia/Kathmandu&limit=10000&group_by="+groupBy)
		if len(all.Rows) == 0 {
			t.Errorf("%s: no rows", name)
		}
		for i, row := range all.Rows[:min(2, len(all.Rows))] {
			shown := fmt.Sprint(row[name])
			if strings.Contains(shown, "\ufffd") {
				continue
			}
			one := savingsReport(t, s, "tz=Asia/Kathmandu&group_by="+groupBy+"&"+name+"="+url.QueryEscape(shown))
			var want []map[string]any
			for _, other := range all.Rows {
				if fmt.Sprint(other[name]) == shown {
					want = append(want, other)
				}
			}
			querytest.SameRows(t, fmt.Sprint(name, "=", shown, " row ", i), one.Rows, want)
		}
	}
}

func TestSavings_Envelope(t *testing.T) {
	conn := newConn(t)
	s := newRoom(t, conn)
	w := querytest.Get(s, "/v1/reports/savings")
	want := `{"report":"savings","from":"2025-10-16T00:00:00Z","to":"2026-11-20T01:00:00Z","tz":"UTC","as_of":"2026-11-20T00:00:00.000Z",` +
		`"lag_seconds":0,"mature":true,"tariff_version":0,"template_version":0,"rows":[],"next_cursor":null}`
	if w.Body.String() != want {
		t.Errorf("nothing: %s\nwant %s", w.Body, want)
	}
	c := cascade{account: "a", cohortMS: testNow.Add(-30 * 24 * time.Hour).UnixMilli(), edition: 1,
		shape: money.Signature{SMSSegments: 2,
			Steps: []money.Step{{Channel: "push", Sent: true}, {Channel: "sms", Sent: true, Delivered: true}}}}
	insertCascades(t, conn, []cascade{c})
	version := querytest.PutTariffs(t, conn, "a", querytest.TariffRow("sms", "per_segment_sent", "2"),
		querytest.TariffRow("push", "per_message_sent", "0.5"))
	w = querytest.Get(s, "/v1/reports/savings?group_by=path,sms_segments")
	row := `{"path":"push>sms","sms_segments":2,"currency":"RUB","messages":1,"reached":1,"read":0,"unpriced":0,"estimated":0,"priced_messages":1,"priced_reached":1,"priced_read":0,` +
		`"sms_only_cost":"4.00","actual_cost":"4.50","saved":"-0.50","saved_rate":-0.125,"saved_unreached":"0.00","saved_reached":"-0.50","double_paid":"0.00","double_paid_unread":"0.00","wasted_cost":"0.00",` +
		`"cost_per_reached":"4.50","cost_per_read":null,"reported_attempts":0,"reported_cost":"0.00","drift":"0.00","minimum_top_up":"0.00","saved_after_minimum":"-0.50",` +
		`"by_channel":[{"channel":"push","attempts":1,"units":1,"cost":"0.50"},{"channel":"sms","attempts":1,"units":2,"cost":"4.00"}],"unpriced_reasons":[],"mature":true}`
	if !strings.Contains(w.Body.String(),
		fmt.Sprintf(`"tariff_version":%d,"template_version":0,"rows":[%s],"next_cursor":null`, version, row)) {
		t.Errorf("one row: %s", w.Body)
	}
}

// A page is a part of the whole, whatever is published and put in between.
func TestSavings_Pages(t *testing.T) {
	conn, all, _ := newSavings(t, 11, 1500, 30)
	querytest.Scatter(t, conn, "rollup_cascades")
	for _, groupBy := range []string{"", "campaign", "path,campaign", "hour", "hour_of_day,weekday,account",
		"sms_segments,sender", "day,reached_by"} {
		for _, limit := range []int{1, 7, 50} {
			s := newRoom(t, conn)
			query := "tz=America/New_York&group_by=" + groupBy
			whole := savingsReport(t, s, query+"&limit=10000")
			if len(whole.Rows) > 40*limit {
				continue
			}
			var rows []map[string]any
			page := savingsReport(t, s, fmt.Sprintf("%s&limit=%d", query, limit))
			for {
				rows = append(rows, page.Rows...)
				if page.Mature != whole.Mature || *page.AsOf != *whole.AsOf || page.From != whole.From ||
					page.TariffVersion != whole.TariffVersion {
					t.Errorf("%s: the envelope changes from page to page", query)
				}
				if page.NextCursor == nil {
					break
				}
				if len(page.Rows) != limit {
					t.Fatalf("%s: a page of %d rows, want %d", query, len(page.Rows), limit)
				}
				page = savingsReport(t, s, fmt.Sprintf("%s&limit=%d&cursor=%s", query, limit, *page.NextCursor))
			}
			querytest.SameRows(t, fmt.Sprintf("%s by %d", query, limit), rows, whole.Rows)
		}
	}

	// Later lists and editions change the report, and no page of an older cursor; also where nothing is remembered.
	s := newRoom(t, conn)
	const query = "group_by=account,campaign&limit=5"
	whole := savingsReport(t, s, "group_by=account,campaign&limit=10000")
	page := savingsReport(t, s, query)
	newer := make([]cascade, 0, 10)
	for _, p := range all[:10] {
		c := p.cascade
		c.edition = 100
		newer = append(newer, c)
	}
	insertCascades(t, conn, newer)
	querytest.PutTariffs(t, conn, "acme", querytest.TariffRow("sms", "per_segment_sent", "100"))
	querytest.PutTariffs(t, conn, "z", querytest.TariffRow("sms", "per_segment_sent", "100", "valid_from",
		"2026-10-29T00:00:00Z"))
	if now := savingsReport(t, s, "group_by=account,campaign&limit=10000"); fmt.Sprint(now.Rows) == fmt.Sprint(whole.Rows) || now.TariffVersion == whole.TariffVersion {
		t.Error("what was put is not seen")
	}
	for _, server := range []room{s, newRoom(t, conn)} {
		rows, next := page.Rows, page.NextCursor
		for next != nil {
			p := savingsReport(t, server, query+"&cursor="+*next)
			rows, next = append(slices.Clip(rows), p.Rows...), p.NextCursor
		}
		querytest.SameRows(t, "pages of the old cursor", rows, whole.Rows)
	}
}

func TestSavings_Cursor_Errors(t *testing.T) {
	conn, _, _ := newSavings(t, 5, 100, 3)
	s := newRoom(t, conn)
	good := *savingsReport(t, s, "group_by=weekday&limit=1&currency=RUB&currency=").NextCursor
	channels := answer.QueryHash("channels", "UTC", "channel", "", "")
	forge := func(name string, c answer.Cursor) string {
		c.Query = answer.QueryHash("savings", "UTC", name, "", "")
		encoded, err := s.db.Cursors.Seal(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		return encoded
	}
	seen := &answer.Snapshot{Edition: 1, NowMS: testNow.UnixMilli(), ReadMS: time.Now().UnixMilli(),
		Prices: &answer.PriceVersions{}}
	priceless := *seen
	priceless.Prices = nil
	old := *seen
	old.ReadMS -= answer.MaxCursorAge.Milliseconds() + 1000
	other, err := s.db.Cursors.Seal(t.Context(),
		answer.Cursor{Query: channels, After: [][]byte{[]byte("1"), nil}, Snapshot: seen})
	if err != nil {
		t.Fatal(err)
	}
	for query, word := range map[string]string{
		"group_by=weekday&currency=RUB&cursor=" + good: "another query",
		"group_by=weekday&cursor=" + other:             "another query",
		"group_by=weekday&cursor=" + forge("weekday",
			answer.Cursor{After: [][]byte{[]byte("1"), []byte("RUB")}, Snapshot: &priceless}): "cannot be read",
		"group_by=weekday&cursor=" + forge("weekday",
			answer.Cursor{After: [][]byte{[]byte("one"), []byte("RUB")}, Snapshot: seen}): "cannot be read",
		"group_by=weekday&cursor=" + forge("weekday",
			answer.Cursor{After: [][]byte{[]byte("1")}, Snapshot: seen}): "cannot be read",
		"group_by=weekday&cursor=" + forge("weekday",
			answer.Cursor{After: [][]byte{[]byte("1"), []byte("RUB")}}): "cannot be read",
		"group_by=weekday&cursor=" + forge("weekday",
			answer.Cursor{After: [][]byte{[]byte("1"), []byte("RUB")}, Snapshot: &old}): "older than 9 minutes",
		"group_by=weekday&limit=1&currency=RUB&currency=&tz=Asia/Tokyo&cursor=" +
			url.QueryEscape(good): "another query",
		"group_by=sms_segments&cursor=" +
			forge("sms_segments", answer.Cursor{After: [][]byte{[]byte("70000"), []byte("RUB")},
				Snapshot: seen}): "cannot be read",
	} {
		querytest.WantProblem(t, querytest.Get(s, "/v1/reports/savings?"+query), http.StatusBadRequest, "cursor", word)
	}
	if w := querytest.Get(s, "/v1/reports/savings?group_by=weekday&currency=&currency=RUB&limit=3&cursor="+good); w.Code != http.StatusOK {
		t.Errorf("order of filter values and limit are no change: %s", w.Body)
	}
}

func TestSavings_Errors(t *testing.T) {
	s := newRoom(t, newConn(t))
	for _, c := range []struct{ query, parameter, word string }{
		{"group_by=channel", "group_by", "no name"},
		{"group_by=currency", "group_by", "no name"},
		{"group_by=senders", "group_by", "did you mean sender?"},
		{"group_by=path,path", "group_by", "twice"},
		{"channel=sms", "channel", "unknown here"},
		{"provider=mts", "provider", "unknown here"},
		{"currency=rub", "currency", "ISO 4217"},
		{"currency=XXQ", "currency", "ISO 4217"},
		{"first_channel=", "first_channel", "sms"},
		{"first_channel=smss", "first_channel", "did you mean sms?"},
		{"reached_by=smss", "reached_by", "did you mean sms?"},
		{"path=sms>smss", "path", "did you mean sms?"},
		{"path=", "path", "joined by >"},
		{"sms_segments=-1", "sms_segments", "0…65535"},
		{"sms_segments=1.5", "sms_segments", "0…65535"},
		{"traffic=adverts", "traffic", "otp transactional service promo"},
		{"from=2026-11-01T00:01:00Z", "from", "quarter hour"},
		{"format=pdf", "format", "json csv ndjson xlsx"},
		{"limit=0", "limit", "1…10000"},
		{"account=a&acount=b", "acount", "did you mean account?"},
	} {
		querytest.WantProblem(t, querytest.Get(s, "/v1/reports/savings?"+c.query), http.StatusBadRequest, c.parameter,
			c.word)
	}
}

// What editions changed adds up when they are published, and what is taken away as a whole leaves no row.
func TestSavings_Editions(t *testing.T) {
	conn := newConn(t)
	s := newRoom(t, conn)
	querytest.PutTariffs(t, conn, "a", querytest.TariffRow("sms", "per_message_sent", "1"))
	at := func(edition uint64, hour, n int, taken bool) (all []cascade) {
		for range n {
			all = append(all, cascade{account: "a", cohortMS: testNow.Add(-time.Duration(hour) * time.Hour).UnixMilli(),
				edition: edition, taken: taken,
				shape: money.Signature{SMSSegments: 1, Steps: []money.Step{{Channel: "sms", Sent: true}}}})
		}
		return all
	}
	want := func(what string, cost ...string) {
		t.Helper()
		for _, query := range []string{"", "account=a", "account=a&account=b"} {
			var got []string
			for _, row := range savingsReport(t, s, query).Rows {
				got = append(got, row["actual_cost"].(string))
			}
			if !slices.Equal(got, cost) {
				t.Errorf("%s, %q: %v, want %v", what, query, got, cost)
			}
		}
	}
	want("nothing")
	insertCascades(t, conn, append(at(1, 1, 3, false), at(1, 2, 5, false)...))
	want("published", "8.00")
	insertCascades(t, conn, at(2, 1, 10, false))
	want("more", "18.00")
	querytest.Execute(t, conn, "INSERT INTO rollup_cascades SELECT * REPLACE(4 AS edition) FROM rollup_cascades")
	querytest.Begin(t, conn, 4)
	want("not published", "18.00")
	querytest.Build(t, conn, "rollup_cascades", 3, "1", 1)
	querytest.Publish(t, conn, 3)
	want("summed up", "18.00")
	insertCascades(t, conn, at(5, 1, 13, true))
	want("taken away", "5.00")
	insertCascades(t, conn, at(6, 2, 5, true))
	want("all of it")
	insertCascades(t, conn, at(7, 2, 1, true))
	if w := querytest.Get(s, "/v1/reports/savings"); w.Code != http.StatusInternalServerError {
		t.Errorf("fewer than nothing: %d %s", w.Code, w.Body)
	}
}

// Where days are summed up, their quarter hours are not read; where the period, a tariff or a template cuts a day, or a key
// tells its hours apart, the sums are not.
func TestSavings_Days(t *testing.T) {
	conn, all, _ := newSavings(t, 31, 3000, 40)
	querytest.Build(t, conn, "rollup_cascades", 2, "1", 1)
	querytest.Publish(t, conn, 2)
	const period = "from=2026-10-20&to=2026-11-10&account="
	from, to := time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC)
	check := func(query string, groupBy []string, filters map[string][]string, zone *time.Location, from,
		to time.Time) bool {
		t.Helper()
		query += "&tz=" + zone.String() + "&limit=10000&group_by=" + strings.Join(groupBy, ",")
		want := naiveSavings(all, groupBy, filters, zone, from, to, testNow)
		return fmt.Sprint(savingsReport(t, newRoom(t, conn), query).Rows) == fmt.Sprint(want)
	}
	moscow := querytest.Location(t, "Europe/Moscow")
	center, both := map[string][]string{"account": {"центр"}}, map[string][]string{"account": {"центр", "z"}}
	type request struct {
		name, query string
		groupBy     []string
		filters     map[string][]string
		zone        *time.Location
		from, to    time.Time
	}
	fromDays := []request{
		{"an account", period + "центр", nil, center, time.UTC, from, to},
		{"two accounts", period + "центр&account=z", []string{"account", "path"}, both, time.UTC, from, to},
		{"days of UTC", period + "центр", []string{"week", "day", "weekday", "month"}, center, time.UTC, from, to},
		{"between borders", "account=acme&from=2026-10-27&to=2026-11-01", []string{"sender"},
			map[string][]string{"account": {"acme"}}, time.UTC,
			time.Date(2026, 10, 27, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)},
	}
	fromCells := []request{
		{"hours", period + "центр", []string{"hour_of_day"}, center, time.UTC, from, to},
		{"days of a zone", "from=2026-10-20T00:00:00Z&to=2026-11-10T00:00:00Z&account=центр", []string{"day"}, center,
			moscow, from, to},
		{"a part of a day", "account=центр&from=2026-10-20T00:15:00Z&to=2026-11-10", nil, center, time.UTC,
			from.Add(15 * time.Minute), to},
		{"a border", period + "acme", nil, map[string][]string{"account": {"acme"}}, time.UTC, from, to},
	}
	for _, a := range slices.Concat(fromDays, fromCells) {
		if !check(a.query, a.groupBy, a.filters, a.zone, a.from, a.to) {
			t.Errorf("%s: wrong while all is there", a.name)
		}
	}
	// WhatsApp and Viber settle in 30 and 14 days, and which of a day's cohorts are settled quarter hours tell alone.
	querytest.Execute(t, conn, "ALTER TABLE rollup_cascades DELETE WHERE kind = 'difference' OR (kind = 'quarter' AND day "+
		"NOT IN ('2026-10-21', '2026-11-06')) SETTINGS mutations_sync = 2")
	for _, a := range fromDays {
		if !check(a.query, a.groupBy, a.filters, a.zone, a.from, a.to) {
			t.Errorf("%s: the cells were read", a.name)
		}
	}
	for _, a := range fromCells {
		if check(a.query, a.groupBy, a.filters, a.zone, a.from, a.to) {
			t.Errorf("%s: the cells were not read", a.name)
		}
	}
}

// A row is mature when every cohort is older than the settling time of all its routes; so one young message among many
// that are priced alike, and one slow channel, make a row immature, and the answer, whatever page it is on.
func TestSavings_Mature(t *testing.T) {
	conn := newConn(t)
	querytest.Execute(t, conn, "INSERT INTO routes VALUES ('', 'sms', 'slow', 1, 0, 'none', 30, 1)")
	settled := testNow.Add(-3 * 24 * time.Hour).UnixMilli() // sms settles in 3 days, viber in 14
	var cascades []cascade
	add := func(campaign string, number int, cohortMS int64, provider string, channels ...string) {
		c := cascade{account: "a", campaign: campaign, cohortMS: cohortMS, edition: 1,
			shape: money.Signature{SMSSegments: 1}}
		for _, channel := range channels {
			c.shape.Steps = append(c.shape.Steps,
				money.Step{Channel: channel, Provider: provider, Operator: fmt.Sprint("250", number), Sent: true})
		}
		cascades = append(cascades, c)
	}
	for i := range 40 {
		add("1-old", i, settled-1-int64(i), "", "sms")
		add("2-young", i, settled-1+int64(answer.Bit(i == 17)), "", "sms")
		add("3-channel", i, settled-1, "", "sms", "viber")
		add("4-provider", i, settled-1, "slow", "sms")
	}
	insertCascades(t, conn, cascades)
	now := testNow
	s := newRoom(t, conn, func(db *store.DB) { db.Now = func() time.Time { return now } })
	const query = "group_by=campaign&from=2026-11-01&to=2026-11-20"
	want := func(what string, mature ...any) {
		t.Helper()
		reply := savingsReport(t, s, query)
		var got []any
		for _, row := range reply.Rows {
			got = append(got, row["mature"])
		}
		if !slices.Equal(got, mature) || reply.Mature {
			t.Errorf("%s: %v, want %v", what, got, mature)
		}
	}
	want("first", true, false, false, false)
	first := savingsReport(t, s, query+"&limit=1")
	second := savingsReport(t, s, query+"&limit=1&cursor="+*first.NextCursor)
	if first.Mature || second.Mature || first.Rows[0]["mature"] != true {
		t.Errorf("by pages: %v, %v", first.Mature, second.Mature)
	}
	if old := savingsReport(t, s, query+"&campaign=1-old"); !old.Mature {
		t.Error("the mature ones alone are not")
	}
	// Time alone makes rows mature; what is remembered does not keep them from it, but in a cursor, whose time stands
	// still.
	now = now.Add(time.Millisecond)
	want("a millisecond later", true, true, false, false)
	if next := savingsReport(t, s, query+"&limit=1&cursor="+*first.NextCursor); next.Rows[0]["mature"] != false {
		t.Error("a page of the older cursor is of a later moment")
	}
	if n := s.answersBy(t, "computed"); n != "2" {
		t.Errorf("%s answers were computed, want 2", n)
	}
}

// A repeated request is answered from memory until something that it depends on changes: its own accounts' editions,
// lists or routes.
func TestSavings_Remembered(t *testing.T) {
	conn := newConn(t)
	s := newRoom(t, conn)
	one := func(account string, edition uint64) []cascade {
		return []cascade{{account: account, cohortMS: testNow.Add(-48 * time.Hour).UnixMilli(), edition: edition,
			shape: money.Signature{SMSSegments: 1, Steps: []money.Step{{Channel: "sms", Sent: true}}}}}
	}
	insertCascades(t, conn, one("a", 1))
	querytest.PutTariffs(t, conn, "a", querytest.TariffRow("sms", "per_message_sent", "1"))
	answers := func() (string, string) {
		return s.answersBy(t, "computed"),
			s.answersBy(t, "remembered")
	}
	want := func(what, computed, remembered string) {
		t.Helper()
		savingsReport(t, s, "account=a&from=2026-11-01")
		if c, r := answers(); c != computed || r != remembered {
			t.Errorf("%s: %s computed and %s remembered, want %s and %s", what, c, r, computed, remembered)
		}
	}
	want("first", "1", "")
	want("again", "1", "1")
	insertCascades(t, conn, one("b", 2))
	querytest.PutTariffs(t, conn, "b", querytest.TariffRow("sms", "per_message_sent", "1"))
	want("others", "1", "2")
	querytest.Get(s, "/v1/reports/savings?account=a&from=2026-11-01&format=csv&limit=7")
	want("another form", "1", "4")
	insertCascades(t, conn, one("a", 3))
	want("an edition", "2", "4")
	querytest.PutTariffs(t, conn, "a", querytest.TariffRow("sms", "per_message_sent", "2"))
	want("a list", "3", "4")
	querytest.Execute(t, conn, "INSERT INTO routes VALUES ('a', 'sms', '*', 1, 0, 'none', 1, 2)")
	want("a route", "4", "4")
	if row := savingsReport(t, s, "account=a&from=2026-11-01").Rows[0]; row["mature"] != true ||
		row["actual_cost"] != "4.00" {
		t.Errorf("after all: %v", row)
	}
}

// What is remembered is bounded, and forgetting changes nothing.
func TestSavings_Memory(t *testing.T) {
	conn, all, _ := newSavings(t, 13, 2000, 30)
	s := newRoom(t, conn)
	s.signatures.limit, s.answers.Limit = 20_000, 4000
	for range 2 {
		for _, groupBy := range []string{"", "account", "path", "campaign"} {
			reply := savingsReport(t, s, "limit=10000&group_by="+groupBy)
			var names []string
			if groupBy != "" {
				names = []string{groupBy}
			}
			querytest.SameRows(t, groupBy, reply.Rows,
				naiveSavings(all, names, nil, time.UTC, testNow.AddDate(-2, 0, 0), testNow.Add(time.Hour), testNow))
			held := s.signatures.held()
			if bytes, _ := s.answers.Held(); held > s.signatures.limit || bytes > s.answers.Limit {
				t.Errorf("%d bytes of signatures and %d of answers are held", held, bytes)
			}
		}
	}
	if _, answers := s.answers.Held(); answers == 0 {
		t.Error("no answer is held")
	}
}

// Cells that name what the tables do not hold are an error, not a smaller report.
func TestSavings_MissingShape(t *testing.T) {
	conn, _, _ := newSavings(t, 17, 50, 3)
	querytest.Execute(t, conn, "TRUNCATE TABLE legs")
	if w := querytest.Get(newRoom(t, conn), "/v1/reports/savings"); w.Code != http.StatusInternalServerError {
		t.Errorf("without legs: %d %s", w.Code, w.Body)
	}
	querytest.Execute(t, conn, "TRUNCATE TABLE shapes")
	if w := querytest.Get(newRoom(t, conn), "/v1/reports/savings"); w.Code != http.StatusInternalServerError {
		t.Errorf("without shapes: %d %s", w.Code, w.Body)
	}
}

// Many requests at a time, on a server that knows nothing yet, give one answer each.
func TestSavings_Concurrent(t *testing.T) {
	conn, all, _ := newSavings(t, 19, 3000, 30)
	s := newRoom(t, conn)
	done := make(chan error)
	queries := []string{"", "account", "path", "hour", "sms_segments", "template"}
	want := map[string]string{}
	for _, groupBy := range queries {
		var names []string
		if groupBy != "" {
			names = []string{groupBy}
		}
		want[groupBy] = fmt.Sprint(naiveSavings(all, names, nil, time.UTC, testNow.AddDate(-2, 0, 0),
			testNow.Add(time.Hour), testNow))
	}
	const each = 3
	for _, groupBy := range slices.Repeat(queries, each) {
		go func() {
			w := querytest.Get(s, "/v1/reports/savings?limit=10000&group_by="+groupBy)
			var reply savingsReply
			if w.Code != http.StatusOK {
				done <- fmt.Errorf("%q: %s", groupBy, w.Body)
				return
			}
			querytest.Decode(t, w, http.StatusOK, &reply)
			if got := fmt.Sprint(reply.Rows); got != want[groupBy] {
				done <- fmt.Errorf("%q: %s\nwant %s", groupBy, got, want[groupBy])
				return
			}
			done <- nil
		}()
	}
	for range each * len(queries) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestSavings_Routes(t *testing.T) {
	overrides := []store.Capability{{Account: "acme", Channel: "push", Provider: "*", SettlingDays: 5},
		{Account: "z", Channel: "push", Provider: "fcm", SettlingDays: 2},
		{Channel: "sms", Provider: "mts", SettlingDays: 9}, {Channel: "sms", Provider: "*", SettlingDays: 3},
		{Channel: "push", Provider: "*", SettlingDays: 1}}
	table := store.NewCapabilities(overrides)
	for _, c := range []struct {
		account, channel, provider string
		days                       int64
	}{{"acme", "push", "fcm", 5}, {"acme", "push", "", 5}, {"z", "push", "fcm", 2}, {"z", "push", "apns", 1},
		{"acme", "sms", "mts", 9}, {"q", "sms", "*", 3}, {"q", "voice", "", 0}} {
		if got := int64(table.Find(c.account, c.channel, c.provider).SettlingDays); got != c.days {
			t.Errorf("%+v: %d days", c, got)
		}
	}
}

// Values with quotes, braces and control characters are data wherever they go.
func TestSavings_Values(t *testing.T) {
	conn := newConn(t)
	texts := []string{"it's", `back\slash`, "{from:UInt32}", "a,b", "[x]", "tab\tnew\nline\r", "\x00nul",
		"') OR 1=1 --", "ё", `"`, "\xff", "", "%d", "NULL", `\N`}
	var cascades []cascade
	for i, text := range texts {
		for range i + 1 {
			cascades = append(cascades, cascade{account: "a" + text, campaign: text, template: text,
				cohortMS: testNow.Add(-24 * time.Hour).UnixMilli(), edition: 1,
				shape: money.Signature{Steps: []money.Step{{Channel: "push", Sender: text, App: text}}}})
		}
		querytest.PutTariffs(t, conn, "a"+text, querytest.TariffRow("sms", "per_segment_sent", "1"))
	}
	insertCascades(t, conn, cascades)
	querytest.PutPrices(t, conn, schema.ReferenceTemplates, "aa,b",
		`{"template":"a,b","sms_segments":3,"valid_from":"2026-11-10T00:00:00Z"}`)
	querytest.PutPrices(t, conn, schema.ReferenceTemplates, "ait's",
		`{"template":"it's","sms_segments":5,"valid_from":"2020-11-10T00:00:00Z"}`)
	s := newRoom(t, conn)
	for i, text := range texts {
		for _, query := range []string{"campaign=" + url.QueryEscape(text), "account=" + url.QueryEscape("a"+text),
			"sender=" + url.QueryEscape(text) + "&sender=none", "template=" + url.QueryEscape(text)} {
			rows := savingsReport(t, s, query).Rows
			if len(rows) != 1 || fmt.Sprint(rows[0]["messages"]) != fmt.Sprint(i+1) {
				t.Errorf("%s: %v, want %d messages", query, rows, i+1)
				continue
			}
			segments := map[string]int{"a,b": 3, "it's": 5}[text] * (i + 1)
			if fmt.Sprint(rows[0]["sms_segments"]) != fmt.Sprint(segments) {
				t.Errorf("%s: %v segments, want %d", query, rows[0]["sms_segments"], segments)
			}
		}
	}
	seen := 1
	for page := savingsReport(t, s, "group_by=campaign,sender,account&limit=1"); page.NextCursor != nil; seen++ {
		page = savingsReport(t, s, "group_by=campaign,sender,account&limit=1&cursor="+*page.NextCursor)
	}
	if seen != len(texts) {
		t.Errorf("%d pages, want %d", seen, len(texts))
	}
}

// The sum of all rows of any grouping is the total, and the amounts of a row agree with each other.
func TestSavings_Sums(t *testing.T) {
	conn, _, _ := newSavings(t, 23, 1000, 30)
	s := newRoom(t, conn)
	total := map[string]map[string]any{}
	for _, row := range savingsReport(t, s, "").Rows {
		total[row["currency"].(string)] = row
	}
	for _, name := range Keys.Names() {
		sums := map[string]uint64{}
		for _, row := range savingsReport(t, s, "limit=10000&group_by="+name).Rows {
			var n uint64
			if _, err := fmt.Sscan(fmt.Sprint(row["messages"]), &n); err != nil {
				t.Fatal(err)
			}
			sums[row["currency"].(string)] += n
		}
		want := map[string]uint64{}
		for currency, row := range total {
			var n uint64
			if _, err := fmt.Sscan(fmt.Sprint(row["messages"]), &n); err != nil {
				t.Fatal(err)
			}
			want[currency] = n
		}
		if !maps.Equal(sums, want) {
			t.Errorf("%s: %v, want %v", name, sums, want)
		}
	}
}
