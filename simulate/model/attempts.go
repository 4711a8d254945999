package model

// Folded is an attempt of a message whose cohort is known, with what follows from its events.
type Folded struct {
	Account string
	Key     MessageKey
	Msg     *Message
	Attempt *Attempt
	Cohort  int64
	Facts   facts
}

// Attempts returns all attempts whose cohort is known, skipped ones too, in no order.
func (m *Model) Attempts() []Folded {
	var all []Folded
	for key, msg := range m.messages {
		cohort, known := msg.cohort()
		if !known {
			continue
		}
		for i := range msg.attempts {
			a := &msg.attempts[i]
			all = append(all, Folded{m.strings[key.account], key, msg, a, cohort, a.derive(cohort)})
		}
	}
	return all
}

// Began is the time of an attempt, and of its failure: its start, or its cohort when that is unknown.
func (x *Folded) Began() int64 {
	if x.Facts.Start == Unknown {
		return x.Cohort
	}
	return x.Facts.Start
}
