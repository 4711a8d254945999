package query

import (
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
	"kaskad/query/querytest"
	"kaskad/query/rollup"
)

const comparePath = "/v1/reports/compare"

// naiveBits is what is known of a person on one of the values.
type naiveBits struct {
	tried, den, num bool
	bounds          map[string]bool
}

// naivePairs computes the row of people who were tried on both values, but for its intervals.
func naivePairs(rows []folded, by string, values []string, metric string, filters map[string][]string,
	zone *time.Location, from, to time.Time) map[string]any {
	people := map[[2]string]*[2]naiveBits{}
	latest := map[[2]string]time.Time{}
	for _, f := range rows {
		side := slices.Index(values, fmt.Sprint(naiveKey(f.cell, by, zone)))
		if f.skip || side < 0 || !f.naiveKeep(filters, zone, from, to) {
			continue
		}
		id := [2]string{f.account, f.person()}
		if people[id] == nil {
			people[id] = &[2]naiveBits{{bounds: map[string]bool{}}, {bounds: map[string]bool{}}}
		}
		r := naiveRouteOf(f.cell, nil)
		if settles := time.UnixMilli(f.cohortMS).
			Add(time.Duration(r.Days) * 24 * time.Hour); settles.After(latest[id]) {
			latest[id] = settles
		}
		has, den, num := r.Delivery, f.sent, f.delivered
		switch metric {
		case "open":
			has, den, num = r.Reads, f.delivered, f.read
		case "read_of_sent":
			has, num = r.Reads, f.read
		case "delivered_of_attempted":
			den = true
		}
		b := &people[id][side]
		b.tried = b.tried || has
		if has && den {
			b.den, b.num = true, b.num || num
			b.bounds[r.Bound] = true
		}
	}
	var tried int
	var cells [4]int
	bounds := [2]map[string]bool{{}, {}}
	mature := true
	for id, p := range people {
		if !p[0].tried || !p[1].tried {
			continue
		}
		tried++
		mature = mature && latest[id].Before(testNow)
		if !p[0].den || !p[1].den {
			continue
		}
		cell := 0
		for i := range p {
			if p[i].num {
				cell |= 1 << i
			}
			for bound := range p[i].bounds {
				bounds[i][bound] = true
			}
		}
		cells[cell]++
	}
	all := cells[0] + cells[1] + cells[2] + cells[3]
	row := map[string]any{"among": "both", "metric": metric, "by": by, "tried": number(tried), "people": number(all),
		"on_both": number(cells[3]), "on_a_only": number(cells[1]), "on_b_only": number(cells[2]),
		"on_neither": number(cells[0]), "mature": mature}
	for i, side := range []string{"a", "b"} {
		num := cells[3] + cells[1<<i]
		row[side], row[side+"_num"], row[side+"_den"] = values[i], number(num), number(all)
		row[side+"_rate"], row[side+"_bound"] = naiveRate(num, all), any("exact")
		row[side+"_rate_low"], row[side+"_rate_high"] = naiveInterval(uint64(num), uint64(all))
		if strings.HasPrefix(metric, "open") || strings.HasPrefix(metric, "read") {
			row[side+"_bound"] = naiveBound(bounds[i])
		}
		if all == 0 {
			row[side+"_bound"] = nil
		}
	}
	return row
}

// People who were tried on both values are those of a naive count, by every kind of key.
func TestServer_Compare_People(t *testing.T) {
	conn := newConn(t)
	r := rand.New(rand.NewPCG(5, 5))
	rows := randomFolded(r, 1500, testNow, 40)
	insertFolded(t, conn, r, rows)
	querytest.Publish(t, conn, 7)
	s := newServer(t, conn)
	met, asked := 0, enginetest.World(t, 10, 16, 60)
	for range asked {
		zone := querytest.Location(t, []string{"UTC", "Asia/Kathmandu"}[r.IntN(2)])
		names := slices.DeleteFunc(rollup.ChannelKeys.Names(), func(n string) bool { return n == "account" })
		by := names[r.IntN(len(names))]
		if r.IntN(2) == 0 {
			by = "channel"
		}
		a, b := rows[r.IntN(len(rows))], rows[r.IntN(len(rows))]
		values := []string{fmt.Sprint(naiveKey(a.cell, by, zone)), fmt.Sprint(naiveKey(b.cell, by, zone))}
		if values[0] == values[1] || strings.Contains(values[0]+values[1], "\xff") {
			continue
		}
		metric := []string{"open", "delivery", "read_of_sent", "delivered_of_attempted"}[r.IntN(4)]
		from := testNow.AddDate(0, 0, -10-r.IntN(35))
		to := from.AddDate(0, 0, 1+r.IntN(40))
		filters := map[string][]string{}
		if r.IntN(2) == 0 {
			filters["account"] = []string{"acme"}
		}
		if by != "traffic" && r.IntN(3) == 0 {
			filters["traffic"] = []string{"otp", ""}
		}
		q := url.Values{"by": {by}, "values": values, "metric": {metric}, "among": {"both"}, "tz": {zone.String()},
			"from": {from.Format(time.RFC3339)}, "to": {to.Format(time.RFC3339)}}
		for name, list := range filters {
			q[name] = list
		}
		reply := answerOf(t, s, comparePath, q)
		want := naivePairs(rows, by, values, metric, filters, zone, from, to)
		if len(reply.Rows) != 1 {
			t.Fatalf("%s: %v", q.Encode(), reply.Rows)
		}
		for _, name := range []string{"difference", "difference_low", "difference_high", "difference_bound",
			"distinguishable", "why_not"} {
			want[name] = reply.Rows[0][name] // see the tests of package answer, and TestServer_Compare_Verdict
		}
		querytest.SameRows(t, q.Encode(), reply.Rows, []map[string]any{want})
		if want["people"] != json.Number("0") {
			met++
		}
		// The other way round everything is.
		q["values"] = []string{values[1], values[0]}
		turned := answerOf(t, s, comparePath, q).Rows[0]
		for x, y := range map[string]string{"a_num": "b_num", "on_a_only": "on_b_only", "a_bound": "b_bound",
			"a_rate_low": "b_rate_low", "distinguishable": "distinguishable", "why_not": "why_not"} {
			if turned[y] != reply.Rows[0][x] {
				t.Errorf("%s: %s is %v, the other way round %s %v", q.Encode(), x, reply.Rows[0][x], y, turned[y])
			}
		}
		if t.Failed() {
			return
		}
	}
	if met < asked/4 {
		t.Errorf("only %d comparisons have people", met)
	}
}

// Attempts are those of the channel report, of one account and of all.
func TestServer_Compare_All(t *testing.T) {
	conn := newConn(t)
	cells := randomCells(29, 1500, testNow, 40)
	insertCells(t, conn, cells)
	querytest.Scatter(t, conn, "rollup_attempts")
	s := newServer(t, conn)
	seen := map[any]int{}
	for i, metric := range []string{"open", "delivery", "click", "reply", "read_of_sent", "delivered_of_attempted"} {
		for j, by := range []string{"channel", "operator", "step"} {
			for k, filter := range []string{"account=acme", "country=RU", "account=acme&traffic=otp"} {
				if !enginetest.Long() && (i+j+k)%3 > 0 {
					continue // each pair of two of them
				}
				rows := channelReport(t, s, "group_by="+by+"&limit=10000&"+filter).Rows
				for i := range rows[:len(rows)-1] {
					a, b := rows[i], rows[i+1]
					q := fmt.Sprintf("%s&among=all&metric=%s&by=%s&values=%s&values=%s", filter, metric, by,
						url.QueryEscape(fmt.Sprint(a[by])), url.QueryEscape(fmt.Sprint(b[by])))
					var reply querytest.Report
					decode(t, get(s, comparePath+"?"+q), http.StatusOK, &reply)
					row := reply.Rows[0]
					for side, of := range map[string]map[string]any{"a": a, "b": b} {
						for _, field := range []string{"_num", "_den", "_rate", "_rate_low", "_rate_high"} {
							if row[side+field] != of[metric+field] {
								t.Errorf("%s: %s%s is %v, in the channel report %v", q, side, field, row[side+field],
									of[metric+field])
							}
						}
						if metric == "open" && row[side+"_bound"] != of["open_rate_bound"] {
							t.Errorf("%s: %s_bound is %v, want %v", q, side, row[side+"_bound"], of["open_rate_bound"])
						}
					}
					if mature := a["mature"] == true && b["mature"] == true; row["mature"] != mature ||
						reply.Mature != mature || row["people"] != nil || row["tried"] != nil {
						t.Errorf("%s: mature, people %v", q, row)
					}
					checkVerdict(t, q, row)
					seen[row["why_not"]]++
					seen[row["difference_bound"]]++
				}
			}
		}
	}
	for _, what := range []any{nil, "too_few", "within_noise", "bounds", "exact", "lower", "upper", "mixed"} {
		if seen[what] == 0 {
			t.Errorf("never met: %v in %v", what, seen)
		}
	}
}

// checkVerdict decides anew whether sides can be told apart, of what the row shows.
func checkVerdict(t *testing.T, q string, row map[string]any) {
	t.Helper()
	f := func(name string) float64 {
		n, isNumber := row[name].(json.Number)
		if !isNumber {
			return 0
		}
		v, err := n.Float64()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	low, high := f("difference_low"), f("difference_high")
	var why any
	switch bound := row["difference_bound"]; {
	case f("a_den") < 100 || f("b_den") < 100:
		why = "too_few"
	case low <= 0 && high >= 0:
		why = "within_noise"
	case bound == "mixed" || bound == "lower" && low <= 0 || bound == "upper" && high >= 0:
		why = "bounds"
	}
	if row["why_not"] != why || row["distinguishable"] != (why == nil) {
		t.Errorf("%s: why_not is %v, want %v: %v", q, row["why_not"], why, row)
	}
}

// Clicks and replies of people are facts of their attempts; names that hold commas, markup, emoji and other scripts are
// values like all.
func TestServer_Compare_Facts(t *testing.T) {
	conn := newConn(t)
	names := []string{"Скидки, ура", "<b>שלום</b> 🎉"}
	var lines []string
	for person := range 4 {
		for i, campaign := range names {
			id := fmt.Sprintf("m%d-%d", person, i)
			common := fmt.Sprintf(`"submitted_at":"2026-11-15T10:00:00Z","campaign":%q,"recipient":"+7900000000%d"`, campaign,
				person)
			lines = append(lines, querytest.AcmeEvent(id, 1, "viber", "delivered", "2026-11-15T10:00:05.000Z", common))
			if person < 2 && (i == 0 || person == 0) {
				lines = append(lines, querytest.AcmeEvent(id, 1, "viber", "clicked", "2026-11-15T10:01:00.000Z", common))
			}
			if i == 1 && person == 3 {
				lines = append(lines, querytest.AcmeEvent(id, 1, "viber", "replied", "2026-11-15T10:01:00.000Z", common))
			}
		}
	}
	querytest.StoreEvents(t, conn, lines...)
	aggregateUntil(t, conn, "SELECT count() = 8 AND (SELECT count() FROM editions WHERE published) > 0 FROM attempts_by_recipient")
	s := newServer(t, conn)
	for metric, want := range map[string][4]int{"click": {1, 1, 0, 2}, "reply": {0, 0, 1, 3}, "open": {1, 1, 1, 1}} {
		for _, account := range []string{"", "acme"} {
			q := url.Values{"by": {"campaign"}, "values": names, "metric": {metric}}
			if account != "" {
				q.Set("account", account)
			}
			reply := answerOf(t, s, comparePath, q)
			if len(reply.Rows) != 2 {
				t.Fatalf("%v", reply)
			}
			row := reply.Rows[1]
			for i, field := range []string{"on_both", "on_a_only", "on_b_only", "on_neither"} {
				if row[field] != number(want[i]) {
					t.Errorf("%s: %s is %v, want %d", metric, field, row[field], want[i])
				}
			}
			if all := reply.Rows[0]; all["a_num"] != row["a_num"] || all["b_den"] != row["b_den"] || all["a"] != names[0] ||
				row["b"] != names[1] || row["why_not"] != "too_few" {
				t.Errorf("%s: %v", metric, reply.Rows)
			}
		}
	}
	for _, format := range []string{"csv", "ndjson", "xlsx", "arrow", "parquet"} {
		q := url.Values{"by": {"campaign"}, "values": names, "format": {format}}
		if w := get(s, comparePath+"?"+q.Encode()); w.Code != http.StatusOK {
			t.Errorf("%s: %s", format, w.Body)
		}
	}
}

func TestServer_Compare_Errors(t *testing.T) {
	s := newServer(t, newConn(t))
	for query, want := range map[string][2]string{
		"":                                  {"values", "two"},
		"values=viber":                      {"values", "two"},
		"values=viber,sms,push":             {"values", "two"},
		"values=viber,viber":                {"values", "same"},
		"values=viber,smoke":                {"values", "no channel"},
		"values=a,b&by=account":             {"by", "compare by"},
		"values=a,b&by=chanel":              {"by", "channel"},
		"values=viber,sms&channel=sms":      {"channel", "compared"},
		"values=viber,sms&metric=opens":     {"metric", "open"},
		"values=viber,sms&among=some":       {"among", "both"},
		"values=viber,sms&group_by=channel": {"group_by", "unknown"},
		"values=viber,sms&limit=1":          {"limit", "unknown"},
		"values=viber,sms&from=tomorrow":    {"from", "RFC 3339"},
		"values=1,8&by=weekday":             {"values", "1…7"},
	} {
		wantProblem(t, get(s, comparePath+"?"+query), http.StatusBadRequest, want[0], want[1])
	}
	// Nothing is no difference.
	rows := answerOf(t, s, comparePath, url.Values{"values": {"viber,sms"}}).Rows
	for _, row := range rows {
		if row["difference"] != nil || row["distinguishable"] != false || row["why_not"] != "too_few" ||
			row["difference_bound"] != nil || row["a_bound"] != nil || row["a_den"] != number(0) {
			t.Errorf("of nothing: %v", row)
		}
	}
	if len(rows) != 2 {
		t.Errorf("%v", rows)
	}
}
