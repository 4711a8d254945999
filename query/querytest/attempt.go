package querytest

import (
	"encoding/json"
	"maps"
	"math/big"
	"slices"
	"testing"
	"time"

	"kaskad/money"
)

// Attempt is an attempted step of a message to somebody who gets no other, as a model is told of it.
type Attempt struct {
	Account, Message, Campaign, Template string
	CohortMS                             int64
	Number                               int // of the step, from 1
	SMSSegments                          uint16
	Step                                 money.Step
	Charges                              map[string]int64 // what was reported, in micro-units by currency
	Wrote                                bool             // the customer had written before, on the channel
}

// OpenConversation sets what a delivery on WhatsApp carries: the first one of a message from its sender opens a
// conversation, which nobody answers; none does where the customer had written before.
func OpenConversation(l *money.Step, before []money.Step, wrote bool) {
	if l.Channel != "whatsapp" || !l.Delivered || wrote {
		return
	}
	l.Outside = true
	l.Conversation = !slices.ContainsFunc(before, func(b money.Step) bool {
		return b.Conversation && b.Sender == l.Sender
	})
}

// Events tell what is known of the attempt.
func (a Attempt) Events(tb testing.TB) (lines [][]byte) {
	tb.Helper()
	write := func(fields map[string]any) {
		line, err := json.Marshal(fields)
		if err != nil {
			tb.Fatal(err)
		}
		lines = append(lines, line)
	}
	fields := map[string]any{"account": a.Account, "channel": a.Step.Channel, "recipient": "user:" + a.Message,
		"occurred_at": time.UnixMilli(a.CohortMS).UTC()}
	addTexts := func(texts map[string]string) {
		for name, text := range texts {
			if text != "" {
				fields[name] = text
			}
		}
	}
	addTexts(map[string]string{"sender": a.Step.Sender, "provider": a.Step.Provider})
	if a.Wrote {
		inbound := maps.Clone(fields)
		inbound["status"] = "inbound"
		write(inbound)
	}
	fields["message_id"], fields["step"], fields["submitted_at"] = a.Message, a.Number, fields["occurred_at"]
	fields["occurred_at"] = time.UnixMilli(a.CohortMS + int64(a.Number)*1000).UTC()
	fields["status"] = statusOf(a.Step)
	addTexts(map[string]string{"campaign": a.Campaign, "template": a.Template, "operator": a.Step.Operator,
		"country": a.Step.Country, "traffic": a.Step.Traffic, "app": a.Step.App, "trigger": a.Step.Trigger})
	for name, n := range map[string]uint16{"segments": a.Step.Segments, "sms_segments": a.SMSSegments} {
		if n > 0 {
			fields[name] = n
		}
	}
	if a.Step.NotBilled {
		fields["billable"] = false
	}
	write(fields)
	for currency, micros := range a.Charges {
		fields["currency"], fields["price"] = currency, new(big.Rat).SetFrac64(micros, 1_000_000).FloatString(6)
		write(fields)
	}
	return lines
}

// statusOf is the one status from which all follows that a step says.
func statusOf(l money.Step) string {
	switch {
	case l.Read:
		return "read"
	case l.Delivered:
		return "delivered"
	case l.Failed && l.Sent:
		return "undelivered"
	case l.Failed:
		return "rejected"
	case l.Sent:
		return "sent"
	}
	return "queued"
}
