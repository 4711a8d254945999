package query

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"kaskad/engine/enginetest"
	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/query/rollup"
)

func TestServer_Channels_Naive(t *testing.T) {
	conn := newConn(t)
	cells := randomCells(7, 3000, testNow, 60)
	insertCells(t, conn, cells)
	querytest.Scatter(t, conn, "rollup_attempts")
	events := randomOptOuts(7, 1000, cells)
	insertOptOuts(t, conn, events)
	cells = append(cells, attributed(events)...)
	s := newServer(t, conn)
	r := rand.New(rand.NewPCG(7, 7))
	zones := []string{"UTC", "Europe/Moscow", "America/New_York", "Asia/Kathmandu", "Asia/Kolkata",
		"Australia/Lord_Howe", "Pacific/Chatham", "Africa/Cairo"}
	for range enginetest.World(t, 8, 12, 40) {
		zone := querytest.Location(t, zones[r.IntN(len(zones))])
		names := rollup.ChannelKeys.Names()
		r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		groupBy := names[:r.IntN(4)]
		from := testNow.AddDate(0, 0, -r.IntN(70)).Add(time.Duration(r.IntN(96)) * 15 * time.Minute)
		to := from.Add(time.Duration(1+r.IntN(96*40)) * 15 * time.Minute)
		values := url.Values{"group_by": {strings.Join(groupBy, ",")}, "tz": {zone.String()}, "limit": {"10000"},
			"from": {from.In(zone).Format(time.RFC3339)}, "to": {to.Format(time.RFC3339)}}
		filters := map[string][]string{}
		for range r.IntN(3) {
			name := names[r.IntN(len(names))]
			for range 1 + r.IntN(3) {
				value := fmt.Sprint(naiveKey(cells[r.IntN(len(cells))], name, zone))
				filters[name] = append(filters[name], value)
				values.Add(name, value)
			}
		}
		reply := channelReport(t, s, values.Encode())
		want := naiveReport(cells, groupBy, filters, zone, from, to, testNow, nil)
		querytest.SameRows(t, values.Encode(), reply.Rows, want)
		mature := true
		for _, row := range want {
			mature = mature && row["mature"].(bool)
		}
		if reply.Mature != mature {
			t.Errorf("%s: mature is %v, want %v", values.Encode(), reply.Mature, mature)
		}
		if reply.From != from.In(zone).Format(time.RFC3339) || reply.To != to.In(zone).Format(time.RFC3339) ||
			reply.TZ != zone.String() {
			t.Errorf("%s: envelope says %s %s %s", values.Encode(), reply.From, reply.To, reply.TZ)
		}
		if t.Failed() {
			return
		}
	}
}

// Every name, each alone, by its own filter: the part that a filter keeps is the row that the grouping shows.
func TestServer_Channels_FilterIsGroup(t *testing.T) {
	conn := newConn(t)
	cells := randomCells(3, 500, testNow, 20)
	insertCells(t, conn, cells)
	publish(t, conn, cells)
	s := newServer(t, conn)
	for _, name := range rollup.ChannelKeys.Names() {
		all := channelReport(t, s, "tz=Asia/Kathmandu&limit=10000&group_by="+name)
		if len(all.Rows) == 0 {
			t.Errorf("%s: no rows", name)
		}
		for _, row := range all.Rows[:min(2, len(all.Rows))] {
			shown := fmt.Sprint(row[name])
			if strings.Contains(shown, "\ufffd") {
				continue
			}
			one := channelReport(t, s, "tz=Asia/Kathmandu&group_by="+name+"&"+name+"="+url.QueryEscape(shown))
			querytest.SameRows(t, name+"="+shown, one.Rows, []map[string]any{row})
		}
	}
}

func TestServer_Channels_Envelope(t *testing.T) {
	conn := newConn(t)
	s := newServer(t, conn)
	w := get(s, "/v1/reports/channels")
	want := `{"report":"channels","from":"2025-10-16T00:00:00Z","to":"2026-11-20T01:00:00Z","tz":"UTC","as_of":"2026-11-20T00:00:00.000Z",` +
		`"lag_seconds":0,"mature":true,"rows":[],"next_cursor":null}`
	if w.Body.String() != want {
		t.Errorf("nothing: %s\nwant %s", w.Body, want)
	}
	// Without keys there is one row, of nothing too.
	w = get(s, "/v1/reports/channels?group_by=")
	var fields []string
	for _, name := range []string{"attempted", "sent", "delivered", "read", "clicked", "replied", "failed", "pending",
		"skipped", "skewed", "machine_opened", "unsubscribed", "blocked", "complained"} {
		fields = append(fields, `"`+name+`":0`)
	}
	for _, name := range []string{"delivery", "delivered_of_attempted", "open", "read_of_sent", "reply", "click",
		"delivered_1m", "delivered_24h", "read_24h", "unsubscribe", "block", "complaint"} {
		fields = append(fields, strings.ReplaceAll(`"X_num":0,"X_den":0,"X_rate":null,"X_rate_low":null,"X_rate_high":null`, "X", name))
	}
	fields = append(fields, `"open_rate_bound":null`)
	for _, name := range []string{"deliver", "read", "reply"} {
		fields = append(fields, strings.ReplaceAll(`"time_to_X_p50":null,"time_to_X_p90":null,"time_to_X_p99":null`,
			"X", name))
	}
	row := "{" + strings.Join(fields, ",") + `,"mature":true}`
	if !strings.Contains(w.Body.String(), `"rows":[`+row+`],"next_cursor":null`) {
		t.Errorf("one row of nothing: %s", w.Body)
	}
}

func TestServer_Channels_AsOf(t *testing.T) {
	conn := newConn(t)
	now := testNow.Add(1234 * time.Millisecond)
	s := newServer(t, conn, func(c *Config, _ *Deps) {
		c.Fixed = false
		c.Now = func() time.Time { return now }
	})
	if reply := channelReport(t, s, ""); reply.AsOf != nil || reply.Lag != nil {
		t.Errorf("before the aggregator has spoken: as of %v, lag %v", reply.AsOf, reply.Lag)
	}
	execute(t, conn, "INSERT INTO freshness (as_of_ms, pending_buckets) VALUES ($1, 2), ($2, 3)", testNow.UnixMilli(),
		testNow.UnixMilli()-5)
	reply := channelReport(t, s, "")
	if reply.AsOf == nil || *reply.AsOf != "2026-11-20T00:00:00.000Z" || *reply.Lag != "1.234" {
		t.Errorf("as of %v, lag %v", *reply.AsOf, *reply.Lag)
	}
}

// What editions changed adds up when they are published, summed up or not, and a cursor keeps reading what it began
// with.
func TestServer_Channels_Editions(t *testing.T) {
	conn := newConn(t)
	s := newServer(t, conn)
	bucket := testNow.Add(-48 * time.Hour)
	newCell := func(account, campaign string, edition uint64, attempted int64) cell {
		return cell{account: account, bucket: bucket, cohort: bucket, generation: edition, channel: "sms",
			campaign: campaign,
			counts:   [14]int64{attempted, attempted}, minMS: bucket.UnixMilli(), maxMS: bucket.UnixMilli()}
	}
	attempted := func(a querytest.Report) (all []string) {
		for _, row := range a.Rows {
			all = append(all, fmt.Sprint(row["campaign"], "=", row["attempted"]))
		}
		return all
	}
	want := func(what string, reply querytest.Report, rows ...string) {
		t.Helper()
		if got := attempted(reply); !slices.Equal(got, rows) {
			t.Errorf("%s: %v, want %v", what, got, rows)
		}
	}
	first := []cell{newCell("acme", "a", 10, 1), newCell("acme", "b", 10, 2), newCell("acme", "c", 10, 3),
		newCell("other", "b", 10, 40)}
	insertCells(t, conn, first)
	querytest.Begin(t, conn, 10)
	want("begun, not published", channelReport(t, s, "group_by=campaign"))
	publish(t, conn, first)
	want("published", channelReport(t, s, "group_by=campaign"), "a=1", "b=42", "c=3")
	page := channelReport(t, s, "group_by=campaign&limit=1")
	want("first page", page, "a=1")
	if page.NextCursor == nil {
		t.Fatal("no cursor")
	}

	second := []cell{newCell("acme", "a", 11, 99), newCell("acme", "b", 11, -2), newCell("acme", "c", 11, 297),
		newCell("acme", "d", 11, 400)}
	insertCells(t, conn, second)
	want("differences that are not published", channelReport(t, s, "group_by=campaign"), "a=1", "b=42", "c=3")
	publish(t, conn, second)
	now := []string{"a=100", "b=40", "c=300", "d=400"}
	want("differences of one account", channelReport(t, s, "group_by=campaign"), now...)
	querytest.Build(t, conn, "rollup_attempts", 12, "account = 'acme'", 1)
	want("sums that are not published", channelReport(t, s, "group_by=campaign"), now...)
	querytest.Publish(t, conn, 12)
	want("sums", channelReport(t, s, "group_by=campaign"), now...)
	want("by account", channelReport(t, s, "group_by=campaign&account=other"), "b=40")
	// The cursor's pages, as long as the differences are there.
	want("the cursor's pages", channelReport(t, s, "group_by=campaign&limit=5&cursor="+*page.NextCursor), "b=42", "c=3")
	execute(t, conn, "ALTER TABLE rollup_attempts DELETE WHERE account = 'acme' AND kind = 'difference' SETTINGS "+
		"mutations_sync = 2")
	want("sums alone", channelReport(t, s, "group_by=campaign"), now...)
	want("of the account", channelReport(t, s, "group_by=campaign&account=acme"), "a=100", "c=300", "d=400")
	// What is taken away as a whole leaves no row.
	third := []cell{newCell("acme", "a", 13, -100), newCell("acme", "c", 13, -300), newCell("acme", "d", 13, -400)}
	insertCells(t, conn, third)
	publish(t, conn, third)
	want("all of one account taken away", channelReport(t, s, "group_by=campaign"), "b=40")
	want("and nothing else", channelReport(t, s, "group_by=campaign&account=acme"))
	if reply := channelReport(t, s, "group_by=&account=acme"); !reply.Mature || len(reply.Rows) != 1 {
		t.Errorf("no key is one row, and nothing in it is young: %+v", reply)
	}
	// More taken away than there was is an error, and no number.
	querytest.Publish(t, conn, 14)
	insertCells(t, conn, []cell{newCell("acme", "a", 14, -1)})
	if w := get(s, "/v1/reports/channels?account=acme"); w.Code != http.StatusInternalServerError {
		t.Errorf("a count below 0: %d %s", w.Code, w.Body)
	}
}

// Values with quotes, braces and control characters are data wherever they go.
func TestServer_Channels_Values(t *testing.T) {
	conn := newConn(t)
	bucket := testNow.Add(-24 * time.Hour)
	texts := []string{"it's", `back\slash`, "{from:UInt32}", "a,b", "[x]", "tab\tnew\nline\r", "\x00nul",
		"') OR 1=1 --", "ё", `"`, "\xff", "", "%d", "NULL", `\N`}
	var cells []cell
	for i, text := range texts {
		cells = append(cells, cell{account: "a" + text, bucket: bucket, cohort: bucket, generation: 1, channel: "sms",
			campaign: text,
			counts:   [14]int64{int64(i + 1)}, minMS: bucket.UnixMilli(), maxMS: bucket.UnixMilli()})
	}
	insertCells(t, conn, cells)
	publish(t, conn, cells)
	s := newServer(t, conn)
	for i, text := range texts {
		for _, filter := range []string{"campaign=" + url.QueryEscape(text), "account=" + url.QueryEscape("a"+text),
			"campaign=" + url.QueryEscape(text) + "&campaign=none"} {
			reply := channelReport(t, s, "group_by=&"+filter)
			if got := reply.Rows[0]["attempted"]; got != json.Number(fmt.Sprint(i+1)) {
				t.Errorf("%s: %v attempted, want %d", filter, got, i+1)
			}
		}
	}
	// And as the keys of a cursor.
	seen := 0
	page := channelReport(t, s, "group_by=campaign,account&limit=1")
	for ; page.NextCursor != nil; seen++ {
		page = channelReport(t, s, "group_by=campaign,account&limit=1&cursor="+*page.NextCursor)
	}
	if seen+1 != len(texts) {
		t.Errorf("%d pages, want %d", seen+1, len(texts))
	}
}

func TestServer_Channels_Formats(t *testing.T) {
	conn := newConn(t)
	cells := randomCells(13, 400, testNow, 3)
	insertCells(t, conn, cells)
	publish(t, conn, cells)
	s := newServer(t, conn)
	const query = "group_by=campaign,channel,step&limit=50"
	want := channelReport(t, s, query)
	columns := append([]string{"campaign", "channel", "step"}, reportNamed(t, "channels").Columns()...)

	w := get(s, "/v1/reports/channels?format=csv&"+query)
	if got := w.Header().Get("Content-Type"); got != "text/csv; charset=utf-8; header=present" {
		t.Errorf("content type %q", got)
	}
	for name, value := range map[string]string{"Kaskad-Report": "channels", "Kaskad-As-Of": *want.AsOf,
		"Kaskad-Lag-Seconds": "0",
		"Kaskad-Mature":      fmt.Sprint(want.Mature), "Kaskad-From": want.From, "Kaskad-To": want.To,
		"Kaskad-Tz": want.TZ} {
		if got := w.Header().Get(name); got != value {
			t.Errorf("header %s is %q, want %q", name, got, value)
		}
	}
	if !strings.Contains(w.Body.String(), "\r\n") {
		t.Error("lines do not end as RFC 4180 says")
	}
	records, err := csv.NewReader(w.Body).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(records[0], columns) || len(records) != len(want.Rows)+1 {
		t.Fatalf("%d records, header %v", len(records), records[0])
	}
	guarded := 0
	for i, row := range want.Rows {
		for j, name := range columns {
			cell := ""
			if row[name] != nil {
				cell = fmt.Sprint(row[name])
			}
			if _, isText := row[name].(string); isText && cell != "" && strings.Contains("=+-@", cell[:1]) {
				cell = "'" + cell
				guarded++
			}
			// JSON shows what is not UTF-8 as U+FFFD; CSV keeps the bytes.
			if got := strings.ToValidUTF8(records[i+1][j], "\ufffd"); got != cell {
				t.Errorf("row %d: %s is %q, want %q", i, name, got, cell)
			}
		}
	}
	if guarded == 0 {
		t.Error("no formula was tried")
	}
	next := get(s, "/v1/reports/channels?format=ndjson&"+query+"&cursor="+w.Header().Get("Kaskad-Next-Cursor"))
	if next.Code != http.StatusOK {
		t.Errorf("the cursor of a CSV page: %s", next.Body)
	}

	for _, headers := range [][]string{{"Accept", "application/x-ndjson"},
		{"Accept", "text/html, application/x-ndjson;q=0.9, application/json;q=0.1"}} {
		w = get(s, "/v1/reports/channels?"+query, headers...)
		lines := strings.Split(strings.TrimSuffix(w.Body.String(), "\n"), "\n")
		if len(lines) != len(want.Rows) || w.Header().Get("Content-Type") != "application/x-ndjson" {
			t.Fatalf("%d lines of %s, want %d", len(lines), w.Header().Get("Content-Type"), len(want.Rows))
		}
		var rows []map[string]any
		for _, line := range lines {
			decoder := json.NewDecoder(strings.NewReader(line))
			decoder.UseNumber()
			var row map[string]any
			if err := decoder.Decode(&row); err != nil {
				t.Fatal(err)
			}
			rows = append(rows, row)
		}
		querytest.SameRows(t, "ndjson", rows, want.Rows)
	}
	for accept, wantType := range map[string]string{"": "application/json", "*/*": "application/json",
		"text/html,*/*;q=0.8": "application/json",
		"text/csv":            "text/csv; charset=utf-8; header=present", "image/png": "application/json"} {
		if got := get(s, "/v1/reports/channels?"+query, "Accept",
			accept).Header().Get("Content-Type"); got != wantType {
			t.Errorf("Accept %q gives %s", accept, got)
		}
	}
}

func TestServer_Channels_Routes(t *testing.T) {
	conn := newConn(t)
	cells := randomCells(17, 1500, testNow, 40)
	insertCells(t, conn, cells)
	publish(t, conn, cells)
	overrides := map[routeKey]querytest.Capability{
		{"acme", "push", "*"}:      {Delivery: true, Reads: true, Bound: "lower", Days: 5},
		{"z", "push", "fcm"}:       {Delivery: true, Days: 2},
		{"", "sms", "mts"}:         {Days: 9},
		{"acme", "viber", "*"}:     {Delivery: true, Reads: true, Bound: "exact", Days: 1},
		{"центр", "sms", "devino"}: {Delivery: true, Reads: true, Bound: "upper", Days: 3},
		{"", "rcs", "devino"}:      {Delivery: true, Days: 50},
	}
	for k, r := range overrides {
		bound := r.Bound
		if bound == "" {
			bound = "none"
		}
		execute(t, conn, "INSERT INTO routes VALUES ($1, $2, $3, $4, $5, $6, $7, 2), ($1, $2, $3, 0, 0, 'none', 0, 1)",
			k.account, k.channel, k.provider, answer.Bit(r.Delivery), answer.Bit(r.Reads), bound, r.Days)
	}
	s := newServer(t, conn)
	for _, groupBy := range []string{"", "channel", "account,channel,provider", "account", "weekday"} {
		var names []string
		if groupBy != "" {
			names = strings.Split(groupBy, ",")
		}
		reply := channelReport(t, s, "limit=10000&group_by="+groupBy)
		want := naiveReport(cells, names, nil, time.UTC, testNow.AddDate(-2, 0, 0), testNow.Add(time.Hour), testNow,
			overrides)
		querytest.SameRows(t, groupBy, reply.Rows, want)
	}
}

// A row is mature when its youngest cohort is older than the route's settling time, and the answer when all of its rows
// are, those of later pages too.
func TestServer_Channels_Mature(t *testing.T) {
	conn := newConn(t)
	settled := testNow.Add(-3 * 24 * time.Hour) // sms settles in 3 days
	var cells []cell
	for i, youngest := range []int64{settled.UnixMilli() - 1, settled.UnixMilli()} {
		bucket := time.UnixMilli(youngest).UTC().Truncate(time.Hour)
		cells = append(cells, cell{account: fmt.Sprint("a", i), bucket: bucket,
			cohort: time.UnixMilli(youngest).UTC().Truncate(15 * time.Minute), generation: 1,
			channel: "sms", counts: [14]int64{1}, minMS: youngest, maxMS: youngest})
	}
	insertCells(t, conn, cells)
	publish(t, conn, cells)
	s := newServer(t, conn)
	all := channelReport(t, s, "group_by=account")
	if all.Rows[0]["mature"] != true || all.Rows[1]["mature"] != false || all.Mature {
		t.Errorf("mature: %v, %v, all %v", all.Rows[0]["mature"], all.Rows[1]["mature"], all.Mature)
	}
	first := channelReport(t, s, "group_by=account&limit=1")
	second := channelReport(t, s, "group_by=account&limit=1&cursor="+*first.NextCursor)
	if first.Rows[0]["mature"] != true || first.Mature || second.Mature {
		t.Errorf("by pages: row %v, envelopes %v and %v", first.Rows[0]["mature"], first.Mature, second.Mature)
	}
	if one := channelReport(t, s, "group_by=&account=a0"); one.Rows[0]["mature"] != true || !one.Mature {
		t.Errorf("the mature one alone: %v, %v", one.Rows[0]["mature"], one.Mature)
	}
}
