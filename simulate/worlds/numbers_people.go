package worlds

import (
	"strings"
	"time"
)

// others plays what the person meets on other channels: cascades, tokens and apps.
func (g *numberMaker) others() {
	if g.chance(35) {
		g.cascade()
	}
	if g.chance(25) {
		g.apps()
	}
	if g.chance(20) {
		g.blocks()
	}
}

// cascade tries push, then a messenger, then SMS, to addresses of one person.
func (g *numberMaker) cascade() {
	msg := g.newMessage(g.some(), g.pick("- promo promo news"))
	at := msg.cohort
	for i, channel := range strings.Fields("push viber sms") {
		s := numberStep{step: i + 1, channel: channel, provider: g.pick("- p1 p2"), recipient: g.phone,
			contact: g.contact, smsSegments: 1 + g.r.IntN(4),
			sender: g.pick("- shop info")}
		if g.chance(35) {
			s.contact = "" // The message is the same person's.
		}
		if channel == "push" {
			s.recipient, s.app, s.provider = g.device, g.pick("shop shop bank -"),
				g.pick("fcm firebase apns pusher - - -")
			if g.chance(20) {
				s.recipient += "b" // Another device.
			}
		}
		if g.mail && channel == "sms" {
			s.channel, s.provider = "email", "mailer"
		}
		if channel == "viber" && g.chance(60) {
			s.provider = "viber"
		}
		switch o := (numberOutcome{at: at.Add(time.Minute)}); g.r.IntN(6) {
		case 0:
			o.status = "skipped"
			g.play(msg, s, o)
		case 1, 2:
			o.status, o.code = g.pick("undelivered rejected"),
				g.pick("SRVC_NOT_VIBER_USER SRVC_NOT_VIBER_USER SRVC_USER_BLOCKED UNREGISTERED 27 7 21610 -")
			g.play(msg, s, numberOutcome{status: "accepted", at: at}, o)
		default:
			o.status = g.pick("delivered delivered read clicked")
			g.play(msg, s, o)
			if g.chance(60) {
				return
			}
		}
		at = at.Add(time.Hour)
	}
}

// apps subscribe, leave, are installed again, and answer with errors of their token, often at one time.
func (g *numberMaker) apps() {
	at := g.some()
	recipient := g.device
	if g.chance(30) {
		recipient = g.phone
	}
	for range 1 + g.r.IntN(5) {
		app := g.pick("shop shop shop bank -")
		switch g.r.IntN(7) {
		case 0, 1:
			g.person("subscribed", "push", app, recipient, at)
		case 2:
			g.person("uninstalled", "push", app, recipient, at)
		case 3:
			g.person("unsubscribed", "push", app, recipient, at)
		case 4, 5:
			g.token("push", app, recipient, at)
		case 6:
			// Not of push: it ends reach there, and tells nothing of the app.
			g.token("viber", app, recipient, at)
		}
		at = at.Add([]time.Duration{0, 0, time.Millisecond, time.Hour, day}[g.r.IntN(5)])
	}
}

// token plays an attempt that fails since the app is gone, or is delivered.
func (g *numberMaker) token(channel, app, recipient string, at time.Time) {
	msg := g.newMessage(at, "")
	s := numberStep{channel: channel, app: app, recipient: recipient, contact: g.contact}
	o := numberOutcome{status: "undelivered", at: at.Add(g.span(time.Hour))}
	switch g.r.IntN(6) {
	case 0:
		s.provider, o.code = g.pick("fcm firebase"), "UNREGISTERED"
	case 1:
		s.provider, o.code = "apns", "BadDeviceToken"
	case 2:
		s.provider, o.code = "pusher", "7" // A token's error in some worlds.
	case 3:
		s.provider, o.code = "apns", "Unregistered"
	default:
		o.status, o.at = "delivered", at
	}
	g.play(msg, s, o)
}

// blocks are refusals of the person on a channel, by an event or by an error code, with and without a contact, around
// deliveries, and what ends them.
func (g *numberMaker) blocks() {
	at := g.some()
	channel := g.pick("viber whatsapp sms email")
	if g.chance(70) {
		g.deliver(channel, at)
	}
	near := func() time.Time {
		return at.Add([]time.Duration{0, time.Millisecond, -time.Millisecond, day, day}[g.r.IntN(5)])
	}
	for range 1 + g.r.IntN(2) {
		if at = near(); g.chance(50) {
			g.person(g.pick("blocked blocked unsubscribed complained uninstalled"), channel, g.pick("- - shop"),
				g.phone, at)
		} else {
			g.refused(channel, at)
		}
	}
	for range g.r.IntN(3) {
		switch status, end := g.pick("subscribed inbound read replied"), near(); status {
		case "subscribed", "inbound":
			g.person(status, channel, g.pick("- - shop"), g.phone, end)
		default:
			msg := g.newMessage(end.Add(-g.span(3*day)), "")
			s := numberStep{channel: channel, app: g.pick("- - shop"), sender: g.pick("- shop info"),
				recipient: g.phone, contact: g.contact}
			outcomes := []numberOutcome{{status: status, at: end}}
			if g.chance(30) {
				// Every reply counts.
				outcomes = append(outcomes, numberOutcome{status: "replied", at: end.Add(time.Hour)})
			}
			g.play(msg, s, outcomes...)
		}
	}
}

// refused plays an attempt whose error code tells that the person has blocked the sender or opted out, at exactly that
// time; now and then it is delivered later.
func (g *numberMaker) refused(channel string, at time.Time) {
	msg := g.newMessage(at.Add(-g.span(day)), "")
	s := numberStep{channel: channel, app: g.pick("- - shop"), sender: g.pick("- shop info"), recipient: g.phone,
		contact: g.contact, segments: 1}
	o := numberOutcome{status: g.pick("undelivered rejected"), at: at}
	switch channel {
	case "viber":
		s.provider, o.code = "viber", "SRVC_USER_BLOCKED"
	case "whatsapp":
		s.provider, o.code = g.pick("whatsapp 360dialog"), "131050"
	default:
		choice := strings.Split(g.pick("twilio:21610 p2:910 p3:21610"), ":")
		s.provider, o.code = choice[0], choice[1]
	}
	outcomes := []numberOutcome{o}
	if g.chance(20) {
		outcomes = append(outcomes, numberOutcome{status: "delivered", at: at.Add(g.span(day))})
	}
	g.play(msg, s, outcomes...)
}
