package numbers

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"kaskad/simulate/model"
	"kaskad/simulate/model/settings"
	"kaskad/simulate/worlds"
)

// rowsText prints rows one a line.
func rowsText[Row json.Marshaler](t testing.TB, rows []Row, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, row := range rows {
		encoded, err := row.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(encoded))
	}
	return strings.Join(lines, "\n")
}

// bounds are the intervals of rates, which other tests hold to the formula.
var bounds = regexp.MustCompile(`,"[a-z_]+_(low|high)":[^,}]+`)

func expect(t testing.TB, name, got string, want ...string) {
	t.Helper()
	if got != strings.Join(want, "\n") {
		t.Errorf("%s:\n got\n%s\nwant\n%s", name, got, strings.Join(want, "\n"))
	}
}

func TestModel_Penetration_Cases(t *testing.T) {
	events := []string{
		// anna: push on two apps, then SMS; the app shop is removed, bank holds.
		"delivered channel=push app=shop recipient=device:1 contact=anna message_id=a1 @1d",
		"delivered channel=push app=bank recipient=device:2 contact=anna message_id=a2 @1d",
		"uninstalled channel=push app=shop recipient=device:1 @2d",
		// boris has no contact: he is lost on Viber by an event at a later time, on WhatsApp by one at the time of the
		// delivery.
		"delivered channel=viber recipient=+79160000002 message_id=b1 @1d",
		"blocked channel=viber recipient=+79160000002 @1d+1ms",
		"delivered channel=whatsapp recipient=+79160000002 message_id=b2 @1d",
		"blocked channel=whatsapp recipient=+79160000002 @1d",
		// carla: the push is not delivered, the SMS is. What is lost of hers is another address.
		"failed channel=push app=shop recipient=device:3 contact=carla message_id=c1 @3d",
		"delivered step=2 recipient=+79160000003 contact=carla message_id=c1 @3d+1h",
		"unsubscribed channel=sms recipient=user:9 contact=carla @9d",
		// dora was skipped on Viber and complains, which is no loss; her message went by SMS.
		"skipped channel=viber recipient=+79160000004 message_id=d1 @3d",
		"delivered step=2 recipient=+79160000004 message_id=d1 @3d",
		"complained channel=sms recipient=+79160000004 @9d",
		// emil's token turned out to be gone, by an attempt outside of the period.
		"delivered channel=push app=shop recipient=device:5 contact=emil message_id=e1 @1d",
		"failed UNREGISTERED provider=fcm channel=push app=shop recipient=device:5 message_id=e2 @20d",
	}
	q := ReachQuery{Query: model.Query{From: after(t, "0"), To: after(t, "10d")}}
	rows, err := Penetration(numberModel(t, events...), q)
	row := func(channel, counts, penetration, tested, messages string) string {
		return `{"channel":"` + channel + `",` + counts + `,"penetration":` + penetration + `,"tested_share":` +
			tested + `,` + messages + `}`
	}
	expect(t, "channels", bounds.ReplaceAllString(rowsText(t, rows, err), ""),
		row("push", `"audience":5,"tested":3,"reached":1`, "0.2", "0.6",
			`"messages":7,"messages_movable":2,"message_penetration":0.285714`),
		row("sms", `"audience":5,"tested":2,"reached":2`, "0.4", "0.4",
			`"messages":7,"messages_movable":2,"message_penetration":0.285714`),
		row("viber", `"audience":5,"tested":1,"reached":0`, "0.0", "0.2",
			`"messages":7,"messages_movable":0,"message_penetration":0.0`),
		row("whatsapp", `"audience":5,"tested":1,"reached":0`, "0.0", "0.2",
			`"messages":7,"messages_movable":0,"message_penetration":0.0`))

	// A group has its own audience. Whether an address is lost, its latest delivery ever decides.
	events = []string{"delivered c1 channel=viber @1d", "blocked channel=viber recipient=+79160000001 @2d",
		"delivered c2 channel=viber @3d",
		"delivered c2 recipient=+79160000002 @3d"}
	q.GroupBy = []string{"campaign"}
	rows, err = Penetration(numberModel(t, events...), q)
	cut := func(campaign, rest string) string { return `{"campaign":"` + campaign + `",` + rest[1:] }
	expect(t, "by campaign", bounds.ReplaceAllString(rowsText(t, rows, err), ""),
		cut("c1", row("viber", `"audience":1,"tested":1,"reached":1`, "1.0", "1.0",
			`"messages":1,"messages_movable":1,"message_penetration":1.0`)),
		cut("c2", row("sms", `"audience":2,"tested":1,"reached":1`, "0.5", "0.5",
			`"messages":2,"messages_movable":1,"message_penetration":0.5`)),
		cut("c2", row("viber", `"audience":2,"tested":1,"reached":1`, "0.5", "0.5",
			`"messages":2,"messages_movable":1,"message_penetration":0.5`)))
	q.Filters = map[string][]string{"channel": {"sms"}}
	rows, err = Penetration(numberModel(t, events...), q)
	expect(t, "a channel's rows", bounds.ReplaceAllString(rowsText(t, rows, err), ""),
		cut("c2", row("sms", `"audience":2,"tested":1,"reached":1`, "0.5", "0.5",
			`"messages":2,"messages_movable":1,"message_penetration":0.5`)))
	intervals := []string{"penetration_low", "penetration_high", "tested_share_low", "tested_share_high",
		"message_penetration_low", "message_penetration_high"}
	if err := model.CompareRows(rows, json.RawMessage(`[{"campaign":"c2","channel":"sms","audience":2,"tested":1,"reached":1,"penetration":0.50,"tested_share":0.5,"messages":2,"messages_movable":1,"message_penetration":0.5}]`), intervals...); err != nil {
		t.Error(err)
	}
	other := json.RawMessage(`[{"campaign":"c2","channel":"sms","audience":3,"tested":1,"reached":1,"penetration":0.50,"tested_share":0.5,"messages":2,"messages_movable":1,"message_penetration":0.5,"note":1}]`)
	if err := model.CompareRows(rows, other, intervals...); err == nil ||
		!strings.Contains(err.Error(), "audience is 3, want 2") ||
		!strings.Contains(err.Error(), "note is not of the report") {
		t.Errorf("compared: %v", err)
	}
	if err := model.CompareRows(rows, other, append(intervals, "note", "audience")...); err != nil {
		t.Error(err)
	}
	q.GroupBy = []string{"nonsense"}
	if _, err := Penetration(numberModel(t, events...), q); err == nil {
		t.Error("an unknown name is taken")
	}
}

func TestModel_Failures_Cases(t *testing.T) {
	m := numberModel(t, "failed 1 provider=q @0", "failed 001 provider=q @0", "expired provider=q @0",
		"failed XX permanent @0", "delivered @0", "sent @0", "skipped @0",
		"failed 1 provider=p @0", "failed UNREGISTERED provider=fcm channel=push recipient=device:1 @0",
		"failed 1 message_id=x @0", "delivered message_id=x @1h", "failed 1 provider=q @40d")
	q := ReachQuery{Query: model.Query{From: after(t, "0"), To: after(t, "10d")},
		Numbers: settings.Numbers{ErrorMaps: ownCodes()}}
	rows, err := Failures(m, q)
	expect(t, "failures", bounds.ReplaceAllString(rowsText(t, rows, err), ""),
		`{"channel":"push","provider":"fcm","reason":"app_uninstalled","error_code":"UNREGISTERED","count":1,"share_num":1,"share_den":1,"share_rate":1.0}`,
		`{"channel":"sms","provider":"","reason":"unknown","error_code":"XX","count":1,"share_num":1,"share_den":5,"share_rate":0.2}`,
		`{"channel":"sms","provider":"p","reason":"blocked_by_user","error_code":"1","count":1,"share_num":1,"share_den":5,"share_rate":0.2}`,
		`{"channel":"sms","provider":"q","reason":"expired","error_code":"","count":1,"share_num":1,"share_den":5,"share_rate":0.2}`,
		`{"channel":"sms","provider":"q","reason":"unknown_subscriber","error_code":"1","count":2,"share_num":2,"share_den":5,"share_rate":0.4}`)
	q.GroupBy, q.Filters = []string{"reason"}, map[string][]string{"provider": {"q"}}
	rows, err = Failures(m, q)
	expect(t, "by reason", bounds.ReplaceAllString(rowsText(t, rows, err), ""),
		`{"reason":"expired","count":1,"share_num":1,"share_den":6,"share_rate":0.166667}`,
		`{"reason":"unknown_subscriber","count":2,"share_num":2,"share_den":6,"share_rate":0.333333}`)
}

func TestModel_DeadSpend_Cases(t *testing.T) {
	tariffs := map[string][]settings.Tariff{"a": worlds.PriceList(t, "sms per_message_sent 2.00",
		"viber per_message_delivered 0.50 currency=EUR")}
	m := numberModel(t,
		"failed 1 c1 @0", "undelivered 1 c2 @24h", // It dies at the second one, which is not wasted yet.
		"undelivered 27 c3 @2d", "rejected 27 c4 @2d", "sent channel=vk @2d", "delivered channel=viber @3d",
		"undelivered 27 recipient=+79160000002 @3d",
		// Its start was within, its delivery ends it: obeying the list would have lost it.
		"delivered c5 cohort=4d @4d+1h",
		"undelivered c6 900 @4d+1h", "skipped @3d", "undelivered 1 c7 @5d", "undelivered 900 c8 @6d",
		"undelivered c9 @6d+1ms", "undelivered 27 c9 @30d")
	q := ReachQuery{Query: model.Query{From: after(t, "0"), To: after(t, "10d")},
		Numbers: settings.Numbers{ErrorMaps: ownCodes(), Tariffs: tariffs}}
	rows, err := DeadSpend(m, q)
	expect(t, "dead spend", rowsText(t, rows, err),
		`{"channel":"sms","rule":"deactivated","currency":"RUB","attempts":1,"cost":"2.00","unpriced":0,"delivered":0,"avoidable_cost":"2.00"}`,
		`{"channel":"sms","rule":"hard","currency":"RUB","attempts":3,"cost":"4.00","unpriced":0,"delivered":1,"avoidable_cost":"2.00"}`)
}

func TestModel_BestChannel_Cases(t *testing.T) {
	tariffs := map[string][]settings.Tariff{"a": worlds.PriceList(t, "sms per_segment_sent 2.00",
		"viber per_message_delivered 0.50", "whatsapp per_message_delivered 0.50",
		"push per_message_sent 0.10", "telegram per_message_sent 0.70")}
	m := numberModel(t,
		// anna read on three channels, two cost the same; what was only delivered, or read too early, does not count.
		"read contact=anna channel=telegram recipient=user:1 @1d",
		"clicked contact=anna channel=whatsapp recipient=user:2 @1d",
		"replied contact=anna channel=viber recipient=user:3 @1d",
		"delivered contact=anna channel=push recipient=device:1 @1d",
		"read contact=anna channel=push recipient=device:1 @-1d",
		// boris read only where there is no price.
		"read channel=vk recipient=+79160000002 @1d", "delivered channel=sms recipient=+79160000002 @1d",
		// carla read nothing.
		"delivered segments=1 contact=carla channel=sms recipient=+79160000003 @1d",
		"delivered contact=carla channel=vk recipient=user:5 @1d",
		"failed contact=carla channel=push recipient=device:3 @1d",
		// dora has two addresses on one channel: the later one.
		"read contact=dora channel=viber recipient=user:7 @1d", "read contact=dora channel=viber recipient=user:6 @2d",
		"sent recipient=+79160000009 @1d")
	q := ReachQuery{Query: model.Query{From: after(t, "0"), To: after(t, "10d")},
		Numbers: settings.Numbers{Tariffs: tariffs}}
	rows, err := BestChannel(m, q)
	expect(t, "best channels", rowsText(t, rows, err),
		`{"contact":"+79160000002","channel":"vk","recipient":"+79160000002","evidence":"read","cost":null,"currency":""}`,
		`{"contact":"anna","channel":"viber","recipient":"user:3","evidence":"read","cost":"0.50","currency":"RUB"}`,
		`{"contact":"carla","channel":"sms","recipient":"+79160000003","evidence":"delivered","cost":"2.00","currency":"RUB"}`,
		`{"contact":"dora","channel":"viber","recipient":"user:6","evidence":"read","cost":"0.50","currency":"RUB"}`)
}

func TestModel_Audience_Cases(t *testing.T) {
	m := numberModel(t,
		"subscribed channel=push app=shop recipient=device:1 @0",
		"uninstalled channel=push app=shop recipient=device:1 @1d",
		"subscribed channel=push app=shop recipient=device:1 @2d",
		"subscribed channel=push app=bank recipient=device:1 @1d",
		"uninstalled channel=push app=bank recipient=device:1 @1d",
		"unsubscribed channel=push app=shop recipient=device:2 @1d",
		"uninstalled channel=push app=shop recipient=device:2 @1d",
		"subscribed channel=push app=shop recipient=device:3 @1d",
		"unsubscribed channel=push app=shop recipient=device:3 @1d",
		"blocked channel=push app=shop recipient=device:3 @5d",
		"subscribed channel=push app=shop recipient=device:4 @1d",
		"failed UNREGISTERED provider=fcm channel=push app=shop recipient=device:4 cohort=2d @9d",
		"subscribed channel=push app=shop recipient=device:5 @3d",
		"failed BadDeviceToken provider=apns channel=push app=shop recipient=device:5 cohort=2d @9d",
		"subscribed channel=push app=shop recipient=device:6 @1d",
		"failed UNREGISTERED provider=fcm channel=viber app=shop recipient=device:6 @2d",
		"failed XX channel=push app=shop recipient=device:6 @2d",
		"failed UNREGISTERED provider=fcm channel=push app=shop recipient=device:7 @4d")
	row := func(recipient, app, since string) string {
		return `{"recipient":"` + recipient + `","contact":"","channel":"push","app":"` + app + `","since":"` +
			after(t, since).Format("2006-01-02T15:04:05.000Z") + `"}`
	}
	list := func(state string, apps ...string) string {
		rows, err := Audience(m, AudienceQuery{State: state, Apps: apps})
		return rowsText(t, rows, err)
	}
	expect(t, "subscribed", list("subscribed"), row("device:1", "shop", "2d"), row("device:5", "shop", "3d"),
		row("device:6", "shop", "1d"))
	expect(t, "unsubscribed", list("unsubscribed"), row("device:3", "shop", "1d"))
	expect(t, "uninstalled", list("uninstalled"), row("device:1", "bank", "1d"), row("device:2", "shop", "1d"),
		row("device:4", "shop", "2d"), row("device:7", "shop", "4d"))
	expect(t, "of an app", list("uninstalled", "bank"), row("device:1", "bank", "1d"))
	if rows, err := Audience(m, AudienceQuery{Accounts: []string{"b"}}); err != nil || len(rows) > 0 {
		t.Errorf("another account's: %v %v", rows, err)
	}
	if rows, err := Audience(m, AudienceQuery{}); err != nil || len(rows) != 8 ||
		rows[0].Since != after(t, "1d").In(time.UTC) {
		t.Errorf("all: %v %v", rows, err)
	}
}
