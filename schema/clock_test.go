package schema

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

func TestParseTime_AgreesWithTimePackage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(-2_000_000_000, 7_000_000_000).Draw(t, "s"),
			rapid.Int64Range(0, 999_999_999).Draw(t, "ns"))
		zone := time.FixedZone("", rapid.IntRange(-23*60-59, 23*60+59).Draw(t, "offset")*60)
		layout := rapid.SampledFrom([]string{time.RFC3339, time.RFC3339Nano, "2006-01-02T15:04:05.000Z07:00",
			"2006-01-02t15:04:05.000000Z07:00"}).Draw(t, "layout")
		text := at.In(zone).Format(layout)
		want, err := time.Parse(time.RFC3339Nano, strings.ToUpper(text))
		if err != nil {
			t.Fatalf("the time package refuses %q: %v", text, err)
		}
		got, ok := ParseTime([]byte(text))
		if !ok || got != want.UnixMilli() {
			t.Fatalf("ParseTime(%q) = %d, %v; want %d", text, got, ok, want.UnixMilli())
		}
	})
}

func TestParseTime_Refuses(t *testing.T) {
	for _, text := range []string{"", "2026-11-20", "2026-11-20 13:00:00", "2026-11-20T13:00:00",
		"2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
		"2026-11-20T24:00:00Z", "2026-11-20T13:00:60Z", "2026-11-20T13:00:00.Z", "2026-11-20T13:00:00+2400",
		"2026-11-20T13:00:00+24:00",
		"2026-11-20T13:00:00+03", "2026-11-20T13:00:00Z ", "2026-11-20_13:00:00Z", "176360000", "17636000000",
		"176360000000", "17636000000000",
		"-763600000", "1763600000.5", "2026-1-20T13:00:00.00Z"} {
		if ms, ok := ParseTime([]byte(text)); ok {
			t.Errorf("ParseTime(%q) = %d, want a refusal", text, ms)
		}
	}
}

// What providers write besides RFC 3339.
func TestParseTime_Lenient(t *testing.T) {
	for text, want := range map[string]int64{
		"2026-11-20 13:00:00Z": 1795179600000, "2026-11-20T13:00:00+0300": 1795168800000,
		"2026-11-20 13:00:00.5-0330": 1795192200500,
		"1763600000":                 1763600000000, "1763600000123": 1763600000123,
	} {
		if ms, ok := ParseTime([]byte(text)); !ok || ms != want {
			t.Errorf("ParseTime(%q) = %d, %v; want %d", text, ms, ok, want)
		}
	}
}

func TestIDTime_UUIDv7AndULID(t *testing.T) {
	before := time.Now().UnixMilli()
	v7, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{v7.String(), strings.ToUpper(v7.String())} {
		if got := IDTime([]byte(id)); got < before || got > time.Now().UnixMilli() {
			t.Errorf("IDTime(%s) = %d, want about %d", id, got, before)
		}
	}
	for id, want := range map[string]int64{
		"01ARZ3NDEKTSV4RRFFQ69G5FAV":           1469922850259, // the example of the ULID specification
		"01arz3ndektsv4rrffq69g5fav":           1469922850259,
		"01ARZ3NDEKTSV4RRFFQ69G5FAU":           0,                 // U is not in the alphabet
		"81ARZ3NDEKTSV4RRFFQ69G5FAV":           0,                 // more than 128 bits
		"00000000000000000000000000":           0,                 // 1970
		"017f22e2-79b0-7cc3-98c4-dc0c0c07398f": 1_645_557_742_000, // the example of RFC 9562
		"017f22e2-79b0-7cc3-78c4-dc0c0c07398f": 0,                 // variant
		"017f22e2-79b0-4cc3-98c4-dc0c0c07398f": 0,                 // version 4
		"017f22e279b0-7cc3-98c4-dc0c0c07398f-": 0,
		"order-15":                             0,
		"":                                     0,
	} {
		if got := IDTime([]byte(id)); got != want {
			t.Errorf("IDTime(%q) = %d, want %d", id, got, want)
		}
	}
}

func TestIDTime_Years(t *testing.T) {
	at := func(ms int64) []byte {
		u := uuid.UUID{byte(ms >> 40), byte(ms >> 32), byte(ms >> 24), byte(ms >> 16), byte(ms >> 8), byte(ms), 0x70, 0,
			0x80}
		return []byte(u.String())
	}
	for ms, want := range map[int64]int64{idTimeMinMS - 1: 0, idTimeMinMS: idTimeMinMS,
		idTimeMaxMS - 1: idTimeMaxMS - 1, idTimeMaxMS: 0} {
		if got := IDTime(at(ms)); got != want {
			t.Errorf("IDTime of a UUIDv7 of %d = %d, want %d", ms, got, want)
		}
	}
	if time.UnixMilli(idTimeMinMS).UTC().Format(time.RFC3339) != "2015-01-01T00:00:00Z" ||
		time.UnixMilli(idTimeMaxMS).UTC().Format(time.RFC3339) != "2041-01-01T00:00:00Z" {
		t.Error("the years of trusted ids are not 2015…2040")
	}
}
