package cells

import (
	"slices"

	"kaskad/schema"
	"kaskad/schema/law"
	"kaskad/schema/state"
)

// recipientRow is a row of attempts_by_recipient.
type recipientRow struct {
	account, bucket      uint32
	recipient, messageID string
	step                 uint8
	gone                 bool
	cohortMS             int64
	dims                 uint32
	contact, person      string

	startMS, deliveredMS, readMS, lastReplyMS int64

	code        law.Code
	leg         uint64
	smsSegments uint16
	errorCode   string
	errorMS     int64
	expired     bool
}

// recipientRows appends the rows of the message that was folded last.
func (s *Sum) recipientRows(rows []recipientRow, m *state.Message) []recipientRow {
	if len(s.steps) == 0 {
		return rows
	}
	account, person, cohortMS := s.names.of(m.Account), m.Person(), m.CohortMS()
	smsSegments := uint16(0)
	for i := range s.steps {
		if st := &s.steps[i]; st.Attempted {
			smsSegments = max(smsSegments, st.SMSSegments)
		}
	}
	for i := range s.steps {
		st := &s.steps[i]
		row := recipientRow{account: account, bucket: uint32(m.BucketMS / 1000), recipient: st.Recipient(),
			messageID: m.MessageID, step: st.Step, cohortMS: cohortMS, dims: st.dims, contact: st.Contact,
			person: person, startMS: st.StartMS, deliveredMS: st.DeliveredMS, readMS: st.ReadMS,
			code: st.CodeByRecipient(st.Segments), leg: st.leg, smsSegments: smsSegments, errorCode: st.ErrorCode(),
			errorMS: st.LastErrorMS, expired: st.Outcome.Expired}
		if n := len(st.RepliesMS); n > 0 {
			row.lastReplyMS = st.RepliesMS[n-1]
		}
		rows = append(rows, row)
	}
	return rows
}

// Dialog is a delivered attempt on a channel that knows conversations: a row of table dialogs.
type Dialog struct {
	state.Key
	Channel, Sender, Recipient string
	Step                       uint8
	DeliveredMS                int64
	RepliesMS                  []int64
	Units                      law.Units
}

// Equal reports whether both are the same in all.
func (d *Dialog) Equal(other *Dialog) bool {
	return d.Key == other.Key && d.Channel == other.Channel && d.Sender == other.Sender &&
		d.Recipient == other.Recipient && d.Step == other.Step && d.DeliveredMS == other.DeliveredMS &&
		slices.Equal(d.RepliesMS, other.RepliesMS) && d.Units == other.Units
}

// AppendDialogs appends the dialogs of a message; units are those of its attempts, in their order, as far as they are
// known. A message whose cohort is unknown has none. Replies are shared with the state.
func AppendDialogs(dialogs []Dialog, m *state.Message, units []law.Units) []Dialog {
	cohortMS := m.CohortMS()
	if cohortMS == schema.Never {
		return dialogs
	}
	for i := range m.Attempts {
		a := &m.Attempts[i]
		if !schema.Channels.Find(a.Channel).Dialog {
			continue
		}
		o := a.Outcome(cohortMS)
		if !o.Delivered {
			continue
		}
		d := Dialog{Key: m.Key, Channel: a.Channel, Sender: a.Sender, Recipient: a.Recipient(), Step: a.Step,
			DeliveredMS: o.DeliveredMS, RepliesMS: a.RepliesMS}
		if i < len(units) {
			d.Units = units[i]
		}
		dialogs = append(dialogs, d)
	}
	return dialogs
}
