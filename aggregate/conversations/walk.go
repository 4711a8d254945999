// Package conversations decides which attempts carry the units that dialogs are priced by (docs/definitions.md
// section 4, "Conversations"): what one person and one sender said to each other on one channel in, units out. It is
// pure.
package conversations

import (
	"cmp"
	"math"
	"slices"
	"time"

	"kaskad/aggregate/cells"
	"kaskad/schema"
)

// dialogWindow is how long a conversation lasts, and how long a customer's message keeps messages to them free
// (docs/definitions.md section 4).
const dialogWindow = int64(24 * time.Hour / time.Millisecond)

// Dialog is a delivered attempt in what one person and one sender said to each other on one channel, or (inbound) what
// the person wrote besides.
type Dialog struct {
	MessageID   string
	BucketMS    int64
	Step        uint8
	DeliveredMS int64
	RepliesMS   []int64
	Inbound     bool
	// Conversation: the attempt carries the unit of a conversation. Outside: it was delivered outside of the customer's
	// window.
	Conversation, Outside bool
	// Mine: the attempt is of a message that the edition holds; its units are not known before the walk, and Decided is
	// to have them. The units of others are as published.
	Mine    bool
	Decided *cells.Dialog
}

// turn is a moment of the walk: a message from the customer, or the delivery of an attempt.
type turn struct {
	at       int64
	delivery int // 1, and 0 for what the customer wrote, which comes first
	dialog   *Dialog
}

// Walk decides the units of all attempts of one person, sender and channel by docs/definitions.md section 4,
// "Conversations". It returns the attempts that are not Mine and whose units have changed. The result does not depend
// on the order of the attempts.
func Walk(dialogs []Dialog) (moved []*Dialog) {
	turns := make([]turn, 0, 2*len(dialogs))
	for i := range dialogs {
		d := &dialogs[i]
		if !d.Inbound {
			turns = append(turns, turn{d.DeliveredMS, 1, d})
		}
		for _, at := range d.RepliesMS {
			turns = append(turns, turn{at, 0, d})
		}
	}
	slices.SortFunc(turns, func(x, y turn) int {
		return cmp.Or(cmp.Compare(x.at, y.at), cmp.Compare(x.delivery, y.delivery),
			cmp.Compare(x.dialog.MessageID, y.dialog.MessageID), cmp.Compare(x.dialog.Step, y.dialog.Step))
	})
	end, lastInbound := int64(math.MinInt64), -schema.Never
	for _, t := range turns {
		if t.delivery == 0 {
			end, lastInbound = max(end, t.at+dialogWindow), t.at
			continue
		}
		d := t.dialog
		conversation, outside := t.at >= end, t.at >= lastInbound+dialogWindow
		if conversation {
			end = t.at + dialogWindow
		}
		if !d.Mine && (d.Conversation != conversation || d.Outside != outside) {
			moved = append(moved, d)
		}
		d.Conversation, d.Outside = conversation, outside
	}
	return moved
}
