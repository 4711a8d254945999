// Package money turns quantities into money and back: how many segments a text takes as SMS, and with the tariffs, what
// was paid, what plain SMS would have cost and what a cascade saved.
//
// Money is never a float: prices are exact decimals, quantities are integers, and every figure is quantity × tariff at
// read time, so that a corrected tariff corrects history. Where a quantity or a tariff is unknown the answer is null,
// not a guess.
//
// SMS segments come first, because the segment is what an SMS bill counts. [Segments] and [SegmentsBytes] answer how
// many, [MeasureSMS] what a pipeline keeps of a text that it does not store, and [ExplainSMS] tells a person why a text
// costs what it costs and what would make it cheaper. All of them are safe for concurrent use and keep nothing.
package money

import (
	"encoding/binary"
	"unicode/utf8"
	"unsafe"
)

// Encoding is how an SMS is sent: a text with one character outside GSM-7 goes as UCS-2 as a whole.
type Encoding string

// The two encodings. National language tables (3GPP TS 23.038 annex A) are left out: handsets and providers
// support them unevenly, and none exists for Cyrillic.
const (
	GSM7 Encoding = "GSM-7"
	UCS2 Encoding = "UCS-2"
)

// A segment carries 140 octets; in a text of several, a header of 6 octets (8-bit reference) takes its share of each.
const (
	gsmSingle  = 160
	gsmPart    = 153
	ucs2Single = 70
	ucs2Part   = 67
)

// Measure is what an SMS text weighs. Units are septets in GSM-7 and 16-bit units in UCS-2.
type Measure struct {
	Encoding Encoding `json:"encoding"`
	Units    int      `json:"units"`
	// Segments is at least 1: an empty text is billed as one. There is no upper limit here, although the header numbers
	// no more than 255 and providers usually accept 10.
	Segments int `json:"segments"`
	// PerSegment is how many units a segment of this text holds: 160 or 70 alone, 153 or 67 as one of several.
	PerSegment int `json:"per_segment"`
	// OverBy is how many units to cut from the end, in this encoding, to save a segment; 0 when there is only one.
	OverBy int `json:"over_by"`
	// UnitsLeft is how many units the last segment still holds.
	UnitsLeft int `json:"units_left"`
	// ForcedChars counts the characters that GSM-7 lacks, repeated ones each time; 0 exactly when the encoding is
	// GSM-7.
	ForcedChars int `json:"forced_chars"`
}

// Segments returns how many SMS segments a text takes, at least 1. Segments are filled greedily with whole characters:
// neither an escape sequence nor a surrogate pair is split, so there may be more than units ÷ size. Every byte that is
// not UTF-8 counts as one U+FFFD. It does not allocate. It computes, a bill decides: where a provider reports segments
// its figure wins (docs/definitions.md section 4).
func Segments(text string) int {
	return SegmentsBytes(unsafe.Slice(unsafe.StringData(text), len(text)))
}

// SegmentsBytes is [Segments] for UTF-8 bytes, which it neither keeps nor changes.
func SegmentsBytes(text []byte) int {
	// A byte makes at most two septets or one UCS-2 unit, so so few of them fit into one segment whatever they say.
	if len(text) <= ucs2Single {
		return 1
	}
	return MeasureSMSBytes(text).Segments
}

// MeasureSMS measures a text by the rules of [Segments]. It does not allocate. ForcedChars tells cheaply which texts
// are worth an [ExplainSMS]: those that are UCS-2 for a few characters.
func MeasureSMS(text string) Measure {
	return MeasureSMSBytes(unsafe.Slice(unsafe.StringData(text), len(text)))
}

// MeasureSMSBytes is [MeasureSMS] for UTF-8 bytes, which it neither keeps nor changes.
func MeasureSMSBytes(text []byte) (m Measure) {
	if septets, escapes, ok := scanGSM(text); ok {
		m.Encoding, m.Units = GSM7, septets
		m.complete(text, escapes > 0, gsmSingle, gsmPart)
		return m
	}
	units, pairs, forced := scanUCS2(text)
	m.Encoding, m.Units, m.ForcedChars = UCS2, units, forced
	m.complete(text, pairs > 0, ucs2Single, ucs2Part)
	return m
}

// complete derives the segments from the units. Only where some characters take two units must the text be cut for
// that.
func (m *Measure) complete(text []byte, wide bool, single, part int) {
	if m.Units <= single {
		m.Segments, m.PerSegment, m.UnitsLeft = 1, single, single-m.Units
		return
	}
	var used, head int
	if wide {
		m.Segments, used, head = cut(text, m.Encoding, single, part)
	} else {
		m.Segments = (m.Units + part - 1) / part
		used, head = m.Units-(m.Segments-1)*part, single
	}
	m.PerSegment, m.UnitsLeft = part, part-used
	if m.Segments == 2 {
		// Without its end the text stands alone, where more fits than in the first of two.
		m.OverBy = m.Units - head
	} else {
		m.OverBy = used
	}
}

// cut fills segments of `part` units with whole characters. It returns how many there are, the units used in the last
// and the units of the longest beginning of the text that fits into a single segment.
func cut(text []byte, encoding Encoding, single, part int) (segments, used, head int) {
	segments = 1
	total := 0
	for i := 0; i < len(text); {
		// Whole words of one-unit characters are passed over where no border of a segment is near.
		if i+8 <= len(text) && used+8 <= part && (total+8 <= single || total >= single) {
			if n := evenWord(binary.LittleEndian.Uint64(text[i:])); n > 0 {
				used += n
				total += n
				i += 8
				if total <= single {
					head = total
				}
				continue
			}
		}
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(text[i:])
		}
		i += size
		width := ucs2Width(r)
		if encoding == GSM7 {
			width = gsmWidth(r)
		}
		if used+width > part {
			segments++
			used = 0
		}
		used += width
		total += width
		if total <= single {
			head = total
		}
	}
	return segments, used, head
}
