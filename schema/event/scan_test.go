package event

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kaskad/schema"
)

// jsonText draws an object that is nearly an event: known and unknown fields with fitting and unfitting values, and
// blanks.
func jsonText(t *rapid.T) []byte {
	space := rapid.SampledFrom([]string{"", "", "", " ", "\n\t", "\r\n  "})
	name := rapid.OneOf(rapid.SampledFrom(Fields), rapid.SampledFrom(Fields),
		rapid.SampledFrom([]string{"colour", "x\\u0041", "статус", "", "a\\\"b"}))
	text := rapid.OneOf(
		rapid.SampledFrom([]string{"acme", "sms", "sent", "delivered", "lookup", "+79001234567", "user:1",
			"2026-11-19T10:00:00Z", "2026-11-19T10:00:00.123+03:00", "2.50", "RUB", "", "otp",
			"first", "0192f0c4-8a00-7abc-8def-0123456789ab", "Чёрная пятница", "a\\nb", "\\u0416", "tab\there",
			"quote\\\"", "back\\\\", "bad \xff utf8", strings.Repeat("long", 70), "null", "7", "0017"}),
		rapid.StringMatching(`[ -~а-яё]{0,20}`))
	value := rapid.Custom(func(t *rapid.T) string {
		switch rapid.IntRange(0, 9).Draw(t, "kind") {
		case 0:
			return rapid.SampledFrom([]string{"null", "true", "false", "nul", "True", "{}", `{"a":[1,{"b":null}]}`,
				"[]", `["x"]`, "[1,", "{", ""}).Draw(t, "word")
		case 1, 2:
			return rapid.SampledFrom([]string{"0", "1", "2", "32", "33", "-1", "-0", "01", "1.5", "1e2", "-", "65535",
				"65536", "123456789012345678901", "1x", "+1"}).Draw(t, "number")
		}
		return `"` + text.Draw(t, "text") + `"`
	})
	var b strings.Builder
	b.WriteString(space.Draw(t, "before") + "{")
	fields := [][2]string{}
	if rapid.IntRange(0, 3).Draw(t, "valid base") > 0 {
		fields = append(fields, [2]string{"account", `"acme"`}, [2]string{"message_id", `"m 1"`},
			[2]string{"status", `"sent"`}, [2]string{"channel", `"sms"`},
			[2]string{"recipient", `"+79001234567"`}, [2]string{"occurred_at", `"2026-11-19T10:00:00.5Z"`})
	}
	for range rapid.IntRange(0, 5).Draw(t, "fields") {
		fields = append(fields, [2]string{name.Draw(t, "name"), value.Draw(t, "value")})
	}
	fields = rapid.Permutation(fields).Draw(t, "order")
	for i, f := range fields {
		if i > 0 {
			b.WriteString(space.Draw(t, "s") + ",")
		}
		fmt.Fprintf(&b, `%s"%s"%s:%s%s`, space.Draw(t, "s"), f[0], space.Draw(t, "s"), space.Draw(t, "s"), f[1])
	}
	b.WriteString(space.Draw(t, "s") + "}" +
		rapid.SampledFrom([]string{"", "", "", "", " ", "\n", "}", "{}", ",", "\x00"}).Draw(t, "after"))
	raw := []byte(b.String())
	if rapid.IntRange(0, 9).Draw(t, "damage") == 0 {
		raw[rapid.IntRange(0, len(raw)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
	}
	return raw
}

// objectsACheck is how many objects a check draws. About one in six is valid and one in six is scanned, so of 100 there
// are now and then fewer than the tests ask for.
const objectsACheck = 8

// measureByLength is a measure that differs from text to text.
func measureByLength(text []byte) schema.SMSMeasure {
	n := uint16(len(text))
	return schema.SMSMeasure{Segments: 1 + n/10, OverBy: n % 13, ForcedChars: n % 11, Plain: 1 + n/20}
}

// The scanner must read every object as the library does, or leave it to the library.
func TestDecoder_Scan_AgreesWithLibrary(t *testing.T) {
	now := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC).UnixMilli()
	measure := measureByLength
	scanned, total := 0, 0
	agree := func(t *rapid.T) {
		raw := jsonText(t)
		fast, slow := Decoder{MeasureSMS: measure}, Decoder{MeasureSMS: measure}
		got, gotErr := fast.Decode(raw, now)
		want, wantErr := slow.decode(raw, now)
		total++
		if fast.scanning {
			scanned++
		}
		if !reflect.DeepEqual(gotErr, wantErr) {
			t.Fatalf("%q: error %v, the library's %v", raw, gotErr, wantErr)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q:\n%+v, the library's\n%+v", raw, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		for range objectsACheck {
			agree(t)
		}
	})
	if scanned*10 < total || scanned == total {
		t.Errorf("%d of %d objects were scanned: the test compares too little", scanned, total)
	}
}

// A canonical event is read as the event that it was written from.
func TestAppendJSON_RoundTrip(t *testing.T) {
	now := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC).UnixMilli()
	valid := 0
	roundTrip := func(t *rapid.T) {
		d := Decoder{MeasureSMS: measureByLength}
		ev, err := d.Decode(jsonText(t), now)
		if err != nil {
			return
		}
		valid++
		want := *ev
		raw := AppendJSON(nil, ev)
		again, err := (&Decoder{}).Decode(raw, now)
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		want.SMSText, want.UnknownFields = nil, 0
		// Empty and missing are the same.
		if got, want := fmt.Sprintf("%+v", *again), fmt.Sprintf("%+v", want); got != want {
			t.Fatalf("%s:\n%s, want\n%s", raw, got, want)
		}
		if twice := string(AppendJSON(nil, again)); twice != string(raw) {
			t.Fatalf("%s, the second time %s", raw, twice)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		for range objectsACheck {
			roundTrip(t)
		}
	})
	if valid < 80 { // 115 to 157 in thirty runs
		t.Errorf("only %d events were valid", valid)
	}
}
