package money

import (
	"unicode/utf8"

	"kaskad/schema"
)

// SMSMeasure is what ingest keeps of a text: [MeasureSMSBytes], and where few characters force UCS-2, the segments
// without them. It allocates only for long texts of that kind.
func SMSMeasure(text []byte) schema.SMSMeasure {
	m := MeasureSMSBytes(text)
	kept := schema.SMSMeasure{Segments: uint16(m.Segments)} // A text of 10 000 characters takes at most 304.
	if m.OverBy <= schema.Few {
		kept.OverBy = uint16(m.OverBy)
	}
	if m.ForcedChars > 0 && m.ForcedChars <= schema.Few {
		kept.ForcedChars = uint16(m.ForcedChars)
		kept.Plain = uint16(segmentsWithoutForced(text))
	}
	return kept
}

// segmentsWithoutForced returns the segments of a text whose characters that GSM-7 lacks are left out.
func segmentsWithoutForced(text []byte) int {
	var buffer [1024]byte
	kept := buffer[:0]
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if gsmWidth(r) > 0 {
			kept = append(kept, text[i:i+size]...)
		}
		i += size
	}
	return SegmentsBytes(kept)
}
