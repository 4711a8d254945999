package numbers

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"kaskad/simulate/model"
	"kaskad/simulate/model/settings"
	"kaskad/simulate/worlds"
)

// tenDays selects the first ten days.
func tenDays(t testing.TB, q settings.Numbers) ReachQuery {
	t.Helper()
	return ReachQuery{Query: model.Query{From: after(t, "0"), To: after(t, "10d")}, Numbers: q}
}

// counts prints a channel's people as "audience 4 tested 4 reached 4 movable 4 of 4".
func counts(t testing.TB, channel string, events ...string) string {
	t.Helper()
	rows, err := Penetration(numberModel(t, events...), tenDays(t, settings.Numbers{ErrorMaps: ownCodes()}))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if r.Keys[0].Text == channel {
			return fmt.Sprintf("audience %d tested %d reached %d movable %d of %d", r.Audience, r.Tested, r.Reached,
				r.MessagesMovable, r.Messages)
		}
	}
	return "no row"
}

// One message goes to one person, whatever its steps say of him.
func TestModel_Penetration_Persons(t *testing.T) {
	four := func(push, sms string) (events []string) {
		for i := range 4 {
			n := fmt.Sprint(i)
			number := strings.NewReplacer("N", n)
			events = append(events, number.Replace("delivered channel=push recipient=device:N message_id=mN @1d "+push),
				number.Replace("delivered step=2 recipient=+7916000000N message_id=mN @1d "+sms))
		}
		return events
	}
	for name, c := range map[string]struct {
		channel, want string
		events        []string
	}{
		"a contact on the push alone": {"sms", "audience 4 tested 4 reached 4 movable 4 of 4", four("contact=cN", "")},
		"a contact on the SMS alone":  {"push", "audience 4 tested 4 reached 4 movable 4 of 4", four("", "contact=cN")},
		"the greatest contact": {"push", "audience 1 tested 1 reached 1 movable 4 of 4",
			four("contact=cN", "contact=z")},
		"without one the number": {"push", "audience 4 tested 4 reached 4 movable 5 of 5",
			append(four("", ""), "sent recipient=+79160000000 @2d")},
		"without a number the lowest step's": {"viber", "audience 1 tested 1 reached 1 movable 2 of 2",
			[]string{"skipped step=1 channel=push recipient=user:1 message_id=x @1d",
				"delivered step=2 channel=viber recipient=user:2 message_id=x @1d",
				"sent channel=push recipient=user:1 @1d"}},
		"the greatest number": {"sms", "audience 1 tested 1 reached 1 movable 2 of 2",
			[]string{"delivered step=1 recipient=+79160000002 message_id=x @1d",
				"failed step=2 channel=voice recipient=+79160000009 message_id=x @1d",
				"sent channel=voice recipient=+79160000009 @1d"}},
		"numbers are compared as text": {"sms", "audience 1 tested 1 reached 1 movable 2 of 2",
			[]string{"delivered step=1 recipient=+79160000002 message_id=x @1d",
				"failed step=2 channel=voice recipient=+8123456 message_id=x @1d",
				"sent channel=voice recipient=+8123456 @1d"}},
	} {
		if got := counts(t, c.channel, c.events...); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// An address is lost by what came at or after its latest delivery ever, unless its owner subscribed again.
func TestModel_Penetration_Lost(t *testing.T) {
	push := func(texts ...string) (events []string) {
		for _, text := range texts {
			events = append(events, text+" channel=push app=shop recipient=device:1")
		}
		return events
	}
	viber := func(texts ...string) (events []string) {
		for _, text := range texts {
			events = append(events, text+" channel=viber provider=viber")
		}
		return events
	}
	const reached, lost = "reached 1", "reached 0"
	for name, c := range map[string]struct {
		channel, want string
		events        []string
	}{
		"uninstalled":         {"push", lost, push("delivered @1d", "uninstalled @2d")},
		"after the period":    {"push", lost, push("delivered @1d", "uninstalled @30d")},
		"before the delivery": {"push", reached, push("delivered @1d", "uninstalled @1d-1ms")},
		"at its time":         {"push", lost, push("delivered @1d", "uninstalled @1d")},
		"delivered after the period": {"push", reached,
			push("delivered @1d", "uninstalled @2d", "delivered @30d")},
		"subscribed again": {"push", reached,
			push("delivered @1d", "uninstalled @2d", "subscribed @3d")},
		"subscribed at the same time": {"push", lost,
			push("delivered @1d", "uninstalled @2d", "subscribed @2d")},
		"subscribed before": {"push", lost,
			push("delivered @1d", "subscribed @1d", "uninstalled @2d")},
		"of another app": {"push", reached,
			append(push("delivered @1d"), "uninstalled channel=push app=bank recipient=device:1 @2d")},
		"of another address, one contact": {"push", reached,
			append(push("delivered contact=anna @1d"),
				"uninstalled channel=push app=shop recipient=device:2 contact=anna @2d")},
		"complained":   {"push", reached, push("delivered @1d", "complained @2d")},
		"unsubscribed": {"push", lost, push("delivered @1d", "unsubscribed @2d")},
		"a token error": {"push", lost,
			push("delivered provider=pushwoosh @1d", "failed UNREGISTERED provider=fcm @20d")},
		"by an alias": {"push", lost,
			push("delivered provider=pushwoosh @1d", "failed UNREGISTERED provider=firebase @20d")},
		"blocked": {"viber", lost, viber("delivered @1d", "blocked @2d")},
		"blocked by an error code": {"viber", lost,
			viber("delivered @1d", "undelivered SRVC_USER_BLOCKED cohort=0 @2d")},
		"whose event was before": {"viber", reached,
			viber("delivered @1d", "undelivered SRVC_USER_BLOCKED cohort=0 @1d-1ms")},
		"though that was delivered before": {"viber", lost,
			viber("undelivered SRVC_USER_BLOCKED message_id=x @2d", "delivered message_id=x @1d")},
		"opted out by an error code": {"sms", lost,
			[]string{"delivered @1d", "undelivered 21610 provider=twilio @2d"}},
		"a dead number": {"sms", lost, []string{"delivered @1d", "failed 900 @2d"}},
		"a dead number by flash call": {"flash_call", lost,
			[]string{"delivered channel=flash_call @1d", "failed 900 @2d"}},
		"a suspect one": {"sms", reached, []string{"delivered @1d", "failed 1 @2d"}},
		"the dead number's Viber": {"viber", reached,
			[]string{"delivered channel=viber @1d", "failed 900 @2d"}},
		"two addresses, one lost": {"push", reached,
			append(push("delivered contact=anna @1d", "uninstalled @2d"),
				"delivered contact=anna channel=push app=shop recipient=device:2 @1d")},
		"a blind route": {"push", "no row",
			[]string{"clicked channel=push provider=fcm recipient=device:1 @1d"}},
		"a blind route by an alias": {"push", "no row",
			[]string{"clicked channel=push provider=firebase recipient=device:1 @1d"}},
		"an alias of an alias is not blind": {"push", reached,
			[]string{"clicked channel=push provider=brand recipient=device:1 @1d"}},
		"a blind route tests nobody": {"push", reached,
			append(push("delivered @1d"), "clicked channel=push provider=apns recipient=device:2 contact=zed @1d")},
		"in no period of its own": {"viber", lost,
			[]string{"delivered channel=viber @-1d", "failed channel=viber @1d"}},
		"a machine's open reaches": {"email", reached,
			[]string{"read machine channel=email recipient=email:a@b.c @1d"}},
		"a bounced one does not": {"email", lost,
			[]string{"read machine message_id=x channel=email recipient=email:a@b.c @1d",
				"undelivered 550 permanent message_id=x channel=email recipient=email:a@b.c @1d"}},
		"what happens after as_of":        {"push", reached, push("delivered @1d", "uninstalled @50d+12h+1ms")},
		"the block is over for who reads": {"viber", reached, viber("delivered @1d", "blocked @2d", "read @3d")},
		"but not by what was delivered then": {"viber", lost,
			viber("delivered message_id=x @1d", "blocked @2d", "read message_id=x @3d")},
	} {
		if got := counts(t, c.channel, c.events...); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	q := tenDays(t, settings.Numbers{ErrorMaps: ownCodes(),
		Overrides: []settings.NumberOverride{{Account: "a", Number: "+79160000001", State: "active",
			At: after(t, "3d")}}})
	rows, err := Penetration(numberModel(t, "delivered @1d", "failed 900 @2d"), q)
	expect(t, "overruled", rowsText(t, rows, err),
		`{"channel":"sms","audience":1,"tested":1,"reached":1,"penetration":1.0,"penetration_low":0.206549,"penetration_high":1.0,`+
			`"tested_share":1.0,"tested_share_low":0.206549,"tested_share_high":1.0,"messages":2,"messages_movable":2,"message_penetration":1.0,"message_penetration_low":0.34238,"message_penetration_high":1.0}`)
}

func TestModel_BestChannel_CostOfOneMore(t *testing.T) {
	list := worlds.PriceList(t, "sms per_segment_sent 2.00", "whatsapp per_conversation_24h 4.50",
		"viber per_message_outside_window 3.00", "voice attempt_plus_connect 0.30 connect=5",
		"rcs per_message_refunded 9.00", "email zero 0", "vk per_message_sent 0.01 currency=EUR",
		"ok per_message_sent 0.02 currency=USD", "telegram per_message_sent 1.00 to=2026-11-20",
		"telegram per_message_sent 8.00 from=2026-11-20")
	for name, c := range map[string]struct {
		want   string
		events []string
	}{
		"a text of four segments is dear": {"whatsapp read 4.50 RUB",
			[]string{"read channel=whatsapp @1d", "clicked segments=4 @1d"}},
		"delivered alone too": {"whatsapp delivered 4.50 RUB",
			[]string{"delivered channel=whatsapp @1d", "delivered segments=4 @1d"}},
		"two segments": {"sms delivered 4.00 RUB",
			[]string{"delivered channel=whatsapp @1d", "delivered segments=2 @1d"}},
		"segments of another step": {"sms delivered 4.00 RUB",
			[]string{"delivered channel=whatsapp @1d", "delivered message_id=x @1d",
				"failed channel=vk step=2 message_id=x sms_segments=2 @1d"}},
		"segments of a skipped step": {"whatsapp delivered 4.50 RUB",
			[]string{"delivered channel=whatsapp @1d", "delivered message_id=x @1d",
				"skipped channel=vk step=2 message_id=x sms_segments=2 @1d"}},
		"the latest counts": {"whatsapp delivered 4.50 RUB",
			[]string{"delivered channel=whatsapp @1d", "delivered segments=4 @2d", "delivered segments=1 @1d"}},
		"at one time the greatest id": {"sms delivered 2.00 RUB",
			[]string{"delivered channel=whatsapp @1d", "delivered segments=1 message_id=y @1d",
				"delivered segments=4 message_id=x @1d"}},
		"windows aside": {"viber read 3.00 RUB",
			[]string{"read channel=whatsapp @1d", "replied channel=viber @1d"}},
		"the connection is paid": {"whatsapp delivered 4.50 RUB",
			[]string{"delivered channel=whatsapp @1d", "delivered channel=voice @1d"}},
		"the price of today": {"whatsapp read 4.50 RUB",
			[]string{"read channel=whatsapp @1d", "read channel=telegram @1d"}},
		"for nothing": {"email read 0.00 RUB",
			[]string{"read channel=whatsapp @1d", "read channel=email @1d"}},
		"another currency than the SMS": {"whatsapp delivered 4.50 RUB",
			[]string{"delivered segments=9 @1d", "delivered channel=whatsapp @1d", "delivered channel=vk @1d"}},
		"the SMS was not read": {"whatsapp read 4.50 RUB",
			[]string{"delivered segments=9 @1d", "read channel=whatsapp @1d", "read channel=ok @1d"}},
		"without an SMS the first name's": {"ok read 0.02 USD",
			[]string{"read channel=whatsapp @1d", "read channel=vk @1d", "read channel=ok @1d"}},
		"another one before none": {"vk delivered 0.01 EUR",
			[]string{"delivered channel=instagram @1d", "delivered @1d", "delivered channel=vk @1d"}},
		"by name where all have none": {"instagram delivered null ",
			[]string{"delivered channel=instagram @1d", "delivered channel=messenger @1d"}},
		"an SMS without segments": {"whatsapp delivered 4.50 RUB",
			[]string{"delivered channel=whatsapp @1d", "delivered @1d"}},
		"read before delivered": {"whatsapp read 4.50 RUB",
			[]string{"read channel=whatsapp @1d", "delivered segments=1 @1d"}},
		"blocked": {"sms delivered 2.00 RUB",
			[]string{"read channel=whatsapp @1d", "blocked channel=whatsapp @2d", "delivered segments=1 @1d"}},
		"dead": {"whatsapp delivered 4.50 RUB",
			[]string{"delivered channel=whatsapp @1d", "delivered segments=1 @1d", "failed 900 @2d"}},
		"uninstalled": {"rcs read 9.00 RUB",
			[]string{"read channel=rcs @1d", "read channel=push @1d", "uninstalled channel=push @1d"}},
		"an address that holds": {"whatsapp read 4.50 RUB",
			[]string{"read channel=whatsapp contact=anna recipient=user:1 @2d",
				"blocked channel=whatsapp recipient=user:1 @2d",
				"read channel=whatsapp contact=anna recipient=user:2 @1d"}},
		"nothing is left": {"", []string{"read channel=whatsapp @1d", "blocked channel=whatsapp @2d"}},
	} {
		rows, err := BestChannel(numberModel(t, c.events...), tenDays(t,
			settings.Numbers{ErrorMaps: ownCodes(), Tariffs: map[string][]settings.Tariff{"a": list}}))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, r := range rows {
			got += fmt.Sprintf("%s %s %s %s", r.Channel, r.Evidence,
				strings.Trim(string(model.WriteMoney(r.Cost)), `"`),
				r.Currency)
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// Twenty candidates of two people in thirty days, and a push that reached one of them.
func TestModel_HistoryForecast_Cases(t *testing.T) {
	events := []string{"delivered channel=push recipient=device:1 contact=anna @1d",
		"failed channel=push recipient=device:2 contact=boris @1d"}
	for i := range 10 {
		for _, who := range []string{"recipient=+79160000001 contact=anna", "recipient=+79160000002 contact=boris"} {
			events = append(events, fmt.Sprintf("delivered segments=1 template=order %s @%dd", who, 2+i))
		}
	}
	q := HistoryQuery{Account: "a", Channel: "push", ChannelPrice: "0.36", Billing: "per_message_delivered",
		SMSPrice: "2.00"}
	q.From, q.To = after(t, "0"), after(t, "30d")
	q.Numbers.Tariffs = map[string][]settings.Tariff{"a": worlds.PriceList(t, "sms per_segment_sent 5.00 to=2026-10-31",
		"sms per_segment_sent 3.00 from=2026-10-31")}
	forecast := func(q HistoryQuery, more ...string) string {
		t.Helper()
		f, err := Forecast(numberModel(t, append(more, events...)...), q)
		if err != nil {
			t.Fatal(err)
		}
		f.Templates = slices.DeleteFunc(f.Templates, func(r HistoryRow) bool { return r.Candidates == 0 })
		encoded, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		return string(encoded)
	}
	expect := func(t *testing.T, name, got, want string) {
		t.Helper()
		var all, some map[string]any
		for text, to := range map[string]*map[string]any{got: &all, want: &some} {
			if err := json.Unmarshal([]byte(text), to); err != nil {
				t.Fatalf("%s: %v in %s", name, err, text)
			}
		}
		expectFields(t, name, all, some)
	}
	const measured = `{"tested_num":2,"tested_den":2,"tested_share":1.0,"penetration_num":1,"penetration_den":2,"penetration":0.5,"delivery_num":1,"delivery_den":1,"delivery_rate":1.0,"rows":`
	const order = `[{"template":"order","candidates":20,"penetration_num":10,"penetration_den":20,"penetration":0.5,"sms_segments":1,"sms_price":"2.00","messages_per_month":20,` +
		`"movable_per_month":10,"sms_only_cost_per_month":"40.00","channel_cost_per_month":"3.60","moved_sms_cost_per_month":"20.00","saved_per_month":"16.40","cascade_cost_per_month":"23.60",` +
		`"saved_rate":0.41,"below_threshold":false,"worth_it":true}]}`
	expect(t, "history", forecast(q), measured+order)
	// What is no candidate: tried on the channel, without an SMS, of unknown segments, skipped, of another period.
	expect(t, "no candidates", forecast(q, "delivered segments=1 template=order contact=anna message_id=x @5d",
		"undelivered channel=push step=2 message_id=x @5d recipient=device:1 cohort=40d",
		"delivered channel=viber sms_segments=1 contact=anna template=order @5d",
		"delivered template=order contact=anna @5d", "skipped segments=1 template=order contact=anna @5d",
		"delivered segments=1 template=order contact=anna @30d"),
		strings.Replace(measured, `"delivery_num":1,"delivery_den":1,"delivery_rate":1.0`,
			`"delivery_num":1,"delivery_den":2,"delivery_rate":0.5`, 1)+
			strings.NewReplacer(`"movable_per_month":10`, `"movable_per_month":5`, "3.60", "1.80", "20.00", "10.00",
				"16.40", "8.20", "23.60", "31.80", "0.41", "0.205").Replace(order))
	// Blind routes tell nothing: nobody more is tested.
	expect(t, "blind", forecast(q, "clicked channel=push provider=fcm recipient=device:1 contact=anna @1d",
		"sent channel=push provider=apns recipient=device:2 contact=boris @1d"), measured+order)
	q.SMSPrice, q.Billing, q.ConnectPrice = "", "attempt_plus_connect", "0.64"
	expect(t, "by tariffs", forecast(q),
		measured+strings.NewReplacer(`"2.00"`, `"5.00"`, `"40.00"`, `"100.00"`, `"3.60"`, `"10.00"`, `"20.00"`,
			`"50.00"`, `"16.40"`, `"40.00"`, `"23.60"`, `"60.00"`, "0.41", "0.4").Replace(order))
	q.Billing = "per_conversation_24h"
	if _, err := Forecast(numberModel(t, events...), q); err == nil {
		t.Error("a conversation is forecast")
	}
	q.Channel, q.Billing = "vk", "per_message_sent"
	expect(t, "untested", forecast(q), `{"tested_num":0,"tested_den":2,"tested_share":0.0,"penetration_num":0,"penetration_den":2,"penetration":null,"delivery_num":0,"delivery_den":0,"delivery_rate":null,"rows":`+
		`[{"template":"order","candidates":20,"penetration_num":0,"penetration_den":20,"penetration":null,"sms_segments":1,"sms_price":"5.00","messages_per_month":20,`+
		`"movable_per_month":null,"sms_only_cost_per_month":"100.00","channel_cost_per_month":null,"moved_sms_cost_per_month":null,"saved_per_month":null,"cascade_cost_per_month":null,`+
		`"saved_rate":null,"below_threshold":null,"worth_it":null}]}`)
}

// expectFields looks at the fields that are wanted, and at those of rows.
func expectFields(t *testing.T, name string, got, want map[string]any) {
	t.Helper()
	for field, value := range want {
		wanted, isList := value.([]any)
		if !isList {
			if got[field] != value {
				t.Errorf("%s: %s is %v, want %v", name, field, got[field], value)
			}
			continue
		}
		rows := got[field].([]any)
		if len(rows) != len(wanted) {
			t.Errorf("%s: %d %s, want %d", name, len(rows), field, len(wanted))
			continue
		}
		for i := range wanted {
			expectFields(t, fmt.Sprint(name, ", row ", i), rows[i].(map[string]any), wanted[i].(map[string]any))
		}
	}
}

// What obeying the list would have saved, and what it would have lost.
func TestModel_DeadSpend_Spans(t *testing.T) {
	tariffs := map[string][]settings.Tariff{"a": worlds.PriceList(t, "sms per_message_sent 2.00",
		"voice per_message_sent 7.00",
		"viber per_message_sent 9.00")}
	override := func(state, at, until string) settings.NumberOverride {
		o := settings.NumberOverride{Account: "a", Number: "+79160000001", State: state, At: after(t, at)}
		if until != "" {
			o.Until = after(t, until)
		}
		return o
	}
	for name, c := range map[string]struct {
		want      string
		overrides []settings.NumberOverride
		events    []string
	}{
		"the failure that completed the rule": {"", nil, []string{"failed 900 @1d", "sent @1d"}},
		"1 ms later": {"sms deactivated 1 2.00 delivered 0 avoidable 2.00", nil,
			[]string{"failed 900 @1d", "sent @1d+1ms"}},
		"delivered all the same": {"sms deactivated 1 2.00 delivered 1 avoidable 0.00", nil,
			[]string{"failed 900 @1d", "delivered cohort=2d @3d"}},
		"at its end": {"", nil, []string{"failed 900 @1d", "delivered @3d", "sent @3d"}},
		"1 ms before": {"sms deactivated 1 2.00 delivered 0 avoidable 2.00", nil,
			[]string{"failed 900 @1d", "delivered @3d", "sent @3d-1ms"}},
		"by voice": {"voice deactivated 1 7.00 delivered 0 avoidable 7.00", nil,
			[]string{"failed 900 @1d", "sent channel=voice @2d"}},
		"on Viber": {"", nil, []string{"failed 900 @1d", "sent channel=viber @2d"}},
		"unpriced": {"flash_call deactivated 1 0.00 delivered 0 avoidable 0.00 unpriced 1", nil,
			[]string{"failed 900 @1d", "sent channel=flash_call @2d"}},
		"overruled": {"", []settings.NumberOverride{override("active", "1d+1ms", "")},
			[]string{"failed 900 @1d", "sent @2d"}},
		"until then": {"sms deactivated 1 2.00 delivered 0 avoidable 2.00",
			[]settings.NumberOverride{override("quarantined", "3d", "")},
			[]string{"failed 900 @1d", "sent @2d", "sent @3d", "sent @4d"}},
		"set dead": {"sms override 1 2.00 delivered 0 avoidable 2.00",
			[]settings.NumberOverride{override("dead", "3d", "")}, []string{"sent @2d", "sent @3d", "sent @4d"}},
		"set dead for a while": {"sms override 1 2.00 delivered 0 avoidable 2.00",
			[]settings.NumberOverride{override("dead", "3d", "5d")}, []string{"sent @4d", "sent @5d", "sent @6d"}},
		"overruled for a while": {"sms deactivated 1 2.00 delivered 0 avoidable 2.00",
			[]settings.NumberOverride{override("active", "2d", "5d")},
			[]string{"failed 900 @1d", "sent @2d", "sent @4d", "sent @5d", "sent @6d"}},
		"replaced": {"sms override 1 2.00 delivered 0 avoidable 2.00",
			[]settings.NumberOverride{override("dead", "3d", ""), override("active", "2d", "")},
			[]string{"failed 900 @2d", "sent @2d+1h", "sent @4d"}},
	} {
		rows, err := DeadSpend(numberModel(t, c.events...), tenDays(t,
			settings.Numbers{ErrorMaps: ownCodes(), Tariffs: tariffs, Overrides: c.overrides}))
		if err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, r := range rows {
			text := fmt.Sprintf("%s %s %d %s delivered %d avoidable %s", r.Keys[0].Text, r.Keys[1].Text, r.Attempts,
				model.WriteMoney(r.Cost), r.Delivered, model.WriteMoney(r.AvoidableCost))
			if r.Unpriced > 0 {
				text += fmt.Sprint(" unpriced ", r.Unpriced)
			}
			texts = append(texts, strings.ReplaceAll(text, `"`, ""))
		}
		if got := strings.Join(texts, "; "); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
