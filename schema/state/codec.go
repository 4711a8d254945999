package state

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"

	"kaskad/schema"
	"kaskad/schema/law"
)

// A state is stored as
//
//	version, base, attempts and presence, times of the message, attempts
//
// base is the earliest of its times, and every other time its distance from that, so that a time takes 1 to 4 bytes. An
// attempt is its step, which statuses were seen and when, and which fields are known and what they hold. Numbers are
// varints. Equal states are equal bytes.
const version = 1

// ErrDamaged means that stored bytes are no state.
var ErrDamaged = errors.New("the stored state of a message is damaged; the store has to be filled anew from facts")

// Fields of an attempt that may be unknown, by their bit in its presence: the frequent ones need fewer bytes. The
// numbers are stored and never change.
const (
	hasProvider = 1 << iota
	hasCampaign
	hasTemplate
	hasSender
	hasOperator
	hasTraffic
	hasRecipient
	hasSegments
	hasSMSSegments
	hasContact
	hasTrigger
	hasApp
	hasLastError
	hasPrices
	hasSMSMeasure
	hasSaidCountry
	hasOtherMark    // the mark is not that of the recipient alone
	hasOtherReplies // the replies are not the earliest one alone
	hasParts
	hasDeliveredParts
	hasFailedParts
	hasAnyErrorCode
	hasPermanent
	hasBillable
	allFields = iota
)

// Bits of an attempt's times above those of statuses.
const (
	machineTime = int(schema.Skipped) + iota
	singleTime
	allTimes
)

// messageSubmitted and messageID are in the lowest bits of the number of attempts.
const (
	messageSubmitted = 1 << iota
	messageID
	messageBits = iota
)

// field is a text of an attempt with its bit.
type field struct {
	bit uint32
	to  *string
}

// texts are the texts of an attempt but for those that have a number of their own.
func texts(a *law.Attempt) [10]field {
	return [...]field{{hasProvider, &a.Provider}, {hasCampaign, &a.Campaign}, {hasTemplate, &a.Template},
		{hasSender, &a.Sender}, {hasOperator, &a.Operator}, {hasRecipient, &a.RecipientCountry},
		{hasContact, &a.Contact}, {hasApp, &a.App}, {hasSaidCountry, &a.SaidCountry},
		{hasAnyErrorCode, &a.AnyErrorCode}}
}

// Append appends the state, without its key, as bytes for [Message.Decode].
func (m *Message) Append(dst []byte) []byte {
	base := min(m.SubmittedMS, m.IDMS)
	for i := range m.Attempts {
		base = min(base, earliest(&m.Attempts[i]))
	}
	dst = binary.AppendVarint(append(dst, version), base)
	header := uint64(len(m.Attempts)) << messageBits
	if m.SubmittedMS != schema.Never {
		header |= messageSubmitted
	}
	if m.IDMS != schema.Never {
		header |= messageID
	}
	dst = binary.AppendUvarint(dst, header)
	if m.SubmittedMS != schema.Never {
		dst = appendTime(dst, base, m.SubmittedMS)
	}
	if m.IDMS != schema.Never {
		dst = appendTime(dst, base, m.IDMS)
	}
	before := &law.Attempt{}
	for i := range m.Attempts {
		dst = appendAttempt(dst, base, &m.Attempts[i], before)
		before = &m.Attempts[i]
	}
	return dst
}

func earliest(a *law.Attempt) int64 {
	base := min(a.MachineMS, a.SingleDeliveredMS)
	for _, ms := range a.Times {
		base = min(base, ms)
	}
	if len(a.RepliesMS) > 0 {
		base = min(base, a.RepliesMS[0])
	}
	if !a.DeliveredParts.Empty() {
		base = min(base, a.PartsDeliveredMS)
	}
	if a.LastErrorCode != "" {
		base = min(base, a.LastErrorMS)
	}
	return base
}

func appendTime(dst []byte, base, ms int64) []byte {
	return binary.AppendUvarint(dst, uint64(ms)-uint64(base))
}

// appendText writes a text that is not empty; one that was written before is a single 0.
func appendText(dst []byte, text, before string) []byte {
	if text == before {
		return append(dst, 0)
	}
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

// appendName writes a name as its place among all names, counted from 1; one that is none of them as 0 and the text.
func appendName(dst []byte, name string, place int) []byte {
	if place > 0 {
		return append(dst, uint8(place))
	}
	dst = binary.AppendUvarint(append(dst, 0), uint64(len(name)))
	return append(dst, name...)
}

func channelPlace(name string) int {
	for i := range schema.Channels {
		if schema.Channels[i].Name == name {
			return i + 1
		}
	}
	return 0
}

func appendAttempt(dst []byte, base int64, a, before *law.Attempt) []byte {
	dst = append(dst, a.Step)
	var times [allTimes]int64
	copy(times[:], a.Times[:])
	times[machineTime], times[singleTime] = a.MachineMS, a.SingleDeliveredMS
	seen := uint64(0)
	for i, ms := range times {
		if ms != schema.Never {
			seen |= 1 << i
		}
	}
	dst = binary.AppendUvarint(dst, seen)
	for ; seen != 0; seen &= seen - 1 {
		dst = appendTime(dst, base, times[bits.TrailingZeros64(seen)])
	}
	has := presence(a)
	dst = binary.AppendUvarint(dst, uint64(has))
	dst = appendName(dst, a.Channel, channelPlace(a.Channel))
	if has&hasTraffic != 0 {
		dst = appendName(dst, a.Traffic, slices.Index(schema.Traffics, a.Traffic)+1)
	}
	if has&hasTrigger != 0 {
		dst = appendName(dst, a.Trigger, slices.Index(schema.Triggers, a.Trigger)+1)
	}
	all, old := texts(a), texts(before)
	for i, f := range all {
		if has&f.bit != 0 {
			dst = appendText(dst, *f.to, *old[i].to)
		}
	}
	if has&hasSegments != 0 {
		dst = binary.AppendUvarint(dst, uint64(a.Segments))
	}
	if has&hasSMSSegments != 0 {
		dst = binary.AppendUvarint(dst, uint64(a.SMSSegments))
	}
	if has&hasLastError != 0 {
		dst = appendText(appendTime(dst, base, a.LastErrorMS), a.LastErrorCode, before.LastErrorCode)
	}
	if has >= hasPrices {
		dst = appendRare(dst, base, a, has)
	}
	return dst
}

// appendRare writes what few attempts have.
func appendRare(dst []byte, base int64, a *law.Attempt, has uint32) []byte {
	if has&hasPrices != 0 {
		dst = binary.AppendUvarint(dst, uint64(len(a.Prices)))
		currency := ""
		for _, p := range a.Prices {
			dst = append(appendText(dst, p.Currency, currency), p.Part)
			dst = binary.AppendVarint(dst, p.Micros)
			currency = p.Currency
		}
	}
	if has&hasSMSMeasure != 0 {
		dst = binary.LittleEndian.AppendUint32(dst, a.SMSMeasure)
	}
	if has&hasOtherMark != 0 {
		dst = binary.LittleEndian.AppendUint32(dst, a.RecipientMark)
	}
	if has&hasOtherReplies != 0 {
		dst = binary.AppendUvarint(dst, uint64(len(a.RepliesMS)))
		last := base
		for _, ms := range a.RepliesMS {
			dst = appendTime(dst, last, ms)
			last = ms
		}
	}
	if has&hasParts != 0 {
		dst = append(dst, a.Parts)
	}
	if has&hasDeliveredParts != 0 {
		dst = appendTime(appendParts(dst, &a.DeliveredParts), base, a.PartsDeliveredMS)
	}
	if has&hasFailedParts != 0 {
		dst = append(appendParts(dst, &a.FailedParts), a.PartFailures)
	}
	if has&hasPermanent != 0 {
		dst = append(dst, a.Permanent)
	}
	if has&hasBillable != 0 {
		dst = append(dst, a.Billable)
	}
	return dst
}

func appendParts(dst []byte, s *law.PartSet) []byte {
	n := len(s)
	for n > 0 && s[n-1] == 0 {
		n--
	}
	dst = append(dst, uint8(n))
	for _, word := range s[:n] {
		dst = binary.AppendUvarint(dst, word)
	}
	return dst
}

// presence tells which fields are known.
func presence(a *law.Attempt) (has uint32) {
	for _, f := range texts(a) {
		if *f.to != "" {
			has |= f.bit
		}
	}
	for _, f := range [...]struct {
		bit   uint32
		known bool
	}{
		{hasTraffic, a.Traffic != ""}, {hasTrigger, a.Trigger != ""}, {hasSegments, a.Segments != 0},
		{hasSMSSegments, a.SMSSegments != 0}, {hasLastError, a.LastErrorCode != ""}, {hasPrices, len(a.Prices) > 0},
		{hasSMSMeasure, a.SMSMeasure != 0}, {hasOtherMark, a.RecipientMark != impliedMark(a)},
		{hasOtherReplies, hasMoreReplies(a)}, {hasParts, a.Parts != 0},
		{hasDeliveredParts, !a.DeliveredParts.Empty()}, {hasFailedParts, !a.FailedParts.Empty()},
		{hasPermanent, a.Permanent != 0}, {hasBillable, a.Billable != 0},
	} {
		if f.known {
			has |= f.bit
		}
	}
	return has
}

// impliedMark is the mark of an attempt whose events all name its recipient.
func impliedMark(a *law.Attempt) uint32 {
	if a.RecipientCountry == "" {
		return 0
	}
	return law.RecipientMark(a.RecipientCountry)
}

// hasMoreReplies reports whether the replies are others than the earliest one alone.
func hasMoreReplies(a *law.Attempt) bool {
	if first := a.At(schema.Replied); first != schema.Never {
		return len(a.RepliesMS) != 1 || a.RepliesMS[0] != first
	}
	return len(a.RepliesMS) > 0
}
