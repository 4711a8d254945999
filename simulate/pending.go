package simulate

import "strings"

func (m *Model) foldReason(a *attempt) {
	if code := strings.TrimLeft(m.wire.ErrorCode, "0"); code > m.strings[a.errorCode] {
		a.errorCode = m.intern(code)
	}
	a.permanent = a.permanent || m.wire.Permanent == saidTrue
}

func (m *Model) repliesOf(msg *message, a *attempt) []int64 {
	if a.times[replied] != 0 { return []int64{a.times[replied]} }
	return nil
}

func (m *Model) person(msg *message) string {
	contact, phone, lowest, step := "", "", "", uint8(255)
	for _, a := range msg.attempts {
		contact = max(contact, a.contact)
		if strings.HasPrefix(a.recipient, "+") { phone = max(phone, a.recipient) }
		if a.step < step { lowest, step = a.recipient, a.step }
	}
	if contact != "" { return contact }
	if phone != "" { return phone }
	return lowest
}
