package state

import (
	"math/bits"
	"strings"

	"kaskad/schema"
	"kaskad/schema/law"
)

// Decode makes the state what [Message.Append] wrote; the key stays. Texts are parts of stored, so that they cost no
// memory of their own: who keeps one for longer than the state should copy it. Any other bytes are [ErrDamaged], and
// leave a state that says nothing.
func (m *Message) Decode(stored string) error {
	m.SubmittedMS, m.IDMS, m.Attempts = schema.Never, schema.Never, m.Attempts[:0]
	r := reader{rest: stored, bad: stored == "" || stored[0] != version}
	r.byte()
	base := r.varint()
	header := r.uvarint()
	if header&messageSubmitted != 0 {
		m.SubmittedMS = r.time(base)
	}
	if header&messageID != 0 {
		m.IDMS = r.time(base)
	}
	before := &law.Attempt{}
	for i := range header >> messageBits {
		step := r.byte()
		r.bad = r.bad || i > 0 && step <= before.Step
		if r.bad {
			break // Whatever the header says, there are no more attempts than bytes.
		}
		a := m.Attempt(step)
		if i > 0 {
			before = &m.Attempts[i-1]
		}
		r.attempt(a, before, base)
		before = a
	}
	if r.bad || r.rest != "" {
		m.SubmittedMS, m.IDMS, m.Attempts = schema.Never, schema.Never, m.Attempts[:0]
		return ErrDamaged
	}
	return nil
}

// reader takes stored bytes apart. Once something was bad, all that follows is.
type reader struct {
	rest string
	bad  bool
}

func (r *reader) fail() {
	r.rest, r.bad = "", true
}

func (r *reader) byte() uint8 {
	if r.rest == "" {
		r.fail()
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *reader) uvarint() (x uint64) {
	for i := 0; i < len(r.rest) && i < 10; i++ {
		b := r.rest[i]
		x |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			if i == 9 && b > 1 {
				break
			}
			r.rest = r.rest[i+1:]
			return x
		}
	}
	r.fail()
	return 0
}

// number reads a number that fits the bits.
func (r *reader) number(bits int) uint64 {
	x := r.uvarint()
	if x>>bits != 0 {
		r.fail()
		return 0
	}
	return x
}

func (r *reader) varint() int64 {
	x := r.uvarint()
	return int64(x>>1) ^ -int64(x&1)
}

func (r *reader) uint32() uint32 {
	b := r.text(4)
	if r.bad {
		return 0
	}
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

// time reads a time that was seen, none of which is before base.
func (r *reader) time(base int64) int64 {
	ms := int64(uint64(base) + r.uvarint())
	if ms < base || ms >= schema.Never {
		r.fail()
	}
	return ms
}

// text reads n bytes.
func (r *reader) text(n uint64) string {
	if n > uint64(len(r.rest)) {
		r.fail()
		return ""
	}
	text := r.rest[:n]
	r.rest = r.rest[n:]
	return text
}

// known reads a text that is not empty.
func (r *reader) known(before string) string {
	if n := r.uvarint(); n > 0 {
		return r.text(n)
	}
	r.bad = r.bad || before == ""
	return before
}

func (r *reader) name(place func(int) string) string {
	n := r.byte()
	if n == 0 {
		return r.text(r.uvarint())
	}
	name := place(int(n) - 1)
	r.bad = r.bad || name == ""
	return name
}

func nameOf(names []string) func(int) string {
	return func(place int) string {
		if place < len(names) {
			return names[place]
		}
		return ""
	}
}

func channelName(place int) string {
	if place < len(schema.Channels) {
		return schema.Channels[place].Name
	}
	return ""
}

func (r *reader) attempt(a, before *law.Attempt, base int64) {
	for seen := r.number(allTimes); seen != 0; seen &= seen - 1 {
		switch i := bits.TrailingZeros64(seen); i {
		case machineTime:
			a.MachineMS = r.time(base)
		case singleTime:
			a.SingleDeliveredMS = r.time(base)
		default:
			a.Times[i] = r.time(base)
		}
	}
	has := uint32(r.number(allFields))
	a.Channel = r.name(channelName)
	if has&hasTraffic != 0 {
		a.Traffic = r.name(nameOf(schema.Traffics))
	}
	if has&hasTrigger != 0 {
		a.Trigger = r.name(nameOf(schema.Triggers))
	}
	all, old := texts(a), texts(before)
	for i, f := range all {
		if has&f.bit != 0 {
			*f.to = r.known(*old[i].to)
		}
	}
	a.RecipientMark = impliedMark(a)
	if has&hasSegments != 0 {
		a.Segments = uint16(r.number(16))
	}
	if has&hasSMSSegments != 0 {
		a.SMSSegments = uint16(r.number(16))
	}
	if has&hasLastError != 0 {
		a.LastErrorMS = r.time(base)
		a.LastErrorCode = r.known(before.LastErrorCode)
	}
	if first := a.At(schema.Replied); first != schema.Never && has&hasOtherReplies == 0 {
		a.RepliesMS = append(a.RepliesMS, first)
	}
	if has >= hasPrices {
		r.rare(a, base, has)
	}
}

func (r *reader) rare(a *law.Attempt, base int64, has uint32) {
	if has&hasPrices != 0 {
		r.prices(a)
	}
	if has&hasSMSMeasure != 0 {
		a.SMSMeasure = r.uint32()
	}
	if has&hasOtherMark != 0 {
		a.RecipientMark = r.uint32()
	}
	if has&hasOtherReplies != 0 {
		last := base
		for i := range r.uvarint() {
			ms := r.time(last)
			if r.bad = r.bad || i > 0 && ms == last; r.bad {
				return
			}
			a.RepliesMS = append(a.RepliesMS, ms)
			last = ms
		}
	}
	if has&hasParts != 0 {
		a.Parts = r.byte()
	}
	if has&hasDeliveredParts != 0 {
		a.DeliveredParts = r.parts()
		a.PartsDeliveredMS = r.time(base)
	}
	if has&hasFailedParts != 0 {
		a.FailedParts = r.parts()
		a.PartFailures = r.byte()
	}
	if has&hasPermanent != 0 {
		a.Permanent = r.byte()
	}
	if has&hasBillable != 0 {
		a.Billable = r.byte()
	}
}

func (r *reader) prices(a *law.Attempt) {
	var last law.Price
	for i := range r.uvarint() {
		p := law.Price{Currency: r.known(last.Currency), Part: r.byte(), Micros: r.varint()}
		order := strings.Compare(last.Currency, p.Currency)
		if r.bad = r.bad || i > 0 && (order > 0 || order == 0 && last.Part >= p.Part); r.bad {
			return
		}
		a.Prices = append(a.Prices, p)
		last = p
	}
}

func (r *reader) parts() (s law.PartSet) {
	n := r.byte()
	if int(n) > len(s) {
		r.fail()
		return s
	}
	for i := range n {
		s[i] = r.uvarint()
	}
	r.bad = r.bad || s.Empty()
	return s
}
