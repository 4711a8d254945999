package query

import (
	"flag"
	"testing"

	"kaskad/query/querytest"
	"kaskad/query/report"
	"kaskad/query/store"
)

var update = flag.Bool("update", false, "write the statements of testdata anew")

func keysNamed(t *testing.T, names ...string) (found report.Keys) {
	t.Helper()
	return named(t, report.ChannelKeys, names...)
}

// named returns the keys of the set with these names.
func named(t *testing.T, s report.Keys, names ...string) (found report.Keys) {
	t.Helper()
	for _, name := range names {
		k, known := s.Find(name)
		if !known {
			t.Fatal(name)
		}
		found = append(found, k)
	}
	return found
}

func TestSQL_Golden(t *testing.T) {
	exact, upper := "exact", "upper"
	lines := []store.Capability{{Account: "", Channel: "push", Provider: "*", Delivery: true, Reads: true,
		Bound: &exact, SettlingDays: 1},
		{Account: "", Channel: "push", Provider: "fcm", Delivery: false, Reads: false, Bound: nil, SettlingDays: 1},
		{Account: "", Channel: "sms", Provider: "*", Delivery: true, Reads: false, Bound: nil, SettlingDays: 3}}
	own := append([]store.Capability{{Account: "acme", Channel: "email", Provider: "*", Delivery: true, Reads: true,
		Bound: &upper, SettlingDays: 7},
		{Account: "acme", Channel: "sms", Provider: "mts", Delivery: false, Reads: false, Bound: nil,
			SettlingDays: 30}},
		lines...)
	filterOf := func(name string, values ...string) report.Filter {
		return report.Filter{Key: keysNamed(t, name)[0], Values: values}
	}
	hostile := "x' OR '1'='1 {id:String}"
	for name, q := range map[string]querytest.Statement{
		"channels_default": &channelsQuery{keys: keysNamed(t, "channel"), routes: lines, tz: "UTC",
			fromMS: 1760572800000, toMS: 1795136400000, generation: 7, limit: 1001},
		"channels_total": &channelsQuery{routes: own, tz: "UTC", fromMS: -1, toMS: 1 << 60, generation: 7, limit: 1001},
		"channels_page": &channelsQuery{keys: keysNamed(t, "hour", "step", "campaign"), routes: lines,
			tz: "Asia/Kathmandu", fromMS: 1760572800000,
			toMS: 1795136400000, generation: 7, limit: 11, after: []string{"2026-11-20T13:00:00+05:45", "2", hostile},
			filters: []report.Filter{filterOf("account", "acme", hostile), filterOf("week", "2026-11-16"),
				filterOf("weekday", "1", "7")}},
		"rejected_first": &rejectedQuery{limit: 1001},
		"rejected_page":  &rejectedQuery{limit: 11, reasons: []string{hostile}, after: &letter{1, hostile, 2, 3, 4}},
	} {
		checkGolden(t, name, q, hostile)
	}
	for name, q := range map[string]messageQuery{
		"message_located": {id: hostile},
		"message_uuid7":   {id: "01a1a8c8-f88e-7ddf-837b-235096e0a668", account: hostile},
	} {
		for _, part := range []string{"attempts", "parked"} {
			checkGolden(t, name+"_"+part, messagePart{q, part}, hostile)
		}
	}
}

type messagePart struct {
	q    messageQuery
	name string
}

func (p messagePart) SQL() (string, []any, error) { return p.q.SQL(p.name) }

// checkGolden compares a statement with its file in testdata.
func checkGolden(t *testing.T, name string, q querytest.Statement, hostile string) {
	t.Helper()
	querytest.Golden(t, *update, name, q, hostile)
}
