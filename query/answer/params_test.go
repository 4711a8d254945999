package answer

import (
	"context"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kaskad/schema"
)

func paramsOf(t *testing.T, query string, known ...string) *Params {
	t.Helper()
	p, err := readParams(httptest.NewRequest("GET", "/?"+query, nil), known)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestParams_Period_Cases(t *testing.T) {
	now := time.Date(2026, 11, 20, 13, 7, 1, 0, time.UTC)
	for _, c := range []struct{ query, from, to string }{
		{"", "2025-10-16T13:00:00Z", "2026-11-20T14:15:00Z"},
		{"from=2026-11-01&to=2026-11-02", "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"},
		{"tz=Asia/Kathmandu&from=2026-11-01&to=2026-11-02", "2026-10-31T18:15:00Z", "2026-11-01T18:15:00Z"},
		{"from=2026-11-01T13:00:00%2B03:00&to=2026-11-01T13:15:00.000%2B03:00", "2026-11-01T10:00:00Z",
			"2026-11-01T10:15:00Z"},
		// A plus sign that nobody encoded arrives as a space.
		{"from=2026-11-01T13:00:00+03:00&to=2026-11-02T00:00:00Z", "2026-11-01T10:00:00Z", "2026-11-02T00:00:00Z"},
		// A day of 23 hours that starts at 01:00, a day of 25 hours, a day whose midnight comes twice.
		{"tz=Africa/Cairo&from=2026-04-24&to=2026-04-25", "2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z"},
		{"tz=America/New_York&from=2026-11-01&to=2026-11-02", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"},
		{"tz=America/Havana&from=2026-11-01&to=2026-11-02", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"},
		// A day that its zone left out.
		{"tz=Pacific/Apia&from=2011-12-30&to=2012-01-01", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"},
	} {
		p := paramsOf(t, c.query, "from", "to", "tz")
		from, to := p.Period(now, p.Zone())
		if err := p.Err(); err != nil {
			t.Errorf("%s: %v", c.query, err)
			continue
		}
		got := [2]string{time.UnixMilli(from).UTC().Format(time.RFC3339), time.UnixMilli(to).UTC().Format(time.RFC3339)}
		if got != [2]string{c.from, c.to} {
			t.Errorf("%s: %v, want %s %s", c.query, got, c.from, c.to)
		}
	}
}

func TestParams_Period_DayStart(t *testing.T) {
	zones := []string{"Africa/Cairo", "America/Havana", "America/New_York", "Asia/Beirut", "Asia/Kathmandu",
		"Australia/Lord_Howe", "Pacific/Apia",
		"Pacific/Chatham", "Europe/Moscow", "America/Asuncion", "America/Santiago", "Atlantic/Azores", "UTC"}
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		day := time.Date(2020, 1, 1+rapid.IntRange(0, 4000).Draw(t, "day"), 0, 0, 0, 0, time.UTC)
		start := DayStart(day, zone)
		if got := start.In(zone).Format(time.DateOnly); got != day.Format(time.DateOnly) {
			t.Fatalf("%s starts at %s", day.Format(time.DateOnly), start.In(zone))
		}
		if got := start.Add(-time.Millisecond).In(zone).Format(time.DateOnly); got >= day.Format(time.DateOnly) {
			t.Fatalf("%s starts at %s, but the moment before is in it too", day.Format(time.DateOnly), start.In(zone))
		}
	})
}

func TestParams_Errors(t *testing.T) {
	now := time.Date(2026, 11, 20, 13, 7, 1, 0, time.UTC)
	long := strings.Repeat("x", 300)
	for _, c := range []struct{ query, parameter, word string }{
		{"from=2026-11-01T00:07:00Z", "from", "quarter hour"},
		{"to=2026-11-01T00:00:00.5Z", "to", "quarter hour"},
		{"from=yesterday", "from", "RFC 3339"},
		{"from=2026-02-30", "from", "RFC 3339"},
		{"from=2026-11-02&to=2026-11-02", "to", "later"},
		{"from=2026-11-02&to=2026-11-01", "to", "later"},
		{"from=2026-11-02&from=2026-11-01", "from", "once"},
		{"tz=Mars/Olympus", "tz", "IANA"},
		{"tz=Local", "tz", "IANA"},
		{"tz=", "tz", "IANA"},
		{"tz=../../etc/passwd", "tz", "IANA"},
		{"form=2026-11-01", "form", "did you mean from?"},
		{"zzzzzzzz=1", "zzzzzzzz", "must be one of from to tz"},
		{"from=" + long, "from", "256"},
		{"from=1&" + strings.Repeat("tz=UTC&", 1000), "", "1001 values"},
	} {
		p := paramsOf(t, c.query, "from", "to", "tz")
		zone := p.Zone()
		p.Period(now, zone)
		err := p.Err()
		if err == nil {
			t.Errorf("%s: no error", c.query)
			continue
		}
		found := false
		for _, e := range p.Errs {
			found = found || e.Parameter == c.parameter && strings.Contains(e.Reason, c.word)
		}
		if !found {
			t.Errorf("%s: %v, want %q about %q", c.query, err, c.word, c.parameter)
		}
	}
}

// Swapped neighbours are one mistake, and what is too far from all known names is none of them.
func TestSuggest_Cases(t *testing.T) {
	known := []string{"channel", "from", "group_by"}
	for name, want := range map[string]string{"form": "from", "grup_by": "group_by", "chanel": "channel",
		"CHANNEL": "channel", "frm": "from", "": "", "sitting": "", "канал": ""} {
		got := Suggest(name, known)
		if want == "" && got != "it must be one of channel from group_by" || want != "" &&
			got != "did you mean "+want+"?" {
			t.Errorf("%q: %s", name, got)
		}
	}
}

func TestCursors_RoundTrip(t *testing.T) {
	cursors := NewCursors([]schema.CursorKey{{1}}, nil)
	rapid.Check(t, func(t *rapid.T) {
		keys := make([][]byte, rapid.IntRange(0, 18).Draw(t, "n"))
		for i := range keys {
			keys[i] = rapid.SliceOfN(rapid.Byte(), 0, maxValueBytes).Draw(t, "key")
		}
		asOf := rapid.Int64().Draw(t, "as_of")
		hash := QueryHash("a", "b")
		encoded, err := cursors.Seal(context.Background(),
			Cursor{Query: hash, After: keys, Snapshot: &Snapshot{Edition: rapid.Uint64().Draw(t, "g"), AsOfMS: &asOf}})
		if err != nil || len(encoded) > maxCursorBytes {
			t.Fatal(err, len(encoded))
		}
		p := &Params{Values: url.Values{"cursor": {encoded}}}
		got := cursors.Read(context.Background(), p, hash, len(keys))
		if got == nil || *got.Snapshot.AsOfMS != asOf {
			t.Fatalf("%v", p.Errs)
		}
		for i := range keys {
			if string(got.After[i]) != string(keys[i]) {
				t.Fatalf("key %d: %q, want %q", i, got.After[i], keys[i])
			}
		}
		if cursors.Read(context.Background(), &Params{Values: url.Values{"cursor": {encoded}}}, QueryHash("ab"),
			len(keys)) != nil {
			t.Fatal("a cursor of another query was accepted")
		}
	})
}
