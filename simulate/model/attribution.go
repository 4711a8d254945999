package model

import (
	"cmp"
	"strings"
)

// attributed tells which statuses of its recipient belong to an attempt.
type attributed struct {
	unsubscribed, blocked, complained bool
}

// candidate is a delivered attempt that an event of a recipient may belong to.
type candidate struct {
	attempt          *Attempt
	id, channel, app string
	at               int64
}

// compare orders candidates by delivered time, message_id and step: the greatest is the one that an event belongs to.
func (c candidate) compare(other candidate) int {
	return cmp.Or(cmp.Compare(c.at, other.at), strings.Compare(c.id, other.id),
		cmp.Compare(c.attempt.Step, other.attempt.Step))
}

// attributions finds the attempts that opt-outs, blocks and complaints belong to, by docs/definitions.md section 3.
func (m *Model) attributions() map[*Attempt]attributed {
	type address struct {
		account   uint32
		recipient string
	}
	ofMessage := make(map[MessageKey][]candidate)
	ofAddress := make(map[address][]candidate)
	for key, msg := range m.messages {
		cohort, known := msg.cohort()
		if !known {
			continue
		}
		for i := range msg.attempts {
			a := &msg.attempts[i]
			f := a.derive(cohort)
			if !f.Delivered {
				continue
			}
			c := candidate{a, key.ID, m.Channel(a), m.App(a), f.DeliveredAt}
			ofMessage[key] = append(ofMessage[key], c)
			ofAddress[address{key.account, a.Recipient}] = append(ofAddress[address{key.account, a.Recipient}], c)
		}
	}

	found := make(map[*Attempt]attributed)
	for e := range m.people {
		status, channel, app := m.strings[e.Status], m.strings[e.Channel], m.strings[e.App]
		if !oneOf(status, "unsubscribed", "blocked", "complained") {
			continue
		}
		var best *candidate
		consider := func(c candidate) {
			if best == nil || c.compare(*best) > 0 {
				best = &c
			}
		}
		if e.messageID != "" {
			all := ofMessage[MessageKey{e.Account, e.messageID}]
			for _, c := range all {
				if c.channel == channel {
					consider(c)
				}
			}
			if best == nil {
				for _, c := range all {
					consider(c)
				}
			}
		} else {
			for _, c := range ofAddress[address{e.Account, e.Recipient}] {
				sameApp := app == "" || c.app == "" || app == c.app
				if c.channel == channel && sameApp && e.Occurred-7*dayMS <= c.at && c.at <= e.Occurred {
					consider(c)
				}
			}
		}
		if best == nil {
			continue
		}
		a := found[best.attempt]
		a.unsubscribed = a.unsubscribed || status == "unsubscribed"
		a.blocked = a.blocked || status == "blocked"
		a.complained = a.complained || status == "complained"
		found[best.attempt] = a
	}
	return found
}
