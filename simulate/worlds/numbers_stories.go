package worlds

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// around returns a duration, a millisecond less or more of it, or something else near it.
func (g *numberMaker) around(d time.Duration) time.Duration {
	switch g.r.IntN(7) {
	case 0, 1, 2:
		return d
	case 3:
		return d - time.Millisecond
	case 4:
		return d + time.Millisecond
	case 5:
		return d - d/5
	}
	return d + d/3
}

func (g *numberMaker) span(most time.Duration) time.Duration {
	return time.Duration(g.r.Int64N(int64(most))).Truncate(time.Millisecond)
}

// reason returns a provider, a code and whether it is called permanent, for failures of a class under the shipped
// codes. Some codes mean it in some worlds only.
func (g *numberMaker) reason(class string) (provider, code string, permanent bool) {
	from := func(list ...string) (string, string, bool) {
		choice := strings.Split(list[g.r.IntN(len(list))], ":")
		return choice[0], choice[1], len(choice) > 2
	}
	if g.mail {
		switch class {
		case "unknown_subscriber", "not_sms_capable":
			return from("mailer:550", "mailer:550", "mailer:550:permanent")
		case "expired":
			return from("mailer:", ":0")
		case "never":
			return from("mailer:421", "mailer:1", "mailer:900")
		}
		return from("mailer:552", "mailer:552", "mailer:XX", "post:XX:permanent", "p1:27")
	}
	switch class {
	case "unknown_subscriber":
		return from("p1:1", "p1:1", "p1:1", "p2:0144", "p2:144", ":144", "twilio:30005", "p3:30005", "nobody:1",
			"vonage:1", "nexmo:1")
	case "not_sms_capable":
		return from("p1:11", "p2:011", "twilio:30006", "nobody:11")
	case "deactivated":
		return from("p1:900", "p1:900", "p2:900")
	case "invalid_format":
		return from("p1:901", "p1:901", "bells:28")
	case "absent_subscriber":
		return from("p1:27", "p2:6", "p1:006", "twilio:30003", "nobody:27")
	case "expired":
		return from("p1:", "p2:0", ":000")
	case "unknown":
		return from("p1:32", "p1:5", "p1:X404", "p2:ZZ", ":", "p1:X404:permanent", "p2:XX:permanent", ":XX:permanent")
	case "never":
		return from("p1:33", "p2:34", ":51", "twilio:21610", "twilio:30007", "p2:910")
	}
	return from("p1:256", "p2:31", "p1:9", ":13", "p1:8") // Other soft ones.
}

// fail plays a failure of a class whose time is exactly at, reported up to three days later.
func (g *numberMaker) fail(at time.Time, class, campaign string) *numberMessage {
	at = g.clamp(at)
	s := numberStep{channel: g.evidenceChannel(), recipient: g.phone, segments: g.r.IntN(3), smsSegments: g.r.IntN(3),
		contact: g.contact}
	o := numberOutcome{status: g.pick("undelivered undelivered rejected failed expired")}
	s.provider, o.code, o.permanent = g.reason(class)
	if class == "expired" {
		o.status = "expired"
	} else if o.code == "" {
		o.status = g.pick("undelivered rejected failed")
	}
	o.at = at.Add(g.span(72 * time.Hour))
	if g.chance(60) {
		msg := g.newMessage(at, campaign) // Its cohort is its start.
		s.step = 1
		if g.chance(25) {
			s.step = 2 // Of which nothing but the failure is known.
		}
		g.play(msg, s, o)
		return msg
	}
	msg := g.newMessage(at.Add(-g.span(3*time.Hour)), campaign)
	outcomes := []numberOutcome{{status: g.pick("accepted sent queued"), at: at}, o}
	if g.chance(20) {
		// The same failure once more, with another code or none: that of the latest counts, at one time the greatest.
		at := o.at.Add([]time.Duration{-time.Hour, -time.Millisecond, -time.Millisecond, 0,
			time.Millisecond}[g.r.IntN(5)])
		outcomes = append(outcomes, numberOutcome{status: "undelivered", at: at, code: g.pick("0 1 27 9 900 550 -")})
	}
	g.play(msg, s, outcomes...)
	return msg
}

// deliver plays a delivery at exactly that time.
func (g *numberMaker) deliver(channel string, at time.Time) {
	at = g.clamp(at)
	msg := g.newMessage(at.Add(-g.span(2*time.Hour)), g.pick("- c1 shared"))
	s := numberStep{channel: channel, provider: g.pick("- p1 p2"), recipient: g.phone, segments: 1, contact: g.contact}
	outcomes := []numberOutcome{{status: "delivered", at: at}}
	if g.chance(15) {
		// Part by part, the last one completes it.
		outcomes = []numberOutcome{{status: "delivered", at: at.Add(-g.span(time.Hour)), part: 1, parts: 2},
			{status: "delivered", at: at, part: 2, parts: 2}}
	}
	if g.chance(15) {
		// A delivery beats a failure.
		outcomes = append(outcomes, numberOutcome{status: "undelivered", at: at.Add(g.span(day)), code: "1"})
	}
	if channel != "sms" && g.chance(40) {
		outcomes = append(outcomes, numberOutcome{status: g.pick("read replied"), at: at.Add(g.span(day))})
	}
	switch {
	case channel == "email" && g.chance(15):
		// It bounces after all, unless it was answered.
		outcomes = append(outcomes, numberOutcome{status: "undelivered", at: at.Add(g.span(time.Hour)), code: "550",
			permanent: true})
	case channel == "email" && g.chance(15):
		outcomes[0] = numberOutcome{status: g.pick("read clicked"), at: at, machine: true}
	}
	g.play(msg, s, outcomes...)
}

func (g *numberMaker) evidenceChannel() string {
	if g.mail {
		return "email"
	}
	return g.pick("sms sms sms sms sms sms voice flash_call")
}

// story makes a history around one of the rules.
func (g *numberMaker) story() {
	stories := []func(){g.healthy, g.hardDeath, g.hardDeath, g.hardDeath, g.softDeath, g.softDeath, g.atOnce, g.revival,
		g.revival, g.sameTime, g.neverCounts,
		g.multipart, g.retries, g.noEvidence, g.windowEdge, g.severalRecipients, g.chaos, g.chaos, g.lookups,
		g.unblocked, g.unblocked,
		g.oldDelivery, g.calls, g.deadSpend}
	stories[g.r.IntN(len(stories))]()
}

// midnights lie on borders of days and months.
func (g *numberMaker) midnight() time.Time {
	if g.chance(30) {
		return time.Date(2026, time.Month(9+g.r.IntN(3)), 1, 0, 0, 0, 0, time.UTC)
	}
	return g.numbers.Now.Truncate(day).Add(-time.Duration(20+g.r.IntN(60)) * day)
}

// some returns a time in the last months, often on a midnight or close to one.
func (g *numberMaker) some() time.Time {
	at := g.midnight()
	switch g.r.IntN(4) {
	case 0:
		return at.Add(-time.Millisecond)
	case 1:
		return at
	}
	return at.Add(g.span(day))
}

func (g *numberMaker) healthy() {
	for range 1 + g.r.IntN(4) {
		g.deliver(g.evidenceChannel(), g.some())
	}
	if g.chance(50) {
		g.fail(g.some(), g.pick("expired absent_subscriber never"), "")
	}
}

// hardDeath is a row of hard failures, on both sides of the rule's hours and mailings.
func (g *numberMaker) hardDeath() {
	at := g.some()
	class := g.pick("unknown_subscriber unknown_subscriber not_sms_capable")
	if g.chance(30) {
		g.deliver(g.evidenceChannel(), at.Add(-g.span(3*day)))
	}
	if g.chance(30) {
		g.fail(at.Add(-g.span(2*day)), "expired", g.pick("- shared"))
	}
	campaign := ""
	if g.chance(20) {
		campaign = "shared"
	}
	g.fail(at, class, campaign)
	for range g.r.IntN(4) {
		if at = at.Add(g.around(time.Duration(g.rules.HardHours) * time.Hour)); g.chance(20) {
			at = at.Add(-time.Duration(g.rules.HardHours) * time.Hour)
		}
		g.fail(at, class, campaign)
	}
}

// softDeath is a row of soft failures over the rule's days, and perhaps something that forbids it.
func (g *numberMaker) softDeath() {
	begin := g.some().Add(-20 * day)
	total := g.around(time.Duration(g.rules.SoftDays) * day)
	failures := g.rules.SoftMailings + g.r.IntN(3) - 1
	if g.chance(70) {
		failures = max(failures, g.rules.SoftMailings)
	}
	last := begin
	for i := range failures {
		if i > 0 {
			last = begin.Add(total * time.Duration(i) / time.Duration(max(failures-1, 1))).Truncate(time.Millisecond)
		}
		class := g.pick("expired expired absent_subscriber soft unknown")
		if i < failures-1 && g.chance(4) {
			class = "unknown_subscriber"
		}
		g.fail(last, class, g.pick("- c"+strconv.Itoa(1000+i)+" c"+strconv.Itoa(1000+i)+" c"+strconv.Itoa(1000+i)))
	}
	if g.chance(40) {
		// A delivery elsewhere, on both sides of the quiet days' first midnight, or on the failure's own day.
		edge := last.Truncate(day).Add(-time.Duration(g.rules.QuietDays) * day)
		at := []time.Time{edge, edge.Add(-time.Millisecond), last.Truncate(day),
			last.Truncate(day).Add(day - time.Millisecond), last.Truncate(day).Add(day),
			last, edge.Add(-3 * day)}[g.r.IntN(7)]
		g.deliver(g.pick("push viber whatsapp vk"), at)
	}
	if g.chance(25) {
		g.fail(last.Add(g.span(20*day)), g.pick("expired unknown_subscriber"), "")
	}
}

// unblocked makes a soft death that is taken back by a delivery elsewhere later on the same day, over a hard one.
func (g *numberMaker) unblocked() {
	end := g.midnight().Add(8 * time.Hour)
	for i := range g.rules.SoftMailings {
		at := end.Add(-time.Duration(g.rules.SoftDays) * day * time.Duration(g.rules.SoftMailings-1-i) /
			time.Duration(max(g.rules.SoftMailings-1, 1)))
		class := "expired"
		if i == 0 && g.chance(50) {
			class = "unknown_subscriber"
		}
		g.fail(at.Truncate(time.Millisecond), class, "")
	}
	if g.chance(50) {
		g.fail(end.Add(2*time.Hour), "unknown_subscriber", "")
	}
	g.deliver(g.pick("push viber"), end.Add(4*time.Hour))
	if g.chance(40) {
		g.deliver(g.evidenceChannel(), end.Add(6*time.Hour))
	}
}

// atOnce is a failure of a class that kills by itself, alone or beside others.
func (g *numberMaker) atOnce() {
	at := g.some()
	g.fail(at, g.pick("deactivated deactivated invalid_format"), g.pick("- c1"))
	switch g.r.IntN(4) {
	case 0:
		g.fail(at, g.pick("deactivated invalid_format unknown_subscriber"), "")
	case 1:
		g.deliver(g.evidenceChannel(), at.Add(g.around(day)))
	}
}

// revival is a death and a success after it, around all the borders of both.
func (g *numberMaker) revival() {
	back := g.clamp(g.numbers.Now.Add(-g.around(time.Duration(g.rules.RevivedDays) * day)))
	if g.chance(40) {
		back = g.some()
	}
	died := back.Add(-g.around(3 * day))
	if g.chance(30) {
		died = back.Add(-g.span(40 * day))
	}
	switch g.r.IntN(3) {
	case 0:
		g.fail(died, "deactivated", "")
	case 1:
		g.lookup(died, "false", time.Time{})
	default:
		for i := range g.rules.HardMailings {
			g.fail(died.Add(-time.Duration(i*g.rules.HardHours)*time.Hour), "unknown_subscriber", "")
		}
		if g.rules.HardMailings == 1 {
			g.fail(died.Add(-time.Duration(g.rules.HardHours)*time.Hour), "unknown_subscriber", "")
		}
	}
	g.deliver(g.evidenceChannel(), back)
	switch g.r.IntN(5) {
	case 0:
		g.deliver(g.evidenceChannel(), back.Add(g.span(10*day)))
	case 1:
		g.fail(back.Add(g.span(10*day)), g.pick("expired unknown_subscriber deactivated"), "")
	case 2:
		g.fail(back, g.pick("unknown_subscriber deactivated expired"), "") // At that very time.
	case 3:
		g.fail(died.Add(g.span(3*day)), "unknown_subscriber", "")
	}
}

// sameTime puts several things on one millisecond.
func (g *numberMaker) sameTime() {
	at := g.some()
	classes := strings.Fields("unknown_subscriber deactivated invalid_format expired not_sms_capable unknown never")
	for range 2 + g.r.IntN(3) {
		g.fail(at, classes[g.r.IntN(len(classes))], g.pick("- c1 c2 c3"))
	}
	if g.chance(60) {
		g.fail(at.Add(-day), "unknown_subscriber", "c0")
	}
	if g.chance(40) {
		g.deliver(g.pick("sms sms viber"), at)
	}
	if g.chance(20) {
		g.lookup(at, g.pick("false true -"), time.Time{})
	}
}

// neverCounts is a number whose failures say nothing of it.
func (g *numberMaker) neverCounts() {
	at := g.some().Add(-30 * day)
	for range 6 + g.r.IntN(3) {
		g.fail(at, "never", "")
		at = at.Add(3 * day)
	}
	if g.chance(30) {
		g.fail(at, g.pick("expired unknown_subscriber"), "")
	}
}

// noEvidence is a number that was never reached by what counts.
func (g *numberMaker) noEvidence() {
	msg := g.newMessage(g.some(), "")
	s := numberStep{channel: g.pick("whatsapp viber sms"), recipient: g.phone, contact: g.contact,
		provider: g.pick("- viber whatsapp p1")}
	o := numberOutcome{status: g.pick("skipped queued sent undelivered delivered read"),
		at: msg.cohort.Add(time.Minute)}
	if s.channel != "sms" {
		o.code = g.pick("SRVC_NOT_VIBER_USER SRVC_USER_BLOCKED 131026 1 -")
	} else if !slices.Contains([]string{"queued", "sent"}, o.status) {
		o.status = "skipped"
	}
	g.play(msg, s, o)
	if g.chance(20) {
		g.lookup(g.some(), g.pick("true -"), time.Time{})
	}
}

// windowEdge puts cohorts and lookups on both sides of the first day of evidence.
func (g *numberMaker) windowEdge() {
	edge := g.numbers.Now.Add(-time.Duration(g.rules.EvidenceDays) * day)
	for range 2 + g.r.IntN(3) {
		at := edge.Add([]time.Duration{0, 0, -time.Millisecond, time.Millisecond, -25 * time.Hour, day,
			30 * day}[g.r.IntN(7)])
		switch g.r.IntN(5) {
		case 0:
			g.deliver(g.evidenceChannel(), at.Add(time.Hour))
		case 1:
			g.lookup(at, "false", time.Time{})
		case 2:
			// The id tells an older cohort than events may carry.
			msg := &numberMessage{cohort: at}
			msg.id = uuidOf(at, g.r.Uint64(), g.r.Uint64())
			s := numberStep{channel: "sms", provider: "p1", recipient: g.phone}
			g.play(msg, s, numberOutcome{status: g.pick("delivered undelivered"), at: at.Add(10 * day), code: "1"})
		default:
			g.fail(at, g.pick("unknown_subscriber unknown_subscriber expired deactivated"), "")
		}
	}
}

// oldDelivery is a delivery of a message that is too old to be evidence, amid failures that are not: it still forbids
// the soft rule.
func (g *numberMaker) oldDelivery() {
	edge := g.numbers.Now.Add(-time.Duration(g.rules.EvidenceDays) * day)
	msg := &numberMessage{cohort: edge.Add(-g.span(day))}
	msg.id = uuidOf(msg.cohort, g.r.Uint64(), g.r.Uint64())
	s := numberStep{channel: g.pick("sms sms viber"), recipient: g.phone}
	g.play(msg, s, numberOutcome{status: "delivered", at: edge.Add(day)})
	for i := range g.rules.SoftMailings {
		since := 2*day + time.Duration(i*g.rules.SoftDays)*day/time.Duration(g.rules.SoftMailings-1)
		g.fail(edge.Add(since).Truncate(time.Millisecond), "expired", "")
	}
}

// severalRecipients is an attempt whose events name two or three numbers: the greatest is its recipient.
func (g *numberMaker) severalRecipients() {
	at := g.some()
	if g.chance(50) {
		g.fail(at.Add(-g.around(day)), "unknown_subscriber", "")
	}
	msg := g.newMessage(at, "")
	s := numberStep{channel: "sms", provider: "p1", contact: g.contact, segments: 1}
	names := []string{g.phone, g.neighbour}
	if g.chance(40) {
		names = append(names, strings.Replace(g.phone, "+7916", "+7915", 1))
	}
	g.r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	for i, name := range names {
		s.recipient = name
		o := numberOutcome{status: "sent", at: at.Add(time.Duration(i) * time.Minute)}
		if i == len(names)-1 {
			o = numberOutcome{status: g.pick("undelivered undelivered delivered"), at: at.Add(time.Hour), code: "1"}
		}
		g.play(msg, s, o)
	}
}

// lookups tell of validity and of a new owner, around deliveries.
func (g *numberMaker) lookups() {
	at := g.some()
	if g.chance(70) {
		g.deliver(g.pick("sms sms voice viber"), at)
	}
	owner := at.Add([]time.Duration{0, -time.Millisecond, time.Millisecond, -10 * day, 10 * day,
		-800 * day}[g.r.IntN(6)])
	if g.chance(20) {
		owner = time.Time{}
	}
	g.lookup(at.Add(g.around(2*day)), g.pick("true true false -"), owner)
	for range g.r.IntN(3) {
		g.lookup(at.Add(g.around(2*day)), g.pick("true false -"), time.Time{})
	}
	if g.chance(25) {
		g.deliver(g.evidenceChannel(), at.Add(g.span(20*day)))
	}
}

// chaos is anything, at times that fall together.
func (g *numberMaker) chaos() {
	begin := g.some().Add(-10 * day)
	steps := [...]time.Duration{0, 0, time.Millisecond, 12 * time.Hour, day, day, 3 * day, 7 * day, 14 * day, 30 * day}
	at := begin
	for range 3 + g.r.IntN(9) {
		switch g.r.IntN(9) {
		case 0:
			g.deliver(g.evidenceChannel(), at)
		case 1:
			g.deliver(g.pick("push viber whatsapp telegram"), at)
		case 2:
			g.lookup(at, g.pick("true false -"), time.Time{})
		default:
			g.fail(at, g.pick("unknown_subscriber unknown_subscriber expired expired absent_subscriber soft unknown "+
				"never not_sms_capable deactivated"),
				g.pick("- c1 c2 c3 c4 c5 c6"))
		}
		at = at.Add(steps[g.r.IntN(len(steps))])
	}
}
