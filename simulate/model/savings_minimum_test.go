package model

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kaskad/simulate/model/settings"
	"kaskad/simulate/worlds"
)

// october is a month that is over, in a zone.
func october(zone *time.Location) Query {
	return Query{From: time.Date(2026, 10, 1, 0, 0, 0, 0, zone), To: time.Date(2026, 11, 1, 0, 0, 0, 0, zone)}
}

func mustLoad(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// topUps returns minimum_top_up of all rows.
func topUps(t testing.TB, q SavingsQuery, events ...string) string {
	t.Helper()
	m := New(noon)
	for _, e := range events {
		if err := m.Add([]byte(event(e))); err != nil {
			t.Fatalf("%s: %v", e, err)
		}
	}
	var got []string
	for _, row := range mustReport(t, m, q) {
		got = append(got, strings.TrimPrefix(row.text(t, "minimum_top_up"), "minimum_top_up="))
	}
	return strings.Join(got, " ")
}

func TestModel_SavingsReport_Minimum(t *testing.T) {
	whole, moscow := october(time.UTC), mustLoad(t, "Europe/Moscow")
	by := func(q Query, names ...string) Query { q.GroupBy = names; return q }
	of := func(q Query, name, value string) Query { q.Filters = map[string][]string{name: {value}}; return q }
	in := func(q Query, zone *time.Location) Query { q.TZ = zone; return q }
	twoMonths := Query{From: whole.From, To: whole.To.AddDate(0, 1, 0)}
	list := worlds.PriceList(t, "sms per_segment_sent 2.00", "viber per_message_delivered 0.5 minimum=100")
	october := ` submitted_at="2026-10-19T10:00:00Z"`
	events := []string{
		`delivered channel="viber" sender="A" sms_segments=1 message_id="1"` + october,
		`expired channel="viber" sender="B" sms_segments=1 message_id="2"` + october,
		// Not sent.
		`rejected channel="viber" sender="C" sms_segments=1 message_id="3"` + october,
		// Unpriced.
		`delivered channel="viber" sender="D" message_id="4"` + october,
		// Of September.
		`delivered channel="viber" sender="A" sms_segments=1 message_id="5" submitted_at="2026-09-30T23:59:59.999Z"`,
		// Of a month that is not over.
		`delivered channel="viber" sender="A" sms_segments=1 message_id="6" submitted_at="2026-11-19T10:00:00Z"`,
	}
	for name, c := range map[string]struct {
		q    Query
		want string
	}{
		// 99.50 of A, 100 of B.
		"october":   {whole, "199.50"},
		"by sender": {by(whole, "sender"), "99.50 100.00 0.00 <nil>"}, // Nothing of D is priced.
		"by month":  {by(whole, "month"), "199.50"},
		"two months": {by(Query{From: whole.From.AddDate(0, -1, 0), To: whole.To}, "month"),
			"99.50 199.50"},
		"a month that is not over":         {twoMonths, "<nil>"},
		"where a month is not over":        {by(twoMonths, "month"), "199.50 <nil>"},
		"by campaign":                      {by(whole, "campaign"), "<nil>"},
		"the zone matters to months":       {by(in(whole, moscow), "month"), "<nil>"},
		"the zone matters to nothing else": {in(whole, moscow), "199.50"},
		"to a day":                         {Query{From: whole.From, To: whole.To.AddDate(0, 0, -1)}, "<nil>"},
		"all the time":                     {Query{}, "<nil>"},
		"of a sender":                      {of(whole, "sender", "B"), "100.00"},
		"of a currency":                    {of(whole, "currency", "RUB"), "199.50"},
		"of a country":                     {of(whole, "country", "RU"), "<nil>"},
		"of a month by sender":             {of(by(whole, "sender"), "month", "2026-10"), "99.50 100.00 0.00 <nil>"},
	} {
		t.Run(name, func(t *testing.T) {
			q := SavingsQuery{Query: c.q, Tariffs: map[string][]settings.Tariff{"a": list}}
			if got := topUps(t, q, events...); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

// The month is that of the account's billing zone; accounts without a minimum don't matter.
func TestModel_SavingsReport_MinimumOfAccounts(t *testing.T) {
	moscow := mustLoad(t, "Europe/Moscow")
	with := worlds.PriceList(t, "sms per_segment_sent 2.00", "viber per_message_delivered 0.5 minimum=100")
	without := worlds.PriceList(t, "sms per_segment_sent 2.00", "viber per_message_delivered 0.5")
	zones := func(a, b *time.Location) map[string]*time.Location { return map[string]*time.Location{"a": a, "b": b} }
	line := func(account, submitted string) string {
		return fmt.Sprintf(`delivered channel="viber" account=%q message_id=%q sms_segments=1 submitted_at=%q`, account,
			submitted, submitted)
	}
	// The last hours of September in UTC are October in Moscow.
	events := []string{line("a", "2026-09-30T22:00:00Z"), line("a", "2026-10-15T00:00:00Z"),
		line("b", "2026-10-15T00:00:00Z")}
	for name, c := range map[string]struct {
		q    SavingsQuery
		want string
	}{
		"in UTC": {SavingsQuery{Query: october(time.UTC),
			Tariffs: map[string][]settings.Tariff{"a": with, "b": without}}, "99.50"},
		"in Moscow": {SavingsQuery{Query: october(moscow), BillingZones: zones(moscow, time.UTC),
			Tariffs: map[string][]settings.Tariff{"a": with, "b": without}}, "99.00"},
		"UTC in Moscow": {SavingsQuery{Query: october(time.UTC), BillingZones: zones(moscow, moscow),
			Tariffs: map[string][]settings.Tariff{"a": with, "b": without}}, "<nil>"},
		"accounts of two zones": {SavingsQuery{Query: october(moscow), BillingZones: zones(moscow, time.UTC),
			Tariffs: map[string][]settings.Tariff{"a": with, "b": with}}, "<nil>"},
		"of a zone alone": {SavingsQuery{Query: Query{From: october(moscow).From, To: october(moscow).To,
			Filters: map[string][]string{"account": {"a"}}}, BillingZones: zones(moscow, time.UTC),
			Tariffs: map[string][]settings.Tariff{"a": with, "b": with}}, "99.00"},
		"both": {SavingsQuery{Query: october(time.UTC),
			Tariffs: map[string][]settings.Tariff{"a": with, "b": with}}, "199.00"},
		"no minimum in any list": {SavingsQuery{Query: Query{GroupBy: []string{"path"}},
			Tariffs: map[string][]settings.Tariff{"a": without, "b": without}}, "0.00"},
		"none of accounts in sight": {SavingsQuery{Query: Query{Filters: map[string][]string{"account": {"b"}}},
			Tariffs: map[string][]settings.Tariff{"a": with, "b": without}}, "0.00"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := topUps(t, c.q, events...); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

// A message whose steps have different senders is in one sender's row, its money towards the minimums of both.
func TestModel_SavingsReport_MinimumOfSenders(t *testing.T) {
	list := worlds.PriceList(t, "sms per_segment_sent 2.00", "viber per_message_delivered 0.5 minimum=100",
		"whatsapp per_message_delivered 1 minimum=50")
	common := ` sms_segments=1 submitted_at="2026-10-15T00:00:00Z"`
	events := []string{`delivered channel="viber" sender="A"` + common,
		`delivered channel="whatsapp" sender="B" step=2` + common,
		`delivered channel="viber" sender="A" message_id="n"` + common}
	for _, c := range []struct {
		groupBy []string
		want    string
	}{{nil, "148.00"}, {[]string{"account"}, "148.00"}, {[]string{"sender"}, "99.50 <nil>"}} {
		q := october(time.UTC)
		q.GroupBy = c.groupBy
		if got := topUps(t, SavingsQuery{Query: q, Tariffs: map[string][]settings.Tariff{"a": list}},
			events...); got != c.want {
			t.Errorf("by %v: %s, want %s", c.groupBy, got, c.want)
		}
	}
}

// Issue 11, case 12: Viber at 0.50 with a minimum of 100, 45 delivered, SMS at 2.00.
func TestModel_SavingsReport_SavedAfterMinimum(t *testing.T) {
	moscow := mustLoad(t, "Europe/Moscow")
	list := worlds.PriceList(t, "sms per_segment_sent 2.00", "viber per_message_delivered 0.50 minimum=100")
	for _, zone := range []*time.Location{time.UTC, moscow} {
		m := New(noon)
		for i := range 45 {
			e := fmt.Sprintf(`delivered channel="viber" sender="S" sms_segments=1 message_id="%d" submitted_at="2026-10-15T10:00:00Z"`, i)
			if err := m.Add([]byte(event(e))); err != nil {
				t.Fatal(err)
			}
		}
		q := october(zone)
		q.TZ = zone
		rows := mustReport(t, m, SavingsQuery{Query: q, Tariffs: map[string][]settings.Tariff{"a": list},
			BillingZones: map[string]*time.Location{"a": zone}})
		want := "minimum_top_up=77.50 saved=67.50 saved_after_minimum=-10.00"
		if got := rows[0].text(t, "minimum_top_up", "saved", "saved_after_minimum"); got != want {
			t.Errorf("%s: %s, want %s", zone, got, want)
		}
	}
}

// A17: a minimum of 60 000 messages at 0.5 when only 45 000 were delivered. Billed are 30 000, of which 7 500 are the
// minimum's.
func TestModel_SavingsReport_A17(t *testing.T) {
	list := worlds.PriceList(t, "sms per_segment_sent 2.00", "viber per_message_delivered 0.5 minimum=30000.00")
	m := New(noon)
	line := event(`delivered channel="viber" sender="S" traffic="promo" sms_segments=2 message_id="ID" submitted_at="2026-10-15T10:00:00Z"`)
	for i := range 45_000 {
		line := strings.Replace(line, `"ID"`, fmt.Sprintf(`"m%d"`, i), 1)
		if err := m.Add([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	q := SavingsQuery{Query: october(time.UTC), Tariffs: map[string][]settings.Tariff{"a": list}}
	rows, err := m.SavingsReport(q)
	if err != nil {
		t.Fatal(err)
	}
	want := "reached=45000 actual_cost=22500.00 minimum_top_up=7500.00 sms_only_cost=180000.00 saved=157500.00 " +
		"cost_per_reached=0.50"
	if got := rows[0].text(t, "reached", "actual_cost", "minimum_top_up", "sms_only_cost", "saved",
		"cost_per_reached"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
