package query

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/query/report"
	"kaskad/query/store"
)

var update = flag.Bool("update", false, "write the statements of testdata anew")

// statementer is a query that knows its SQL.
type statementer interface {
	SQL() (string, []any, error)
}

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
	for name, q := range map[string]statementer{
		"channels_default": &channelsQuery{keys: keysNamed(t, "channel"), routes: lines, tz: "UTC",
			fromMS: 1760572800000, toMS: 1795136400000, generation: 7, limit: 1001},
		"channels_total": &channelsQuery{routes: own, tz: "UTC", fromMS: -1, toMS: 1 << 60, generation: 7, limit: 1001},
		"channels_page": &channelsQuery{keys: keysNamed(t, "hour", "step", "campaign"), routes: lines,
			tz: "Asia/Kathmandu", fromMS: 1760572800000,
			toMS: 1795136400000, generation: 7, limit: 11, after: []string{"2026-11-20T13:00:00+05:45", "2", hostile},
			filters: []report.Filter{filterOf("account", "acme", hostile), filterOf("week", "2026-11-16"),
				filterOf("weekday", "1", "7")}},
		"numbers_dead_all":    &deadQuery{kind: "phone"},
		"numbers_dead_single": &deadQuery{kind: "phone", accounts: []string{hostile}, rules: []string{"hard", "soft"}},
		"numbers_dead_page": &deadQuery{kind: "email", pin: 7, limit: 11, accounts: []string{"acme", hostile},
			rules: []string{"soft"}, after: &numberKey{hostile, "acme"}},
		"numbers_dead_first":  &deadQuery{kind: "phone", pin: 7, limit: 1001, accounts: []string{hostile}},
		"numbers_one":         &oneQuery{number: hostile},
		"numbers_one_account": &oneQuery{hostile, "acme"},
		"numbers_changes_all": &changesQuery{kind: "email", head: 9},
		"numbers_changes_page": &changesQuery{kind: "phone", accounts: []string{"acme", hostile}, number: hostile,
			to: []string{"dead"}, after: 7, head: 9, limit: 10},
		"audience_all": &audienceQuery{state: "subscribed"},
		"audience_page": &audienceQuery{state: "uninstalled", accounts: []string{"acme", hostile},
			apps: []string{"", hostile}, after: &subscriber{"acme", hostile, "push", ""}, limit: 11},
		"audience_single": &audienceQuery{state: "unsubscribed", accounts: []string{hostile},
			after: &subscriber{hostile, "user:1", "push", "app"}, limit: 11},
		"audience_blocked": &audienceQuery{state: "blocked", accounts: []string{hostile}, channels: []string{"viber"},
			limit: 11},
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

// checkGolden compares statement and arguments with the file, and looks for values in the statement.
func checkGolden(t *testing.T, name string, q statementer, hostile string) {
	t.Helper()
	statement, args, err := q.SQL()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(statement, hostile) || strings.Contains(statement, "acme") ||
		strings.Contains(statement, "Kathmandu") {
		t.Errorf("%s: a value became SQL", name)
	}
	var got strings.Builder
	got.WriteString(strings.TrimSpace(statement) + "\n")
	for _, a := range args {
		named := a.(driver.NamedValue)
		value, err := json.Marshal(named.Value)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "-- %s = %s\n", named.Name, value)
	}
	path := filepath.Join("testdata", name+".sql")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: run go test ./query -run Golden -update, and read what it wrote", err)
	}
	if got.String() != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got.String(), want)
	}
}
