package worlds

import "time"

// calls rings: a phone that does is alive, whatever the same number means as a MAP cause.
func (g *numberMaker) calls() {
	at := g.some()
	for range 2 + g.r.IntN(3) {
		msg := g.newMessage(at, "")
		s := numberStep{channel: g.pick("voice flash_call"), provider: g.pick("nobody bells p1 -"), recipient: g.phone,
			contact: g.contact}
		g.play(msg, s, numberOutcome{status: "undelivered", at: at.Add(time.Minute),
			code: g.pick("21 17 19 1 22 28 18 27 31")})
		at = at.Add(g.around(day))
	}
}

// deadSpend writes to a dead number around the moments of its death and of its return, with what is delivered elsewhere
// meanwhile.
func (g *numberMaker) deadSpend() {
	died := g.some()
	g.fail(died, "deactivated", "")
	back := died.Add(g.around(5 * day))
	for range 2 + g.r.IntN(3) {
		at := []time.Time{died, died.Add(time.Millisecond), back, back.Add(-time.Millisecond),
			died.Add(g.span(4 * day))}[g.r.IntN(5)]
		g.fail(at, g.pick("expired unknown_subscriber never"), "")
	}
	if g.chance(60) {
		// Sent while dead, delivered all the same.
		msg := g.newMessage(back.Add(-time.Hour), "")
		s := numberStep{channel: g.evidenceChannel(), provider: "p1", recipient: g.phone, segments: 2,
			contact: g.contact}
		g.play(msg, s, numberOutcome{status: "sent", at: back.Add(-time.Hour)},
			numberOutcome{status: "delivered", at: back})
	}
	if g.chance(40) {
		g.deliver(g.pick("viber push whatsapp"), []time.Time{died, died.Add(-time.Millisecond), back}[g.r.IntN(3)])
	}
}

// multipart failures, of parts that are delivered later too.
func (g *numberMaker) multipart() {
	at := g.some()
	for i := range 1 + g.r.IntN(3) {
		msg := g.newMessage(at.Add(time.Duration(i)*g.around(day)), "")
		s := numberStep{channel: "sms", provider: "p1", recipient: g.phone, segments: 3, contact: g.contact}
		outcomes := []numberOutcome{{status: "delivered", at: msg.cohort.Add(time.Minute), part: 1, parts: 3},
			{status: "delivered", at: msg.cohort.Add(time.Hour), part: 2, parts: 3}}
		last := numberOutcome{status: g.pick("undelivered expired rejected"), at: msg.cohort.Add(2 * time.Hour),
			part: 3, parts: 3}
		_, last.code, last.permanent = g.reason(g.pick("unknown_subscriber expired unknown never"))
		switch outcomes = append(outcomes, last); g.r.IntN(4) {
		case 0: // The part is delivered after all.
			outcomes = append(outcomes, numberOutcome{status: "delivered", at: last.at.Add(g.span(day)), part: 3,
				parts: 3})
		case 1: // A part that is delivered failed before, or later, with another code.
			at := last.at.Add(g.around(time.Hour) - time.Hour)
			outcomes = append(outcomes, numberOutcome{status: "undelivered", at: at, part: 1, parts: 3,
				code: g.pick("9 27 51 -")})
		}
		g.play(msg, s, outcomes...)
	}
}

// retries are failures of one mailing: a campaign, or a day.
func (g *numberMaker) retries() {
	at := g.midnight()
	campaign := g.pick("shared -")
	if campaign == "" {
		campaign = "-"
	}
	class := g.pick("unknown_subscriber expired")
	for range 3 + g.r.IntN(6) {
		g.fail(at, class, campaign)
		if campaign == "-" {
			at = at.Add(g.span(8 * time.Hour))
		} else {
			at = at.Add(g.around(3 * day))
		}
	}
	if g.chance(30) {
		g.fail(at.Truncate(day).Add(day), class, campaign)
	}
}
