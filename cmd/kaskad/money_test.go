package main

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"kaskad/simulate/model/settings"
)

// moneyDay is the day on which the worked examples are sent.
const moneyDay = "2026-11-10T09:00:00Z"

// step is a step of a message of a worked example.
type step struct {
	fields   string // Of the event, after the common ones.
	statuses string
}

// send posts n messages of the same steps, with ids from the prefix.
func (k *kaskad) send(account, prefix string, n int, steps ...step) {
	k.t.Helper()
	var lines [][]byte
	for i := range n {
		for number, s := range steps {
			for j, status := range strings.Fields(s.statuses) {
				lines = append(lines, fmt.Appendf(nil,
					`{"account":%q,"message_id":"%s%d","submitted_at":%q,"step":%d,"recipient":"+79161234567","status":%q,"occurred_at":"2026-11-10T09:0%d:0%dZ",%s}`,
					account, prefix, i, moneyDay, number+1, status, number, j, s.fields))
			}
		}
	}
	k.post(join(lines))
}

// one asks for a report that has one row. Numbers stay as they are written.
func (k *kaskad) one(path string) map[string]any {
	k.t.Helper()
	var report struct{ Rows []json.RawMessage }
	k.get(path, &report)
	if len(report.Rows) != 1 {
		k.t.Fatalf("GET %s: %d rows, want 1", path, len(report.Rows))
	}
	return decoded(k.t, report.Rows[0])
}

func decoded(t testing.TB, body []byte) map[string]any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.UseNumber()
	var fields map[string]any
	if err := decoder.Decode(&fields); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return fields
}

// number reads a number or an amount as it is written.
func number(t testing.TB, value any) *big.Rat {
	t.Helper()
	n, ok := new(big.Rat).SetString(fmt.Sprint(value))
	if !ok {
		t.Fatalf("%v is no number", value)
	}
	return n
}

// mustHave checks fields of a row, given as "name=value" with amounts to the kopeck.
func mustHave(t *testing.T, row map[string]any, fields string) {
	t.Helper()
	for _, field := range strings.Fields(fields) {
		name, want, _ := strings.Cut(field, "=")
		got := fmt.Sprint(row[name])
		if n, isNumber := row[name].(json.Number); isNumber {
			if number(t, n).Cmp(number(t, want)) == 0 {
				continue
			}
		}
		if got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

// ratio checks num ÷ den, rounded to as many decimals as want has.
func mustBeRatio(t *testing.T, row map[string]any, num, den, want string) {
	t.Helper()
	quotient := new(big.Rat).Quo(number(t, row[num]), number(t, row[den]))
	_, fraction, _ := strings.Cut(want, ".")
	if got := quotient.FloatString(len(fraction)); got != want {
		t.Errorf("%s ÷ %s is %s, want %s", num, den, got, want)
	}
}

func (k *kaskad) savings(account string) map[string]any {
	k.t.Helper()
	return k.one("/v1/reports/savings?account=" + account)
}

func (k *kaskad) forecast(body string) map[string]any {
	k.t.Helper()
	status, answer := k.request(http.MethodPost, "/v1/forecasts/savings", "application/json", []byte(body))
	if status != http.StatusOK {
		k.t.Fatalf("POST /v1/forecasts/savings: %d %s", status, answer)
	}
	return decoded(k.t, answer)
}

// The worked examples A1 to A17 of the domain, with events where they speak of messages, through the HTTP API and to
// the kopeck. Millions of messages are scaled to a thousand.
func testWorkedExamples(t *testing.T, k *kaskad) {
	sms := tariff("sms", "per_segment_sent", "2.00")
	connect := "0.70"
	flash := tariff("flash_call", "per_message_delivered", "0.80")
	flashAttempt := tariff("flash_call", "per_message_sent", "0.80")
	flashConnect := tariff("flash_call", "attempt_plus_connect", "0.10")
	flashConnect.ConnectPrice = &connect
	viber := tariff("viber", "per_message_delivered", "0.50")
	minimum := "300.00"
	viber.MonthlyMinimum = &minimum
	for account, list := range map[string][]settings.Tariff{
		"A5": {sms, tariff("push", "per_message_delivered", "0.36")},
		"A6": {sms, tariff("push", "per_message_sent", "0.36")},
		"A7": {sms, tariff("push", "per_message_delivered", "0.36")},
		"A8": {sms, flash}, "A9": {sms, flash}, "A10": {sms, flashAttempt}, "A10-connect": {sms, flashConnect},
		"A12": {sms, tariff("whatsapp", "per_conversation_24h", "4.50")},
		"A15": {sms, tariff("viber", "per_message_delivered", "0.75")},
		"A16": {sms, tariff("viber", "per_message_delivered", "0.75")}, "A17": {sms, viber},
	} {
		k.putTariffs(account, list)
	}

	push, fallback := `"channel":"push","sms_segments":2`,
		`"channel":"sms","segments":2,"sms_segments":2,"trigger":"undelivered"`
	noApp := step{push, "skipped"}
	for _, c := range []struct {
		account            string
		reached, app, none int // Messages that push delivered, that it tried in vain, and of people without the app.
	}{{"A5", 400, 100, 500}, {"A6", 400, 100, 500}, {"A7", 320, 80, 600}} {
		k.send(c.account, "push", c.reached, step{push, "sent delivered"})
		k.send(c.account, "undelivered", c.app, step{push, "sent expired"}, step{fallback, "sent delivered"})
		k.send(c.account, "no-app", c.none, noApp,
			step{strings.Replace(fallback, "undelivered", "no_app", 1), "sent delivered"})
	}
	call, code := `"channel":"flash_call","traffic":"otp","sms_segments":1`,
		step{`"channel":"sms","traffic":"otp","sms_segments":1,"segments":1`, "sent delivered"}
	k.send("A8", "otp", 1000, step{call, "accepted delivered"})
	for _, account := range []string{"A9", "A10", "A10-connect"} {
		k.send(account, "otp", 980, step{call, "accepted delivered"})
		k.send(account, "failed", 20, step{call, "accepted undelivered"}, code)
	}
	for i, at := range []string{"10:00:00", "10:00:00", "10:05:00", "12:00:00", "23:59:59"} {
		k.post([]byte(dialogLine(fmt.Sprint("answer", i), "delivered", "2026-11-10T"+at+"Z")))
	}
	k.post([]byte(dialogLine("question", "delivered", "2026-11-10T09:30:00Z")))
	k.post([]byte(dialogLine("question", "replied", "2026-11-10T10:00:00Z")))
	k.post([]byte(dialogLine("last", "delivered", "2026-11-11T09:59:59Z")))
	vk := `"channel":"vk","provider":"notify"`
	k.send("A13", "quick", 42, step{vk, "sent delivered read"})
	k.sendNotify("A13", 43, 5, 10)
	k.send("A14", "email", 21, step{`"channel":"email"`, "sent delivered read"})
	k.send("A14", "email-unread", 79, step{`"channel":"email"`, "sent delivered"})
	k.send("A14", "messenger", 80, step{`"channel":"messenger"`, "sent delivered read"})
	k.send("A14", "messenger-unread", 20, step{`"channel":"messenger"`, "sent delivered"})
	viberText := `"channel":"viber","sms_segments":2`
	k.send("A15", "unread", 1, step{viberText, "sent delivered"},
		step{strings.Replace(fallback, "undelivered", "unread", 1), "sent delivered"})
	k.send("A16", "undelivered", 1, step{viberText, "sent expired"}, step{fallback, "sent delivered"})
	k.send("A17", "promo", 450, step{viberText + `,"sender":"Shop","traffic":"promo"`, "delivered"})
	k.settle(2 * time.Minute)

	// Each example fails by itself.
	run := func(name string, check func(t *testing.T, k *kaskad)) {
		t.Run(name, func(t *testing.T) {
			check(t, k.of(t))
		})
	}
	cascade := func(penetration, billing string) string {
		return fmt.Sprintf(`{"messages":1000000,"penetration":%q,"delivery_rate":"0.8","sms_segments":2,"sms_price":"2.00","channel_price":"0.36","billing":%q,"currency":"RUB"}`,
			penetration, billing)
	}
	codes := func(rate, billing string) string {
		return fmt.Sprintf(`{"messages":10000,"penetration":"1","delivery_rate":%q,"sms_segments":1,"sms_price":"2.00","channel_price":"0.80","billing":%q,"currency":"RUB"}`, rate, billing)
	}

	run("A1-A5", func(t *testing.T, k *kaskad) {
		row := k.forecast(cascade("0.5", "per_message_delivered"))
		mustHave(t, row, "movable=400000 channel_cost=144000.00 moved_sms_cost=1600000.00 saved=1456000.00 "+
			"sms_only_cost=4000000.00 cascade_cost=2544000.00 saved_rate=0.364 worth_it=true")
		mustBeRatio(t, row, "saved", "moved_sms_cost", "0.9100")
		mustBeRatio(t, row, "moved_sms_cost", "channel_cost", "11.11")
		mustHave(t, k.savings("A5"), "messages=1000 reached=1000 unpriced=0 sms_segments=2000 sms_only_cost=4000.00 "+
			"actual_cost=2544.00 saved=1456.00 saved_rate=0.364 currency=RUB double_paid=0.00")
	})
	run("A6", func(t *testing.T, k *kaskad) {
		mustHave(t, k.forecast(cascade("0.5", "per_message_sent")),
			"cascade_cost=2580000.00 saved=1420000.00 saved_rate=0.355")
		mustHave(t, k.savings("A6"), "sms_only_cost=4000.00 actual_cost=2580.00 saved=1420.00 saved_rate=0.355 "+
			"wasted_cost=36.00")
	})
	run("A7", func(t *testing.T, k *kaskad) {
		mustHave(t, k.forecast(cascade("0.40", "per_message_delivered")),
			"movable=320000 saved=1164800.00 saved_rate=0.2912 worth_it=true")
		mustHave(t, k.forecast(cascade("0.39", "per_message_delivered")), "worth_it=false")
		mustHave(t, k.savings("A7"), "sms_only_cost=4000.00 actual_cost=2835.20 saved=1164.80 saved_rate=0.2912")
	})
	run("A8", func(t *testing.T, k *kaskad) {
		mustHave(t, k.forecast(codes("1", "per_message_delivered")),
			"saved=12000.00 sms_only_cost=20000.00 cascade_cost=8000.00")
		row := k.savings("A8")
		mustHave(t, row, "messages=1000 sms_only_cost=2000.00 actual_cost=800.00 saved=1200.00")
		mustBeRatio(t, row, "sms_only_cost", "actual_cost", "2.5")
	})
	run("A9", func(t *testing.T, k *kaskad) {
		mustHave(t, k.forecast(codes("0.98", "per_message_delivered")), "cascade_cost=8240.00 saved=11760.00")
		mustHave(t, k.savings("A9"), "reached=1000 actual_cost=824.00 saved=1176.00 wasted_cost=0.00")
	})
	run("A10", func(t *testing.T, k *kaskad) {
		mustHave(t, k.forecast(codes("0.98", "per_message_sent")), "cascade_cost=8400.00 saved=11600.00")
		mustHave(t, k.savings("A10"), "reached=1000 actual_cost=840.00 saved=1160.00 wasted_cost=16.00")
		mustHave(t, k.savings("A10-connect"), "actual_cost=826.00 saved=1174.00 wasted_cost=2.00")
	})
	run("A11", func(t *testing.T, k *kaskad) {
		var row map[string]any
		k.get("/v1/forecasts/break-even?channel_price=4.50&sms_price=2.00", &row)
		if fmt.Sprint(row["segments"]) != "3" || fmt.Sprint(row["ratio"]) != "2.25" {
			t.Errorf("%v, want 3 segments and a ratio of 2.25", row)
		}
	})
	run("A12", func(t *testing.T, k *kaskad) {
		mustHave(t, k.savings("A12"), "messages=7 actual_cost=4.50")
		k.post([]byte(dialogLine("template", "delivered", "2026-11-11T10:00:00Z")))
		k.settle(2 * time.Minute)
		mustHave(t, k.savings("A12"), "messages=8 actual_cost=9.00")
	})
	run("A13", func(t *testing.T, k *kaskad) {
		row := k.one("/v1/reports/channels?account=A13")
		mustHave(t, row, "delivered_1m_rate=0.42 delivered_1m_den=100 delivered_24h_rate=0.9 delivered_24h_den=100 "+
			"read_24h_rate=0.85 read_24h_den=100 open_rate=0.944444 open_num=85 open_den=90")
	})
	run("A14", func(t *testing.T, k *kaskad) {
		email, messenger := k.one("/v1/reports/channels?account=A14&channel=email"),
			k.one("/v1/reports/channels?account=A14&channel=messenger")
		mustHave(t, email, "open_rate=0.21")
		mustHave(t, messenger, "open_rate=0.8")
		mustBeRatio(t, map[string]any{"messenger": messenger["open_rate"], "email": email["open_rate"]}, "messenger",
			"email", "3.81")
	})
	run("A15", func(t *testing.T, k *kaskad) {
		mustHave(t, k.savings("A15"), "messages=1 reached=1 read=0 actual_cost=4.75 double_paid=4.00 "+
			"double_paid_unread=4.00 saved=-0.75")
		mustHave(t, k.one("/v1/reports/savings?account=A15&group_by=path,reached_by"),
			"path=viber>sms reached_by=viber")
	})
	run("A16", func(t *testing.T, k *kaskad) {
		mustHave(t, k.savings("A16"), "messages=1 reached=1 actual_cost=4.00 double_paid=0.00 wasted_cost=0.00 "+
			"saved=0.00")
		mustHave(t, k.one("/v1/reports/savings?account=A16&group_by=path,reached_by"), "path=viber>sms reached_by=sms")
	})
	run("A17", func(t *testing.T, k *kaskad) {
		row := k.one("/v1/reports/savings?account=A17&from=2026-11-01&to=2026-12-01")
		mustHave(t, row, "reached=450 actual_cost=225.00 minimum_top_up=75.00")
		billed := new(big.Rat).Add(number(t, row["actual_cost"]), number(t, row["minimum_top_up"]))
		mustBeRatio(t, map[string]any{"billed": billed.FloatString(2), "delivered": row["reached"]}, "billed",
			"delivered", "0.6667")
		if got := billed.FloatString(2); got != "300.00" {
			t.Errorf("billed %s, want the minimum of 300.00", got)
		}
		mustHave(t, k.one("/v1/reports/savings?account=A17"), "minimum_top_up=<nil>")
	})
}

// dialogLine is an event of A12.
func dialogLine(id, status, at string) string {
	return fmt.Sprintf(`{"account":"A12","message_id":%q,"submitted_at":"2026-11-10T09:00:00Z","channel":"whatsapp","sender":"Shop","sms_segments":3,"recipient":"+79161234567","status":%q,"occurred_at":%q}`,
		id, status, at)
}

// sendNotify sends what A13's sample has beside the quick ones: delivered after an hour and read, delivered after an
// hour alone, and not delivered.
func (k *kaskad) sendNotify(account string, read, unread, undelivered int) {
	k.t.Helper()
	var lines [][]byte
	line := func(id int, status, at string) {
		lines = append(lines, fmt.Appendf(nil,
			`{"account":%q,"message_id":"slow%d","submitted_at":%q,"recipient":"+79161234567","channel":"vk","provider":"notify","status":%q,"occurred_at":"2026-11-10T%sZ"}`,
			account, id, moneyDay, status, at))
	}
	for i := range read + unread + undelivered {
		line(i, "sent", "09:00:00")
		if i < read+unread {
			line(i, "delivered", "10:00:00")
		}
		if i < read {
			line(i, "read", "18:00:00")
		}
	}
	k.post(join(lines))
}
