package money

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// oracleSeptets is the GSM-7 code page typed anew as code positions, not as the implementation's strings: what each
// character is on the wire.
func oracleSeptets() map[rune][]uint16 {
	septets := map[rune][]uint16{
		0x40: {0x00}, 0xA3: {0x01}, 0x24: {0x02}, 0xA5: {0x03}, 0xE8: {0x04}, 0xE9: {0x05}, 0xF9: {0x06}, 0xEC: {0x07},
		0xF2: {0x08}, 0xC7: {0x09}, 0x0A: {0x0A}, 0xD8: {0x0B}, 0xF8: {0x0C}, 0x0D: {0x0D}, 0xC5: {0x0E}, 0xE5: {0x0F},
		0x394: {0x10}, 0x5F: {0x11}, 0x3A6: {0x12}, 0x393: {0x13}, 0x39B: {0x14}, 0x3A9: {0x15}, 0x3A0: {0x16},
		0x3A8: {0x17},
		0x3A3: {0x18}, 0x398: {0x19}, 0x39E: {0x1A}, 0xC6: {0x1C}, 0xE6: {0x1D}, 0xDF: {0x1E}, 0xC9: {0x1F},
		0xA4: {0x24}, 0xA1: {0x40}, 0xC4: {0x5B}, 0xD6: {0x5C}, 0xD1: {0x5D}, 0xDC: {0x5E}, 0xA7: {0x5F},
		0xBF: {0x60}, 0xE4: {0x7B}, 0xF6: {0x7C}, 0xF1: {0x7D}, 0xFC: {0x7E}, 0xE0: {0x7F},
		0x0C: {0x1B, 0x0A}, 0x5E: {0x1B, 0x14}, 0x7B: {0x1B, 0x28}, 0x7D: {0x1B, 0x29}, 0x5C: {0x1B, 0x2F},
		0x5B: {0x1B, 0x3C}, 0x7E: {0x1B, 0x3D}, 0x5D: {0x1B, 0x3E}, 0x7C: {0x1B, 0x40}, 0x20AC: {0x1B, 0x65},
	}
	for code := uint16(0x20); code <= 0x7A; code++ {
		taken := code == 0x24 || code == 0x40 || (code >= 0x5B && code <= 0x60)
		if !taken {
			septets[rune(code)] = []uint16{code}
		}
	}
	return septets
}

// oracle encodes a text for the wire and cuts it into the parts that would be sent.
func oracle(septets map[rune][]uint16, text string) (encoding Encoding, units int, parts [][][]uint16) {
	runes := []rune(text) // Each byte that is not UTF-8 becomes U+FFFD.
	var characters [][]uint16
	encoding = GSM7
	for _, r := range runes {
		code, ok := septets[r]
		if !ok {
			encoding = UCS2
			break
		}
		characters = append(characters, code)
	}
	single, part := 160, 153
	if encoding == UCS2 {
		single, part = 70, 67
		characters = nil
		for _, r := range runes {
			characters = append(characters, utf16.Encode([]rune{r}))
		}
	}
	for _, c := range characters {
		units += len(c)
	}
	if units <= single {
		return encoding, units, [][][]uint16{characters}
	}
	for len(characters) > 0 {
		n, room := 0, part
		for n < len(characters) && len(characters[n]) <= room {
			room -= len(characters[n])
			n++
		}
		parts = append(parts, characters[:n])
		characters = characters[n:]
	}
	return encoding, units, parts
}

func TestGSM7_EveryCharacter(t *testing.T) {
	septets := oracleSeptets()
	if len(septets) != 127+10 {
		t.Fatalf("the oracle has %d characters, want 127 and 10", len(septets))
	}
	codes := map[[2]uint16]rune{}
	for r, code := range septets {
		key := [2]uint16{code[0], code[len(code)-1]}
		if other, taken := codes[key]; taken {
			t.Fatalf("the oracle has %x for %U and %U", code, other, r)
		}
		codes[key] = r
	}
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if got, want := gsmWidth(r), len(septets[r]); got != want {
			t.Errorf("%U takes %d septets, want %d", r, got, want)
		}
	}
}

// The scans read words of eight bytes: every ASCII byte in every place of a word must count as it does alone.
func TestMeasureSMS_EveryByteInEveryPlace(t *testing.T) {
	septets := oracleSeptets()
	for c := range 256 {
		for length := 1; length <= 17; length++ {
			for place := range length {
				text := []byte(strings.Repeat("x", length))
				text[place] = byte(c)
				checkOracle(t, septets, string(text))
			}
		}
	}
	for first := range 256 {
		for second := range 256 {
			checkOracle(t, septets, "привет"[:7]+string([]byte{byte(first), byte(second)})+"привет")
		}
	}
}

type fataler interface {
	Fatalf(format string, args ...any)
}

func checkOracle(t fataler, septets map[rune][]uint16, text string) {
	encoding, units, parts := oracle(septets, text)
	last := 0
	for _, c := range parts[len(parts)-1] {
		last += len(c)
	}
	forced := 0
	for _, r := range text {
		if septets[r] == nil {
			forced++
		}
	}
	m := MeasureSMS(text)
	if m.Encoding != encoding || m.Units != units || m.Segments != len(parts) || m.UnitsLeft != m.PerSegment-last ||
		m.ForcedChars != forced {
		t.Fatalf("%q: got %+v, want %s, %d units, %d segments, the last with %d, %d forced", text, m, encoding, units,
			len(parts), last, forced)
	}
	if got := Segments(text); got != len(parts) {
		t.Fatalf("%q: Segments = %d, want %d", text, got, len(parts))
	}
	if got := SegmentsBytes([]byte(text)); got != len(parts) {
		t.Fatalf("%q: SegmentsBytes = %d, want %d", text, got, len(parts))
	}
}

// texts draws texts whose length lies around the boundaries and whose alphabet is narrow enough to stay GSM-7 at times.
func texts(valid bool) *rapid.Generator[string] {
	alphabets := []string{"a", "ab {[€", "é\nÜΩ~ 12_@", "жё 1", "ж😎", "абв где 5ѿҀ€{", "a`\x1b\tç",
		"\uFFFD\u07FFࠀ\U0010FFFF", "ABC abc {} 😎 ё «»"}
	return rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		for range rapid.IntRange(1, 4).Draw(t, "runs") {
			runes := []rune(rapid.SampledFrom(alphabets).Draw(t, "alphabet"))
			if rapid.Bool().Draw(t, "repeat") {
				b.WriteString(strings.Repeat(string(rapid.SampledFrom(runes).Draw(t, "rune")),
					rapid.IntRange(0, 170).Draw(t, "count")))
			} else {
				b.WriteString(string(rapid.SliceOfN(rapid.SampledFrom(runes), 0, 160).Draw(t, "runes")))
			}
			if !valid && rapid.IntRange(0, 3).Draw(t, "bad") == 0 {
				b.Write(rapid.SliceOfN(rapid.Byte(), 0, 6).Draw(t, "bytes"))
			}
		}
		return b.String()
	})
}

func TestMeasureSMS_Oracle(t *testing.T) {
	septets := oracleSeptets()
	rapid.Check(t, func(t *rapid.T) { checkOracle(t, septets, texts(false).Draw(t, "text")) })
}

func TestMeasureSMS_EncodingRule(t *testing.T) {
	septets := oracleSeptets()
	rapid.Check(t, func(t *rapid.T) {
		text := texts(false).Draw(t, "text")
		missing := strings.ContainsFunc(text, func(r rune) bool { return septets[r] == nil })
		m := MeasureSMS(text)
		if (m.Encoding == UCS2) != missing || (m.ForcedChars > 0) != missing {
			t.Fatalf("%q: got %s with %d forced, a character outside GSM-7: %t", text, m.Encoding, m.ForcedChars,
				missing)
		}
	})
}

// Text never gets cheaper by more text; and what is joined costs what its halves cost, give or take the segment that
// they share or that a single one loses to the headers.
func TestSegments_Concatenation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := texts(true).Draw(t, "x"), texts(true).Draw(t, "y")
		first, second, joined := MeasureSMS(x), MeasureSMS(y), MeasureSMS(x+y)
		if joined.Segments < max(first.Segments, second.Segments) {
			t.Fatalf("joined %d < max(%d, %d)", joined.Segments, first.Segments, second.Segments)
		}
		if first.Encoding != second.Encoding {
			return
		}
		sum := first.Segments + second.Segments
		if joined.Segments < sum-1 || joined.Segments > sum+1 {
			t.Fatalf("joined %d, want %d, one less or one more", joined.Segments, sum)
		}
		if first.Segments > 1 && second.Segments > 1 && joined.Segments > sum {
			t.Fatalf("joined %d, want %d or one less", joined.Segments, sum)
		}
		if joined.Units != first.Units+second.Units {
			t.Fatalf("joined %d units, want %d + %d", joined.Units, first.Units, second.Units)
		}
	})
}

// OverBy and UnitsLeft do what they promise: cut so much and a segment is saved, cut less and none; add so much and
// none is needed, add one more and it is.
func TestMeasureSMS_Room(t *testing.T) {
	septets := oracleSeptets()
	rapid.Check(t, func(t *rapid.T) {
		text := texts(true).Draw(t, "text")
		m := MeasureSMS(text)
		if got := Segments(text + strings.Repeat("a", m.UnitsLeft)); got != m.Segments {
			t.Fatalf("with the %d units left: %d segments, want %d", m.UnitsLeft, got, m.Segments)
		}
		if got := Segments(text + strings.Repeat("a", m.UnitsLeft+1)); got != m.Segments+1 {
			t.Fatalf("with one unit more than left: %d segments, want %d", got, m.Segments+1)
		}
		if m.Segments == 1 {
			if m.OverBy != 0 {
				t.Fatalf("over by %d in one segment, want 0", m.OverBy)
			}
			return
		}
		cut := 0
		for rest := text; ; {
			r, size := utf8.DecodeLastRuneInString(rest)
			rest = rest[:len(rest)-size]
			if m.Encoding == GSM7 {
				cut += len(septets[r])
			} else {
				cut += len(utf16.Encode([]rune{r}))
			}
			// A beginning that is GSM-7 by itself is compared in the text's own encoding.
			encoding, _, parts := oracle(septets, rest)
			if encoding != m.Encoding {
				_, _, parts = oracle(nil, rest)
			}
			if len(parts) < m.Segments {
				break
			}
		}
		if m.OverBy != cut {
			t.Fatalf("over by %d, want %d", m.OverBy, cut)
		}
	})
}

func FuzzMeasureSMS(f *testing.F) {
	for _, v := range vectors() {
		f.Add(v.text)
	}
	septets := oracleSeptets()
	f.Fuzz(func(t *testing.T, text string) {
		checkOracle(t, septets, text)
		checkExplanation(t, text)
	})
}
