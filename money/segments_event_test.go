package money

import (
	"testing"

	"pgregory.net/rapid"

	"kaskad/schema"
)

func TestSMSMeasure_Examples(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want schema.SMSMeasure
	}{
		"empty":                    {"", schema.SMSMeasure{Segments: 1}},
		"short":                    {"hi", schema.SMSMeasure{Segments: 1}},
		"at the boundary":          {a(160), schema.SMSMeasure{Segments: 1}},
		"one over":                 {a(161), schema.SMSMeasure{Segments: 2, OverBy: 1}},
		"ten over":                 {a(170), schema.SMSMeasure{Segments: 2, OverBy: 10}},
		"eleven over":              {a(171), schema.SMSMeasure{Segments: 2}},
		"one over two":             {a(307), schema.SMSMeasure{Segments: 3, OverBy: 1}},
		"Russian":                  {cyr(70), schema.SMSMeasure{Segments: 1}},
		"Russian, over":            {cyr(73), schema.SMSMeasure{Segments: 2, OverBy: 3}},
		"one letter":               {a(159) + "е", schema.SMSMeasure{Segments: 3, ForcedChars: 1, Plain: 1}},
		"one letter costs nothing": {"hеllo", schema.SMSMeasure{Segments: 1, ForcedChars: 1, Plain: 1}},
		"ten letters":              {a(150) + cyr(10), schema.SMSMeasure{Segments: 3, ForcedChars: 10, Plain: 1}},
		"eleven letters":           {a(150) + cyr(11), schema.SMSMeasure{Segments: 3}},
		"both":                     {a(134) + "е", schema.SMSMeasure{Segments: 3, OverBy: 1, ForcedChars: 1, Plain: 1}},
		"both, extension": {rep("[", 66) + rep("[", 66) + "👋",
			schema.SMSMeasure{Segments: 2, ForcedChars: 1, Plain: 2}},
		"only forced":       {"👋", schema.SMSMeasure{Segments: 1, ForcedChars: 1, Plain: 1}},
		"the longest":       {rep("😎", 10_000), schema.SMSMeasure{Segments: 304, OverBy: 2}},
		"the longest plain": {rep("[", 9_999) + "😎", schema.SMSMeasure{Segments: 150, ForcedChars: 1, Plain: 132}},
	} {
		if got := SMSMeasure([]byte(c.text)); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
		if got := schema.UnpackSMSMeasure(schema.PackSMSMeasure(c.want)); got != c.want {
			t.Errorf("%s: unpacked %+v, want %+v", name, got, c.want)
		}
	}
}

// What ingest keeps is what the explanation says to a person.
func TestSMSMeasure_AgreesWithExplanation(t *testing.T) {
	letters := rapid.SampledFrom([]rune("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab{€\n’ж😎"))
	rapid.Check(t, func(t *rapid.T) {
		text := string(rapid.SliceOfN(letters, 0, 400).Draw(t, "text"))
		e, got := ExplainSMS(text), SMSMeasure([]byte(text))
		want := schema.SMSMeasure{Segments: uint16(e.Segments)}
		if e.OverBy <= 10 {
			want.OverBy = uint16(e.OverBy)
		}
		if e.ForcedChars > 0 && e.ForcedChars <= 10 {
			want.ForcedChars, want.Plain = uint16(e.ForcedChars), uint16(e.WithoutForced.Segments)
		}
		if got != want {
			t.Fatalf("%q: %+v, want %+v", text, got, want)
		}
		if packed := schema.PackSMSMeasure(got); schema.UnpackSMSMeasure(packed) != got {
			t.Fatalf("%q: %+v does not survive packing", text, got)
		}
	})
}

func BenchmarkSMSMeasure(b *testing.B) {
	for name, text := range map[string]string{"latin": a(150), "russian": cyr(120), "one forced": a(150) + "’"} {
		b.Run(name, func(b *testing.B) {
			raw := []byte(text)
			b.ReportAllocs()
			for b.Loop() {
				SMSMeasure(raw)
			}
		})
	}
}
