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

	"kaskad/engine/enginetest"
	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/schema"
	"kaskad/simulate/model"
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
func newSavings(tb testing.TB, seed uint64, n, days int) (driver.Conn, *savingsModel, answer.PriceVersions) {
	tb.Helper()
	conn := newConn(tb)
	cascades, lists := randomCascades(seed, n, testNow, days), randomLists()
	insertCascades(tb, conn, cascades)
	return conn, newSavingsModel(tb, testNow, cascades, lists), putLists(tb, conn, lists)
}

func TestSavings_Model(t *testing.T) {
	conn, m, versions := newSavings(t, 7, 3000, 60)
	s := newRoom(t, conn)
	r := rand.New(rand.NewPCG(7, 7))
	zones := []string{"UTC", "UTC", "UTC", "Europe/Moscow", "America/New_York", "Asia/Kathmandu"}
	seen := map[string]int{}
	rounds := enginetest.World(t, 60, 60, 120)
	for round := range rounds {
		if round == rounds/3 {
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
			from = time.Date(2026, time.Month(11-r.IntN(3)), 1, 0, 0, 0, 0, time.UTC)
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
			known := m.values(t, name, zone)
			for range 1 + r.IntN(3) {
				value := known[r.IntN(len(known))]
				filters[name] = append(filters[name], value)
				values.Add(name, value)
			}
		}
		reply := savingsReport(t, s, values.Encode())
		if err := compare(m.report(t, groupBy, filters, zone, from, to), reply.Rows); err != nil {
			t.Errorf("%s: %v", values.Encode(), err)
		}
		mature := true
		for _, row := range reply.Rows {
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
	for _, c := range Columns(nil, answer.FormatJSON, nil) {
		if seen[c.Name] == 0 {
			t.Errorf("%s was never anything but 0 or null: the test compares nothing", c.Name)
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

// What is remembered is bounded, and forgetting changes nothing.
func TestSavings_Memory(t *testing.T) {
	conn, m, _ := newSavings(t, 13, 2000, 30)
	s := newRoom(t, conn)
	s.signatures.limit, s.answers.Limit = 20_000, 4000
	for range 2 {
		for _, groupBy := range []string{"", "account", "path", "campaign"} {
			reply := savingsReport(t, s, "limit=10000&group_by="+groupBy)
			if err := compare(m.all(t, groupBy), reply.Rows); err != nil {
				t.Errorf("by %q: %v", groupBy, err)
			}
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
	conn, m, _ := newSavings(t, 19, 2000, 30)
	s := newRoom(t, conn)
	done := make(chan error)
	queries := []string{"", "account", "path", "hour"}
	want := map[string][]model.SavingsRow{}
	for _, groupBy := range queries {
		want[groupBy] = m.all(t, groupBy)
	}
	const each = 2
	for _, groupBy := range slices.Repeat(queries, each) {
		go func() {
			w := querytest.Get(s, "/v1/reports/savings?limit=10000&group_by="+groupBy)
			var reply savingsReply
			if w.Code != http.StatusOK {
				done <- fmt.Errorf("%q: %s", groupBy, w.Body)
				return
			}
			querytest.Decode(t, w, http.StatusOK, &reply)
			done <- compare(want[groupBy], reply.Rows)
		}()
	}
	for range each * len(queries) {
		if err := <-done; err != nil {
			t.Error(err)
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
