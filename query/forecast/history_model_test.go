package forecast

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"testing"
	"time"

	"kaskad/engine/enginetest"
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
		for range enginetest.World(t, 8, 8, 30) {
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
