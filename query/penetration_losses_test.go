package query

import (
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"kaskad/query/answer"
	"kaskad/schema"
)

// By hand: who counts as reached, and what each loss takes.
func TestServer_Penetration_Losses(t *testing.T) {
	at := testNow.Add(-20 * 24 * time.Hour).UnixMilli()
	attempt := func(message, recipient, contact, channel, app string, deliveredMS int64) folded {
		f := folded{message: message, recipient: recipient, contact: contact, cohortMS: at, startMS: at,
			deliveredMS: schema.Never, readMS: schema.Never, sent: true}
		if deliveredMS > 0 {
			f.delivered, f.deliveredMS = true, deliveredMS
		} else {
			f.failed = true
		}
		f.account, f.channel, f.app, f.step, f.generation = "acme", channel, app, 1, 7
		return f
	}
	push := func(deliveredMS int64) folded { return attempt("m1", "device:1", "c1", "push", "ios", deliveredMS) }
	android := push(at + 50)
	android.app, android.step, android.recipient = "android", 2, "device:2" // the same message
	token := push(0)
	token.step, token.errorCode, token.provider, token.startMS = 3, "Unregistered", "apns", at+200
	unknownStart := token
	unknownStart.startMS, unknownStart.cohortMS = schema.Never, at+200
	before := token
	before.cohortMS, before.startMS, before.message = at-300*24*schema.HourMS, at+101, "m0"
	event := func(recipient, channel, app, status string, atMS int64) loss {
		return loss{"acme", recipient, "", status, channel, app, atMS}
	}
	push100 := []folded{push(at + 100)}
	other := push(at + 300) // in another period
	other.cohortMS, other.message, other.step = at-300*24*schema.HourMS, "m0", 1
	code := func(name string, toldMS int64, delivered bool) folded {
		f := push(0)
		if delivered {
			f = push(at + 100)
		}
		f.step, f.errorCode, f.errorMS, f.message = 4, name, toldMS, "m4"
		return f
	}
	sms := attempt("m1", "+79000000001", "c1", "sms", "", at+100)
	blind := push(at + 100)
	blind.provider = "apns"
	second := attempt("m1", "+79000000001", "", "sms", "", at+100)
	second.step, second.who = 2, "c1"
	cases := map[string]struct {
		rows    []folded
		losses  []loss
		reached bool
	}{
		"delivered": {push100, nil, true},
		"failed":    {[]folded{push(0)}, nil, false},
		"uninstalled": {push100, []loss{event("device:1", "push", "ios", "uninstalled", at+101)},
			false},
		"unsubscribed": {push100, []loss{event("device:1", "push", "ios", "unsubscribed", at+101)},
			false},
		"blocked": {push100, []loss{event("device:1", "push", "ios", "blocked", at+101)},
			false},
		"complained": {push100, []loss{event("device:1", "push", "ios", "complained", at+101)},
			true},
		"another address of theirs": {push100,
			[]loss{{"acme", "device:9", "c1", "uninstalled", "push", "ios", at + 101}}, true},
		"lost before the delivery": {push100, []loss{event("device:1", "push", "ios", "blocked", at+99)}, true},
		"lost at the moment of delivery": {push100, []loss{event("device:1", "push", "ios", "blocked", at+100)},
			false},
		"delivered later, period aside": {append(slices.Clone(push100), other),
			[]loss{event("device:1", "push", "ios", "blocked", at+200)}, true},
		"subscribed again": {push100,
			[]loss{event("device:1", "push", "ios", "blocked", at+101),
				event("device:1", "push", "ios", "subscribed", at+102)}, true},
		"subscribed just then": {push100,
			[]loss{event("device:1", "push", "ios", "blocked", at+101),
				event("device:1", "push", "ios", "subscribed", at+101)}, false},
		"subscribed elsewhere": {push100,
			[]loss{event("device:1", "push", "ios", "blocked", at+101),
				event("device:1", "push", "android", "subscribed", at+102)}, false},
		"wrote to us": {push100,
			[]loss{event("device:1", "push", "ios", "blocked", at+101),
				event("device:1", "push", "ios", "inbound", at+102)}, false},
		"lost on another channel": {push100, []loss{event("device:1", "viber", "ios", "blocked", at+101)},
			true},
		"lost in another app": {push100, []loss{event("device:1", "push", "android", "blocked", at+101)},
			true},
		"lost in no app": {push100, []loss{event("device:1", "push", "", "blocked", at+101)}, true},
		"lost to another account": {push100,
			[]loss{{"none", "device:1", "c1", "uninstalled", "push", "ios", at + 101}}, true},
		"lost after the period": {push100,
			[]loss{event("device:1", "push", "ios", "blocked", testNow.UnixMilli())}, false},
		"lost in the future": {push100,
			[]loss{event("device:1", "push", "ios", "blocked", testNow.UnixMilli()+1)}, true},
		"another app holds": {[]folded{push(at + 100), android},
			[]loss{event("device:1", "push", "ios", "uninstalled", at+101)}, true},
		"a token error":                    {[]folded{push(at + 100), token}, nil, false},
		"a token error, start unknown":     {[]folded{push(at + 100), unknownStart}, nil, false},
		"a token error before it":          {[]folded{push(at + 300), token}, nil, true},
		"a token error outside the period": {[]folded{push(at + 100), before}, nil, false},
		"blocked by code":                  {append(slices.Clone(push100), code("left", at+200, false)), nil, false},
		"blocked by code, delivered later": {[]folded{code("left", at+100, true)}, nil, false},
		"blocked by code before":           {append(slices.Clone(push100), code("left", at+99, false)), nil, true},
		"blocked by code in the future": {append(slices.Clone(push100), code("left", testNow.UnixMilli()+1, false)),
			nil, true},
		"opted out by code":   {append(slices.Clone(push100), code("stop", at+200, false)), nil, false},
		"by a code of before": {append(slices.Clone(push100), code("left", 0, false)), nil, true},
		"a dead number": {[]folded{func() folded { f := sms; f.recipient = "+79000000009"; return f }()}, nil,
			false},
		"a living number":         {[]folded{sms}, nil, true},
		"the steps' person":       {[]folded{push(0), second}, nil, true},
		"deliveries not reported": {[]folded{blind, second}, nil, true},
	}
	// Each case is an account of its own.
	conn := newConn(t)
	var rows []folded
	var losses []loss
	for name, c := range cases {
		for _, f := range c.rows {
			f.account = name
			rows = append(rows, f)
		}
		for _, l := range c.losses {
			if l.account == "acme" {
				l.account = name
			}
			losses = append(losses, l)
		}
		if strings.Contains(name, "code") {
			if _, err := schema.InsertReference(t.Context(), conn, schema.ReferenceErrorMap, name, "test", 2,
				[]byte(`[{"provider":"*","code":"left","class":"blocked_by_user"},{"provider":"*","code":"stop","class":"opted_out"}]`), testNow); err != nil {
				t.Fatal(err)
			}
		}
	}
	insertFolded(t, conn, rand.New(rand.NewPCG(1, 1)), rows)
	storePeople(t, conn)
	insertLosses(t, conn, losses)
	insertDead(t, conn, map[deadNumber]bool{{"a dead number", "+79000000009"}: true,
		{"a living number", "+79000000001"}: false, {"delivered", "device:1"}: true})
	for _, groupBy := range []string{"account", "account,operator"} { // from counts, and from attempts
		reply := answerOf(t, newServer(t, conn), "/v1/reports/penetration", url.Values{"group_by": {groupBy},
			"from": {"2026-10-01"}, "to": {"2026-11-15"}, "limit": {"10000"}})
		byAccount := map[any][]map[string]any{}
		for _, row := range reply.Rows {
			byAccount[row["account"]] = append(byAccount[row["account"]], row)
		}
		for name, c := range cases {
			rows := byAccount[name]
			var reached any = number(0)
			for _, row := range rows {
				if row["audience"] != number(1) || row["tested"] != number(1) ||
					(row["reached"] == number(0)) != (row["messages_movable"] == number(0)) {
					t.Errorf("%s: %v", name, row)
				}
				if row["reached"] != number(0) {
					reached = row["reached"]
				}
			}
			if want := number(int(answer.Bit(c.reached))); len(rows) == 0 || reached != want {
				t.Errorf("%s: %v, want reached %s", name, rows, want)
			}
		}
	}
}
