package querytest

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
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
