package money

import (
	"encoding/binary"
	"unicode/utf8"
)

// The GSM 7-bit default alphabet in septet order (3GPP TS 23.038 section 6.2.1) without ESC, which is no character, and
// its extension table (section 6.2.1.1), each of whose characters is sent as ESC and a septet.
const (
	gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtension = "\f^{}\\[~]|€"
)

// Ω is the greatest character of the alphabet but the euro sign, so one small table covers all the others.
const (
	gsmTableSize = 'Ω' + 1
	euro         = '€'
)

// gsmSeptets is a constant table: the septets that a character below gsmTableSize takes, 0 when GSM-7 lacks it.
var gsmSeptets = func() (table [gsmTableSize]uint8) {
	for _, r := range gsmBasic {
		table[r] = 1
	}
	for _, r := range gsmExtension {
		if r != euro {
			table[r] = 2
		}
	}
	return table
}()

// gsmWidth returns the septets that a character takes, 0 when GSM-7 lacks it.
func gsmWidth(r rune) int {
	if uint32(r) < gsmTableSize {
		return int(gsmSeptets[r])
	}
	if r == euro {
		return 2
	}
	return 0
}

// ucs2Width returns the UTF-16 code units that a character takes: 2 for a surrogate pair.
func ucs2Width(r rune) int {
	if r >= 0x10000 {
		return 2
	}
	return 1
}

const (
	everyByte = 0x0101010101010101
	highBits  = 0x80 * everyByte
)

// plainWord tells whether all eight bytes are ASCII characters of one septet. It may say no to a word that is: `_` is
// caught with the brackets it stands beside, line ends with the control characters. The caller then looks byte by byte.
func plainWord(w uint64) bool {
	// Each term sets a byte's high bit when that byte is special. No sum carries into the next byte unless a byte is
	// above 0x7F, and then the first term has answered already.
	special := w | // not ASCII
		((w | 0x20*everyByte) + 0x05*everyByte) | // [ \ ] ^ _ and { | } ~ DEL
		^(w + 0x60*everyByte) | // control characters
		^((w ^ 0x60*everyByte) + 0x7F*everyByte) // the backtick
	return special&highBits == 0
}

// russianWord tells whether the eight bytes are four letters that UTF-8 begins with 0xD0 or 0xD1 (U+0400 to U+047F).
func russianWord(w uint64) bool {
	return w&0xC0FEC0FEC0FEC0FE == 0x80D080D080D080D0
}

// evenWord returns how many characters of one unit the eight bytes are, 0 when that takes a closer look. In a text of
// GSM-7 there are no Russian letters, so one function serves both encodings.
func evenWord(w uint64) int {
	if plainWord(w) {
		return 8
	}
	if russianWord(w) {
		return 4
	}
	return 0
}

// scanGSM counts septets and the escapes among them; ok is false when a character is not in GSM-7.
func scanGSM(text []byte) (septets, escapes int, ok bool) {
	i := 0
	for i < len(text) {
		if i+8 <= len(text) {
			if plainWord(binary.LittleEndian.Uint64(text[i:])) {
				septets += 8
				i += 8
				continue
			}
		} else if len(text) >= 8 && plainWord(binary.LittleEndian.Uint64(text[len(text)-8:])) {
			// The last word read again, as far as it goes back, saves the byte-wise end of most texts.
			return septets + len(text) - i, escapes, true
		}
		// Not plain, so byte by byte to the end of the word: to test again after each would cost more.
		for end := min(i+8, len(text)); i < end; {
			r, size := rune(text[i]), 1
			if r >= utf8.RuneSelf {
				r, size = utf8.DecodeRune(text[i:])
			}
			width := gsmWidth(r)
			if width == 0 {
				return 0, 0, false
			}
			septets += width
			escapes += width - 1
			i += size
		}
	}
	return septets, escapes, true
}

// scanUCS2 counts UTF-16 code units, the surrogate pairs among them and the characters that GSM-7 lacks.
func scanUCS2(text []byte) (units, pairs, forced int) {
	for i := 0; i < len(text); {
		if i+8 <= len(text) {
			w := binary.LittleEndian.Uint64(text[i:])
			if russianWord(w) {
				units += 4
				forced += 4
				i += 8
				continue
			}
			if plainWord(w) {
				units += 8
				i += 8
				continue
			}
		}
		c := text[i]
		switch {
		case c < utf8.RuneSelf:
			if gsmSeptets[c] == 0 {
				forced++
			}
			units++
			i++
		case c&0xFE == 0xD0 && i+1 < len(text) && text[i+1]&0xC0 == 0x80:
			forced++ // A Russian letter or one of its neighbours.
			units++
			i += 2
		default:
			r, size := utf8.DecodeRune(text[i:])
			if gsmWidth(r) == 0 {
				forced++
			}
			width := ucs2Width(r)
			units += width
			pairs += width - 1
			i += size
		}
	}
	return units, pairs, forced
}
