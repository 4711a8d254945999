package savings

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"kaskad/money"
	"kaskad/query/querytest"
)

// minimumList is a list whose Viber has a minimum of 100 a month.
const minimumRows = `{"channel":"viber","billing":"per_message_delivered","price":"0.50","currency":"RUB","valid_from":"2026-01-01T00:00:00Z","monthly_minimum":"100"},` +
	`{"channel":"sms","billing":"per_segment_sent","price":"2.00","currency":"RUB","valid_from":"2026-01-01T00:00:00Z"}`

// viberMessages are messages of one segment that were delivered by Viber.
func viberMessages(account string, n int, at time.Time) (all []cascade) {
	for i := range n {
		all = append(all, cascade{account: account, cohortMS: at.Add(time.Duration(i) * time.Second).UnixMilli(),
			edition: 1,
			shape: money.Signature{SMSSegments: 1,
				Steps: []money.Step{{Channel: "viber", Sent: true, Delivered: true}}}})
	}
	return all
}

func TestSavings_MinimumByBillingZone(t *testing.T) {
	moscow := querytest.Location(t, "Europe/Moscow")
	for _, zone := range []*time.Location{time.UTC, moscow} {
		conn := newConn(t)
		s := newRoom(t, conn)
		// The first belongs to October in the zone alone, the last to November there.
		october := time.Date(2026, 10, 1, 0, 0, 0, 0, zone)
		november := time.Date(2026, 11, 1, 0, 0, 0, 0, zone)
		insertCascades(t, conn, append(append(viberMessages("acme", 1, october),
			viberMessages("acme", 44, october.AddDate(0, 0, 14))...), viberMessages("acme", 1, november)...))
		querytest.Put(t, s, "/v1/tariffs?account=acme",
			fmt.Sprintf(`{"tariffs":[%s],"billing_zone":%q}`, minimumRows, zone))
		row := savingsReport(t, s, "account=acme&from=2026-10-01&to=2026-11-01&tz="+zone.String()).Rows[0]
		for name, want := range map[string]any{"messages": json.Number("45"), "actual_cost": "22.50",
			"sms_only_cost": "90.00", "saved": "67.50", "minimum_top_up": "77.50", "saved_after_minimum": "-10.00"} {
			if row[name] != want {
				t.Errorf("%s: %s is %v, want %v", zone, name, row[name], want)
			}
		}
		other := time.UTC
		if zone == time.UTC {
			other = moscow
		}
		for what, query := range map[string]string{
			"a month of another zone":   "from=2026-10-01&to=2026-11-01&tz=" + other.String(),
			"a month that is not over":  "from=2026-11-01&to=2026-12-01&tz=" + zone.String(),
			"a key that cuts the month": "group_by=campaign&from=2026-10-01&to=2026-11-01&tz=" + zone.String(),
			"month of another zone": "group_by=month&from=" + october.UTC().Format(time.RFC3339) + "&to=" +
				november.UTC().Format(time.RFC3339) + "&tz=" + other.String(),
		} {
			for _, row := range savingsReport(t, s, "account=acme&"+query).Rows {
				if row["minimum_top_up"] != nil || row["saved_after_minimum"] != nil {
					t.Errorf("%s: %s: %v", zone, what, row)
				}
			}
		}
		// Without a minimum there is nothing to top up, whatever the period.
		querytest.Put(t, s, "/v1/tariffs?account=acme",
			`{"tariffs":[`+strings.ReplaceAll(minimumRows, `,"monthly_minimum":"100"`, "")+`]}`)
		if row := savingsReport(t, s, "account=acme&group_by=campaign&from=2026-10-03").Rows[0]; row["minimum_top_up"] != "0.00" || row["saved_after_minimum"] != row["saved"] {
			t.Errorf("no minimum: %v", row)
		}
	}
}

// Where nothing has a price nothing is known of money, and the reason is told.
func TestSavings_NothingPriced(t *testing.T) {
	conn := newConn(t)
	s := newRoom(t, conn)
	message := func(at time.Time, segments uint16, channel string) cascade {
		return cascade{account: "acme", cohortMS: at.UnixMilli(), edition: 1,
			shape: money.Signature{SMSSegments: segments,
				Steps: []money.Step{{Channel: channel, Sent: true, Delivered: true}}}}
	}
	october, november := time.Date(2026, 10, 5, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 5, 0, 0, 0, 0, time.UTC)
	insertCascades(t, conn, []cascade{message(october, 1, "rcs"), message(november, 1, "rcs"),
		message(november, 1, "sms"), message(november, 0, "viber")})
	querytest.Put(t, s, "/v1/tariffs?account=acme", `{"tariffs":[`+minimumRows+`]}`)
	rows := savingsReport(t, s, "account=acme&group_by=month").Rows
	if len(rows) != 2 {
		t.Fatal(rows)
	}
	for name, value := range rows[0] {
		counted := map[string]string{"messages": "1", "reached": "1", "unpriced": "1"}
		switch name {
		case "month", "currency", "mature", "by_channel", "unpriced_reasons":
		case "messages", "reached", "read", "unpriced", "estimated", "priced_messages", "priced_reached", "priced_read",
			"sms_segments", "reported_attempts":
			if want := counted[name]; fmt.Sprint(value) != want && (want != "" || fmt.Sprint(value) != "0") {
				t.Errorf("%s is %v", name, value)
			}
		default:
			if value != nil {
				t.Errorf("%s is %v where nothing has a price", name, value)
			}
		}
	}
	reasons := func(row map[string]any) string {
		text, err := json.Marshal(row["unpriced_reasons"])
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if got := reasons(rows[0]); got != `[{"channel":"rcs","messages":1,"reason":"no_tariff"}]` {
		t.Error(got)
	}
	if got := reasons(rows[1]); got != `[{"channel":"","messages":1,"reason":"no_segments"},{"channel":"rcs","messages":1,"reason":"no_tariff"}]` {
		t.Error(got)
	}
	if rows[1]["saved"] != "0.00" || rows[1]["saved_reached"] != "0.00" ||
		fmt.Sprint(rows[1]["priced_messages"]) != "1" {
		t.Errorf("one message with a price: %v", rows[1])
	}
	for _, form := range []string{"csv", "xlsx"} {
		body := querytest.Get(s, "/v1/reports/savings?account=acme&group_by=month&format="+form).Body
		shown := body.String()
		if form == "xlsx" {
			file := querytest.OpenSheet(t, body.Bytes())
			shown, _, _ = querytest.SheetCell(t, file, querytest.SheetColumn(t, file, "unpriced_reasons")+"3")
		}
		if !strings.Contains(shown, "no_segments 1; no_tariff rcs 1") {
			t.Errorf("%s: %s", form, shown)
		}
	}
}
