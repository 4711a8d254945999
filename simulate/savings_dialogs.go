package simulate

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// dialogKey is what a conversation is held between.
type dialogKey struct {
	account, channel, sender uint32
	recipient                string
}

// moment is a customer's reply, or the delivery of an attempt.
type moment struct {
	at      int64
	reply   bool
	id      string
	attempt *attempt
}

// dialogUnits are the units of a delivered attempt under the two billings that look at the customer's replies.
type dialogUnits struct {
	conversation, outside int64
}

// dialogs decides the conversations and reply windows of docs/definitions.md section 4 over all messages whose cohort is known:
// they depend on events alone, whatever a report selects. It returns the units of every delivered attempt.
func (m *Model) dialogs() map[*attempt]dialogUnits {
	moments := make(map[dialogKey][]moment)
	for mk, msg := range m.messages {
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
			key := dialogKey{mk.account, a.dims[dimChannel], a.dims[dimSender], a.recipient}
			moments[key] = append(moments[key], moment{f.deliveredAt, false, mk.id, a})
			if f.replied {
				moments[key] = append(moments[key], moment{f.repliedAt, true, mk.id, a})
			}
		}
	}
	units := make(map[*attempt]dialogUnits)
	for _, all := range moments {
		walk(all, units)
	}
	return units
}

// walk goes through one dialog, month by month.
func walk(all []moment, units map[*attempt]dialogUnits) {
	slices.SortFunc(all, func(x, y moment) int {
		repliesFirst := 0
		if x.reply != y.reply {
			repliesFirst = 1
			if x.reply {
				repliesFirst = -1
			}
		}
		return cmp.Or(cmp.Compare(x.at, y.at), repliesFirst, strings.Compare(x.id, y.id), cmp.Compare(x.attempt.step, y.attempt.step))
	})
	var replies []int64
	for _, m := range all {
		if m.reply {
			replies = append(replies, m.at)
		}
	}
	month := ""
	open, carried := int64(0), false // When the current window was opened, and whether an attempt of it has carried its unit.
	for _, now := range all {
		thisMonth := time.UnixMilli(now.at).UTC().Format("2006-01")
		if thisMonth != month || now.at >= open+dayMS {
			month, open, carried = thisMonth, now.at, false
		}
		if now.reply {
			continue
		}
		var u dialogUnits
		if !carried {
			u.conversation = 1
			carried = true
		}
		u.outside = 1
		for _, r := range replies {
			if r <= now.at && now.at < r+dayMS {
				u.outside = 0
			}
		}
		units[now.attempt] = u
	}
}
