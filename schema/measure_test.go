package schema

import (
	"testing"

	"pgregory.net/rapid"
)

// anyMeasure draws what an event may say of its text, nonsense too.
func anyMeasure(t *rapid.T, name string) SMSMeasure {
	number := rapid.OneOf(rapid.Uint16Range(0, 12), rapid.Uint16Range(0, 12),
		rapid.SampledFrom([]uint16{1023, 1024, 16382, 16383, 16384, 65535}))
	return SMSMeasure{Segments: number.Draw(t, name+" segments"), OverBy: number.Draw(t, name+" over by"),
		ForcedChars: number.Draw(t, name+" forced"), Plain: number.Draw(t, name+" plain")}
}

func TestPackSMSMeasure_Law(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyMeasure(t, "m")
		packed := PackSMSMeasure(m)
		got := UnpackSMSMeasure(packed)
		if again := PackSMSMeasure(got); again != packed {
			t.Fatalf("%+v: packed %x, then %x", m, packed, again)
		}
		want := SMSMeasure{Segments: min(m.Segments, 16383)}
		if m.Segments > 1 && m.OverBy <= 10 {
			want.OverBy = m.OverBy
		}
		if m.Segments > 0 && m.ForcedChars >= 1 && m.ForcedChars <= 10 && m.Plain >= 1 && m.Plain <= 1023 {
			want.ForcedChars, want.Plain = m.ForcedChars, m.Plain
		}
		if got != want {
			t.Fatalf("%+v: %+v, want %+v", m, got, want)
		}
		if few := want.OverBy > 0 || want.ForcedChars > 0; few != (packed&255 != 0) {
			t.Fatalf("%+v: the low bits are %x", m, packed&255)
		}
		// The text with the most segments has the greatest value, whatever else it is.
		other := anyMeasure(t, "other")
		if m.Segments < 16383 && other.Segments > m.Segments && PackSMSMeasure(other) <= packed {
			t.Fatalf("%+v packs to more than %+v", m, other)
		}
	})
}
