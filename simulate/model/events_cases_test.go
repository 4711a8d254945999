package model

import (
	"strings"
	"testing"
	"time"
)

// A time is RFC 3339, also with +0300 or a blank for the T, or Unix seconds or milliseconds, as number or text.
func TestModel_Add_Times(t *testing.T) {
	for text, want := range map[string]string{
		`"2026-11-19T13:00:00.0079+03:00"`: "2026-11-19T10:00:00.007Z",
		`"2026-11-19T13:00:00+0300"`:       "2026-11-19T10:00:00Z",
		`"2026-11-19 10:00:00Z"`:           "2026-11-19T10:00:00Z",
		`"2026-11-19 05:00:00.5-0500"`:     "2026-11-19T10:00:00.5Z",
		`"2026-11-19t10:00:00z"`:           "2026-11-19T10:00:00Z", `1795082400`: "2026-11-19T10:00:00Z",
		`"1795082400"`:  "2026-11-19T10:00:00Z",
		`1795082400123`: "2026-11-19T10:00:00.123Z", `"1795082400123"`: "2026-11-19T10:00:00.123Z",
		// Refused.
		`"2026-11-19T10:00:00"`: "", `"2026-11-19 10:00:00"`: "", `"2026-11-19"`: "", `179508240`: "",
		`"17950824000"`: "", `1795082400.5`: "",
		`1.7950824e9`: "", `-1795082400`: "", `"2026-11-19T10:00:00 Z"`: "", `"2026-11-19T10:00:00."`: "",
		`"2026-11-19T10:00:00.Z"`: "",
		`"2026-11-19T10:00Z"`:     "", `"2026-02-30T10:00:00Z"`: "", `"2026-11-19T10:00:00,5Z"`: "",
		`"2026-11-19T24:00:00Z"`: "", `"+1795082400"`: "",
		`true`: "", `["2026-11-19T10:00:00Z"]`: "", `"2026-11-19T10:00:00+03"`: "", `"10:00:00Z"`: "",
	} {
		m := New(noon)
		err := m.Add([]byte(event("delivered occurred_at=TIME submitted_at=TIME ")))
		if err == nil {
			t.Fatal("TIME is taken")
		}
		err = m.Add([]byte(strings.ReplaceAll(event("delivered occurred_at=TIME submitted_at=TIME"), "TIME", text)))
		if want == "" {
			if err == nil || !strings.HasPrefix(err.Error(), "occurred_at: ") ||
				!strings.Contains(err.Error(), "; submitted_at: ") {
				t.Errorf("%s: %v, want both times refused", text, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		for _, msg := range m.messages {
			cohort, _ := msg.cohort()
			at, _ := time.Parse(time.RFC3339, want)
			if got := msg.attempts[0].times[Delivered]; got != at.UnixMilli() || cohort != got {
				t.Errorf("%s: %s, want %s", text, instantOf(got), want)
			}
		}
	}
}

func TestModel_Add_WholeNumbers(t *testing.T) {
	for text, want := range map[string]int64{`2`: 2, `"2"`: 2, `"02"`: 2, `"00000000000000000000002"`: 2, `0`: 0,
		`"0"`: 0, `""`: 0, `null`: 0, `65535`: 65535,
		`2.0`: -1, `2e0`: -1, `"2.0"`: -1, `"+2"`: -1, `-2`: -1, `"-2"`: -1, `"two"`: -1, `true`: -1, `65536`: -1,
		`"65536"`: -1, `[2]`: -1, `{}`: -1,
		`18446744073709551618`: -1} {
		m := New(noon)
		err := m.Add([]byte(event("sent segments=" + text)))
		if want < 0 {
			if err == nil || !strings.HasPrefix(err.Error(), "segments: ") {
				t.Errorf("%s: %v, want it refused", text, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		for _, msg := range m.messages {
			if got := int64(msg.attempts[0].segments); got != want {
				t.Errorf("%s: %d, want %d", text, got, want)
			}
		}
	}
}

// An event that is taken has no fault, one that is refused says all of them.
func TestModel_Add_Fields(t *testing.T) {
	for short, want := range map[string]string{
		`sent step=0`: "step", `sent step="0"`: "step", `sent step=33`: "step", `sent step=32`: "", `sent step="2"`: "",
		`sent step=null`: "",
		`sent part=1`:    "part", `sent part=3 parts=2`: "part", `sent part=0 parts=2`: "part",
		`sent part=2 parts=2`: "", `sent part="2" parts="2"`: "",
		`sent part=1 parts=1`: "", `sent part=0`: "", `sent parts=256`: "parts", `sent parts=255`: "",
		`sent price="0.03330000" currency="RUB"`: "", `sent price="0.0333001" currency="RUB"`: "price",
		`sent price="0.00000010" currency="RUB"`: "price",
		`sent price="1" currency="rub"`:          "currency", `sent price="1"`: "currency",
		`sent price="-1" currency="RUB"`: "price", `sent price=2.5 currency="RUB"`: "",
		`sent country="RU"`: "", `sent country="ru"`: "country", `sent country="RUS"`: "country",
		`sent billable=false machine=true`: "", `sent billable="false"`: "billable", `sent machine=1`: "machine",
		`sent error_code=27`: "", `sent campaign=true`: "campaign",
		`inbound message_id=`: "", `inbound message_id="x" step=3`: "", `inbound channel=`: "channel",
		`lookup channel= message_id=`: "", `sent message_id=`: "message_id",
		`arrived`: "status",
		`arrived channel="fax" recipient="8903" segments=1.5 price="x"`: "channel currency price recipient segments " +
			"status",
		`sent account= message_id= occurred_at=`: "account message_id occurred_at",
	} {
		m := New(noon)
		err := m.Add([]byte(event(short)))
		got := map[string]bool{}
		if err != nil {
			for _, fault := range strings.Split(err.Error(), "; ") {
				field, _, _ := strings.Cut(fault, ":")
				got[field] = true
			}
		}
		wanted := strings.Fields(want)
		for _, field := range wanted {
			if !got[field] {
				t.Errorf("%s: %v, want a fault of %s", short, err, field)
			}
		}
		if len(got) != len(wanted) {
			t.Errorf("%s: %v, want faults of %q", short, err, want)
		}
	}
}

// The code of an attempt is that of its latest failure which carries one, in any order of arrival.
func TestModel_ErrorCode_Cases(t *testing.T) {
	for name, c := range map[string]struct {
		events []string
		want   string
	}{
		"27, then 1":            {[]string{`undelivered error_code="27"`, `undelivered error_code="1" @1h`}, "1"},
		"13, then 6":            {[]string{`failed error_code="13"`, `undelivered error_code="6" @1h`}, "6"},
		"at one time, as bytes": {[]string{`undelivered error_code="13"`, `undelivered error_code="6"`}, "6"},
		"zeros are cut":         {[]string{`undelivered error_code="0006"`}, "6"},
		"zeros are none":        {[]string{`undelivered error_code="6"`, `undelivered error_code="000" @1h`}, "6"},
		"without one":           {[]string{`undelivered error_code="6"`, `expired @1h`}, "6"},
		"of a part": {[]string{`undelivered error_code="6"`,
			`undelivered error_code="1" part=1 parts=2 @1h`}, "1"},
		"of a delivered part": {[]string{`undelivered error_code="6" part=1 parts=2`,
			`delivered part=1 parts=2 @1h`}, "6"},
		"delivered carries none": {[]string{`undelivered error_code="6"`, `delivered error_code="9" @1h`}, "6"},
		"the same twice": {[]string{`undelivered error_code="6" @1h`, `undelivered error_code="6"`,
			`undelivered error_code="9" @30m`}, "6"},
	} {
		for _, order := range [][]string{c.events, reversed(c.events), append(reversed(c.events), c.events...)} {
			m := New(noon)
			for _, e := range order {
				if err := m.Add([]byte(event(e))); err != nil {
					t.Fatal(err)
				}
			}
			for _, msg := range m.messages {
				if got := m.strings[msg.attempts[0].errorCode]; got != c.want {
					t.Errorf("%s: %q, want %q", name, got, c.want)
				}
			}
		}
	}
}

func reversed(events []string) []string {
	var out []string
	for i := range events {
		out = append(out, events[len(events)-1-i])
	}
	return out
}

// A message goes to one person: the greatest contact, else the phone number, else the recipient of the lowest step.
func TestMessage_Person_Cases(t *testing.T) {
	for name, c := range map[string]struct {
		events []string
		want   string
	}{
		"a contact of one step": {[]string{`sent channel="push" recipient="device:i" contact="p"`,
			`sent step=2`}, "p"},
		"the greatest": {[]string{`sent contact="p1"`, `sent step=2 contact="p2"`}, "p2"},
		"a phone number": {[]string{`sent channel="push" recipient="device:i"`, `sent step=2`},
			"+79160000001"},
		"the greatest phone number": {[]string{`sent recipient="+79160000003"`, `sent step=2`}, "+79160000003"},
		"of the lowest step": {[]string{`sent step=2 recipient="user:z"`,
			`skipped channel="push" recipient="device:i"`}, "device:i"},
		"a number of a skipped step": {[]string{`sent recipient="user:z" channel="vk"`, `skipped step=2`},
			"+79160000001"},
		"an event of a person has none": {[]string{`sent`, `subscribed contact="p" message_id="m"`}, "+79160000001"},
	} {
		m := New(noon)
		for _, e := range c.events {
			if err := m.Add([]byte(event(e))); err != nil {
				t.Fatal(err)
			}
		}
		for _, msg := range m.messages {
			if got := msg.Person(); got != c.want {
				t.Errorf("%s: %q, want %q", name, got, c.want)
			}
		}
	}
}
