package main

import (
	"bytes"
	"fmt"
	"testing"
	"time"
)

// The field's cases (ordering and duplication B1–B10, Twilio's codes) through the API: what each leaves of a message
// and of its number.
func testNumbersCases(t *testing.T, k *kaskad) {
	now := sharedNow
	type event struct {
		id, status, occurred, submitted, more string
	}
	at := func(days, hours float64) string {
		return now.Add(-time.Duration((days*24 - hours) * float64(time.Hour))).Format(time.RFC3339)
	}
	sent := at(10, 0)
	twilio := func(days float64, code string) event {
		return event{fmt.Sprintf("%s-%v", code, days), "undelivered", at(days, 0), at(days, 0),
			fmt.Sprintf(`,"provider":"twilio","error_code":%q,"campaign":"c%v"`, code, days)}
	}
	viber := func(days float64) event {
		return event{fmt.Sprintf("viber-%v", days), "failed", at(days, 0), at(days, 0),
			fmt.Sprintf(`,"channel":"viber","provider":"viber","error_code":"SRVC_NOT_VIBER_USER","permanent":true,"campaign":"c%v"`, days)}
	}
	part := func(status string, n int) event {
		return event{"B7", status, at(10, 1), sent, fmt.Sprintf(`,"part":%d,"parts":3,"segments":3`, n)}
	}
	cases := []struct {
		name        string
		events      []event
		state, rule string
		check       func(m map[string]any) bool // of the message named after the case, nil for none
	}{
		{"B1", []event{{"B1", "read", at(10, 1), sent, ""}}, "active", "",
			func(m map[string]any) bool { return m["delivered"] == true && m["read"] == true }},
		{"B2", []event{{"B2", "delivered", at(10, 1), sent, ""}, {"B2", "sent", at(10, 2), sent, ""}}, "active", "",
			func(m map[string]any) bool { return m["delivered"] == true }},
		{"B3", []event{{"B3", "failed", at(10, 1), sent, `,"error_code":"1"`},
			{"B3", "delivered", at(10, 2), sent, ""}}, "active", "",
			func(m map[string]any) bool { return m["delivered"] == true }},
		{"B4", []event{{"B4", "delivered", at(10, 1), sent, ""},
			{"B4", "failed", at(10, 2), sent, `,"error_code":"1"`}}, "active", "",
			func(m map[string]any) bool { return m["delivered"] == true }},
		{"B5", []event{{"B5", "undelivered", at(10, 1), sent, `,"error_code":"1"`},
			{"B5", "undelivered", at(10, 1), sent, `,"error_code":"1"`}}, "suspect", "", nil},
		{"B6", []event{{"B6", "delivered", at(10, 3), sent, ""}, {"B6", "delivered", at(10, 2), sent, ""}}, "active",
			"", nil},
		{"B7", []event{part("delivered", 1), part("delivered", 2), part("undelivered", 3)}, "unknown", "",
			func(m map[string]any) bool { return m["delivered"] == false }},
		{"B8", []event{{"B8", "sent", sent, sent, ""}, {"B8", "delivered", at(10, 71), sent, ""}}, "active", "", nil},
		{"B9", []event{{"B9", "delivered", at(10, 1), "", ""}, {"B9", "accepted", sent, sent, ""}}, "active", "",
			func(m map[string]any) bool { return m["delivered"] == true }},
		{"B10", []event{{"B10", "sent", at(10, 0.01), sent, ""}, {"B10", "delivered", sent, sent, ""}}, "active", "",
			func(m map[string]any) bool { return m["delivered"] == true }},
		{"30005 once", []event{twilio(9, "30005")}, "suspect", "", nil},
		{"30005 in two mailings a day apart", []event{twilio(9, "30005"), twilio(8, "30005")}, "dead", "hard", nil},
		{"30003 in five mailings over fourteen days",
			[]event{twilio(20, "30003"), twilio(17, "30003"), twilio(14, "30003"), twilio(10, "30003"),
				twilio(6, "30003")}, "dead", "soft", nil},
		{"30003 in four mailings", []event{twilio(20, "30003"), twilio(17, "30003"), twilio(14, "30003"),
			twilio(6, "30003")}, "unknown", "", nil},
		{"no Viber user", []event{viber(20), viber(15), viber(10), viber(5), viber(2), viber(1)}, "unknown", "", nil},
		{"a delivery revives", []event{twilio(9, "30005"), twilio(8, "30005"),
			{"back", "delivered", at(3, 0), at(3, 0), ""}}, "revived", "", nil},
	}
	var lines [][]byte
	number := func(i int) string { return fmt.Sprintf("+7900000%04d", i) }
	for i, c := range cases {
		for _, e := range c.events {
			submitted := ""
			if e.submitted != "" {
				submitted = fmt.Sprintf(`,"submitted_at":%q`, e.submitted)
			}
			channel := `,"channel":"sms"`
			if bytes.Contains([]byte(e.more), []byte(`"channel"`)) {
				channel = ""
			}
			id := e.id
			if id != c.name {
				id = fmt.Sprint(c.name, " ", id)
			}
			lines = append(lines, fmt.Appendf(nil,
				`{"account":"cases","message_id":%q,"status":%q,"occurred_at":%q,"recipient":%q%s%s%s}`, id, e.status,
				e.occurred, number(i), channel, submitted, e.more))
		}
	}
	k.post(join(lines))
	k.settle(2 * time.Minute)
	for i, c := range cases {
		var got struct{ State, Rule string }
		k.get("/v1/numbers/"+number(i)+"?account=cases", &got)
		if got.State != c.state || got.Rule != c.rule {
			t.Errorf("%s: the number is %q by %q, want %q by %q", c.name, got.State, got.Rule, c.state, c.rule)
		}
		if c.check == nil {
			continue
		}
		var message map[string]any
		k.get("/v1/messages/"+c.name+"?account=cases", &message)
		if !c.check(message) {
			t.Errorf("%s: %v", c.name, message)
		}
	}
}
