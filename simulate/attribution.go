package simulate

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
	attempt          *attempt
	id, channel, app string
	at               int64
}

// compare orders candidates by delivered time, message_id and step: the greatest is the one that an event belongs to.
func (c candidate) compare(other candidate) int {
	return cmp.Or(cmp.Compare(c.at, other.at), strings.Compare(c.id, other.id),
		cmp.Compare(c.attempt.step, other.attempt.step))
}

// attributions finds the attempts that opt-outs, blocks and complaints belong to, by docs/definitions.md section 3.
func (m *Model) attributions() map[*attempt]attributed {
	type address struct {
		account   uint32
		recipient string
	}
	ofMessage := make(map[messageKey][]candidate)
	ofAddress := make(map[address][]candidate)
	for key, msg := range m.messages {
		cohort, known := msg.cohort()
		if !known {
			continue
		}
		for i := range msg.attempts {
			a := &msg.attempts[i]
			f := a.derive(cohort)
			if !f.delivered {
				continue
			}
			c := candidate{a, key.id, m.channel(a), m.app(a), f.deliveredAt}
			ofMessage[key] = append(ofMessage[key], c)
			ofAddress[address{key.account, a.recipient}] = append(ofAddress[address{key.account, a.recipient}], c)
		}
	}

	found := make(map[*attempt]attributed)
	for e := range m.people {
		status, channel, app := m.strings[e.status], m.strings[e.channel], m.strings[e.app]
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
			all := ofMessage[messageKey{e.account, e.messageID}]
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
			for _, c := range ofAddress[address{e.account, e.recipient}] {
				sameApp := app == "" || c.app == "" || app == c.app
				if c.channel == channel && sameApp && e.occurred-7*dayMS <= c.at && c.at <= e.occurred {
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
