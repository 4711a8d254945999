package simulate

import "strings"

// personEvent is an event about a recipient with all that is kept of it: two equal ones are one event that came twice.
type personEvent struct {
	account, status, channel, app, provider, sender, campaign, operator, errorCode uint32 // Interned.

	recipient, contact, messageID string
	occurred, ownerChanged        int64 // Unix milliseconds; ownerChanged is 0 when the event does not tell it.
	ported, valid                 said
}

func (m *Model) addPersonEvent(p parsed) {
	w := &m.wire
	e := personEvent{
		account: m.intern(w.Account), status: m.intern(w.Status), channel: m.intern(w.Channel), app: m.intern(w.App),
		provider: m.intern(w.Provider),
		sender:   m.intern(w.Sender), campaign: m.intern(w.Campaign), operator: m.intern(w.Operator),
		errorCode: m.intern(strings.TrimLeft(w.ErrorCode, "0")),
		recipient: w.Recipient, contact: w.Contact, messageID: w.MessageID,
		occurred: p.occurred, ownerChanged: p.ownerChanged, ported: w.Ported, valid: w.Valid,
	}
	if m.people[e] {
		return
	}
	e.recipient, e.contact, e.messageID = strings.Clone(e.recipient), strings.Clone(e.contact),
		strings.Clone(e.messageID)
	m.people[e] = true
}
