package query

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kaskad/engine/enginetest"
	"kaskad/query/querytest"
	"kaskad/query/rollup"
	"kaskad/schema"
)

// naiveLatency returns the rows of the latency report by loops over cells; le are the bounds that are asked for, in
// milliseconds.
func naiveLatency(cells []cell, groupBy []string, filters map[string][]string, zone *time.Location, from, to time.Time,
	le []int64) []map[string]any {
	type group struct {
		keys                    []any
		known                   [3]map[uint16]int64
		sent, delivered, skewed [3]int64
		bounds                  map[string]bool
		mature                  bool
	}
	groups := map[string]*group{}
	for _, c := range cells {
		if !c.naiveKeep(filters, zone, from, to) {
			continue
		}
		var keys []any
		for _, name := range groupBy {
			keys = append(keys, naiveKey(c, name, zone))
		}
		g := groups[fmt.Sprintf("%q", keys)]
		if g == nil {
			g = &group{keys: keys, bounds: map[string]bool{}, mature: true}
			for i := range g.known {
				g.known[i] = map[uint16]int64{}
			}
			groups[fmt.Sprintf("%q", keys)] = g
		}
		r := naiveRouteOf(c, nil)
		g.mature = g.mature && time.UnixMilli(c.maxMS).Add(time.Duration(r.Days)*24*time.Hour).Before(testNow)
		for i, h := range []map[uint16]uint64{c.toDeliver, c.toRead, c.toReply} {
			if i == 1 && !r.Reads || i != 1 && !r.Delivery {
				continue
			}
			g.sent[i], g.delivered[i], g.skewed[i] =
				g.sent[i]+c.counts[1], g.delivered[i]+c.counts[2], g.skewed[i]+c.counts[9]
			for k, n := range h {
				g.known[i][k] += int64(n)
			}
		}
		if r.Reads && c.counts[2] > 0 {
			g.bounds[r.Bound] = true
		}
	}
	rows := []map[string]any{}
	for _, g := range slices.SortedFunc(maps.Values(groups),
		func(x, y *group) int { return naiveCompare(x.keys, y.keys) }) {
		for i, name := range []string{"time_to_deliver", "time_to_read", "time_to_reply"} {
			known, bounds := int64(0), slices.Sorted(maps.Keys(g.known[i]))
			for _, n := range g.known[i] {
				known += n
			}
			if known == 0 {
				continue
			}
			if le != nil {
				bounds = nil
				for _, ms := range le {
					cell := uint16(0) // the last whose bound is not above
					for c := uint16(1); naiveTop(c) <= ms; c++ {
						cell = c
					}
					bounds = append(bounds, cell)
				}
			}
			for _, cell := range bounds {
				count := int64(0)
				for k, n := range g.known[i] {
					if k <= cell {
						count += n
					}
				}
				row := map[string]any{"metric": name, "le": json.Number(strconv.FormatFloat(float64(naiveTop(cell))/1000, 'f', -1, 64)),
					"count": number(uint64(count)), "known": number(uint64(known)), "share_rate": naiveRate(int(count), int(known)),
					"sent": number(uint64(g.sent[i])), "delivered": number(uint64(g.delivered[i])),
					"of_sent_rate": naiveRate(int(count), int(g.sent[i])), "skewed": number(uint64(g.skewed[i])), "bound": nil,
					"mature": g.mature}
				row["share_rate_low"], row["share_rate_high"] = naiveInterval(uint64(count), uint64(known))
				if i == 1 {
					row["bound"] = naiveBound(g.bounds)
				}
				for k, key := range groupBy {
					row[key] = keyInJSON(g.keys[k])
				}
				rows = append(rows, row)
			}
		}
	}
	return rows
}

// naiveTop is the greatest whole millisecond of a cell.
func naiveTop(cell uint16) int64 {
	if cell == 0 {
		return 0
	}
	return int64(math.Floor(math.Pow(1.02, float64(cell)-1)))
}

func naiveBound(bounds map[string]bool) any {
	switch {
	case bounds["lower"] && bounds["upper"]:
		return "mixed"
	case bounds["upper"]:
		return "upper"
	case bounds["lower"]:
		return "lower"
	case bounds["exact"]:
		return "exact"
	}
	return nil
}

// wholeLatencies moves attempts out of cells that no whole millisecond lies in.
func wholeLatencies(cells []cell) []cell {
	for _, c := range cells {
		for _, h := range []map[uint16]uint64{c.toDeliver, c.toRead, c.toReply} {
			old := maps.Clone(h)
			clear(h)
			for from, n := range old {
				h[schema.LatencyCell(naiveTop(from))] += n
			}
		}
	}
	return cells
}

func TestServer_Latency_Naive(t *testing.T) {
	conn := newConn(t)
	cells := wholeLatencies(randomCells(19, 1500, testNow, 60))
	insertCells(t, conn, cells)
	querytest.Scatter(t, conn, "rollup_attempts")
	insertOptOuts(t, conn, randomOptOuts(19, 50, cells))
	s := newServer(t, conn)
	r := rand.New(rand.NewPCG(19, 19))
	zones := []string{"UTC", "Europe/Moscow", "Asia/Kathmandu"}
	for round := range enginetest.World(t, 8, 12, 48) {
		zone := querytest.Location(t, zones[r.IntN(len(zones))])
		names := rollup.ChannelKeys.Names()
		r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		groupBy := names[:r.IntN(3)]
		from := testNow.AddDate(0, 0, -r.IntN(70)).Add(time.Duration(r.IntN(96)) * 15 * time.Minute)
		to := from.Add(time.Duration(1+r.IntN(96*20)) * 15 * time.Minute)
		values := url.Values{"group_by": {strings.Join(groupBy, ",")}, "tz": {zone.String()},
			"from": {from.In(zone).Format(time.RFC3339)}, "to": {to.Format(time.RFC3339)}}
		filters := map[string][]string{}
		if round%2 == 0 {
			filters["account"] = []string{"acme"}
		}
		if round%3 == 0 {
			filters["channel"] = []string{"email", "push", "viber"}
		}
		for name, list := range filters {
			values[name] = list
		}
		var le []int64
		if round%4 > 0 {
			le = []int64{0, 1, 1000, 60_000, 3_600_000}
			values["le"] = []string{"0", "3600", "0.001", "60", "1.000"}
		}
		want := naiveLatency(cells, groupBy, filters, zone, from, to, le)
		if len(want) > 20_000 {
			continue
		}
		if metric := []string{"", "time_to_read"}[r.IntN(2)]; metric != "" {
			values.Set("metric", metric)
			want = slices.DeleteFunc(want, func(row map[string]any) bool { return row["metric"] != metric })
		}
		checkPages(t, s, "/v1/reports/latency", r, values, want)
		if t.Failed() {
			return
		}
	}
}

// The percentiles of the channel report are those of the latency report's cells.
func TestServer_Latency_Percentiles(t *testing.T) {
	conn := newConn(t)
	cells := wholeLatencies(randomCells(23, 400, testNow, 20))
	insertCells(t, conn, cells)
	publish(t, conn, cells)
	s := newServer(t, conn)
	found := 0
	for _, account := range []string{"", "&account=acme"} {
		channels := channelReport(t, s, "group_by=channel,traffic"+account)
		values := url.Values{"group_by": {"channel,traffic"}, "limit": {"10000"}}
		if account != "" {
			values.Set("account", "acme")
		}
		var rows []map[string]any
		for page := answerOf(t, s, "/v1/reports/latency", values); ; page = answerOf(t, s, "/v1/reports/latency", values) {
			if rows = append(rows, page.Rows...); page.NextCursor == nil {
				break
			}
			values.Set("cursor", *page.NextCursor)
		}
		for _, row := range channels.Rows {
			for _, metric := range []string{"time_to_deliver", "time_to_read", "time_to_reply"} {
				of := slices.DeleteFunc(slices.Clone(rows), func(r map[string]any) bool {
					return r["channel"] != row["channel"] || r["traffic"] != row["traffic"] || r["metric"] != metric
				})
				for _, p := range []int64{50, 90, 99} {
					var want any
					for _, r := range of {
						if whole(t, r["count"])*100 >= whole(t, r["known"])*p {
							le, err := r["le"].(json.Number).Float64()
							if err != nil {
								t.Fatal(err)
							}
							want = naiveSeconds(schema.LatencyCellMS(schema.LatencyCell(int64(math.Round(le * 1000)))))
							found++
							break
						}
					}
					if got := row[fmt.Sprint(metric, "_p", p)]; got != want {
						t.Errorf("%v %v %s: p%d is %v, by the cells %v", row["channel"], row["traffic"], metric, p, got, want)
					}
				}
			}
		}
	}
	if found < 100 {
		t.Errorf("only %d percentiles", found)
	}
	for query, want := range map[string][2]string{"le=x": {"le", "seconds"}, "le=-1": {"le", "seconds"},
		"le=1e3": {"le", "seconds"}, "le=0.0001": {"le", "3 decimals"}, "metric=time": {"metric", "time_to_"},
		"group_by=le": {"group_by", "no name"}} {
		wantProblem(t, get(s, "/v1/reports/latency?"+query), http.StatusBadRequest, want[0], want[1])
	}
}

func whole(t *testing.T, value any) int64 {
	t.Helper()
	n, err := value.(json.Number).Int64()
	if err != nil {
		t.Fatal(err)
	}
	return n
}
