package forecast

import (
	"net/http"
	"strings"
	"testing"

	"kaskad/query/answer"
	"kaskad/query/querytest"
)

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
