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

	"kaskad/engine/enginetest"
	"kaskad/query/querytest"
)

// naiveOverlap computes the report by loops over maps.
func naiveOverlap(rows []folded, isLost func(folded) bool, filters map[string][]string, zone *time.Location,
	from, to time.Time) []map[string]any {
	reached := map[string]map[string]bool{}
	for _, f := range rows {
		if f.skip || !f.naiveKeep(filters, zone, from, to, "channel") {
			continue
		}
		person := f.account + "/" + f.person()
		if reached[person] == nil {
			reached[person] = map[string]bool{}
		}
		if told := filters["channel"]; f.delivered && naiveRouteOf(f.cell, nil).Delivery && !isLost(f) &&
			(told == nil || slices.Contains(told, f.channel)) {
			reached[person][f.channel] = true
		}
	}
	sets := map[string]int{}
	for _, on := range reached {
		var names []string
		for name := range on {
			names = append(names, name)
		}
		slices.Sort(names)
		sets[strings.Join(names, ",")]++
	}
	all := make([]map[string]any, 0, len(sets))
	for set, n := range sets {
		row := map[string]any{"channels": set, "people": number(n), "audience": number(len(reached))}
		naiveShare(row, "share", n, len(reached))
		all = append(all, row)
	}
	slices.SortFunc(all, func(a, b map[string]any) int {
		return cmp.Or(sets[b["channels"].(string)]-sets[a["channels"].(string)],
			strings.Compare(a["channels"].(string), b["channels"].(string)))
	})
	return all
}

// Everybody of the audience is in one row, by counts of people and by attempts, and what the rows with a channel add
// up to is what penetration has.
func TestServer_Overlap_Naive(t *testing.T) {
	conn := newConn(t)
	r := rand.New(rand.NewPCG(3, 11))
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
	several := false
	for request := range enginetest.World(t, 4, 6, 24) {
		zone := querytest.Location(t, []string{"UTC", "Asia/Kathmandu"}[r.IntN(2)])
		from := testNow.AddDate(0, 0, -r.IntN(45)).Add(time.Duration(r.IntN(96)) * 15 * time.Minute)
		to := from.Add(time.Duration(1+r.IntN(96*40)) * 15 * time.Minute)
		values := url.Values{"tz": {zone.String()}, "from": {from.In(zone).Format(time.RFC3339)},
			"to": {to.Format(time.RFC3339)}}
		names := []string{"channel", "channel", "account"} // what counts of people know
		if request%2 == 0 {
			names = []string{"channel", "provider", "campaign"}
		}
		filters := map[string][]string{}
		for range r.IntN(4) {
			name := names[r.IntN(len(names))]
			value := fmt.Sprint(naiveKey(rows[r.IntN(len(rows))].cell, name, zone))
			filters[name] = append(filters[name], value)
			values.Add(name, value)
		}
		got := answerOf(t, s, "/v1/reports/overlap", values)
		want := naiveOverlap(rows, isLost, filters, zone, from, to)
		if fmt.Sprint(got.Rows) != fmt.Sprint(want) {
			t.Fatalf("%s: got %v, want %v", values.Encode(), got.Rows, want)
		}
		people := answerOf(t, s, "/v1/reports/penetration", values)
		if got.Mature != people.Mature && len(people.Rows) > 0 {
			t.Errorf("%s: mature %v, penetration %v", values.Encode(), got.Mature, people.Mature)
		}
		for _, row := range people.Rows {
			sum := int64(0)
			for _, set := range got.Rows {
				on := strings.Split(set["channels"].(string), ",")
				several = several || len(on) > 2
				if slices.Contains(on, row["channel"].(string)) {
					sum += whole(t, set["people"])
				}
			}
			if sum != whole(t, row["reached"]) {
				t.Errorf("%s: %d people on %v, penetration has %v", values.Encode(), sum, row["channel"],
					row["reached"])
			}
		}
	}
	if !several {
		t.Error("nobody is reached on three channels")
	}
	wantProblem(t, get(s, "/v1/reports/overlap?channel=pigeon"), http.StatusBadRequest, "channel")
	wantProblem(t, get(s, "/v1/reports/overlap?group_by=day"), http.StatusBadRequest, "group_by")
}
