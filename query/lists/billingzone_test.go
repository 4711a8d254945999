package lists

import (
	"net/http"
	"strings"
	"testing"

	"kaskad/query/querytest"
)

func TestLists_PutTariffs_BillingZone(t *testing.T) {
	s := newRoom(newConn(t))
	const csv = "channel,valid_from,billing,price,currency\nsms,2026-01-01T00:00:00Z,per_segment_sent,2.00,RUB\n"
	const row = `{"channel":"sms","billing":"per_segment_sent","price":"2.00","currency":"RUB","valid_from":"2026-01-01T00:00:00Z"}`
	const yaml = "tariffs:\n- {channel: sms, billing: per_segment_sent, price: \"2.00\", currency: RUB, valid_from: " +
		"2026-01-01T00:00:00Z}\n"
	zone := func() string {
		t.Helper()
		var answer struct {
			Zone string `json:"billing_zone"`
		}
		querytest.Decode(t, querytest.Get(s, "/v1/tariffs?account=acme"), http.StatusOK, &answer)
		return answer.Zone
	}
	for name, c := range map[string]struct{ target, body, form, want string }{
		"json": {"", `{"tariffs":[` + row + `],"billing_zone":"Europe/Moscow"}`, "application/json",
			"Europe/Moscow"},
		"json, before": {"", `{"billing_zone":"Asia/Almaty","tariffs":[` + row + `]}`, "application/json",
			"Asia/Almaty"},
		"json without": {"", `{"tariffs":[` + row + `]}`, "application/json", "UTC"},
		"json, parameter": {"&billing_zone=Asia/Almaty", `{"tariffs":[` + row + `]}`, "application/json",
			"Asia/Almaty"},
		"json over parameter": {"&billing_zone=Asia/Almaty",
			`{"tariffs":[` + row + `],"billing_zone":"Europe/Moscow"}`, "application/json", "Europe/Moscow"},
		"yaml":                 {"", "billing_zone: Europe/Moscow\n" + yaml, "application/yaml", "Europe/Moscow"},
		"yaml without":         {"", yaml, "application/yaml", "UTC"},
		"csv with a parameter": {"&billing_zone=Europe/Moscow", csv, "text/csv", "Europe/Moscow"},
		"csv":                  {"", csv, "text/csv", "UTC"},
	} {
		querytest.Put(t, s, "/v1/tariffs?account=acme"+c.target, c.body, "Content-Type", c.form)
		if got := zone(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	querytest.Put(t, s, "/v1/tariffs?account=acme&billing_zone=Europe/Moscow", csv, "Content-Type", "text/csv")
	// What GET gives can be put back.
	for form, media := range map[string]string{"json": "application/json", "yaml": "application/yaml"} {
		querytest.Put(t, s, "/v1/tariffs?account=acme",
			querytest.Get(s, "/v1/tariffs?account=acme&format="+form).Body.String(),
			"Content-Type", media)
		if got := zone(); got != "Europe/Moscow" {
			t.Errorf("%s put back: %s", form, got)
		}
	}
	for name, c := range map[string]struct{ target, body, form string }{
		"json":      {"", `{"tariffs":[` + row + `],"billing_zone":"Europe/Moskau"}`, "application/json"},
		"number":    {"", `{"tariffs":[` + row + `],"billing_zone":3}`, "application/json"},
		"local":     {"", `{"tariffs":[` + row + `],"billing_zone":"Local"}`, "application/json"},
		"yaml":      {"", "billing_zone: Europe/Moskau\n" + yaml, "application/yaml"},
		"parameter": {"&billing_zone=Europe/Moskau", csv, "text/csv"},
	} {
		w := querytest.Call(s, http.MethodPut, "/v1/tariffs?account=acme"+c.target, strings.NewReader(c.body),
			"Content-Type",
			c.form)
		if w.Code != http.StatusBadRequest && w.Code != http.StatusUnprocessableEntity ||
			!strings.Contains(w.Body.String(), "billing_zone") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if got := zone(); got != "Europe/Moscow" {
		t.Errorf("after refused lists: %s", got)
	}
	querytest.WantProblem(t, querytest.Call(s, http.MethodPut, "/v1/templates?account=acme&billing_zone=UTC",
		strings.NewReader(`{"templates":[]}`)), http.StatusBadRequest, "billing_zone", "unknown")
}
