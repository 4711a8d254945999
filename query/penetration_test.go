package query

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/engine/enginetest"
	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/schema"
)

// loss is a row of recipient_events.
type loss struct {
	account, recipient, contact, status, channel, app string
	atMS                                              int64
}

func insertLosses(tb testing.TB, conn driver.Conn, losses []loss) {
	tb.Helper()
	for range 2 { // Twice changes nothing.
		batch, err := conn.PrepareBatch(tb.Context(),
			"INSERT INTO recipient_events (account, recipient, status, channel, app, occurred_ms, contact)")
		if err != nil {
			tb.Fatal(err)
		}
		for _, l := range losses {
			if err := batch.Append(l.account, l.recipient, l.status, l.channel, l.app, l.atMS, l.contact); err != nil {
				tb.Fatal(err)
			}
		}
		if err := batch.Send(); err != nil {
			tb.Fatal(err)
		}
	}
}

// randomLosses makes events of people whom the attempts know.
func randomLosses(r *rand.Rand, n int, rows []folded) (losses []loss) {
	for range n {
		f := rows[r.IntN(len(rows))]
		l := loss{account: f.account, recipient: f.recipient, contact: f.contact, channel: f.channel, app: f.app,
			status: []string{"uninstalled", "unsubscribed", "blocked", "subscribed", "complained",
				"inbound"}[r.IntN(6)], atMS: f.cohortMS + r.Int64N(30*24*schema.HourMS)}
		if f.delivered && r.IntN(3) == 0 {
			l.atMS = f.deliveredMS + int64(r.IntN(2)) // just then, or just after
		}
		switch r.IntN(4) {
		case 0:
			l.app = ""
		case 1:
			l.contact = ""
		case 2:
			l.contact = "crm-of-somebody"
		}
		losses = append(losses, l)
	}
	return losses
}

// naiveLost tells which addresses are lost: by events and codes up to testNow, or as dead numbers. It looks at all
// rows, whatever a report selects.
func naiveLost(rows []folded, losses []loss, dead map[deadNumber]bool) func(f folded) bool {
	type address struct{ account, channel, app, recipient string }
	lost, back, delivered := map[address]int64{}, map[address]int64{}, map[address]int64{}
	tell := func(at address, status string, ms int64) {
		switch {
		case ms > testNow.UnixMilli():
		case status == "subscribed":
			back[at] = max(back[at], ms)
		case slices.Contains([]string{"uninstalled", "unsubscribed", "blocked"}, status):
			lost[at] = max(lost[at], ms)
		}
	}
	for _, l := range losses {
		tell(address{l.account, l.channel, l.app, l.recipient}, l.status, l.atMS)
	}
	for _, f := range rows {
		at := address{f.account, f.channel, f.app, f.recipient}
		switch class := naiveClass(f); {
		case slices.Contains([]string{"blocked_by_user", "opted_out", "dnd"}, class):
			tell(at, "blocked", cmp.Or(f.errorMS, f.startedMS()))
		case f.failed && (class == "app_uninstalled" || class == "token_invalid"):
			tell(at, "uninstalled", f.startedMS())
		}
		if f.delivered {
			delivered[at] = max(delivered[at], f.deliveredMS)
		}
	}
	return func(f folded) bool {
		at := address{f.account, f.channel, f.app, f.recipient}
		if slices.Contains([]string{"sms", "voice", "flash_call"}, f.channel) &&
			dead[deadNumber{f.account, f.recipient}] {
			return true
		}
		return lost[at] > 0 && lost[at] >= delivered[at] && lost[at] >= back[at]
	}
}

// insertDead inserts verdicts, and older ones that say the opposite.
func insertDead(tb testing.TB, conn driver.Conn, dead map[deadNumber]bool) {
	tb.Helper()
	for n, is := range dead {
		for version, state := range []string{"dead", "active", "dead"}[answer.Bit(is):][:2] {
			execute(tb, conn, "INSERT INTO number_health (account, number, version, state) VALUES ($1, $2, $3, $4)",
				n.account, n.number, version+1, state)
		}
	}
}

// randomDead takes some of the recipients for dead numbers, and some for living ones.
func randomDead(r *rand.Rand, rows []folded) map[deadNumber]bool {
	dead := map[deadNumber]bool{}
	for range 12 {
		f := rows[r.IntN(len(rows))]
		dead[deadNumber{f.account, f.recipient}] = r.IntN(3) > 0
	}
	return dead
}

// naivePenetration computes the report by loops over maps.
func naivePenetration(rows []folded, isLost func(folded) bool, groupBy []string, filters map[string][]string,
	zone *time.Location, from, to time.Time) []map[string]any {
	type group struct {
		keys []any
		rows []folded
	}
	groups := map[string]*group{}
	for _, f := range rows {
		if f.skip || !f.naiveKeep(filters, zone, from, to, "channel") {
			continue
		}
		var keys []any
		for _, name := range groupBy {
			if name != "channel" {
				keys = append(keys, naiveKey(f.cell, name, zone))
			}
		}
		id := fmt.Sprintf("%q", keys)
		if groups[id] == nil {
			groups[id] = &group{keys: keys}
		}
		groups[id].rows = append(groups[id].rows, f)
	}
	type shown struct {
		keys []any
		row  map[string]any
	}
	var all []shown
	for _, g := range groups {
		audience, messages := map[string]bool{}, map[string]bool{}
		mature := true
		for _, f := range g.rows {
			audience[f.account+"/"+f.person()] = true
			messages[f.account+"/"+f.message] = true
			days := naiveRouteOf(f.cell, nil).Days
			mature = mature && f.cohortMS+days*24*schema.HourMS < testNow.UnixMilli()
		}
		for _, channel := range schema.Channels.Names() {
			tested, reached := map[string]bool{}, map[string]bool{}
			for _, f := range g.rows {
				if f.channel != channel || !naiveRouteOf(f.cell, nil).Delivery {
					continue
				}
				tested[f.account+"/"+f.person()] = true
				if f.delivered && !isLost(f) {
					reached[f.account+"/"+f.person()] = true
				}
			}
			if len(tested) == 0 || (filters["channel"] != nil && !slices.Contains(filters["channel"], channel)) {
				continue
			}
			movable := map[string]bool{}
			for _, f := range g.rows {
				if reached[f.account+"/"+f.person()] {
					movable[f.account+"/"+f.message] = true
				}
			}
			row := map[string]any{"audience": number(len(audience)), "tested": number(len(tested)),
				"reached":  number(len(reached)),
				"messages": number(len(messages)), "messages_movable": number(len(movable)), "mature": mature}
			naiveShare(row, "penetration", len(reached), len(audience))
			naiveShare(row, "tested_share", len(tested), len(audience))
			naiveShare(row, "message_penetration", len(movable), len(messages))
			keys := slices.Clone(g.keys)
			names := slices.Clone(groupBy)
			if at := slices.Index(groupBy, "channel"); at >= 0 {
				keys = slices.Insert(keys, at, any(channel))
			} else {
				keys, names = append(keys, channel), append(names, "channel")
			}
			for i, name := range names {
				row[name] = keyInJSON(keys[i])
			}
			all = append(all, shown{keys, row})
		}
	}
	slices.SortFunc(all, func(a, b shown) int { return naiveCompare(a.keys, b.keys) })
	found := make([]map[string]any, len(all))
	for i := range all {
		found[i] = all[i].row
	}
	return found
}

// naiveShare adds a quotient and its interval.
func naiveShare(row map[string]any, name string, num, den int) {
	row[name], row[name+"_low"], row[name+"_high"] = naiveRate(num, den), nil, nil
	if den > 0 {
		low, high := naiveWilson(uint64(num), uint64(den))
		lowFloat, _ := low.Float64()
		highFloat, _ := high.Float64()
		row[name+"_low"], row[name+"_high"] = sixDecimals(max(0, lowFloat)), sixDecimals(highFloat)
	}
}

func TestServer_Penetration_Naive(t *testing.T) {
	for seed := range uint64(enginetest.World(t, 1, 1, 4)) {
		conn := newConn(t)
		r := rand.New(rand.NewPCG(seed, 11))
		rows := randomFolded(r, 700, testNow, 40)
		losses := randomLosses(r, 60, rows)
		insertFolded(t, conn, r, rows)
		storePeople(t, conn)
		insertLosses(t, conn, losses)
		dead := randomDead(r, rows)
		insertDead(t, conn, dead)
		isLost := naiveLost(rows, losses, dead)
		putErrorLine(t, conn)
		s := newServer(t, conn)
		zones := []string{"UTC", "Europe/Moscow", "Asia/Kathmandu"}
		lost, movable := false, false
		for request := range 12 {
			if request == 6 { // from now on all days are as they were summed
				for _, table := range []string{"rollup_people", "rollup_attempts"} {
					querytest.Build(t, conn, table, 20, "true", 1)
				}
				querytest.Publish(t, conn, 20)
			}
			zone := querytest.Location(t, zones[r.IntN(len(zones))])
			names := reportNamed(t, "penetration").Keys.Names()
			if request%2 == 0 { // what counts of people know
				names = slices.DeleteFunc(names, func(name string) bool {
					_, timed := querytest.TimeKey(name, testNow, zone)
					return !timed && name != "account" && name != "channel"
				})
			}
			r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
			groupBy := names[:r.IntN(3)]
			from := testNow.AddDate(0, 0, -r.IntN(45)).Add(time.Duration(r.IntN(96)) * 15 * time.Minute)
			to := from.Add(time.Duration(1+r.IntN(96*40)) * 15 * time.Minute)
			values := url.Values{"group_by": {strings.Join(groupBy, ",")}, "tz": {zone.String()},
				"from": {from.In(zone).Format(time.RFC3339)}, "to": {to.Format(time.RFC3339)}}
			filters := map[string][]string{}
			for range r.IntN(3) {
				name := names[r.IntN(len(names))]
				value := fmt.Sprint(naiveKey(rows[r.IntN(len(rows))].cell, name, zone))
				filters[name] = append(filters[name], value)
				values.Add(name, value)
			}
			want := naivePenetration(rows, isLost, groupBy, filters, zone, from, to)
			reply := checkPages(t, s, "/v1/reports/penetration", r, values, want)
			mature := true
			for _, row := range naivePenetration(rows, isLost, groupBy, without(filters, "channel"), zone, from, to) {
				mature = mature && row["mature"].(bool)
			}
			if reply.Mature != mature {
				t.Errorf("%s: mature is %v, want %v", values.Encode(), reply.Mature, mature)
			}
			for _, row := range want {
				movable = movable || (row["messages_movable"] != row["messages"] &&
					row["messages_movable"] != number(0))
				lost = lost || (row["reached"] != row["tested"] && row["reached"] != number(0))
			}
			if t.Failed() {
				return
			}
		}
		if !lost || !movable {
			t.Errorf("the test saw too little: lost %v, movable %v", lost, movable)
		}
	}
}

func without(filters map[string][]string, name string) map[string][]string {
	rest := map[string][]string{}
	for k, v := range filters {
		if k != name {
			rest[k] = v
		}
	}
	return rest
}

// An answer is computed once; its pages do not see what happens meanwhile, and where it is forgotten the next page says
// so.
func TestServer_Penetration_Pages(t *testing.T) {
	conn := newConn(t)
	r := rand.New(rand.NewPCG(3, 3))
	rows := randomFolded(r, 300, testNow, 20)
	insertFolded(t, conn, r, rows)
	storePeople(t, conn)
	s := newServer(t, conn)
	const path = "/v1/reports/penetration"
	all := answerOf(t, s, path, url.Values{})
	page := answerOf(t, s, path, url.Values{"limit": {"2"}})
	more := randomFolded(r, 300, testNow, 20)
	for i := range more {
		more[i].message += "x"
	}
	insertFolded(t, conn, r, more)
	storePeople(t, conn)
	next := url.Values{"limit": {"10000"}, "cursor": {*page.NextCursor}}
	querytest.SameRows(t, "the second page", answerOf(t, s, path, next).Rows, all.Rows[2:])
	if now := answerOf(t, s, path, url.Values{}); now.Rows[0]["messages"] == all.Rows[0]["messages"] {
		t.Error("a new answer is the old one")
	}
	wantProblem(t, get(newServer(t, conn), path+"?"+next.Encode()), http.StatusBadRequest, "cursor", "held no longer")
}

func TestServer_Penetration_Empty(t *testing.T) {
	s := newServer(t, newConn(t))
	w := get(s, "/v1/reports/penetration?from=2026-11-01&to=2026-11-20&group_by=")
	want := `{"report":"penetration","from":"2026-11-01T00:00:00Z","to":"2026-11-20T00:00:00Z","tz":"UTC","as_of":"2026-11-20T00:00:00.000Z","lag_seconds":0,"mature":true,` +
		`"rows":[],"next_cursor":null}`
	if w.Body.String() != want {
		t.Errorf("got  %s\nwant %s", w.Body, want)
	}
	if csv := get(s, "/v1/reports/penetration?group_by=campaign&format=csv").Body.String(); csv !=
		"campaign,channel,audience,tested,reached,penetration,penetration_low,penetration_high,tested_share,tested_share_low,tested_share_high,"+
			"messages,messages_movable,message_penetration,message_penetration_low,message_penetration_high,mature\r\n" {
		t.Errorf("csv: %s", csv)
	}
}
