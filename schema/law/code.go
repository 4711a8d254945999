package law

// Code is the outcome of an attempt as tables store it (sql/code.sql): columns code of rollup_waste and
// attempts_by_recipient, and codes of shapes.
type Code uint32

const (
	codeSent Code = 1 << iota
	codeDelivered
	codeRead
	codeFailed
	codeConversation
	codeOutside
	codeSkipped
	codeNotBilled

	segmentsShift = 8
)

// Units are what the walk over a conversation decided of a delivered attempt (docs/definitions.md section 4).
type Units struct{ Conversation, Outside bool }

// Code packs the outcome of an attempt that was not skipped.
func (o *Outcome) Code(u Units, segments uint16) Code {
	c := Code(segments) << segmentsShift
	for _, bit := range [...]struct {
		code Code
		set  bool
	}{{codeSent, o.Sent}, {codeDelivered, o.Delivered}, {codeRead, o.Read}, {codeFailed, o.Failed},
		{codeConversation, u.Conversation}, {codeOutside, u.Outside}, {codeNotBilled, o.NotBilled}} {
		if bit.set {
			c |= bit.code
		}
	}
	return c
}

// CodeByRecipient packs the outcome for attempts_by_recipient, without units: other messages move them.
func (o *Outcome) CodeByRecipient(segments uint16) Code {
	c := o.Code(Units{}, segments)
	if o.Skipped {
		c |= codeSkipped
	}
	return c
}

// Sent reports whether a provider took the attempt.
func (c Code) Sent() bool { return c&codeSent != 0 }

// Delivered reports whether the attempt was delivered.
func (c Code) Delivered() bool { return c&codeDelivered != 0 }

// Read reports whether the attempt was read.
func (c Code) Read() bool { return c&codeRead != 0 }

// Failed reports whether the attempt failed.
func (c Code) Failed() bool { return c&codeFailed != 0 }

// Conversation reports whether the attempt carries the unit of its conversation. By recipient that is unknown.
func (c Code) Conversation() bool { return c&codeConversation != 0 }

// Outside reports whether the attempt carries a unit because the customer had not written in the 24 hours before. By
// recipient that is unknown.
func (c Code) Outside() bool { return c&codeOutside != 0 }

// Skipped reports whether the attempt was skipped. Only attempts_by_recipient holds such attempts.
func (c Code) Skipped() bool { return c&codeSkipped != 0 }

// NotBilled reports whether the provider said that it does not charge for the attempt.
func (c Code) NotBilled() bool { return c&codeNotBilled != 0 }

// Segments is how many segments the provider billed, 0 when unknown.
func (c Code) Segments() uint16 { return uint16(c >> segmentsShift) }
