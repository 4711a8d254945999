package event

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"kaskad/schema"
)

// anyMeasure draws what an event may say of its text, nonsense too.
func anyMeasure(t *rapid.T, name string) schema.SMSMeasure {
	number := rapid.OneOf(rapid.Uint16Range(0, 12), rapid.Uint16Range(0, 12),
		rapid.SampledFrom([]uint16{1023, 1024, 16382, 16383, 16384, 65535}))
	return schema.SMSMeasure{Segments: number.Draw(t, name+" segments"), OverBy: number.Draw(t, name+" over by"),
		ForcedChars: number.Draw(t, name+" forced"), Plain: number.Draw(t, name+" plain")}
}

// An event whose text has been replaced by its measures says the same as one that holds the text.
func TestAppendJSON_Measure(t *testing.T) {
	few := 0
	rapid.Check(t, func(t *rapid.T) {
		measured := anyMeasure(t, "text")
		measured.Segments = max(1, measured.Segments)
		text := rapid.SampledFrom([]string{"", `"secret"`, `"secret"`}).Draw(t, "text")
		said := anyMeasure(t, "event")
		number := func(n uint16) string {
			if n == 0 {
				return rapid.SampledFrom([]string{"", "0", "null"}).Draw(t, "no number")
			}
			return fmt.Sprint(n)
		}
		raw := event("sms_text", text, "sms_segments", number(said.Segments), "sms_segments_plain", number(said.Plain),
			"sms_over_by", number(said.OverBy), "sms_forced_chars", number(said.ForcedChars))
		direct := Decoder{MeasureSMS: func([]byte) schema.SMSMeasure { return measured }}
		got, err := direct.Decode([]byte(raw), testNow)
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		want := schema.PackSMSMeasure(said)
		if text != "" {
			want = max(want, schema.PackSMSMeasure(measured))
		}
		if got.SMSMeasure != want {
			t.Fatalf("%s of %+v: %+v, want %+v", raw, measured, schema.UnpackSMSMeasure(got.SMSMeasure),
				schema.UnpackSMSMeasure(want))
		}
		if s := schema.UnpackSMSMeasure(got.SMSMeasure).Segments; s != min(got.SMSSegments, 16383) {
			t.Fatalf("%s: the measure speaks of %d segments, the event of %d", raw, s, got.SMSSegments)
		}
		if want&255 != 0 {
			few++
		}
		replaced := AppendJSON(nil, got)
		if bytes.Contains(replaced, []byte("secret")) {
			t.Fatalf("%s keeps the text", replaced)
		}
		again, err := (&Decoder{}).Decode(replaced, testNow)
		if err != nil {
			t.Fatalf("%s: %v", replaced, err)
		}
		if again.SMSMeasure != want || again.SMSSegments != got.SMSSegments {
			t.Fatalf("%s from %s: %d segments, %+v, want %d, %+v", replaced, raw, again.SMSSegments,
				schema.UnpackSMSMeasure(again.SMSMeasure), got.SMSSegments, schema.UnpackSMSMeasure(want))
		}
	})
	if few < 5 {
		t.Errorf("only %d events had something to tell", few)
	}
}
