package forecast

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"kaskad/query/querytest"
	"kaskad/query/store"
)

// pastReply is an answer of POST /v1/forecasts/from-history.
type pastReply struct {
	fields map[string]any
	rows   []map[string]any
}

func forecastHistory(tb testing.TB, s http.Handler, query, body string) (reply pastReply) {
	tb.Helper()
	querytest.Decode(tb, postJSON(s, "/v1/forecasts/from-history?"+query, body), http.StatusOK, &reply.fields)
	for _, row := range reply.fields["rows"].([]any) {
		reply.rows = append(reply.rows, row.(map[string]any))
	}
	return reply
}

// seedPast makes the seed's example a thousandth of its size: 1 000 SMS of 2 segments to 1 000 people, and 625 push
// messages of which 500 were delivered, each to another of them.
func seedPast(at time.Time) (events []pastEvent) {
	for i := range 1000 {
		e := pastEvent{account: "acme", message: fmt.Sprintf("sms-%d", i), step: 1, channel: "sms", status: "sent",
			template: "order", recipient: fmt.Sprintf("+7900%07d", i),
			contact: fmt.Sprintf("user:%d", i), at: at, submitted: at, smsSegments: 2}
		events = append(events, e)
	}
	for i := range 625 {
		e := pastEvent{account: "acme", message: fmt.Sprintf("push-%d", i), step: 1, channel: "push", status: "sent",
			template: "news", app: "shop", recipient: fmt.Sprintf("device:%d", i%500),
			contact: fmt.Sprintf("user:%d", i%500), at: at, submitted: at}
		events = append(events, e)
		if i < 500 {
			e.status, e.at = "delivered", at.Add(time.Second)
			events = append(events, e)
		}
	}
	return events
}

const seedPeriod = "account=acme&from=2026-10-01&to=2026-10-31"

func TestForecasts_FromHistory_Seed(t *testing.T) {
	conn := newConn(t)
	storePast(t, conn, seedPast(time.Date(2026, 10, 10, 10, 0, 0, 0, time.UTC)))
	querytest.PutTariffs(t, conn, "acme", querytest.TariffRow("sms", "per_segment_sent", "2.00"),
		querytest.TariffRow("push", "per_message_delivered", "0.36"),
		querytest.TariffRow("push", "zero", "0", "provider", "fcm"))
	w := postJSON(newRoom(conn), "/v1/forecasts/from-history?"+seedPeriod, `{"channel":"push"}`)
	want := `{"report":"forecast-from-history","from":"2026-10-01T00:00:00Z","to":"2026-10-31T00:00:00Z","tz":"UTC","as_of":"2026-11-20T00:00:00.000Z","lag_seconds":0,"mature":true,` +
		`"tariff_version":1,"template_version":0,"account":"acme","channel":"push","threshold":0.4,"currency":"RUB","channel_price":"0.36","billing":"per_message_delivered",` +
		`"connect_price":null,"sms_price":"2.00","channel_tariffs":[{"channel":"push","provider":"*","operator":"*","country":"*","traffic":"*","sender":"*","app":"*",` +
		`"valid_from":"2026-01-01T00:00:00Z","valid_to":null,"currency":"RUB","billing":"per_message_delivered","price":"0.36","connect_price":null,"monthly_minimum":null}],` +
		`"messages":1625,"first_message":"2026-10-10T10:00:00.000Z","last_message":"2026-10-10T10:00:00.000Z","tested_num":500,"tested_den":1000,"tested_share":0.5,` +
		`"penetration_num":500,"penetration_den":1000,"penetration":0.5,"penetration_low":0.46907,"penetration_high":0.53093,` +
		`"message_penetration_num":1125,"message_penetration_den":1625,"message_penetration":0.692308,"message_penetration_low":0.669436,"message_penetration_high":0.714273,` +
		`"delivery_num":500,"delivery_den":625,"delivery_rate":0.8,"delivery_rate_low":0.76685,"delivery_rate_high":0.829485,` +
		`"templates":2,"templates_unknown":0,"total":{"templates":1,"messages_per_month":1000,"movable_per_month":400,"sms_only_cost_per_month":"4000.00","channel_cost_per_month":"144.00",` +
		`"moved_sms_cost_per_month":"1600.00","saved_per_month":"1456.00","cascade_cost_per_month":"2544.00","saved_rate":0.364},` +
		`"rows":[{"template":"order","messages":1000,"on_channel":0,"without_sms":0,"unknown_segments":0,"unpriced":0,"candidates":1000,"tested_num":500,"tested_den":1000,"tested_share":0.5,` +
		`"penetration_num":500,"penetration_den":1000,"penetration":0.5,"penetration_low":0.46907,"penetration_high":0.53093,"sms_segments_num":2000,"sms_segments_den":1000,"sms_segments":2,` +
		`"sms_cost":"4000.00","sms_price":"2.00","messages_per_month":1000,"movable_per_month":400,"sms_only_cost_per_month":"4000.00","channel_cost_per_month":"144.00",` +
		`"moved_sms_cost_per_month":"1600.00","saved_per_month":"1456.00","cascade_cost_per_month":"2544.00","saved_rate":0.364,"below_threshold":false,"worth_it":true},` +
		`{"template":"news","messages":625,"on_channel":625,"without_sms":0,"unknown_segments":0,"unpriced":0,"candidates":0,"tested_num":0,"tested_den":0,"tested_share":null,` +
		`"penetration_num":0,"penetration_den":0,"penetration":null,"penetration_low":null,"penetration_high":null,"sms_segments_num":0,"sms_segments_den":0,"sms_segments":null,` +
		`"sms_cost":"0.00","sms_price":null,"messages_per_month":0,"movable_per_month":null,"sms_only_cost_per_month":"0.00","channel_cost_per_month":null,` +
		`"moved_sms_cost_per_month":null,"saved_per_month":null,"cascade_cost_per_month":null,"saved_rate":null,"below_threshold":null,"worth_it":null}],"next_cursor":null}`
	if w.Body.String() != want {
		t.Errorf("got  %s\nwant %s", w.Body, want)
	}
}

// The same past, asked in other ways.
func TestForecasts_FromHistory_Cases(t *testing.T) {
	conn := newConn(t)
	storePast(t, conn, seedPast(time.Date(2026, 10, 10, 10, 0, 0, 0, time.UTC)))
	querytest.PutTariffs(t, conn, "acme", querytest.TariffRow("sms", "per_segment_sent", "2.00"),
		querytest.TariffRow("push", "per_message_sent", "0.36"),
		querytest.TariffRow("viber", "per_message_delivered", "0.75"), querytest.TariffRow("email", "zero", "0"))
	s := newRoom(conn)
	const given = `"channel":"push","channel_price":"0.36","sms_price":2`
	for name, c := range map[string]struct{ query, body, total, row string }{
		"billed when sent, A6": {seedPeriod, `{"channel":"push"}`,
			`{"saved_per_month":"1420.00","channel_cost_per_month":"180.00","cascade_cost_per_month":"2580.00","saved_rate":0.355}`, `{"worth_it":true}`},
		"connect": {seedPeriod, `{` + given + `,"billing":"attempt_plus_connect","connect_price":"0.1"}`,
			`{"channel_cost_per_month":"220.00"}`, `{"sms_price":"2.00"}`},
		"half a month": {"account=acme&from=2026-10-01&to=2026-10-16", `{"channel":"push"}`,
			`{"messages_per_month":2000,"saved_per_month":"2840.00"}`, `{"sms_cost":"4000.00"}`},
		"a week has no end": {"account=acme&from=2026-10-08&to=2026-10-15", `{"channel":"push"}`,
			`{"messages_per_month":4285.714286,"movable_per_month":1714.285714,"saved_per_month":"6085.714286"}`,
			`{"messages_per_month":4285.714286}`},
		"at the threshold": {seedPeriod, `{"channel":"push","threshold":0.5}`, `{"templates":1}`,
			`{"below_threshold":false,"worth_it":true}`},
		"below it": {seedPeriod, `{"channel":"push","threshold":"0.500000000000000001"}`,
			`{"templates":0,"saved_per_month":"0.00","saved_rate":null}`,
			`{"below_threshold":true,"worth_it":false,"saved_per_month":"1420.00"}`},
		"a loss": {seedPeriod, `{"channel":"push","channel_price":"9","billing":"per_message_sent"}`,
			`{"templates":0}`, `{"below_threshold":false,"worth_it":false,"saved_per_month":"-2900.00","saved_rate":-0.725}`},
		"nobody was tried": {seedPeriod, `{"channel":"viber"}`, `{"templates":0,"movable_per_month":0}`,
			`{"penetration":null,"worth_it":null,"saved_per_month":null,"sms_only_cost_per_month":"4000.00"}`},
		"free": {seedPeriod, `{"channel":"email"}`, `{"templates":0}`,
			`{"penetration":null,"sms_only_cost_per_month":"4000.00"}`},
		"nothing happened": {"account=acme&from=2026-09-01&to=2026-10-01", `{"channel":"push"}`, `{"templates":0}`,
			``},
		"somebody else": {"account=other&from=2026-10-01&to=2026-10-31",
			`{` + given + `,"billing":"per_message_sent","currency":"EUR"}`, `{"templates":0}`, ``},
		"a page of one": {seedPeriod + "&limit=1", `{"channel":"push"}`, `{"templates":1}`, `{"template":"order"}`},
		"days of Kathmandu": {"account=acme&from=2026-10-01&to=2026-10-31&tz=Asia/Kathmandu", `{"channel":"push"}`,
			`{"saved_per_month":"1420.00"}`, `{"template":"order"}`},
	} {
		reply := forecastHistory(t, s, c.query, c.body)
		if c.row == "" && len(reply.rows) > 0 {
			t.Errorf("%s: %d rows", name, len(reply.rows))
		}
		if c.row != "" && len(reply.rows) == 0 {
			t.Errorf("%s: no row", name)
			continue
		}
		wantFields(t, name+": total", reply.fields["total"].(map[string]any), c.total)
		for _, row := range reply.rows {
			if row["template"] == "order" {
				wantFields(t, name+": order", row, c.row)
			}
		}
		if strings.Contains(c.query, "limit=1") &&
			(len(reply.rows) != 1 || reply.fields["templates"] != json.Number("2")) {
			t.Errorf("%s: %d rows of %v templates", name, len(reply.rows), reply.fields["templates"])
		}
	}
	// Without from and to: the last 30 days, in which nothing happened.
	reply := forecastHistory(t, s, "account=acme", `{"channel":"push"}`)
	wantFields(t, "default period", reply.fields, `{"from":"2026-10-21T00:00:00Z","to":"2026-11-20T00:00:00Z","messages":0,"first_message":null,"penetration":null,"tested_share":null,
		"delivery_rate":null,"mature":true,"templates":0}`)
}

func wantFields(t *testing.T, name string, got map[string]any, wanted string) {
	t.Helper()
	var want map[string]any
	decoder := json.NewDecoder(strings.NewReader(wanted))
	decoder.UseNumber()
	if err := decoder.Decode(&want); err != nil {
		t.Fatal(name, err)
	}
	for field, value := range want {
		if shown, found := got[field]; !found || shown != value {
			t.Errorf("%s: %s is %v, want %v", name, field, shown, value)
		}
	}
}

// People who leave, by the words of the definition.
func TestForecasts_FromHistory_Reached(t *testing.T) {
	day := time.Date(2026, 10, 10, 10, 0, 0, 0, time.UTC)
	push := func(id, app, recipient, contact, status string, at time.Time) pastEvent {
		return pastEvent{message: id, step: 1, channel: "push", app: app, recipient: recipient, contact: contact,
			status: status, at: at, submitted: day}
	}
	loss := func(status, app, recipient, contact string, at time.Time) pastEvent {
		return pastEvent{channel: "push", app: app, recipient: recipient, contact: contact, status: status, at: at}
	}
	hour := func(n int) time.Time { return day.Add(time.Duration(n) * time.Hour) }
	cases := map[string]struct {
		events  []pastEvent
		reached string
	}{
		"delivered":             {[]pastEvent{push("a", "shop", "device:1", "", "delivered", hour(1))}, "1"},
		"sent is not delivered": {[]pastEvent{push("a", "shop", "device:1", "", "sent", hour(1))}, "0"},
		"a reader was reached":  {[]pastEvent{push("a", "shop", "device:1", "", "read", hour(1))}, "1"},
		"left later": {[]pastEvent{push("a", "shop", "device:1", "", "delivered", hour(1)),
			loss("uninstalled", "shop", "device:1", "", hour(2))}, "0"},
		"left before": {[]pastEvent{push("a", "shop", "device:1", "", "delivered", hour(2)),
			loss("uninstalled", "shop", "device:1", "", hour(1))}, "1"},
		"left at that moment": {[]pastEvent{push("a", "shop", "device:1", "", "delivered", hour(2)),
			loss("uninstalled", "shop", "device:1", "", hour(2))}, "0"},
		"subscribed again": {[]pastEvent{push("a", "shop", "device:1", "", "delivered", hour(1)),
			loss("unsubscribed", "shop", "device:1", "", hour(2)), loss("subscribed", "shop", "device:1", "", hour(3))},
			"1"},
		"unsubscribed": {[]pastEvent{push("a", "shop", "device:1", "", "delivered", hour(1)),
			loss("unsubscribed", "shop", "device:1", "", hour(2))}, "0"},
		"blocked after the period": {[]pastEvent{push("a", "shop", "device:1", "", "delivered", hour(1)),
			loss("blocked", "shop", "device:1", "", hour(900))}, "0"},
		"complained": {[]pastEvent{push("a", "shop", "device:1", "", "delivered", hour(1)),
			loss("complained", "shop", "device:1", "", hour(2))}, "1"},
		"came back": {[]pastEvent{push("a", "shop", "device:1", "", "delivered", hour(1)),
			loss("uninstalled", "shop", "device:1", "", hour(2)),
			push("b", "shop", "device:1", "", "delivered", hour(3))}, "1"},
		"the other app": {[]pastEvent{push("a", "shop", "device:1", "", "delivered", hour(1)),
			loss("uninstalled", "bank", "device:1", "", hour(2))}, "1"},
		"one app of two": {[]pastEvent{push("a", "shop", "device:1", "", "delivered", hour(1)),
			push("b", "bank", "device:1", "", "delivered", hour(1)),
			loss("uninstalled", "bank", "device:1", "", hour(2))}, "1"},
		"no app is an app of its own": {[]pastEvent{push("a", "shop", "device:1", "", "delivered", hour(1)),
			loss("blocked", "", "device:1", "", hour(2))}, "1"},
		"the person left another device": {[]pastEvent{push("a", "shop", "device:1", "user:1", "delivered", hour(1)),
			loss("uninstalled", "shop", "device:9", "user:1", hour(2))}, "1"},
		"the device left, by recipient": {[]pastEvent{push("a", "shop", "device:1", "user:1", "delivered", hour(1)),
			loss("uninstalled", "shop", "device:1", "", hour(2))}, "0"},
		"somebody else's device": {[]pastEvent{push("a", "shop", "device:1", "user:1", "delivered", hour(1)),
			loss("uninstalled", "shop", "device:2", "user:2", hour(2))}, "1"},
		"two devices, one person": {[]pastEvent{push("a", "shop", "device:1", "user:1", "delivered", hour(1)),
			push("b", "shop", "device:2", "user:1", "delivered", hour(3)),
			loss("uninstalled", "shop", "device:1", "user:1", hour(2))}, "1"},
	}
	// Each case is an account of its own.
	var events []pastEvent
	for name, c := range cases {
		for _, e := range c.events {
			e.account = name
			events = append(events, e)
		}
	}
	conn := newConn(t)
	storePast(t, conn, events)
	s := newRoom(conn)
	for name, c := range cases {
		query := url.Values{"account": {name}, "from": {"2026-10-01"}, "to": {"2026-10-31"}}.Encode()
		reply := forecastHistory(t, s, query,
			`{"channel":"push","channel_price":"1","billing":"per_message_sent","sms_price":"1"}`)
		if got := reply.fields["penetration_num"]; got != json.Number(c.reached) ||
			reply.fields["penetration_den"] != json.Number("1") {
			t.Errorf("%s: reached %v of %v, want %s of 1", name, got, reply.fields["penetration_den"], c.reached)
		}
	}
}

// A message that is stored in two buckets counts once, at home, with what both know of it.
func TestForecasts_FromHistory_Splits(t *testing.T) {
	conn := newConn(t)
	at := time.Date(2026, 10, 10, 10, 0, 0, 0, time.UTC)
	e := pastEvent{account: "acme", message: "m", step: 1, channel: "sms", status: "sent", template: "order",
		recipient: "+79000000001", at: at, submitted: at, smsSegments: 1}
	stray := e
	stray.submitted, stray.status, stray.smsSegments = at.Add(5*time.Hour), "delivered", 3
	storeFacts(t, conn, []pastEvent{e, e})
	storeFacts(t, conn, []pastEvent{stray})
	querytest.Execute(t, conn, "INSERT INTO attempts SELECT * REPLACE (toDateTime('2026-10-10 10:00:00', 'UTC') AS "+
		"bucket) "+
		"FROM attempts AS a WHERE a.bucket != toDateTime('2026-10-10 10:00:00', 'UTC')")
	querytest.Execute(t, conn, "INSERT INTO splits VALUES ('acme', 'm', toDateTime('2026-10-10 15:00:00', 'UTC'), "+
		"toDateTime('2026-10-10 10:00:00', 'UTC'))")
	aggregatePast(t, conn)
	reply := forecastHistory(t, newRoom(conn), seedPeriod,
		`{"channel":"push","channel_price":"1","billing":"per_message_sent","sms_price":"1"}`)
	if len(reply.rows) != 1 {
		t.Fatal(reply.rows)
	}
	wantFields(t, "split", reply.rows[0], `{"messages":1,"candidates":1,"sms_segments":3}`)
}

// The example of docs/definitions.md section 5: ten one-segment SMS to each of two people, push delivered to one of
// them and failed to the other.
func TestForecasts_FromHistory_NotDiscountedTwice(t *testing.T) {
	at := time.Date(2026, 10, 10, 10, 0, 0, 0, time.UTC)
	var events []pastEvent
	for person := range 2 {
		e := pastEvent{account: "acme", message: fmt.Sprint("push-", person), step: 1, channel: "push",
			status: []string{"delivered", "undelivered"}[person], template: "news", app: "shop",
			recipient: fmt.Sprint("device:", person), contact: fmt.Sprint("c", person), at: at, submitted: at}
		events = append(events, e)
		for i := range 10 {
			e.message, e.channel, e.status, e.template, e.app, e.smsSegments = fmt.Sprint("sms-", person, "-", i),
				"sms", "delivered", "order", "", 1
			e.recipient = fmt.Sprint("+7900000000", person)
			events = append(events, e)
		}
	}
	conn := newConn(t)
	storePast(t, conn, events)
	reply := forecastHistory(t, newRoom(conn), seedPeriod,
		`{"channel":"push","channel_price":"0.36","billing":"per_message_delivered","sms_price":"2.00"}`)
	wantFields(t, "all", reply.fields, `{"tested_share":1,"penetration":0.5,"penetration_num":1,"penetration_den":2,"delivery_rate":1,"delivery_num":1,"delivery_den":1}`)
	if len(reply.rows) != 2 {
		t.Fatal(reply.rows)
	}
	wantFields(t, "order", reply.rows[0], `{"template":"order","candidates":20,"penetration":0.5,"movable_per_month":10,"channel_cost_per_month":"3.60","moved_sms_cost_per_month":"20.00",
		"saved_per_month":"16.40","worth_it":true}`)
}

func TestHistoryQuery_SQL_Golden(t *testing.T) {
	hostile := "x' OR '1'='1 {id:String}"
	lines := []store.Capability{{Account: "", Channel: "push", Provider: "*", Delivery: true, Reads: true, Bound: nil,
		SettlingDays: 1}, {Account: "", Channel: "push", Provider: "fcm", Delivery: false, Reads: false, Bound: nil,
		SettlingDays: 1}}
	request := &historyRequest{account: hostile, channel: "push", fromMS: 1760572800000, toMS: 1795136400000}
	for name, q := range map[string]querytest.Statement{
		"history_plain": &historyQuery{request: request, capabilities: lines, asOfMS: 1795136400000},
		"history_keys": &historyQuery{request: request, capabilities: lines, asOfMS: 1795136400000,
			keys:    keysOf(nil, true),
			borders: []uint32{1767225600}},
	} {
		querytest.Golden(t, *update, name, q, hostile)
	}
}

func TestRoundedText(t *testing.T) {
	ratOf := func(text string) *big.Rat {
		r, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatal(text)
		}
		return r
	}
	for in, want := range map[string]string{"0": "0.00", "1/3": "0.333333", "2/3": "0.666667", "-2/3": "-0.666667",
		"1/2000000": "0.000001", "-1/2000000": "-0.000001", "-1/3000000": "0.00",
		"5/2": "2.50", "1456": "1456.00", "-100": "-100.00", "123/100000": "0.00123",
		"1000000000000000000001/3": "333333333333333333333.666667"} {
		if got := roundedText(ratOf(in), 2); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	if got := roundedText(ratOf("100"), 0) + roundedText(ratOf("0"), 0) +
		roundedText(ratOf("1.50"), 0); got != "10001.5" {
		t.Error(got)
	}
}
