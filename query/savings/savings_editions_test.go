package savings

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/query/store"
)

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

// Where days are summed up, their quarter hours are not read; where the period, a tariff or a template cuts a day, or a
// key tells its hours apart, the sums are not.
func TestSavings_Days(t *testing.T) {
	conn, m, _ := newSavings(t, 31, 1500, 40)
	querytest.Build(t, conn, "rollup_cascades", 2, "1", 1)
	querytest.Publish(t, conn, 2)
	const period = "from=2026-10-20&to=2026-11-10&account="
	from, to := time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC)
	check := func(query string, groupBy []string, filters map[string][]string, zone *time.Location, from,
		to time.Time) bool {
		t.Helper()
		query += "&tz=" + zone.String() + "&limit=10000&group_by=" + strings.Join(groupBy, ",")
		want := m.report(t, groupBy, filters, zone, from, to)
		return compare(want, savingsReport(t, newRoom(t, conn), query).Rows) == nil
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
	querytest.Execute(t, conn, "ALTER TABLE rollup_cascades DELETE WHERE kind = 'difference' OR (kind = 'quarter' "+
		"AND day "+
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

// An edition costs an answer about one account the days that it changed: the others are remembered, with what cuts
// them.
func TestSavings_Pieces(t *testing.T) {
	conn, m, _ := newSavings(t, 37, 1500, 40)
	now := testNow
	s := newRoom(t, conn, func(db *store.DB) { db.Now = func() time.Time { return now } })
	from, to := time.Date(2026, 10, 15, 6, 15, 0, 0, time.UTC), time.Date(2026, 11, 19, 12, 0, 0, 0, time.UTC)
	check := func(what, groupBy string, filters map[string][]string) {
		t.Helper()
		values := url.Values{"group_by": {groupBy}, "limit": {"10000"}, "from": {from.Format(time.RFC3339)},
			"to": {to.Format(time.RFC3339)}}
		maps.Copy(values, filters)
		want := m.report(t, strings.FieldsFunc(groupBy, func(r rune) bool { return r == ',' }), filters, time.UTC, from,
			to)
		if err := compare(want, savingsReport(t, s, values.Encode()).Rows); err != nil {
			t.Fatalf("%s %s: %v", what, groupBy, err)
		}
	}
	acme := map[string][]string{"account": {"acme"}}
	shapes := []string{"", "campaign", "hour_of_day,reached_by", "sender,path", "day"}
	for _, groupBy := range shapes {
		check("first", groupBy, acme)
	}
	check("first", "campaign", map[string][]string{"account": {"acme"}, "sender": {"Shop"}})
	// Later editions change two days; of all others nothing is there any more.
	lists := randomLists()
	var more []cascade
	for i, c := range randomCascades(38, 60, testNow, 1) {
		c.account, c.edition = "acme", 2
		c.cohortMS = time.Date(2026, 10, 15+20*(i%2), 7, i%60, 0, 0, time.UTC).UnixMilli()
		more = append(more, c)
	}
	// What settles during the time of the test is read anew.
	querytest.Execute(t, conn, "ALTER TABLE rollup_cascades DELETE WHERE day NOT IN ('2026-10-15', '2026-11-04', "+
		"'2026-10-21', '2026-11-06', '2026-11-13', '2026-11-17', '2026-11-19') SETTINGS mutations_sync = 2")
	insertCascades(t, conn, more)
	now = now.Add(time.Hour)
	m = newSavingsModel(t, now, append(m.cascades, more...), lists)
	for _, groupBy := range shapes {
		check("changed", groupBy, acme)
	}
	// Other ends of the period cut days that were wholes.
	from, to = time.Date(2026, 11, 4, 7, 15, 0, 0, time.UTC), time.Date(2026, 11, 6, 5, 0, 0, 0, time.UTC)
	check("cut", "campaign", acme)
	// A new list prices all days anew, and now it shows that their cells are gone.
	querytest.PutTariffs(t, conn, "acme", lists["acme"].tariffs...)
	if rows := savingsReport(t, s, "account=acme&from=2026-11-07&to=2026-11-10").Rows; len(rows) != 0 {
		t.Errorf("remembered by another list: %v", rows)
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
