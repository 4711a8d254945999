package model

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kaskad/simulate/model/settings"
	"kaskad/simulate/worlds"
)

// savingsOf folds events, as event completes them, and reports on the account a.
func savingsOf(t testing.TB, q Query, tariffs []settings.Tariff, templates []settings.Template,
	events ...string) []SavingsRow {
	t.Helper()
	m := New(noon)
	for _, e := range events {
		if err := m.Add([]byte(event(e))); err != nil {
			t.Fatalf("%s: %v", e, err)
		}
	}
	rows, err := m.SavingsReport(SavingsQuery{Query: q, Tariffs: map[string][]settings.Tariff{"a": tariffs},
		Templates: map[string][]settings.Template{"a": templates}})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// text prints some fields of a row in one line.
func (r SavingsRow) text(t testing.TB, fields ...string) string {
	t.Helper()
	encoded, err := r.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	all, err := decodeRow(encoded)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, name := range fields {
		out = append(out, fmt.Sprintf("%s=%v", name, all[name]))
	}
	return strings.Join(out, " ")
}

// Every way to bill a message, on its borders. Each case is one message; its cost follows by hand.
func TestModel_SavingsReport_Pricing(t *testing.T) {
	sms := "sms per_segment_sent 2.00"
	for name, c := range map[string]struct {
		tariffs   []string
		templates []settings.Template
		events    []string
		want      string // Of messages, unpriced, currency, sms_only_cost, actual_cost, double_paid, wasted_cost.
	}{
		"segments billed": {[]string{sms}, nil, []string{"sent segments=3 sms_segments=2"},
			"1 0 RUB 4.00 6.00 0.00 0.00"},
		"segments as SMS": {[]string{sms}, nil, []string{"sent sms_segments=2"},
			"1 0 RUB 4.00 4.00 0.00 0.00"},
		"segments of another step": {[]string{sms}, nil,
			[]string{"sent", "queued channel=\"push\" step=2 sms_segments=3"}, "1 0 RUB 6.00 6.00 0.00 0.00"},
		"no segments": {[]string{sms}, nil, []string{"sent"},
			"1 1 RUB <nil> <nil> <nil> <nil>"},
		"no segments, of a skipped step": {[]string{sms}, nil,
			[]string{"sent", "skipped channel=\"push\" step=2 sms_segments=3"}, "1 1 RUB <nil> <nil> <nil> <nil>"},
		"no segments but nothing to bill": {[]string{"sms per_segment_delivered 2.00"},
			[]settings.Template{{Template: "t", SMSSegments: 2}}, []string{"expired template=\"t\""},
			"1 0 RUB 4.00 0.00 0.00 0.00"},
		"no segments and something to bill": {[]string{"sms per_segment_delivered 2.00"},
			[]settings.Template{{Template: "t", SMSSegments: 2}}, []string{"delivered template=\"t\""},
			"1 1 RUB <nil> <nil> <nil> <nil>"},
		"a message, not segments": {[]string{"sms per_message_sent 2.00"}, nil,
			[]string{"sent sms_segments=3"}, "1 0 RUB 2.00 2.00 0.00 0.00"},
		"a message without segments": {[]string{"sms per_message_sent 2.00"}, nil, []string{"sent"},
			"1 1 RUB <nil> <nil> <nil> <nil>"},
		"zero, whose baseline is zero": {[]string{"sms zero 2.00"}, nil, []string{"delivered sms_segments=3"},
			"1 0 RUB 0.00 0.00 0.00 0.00"},
		"not sent needs no tariff": {[]string{sms}, nil,
			[]string{"rejected channel=\"push\" sms_segments=2"}, "1 0 RUB 4.00 0.00 0.00 0.00"},
		"a sent step without a tariff": {[]string{sms}, nil, []string{"sent channel=\"push\" sms_segments=2"},
			"1 1 RUB <nil> <nil> <nil> <nil>"},
		"no baseline": {[]string{"push per_message_sent 0.36"}, nil,
			[]string{"sent channel=\"push\" sms_segments=2"}, "1 1 RUB <nil> <nil> <nil> <nil>"},
		"nothing at all": {nil, nil, []string{"sent channel=\"push\" sms_segments=2"},
			"1 1 <nil> <nil> <nil> <nil> <nil>"},
		"two currencies": {[]string{sms, "push per_message_sent 0.36 currency=EUR"}, nil,
			[]string{"sent channel=\"push\" sms_segments=2"}, "1 1 <nil> <nil> <nil> <nil> <nil>"},
		"two currencies, one not sent": {[]string{sms, "push per_message_sent 0.36 currency=EUR"}, nil,
			[]string{"failed channel=\"push\" sms_segments=2"}, "1 0 RUB 4.00 0.00 0.00 0.00"},
		"segments of an SMS step": {[]string{sms}, nil, []string{"rejected segments=3"},
			"1 0 RUB 6.00 0.00 0.00 0.00"},
		"segments of a push step do not count": {[]string{sms}, nil, []string{"rejected channel=\"push\" segments=3"},
			"1 1 RUB <nil> <nil> <nil> <nil>"},
		"a template's text": {[]string{sms},
			[]settings.Template{{Template: "t", SMSText: strings.Repeat("я", 71)}}, []string{"rejected template=\"t\""},
			"1 0 RUB 4.00 0.00 0.00 0.00"},
		"another template": {[]string{sms}, []settings.Template{{Template: "u", SMSSegments: 2}},
			[]string{"rejected template=\"t\""}, "1 1 RUB <nil> <nil> <nil> <nil>"},
		"a text is measured": {[]string{sms}, nil,
			[]string{"sent sms_text=\"" + strings.Repeat("я", 135) + "\" sms_segments=2"},
			"1 0 RUB 6.00 6.00 0.00 0.00"},
		"push, attempt": {[]string{sms, "push per_message_sent 0.36"}, nil,
			[]string{"expired channel=\"push\" sms_segments=2"}, "1 0 RUB 4.00 0.36 0.00 0.36"},
		"push, delivered": {[]string{sms, "push per_message_delivered 0.36"}, nil,
			[]string{"expired channel=\"push\" sms_segments=2"}, "1 0 RUB 4.00 0.00 0.00 0.00"},
		"call not connected": {[]string{sms, "voice attempt_plus_connect 0.1 connect=0.7"}, nil,
			[]string{"undelivered channel=\"voice\" sms_segments=1"}, "1 0 RUB 2.00 0.10 0.00 0.10"},
		"call connected": {[]string{sms, "voice attempt_plus_connect 0.1 connect=0.7"}, nil,
			[]string{"delivered channel=\"voice\" sms_segments=1"}, "1 0 RUB 2.00 0.80 0.00 0.00"},
		"call without a connect price": {[]string{sms, "voice attempt_plus_connect 0.1"}, nil,
			[]string{"delivered channel=\"voice\" sms_segments=1"}, "1 0 RUB 2.00 0.10 0.00 0.00"},
		"refunded": {[]string{sms, "telegram per_message_refunded 0.55"}, nil,
			[]string{"expired channel=\"telegram\" sms_segments=1"}, "1 0 RUB 2.00 0.00 0.00 0.00"},
		"not refunded while pending": {[]string{sms, "telegram per_message_refunded 0.55"}, nil,
			[]string{"sent channel=\"telegram\" sms_segments=1"}, "1 0 RUB 2.00 0.55 0.00 0.00"},
		"refused by the provider is not charged": {[]string{sms, "telegram per_message_refunded 0.55"}, nil,
			[]string{"rejected channel=\"telegram\" sms_segments=1"}, "1 0 RUB 2.00 0.00 0.00 0.00"},
		// A15: Viber delivered but not read, so an SMS followed: paid twice is the SMS.
		"A15": {[]string{sms, "viber per_message_delivered 0.75"}, nil,
			[]string{"delivered channel=\"viber\" sms_segments=2", "delivered step=2 trigger=\"unread\" segments=2"},
			"1 0 RUB 4.00 4.75 4.00 0.00"},
		// A16: Viber not delivered costs nothing.
		"A16": {[]string{sms, "viber per_message_delivered 0.75"}, nil,
			[]string{"expired channel=\"viber\" sms_segments=2", "delivered step=2 trigger=\"undelivered\" segments=2"},
			"1 0 RUB 4.00 4.00 0.00 0.00"},
		"double paid goes by steps, not by time": {[]string{sms, "viber per_message_delivered 0.75"}, nil,
			[]string{"delivered channel=\"viber\" sms_segments=2 @9h", "delivered step=2 segments=2 @1h"},
			"1 0 RUB 4.00 4.75 4.00 0.00"},
		"a failed step after the delivered one": {[]string{sms, "voice per_message_sent 0.75"}, nil,
			[]string{"delivered segments=2", "expired channel=\"voice\" step=2"}, "1 0 RUB 4.00 4.75 0.75 0.75"},
		"a delivered part is sent": {[]string{sms}, nil, []string{"delivered part=1 parts=2 segments=2"},
			"1 0 RUB 4.00 4.00 0.00 0.00"},
		"the baseline ignores rows of providers": {[]string{sms, "sms per_segment_sent 1.50 provider=p"}, nil,
			[]string{"sent provider=\"p\" segments=1"},
			"1 0 RUB 2.00 1.50 0.00 0.00"},
		"the baseline falls back to the SMS step": {[]string{"sms per_segment_sent 1.50 provider=p"}, nil,
			[]string{"sent provider=\"p\" segments=1"}, "1 0 RUB 1.50 1.50 0.00 0.00"},
		"also to one that was not sent": {[]string{"sms per_segment_sent 1.50 provider=p"}, nil,
			[]string{"rejected provider=\"p\" segments=1"}, "1 0 RUB 1.50 0.00 0.00 0.00"},
		"not to one that was skipped": {[]string{"sms per_segment_sent 1.50 provider=p", "push zero 0"}, nil,
			[]string{"sent channel=\"push\" sms_segments=1", "skipped step=2 provider=\"p\""},
			"1 1 RUB <nil> <nil> <nil> <nil>"},
		"the baseline has the message's own country": {[]string{"sms per_segment_sent 3.00 country=RU",
			"sms per_segment_sent 5.00 country=KZ", "push zero 0"}, nil,
			[]string{"sent channel=\"push\" recipient=\"user:1\" sms_segments=1",
				"queued step=2 recipient=\"+77011234567\""}, "1 0 RUB 5.00 0.00 0.00 0.00"},
		"a skipped step's dimensions do not count": {[]string{"sms per_segment_sent 3.00",
			"sms per_segment_sent 5.00 traffic=promo"}, nil,
			[]string{"sent segments=1", "skipped step=2 traffic=\"promo\""}, "1 0 RUB 3.00 3.00 0.00 0.00"},
	} {
		t.Run(name, func(t *testing.T) {
			rows := savingsOf(t, Query{}, worlds.PriceList(t, c.tariffs...), withDates(c.templates), c.events...)
			if len(rows) != 1 {
				t.Fatalf("%d rows, want 1", len(rows))
			}
			got := rows[0].text(t, "messages", "unpriced", "currency", "sms_only_cost", "actual_cost", "double_paid",
				"wasted_cost")
			var values []string
			for _, pair := range strings.Fields(got) {
				_, value, _ := strings.Cut(pair, "=")
				if value == "" {
					value = "<nil>"
				}
				values = append(values, value)
			}
			if joined := strings.Join(values, " "); joined != c.want {
				t.Errorf("%s, want %s", joined, c.want)
			}
		})
	}
}

func withDates(templates []settings.Template) []settings.Template {
	for i := range templates {
		templates[i].ValidFrom = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return templates
}

// Of the rows that match, the one that names the earlier key wins, however many later keys another one names.
func TestModel_SavingsReport_Precedence(t *testing.T) {
	base := "sms per_segment_sent 1.00"
	for name, c := range map[string]struct {
		tariffs []string
		want    string
	}{
		"no key": {[]string{base}, "1.00"},
		"an app": {[]string{base, "sms per_segment_sent 2.00 app=x"}, "2.00"},
		"a sender over an app": {[]string{"sms per_segment_sent 2.00 app=x",
			"sms per_segment_sent 3.00 sender=S"}, "3.00"},
		"traffic over sender and app": {[]string{"sms per_segment_sent 2.00 sender=S app=x",
			"sms per_segment_sent 3.00 traffic=otp"}, "3.00"},
		"country over all later": {[]string{"sms per_segment_sent 2.00 traffic=otp sender=S app=x",
			"sms per_segment_sent 3.00 country=RU"}, "3.00"},
		"operator over all later": {[]string{"sms per_segment_sent 2.00 country=RU traffic=otp sender=S app=x",
			"sms per_segment_sent 3.00 operator=25001"}, "3.00"},
		"provider over all later": {[]string{"sms per_segment_sent 2.00 operator=25001 country=RU traffic=otp " +
			"sender=S app=x", "sms per_segment_sent 3.00 provider=p"}, "3.00"},
		"more keys": {[]string{"sms per_segment_sent 2.00 provider=p",
			"sms per_segment_sent 3.00 provider=p app=x"}, "3.00"},
		"a key that does not match": {[]string{base, "sms per_segment_sent 3.00 provider=q"}, "1.00"},
		"another channel":           {[]string{base, "push per_message_sent 3.00 provider=p"}, "1.00"},
		"valid at the cohort": {[]string{base + " to=2026-11-19", "sms per_segment_sent 3.00 from=2026-11-19"},
			"3.00"},
		"no more at the cohort": {[]string{base, "sms per_segment_sent 3.00 provider=p to=2026-11-19"}, "1.00"},
	} {
		t.Run(name, func(t *testing.T) {
			// A list for the baseline, so that it is priced; the attempt's own row is what is tested.
			list := append(worlds.PriceList(t, c.tariffs...), worlds.PriceList(t, "sms zero 0 country=ZZ")...)
			rows := savingsOf(t, Query{}, list, nil,
				`sent segments=1 provider="p" operator="25001" traffic="otp" sender="S" app="x" submitted_at="2026-11-19T00:00:00Z"`)
			if got := rows[0].text(t, "actual_cost"); got != "actual_cost="+c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestModel_SavingsReport_Reported(t *testing.T) {
	list := worlds.PriceList(t, "sms per_segment_sent 2.00")
	for name, c := range map[string]struct {
		events []string
		want   string
	}{
		"none": {[]string{"sent segments=2"}, "0 reported_cost=0.00 drift=0.00"},
		"the greatest": {[]string{`sent segments=2 price="4.10" currency="RUB"`,
			`delivered price="4.000001" currency="RUB"`}, "1 reported_cost=4.10 drift=0.10"},
		"of another currency": {[]string{`sent segments=2 price="4.10" currency="EUR"`},
			"0 reported_cost=0.00 drift=0.00"},
		"a price of nothing counts": {[]string{`sent segments=2 price="0" currency="RUB"`},
			"1 reported_cost=0.00 drift=-4.00"},
		"of an attempt not sent": {[]string{`rejected segments=2 price="0.5" currency="RUB"`},
			"1 reported_cost=0.50 drift=0.50"},
		"of a skipped attempt": {[]string{`sent segments=2`, `skipped step=2 price="0.5" currency="RUB"`},
			"0 reported_cost=0.00 drift=0.00"},
		"of an unpriced message": {[]string{`sent price="0.5" currency="RUB"`}, "0 reported_cost=<nil> drift=<nil>"},
		"of one step of two": {[]string{`sent segments=2 price="0.000001" currency="RUB"`, `sent step=2 segments=1`},
			"1 reported_cost=0.000001 drift=-3.999999"},
	} {
		t.Run(name, func(t *testing.T) {
			rows := savingsOf(t, Query{}, list, nil, c.events...)
			if got := rows[0].text(t, "reported_attempts", "reported_cost",
				"drift"); got != "reported_attempts="+c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestModel_SavingsReport_Keys(t *testing.T) {
	list := worlds.PriceList(t, "sms per_segment_sent 2.00", "push zero 0", "viber per_message_delivered 0.7")
	events := []string{
		`expired channel="push" message_id="1" sms_segments=2 sender="A"`,
		`delivered channel="viber" message_id="1" step=2 sender="Z"`,
		`skipped channel="push" message_id="2" sender="X"`, `rejected message_id="2" step=3 segments=10 sender="B"`,
		`skipped message_id="3"`, // A message without an attempted step is in no row.
		`sent channel="voice" message_id="4" sms_segments=0`,
	}
	for name, want := range map[string]string{
		"path":          "path=push>viber path=sms path=voice",
		"first_channel": "first_channel=push first_channel=sms first_channel=voice",
		"reached_by":    "reached_by= reached_by=viber",
		"sms_segments":  "0 2 10", // As numbers.
		"sender":        "sender= sender=B sender=Z",
		"country":       "country=RU",
		"week":          "week=2026-11-16",
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, row := range savingsOf(t, Query{GroupBy: []string{name}}, list, nil, events...) {
				if name == "sms_segments" {
					got = append(got, row.Keys[0].String())
					continue
				}
				got = append(got, row.text(t, name))
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%v, want %s", got, want)
			}
		})
	}
	for _, name := range []string{"channel", "provider", "currency", "step"} {
		if _, err := New(noon).SavingsReport(SavingsQuery{Query: Query{GroupBy: []string{name}}}); err == nil {
			t.Errorf("group_by=%s is accepted", name)
		}
	}
}

// What the provider does not charge for has no units and no connect price under any billing; it needs a tariff, and
// opens its conversation.
func TestModel_SavingsReport_NotBilled(t *testing.T) {
	for _, billing := range []string{"sms per_segment_sent 2", "sms per_segment_delivered 2", "push per_message_sent 2",
		"push per_message_delivered 2",
		"voice attempt_plus_connect 1 connect=1", "telegram per_message_refunded 2",
		"whatsapp per_message_outside_window 2", "whatsapp per_conversation_24h 2"} {
		channel, _, _ := strings.Cut(billing, " ")
		list := append(worlds.PriceList(t, billing),
			worlds.PriceList(t, "sms per_segment_sent 3 provider=none", "sms per_segment_sent 3 country=RU")...)
		delivered := fmt.Sprintf(`delivered channel=%q segments=1 sms_segments=1 sender="S" `, channel)
		for events, want := range map[string]string{delivered: "paid", delivered + "billable=true": "paid",
			delivered + "billable=false":                                   "free",
			delivered + "billable=false|" + delivered + "billable=true":    "paid",
			"sent channel=\"" + channel + "\" billable=false|" + delivered: "free"} {
			rows := savingsOf(t, Query{}, list, nil, strings.Split(events, "|")...)
			free := rows[0].ByChannel[0].Units == 0 && rows[0].ActualCost.Sign() == 0
			if rows[0].Unpriced > 0 || free != (want == "free") {
				t.Errorf("%s, %s: %+v, want it %s", billing, events, rows[0].ByChannel, want)
			}
		}
	}
	list := worlds.PriceList(t, "sms per_segment_delivered 2.00", "whatsapp per_conversation_24h 4.50")
	for events, want := range map[string]string{
		// No tariff.
		`delivered channel="push" sms_segments=1 billable=false`: "actual_cost=<nil>",
		// No segments are needed.
		`delivered template="t" billable=false`: "actual_cost=0.00",
		`delivered channel="whatsapp" sms_segments=1 billable=false|delivered channel="whatsapp" sms_segments=1 step=2 @1h`: "actual_cost=0.00",
	} {
		rows := savingsOf(t, Query{}, list, withDates([]settings.Template{{Template: "t", SMSSegments: 2}}),
			strings.Split(events, "|")...)
		if got := rows[0].text(t, "actual_cost"); got != want {
			t.Errorf("%s: %s, want %s", events, got, want)
		}
	}
}

// A reported price is of its part: the greatest of each, added up.
func TestModel_SavingsReport_ReportedByPart(t *testing.T) {
	list := worlds.PriceList(t, "sms per_segment_sent 0.0333 currency=EUR")
	price := func(part, price string) string {
		return `sent segments=3 ` + part + ` price="` + price + `" currency="EUR"`
	}
	for name, c := range map[string]struct {
		events []string
		want   string
	}{
		"three parts": {[]string{price("part=1 parts=3", "0.0333"),
			price("part=2 parts=3", "0.03330000"), price("part=3 parts=3", "0.0333")},
			"reported_cost=0.0999 drift=0.00"},
		"the greatest of a part": {[]string{price("part=1 parts=3", "0.0333"), price("part=1 parts=3", "0.03")},
			"reported_cost=0.0333 drift=-0.0666"},
		"without a part, one more": {[]string{price("part=1 parts=3", "0.0333"), price("", "0.03")},
			"reported_cost=0.0633 drift=-0.0366"},
		"one part is the whole": {[]string{price("part=1 parts=1", "0.0333"), price("", "0.03")},
			"reported_cost=0.0333 drift=-0.0666"},
		"until more parts are known": {[]string{price("part=1 parts=1", "0.0333"), price("", "0.03"),
			`sent parts=2`}, "reported_cost=0.0633 drift=-0.0366"},
		"of the whole in two currencies": {[]string{price("", "0.0333"), `sent segments=3 price="9" currency="RUB"`},
			"reported_cost=0.0333 drift=-0.0666"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, events := range [][]string{c.events, reversed(c.events)} {
				if got := savingsOf(t, Query{}, list, nil, events...)[0].text(t, "reported_cost",
					"drift"); got != c.want {
					t.Errorf("%s, want %s", got, c.want)
				}
			}
		})
	}
}

func TestModel_SavingsReport_UnpricedReasons(t *testing.T) {
	sms := "sms per_segment_sent 2.00"
	for name, c := range map[string]struct {
		tariffs []string
		events  []string
		want    string
	}{
		"a channel without a tariff": {[]string{sms}, []string{`delivered channel="rcs" sms_segments=1`},
			"no_tariff rcs"},
		"no segments before all":          {nil, []string{`delivered channel="rcs"`}, "no_segments "},
		"no SMS tariff before the steps'": {nil, []string{`delivered channel="rcs" sms_segments=1`}, "no_sms_tariff "},
		"the first sent step without one": {[]string{sms},
			[]string{`rejected channel="viber" sms_segments=1`, `sent channel="vk" step=3`, `sent channel="ok" step=2`},
			"no_tariff ok"},
		"a step's tariff before segments": {[]string{sms}, []string{`sent template="t"`, `sent step=2 channel="vk"`},
			"no_tariff vk"},
		"no segments of a step": {[]string{sms}, []string{`sent template="t"`}, "no_step_segments sms"},
		"two currencies": {[]string{sms, "vk zero 0 currency=EUR"},
			[]string{`sent sms_segments=1 channel="vk"`}, "two_currencies "},
		"segments before two currencies": {[]string{sms, "vk zero 0 currency=EUR"},
			[]string{`sent template="t" channel="vk"`, `sent step=2`}, "no_step_segments sms"},
		"none": {[]string{sms}, []string{`sent sms_segments=1`}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			rows := savingsOf(t, Query{}, worlds.PriceList(t, c.tariffs...),
				withDates([]settings.Template{{Template: "t", SMSSegments: 2}}), c.events...)
			got := ""
			for _, r := range rows[0].UnpricedReasons {
				got += r.Reason + " " + r.Channel
				if r.Messages != 1 || rows[0].SavedReached != nil || rows[0].MinimumTopUp != nil {
					t.Errorf("%+v", rows[0])
				}
			}
			if got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// The cost per read is of the routes that report reads: an SMS that was answered is no read that somebody could have
// paid for.
func TestModel_SavingsReport_CostPerRead(t *testing.T) {
	list := worlds.PriceList(t, "sms per_segment_sent 2.00", "viber per_message_delivered 0.75",
		"push per_message_sent 0.30")
	rows := savingsOf(t, Query{}, list, nil, `replied segments=1`, `read channel="viber" message_id="1" sms_segments=1`,
		`delivered channel="viber" message_id="2" sms_segments=1`,
		`clicked channel="push" provider="firebase" message_id="3" sms_segments=1`,
		`read channel="vk" message_id="4" sms_segments=1`)
	if got := rows[0].text(t, "cost_per_read", "cost_per_reached",
		"saved_reached"); got != "cost_per_read=1.50 cost_per_reached=0.95 saved_reached=4.20" {
		t.Error(got)
	}
	if got := savingsOf(t, Query{}, list, nil, `replied segments=1`)[0].text(t, "read",
		"cost_per_read"); got != "read=1 cost_per_read=<nil>" {
		t.Error(got)
	}
}
