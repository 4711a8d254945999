package query

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/engine/enginetest"
	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/schema"
)

// failureCell is a row of rollup_failures.
type failureCell struct {
	folded
	count uint64
}

func insertFailureCells(tb testing.TB, conn driver.Conn, cells []failureCell) {
	tb.Helper()
	batch, err := conn.PrepareBatch(clickhouse.Context(tb.Context(),
		clickhouse.WithSettings(clickhouse.Settings{"max_partitions_per_insert_block": 0})),
		`INSERT INTO rollup_failures (account, kind, day, bucket, edition, cohort, channel, provider, campaign, template, sender, app, operator, country, traffic, step, trigger,
		error_code, permanent, expired, failed, cohort_max_ms)`)
	if err != nil {
		tb.Fatal(err)
	}
	for _, c := range cells {
		err := batch.Append(c.account, "difference", c.cohort, c.bucket, c.generation, c.cohort, c.channel, c.provider,
			c.campaign, c.template, c.sender, c.app, c.operator, c.country, c.traffic,
			c.step, c.trigger, c.errorCode, answer.Bit(c.permanent), answer.Bit(c.expired), int64(c.count), c.maxMS)
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		tb.Fatal(err)
	}
}

// storeFailures inserts the failed ones of the attempts.
func storeFailures(tb testing.TB, conn driver.Conn, r *rand.Rand, rows []folded) (cells []failureCell) {
	tb.Helper()
	for _, f := range rows {
		if f.failed {
			cells = append(cells, failureCell{f, 1 + r.Uint64N(1000)})
		}
	}
	insertFailureCells(tb, conn, cells)
	querytest.Scatter(tb, conn, "rollup_failures")
	return cells
}

// naiveFailures computes the report by loops over maps.
func naiveFailures(cells []failureCell, groupBy []string, filters map[string][]string, zone *time.Location, from,
	to time.Time) []map[string]any {
	type group struct {
		keys    []any
		channel string
		count   uint64
		mature  bool
	}
	of := func(c failureCell, name string) any {
		switch name {
		case "reason":
			return naiveClass(c.folded)
		case "error_code":
			return c.errorCode
		}
		return naiveKey(c.cell, name, zone)
	}
	groups, totals := map[string]*group{}, map[string]uint64{}
	for _, c := range cells {
		if !c.naiveKeep(filters, zone, from, to, "provider", "reason", "error_code") {
			continue
		}
		channel := ""
		if slices.Contains(groupBy, "channel") {
			channel = c.channel
		}
		totals[channel] += c.count
		keep := true
		for _, name := range []string{"provider", "reason", "error_code"} {
			keep = keep && (filters[name] == nil || slices.Contains(filters[name], of(c, name).(string)))
		}
		if !keep {
			continue
		}
		var keys []any
		for _, name := range groupBy {
			keys = append(keys, of(c, name))
		}
		id := fmt.Sprintf("%q", keys)
		if groups[id] == nil {
			groups[id] = &group{keys: keys, channel: channel, mature: true}
		}
		groups[id].count += c.count
		groups[id].mature = groups[id].mature &&
			c.maxMS+naiveRouteOf(c.cell, nil).Days*24*schema.HourMS < testNow.UnixMilli()
	}
	if len(groupBy) == 0 && len(groups) == 0 {
		groups[""] = &group{mature: true}
	}
	var sorted []*group
	for _, g := range groups {
		sorted = append(sorted, g)
	}
	slices.SortFunc(sorted, func(a, b *group) int { return naiveCompare(a.keys, b.keys) })
	rows := make([]map[string]any, len(sorted))
	for i, g := range sorted {
		rows[i] = map[string]any{"count": number(g.count), "share_num": number(g.count),
			"share_den":  number(totals[g.channel]),
			"share_rate": naiveRate(int(g.count), int(totals[g.channel])), "mature": g.mature}
		rows[i]["share_rate_low"], rows[i]["share_rate_high"] = naiveInterval(g.count, totals[g.channel])
		for k, name := range groupBy {
			rows[i][name] = keyInJSON(g.keys[k])
		}
	}
	return rows
}

func TestServer_Failures_Naive(t *testing.T) {
	conn := newConn(t)
	r := rand.New(rand.NewPCG(21, 4))
	cells := storeFailures(t, conn, r, randomFolded(r, 1500, testNow, 40))
	putErrorLine(t, conn)
	s := newServer(t, conn)
	zones := []string{"UTC", "Europe/Moscow", "Asia/Kathmandu", "America/New_York"}
	reasons := map[any]bool{}
	for range enginetest.World(t, 8, 8, 50) {
		zone := querytest.Location(t, zones[r.IntN(len(zones))])
		names := reportNamed(t, "failures").Keys.Names()
		r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		groupBy := names[:r.IntN(4)]
		from := testNow.AddDate(0, 0, -r.IntN(50)).Add(time.Duration(r.IntN(96)) * 15 * time.Minute)
		to := from.Add(time.Duration(1+r.IntN(96*30)) * 15 * time.Minute)
		values := url.Values{"tz": {zone.String()}, "from": {from.In(zone).Format(time.RFC3339)},
			"to": {to.Format(time.RFC3339)}}
		if r.IntN(4) == 0 {
			groupBy = []string{"channel", "provider", "reason", "error_code"} // the default
		} else {
			values.Set("group_by", strings.Join(groupBy, ","))
		}
		filters := map[string][]string{}
		for range r.IntN(3) {
			c := cells[r.IntN(len(cells))]
			name := append([]string{"reason", "error_code"}, names...)[r.IntN(2+len(names))]
			var value string
			switch name {
			case "reason":
				value = naiveClass(c.folded)
			case "error_code":
				value = c.errorCode
			default:
				value = fmt.Sprint(naiveKey(c.cell, name, zone))
			}
			filters[name] = append(filters[name], value)
			values.Add(name, value)
		}
		want := naiveFailures(cells, groupBy, filters, zone, from, to)
		checkPages(t, s, "/v1/reports/failures", r, values, want)
		for _, row := range want {
			reasons[row["reason"]] = true
		}
		if t.Failed() {
			return
		}
	}
	if len(reasons) < 6 {
		t.Errorf("the test saw too little: %v", reasons)
	}
}

// A new error map changes the past at once; a cursor keeps the answer that it points into.
func TestServer_Failures_NewMap(t *testing.T) {
	conn := newConn(t)
	at := testNow.Add(-10 * 24 * time.Hour)
	f := folded{cell: cell{account: "acme", channel: "sms", provider: "mts", bucket: at, cohort: at, generation: 7,
		step: 1, minMS: at.UnixMilli(), maxMS: at.UnixMilli()}, failed: true}
	other := f
	f.errorCode, other.channel, other.expired = "gone", "voice", true
	insertFailureCells(t, conn, []failureCell{{f, 3}, {f, 4}, {other, 1}})
	publish(t, conn, []cell{f.cell})
	s := newServer(t, conn)
	const query = "/v1/reports/failures?from=2026-11-01&to=2026-11-20"
	lower := map[string]string{"1": "0.206549", "7": "0.64567"} // n of n: n ÷ (n + z²)
	row := func(channel, reason, code, count string) string {
		return `{"channel":"` + channel + `","provider":"mts","reason":"` + reason + `","error_code":"` + code +
			`","count":` + count + `,"share_num":` + count +
			`,"share_den":` + count + `,"share_rate":1,"share_rate_low":` + lower[count] +
			`,"share_rate_high":1,"mature":true}`
	}
	expired := row("voice", "expired", "", "1")
	envelope := `{"report":"failures","from":"2026-11-01T00:00:00Z","to":"2026-11-20T00:00:00Z","tz":"UTC","as_of":"2026-11-20T00:00:00.000Z","lag_seconds":0,"mature":true,"rows":[`
	if got, want := get(s, query).Body.String(),
		envelope+row("sms", "unknown", "gone", "7")+","+expired+`],"next_cursor":null}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	page := answerOf(t, s, "/v1/reports/failures", url.Values{"limit": {"1"}, "group_by": {"reason"}})
	putErrorLine(t, conn)
	if got, want := get(s, query).Body.String(),
		envelope+row("sms", "app_uninstalled", "gone", "7")+","+expired+`],"next_cursor":null}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	next := answerOf(t, s, "/v1/reports/failures",
		url.Values{"limit": {"1"}, "group_by": {"reason"}, "cursor": {*page.NextCursor}})
	if next.Rows[0]["reason"] != "unknown" || next.Rows[0]["count"] != number(7) ||
		next.Rows[0]["share_den"] != number(8) {
		t.Errorf("the cursor's page: %v", next.Rows)
	}
}
