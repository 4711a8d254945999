package money

import (
	"encoding/json"
	"strings"
	"testing"
)

// vector is an example that an independent implementation and a provider's own calculator agree on.
type vector struct {
	name     string
	text     string
	encoding Encoding
	units    int
	segments int
}

func a(n int) string   { return strings.Repeat("a", n) }
func cyr(n int) string { return strings.Repeat("ж", n) }
func rep(s string, n int) string {
	return strings.Repeat(s, n)
}

func vectors() []vector {
	return []vector{
		{"160 a", a(160), GSM7, 160, 1},
		{"161 a", a(161), GSM7, 161, 2},
		{"306 a", a(306), GSM7, 306, 2},
		{"307 a", a(307), GSM7, 307, 3},
		{"459 a", a(459), GSM7, 459, 3},
		{"460 a", a(460), GSM7, 460, 4},
		{"159 a and euro", a(159) + "€", GSM7, 161, 2},
		{"158 a and euro", a(158) + "€", GSM7, 160, 1},
		{"80 braces", rep("{", 80), GSM7, 160, 1},
		{"81 braces", rep("{", 81), GSM7, 162, 2},
		{"escape would straddle 153", a(152) + "{" + a(153), GSM7, 307, 3},
		{"escape after 153", a(153) + "{" + a(151), GSM7, 306, 2},
		{"153 brackets", rep("[", 153), GSM7, 306, 3},
		{"154 brackets", rep("[", 154), GSM7, 308, 3},
		{"70 Cyrillic", cyr(70), UCS2, 70, 1},
		{"71 Cyrillic", cyr(71), UCS2, 71, 2},
		{"134 Cyrillic", cyr(134), UCS2, 134, 2},
		{"135 Cyrillic", cyr(135), UCS2, 135, 3},
		{"201 Cyrillic", cyr(201), UCS2, 201, 3},
		{"202 Cyrillic", cyr(202), UCS2, 202, 4},
		{"1000 Cyrillic", cyr(1000), UCS2, 1000, 15},
		{"35 emoji", rep("😎", 35), UCS2, 70, 1},
		{"36 emoji", rep("😎", 36), UCS2, 72, 2},
		{"66 emoji", rep("😎", 66), UCS2, 132, 2},
		{"67 emoji", rep("😎", 67), UCS2, 134, 3},
		{"pair would straddle 67", cyr(66) + "😎" + cyr(66), UCS2, 134, 3},
		{"pair after 67", cyr(67) + "😎" + cyr(65), UCS2, 134, 2},
		{"one Cyrillic letter", a(159) + "е", UCS2, 160, 3},
		{"extension counts one in UCS-2", rep("|", 69) + "∞", UCS2, 70, 1},
		{"backtick", "`", UCS2, 1, 1},
		{"extension counts two in GSM-7", rep("|", 69), GSM7, 138, 1},
		{"empty", "", GSM7, 0, 1},
		{"CRLF counts two", "a\r\nb", GSM7, 4, 1},
		{"ESC is no character", "\x1b", UCS2, 1, 1},
		{"each bad byte is one", a(69) + "\xd0\xff", UCS2, 71, 2},
		{"an encoded surrogate is three bad bytes", "\xed\xa0\x80", UCS2, 3, 1},
		{"U+FFFD itself", "\uFFFD", UCS2, 1, 1},
		{"capital cedilla only", "Ç", GSM7, 1, 1},
		{"small cedilla", "ç", UCS2, 1, 1},
	}
}

func TestSegments_Vectors(t *testing.T) {
	for _, v := range vectors() {
		t.Run(v.name, func(t *testing.T) {
			m := MeasureSMS(v.text)
			if m.Encoding != v.encoding || m.Units != v.units || m.Segments != v.segments {
				t.Errorf("got %s, %d units, %d segments, want %s, %d, %d", m.Encoding, m.Units, m.Segments, v.encoding,
					v.units, v.segments)
			}
			if got := Segments(v.text); got != v.segments {
				t.Errorf("Segments = %d, want %d", got, v.segments)
			}
			if got := SegmentsBytes([]byte(v.text)); got != v.segments {
				t.Errorf("SegmentsBytes = %d, want %d", got, v.segments)
			}
		})
	}
}

func TestMeasureSMS_Boundaries(t *testing.T) {
	for _, c := range []struct {
		name                             string
		text                             string
		perSegment, overBy, left, forced int
	}{
		{"empty", "", 160, 0, 160, 0},
		{"single full", a(160), 160, 0, 0, 0},
		{"one over a single", a(161), 153, 1, 145, 0},
		{"escape over a single", a(159) + "€", 153, 2, 145, 0},
		{"two full", a(306), 153, 146, 0, 0},
		{"one over two", a(307), 153, 1, 152, 0},
		{"escape wasted a septet", a(152) + "{" + a(153), 153, 2, 151, 0},
		{"Cyrillic single full", cyr(70), 70, 0, 0, 70},
		{"Cyrillic one over", cyr(71), 67, 1, 63, 71},
		{"Cyrillic one over two", cyr(135), 67, 1, 66, 135},
		{"pair over a single", cyr(69) + "😎", 67, 2, 63, 70},
		{"one letter forces", a(159) + "е", 67, 26, 41, 1},
		{"all in the first 70 of two", cyr(68) + "😎", 70, 0, 0, 69},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := MeasureSMS(c.text)
			if m.PerSegment != c.perSegment || m.OverBy != c.overBy || m.UnitsLeft != c.left ||
				m.ForcedChars != c.forced {
				t.Errorf("got per segment %d, over by %d, left %d, forced %d, want %d, %d, %d, %d",
					m.PerSegment, m.OverBy, m.UnitsLeft, m.ForcedChars, c.perSegment, c.overBy, c.left, c.forced)
			}
		})
	}
}

func TestSegments_NoAllocation(t *testing.T) {
	for _, v := range vectors() {
		text := []byte(v.text)
		if n := testing.AllocsPerRun(10, func() {
			if Segments(v.text) != SegmentsBytes(text) || MeasureSMS(v.text) != MeasureSMSBytes(text) {
				t.Errorf("%s: string and bytes differ", v.name)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations, want 0", v.name, n)
		}
	}
}

func TestMeasureSMS_JSON(t *testing.T) {
	got, err := json.Marshal(MeasureSMS(a(161)))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"encoding":"GSM-7","units":161,"segments":2,"per_segment":153,"over_by":1,"units_left":145,"forced_chars":0}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Texts of the lengths that one-time passwords and notices have.
func benchmarkTexts() []vector {
	otp := "Your code is 482913. Don't tell it to anyone"
	ru := "Ваш код 482913. Никому его не сообщайте"
	return []vector{
		{name: "ascii20", text: otp[:20]},
		{name: "ascii44", text: otp},
		{name: "ascii60", text: otp + ", not even us!!!"},
		{name: "ascii120", text: rep("Order 42 left the store ", 5)},
		{name: "ascii300", text: rep("Order 42 left the store: ", 12)},
		{name: "russian39", text: ru},
		{name: "russian117", text: rep(ru, 3)},
		{name: "russian117emoji", text: "🎉" + rep(ru, 3)},
		{name: "ascii300brackets", text: rep("Order [42] left the shop ", 12)},
	}
}

func BenchmarkSegmentsBytes(b *testing.B) {
	for _, c := range benchmarkTexts() {
		b.Run(c.name, func(b *testing.B) {
			text := []byte(c.text)
			sum := 0
			for b.Loop() {
				sum += SegmentsBytes(text)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "texts/s")
			if sum < b.N {
				b.Fatal("a text without a segment")
			}
		})
	}
}

func BenchmarkMeasureSMSBytes(b *testing.B) {
	for _, c := range benchmarkTexts() {
		b.Run(c.name, func(b *testing.B) {
			text := []byte(c.text)
			sum := 0
			for b.Loop() {
				sum += MeasureSMSBytes(text).Segments
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "texts/s")
			if sum < b.N {
				b.Fatal("a text without a segment")
			}
		})
	}
}

func BenchmarkExplainSMS(b *testing.B) {
	text := "It’s a “deal” – your order…"
	sum := 0
	for b.Loop() {
		sum += ExplainSMS(text).Segments
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "texts/s")
	if sum < b.N {
		b.Fatal("a text without a segment")
	}
}
