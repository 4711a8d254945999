package forecast

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"kaskad/query/answer"
	"kaskad/query/prices"
	"kaskad/query/querytest"
	"kaskad/query/report"
	"kaskad/query/savings"
	"kaskad/query/store"
	"kaskad/schema"
	"kaskad/simulate/model"
	"kaskad/simulate/model/numbers"
	"kaskad/simulate/model/settings"
	"kaskad/simulate/worlds"
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

// Random histories and lists: the answer is the model's.
func TestForecasts_FromHistory_Model(t *testing.T) {
	const seed = 11
	r := rand.New(rand.NewPCG(seed, 4))
	conn := newConn(t)
	events := randomPast(r, 1000, 50)
	storePast(t, conn, events)
	m := model.New(testNow)
	for _, e := range events {
		if err := m.Add([]byte(e.line())); err != nil {
			t.Fatalf("%s: %v", e.line(), err)
		}
	}
	start, border := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	plain := worlds.PriceList(t, "sms per_segment_sent 2.00 to=2026-11-01",
		"sms per_segment_delivered 2.345678 from=2026-11-01", "push per_message_sent 0.36", "push zero 0 provider=fcm",
		"viber per_message_delivered 0.75 to=2026-11-01", "viber per_message_sent 0.95 from=2026-11-01",
		"vk attempt_plus_connect 0.1 connect=0.7")
	// Rows by country, sender and traffic, none for everybody: the first SMS decides where nothing matches, and some
	// messages stay without a price.
	narrow := worlds.PriceList(t, "sms per_segment_sent 2 country=RU", "sms per_message_sent 5 sender=Shop",
		"sms per_segment_sent 3 provider=mts", "sms zero 0 traffic=otp country=RU",
		"sms per_segment_sent 40 country=KZ operator=25001 currency=KZT", "push per_message_sent 0.5 country=RU",
		"push per_message_delivered 0.9 traffic=promo", "push zero 0 sender=Shop",
		"push per_message_sent 9 country=KZ currency=KZT", "viber per_message_delivered 0.75",
		"viber attempt_plus_connect 1 traffic=promo connect=0.25", "vk zero 0")
	until := func(t time.Time) *time.Time { return &t }
	templates := []settings.Template{{Template: "otp", SMSSegments: 1, ValidFrom: start},
		{Template: "order", SMSSegments: 2, ValidFrom: start, ValidTo: &border},
		{Template: "order", SMSSegments: 4, ValidFrom: border.Add(time.Hour)},
		{Template: "c'est", SMSSegments: 3, ValidFrom: border, ValidTo: until(border.AddDate(0, 0, 1))}}
	query := numbers.HistoryQuery{Templates: map[string][]settings.Template{}, Currency: "RUB"}
	query.Numbers.Tariffs = map[string][]settings.Tariff{}
	for _, list := range [][]settings.Tariff{plain, narrow} {
		for _, account := range []string{"acme", "центр"} {
			querytest.PutTariffs(t, conn, account, rowsOf(t, list)...)
			querytest.PutPrices(t, conn, schema.ReferenceTemplates, account, rowsOf(t, templates)...)
			query.Numbers.Tariffs[account], query.Templates[account] = list, templates
		}
		s := newRoom(conn)
		met := map[string]int{}
		for range 15 {
			q := query
			q.Account = []string{"acme", "acme", "центр"}[r.IntN(3)]
			q.Channel = []string{"push", "push", "viber", "vk", "email"}[r.IntN(5)]
			q.Threshold = []string{"0.40", "0.1", "0.333333333333333333", "0.75"}[r.IntN(4)]
			q.To = testNow.Add(-time.Duration(r.IntN(96*20)) * 15 * time.Minute)
			q.From = q.To.Add(-time.Duration(1+r.IntN(96*40)) * 15 * time.Minute)
			body := map[string]any{"channel": q.Channel, "currency": q.Currency, "threshold": q.Threshold}
			if r.IntN(3) == 0 || q.Channel == "email" {
				q.ChannelPrice, q.Billing = "0.123456",
					[]string{"per_message_sent", "per_message_delivered", "attempt_plus_connect"}[r.IntN(3)]
				body["channel_price"], body["billing"] = q.ChannelPrice, q.Billing
				if q.Billing == "attempt_plus_connect" {
					q.ConnectPrice = "1.5"
					body["connect_price"] = q.ConnectPrice
				}
			}
			if r.IntN(3) == 0 {
				q.SMSPrice = "1.9"
				body["sms_price"] = q.SMSPrice
			}
			values := url.Values{"account": {q.Account}, "from": {q.From.Format(time.RFC3339)},
				"to": {q.To.Format(time.RFC3339)}, "limit": {"10000"}}.Encode()
			reply := forecastHistory(t, s, values, string(encode(t, body)))
			want, err := numbers.Forecast(m, q)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(model.CompareRows(want.Templates, encode(t, reply.rows)),
				model.CompareRows([]numbers.HistoryForecast{want}, encode(t, []any{reply.fields}), "rows", "report",
					"from", "to", "tz", "as_of", "lag_seconds", "tariff_version", "template_version", "account",
					"channel", "threshold", "currency", "channel_price", "billing", "connect_price", "sms_price",
					"channel_tariffs", "first_message", "last_message", "next_cursor")); err != nil {
				t.Fatalf("seed %d, %s %v: %v", seed, values, body, err)
			}
			for _, row := range reply.rows {
				for _, name := range []string{"on_channel", "without_sms", "unknown_segments", "unpriced",
					"candidates"} {
					if row[name] != json.Number("0") {
						met[name]++
					}
				}
				for _, name := range []string{"worth_it", "below_threshold"} {
					met[fmt.Sprintf("%s %v", name, row[name])]++
				}
			}
		}
		for _, name := range []string{"on_channel", "without_sms", "unknown_segments", "candidates", "worth_it true",
			"worth_it false", "worth_it <nil>", "below_threshold true", "below_threshold false"} {
			if met[name] == 0 {
				t.Errorf("the test saw no %s: %v", name, met)
			}
		}
		if (met["unpriced"] > 0) != (list[0].Country == "RU") {
			t.Errorf("unpriced in %d rows", met["unpriced"])
		}
	}
}

func encode(tb testing.TB, value any) []byte {
	tb.Helper()
	encoded, err := json.Marshal(value)
	if err != nil {
		tb.Fatal(err)
	}
	return encoded
}

// rowsOf are the rows of a list as JSON.
func rowsOf[Row any](tb testing.TB, list []Row) (rows []string) {
	tb.Helper()
	for _, row := range list {
		rows = append(rows, string(encode(tb, row)))
	}
	return rows
}

// Over what a real aggregator published, the forecast counts the same messages and people as the reports do.
func TestForecasts_FromHistory_AgreesWithReports(t *testing.T) {
	conn := newConn(t)
	events := randomPast(rand.New(rand.NewPCG(12, 4)), 800, 20)
	storePast(t, conn, events)
	querytest.PutTariffs(t, conn, "acme", querytest.TariffRow("sms", "per_message_sent", "1"))
	s := newRoom(conn, func(db *store.DB, lists *prices.Cache) []answer.Route {
		room, err := savings.New(db, lists, nil)
		if err != nil {
			t.Fatal(err)
		}
		return append(room.Routes(), report.New(db, lists).Routes()...)
	})
	const period = "account=acme&from=2026-11-05&to=2026-11-18T12:15:00Z"
	for _, channel := range []string{"push", "viber", "vk"} {
		reply := forecastHistory(t, s, period,
			fmt.Sprintf(`{"channel":%q,"channel_price":"1","billing":"per_message_sent"}`, channel))
		penetration := reportOf(t, s, "/v1/reports/penetration",
			url.Values{"account": {"acme"}, "from": {"2026-11-05"}, "to": {"2026-11-18T12:15:00Z"},
				"channel": {channel}})
		row := penetration.Rows[0]
		for name, of := range map[string]string{"tested_num": "tested", "penetration_num": "reached",
			"penetration_den": "audience", "penetration": "penetration",
			"penetration_low": "penetration_low", "penetration_high": "penetration_high",
			"tested_share": "tested_share", "message_penetration_num": "messages_movable"} {
			if reply.fields[name] != row[of] || row["reached"] == json.Number("0") {
				t.Errorf("%s: %s is %v, the report on penetration says %v", channel, name, reply.fields[name], row[of])
			}
		}
		messages := map[any]int{}
		for _, row := range reportOf(t, s, "/v1/reports/savings",
			url.Values{"account": {"acme"}, "from": {"2026-11-05"}, "to": {"2026-11-18T12:15:00Z"},
				"group_by": {"template"}}).Rows {
			n, err := row["messages"].(json.Number).Int64()
			if err != nil {
				t.Fatal(err)
			}
			messages[row["template"]] += int(n)
		}
		if len(messages) != len(reply.rows) {
			t.Errorf("%d templates, the savings report has %d", len(reply.rows), len(messages))
		}
		for _, row := range reply.rows {
			if row["messages"] != json.Number(fmt.Sprint(messages[row["template"]])) {
				t.Errorf("template %v: %v messages, the savings report has %d", row["template"], row["messages"],
					messages[row["template"]])
			}
		}
	}
}

func TestForecasts_FromHistory_Errors(t *testing.T) {
	s := newRoom(nil)
	const body = `{"channel":"push"}`
	for name, c := range map[string]struct{ query, body, parameter, says string }{
		"no account":        {"", body, "account", "say which"},
		"empty account":     {"account=", body, "account", "name of an account"},
		"two accounts":      {"account=a&account=b", body, "account", "more than once"},
		"unknown parameter": {"account=a&chanel=push", body, "chanel", "unknown here"},
		"ahead":             {"account=a&to=2026-11-21", body, "to", "must be over"},
		"turned around":     {"account=a&from=2026-11-02&to=2026-11-01", body, "to", "later than from"},
		"nothing":           {"account=a&from=2026-11-01&to=2026-11-01", body, "to", "later than from"},
		"off the quarter":   {"account=a&from=2026-11-01T00:01:00Z", body, "from", "quarter hour"},
		"zone":              {"account=a&tz=Mars", body, "tz", "IANA"},
		"limit":             {"account=a&limit=0", body, "limit", "whole number"},
		"no channel":        {"account=a", `{}`, "channel", "is required"},
		"sms":               {"account=a", `{"channel":"sms"}`, "channel", "would be moved"},
		"no such channel":   {"account=a", `{"channel":"vibre"}`, "channel", "did you mean viber?"},
		"unknown field":     {"account=a", `{"channel":"push","prices":1}`, "prices", "unknown here"},
		"price alone":       {"account=a", `{"channel":"push","channel_price":"1"}`, "billing", "is required"},
		"billing alone": {"account=a", `{"channel":"push","billing":"per_message_sent"}`, "channel_price",
			"leave both out"},
		"odd billing": {"account=a", `{"channel":"push","billing":"per_conversation_24h","channel_price":1}`,
			"billing", "not known here"},
		"connect missing": {"account=a", `{"channel":"push","billing":"attempt_plus_connect","channel_price":1}`,
			"connect_price", "is required"},
		"connect too many": {"account=a",
			`{"channel":"push","billing":"per_message_sent","channel_price":1,"connect_price":1}`, "connect_price",
			"leave it out"},
		"connect alone": {"account=a", `{"channel":"push","connect_price":1}`, "connect_price", "send all three"},
		"price":         {"account=a", `{"channel":"push","sms_price":"-1"}`, "sms_price", "plain decimal"},
		"digits":        {"account=a", `{"channel":"push","sms_price":"0.0000001"}`, "sms_price", "6 decimals"},
		"threshold":     {"account=a", `{"channel":"push","threshold":40}`, "threshold", "0…1"},
		"currency":      {"account=a", `{"channel":"push","currency":"rub"}`, "currency", "ISO 4217"},
		"no object":     {"account=a", `[]`, "", "JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			querytest.WantProblem(t, postJSON(s, "/v1/forecasts/from-history?"+c.query, c.body), http.StatusBadRequest,
				c.parameter, c.says)
		})
	}
	// All that is wrong is said at once.
	var p answer.Problem
	querytest.Decode(t, postJSON(s, "/v1/forecasts/from-history?tz=Mars", `{"channel":"sms","currency":"x"}`),
		http.StatusBadRequest, &p)
	if len(p.Errors) != 4 {
		t.Errorf("%+v", p.Errors)
	}
}

// What the price list cannot tell must be said by the request, and the answer says so.
func TestForecasts_FromHistory_PriceErrors(t *testing.T) {
	conn := newConn(t)
	s := newRoom(conn)
	sms := querytest.TariffRow("sms", "per_segment_sent", "2.00")
	const query = "/v1/forecasts/from-history?account=acme&from=2026-10-01&to=2026-11-01"
	for name, c := range map[string]struct {
		rows            []string
		body            string
		parameter, says string
	}{
		"no list": {nil, `{"channel":"push"}`, "channel_price", "no row for push"},
		"no row": {[]string{sms}, `{"channel":"push"}`, "channel_price",
			"send channel_price and billing"},
		"not yet valid": {[]string{sms,
			querytest.TariffRow("push", "per_message_sent", "1", "valid_from", "2026-11-01T00:00:00Z")},
			`{"channel":"push"}`,
			"channel_price", "at the end of the period"},
		"no longer valid": {[]string{sms,
			querytest.TariffRow("push", "per_message_sent", "1", "valid_to", "2026-10-31T23:45:00Z")},
			`{"channel":"push"}`,
			"channel_price", "at the end of the period"},
		"providers alone": {[]string{sms, querytest.TariffRow("push", "per_message_sent", "1", "provider", "own"),
			querytest.TariffRow("push", "zero", "0", "provider", "fcm")}, `{"channel":"push"}`, "channel_price",
			"names a provider"},
		"conversations": {[]string{sms, querytest.TariffRow("whatsapp", "per_conversation_24h", "4.50")},
			`{"channel":"whatsapp"}`, "billing", "per_conversation_24h"},
		"refunds": {[]string{sms,
			querytest.TariffRow("telegram", "per_message_refunded", "1", "traffic", "otp"),
			querytest.TariffRow("telegram", "zero", "0")},
			`{"channel":"telegram"}`, "billing", "per_message_refunded"},
		"no price of SMS": {[]string{querytest.TariffRow("push", "zero", "0")}, `{"channel":"push"}`, "sms_price",
			"no row for sms"},
		"two currencies": {[]string{sms, strings.Replace(querytest.TariffRow("push", "zero", "0"), "RUB", "EUR", 1)},
			`{"channel":"push"}`, "currency", "EUR and RUB"},
		"two currencies, one named": {[]string{sms,
			strings.Replace(querytest.TariffRow("push", "zero", "0"), "RUB", "EUR", 1)},
			`{"channel":"push","currency":"RUB"}`, "currency", "send channel_price in RUB"},
		"another currency": {[]string{sms, querytest.TariffRow("push", "zero", "0")},
			`{"channel":"push","currency":"USD"}`,
			"currency", "currencies are never converted"},
	} {
		querytest.PutTariffs(t, conn, "acme", c.rows...)
		querytest.WantProblem(t, postJSON(s, query, c.body), http.StatusBadRequest, c.parameter, c.says)
		if t.Failed() {
			t.Fatal(name)
		}
	}
	// With the prices in the request no list is needed.
	querytest.PutTariffs(t, conn, "acme")
	reply := forecastHistory(t, s, "account=acme",
		`{"channel":"whatsapp","channel_price":"4.5","billing":"per_message_delivered","sms_price":"2","currency":"RUB"}`)
	wantFields(t, "given", reply.fields,
		`{"currency":"RUB","channel_price":"4.50","billing":"per_message_delivered","sms_price":"2.00","connect_price":null}`)
}

func TestForecasts_FromHistory_TooManyTemplates(t *testing.T) {
	conn := newConn(t)
	querytest.Execute(t, conn, `INSERT INTO attempts_by_recipient (account, recipient, person, message_id, step, generation, cohort_ms, channel, template, code)
		SELECT 'acme', concat('+7900', toString(number)) AS recipient, recipient, toString(number), 1, 1, 1791626400000, 'sms', toString(number), 1 FROM numbers(100001)`)
	querytest.WantProblem(t, postJSON(newRoom(conn), "/v1/forecasts/from-history?"+seedPeriod,
		`{"channel":"push","channel_price":"1","billing":"per_message_sent","sms_price":"1"}`),
		http.StatusUnprocessableEntity, "", "more than 100000 templates", "name of a text")
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
