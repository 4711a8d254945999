package messages

import (
	"net/http"
	"testing"

	"kaskad/query/querytest"
)

// A step says by itself why it failed, as the list does of its message, and why it has no price.
func TestMessages_One_Why(t *testing.T) {
	conn := newConn(t)
	const submitted = `"submitted_at":"2026-11-18T10:00:00Z"`
	querytest.StoreEvents(t, conn,
		querytest.AcmeEvent("m", 1, "sms", "rejected", "2026-11-18T10:00:01Z", submitted, `"error_code":"1"`,
			`"provider":"smsc"`),
		querytest.AcmeEvent("m", 2, "push", "sent", "2026-11-18T10:01:00Z", submitted),
		querytest.AcmeEvent("m", 3, "sms", "undelivered", "2026-11-18T10:02:00Z", submitted, `"error_code":"6"`,
			`"provider":"smsc"`),
		querytest.AcmeEvent("m", 4, "voice", "skipped", "2026-11-18T10:03:00Z", submitted))
	querytest.PutTariffs(t, conn, "acme", querytest.TariffRow("sms", "per_segment_sent", "2.00"))
	var m struct {
		Steps []struct {
			Step           int
			Reason         string
			UnpricedReason string `json:"unpriced_reason"`
			Cost           *string
		}
	}
	querytest.Decode(t, querytest.Get(newRoom(t, conn), "/v1/messages/m"), http.StatusOK, &m)
	want := [][3]string{{"unknown_subscriber", "", "0.00"}, {"", "no_tariff", ""},
		{"absent_subscriber", "no_step_segments", ""}, {"", "", ""}}
	for i, step := range m.Steps {
		cost := ""
		if step.Cost != nil {
			cost = *step.Cost
		}
		if got := [3]string{step.Reason, step.UnpricedReason, cost}; got != want[i] {
			t.Errorf("step %d: %v, want %v", step.Step, got, want[i])
		}
	}
	if len(m.Steps) != len(want) {
		t.Errorf("%d steps", len(m.Steps))
	}
}
