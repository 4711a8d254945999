package alerts

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/schema/alert"
	"kaskad/schema/alertlog"
	"kaskad/schema/schematest"
)

// Money is shown as money, with its currency, of alerts on money alone.
func TestAlerts_Events_Costs(t *testing.T) {
	conn := schematest.Conn(t)
	dear := event("acme", "a1", 1, 490_000, 0)
	dear.Metric, dear.Rule, dear.Num = alert.CostPerReached, "dear", 0
	dear.Costs = alert.Costs{Currency: "RUB", Cost: 1_234_567_890_123_456, Before: 1_500_000, Now: 2_123_456,
		High: 1_750_000}
	if err := alertlog.Insert(t.Context(), conn, []alert.Event{dear, event("acme", "a2", 2, 480_000, 0)}); err != nil {
		t.Fatal(err)
	}
	var reply struct{ Rows []map[string]any }
	querytest.Decode(t, querytest.Get(newRoom(conn, "acme"), "/v1/alerts/events"), http.StatusOK, &reply)
	for name, want := range map[string]any{"currency": "RUB", "cost": "1234567890.123456", "cost_before": "1.50",
		"cost_now": "2.123456", "cost_low": "0.00", "cost_high": "1.75", "num": nil, "den": json.Number("300")} {
		if got := reply.Rows[0][name]; got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
		if got, is := reply.Rows[1][name]; !is || name != "den" && name != "num" && got != nil {
			t.Errorf("%s of another metric: %v", name, got)
		}
	}
	if reply.Rows[1]["num"] != json.Number("100") {
		t.Errorf("%v", reply.Rows[1])
	}
}

// A try finds a rise of cost by the prices that hold now, and nothing of accounts that the key does not see.
func TestAlerts_Try_Costs(t *testing.T) {
	conn := schematest.Conn(t)
	today := querytest.Now()
	rose := today.AddDate(0, 0, -9)
	for _, account := range []string{"acme", "beta"} {
		querytest.Execute(t, conn, "INSERT INTO legs (account, leg, channel) VALUES ($1, 1, 'sms')", account)
		querytest.Execute(t, conn, "INSERT INTO shapes (account, shape, sms_segments, legs, codes) VALUES "+
			"($1, 1, 1, [1], [259])", account) // sent and delivered, a segment
		for day := today.AddDate(0, 0, -75); day.Before(today); day = day.AddDate(0, 0, 1) {
			querytest.Execute(t, conn, "INSERT INTO rollup_cascades (account, kind, day, edition, bucket, cohort, "+
				"shape, messages) VALUES ($1, 'difference', $2, 1, $2, $2, 1, $3)", account, day.Format(time.DateOnly),
				1000+day.YearDay()%7)
		}
	}
	querytest.Publish(t, conn, 1)
	row := func(price, from, to string) string {
		more := []string{"valid_from", from + "T00:00:00Z"}
		if to != "" {
			more = append(more, "valid_to", to+"T00:00:00Z")
		}
		return querytest.TariffRow("sms", "per_segment_sent", price, more...)
	}
	querytest.PutTariffs(t, conn, "acme", row("2", "2026-01-01", rose.Format(time.DateOnly)),
		row("2.5", rose.Format(time.DateOnly), ""))
	querytest.PutTariffs(t, conn, "beta", row("2", "2026-01-01", ""))
	const body = `{"alerts":[{"id":"dear","metric":"cost_per_reached","after_minutes":60}]}`
	type answered struct {
		Rows []struct {
			Metric, Since, Currency   string
			CostBefore                string `json:"cost_before"`
			CostNow                   string `json:"cost_now"`
			Channel, Ended            *string
			Before, Now, Low, High, N *float64
		}
		NotJudged []struct {
			Rule     string
			Days     int
			FirstDay string `json:"first_day"`
			LastDay  string `json:"last_day"`
		} `json:"not_judged"`
	}
	var reply answered
	own := newRoom(conn, "acme")
	querytest.Decode(t, querytest.PostJSON(own, "/v1/alerts/try?account=acme", body), http.StatusOK, &reply)
	if len(reply.Rows) != 1 || len(reply.NotJudged) != 0 {
		t.Fatalf("%+v", reply)
	}
	if r := reply.Rows[0]; r.Metric != "cost_per_reached" || r.Since != answer.TimeText(rose.UnixMilli()) ||
		r.CostBefore != "2.00" || r.CostNow != "2.50" || r.Currency != "RUB" || r.Ended == nil ||
		*r.Ended != alert.EndedLevel || r.Channel != nil || r.Before != nil || r.Now != nil {
		t.Errorf("%+v", reply.Rows[0])
	}
	// A list that was right all along found nothing.
	querytest.PutTariffs(t, conn, "acme", row("2.5", "2026-01-01", ""))
	reply = answered{}
	querytest.Decode(t, querytest.PostJSON(own, "/v1/alerts/try?account=acme", body), http.StatusOK, &reply)
	if len(reply.Rows) != 0 {
		t.Errorf("%+v", reply)
	}
	// Days without a price are not judged, and that is said; without any price list it is said of all.
	querytest.PutTariffs(t, conn, "acme", row("2", "2026-01-01", rose.Format(time.DateOnly)),
		row("2.5", rose.AddDate(0, 0, 2).Format(time.DateOnly), ""))
	wantNotJudged := func(days, first, last int) {
		t.Helper()
		reply = answered{}
		querytest.Decode(t, querytest.PostJSON(own, "/v1/alerts/try?account=acme", body), http.StatusOK, &reply)
		if n := reply.NotJudged; len(n) != 1 || n[0].Rule != "dear" || n[0].Days != days ||
			n[0].FirstDay != rose.AddDate(0, 0, first).Format(time.DateOnly) ||
			n[0].LastDay != rose.AddDate(0, 0, last).Format(time.DateOnly) {
			t.Errorf("%+v, want %d days", n, days)
		}
	}
	wantNotJudged(2, 0, 1)
	querytest.PutTariffs(t, conn, "acme")
	wantNotJudged(12, -4, 7)
	if w := querytest.PostJSON(own, "/v1/alerts/try?account=beta", body); w.Code != http.StatusForbidden {
		t.Errorf("a foreign account: %d %s", w.Code, w.Body)
	}
	w := querytest.PostJSON(own, "/v1/alerts/try?account=acme", strings.ReplaceAll(body, "60", "43201"))
	querytest.WantProblem(t, w, http.StatusUnprocessableEntity, "alerts.after_minutes")
}
