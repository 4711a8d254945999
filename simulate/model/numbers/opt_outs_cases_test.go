package numbers

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"kaskad/simulate/model/settings"
)

// told prints opt-outs as "viber blocked 48h0m0s", with app and sender where there are any.
func told(list []OptOut) string {
	var texts []string
	for _, o := range list {
		where := o.Channel
		for _, part := range []string{o.App, o.Sender} {
			if part != "" {
				where += "/" + part
			}
		}
		texts = append(texts, where+" "+o.Kind+" "+o.Since.Sub(dayZero).String())
	}
	return strings.Join(texts, "; ")
}

func TestModel_Numbers_OptOuts(t *testing.T) {
	var six []string
	for i := range 6 {
		six = append(six, fmt.Sprintf("undelivered SRVC_USER_BLOCKED channel=viber provider=viber c%d cohort=0 @%dd", i,
			i+1))
	}
	for name, c := range map[string]struct {
		want   string
		events []string
	}{
		"none":             {"", []string{"delivered @0"}},
		"six failures":     {"viber blocked 144h0m0s", six},
		"without evidence": {"viber blocked 24h0m0s", []string{"blocked channel=viber @1d"}},
		"the latest of each": {"push/bank unsubscribed 24h0m0s; push/shop unsubscribed 72h0m0s",
			[]string{"unsubscribed channel=push app=shop @1d", "unsubscribed channel=push app=shop @3d",
				"unsubscribed channel=push app=bank @1d"}},
		"by sender": {"sms/A complained 24h0m0s; sms/B complained 48h0m0s",
			[]string{"complained sender=A @1d", "complained sender=B @2d"}},
		"all kinds": {"sms blocked 24h0m0s; sms complained 24h0m0s; sms unsubscribed 24h0m0s",
			[]string{"unsubscribed @1d", "blocked @1d", "complained @1d"}},
		"an error code that opts out": {"sms unsubscribed 48h0m0s",
			[]string{"undelivered 21610 provider=twilio cohort=0 @2d"}},
		"do not disturb": {"sms unsubscribed 48h0m0s", []string{"undelivered 555 cohort=0 @2d"}},
		"delivered later": {"viber blocked 48h0m0s",
			[]string{"undelivered SRVC_USER_BLOCKED message_id=x channel=viber provider=viber @2d",
				"delivered message_id=x channel=viber @3d"}},
		"the latest code counts": {"",
			[]string{"undelivered SRVC_USER_BLOCKED message_id=x channel=viber provider=viber @2d",
				"failed 33 message_id=x channel=viber @3d"}},
		"uninstalled is none": {"", []string{"uninstalled channel=push @1d", "lookup valid @2d"}},
		"a later block of another sender": {"viber/A blocked 24h0m0s; viber/B blocked 48h0m0s",
			[]string{"blocked channel=viber sender=A @1d", "blocked channel=viber sender=B @2d"}},

		"a block ends by subscribed": {"",
			[]string{"blocked channel=viber @1d", "subscribed channel=viber @1d+1ms"}},
		"by a message": {"", []string{"blocked channel=viber @1d", "inbound channel=viber @2d"}},
		"by a read":    {"", []string{"blocked channel=viber @1d", "read channel=viber @2d"}},
		"by a click":   {"", []string{"blocked channel=viber @1d", "clicked channel=viber @2d"}},
		"by a second reply": {"",
			[]string{"blocked channel=viber @1d", "replied channel=viber message_id=x @0",
				"replied channel=viber message_id=x @2d"}},
		"not by a delivery": {"viber blocked 24h0m0s",
			[]string{"blocked channel=viber @1d", "delivered channel=viber @2d"}},
		"not by a machine's open": {"email blocked 24h0m0s",
			[]string{"blocked channel=email @1d", "read machine channel=email @2d"}},
		"not at the same time": {"viber blocked 24h0m0s",
			[]string{"blocked channel=viber @1d", "inbound channel=viber @1d", "subscribed channel=viber @1d",
				"read channel=viber @1d"}},
		"not before": {"viber blocked 24h0m0s",
			[]string{"blocked channel=viber @1d", "inbound channel=viber @0"}},
		"not on another channel": {"viber blocked 24h0m0s",
			[]string{"blocked channel=viber @1d", "inbound channel=whatsapp @2d"}},
		"not in another app": {"push/shop blocked 24h0m0s",
			[]string{"blocked channel=push app=shop @1d", "subscribed channel=push app=bank @2d",
				"read channel=push @2d"}},
		"not of another sender": {"viber/A blocked 24h0m0s",
			[]string{"blocked channel=viber sender=A @1d", "inbound channel=viber sender=B @2d"}},
		"of a sender that is not named": {"",
			[]string{"blocked channel=viber sender=A @1d", "inbound channel=viber @2d"}},
		"blocked again": {"viber blocked 72h0m0s",
			[]string{"blocked channel=viber @1d", "inbound channel=viber @2d", "blocked channel=viber @3d"}},
		"by code, then a reply": {"", append(slices.Clone(six), "replied channel=viber @7d")},
		"of a parked message": {"viber blocked 24h0m0s",
			[]string{"blocked channel=viber @1d", "replied channel=viber submitted_at= @2d"}},

		"others end by subscribed alone": {"sms complained 24h0m0s; sms unsubscribed 24h0m0s",
			[]string{"unsubscribed @1d", "complained @1d", "inbound @2d", "read @2d", "replied @3d"}},
		"that they do": {"", []string{"unsubscribed sender=A @1d", "complained @1d",
			"subscribed sender=B @2d"}},
		"not in another app too": {"sms/shop unsubscribed 24h0m0s",
			[]string{"unsubscribed app=shop @1d", "subscribed @2d"}},
		"an opt-out by code too": {"", []string{"undelivered 21610 provider=twilio cohort=0 @2d", "subscribed @3d"}},
	} {
		own := ownCodes()
		list := own["a"]
		list.Lines = append(list.Lines, settings.ErrorLine{Provider: "*", Code: "555", Class: "dnd"})
		own["a"] = list
		verdicts, err := Verdicts(numberModel(t, c.events...), settings.Numbers{ErrorMaps: own})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, v := range verdicts {
			got += told(v.OptOuts)
			if v.State == "dead" {
				t.Errorf("%s: who opts out is dead: %+v", name, v)
			}
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestModel_Numbers_ReachableOn(t *testing.T) {
	for name, c := range map[string]struct {
		want   string
		events []string
	}{
		"nothing failed":            {"", []string{"delivered channel=viber @1d"}},
		"what never counts is none": {"", []string{"failed 33 @0", "delivered channel=viber @1d"}},
		"at the first failure":      {"viber 24h0m0s", []string{"failed 900 @1d", "delivered channel=viber @1d"}},
		"before it":                 {"", []string{"failed 900 @1d", "delivered channel=viber @1d-1ms"}},
		"the latest, by channel": {"viber 72h0m0s, whatsapp 48h0m0s",
			[]string{"failed 900 @1d", "delivered channel=whatsapp @2d", "delivered channel=viber @2d",
				"delivered channel=viber @3d"}},
		"since the streak began": {"whatsapp 96h0m0s",
			[]string{"failed 900 @0", "delivered channel=viber @1d", "delivered @2d", "expired @3d",
				"delivered channel=whatsapp @4d"}},
		"not by what is its evidence": {"", []string{"failed 900 @1d", "delivered channel=voice cohort=0 @1d"}},
		"another recipient":           {"", []string{"failed 900 @1d", "delivered channel=viber recipient=user:1 @2d"}},
	} {
		v := judgeOne(t, settings.Numbers{}, c.events...)
		var texts []string
		for _, r := range v.ReachableOn {
			texts = append(texts, r.Channel+" "+r.LastDeliveredAt.Sub(dayZero).String())
		}
		if got := strings.Join(texts, ", "); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	v := judgeOne(t, settings.Numbers{}, "failed 900 @1d", "delivered channel=viber @2d",
		"blocked channel=viber sender=A app=shop @3d")
	encoded, err := v.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"reachable_on":[{"channel":"viber","last_delivered_at":"2026-10-03T00:00:00.000Z"}]`,
		`"opt_outs":[{"channel":"viber","app":"shop","sender":"A","kind":"blocked","since":"2026-10-04T00:00:00.000Z"}]`, `"guessed":0`} {
		if !strings.Contains(string(encoded), part) {
			t.Errorf("no %s in %s", part, encoded)
		}
	}
}

func TestModel_Audience_OptOuts(t *testing.T) {
	m := numberModel(t,
		"blocked channel=viber recipient=user:1 contact=anna @1d",
		"blocked channel=viber recipient=user:1 contact=bert sender=A @2d",
		"blocked channel=whatsapp recipient=user:1 @3d",
		"undelivered SRVC_USER_BLOCKED provider=viber channel=viber recipient=+79160000002 contact=carla cohort=0 @4d",
		"blocked channel=viber recipient=user:3 @1d", "inbound channel=viber recipient=user:3 @2d",
		"complained channel=email recipient=email:a@b.c contact=dora @1d",
		"complained channel=email app=shop recipient=email:a@b.c @2d",
		"unsubscribed channel=sms recipient=+79160000004 contact=emil @1d",
		"undelivered 21610 provider=twilio recipient=+79160000005 @1d",
		"subscribed channel=viber recipient=user:6 contact=a @1d",
		"subscribed channel=viber recipient=user:6 contact=b @0")
	list := func(q AudienceQuery) string {
		rows, err := Audience(m, q)
		return rowsText(t, rows, err)
	}
	row := func(recipient, contact, channel, app, since string) string {
		return fmt.Sprintf(`{"recipient":%q,"contact":%q,"channel":%q,"app":%q,"since":%q}`, recipient, contact,
			channel, app, instantText(after(t, since)))
	}
	expect(t, "blocked", list(AudienceQuery{State: "blocked"}), row("+79160000002", "carla", "viber", "", "4d"),
		row("user:1", "bert", "viber", "", "2d"), row("user:1", "", "whatsapp", "", "3d"))
	expect(t, "on a channel", list(AudienceQuery{State: "blocked", Channels: []string{"whatsapp"}}),
		row("user:1", "", "whatsapp", "", "3d"))
	expect(t, "complained", list(AudienceQuery{State: "complained"}), row("email:a@b.c", "dora", "email", "", "1d"),
		row("email:a@b.c", "", "email", "shop", "2d"))
	expect(t, "unsubscribed, by events alone", list(AudienceQuery{State: "unsubscribed"}),
		row("+79160000004", "emil", "sms", "", "1d"))
	expect(t, "subscribed", list(AudienceQuery{State: "subscribed"}), row("user:6", "b", "viber", "", "1d"))
}
