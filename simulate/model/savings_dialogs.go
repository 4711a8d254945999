package model

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// dialogKey is what a conversation is held between.
type dialogKey struct {
	account, channel, sender uint32
	recipient                string
}

// moment is an inbound message of the customer, or the delivery of an attempt.
type moment struct {
	at      int64
	id      string
	attempt *Attempt // nil for an inbound message.
}

// dialogUnits are the units of a delivered attempt under the two billings that look at what the customer writes.
type dialogUnits struct {
	conversation, outside int64
}

// dialogs decides the conversations and windows of docs/definitions.md section 4 over all messages whose cohort is
// known: they depend on events alone, whatever a report selects. It returns the units of every delivered attempt.
func (m *Model) dialogs() map[*Attempt]dialogUnits {
	moments := make(map[dialogKey][]moment)
	for mk, msg := range m.messages {
		cohort, known := msg.cohort()
		if !known {
			continue
		}
		for i := range msg.attempts {
			a := &msg.attempts[i]
			key := dialogKey{mk.account, a.dims[dimChannel], a.dims[dimSender], a.Recipient}
			for _, at := range a.Replies {
				moments[key] = append(moments[key], moment{at: at})
			}
			if f := a.derive(cohort); f.Delivered {
				moments[key] = append(moments[key], moment{f.DeliveredAt, mk.ID, a})
			}
		}
	}
	for e := range m.people {
		if m.strings[e.Status] == "inbound" {
			key := dialogKey{e.Account, e.Channel, e.Sender, e.Recipient}
			moments[key] = append(moments[key], moment{at: e.Occurred})
		}
	}
	units := make(map[*Attempt]dialogUnits)
	for _, all := range moments {
		walk(all, units)
	}
	return units
}

// walk goes through one dialog.
func walk(all []moment, units map[*Attempt]dialogUnits) {
	slices.SortFunc(all, func(x, y moment) int {
		first := cmp.Compare(x.at, y.at)
		switch {
		case first != 0 || x.attempt == nil && y.attempt == nil:
			return first
		case x.attempt == nil:
			return -1
		case y.attempt == nil:
			return 1
		}
		return cmp.Or(strings.Compare(x.id, y.id), cmp.Compare(x.attempt.Step, y.attempt.Step))
	})
	var inbound []int64
	for _, m := range all {
		if m.attempt == nil {
			inbound = append(inbound, m.at)
		}
	}
	end := int64(math.MinInt64)
	for _, now := range all {
		if now.attempt == nil {
			end = max(end, now.at+dayMS)
			continue
		}
		var u dialogUnits
		if now.at >= end {
			u.conversation = 1
			end = now.at + dayMS
		}
		u.outside = 1
		for _, r := range inbound {
			if r <= now.at && now.at < r+dayMS {
				u.outside = 0
			}
		}
		units[now.attempt] = u
	}
}
