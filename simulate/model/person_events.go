package model

import (
	"iter"
	"maps"
	"strings"
)

// PersonEvent is an event about a recipient with all that is kept of it: two equal ones are one event that came twice.
type PersonEvent struct {
	Account, Status, Channel, App, provider, Sender, campaign, Operator, errorCode uint32 // Interned.

	Recipient, Contact, messageID string
	Occurred, OwnerChanged        int64 // Unix milliseconds; ownerChanged is 0 when the event does not tell it.
	Ported, Valid                 said
}

func (m *Model) addPersonEvent(p parsed) {
	w := &m.wire
	e := PersonEvent{
		Account: m.intern(w.Account), Status: m.intern(w.Status), Channel: m.intern(w.Channel), App: m.intern(w.App),
		provider: m.intern(w.Provider),
		Sender:   m.intern(w.Sender), campaign: m.intern(w.Campaign), Operator: m.intern(w.Operator),
		errorCode: m.intern(strings.TrimLeft(w.ErrorCode, "0")),
		Recipient: w.Recipient, Contact: w.Contact, messageID: w.MessageID,
		Occurred: p.occurred, OwnerChanged: p.ownerChanged, Ported: w.Ported, Valid: w.Valid,
	}
	if m.people[e] {
		return
	}
	e.Recipient, e.Contact, e.messageID = strings.Clone(e.Recipient), strings.Clone(e.Contact),
		strings.Clone(e.messageID)
	m.people[e] = true
}

// PersonEvents are the events about recipients, in no order.
func (m *Model) PersonEvents() iter.Seq[PersonEvent] { return maps.Keys(m.people) }
