package cells_test

import (
	"fmt"
	"testing"

	"github.com/cespare/xxhash/v2"

	"kaskad/aggregate/cells"
)

// waysOfLegs are the channels, apps and providers that legs name, as rows about people write them.
func waysOfLegs(t interface{ Helper() }, blocks []cells.Block) (ways []string) {
	t.Helper()
	channels, apps := columnOf[string](t, blocks, "legs", "channel"), columnOf[string](t, blocks, "legs", "app")
	for i, provider := range columnOf[string](t, blocks, "legs", "provider") {
		ways = append(ways, channels[i]+"\x00"+apps[i]+"\x00"+provider)
	}
	return ways
}

// What is known of people changes with their attempts, deliveries, names and error codes, and with nothing else.
func TestSum_Replace_People(t *testing.T) {
	const number, contact = "a\x00+79001234567", "a\x00crm-1"
	event := func(status, minute, more string) string {
		return `"status":"` + status + `","occurred_at":"2026-11-20T10:` + minute + `:00Z",` + submittedAt + more
	}
	const at = 1795168800000 // 10:00
	row := func(person, recipient string, deliveredMS int, code string, toldMS, failedMS, attempts, messages int) string {
		return fmt.Sprint(xxhash.Sum64String(person), " ", xxhash.Sum64String(person)^xxhash.Sum64String(recipient), " ",
			deliveredMS, " ", code, " ", toldMS, " ", failedMS, " ", attempts, " ", messages)
	}
	sent := event("sent", "01", "")
	for name, c := range map[string]struct {
		old, added []string
		want       []string
	}{
		"new":         {nil, []string{sent}, []string{row(number, number, 0, "", 0, 0, 1, 1)}},
		"sent":        {[]string{event("queued", "00", "")}, []string{sent}, nil},
		"skipped":     {nil, []string{event("skipped", "01", "")}, nil},
		"skipped too": {[]string{sent}, []string{event("skipped", "02", `,"step":2`)}, nil},
		"second step": {[]string{sent}, []string{event("sent", "02", `,"step":2`)},
			[]string{row(number, number, 0, "", 0, 0, 1, 0)}},
		"delivered": {[]string{sent}, []string{event("delivered", "03", "")},
			[]string{row(number, number, 0, "", 0, 0, -1, -1), row(number, number, at+180_000, "", 0, 0, 1, 1)}},
		"read": {[]string{event("delivered", "03", "")}, []string{event("read", "04", "")}, nil},
		"read before": {[]string{event("delivered", "03", "")}, []string{event("read", "02", "")},
			[]string{row(number, number, at+180_000, "", 0, 0, -1, -1), row(number, number, at+120_000, "", 0, 0, 1, 1)}},
		"failed":     {[]string{sent}, []string{event("failed", "03", "")}, nil},
		"same price": {[]string{sent}, []string{event("sent", "01", `,"price":"1","currency":"RUB"`)}, nil},
		"code": {[]string{sent}, []string{event("failed", "03", `,"error_code":"27"`)},
			[]string{row(number, number, 0, "", 0, 0, -1, -1),
				row(number, number, 0, "27", at+180_000, at+60_000, 1, 1)}},
		"contact": {[]string{sent}, []string{event("sent", "01", `,"contact":"crm-1"`)},
			[]string{row(number, number, 0, "", 0, 0, -1, -1), row(contact, number, 0, "", 0, 0, 1, 1)}},
	} {
		var s cells.Sum
		if c.old == nil {
			s.Replace(nil, messageOf(t, c.added...), nil, nil)
		} else {
			s.Replace(messageOf(t, c.old...), messageOf(t, append(c.old, c.added...)...), nil, nil)
		}
		blocks := plain(s.Blocks(1))
		column := func(name string) []int64 { return columnOf[int64](t, blocks, "rollup_people", name) }
		people := columnOf[uint64](t, blocks, "rollup_people", "person")
		var got []string
		for i, person := range people {
			got = append(got, fmt.Sprint(person, " ", columnOf[uint64](t, blocks, "rollup_people", "other")[i], " ",
				column("delivered_ms")[i], " ", columnOf[string](t, blocks, "rollup_people", "error_code")[i], " ",
				column("told_ms")[i], " ", column("failed_ms")[i], " ",
				columnOf[int32](t, blocks, "rollup_people", "attempts")[i], " ",
				columnOf[int32](t, blocks, "rollup_people", "messages")[i]))
		}
		if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", c.want) {
			t.Errorf("%s: got\n%q\nwant\n%q", name, got, c.want)
		}
	}
}
