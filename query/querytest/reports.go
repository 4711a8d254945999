package querytest

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Report is the envelope of a report.
type Report struct {
	Report     string           `json:"report"`
	From       string           `json:"from"`
	To         string           `json:"to"`
	TZ         string           `json:"tz"`
	AsOf       *string          `json:"as_of"`
	Lag        *json.Number     `json:"lag_seconds"`
	Mature     bool             `json:"mature"`
	Rows       []map[string]any `json:"rows"`
	NextCursor *string          `json:"next_cursor"`
}

// Location returns a time zone.
func Location(tb testing.TB, name string) *time.Location {
	tb.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		tb.Fatal(err)
	}
	return zone
}

// SameRows compares rows as JSON; -0 and the like cannot occur.
func SameRows(t *testing.T, what string, got, want []map[string]any) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d rows, want %d", what, len(got), len(want))
		return
	}
	for i := range want {
		if !reflect.DeepEqual(got[i], want[i]) {
			for name, w := range want[i] {
				if !reflect.DeepEqual(got[i][name], w) {
					t.Errorf("%s: row %d: %s is %v, want %v", what, i, name, got[i][name], w)
				}
			}
			if len(got[i]) != len(want[i]) {
				t.Errorf("%s: row %d has %d fields, want %d", what, i, len(got[i]), len(want[i]))
			}
			return
		}
	}
}

// TimeKey is the value of a key that depends on the cohort alone, as Go's time package sees it; false for other keys.
func TimeKey(name string, cohort time.Time, zone *time.Location) (value any, found bool) {
	t := cohort.In(zone)
	switch name {
	case "hour":
		return t.Format("2006-01-02T15") + ":00:00" + t.Format("-07:00"), true
	case "day":
		return t.Format(time.DateOnly), true
	case "week":
		return t.AddDate(0, 0, -((int(t.Weekday()) + 6) % 7)).Format(time.DateOnly), true
	case "month":
		return t.Format("2006-01"), true
	case "hour_of_day":
		return t.Hour(), true
	case "weekday":
		return (int(t.Weekday())+6)%7 + 1, true
	}
	return nil, false
}

// Generation is a generation of a bucket with the cohorts of some of its messages.
type Generation struct {
	Account      string
	Bucket       time.Time
	Number       uint64
	MinMS, MaxMS int64
}

// Publish makes generations visible, bucket by bucket, in one block.
func Publish(tb testing.TB, conn driver.Conn, all []Generation) {
	tb.Helper()
	type bucket struct {
		account    string
		at         time.Time
		generation uint64
	}
	ranges := map[bucket][2]int64{}
	for _, g := range all {
		b := bucket{g.Account, g.Bucket, g.Number}
		r, found := ranges[b]
		if !found {
			r = [2]int64{g.MinMS, g.MaxMS}
		}
		ranges[b] = [2]int64{min(r[0], g.MinMS), max(r[1], g.MaxMS)}
	}
	batch, err := conn.PrepareBatch(tb.Context(),
		"INSERT INTO generations (account, bucket, generation, cohort_min_ms, cohort_max_ms, due_ms, messages)")
	if err != nil {
		tb.Fatal(err)
	}
	for b, r := range ranges {
		if err := batch.Append(b.account, b.at, b.generation, r[0], r[1], int64(0), uint64(1)); err != nil {
			tb.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		tb.Fatal(err)
	}
}

// Capability is what a channel can report, docs/definitions.md section 2 as code.
type Capability struct {
	Delivery, Reads bool
	Bound           string
	Days            int64
}

// CapabilityOf returns what a channel can report where nobody overrides it; named tells that it is of the provider.
func CapabilityOf(channel, provider string) (c Capability, named bool) {
	switch channel + "/" + provider {
	case "push/fcm", "push/apns", "telegram/bot":
		return Capability{Days: 1}, true
	}
	return map[string]Capability{
		"sms": {true, false, "", 3}, "flash_call": {true, false, "", 1}, "voice": {true, false, "", 1},
		"push": {true, true, "exact", 1},
		"vk":   {true, true, "exact", 1}, "ok": {true, true, "exact", 1}, "telegram": {true, true, "exact", 1},
		"messenger": {true, true, "exact", 7}, "instagram": {true, true, "exact", 7},
		"viber":    {true, true, "lower", 14},
		"whatsapp": {true, true, "lower", 30}, "rcs": {true, true, "lower", 7}, "email": {true, true, "upper", 7},
	}[channel], false
}
