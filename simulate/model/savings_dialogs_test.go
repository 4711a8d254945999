package model

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kaskad/simulate/worlds"
)

// A dialog is written as moments "2T10:00" of November 2026, or "31T23:59" of October, each of a message of its own:
// "d" a delivery, "r" the delivery and, at the time after the slash, the customer's reply. The units are those of the
// messages in their order, of both billings.
func TestModel_Dialogs_Borders(t *testing.T) {
	for name, c := range map[string]struct {
		moments               string
		conversation, outside string
	}{
		"one":                                         {"d2T10:00", "1", "1"},
		"two in a window":                             {"d2T10:00 d3T09:59:59.999", "10", "11"},
		"exactly 24 h later":                          {"d2T10:00 d3T10:00", "11", "11"},
		"a window does not slide":                     {"d2T10:00 d3T09:00 d3T10:00 d4T09:59", "1010", "1111"},
		"it opens where the last one missed":          {"d2T10:00 d3T12:00 d4T11:00", "110", "111"},
		"a new month is nothing new":                  {"d31T23:59:59.999 d1T00:00", "10", "11"},
		"a window over a month border":                {"d31T12:00 d1T00:00 d1T12:00", "101", "111"},
		"a reply within the window":                   {"r2T10:00/2T11:00 d2T12:00", "10", "10"},
		"a reply opens a window":                      {"r2T10:00/4T10:00 d4T11:00 d5T09:59 d5T10:00", "1001", "1001"},
		"a reply at the instant of a delivery, first": {"r2T10:00/4T10:00 d4T10:00 d5T10:00", "101", "101"},
		"exactly 24 h after the reply":                {"r2T10:00/2T12:00 d3T11:59:59.999 d3T12:00", "101", "101"},
		"a reply over a month border": {"r31T10:00/31T23:00 d1T00:00 d1T22:59 d1T23:00", "1001",
			"1001"},
		"the reply is the first thing known": {"r-/2T10:00 d2T11:00 d3T10:00", "001", "001"},
		"a reply before the delivery":        {"r2T10:00/2T09:00 d2T11:00", "00", "00"},
		"two replies cover one after the other": {"r2T10:00/2T12:00 r2T13:00/3T12:00 d4T11:59 d4T12:00", "1001",
			"1001"},
	} {
		t.Run(name, func(t *testing.T) {
			at := func(s string) string {
				day, clock, _ := strings.Cut(s, "T")
				month := "11"
				if day == "31" {
					month = "10"
				}
				if len(clock) == 5 {
					clock += ":00"
				}
				return fmt.Sprintf("2026-%s-%02sT%sZ", month, day, clock)
			}
			var events []string
			for i, word := range strings.Fields(c.moments) {
				first, reply, _ := strings.Cut(word[1:], "/")
				common := fmt.Sprintf(`channel="whatsapp" sender="S" sms_segments=1 message_id="m%d" campaign="%d" submitted_at="2026-10-31T00:00:00Z"`, i, i)
				if first != "-" {
					events = append(events, fmt.Sprintf(`delivered %s occurred_at="%s"`, common, at(first)))
				}
				if reply != "" {
					events = append(events, fmt.Sprintf(`replied %s occurred_at="%s"`, common, at(reply)))
				}
			}
			if got := unitsByCampaign(t, "per_conversation_24h", events); got != c.conversation {
				t.Errorf("conversations %s, want %s", got, c.conversation)
			}
			if got := unitsByCampaign(t, "per_message_outside_window", events); got != c.outside {
				t.Errorf("outside windows %s, want %s", got, c.outside)
			}
		})
	}
}

// unitsByCampaign returns a digit per message, in the order of their campaigns.
func unitsByCampaign(t testing.TB, billing string, events []string) string {
	t.Helper()
	list := worlds.PriceList(t, "sms per_segment_sent 2.00", "whatsapp "+billing+" 4.50")
	units := ""
	for _, row := range savingsOf(t, Query{GroupBy: []string{"campaign"}}, list, nil, events...) {
		if row.Unpriced > 0 {
			t.Fatalf("%v is unpriced", row.Keys)
		}
		total := int64(0)
		for _, channel := range row.ByChannel {
			total += channel.Units
		}
		units += fmt.Sprint(total)
	}
	return units
}

// Ties go to the smaller message_id as bytes, then to the smaller step.
func TestModel_Dialogs_Ties(t *testing.T) {
	common := `delivered channel="whatsapp" sender="S" sms_segments=1 `
	for name, c := range map[string]struct{ events, want string }{
		"by message_id":             {`message_id="b" campaign="1"|message_id="a" campaign="2"`, "01"},
		"as bytes":                  {`message_id="a" campaign="1"|message_id="B" campaign="2"`, "01"},
		"longer is greater":         {`message_id="m10" campaign="1"|message_id="m1" campaign="2"`, "01"},
		"another sender":            {`message_id="a" campaign="1"|message_id="b" campaign="2" sender="T"`, "11"},
		"another recipient":         {`message_id="a" campaign="1"|message_id="b" campaign="2" recipient="+79160000002"`, "11"},
		"another channel":           {`message_id="a" campaign="1"|message_id="b" campaign="2" channel="viber"`, "11"},
		"another traffic":           {`message_id="a" campaign="1"|message_id="b" campaign="2" traffic="promo"`, "10"},
		"two steps of one message":  {`message_id="a" campaign="1" step=2|message_id="a" campaign="1"|message_id="b" campaign="2"`, "10"},
		"outside the report's time": {`message_id="a" campaign="1" submitted_at="2026-01-01T00:00:00Z"|message_id="b" campaign="2"`, "0"},
		"parked":                    {`message_id="a" campaign="1" submitted_at=|message_id="b" campaign="2"`, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			var events []string
			for _, e := range strings.Split(c.events, "|") {
				events = append(events, common+e)
			}
			list := worlds.PriceList(t, "sms per_segment_sent 2.00", "whatsapp per_conversation_24h 4.50",
				"viber per_conversation_24h 1")
			units := ""
			q := Query{GroupBy: []string{"campaign"}, From: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
			for _, row := range savingsOf(t, q, list, nil, events...) {
				units += fmt.Sprint(row.ByChannel[0].Units)
			}
			if units != c.want {
				t.Errorf("units %s, want %s", units, c.want)
			}
		})
	}
	// The second step of one message carries nothing, whatever order the events came in.
	list := worlds.PriceList(t, "sms per_segment_sent 2.00", "whatsapp per_conversation_24h 4.50")
	rows := savingsOf(t, Query{}, list, nil, common+`step=2 trigger="unread"`, common)
	if got := rows[0].text(t, "actual_cost", "double_paid"); got != "actual_cost=4.50 double_paid=0.00" {
		t.Errorf("%s, want the unit on step 1", got)
	}
}

// A12: a message, the customer's answer to it at t0 and five messages within 24 h are one dialog; what is delivered at
// t0 + 24 h opens a new one.
func TestModel_Dialogs_A12(t *testing.T) {
	t0 := time.Date(2026, 11, 10, 10, 0, 0, 0, time.UTC)
	line := func(status, id string, after time.Duration) string {
		return fmt.Sprintf(`%s channel="whatsapp" sender="S" sms_segments=3 message_id=%q submitted_at="2026-11-10T00:00:00Z" occurred_at=%q`,
			status, id, t0.Add(after).Format(time.RFC3339))
	}
	events := []string{line("delivered", "question", -time.Hour), line("replied", "question", 0)}
	for i, after := range []time.Duration{0, time.Minute, time.Hour, 12 * time.Hour, 24*time.Hour - time.Second} {
		events = append(events, line("delivered", fmt.Sprint("answer", i), after))
	}
	list := worlds.PriceList(t, "sms per_segment_sent 2.00", "whatsapp per_conversation_24h 4.50")
	if got := savingsOf(t, Query{}, list, nil, events...)[0].text(t, "messages",
		"actual_cost"); got != "messages=6 actual_cost=4.50" {
		t.Errorf("%s, want one dialog of 4.50", got)
	}
	events = append(events, line("delivered", "template", 24*time.Hour))
	if got := savingsOf(t, Query{}, list, nil, events...)[0].text(t, "messages",
		"actual_cost"); got != "messages=7 actual_cost=9.00" {
		t.Errorf("%s, want two dialogs", got)
	}
}

// Every reply counts, and what a customer writes without having been written to. The times are those of issue 11.
func TestModel_Dialogs_Inbound(t *testing.T) {
	at := func(status, id, when string) string {
		return fmt.Sprintf(`%s channel="whatsapp" sender="S" sms_segments=1 message_id=%q campaign=%q submitted_at="2026-10-05T00:00:00Z" occurred_at="2026-%s:00Z"`, status, id, id, when)
	}
	inbound := func(when string, more string) string {
		return strings.Replace(at("inbound", "", when), "message_id=\"\"", more, 1)
	}
	for name, c := range map[string]struct {
		events                []string
		conversation, outside string
	}{
		"two replies to one message": {[]string{at("delivered", "1", "10-06T09:00"),
			at("replied", "1", "10-06T10:00"), at("replied", "1", "10-06T20:00"), at("delivered", "2", "10-07T15:00")},
			"10", "10"},
		"a reply in between": {[]string{at("delivered", "1", "10-20T09:00"),
			at("replied", "1", "10-20T10:00"), at("delivered", "2", "10-20T11:00"), at("delivered", "3", "10-21T09:30"),
			at("delivered", "4", "10-21T09:59"), at("delivered", "5", "10-21T10:00")}, "10001", "10001"},
		"over a month": {[]string{at("delivered", "1", "10-31T20:00"),
			at("delivered", "2", "11-01T10:00")}, "10", "11"},
		"a customer who writes first": {[]string{inbound("10-06T08:00", "message_id="),
			at("delivered", "1", "10-06T09:00"), at("delivered", "2", "10-07T08:00")}, "01", "01"},
		"an inbound that names an id": {[]string{inbound("10-06T08:00", `message_id="1"`),
			at("delivered", "1", "10-06T09:00")}, "0", "0"},
		"to another address of ours": {[]string{inbound("10-06T08:00", `message_id= sender="T"`),
			at("delivered", "1", "10-06T09:00")}, "1", "1"},
		"on another channel": {[]string{inbound("10-06T08:00", `message_id= channel="viber"`),
			at("delivered", "1", "10-06T09:00")}, "1", "1"},
		"a window is not shortened": {[]string{inbound("10-06T08:00", "message_id="),
			at("delivered", "1", "10-07T08:00"), inbound("10-06T09:00", "message_id="),
			at("delivered", "2", "10-07T09:00")}, "01", "01"},
		"a reply before a later window": {[]string{at("delivered", "1", "10-06T09:00"),
			inbound("10-06T08:30", "message_id="), at("delivered", "2", "10-07T08:30")}, "01", "01"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, events := range [][]string{c.events, append(reversed(c.events), c.events...)} {
				if got := unitsByCampaign(t, "per_conversation_24h", events); got != c.conversation {
					t.Errorf("conversations %s, want %s", got, c.conversation)
				}
				if got := unitsByCampaign(t, "per_message_outside_window", events); got != c.outside {
					t.Errorf("outside windows %s, want %s", got, c.outside)
				}
			}
		})
	}
}
