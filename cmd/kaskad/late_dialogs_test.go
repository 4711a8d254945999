package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"kaskad/simulate/model"
	"kaskad/simulate/model/settings"
)

// lateRounds are stories in which an event moves units of messages that it does not name. Each round is posted when the
// one before has settled.
var lateRounds = map[string][][]string{
	"an earlier delivery takes the unit over, the next day's message gets one": {
		{"d a 2T10:00", "d b 3T09:00"},
		{"d c 1T12:00"},
	},
	"a reply opens a window in between": {
		{"d a 2T10:00", "d b 3T12:00", "d c 4T11:00"},
		{"r a 3T11:00"},
		{"r b 2T09:00"}, // It proves that b was delivered before a.
	},
	"a delivery becomes known earlier": {
		{"d a 3T10:00", "d b 2T23:00"},
		{"d a 2T22:59:59.999"},
	},
	"a month border is none": {
		{"d a 31T23:30", "d b 1T00:30", "d c 1T23:00"},
		{"r a 31T23:45", "d d 1T00:00"},
		{"d e 31T01:00", "r e 1T00:15"},
	},
	"a sender that is known late moves a message to another dialog": {
		{"d a 2T10:00 -", "d b 2T11:00", "d c 2T12:00 -"},
		{"s a 2T09:00"},
		{"s c 2T09:00"},
	},
	"a message that was parked": {
		{"d a 2T11:00 S parked", "d b 2T12:00"},
		{"s a 2T10:00"},
	},
	"a cohort that becomes earlier": {
		{"d a 5T11:00", "d b 5T12:00"},
		{"s a 5T10:00 S earlier"},
		{"d c 4T12:00"},
	},
	"an event again changes nothing": {
		{"d a 2T10:00", "r a 2T12:00", "d b 3T11:00"},
		{"d a 2T10:00", "d b 3T11:00"},
	},
	"a far month": {
		{"d a 2T10:00", "d b 2T11:00"},
		{"d z 2026-03-02T10:00"},
		{"d y 2026-03-02T09:00", "d c 2T09:00"},
	},
}

// lateLine reads "d a 2T10:00 S": delivered, replied or sent, of message a, on the second of November (31 is of
// October), of sender S, which - leaves out.
func lateLine(account, short string) string {
	words := append(strings.Fields(short), "S", "")
	at := words[2]
	switch {
	case strings.HasPrefix(at, "31T"):
		at = "2026-10-" + at
	case !strings.HasPrefix(at, "2026"):
		day, clock, _ := strings.Cut(at, "T")
		at = fmt.Sprintf("2026-11-%02sT%s", day, clock)
	}
	if strings.Count(at, ":") == 1 {
		at += ":00"
	}
	status := map[string]string{"d": "delivered", "r": "replied", "s": "sent"}[words[0]]
	line := fmt.Sprintf(`{"account":%q,"message_id":%q,"channel":"whatsapp","recipient":"+79161234567","sms_segments":2,"status":%q,"occurred_at":"%sZ"`, account, words[1], status, at)
	if words[3] != "-" {
		line += fmt.Sprintf(`,"sender":%q`, words[3])
	}
	// The cohort is an hour that each message has for itself, around the time of the dialog.
	cohort := fmt.Sprintf("2026-11-02T%02d:30:00Z", words[1][0]-'a')
	switch {
	case words[1] == "y" || words[1] == "z":
		cohort = "2026-03-02T08:00:00Z"
	case words[4] == "earlier":
		cohort = "2026-10-20T00:00:00Z"
	case words[1] == "e":
		cohort = "2026-10-30T00:00:00Z"
	}
	if words[4] != "parked" {
		line += fmt.Sprintf(`,"submitted_at":%q`, cohort)
	}
	return line + "}"
}

// Late events move conversation units across hours, days and months of other messages; after each round the reports are
// as if all events had been there from the start.
func testSavingsLateDialogs(t *testing.T, k *kaskad) {
	conversation := tariff("whatsapp", "per_conversation_24h", "4.50")
	q := model.SavingsQuery{Tariffs: map[string][]settings.Tariff{}}
	m := model.New(sharedNow)
	var names []string
	rounds := 0
	told := map[string]map[string]string{} // Costs after the round before, by account.
	for name, story := range lateRounds {
		names = append(names, name)
		rounds = max(rounds, len(story))
	}
	slices.Sort(names)
	// Each story is told twice: to an account that pays by conversation, and to one that pays outside of reply windows.
	for i := range names {
		for suffix, list := range map[string][]settings.Tariff{"-conversation": {tariff("sms",
			"per_segment_sent", "2.00"), conversation},
			"-outside": {tariff("sms", "per_segment_sent", "2.00"),
				tariff("whatsapp", "per_message_outside_window", "1.10")}} {
			account := fmt.Sprint("story-", i, suffix)
			k.putTariffs(account, list)
			q.Tariffs[account] = list
		}
	}
	for round := range rounds {
		var lines [][]byte
		for i, name := range names {
			story := lateRounds[name]
			if round >= len(story) {
				continue
			}
			for _, short := range story[round] {
				for _, suffix := range []string{"-conversation", "-outside"} {
					line := []byte(lateLine(fmt.Sprint("story-", i, suffix), short))
					if err := m.Add(line); err != nil {
						t.Fatalf("%s: %v", line, err)
					}
					lines = append(lines, line)
				}
			}
		}
		k.post(join(lines))
		k.settle(2 * time.Minute)
		for _, names := range [][]string{{"account", "hour"}, {"account", "day"}, {"account", "month", "sender"},
			{"account"}} {
			q.GroupBy, q.Filters = names, map[string][]string{"account": slices.Collect(maps.Keys(q.Tariffs))}
			k.mustSave(m, q)
		}
		if t.Failed() {
			t.Fatalf("after round %d of %q", round+1, names)
		}
		// A story proves something when its rounds change what some message cost that the round does not name.
		for i, name := range names {
			account := fmt.Sprint("story-", i, "-conversation")
			now := costsByHour(t, m, q, account)
			if moved := told[account] != nil &&
				movedCosts(told[account], now); moved != (round > 0 && round < len(lateRounds[name]) &&
				!quietRounds[fmt.Sprint(name, round)]) {
				t.Errorf("%s: round %d moves units of other messages: %v, which is not what it was written for", name,
					round+1, moved)
			}
			told[account] = now
		}
	}
}

// quietRounds are those that move nothing.
var quietRounds = map[string]bool{"an event again changes nothing1": true, "a far month1": true,
	"a month border is none1": true}

// costsByHour are the costs of an account's messages by the hour that each has for itself.
func costsByHour(t testing.TB, m *model.Model, q model.SavingsQuery, account string) map[string]string {
	t.Helper()
	q.Query = model.Query{GroupBy: []string{"hour"}, Filters: map[string][]string{"account": {account}}}
	rows, err := m.SavingsReport(q)
	if err != nil {
		t.Fatal(err)
	}
	costs := map[string]string{}
	for _, row := range rows {
		costs[row.Keys[0].String()] = row.ActualCost.String()
	}
	return costs
}

// movedCosts reports whether a message that was there before costs something else now.
func movedCosts(before, now map[string]string) bool {
	for hour, cost := range before {
		if now[hour] != cost {
			return true
		}
	}
	return false
}
