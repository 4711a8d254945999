package state

import "strings"

// Person is whom the message goes to, whoever its steps address: the greatest contact, else [Message.Recipient].
func (m *Message) Person() string {
	if contact := m.Contact(); contact != "" {
		return contact
	}
	return m.Recipient()
}

// Contact is the greatest of its steps.
func (m *Message) Contact() (contact string) {
	for i := range m.Attempts {
		contact = max(contact, m.Attempts[i].Contact)
	}
	return contact
}

// Recipient is the greatest phone number of its steps, else the recipient of the lowest step. A number that was erased
// stays one under its pseudonym.
func (m *Message) Recipient() string {
	number := ""
	for i := range m.Attempts {
		recipient := m.Attempts[i].Recipient()
		if strings.HasPrefix(recipient, "+") || strings.HasPrefix(recipient, "user:erased-") {
			number = max(number, recipient)
		}
	}
	if number == "" && len(m.Attempts) > 0 {
		return m.Attempts[0].Recipient()
	}
	return number
}
