package query

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/engine/enginetest"
	"kaskad/query/answer"
	"kaskad/query/rollup"
)

// keysNamed returns the keys of the channel report with these names.
func keysNamed(t *testing.T, names ...string) (found rollup.Keys) {
	t.Helper()
	for _, name := range names {
		k, known := rollup.ChannelKeys.Find(name)
		if !known {
			t.Fatal(name)
		}
		found = append(found, k)
	}
	return found
}

// The time names of every zone that Go and ClickHouse know, or of every eighth but in make test-long, equal those of
// Go's time package: around each change of clocks in two years, at the borders of days, months and years, and on a grid
// in between.
func TestKeys_Time_AllZones(t *testing.T) {
	conn := newConn(t)
	ctx := t.Context()
	var zones []string
	if err := conn.QueryRow(ctx, "SELECT arraySort(groupArray(time_zone)) FROM system.time_zones").Scan(&zones); err != nil {
		t.Fatal(err)
	}
	names := []string{"hour", "day", "week", "month", "hour_of_day", "weekday"}
	statement := "SELECT toInt64(toUnixTimestamp(r.cohort))"
	for _, k := range keysNamed(t, names...) {
		statement += ", toString(" + k.Shown(k.Cell) + ")"
	}
	statement += " FROM (SELECT toDateTime(arrayJoin({at:Array(UInt32)}), 'UTC') AS cohort) AS r"

	start := time.Date(2025, 9, 1, 0, 0, 0, 0, time.UTC)
	end := start.AddDate(2, 0, 0)
	compared, changes := 0, 0
	for i, name := range zones {
		if !enginetest.Long() && i%8 != 0 {
			continue // ClickHouse takes 30 ms to load a zone.
		}
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Logf("%s: known to ClickHouse alone", name)
			continue
		}
		var at []uint32
		for instant := start; instant.Before(end); {
			_, change := instant.In(zone).ZoneBounds()
			if change.IsZero() || !change.Before(end) {
				break
			}
			changes++
			for around := -12; around <= 12; around++ {
				at = append(at, uint32(change.Unix()+int64(around)*900))
			}
			instant = change
		}
		for day := start; day.Before(end); day = day.AddDate(0, 0, 19) {
			for _, instant := range []time.Time{answer.DayStart(day, zone),
				answer.DayStart(day.AddDate(0, 0, 1-day.Day()), zone),
				day.Add(17*time.Hour + 45*time.Minute)} {
				at = append(at, uint32(instant.Unix()-900), uint32(instant.Unix()))
			}
		}
		rows, err := conn.Query(ctx, statement, clickhouse.Named("tz", name), clickhouse.Named("at", at))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for rows.Next() {
			var unix int64
			got := make([]string, len(names))
			if err := rows.Scan(&unix, &got[0], &got[1], &got[2], &got[3], &got[4], &got[5]); err != nil {
				t.Fatal(err)
			}
			c := cell{cohort: time.Unix(unix, 0)}
			want := make([]string, len(names))
			for i, key := range names {
				want[i] = shownKey(c, key, zone)
			}
			if compared++; !slices.Equal(got, want) {
				t.Errorf("%s in %s: %v, want %v", c.cohort.UTC().Format(time.RFC3339), name, got, want)
				break
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if enginetest.Long() && (compared < 50_000 || changes < 200) {
		t.Errorf("only %d instants and %d changes of clocks were compared", compared, changes)
	}
}

// An hour that clocks repeat is two hours, and a moment before midnight belongs to the day that ends.
func TestKeys_Time_Cases(t *testing.T) {
	conn := newConn(t)
	var cells []cell
	for i, at := range []string{"2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z", "2026-11-01T03:45:00Z",
		"2026-11-01T04:00:00Z"} {
		cohort, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		cells = append(cells, cell{account: "a", bucket: cohort.Truncate(time.Hour), cohort: cohort, generation: 1,
			channel: "sms", counts: [14]int64{1 << i},
			minMS: cohort.UnixMilli(), maxMS: cohort.UnixMilli() + 899_999})
	}
	insertCells(t, conn, cells)
	publish(t, conn, cells)
	s := newServer(t, conn)
	for groupBy, want := range map[string][][2]string{
		"hour": {{"2026-10-31T23:00:00-04:00", "4"}, {"2026-11-01T00:00:00-04:00", "8"},
			{"2026-11-01T01:00:00-04:00", "1"}, {"2026-11-01T01:00:00-05:00", "2"}},
		"day":  {{"2026-10-31", "4"}, {"2026-11-01", "11"}},
		"week": {{"2026-10-26", "15"}},
	} {
		var got [][2]string
		for _, row := range channelReport(t, s, "tz=America/New_York&group_by="+groupBy).Rows {
			got = append(got, [2]string{row[groupBy].(string), string(row["attempted"].(jsonNumber))})
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", groupBy, got, want)
		}
	}
	if got := channelReport(t, s, "tz=America/New_York&from=2026-10-31&to=2026-11-01&group_by=").Rows[0]["attempted"]; got != jsonNumber("4") {
		t.Errorf("the day before: %v", got)
	}
}
