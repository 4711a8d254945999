package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"kaskad/simulate/model"
)

// Opt-outs, blocks and complaints are attributed to delivered attempts as docs/definitions.md section 3 says. Each
// account is a case.
func testChannelReportOptOuts(t *testing.T, k *kaskad) {
	var lines []string
	message := func(account, id, delivered, more string) {
		lines = append(lines, fmt.Sprintf(`{"account":%q,"message_id":%q,"campaign":%q,"channel":"push","status":"delivered","recipient":"device:1","submitted_at":"2026-10-30T00:00:00Z","occurred_at":%q%s}`,
			account, id, id, delivered, more))
	}
	person := func(account, status, at, more string) {
		lines = append(lines, fmt.Sprintf(`{"account":%q,"channel":"push","status":%q,"recipient":"device:1","occurred_at":%q%s}`, account, status, at, more))
	}
	message("named", "m1", "2026-11-01T10:00:00Z", "")
	message("named", "m2", "2026-11-02T10:00:00Z", "")
	person("named", "unsubscribed", "2026-11-20T10:00:00Z", `,"message_id":"m1"`)
	message("named before delivery", "m1", "2026-11-02T10:00:00Z", "")
	person("named before delivery", "complained", "2026-11-01T10:00:00Z", `,"message_id":"m1"`)
	message("latest", "m1", "2026-11-01T10:00:00Z", "")
	message("latest", "m2", "2026-11-02T10:00:00Z", "")
	message("latest", "m3", "2026-11-03T10:00:00Z", "")
	person("latest", "blocked", "2026-11-02T10:00:00Z", "")
	message("seven days", "m1", "2026-11-01T10:00:00Z", "")
	person("seven days", "unsubscribed", "2026-11-08T10:00:00Z", "")
	message("over seven days", "m1", "2026-11-01T10:00:00Z", "")
	person("over seven days", "unsubscribed", "2026-11-08T10:00:00.001Z", "")
	message("app", "m1", "2026-11-01T10:00:00Z", `,"app":"shop"`)
	message("app", "m2", "2026-11-01T11:00:00Z", `,"app":"bank"`)
	message("app", "m3", "2026-11-01T09:00:00Z", "")
	person("app", "unsubscribed", "2026-11-02T10:00:00Z", `,"app":"shop"`)
	message("app unnamed", "m1", "2026-11-01T10:00:00Z", `,"app":"shop"`)
	person("app unnamed", "unsubscribed", "2026-11-02T10:00:00Z", "")
	message("ties", "m1", "2026-11-01T10:00:00Z", "")
	message("ties", "m2", "2026-11-01T10:00:00Z", "")
	person("ties", "unsubscribed", "2026-11-02T10:00:00Z", "")
	message("steps", "m1", "2026-11-01T10:00:00Z", `,"step":1`)
	message("steps", "m1", "2026-11-01T10:00:00Z", `,"step":2`)
	person("steps", "unsubscribed", "2026-11-02T10:00:00Z", "")
	message("once", "m1", "2026-11-01T10:00:00Z", "")
	person("once", "unsubscribed", "2026-11-02T10:00:00Z", "")
	person("once", "unsubscribed", "2026-11-03T10:00:00Z", "")
	person("once", "complained", "2026-11-03T10:00:00Z", "")
	person("once", "complained", "2026-11-03T10:00:00Z", "")
	message("moves", "m1", "2026-11-01T10:00:00Z", "")
	person("moves", "unsubscribed", "2026-11-03T10:00:00Z", "")
	want := map[string]string{"named": "m1 1 0 0", "named before delivery": "m1 0 0 1", "latest": "m2 0 1 0",
		"seven days": "m1 1 0 0", "over seven days": "", "app": "m1 1 0 0",
		"app unnamed": "m1 1 0 0", "ties": "m2 1 0 0", "steps": "m1 1 0 0", "once": "m1 1 0 1", "moves": "m1 1 0 0"}

	k.post([]byte(strings.Join(lines, "\n")))
	check := func() {
		t.Helper()
		k.settle(2 * time.Minute)
		var rows []struct {
			Account, Campaign                 string
			Step, Delivered                   int
			Unsubscribed, Blocked, Complained int
			UnsubscribeNum                    int `json:"unsubscribe_num"`
			UnsubscribeDen                    int `json:"unsubscribe_den"`
		}
		if err := json.Unmarshal(k.reportRows("channels",
			model.Query{GroupBy: []string{"account", "campaign", "step"}, Filters: map[string][]string{
				"account": slices.Collect(maps.Keys(want))}}), &rows); err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, r := range rows {
			if r.Delivered != 1 || r.UnsubscribeNum != r.Unsubscribed || r.UnsubscribeDen != 1 {
				t.Errorf("%+v", r)
			}
			if r.Unsubscribed+r.Blocked+r.Complained > 0 {
				got[r.Account] += fmt.Sprintf("%s %d %d %d", r.Campaign, r.Unsubscribed, r.Blocked, r.Complained)
				if r.Account == "steps" && r.Step != 2 {
					t.Errorf("of two steps the lower one: %+v", r)
				}
			}
		}
		for account, row := range want {
			if got[account] != row {
				t.Errorf("%s: %q, want %q", account, got[account], row)
			}
		}
	}
	check()
	// A delivery that is reported late takes the event over.
	lines = nil
	message("moves", "m2", "2026-11-02T10:00:00Z", "")
	k.post([]byte(lines[0]))
	want["moves"] = "m2 1 0 0"
	check()
}
