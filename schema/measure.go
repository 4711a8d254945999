package schema

// Few is the greatest number of characters over a boundary, or forcing UCS-2, that is worth telling a sender about:
// beyond it the text is long, or written in another alphabet (docs/api.md, Segment waste).
const Few = 10

// SMSMeasure is what is kept of a text that is never stored: how many segments it takes as SMS, and what few characters
// cost.
type SMSMeasure struct {
	// Segments that the text takes; 0 when unknown, and then all else is 0.
	Segments uint16
	// OverBy is how many units, 1…Few, to cut from the end to save a segment; 0 when it takes more, or there is one
	// segment only.
	OverBy uint16
	// ForcedChars is how many characters, 1…Few and repeated ones each time, force the text to be UCS-2; 0 when there
	// are none, or more.
	ForcedChars uint16
	// Plain is the segments that the text would take without these characters; 0 exactly when ForcedChars is.
	Plain uint16
}

// The packed form, from the highest bit: 14 bits segments, 10 bits plain, 4 bits over by, 4 bits forced characters. The
// highest bits hold the segments so that the greatest value, which is what a fact keeps, is that of the text with the
// most segments. The low 8 bits are 0 when no few characters cost anything.
const (
	overShift, plainShift, segmentsShift = 4, 8, 18
	maxMeasuredSegments                  = 1<<(32-segmentsShift) - 1
	maxPlainSegments                     = 1<<(segmentsShift-plainShift) - 1
)

// PackSMSMeasure packs a measure for column sms_measure. What contradicts itself is left out: see the fields of
// [SMSMeasure]. Any number of segments packs to more than any smaller one up to 16383, which no text reaches.
func PackSMSMeasure(m SMSMeasure) uint32 {
	if m.Segments == 0 {
		return 0
	}
	packed := min(uint32(m.Segments), maxMeasuredSegments) << segmentsShift
	if m.OverBy <= Few && m.Segments > 1 {
		packed |= uint32(m.OverBy) << overShift
	}
	if m.ForcedChars > 0 && m.ForcedChars <= Few && m.Plain > 0 && m.Plain <= maxPlainSegments {
		packed |= uint32(m.Plain)<<plainShift | uint32(m.ForcedChars)
	}
	return packed
}

// UnpackSMSMeasure returns what was packed.
func UnpackSMSMeasure(packed uint32) SMSMeasure {
	return SMSMeasure{
		Segments:    uint16(packed >> segmentsShift),
		Plain:       uint16(packed >> plainShift & maxPlainSegments),
		OverBy:      uint16(packed >> overShift & 15),
		ForcedChars: uint16(packed & 15),
	}
}
