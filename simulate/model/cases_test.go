package model

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// report folds events given as the differing fields of a delivered SMS and returns the single row.
func report(t *testing.T, events ...string) Row {
	t.Helper()
	rows := reportBy(t, Query{}, events...)
	return rows[0]
}

func reportBy(t *testing.T, q Query, events ...string) []Row {
	t.Helper()
	m := New(noon)
	for _, e := range events {
		if err := m.Add([]byte(event(e))); err != nil {
			t.Fatalf("%s: %v", e, err)
		}
	}
	rows, err := m.ChannelReport(q)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// event completes an event: fields are separated by a blank, a bare word is the status, "@" the time after 10:00 of the
// day before.
func event(short string) string {
	fields := map[string]string{"account": `"a"`, "message_id": `"m"`, "channel": `"sms"`,
		"recipient":    `"+79160000001"`,
		"submitted_at": `"2026-11-19T10:00:00Z"`, "occurred_at": `"2026-11-19T10:00:00Z"`}
	for _, word := range strings.Fields(short) {
		name, value, found := strings.Cut(word, "=")
		switch {
		case strings.HasPrefix(word, "@"):
			d, err := time.ParseDuration(word[1:])
			if err != nil {
				panic(err)
			}
			fields["occurred_at"] = `"` + noon.Add(-26*time.Hour+d).Format(time.RFC3339Nano) + `"`
		case !found:
			fields["status"] = `"` + word + `"`
		case value == "":
			delete(fields, name)
		default:
			fields[name] = value
		}
	}
	var parts []string
	for name, value := range fields {
		parts = append(parts, `"`+name+`":`+value)
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func TestModel_Derive_Cases(t *testing.T) {
	type want struct{ attempted, sent, delivered, read, failed, pending, skipped, skewed int64 }
	for name, c := range map[string]struct {
		events []string
		want   want
	}{
		"B1 read without delivered": {[]string{"sent channel=\"vk\"", "read channel=\"vk\" @1m"},
			want{1, 1, 1, 1, 0, 0, 0, 0}},
		"B2 sent after delivered":    {[]string{"delivered", "sent @1m"}, want{1, 1, 1, 0, 0, 0, 0, 0}},
		"B3 delivered after failed":  {[]string{"failed", "delivered @1m"}, want{1, 1, 1, 0, 0, 0, 0, 0}},
		"B4 failed after delivered":  {[]string{"delivered", "failed @1m"}, want{1, 1, 1, 0, 0, 0, 0, 0}},
		"a reply proves a reader":    {[]string{"replied"}, want{1, 1, 1, 1, 0, 0, 0, 0}},
		"rejected alone is not sent": {[]string{"rejected"}, want{1, 0, 0, 0, 1, 0, 0, 0}},
		"failed alone is not sent":   {[]string{"queued", "failed"}, want{1, 0, 0, 0, 1, 0, 0, 0}},
		"expired proves sent":        {[]string{"expired"}, want{1, 1, 0, 0, 1, 0, 0, 0}},
		"queued is pending":          {[]string{"queued"}, want{1, 0, 0, 0, 0, 1, 0, 0}},
		"skipped and queued":         {[]string{"queued", "skipped"}, want{0, 0, 0, 0, 0, 0, 1, 0}},
		"skipped yet sent":           {[]string{"sent", "skipped"}, want{1, 1, 0, 0, 0, 1, 0, 0}},
		"skipped yet rejected":       {[]string{"rejected", "skipped"}, want{1, 0, 0, 0, 1, 0, 0, 0}},
		"skipped yet a part failed": {[]string{"failed part=1 parts=2", "skipped"},
			want{1, 0, 0, 0, 1, 0, 0, 0}},
		"B7 a part failed": {[]string{"delivered part=1 parts=3", "delivered part=2 parts=3",
			"failed part=3 parts=3"}, want{1, 1, 0, 0, 1, 0, 0, 0}},
		"a part is missing": {[]string{"delivered part=1 parts=3", "delivered part=2 parts=3"},
			want{1, 1, 0, 0, 0, 1, 0, 0}},
		"all parts": {[]string{"delivered part=2 parts=2", "delivered part=1 parts=2"},
			want{1, 1, 1, 0, 0, 0, 0, 0}},
		"a part failed, then delivered": {[]string{"delivered part=1 parts=2", "failed part=2 parts=2",
			"delivered part=2 parts=2"}, want{1, 1, 1, 0, 0, 0, 0, 0}},
		"a part failed first, another is missing": {[]string{"failed part=1 parts=2", "delivered part=1 parts=2"},
			want{1, 1, 0, 0, 0, 1, 0, 0}},
		"a rejected part is not sent":     {[]string{"rejected part=1 parts=2"}, want{1, 0, 0, 0, 1, 0, 0, 0}},
		"an expired part is sent":         {[]string{"expired part=1 parts=2"}, want{1, 1, 0, 0, 1, 0, 0, 0}},
		"one part is an ordinary message": {[]string{"delivered part=1 parts=1"}, want{1, 1, 1, 0, 0, 0, 0, 0}},
		"more parts known later": {[]string{"delivered part=1 parts=2", "delivered part=2 parts=2",
			"sent parts=3"}, want{1, 1, 0, 0, 0, 1, 0, 0}},
		"the whole delivered, a part failed": {[]string{"failed part=1 parts=2", "delivered parts=2"},
			want{1, 1, 1, 0, 0, 0, 0, 0}},
		"part 255 of 255": {[]string{"delivered part=255 parts=255"},
			want{1, 1, 0, 0, 0, 1, 0, 0}},
		"60 s early counts": {[]string{"sent @1h", "delivered @59m"},
			want{1, 1, 1, 0, 0, 0, 0, 0}},
		"60.001 s early is skewed": {[]string{"sent @1h", "delivered @58m59.999s"},
			want{1, 1, 1, 0, 0, 0, 0, 1}},
		"steps are attempts": {[]string{"sent", "delivered step=2"}, want{2, 2, 1, 0, 0, 1, 0, 0}},
		"one part, then more are known": {[]string{"delivered part=1 parts=1", "sent parts=2"},
			want{1, 1, 0, 0, 0, 1, 0, 0}},
		"a failure of the only part": {[]string{"rejected part=1 parts=1"}, want{1, 0, 0, 0, 1, 0, 0, 0}},
		"a part is read with its attempt's parts": {[]string{"failed part=1 parts=2", "delivered part=1 parts=2",
			"delivered part=2 parts=2"}, want{1, 1, 1, 0, 0, 0, 0, 0}},
		"a machine's open proves delivery": {[]string{"read channel=\"email\" machine=true"},
			want{1, 1, 1, 0, 0, 0, 0, 0}},
		"a machine's click too": {[]string{"clicked channel=\"email\" machine=true"},
			want{1, 1, 1, 0, 0, 0, 0, 0}},
		"a person's open beside it": {[]string{"read channel=\"email\" machine=true",
			"read channel=\"email\" machine=false @1m"}, want{1, 1, 1, 1, 0, 0, 0, 0}},
		"a machine's open and skipped": {[]string{"skipped channel=\"email\"",
			"clicked channel=\"email\" machine=true"}, want{1, 1, 1, 0, 0, 0, 0, 0}},
		"a machine's open of what failed": {[]string{"failed channel=\"email\"",
			"read channel=\"email\" machine=true"}, want{1, 1, 1, 0, 0, 0, 0, 0}},
		"a bounced e-mail": {[]string{"delivered channel=\"email\" @2s",
			"undelivered channel=\"email\" permanent=true error_code=\"5.1.1\" @40s"}, want{1, 1, 0, 0, 1, 0, 0, 0}},
		"a scanner clicks what bounces": {[]string{"undelivered channel=\"email\" permanent=true",
			"clicked channel=\"email\" @1m", "read channel=\"email\" machine=true"}, want{1, 1, 0, 0, 1, 0, 0, 0}},
		"a reply proves the mailbox": {[]string{"undelivered channel=\"email\" permanent=true",
			"replied channel=\"email\" @1m"}, want{1, 1, 1, 1, 0, 0, 0, 0}},
		"a soft bounce, then delivered": {[]string{"undelivered channel=\"email\"",
			"delivered channel=\"email\" permanent=true @1m"}, want{1, 1, 1, 0, 0, 0, 0, 0}},
		"only e-mail bounces": {[]string{"delivered", "undelivered permanent=true @1m"},
			want{1, 1, 1, 0, 0, 0, 0, 0}},
		"a bounce that was refused at once": {[]string{"rejected channel=\"email\" permanent=true"},
			want{1, 0, 0, 0, 1, 0, 0, 0}},
		"an inbound message is of no attempt": {[]string{"sent", "inbound"}, want{1, 1, 0, 0, 0, 1, 0, 0}},
		"accounts do not mix": {[]string{"sent", "delivered account=\"b\""},
			want{2, 2, 1, 0, 0, 1, 0, 0}},
		"recipient events are of no message": {[]string{"sent", "complained step=2"}, want{1, 1, 0, 0, 0, 1, 0, 0}},
		"parked without a cohort":            {[]string{"delivered submitted_at="}, want{}},
		"another event brings the cohort": {[]string{"delivered submitted_at=", "sent step=2"},
			want{2, 2, 1, 0, 0, 1, 0, 0}},
		"a UUIDv7 brings it": {[]string{"delivered submitted_at= message_id=\"" + uuidAt(noon.Add(-26*time.Hour)) +
			"\""}, want{1, 1, 1, 0, 0, 0, 0, 0}},
		// Its cohort is an hour after its delivery, so it is skewed besides.
		"a UUIDv7 an hour ahead": {[]string{"delivered submitted_at= message_id=\"" +
			uuidAt(noon.Add(-25*time.Hour)) + "\""}, want{1, 1, 1, 0, 0, 0, 0, 1}},
		"a UUIDv7 further ahead": {[]string{"delivered submitted_at= message_id=\"" +
			uuidAt(noon.Add(-25*time.Hour+time.Millisecond)) + "\""}, want{}},
		"a UUIDv7 more than 400 days old": {[]string{"delivered submitted_at= message_id=\"" +
			uuidAt(noon.Add(-26*time.Hour-400*24*time.Hour-time.Millisecond)) + "\""}, want{}},
		"a UUIDv4 has no time": {[]string{"delivered submitted_at= message_id=\"" +
			strings.Replace(uuidAt(noon), "-7", "-4", 1) + "\""}, want{}},
		"a ULID brings it": {[]string{"delivered submitted_at= message_id=\"" +
			ulidAt(noon.Add(-26*time.Hour)) + "\""}, want{1, 1, 1, 0, 0, 0, 0, 0}},
		"a ULID in lower case": {[]string{"delivered submitted_at= message_id=\"" +
			strings.ToLower(ulidAt(noon.Add(-26*time.Hour))) + "\""}, want{1, 1, 1, 0, 0, 0, 0, 0}},
		"one event takes the id's time for plain": {[]string{"sent submitted_at= @-2h message_id=\"" +
			uuidAt(noon.Add(-26*time.Hour)) + "\"",
			"delivered submitted_at= message_id=\"" + uuidAt(noon.Add(-26*time.Hour)) + "\""},
			want{1, 1, 1, 0, 0, 0, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			r := report(t, c.events...)
			if got := (want{r.Attempted, r.Sent, r.Delivered, r.Read, r.Failed, r.Pending, r.Skipped,
				r.Skewed}); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// uuidAt is a UUID of version 7 and of a time.
func uuidAt(t time.Time) string {
	return fmt.Sprintf("%08x-%04x-702a-8000-00000000002a", t.UnixMilli()>>16, t.UnixMilli()&0xffff)
}

func ulidAt(t time.Time) string {
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	id := []byte("00000000000000010000000001")
	for i := range 10 {
		id[9-i] = alphabet[t.UnixMilli()>>(5*i)&31]
	}
	return string(id)
}

func TestModel_Latency_Cases(t *testing.T) {
	for name, c := range map[string]struct {
		events []string
		want   string // Median times to deliver, read and reply; - for none.
	}{
		"from the earlier of accepted and sent": {[]string{"accepted @5s", "sent @4s", "queued @1s", "delivered @10s"},
			"6s - -"},
		"else from queued":        {[]string{"queued @1s", "delivered @10s"}, "9s - -"},
		"else from the cohort":    {[]string{"delivered @10s"}, "10s - -"},
		"unknown for later steps": {[]string{"delivered step=2 @10s"}, "- - -"},
		"the earliest time of a status": {[]string{"sent @2s", "sent @1s", "delivered @10s", "delivered @9s"},
			"8s - -"},
		"parts are done with the last delivery": {[]string{"sent", "delivered part=1 parts=2 @5s",
			"delivered part=2 parts=2 @7s", "delivered part=1 parts=2 @9s"}, "9s - -"},
		"a read proves delivery": {[]string{"sent channel=\"vk\"", "read channel=\"vk\" @5s",
			"delivered channel=\"vk\" @8s"}, "5s 5s -"},
		"a reply proves a read": {[]string{"sent channel=\"vk\"", "replied channel=\"vk\" @5s"},
			"5s 5s 5s"},
		"no read time where none is reported": {[]string{"sent", "replied @5s"}, "5s - 5s"},
		"nothing of a blind route": {[]string{"sent channel=\"push\" provider=\"fcm\"",
			"clicked channel=\"push\" provider=\"fcm\" @5s"}, "- - -"},
		"further digits are cut": {[]string{"sent @1ms", "delivered @1.0025s"}, "1.001s - -"},
		"a negative time is 0":   {[]string{"sent @1m", "delivered @5s"}, "0s - -"},
		"a machine's open proves delivery": {[]string{"sent channel=\"email\"",
			"read channel=\"email\" machine=true @5s", "read channel=\"email\" @9s"}, "5s 9s -"},
		"nothing of a bounced e-mail": {[]string{"sent channel=\"email\"", "read channel=\"email\" @5s",
			"failed channel=\"email\" permanent=true @9s"}, "- - -"},
		"nothing of an alias of a blind route": {[]string{"sent channel=\"push\" provider=\"firebase\"",
			"clicked channel=\"push\" provider=\"firebase\" @5s"}, "- - -"},
		"nothing of a skewed attempt": {[]string{"sent @10m channel=\"vk\"", "delivered @5s channel=\"vk\"",
			"read @20m channel=\"vk\""}, "- - -"},
	} {
		t.Run(name, func(t *testing.T) {
			r := report(t, c.events...)
			var got []string
			for _, p := range []Percentiles{r.TimeToDeliver, r.TimeToRead, r.TimeToReply} {
				if p.Known {
					got = append(got, p.P50.String())
				} else {
					got = append(got, "-")
				}
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("got %s, want %s", s, c.want)
			}
		})
	}
}

// TestModel_Windows_Borders: the window is over when start plus window is before as_of; a latency of the window itself
// counts.
func TestModel_Windows_Borders(t *testing.T) {
	for _, c := range []struct {
		events []string
		want   Rate
	}{
		{[]string{"sent @25h59m", "delivered @25h59m1s"}, Rate{0, 0}}, // Ends at now: not yet over.
		{[]string{"sent @25h58m59.999s", "delivered @25h59m59.999s"}, Rate{1, 1}},
		{[]string{"sent @25h58m59.999s", "delivered @26h"}, Rate{0, 1}},
		{[]string{"sent @25h58m59.999s"}, Rate{0, 1}},
		{[]string{"delivered step=2"}, Rate{0, 0}},                       // No start.
		{[]string{"sent @10m", "delivered @1m"}, Rate{0, 0}},             // Skewed.
		{[]string{"rejected"}, Rate{0, 0}},                               // Not sent.
		{[]string{"sent channel=\"telegram\" provider=\"bot\""}, Rate{}}, // A blind route.
	} {
		if got := report(t, c.events...).Delivered1m; got != c.want {
			t.Errorf("%v: %v, want %v", c.events, got, c.want)
		}
	}
}

func TestModel_Bound_Cases(t *testing.T) {
	of := func(channels ...string) string {
		var events []string
		for i, c := range channels {
			events = append(events, fmt.Sprintf(`delivered message_id="m%d" channel="%s"`, i, c))
		}
		return report(t, events...).OpenRateBound
	}
	for _, c := range []struct{ got, want string }{
		{of("sms", "voice", "flash_call"), ""}, {of("vk", "push", "sms"), "exact"}, {of("vk", "viber"), "lower"},
		{of("whatsapp"), "lower"},
		{of("email", "ok"), "upper"}, {of("email", "rcs", "vk"), "mixed"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
	// An attempt that was not delivered has no say.
	if r := report(t, `delivered channel="vk"`, `failed message_id="n" channel="email"`); r.OpenRateBound != "exact" {
		t.Errorf("%q, want exact", r.OpenRateBound)
	}
}

func TestModel_Mature_Borders(t *testing.T) {
	for channel, days := range map[string]int{"push": 1, "flash_call": 1, "voice": 1, "vk": 1, "ok": 1, "telegram": 1,
		"sms": 3, "email": 7, "rcs": 7,
		"messenger": 7, "instagram": 7, "viber": 14, "whatsapp": 30} {
		at := func(age time.Duration) bool {
			stamp := noon.Add(-age).Format(time.RFC3339Nano)
			return report(t, fmt.Sprintf(`sent channel="%s" submitted_at="%s" occurred_at="%s"`, channel, stamp,
				stamp)).Mature
		}
		window := time.Duration(days) * 24 * time.Hour
		if at(window) || !at(window+time.Millisecond) {
			t.Errorf("%s is not mature after %d days exactly", channel, days)
		}
	}
}

// TestModel_TimeKeys_LocalDays covers daylight saving, offsets of quarter hours and the last millisecond of a day.
func TestModel_TimeKeys_LocalDays(t *testing.T) {
	for _, c := range []struct{ zone, at, name, want string }{
		{"Europe/Berlin", "2026-10-25T22:59:59.999Z", "day", "2026-10-25"}, // The day that clocks go back has 25 hours.
		{"Europe/Berlin", "2026-10-25T23:00:00Z", "day", "2026-10-26"},
		{"America/New_York", "2026-11-01T05:59:59.999Z", "hour", "2026-11-01T01:00:00-04:00"},
		{"America/New_York", "2026-11-01T06:00:00Z", "hour", "2026-11-01T01:00:00-05:00"},
		{"Asia/Kathmandu", "2026-11-01T18:14:59.999Z", "day", "2026-11-01"},
		{"Asia/Kathmandu", "2026-11-01T18:15:00Z", "day", "2026-11-02"},
		{"Asia/Kathmandu", "2026-11-01T18:14:59.999Z", "week", "2026-10-26"},
		{"Asia/Kathmandu", "2026-11-01T18:15:00Z", "week", "2026-11-02"},
		{"Asia/Kolkata", "2026-10-31T18:29:59.999Z", "month", "2026-10"},
		{"Asia/Kolkata", "2026-10-31T18:30:00Z", "month", "2026-11"},
		{"Europe/Moscow", "2026-11-01T21:00:00Z", "hour_of_day", "0"},
		{"Europe/Moscow", "2026-11-01T20:59:59Z", "weekday", "7"},
		{"Europe/Moscow", "2026-11-01T21:00:00Z", "weekday", "1"},
		{"UTC", "2026-11-01T21:07:00Z", "hour", "2026-11-01T21:00:00+00:00"},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		rows := reportBy(t, Query{GroupBy: []string{c.name}, TZ: zone}, `sent submitted_at="`+c.at+`"`)
		if len(rows) != 1 || rows[0].Keys[0].String() != c.want {
			t.Errorf("%s of %s in %s: %v, want %s", c.name, c.at, c.zone, rows[0].Keys, c.want)
		}
	}
}

func TestModel_ChannelReport_Bounds(t *testing.T) {
	event := `sent submitted_at="2026-11-19T10:15:00Z"`
	quarter := time.Date(2026, 11, 19, 10, 15, 0, 0, time.UTC)
	for _, c := range []struct {
		from, to time.Time
		want     int64
	}{{quarter, time.Time{}, 1}, {quarter.Add(15 * time.Minute), time.Time{}, 0}, {time.Time{}, quarter, 0},
		{time.Time{}, quarter.Add(15 * time.Minute), 1}} {
		if rows := reportBy(t, Query{From: c.from, To: c.to}, event); len(rows) != 1 || rows[0].Attempted != c.want {
			t.Errorf("%v…%v: %+v, want %d attempts", c.from, c.to, rows, c.want)
		}
	}
	m := New(noon)
	for _, q := range []Query{{From: quarter.Add(time.Minute)}, {GroupBy: []string{"moon"}},
		{Filters: map[string][]string{"recipient": {"x"}}}} {
		if _, err := m.ChannelReport(q); err == nil {
			t.Errorf("%+v is taken", q)
		}
	}
}

func TestModel_Country_Cases(t *testing.T) {
	for recipient, want := range map[string]string{"+79160000001": "RU", "+77011234567": "KZ", "+447400123456": "GB",
		"+12125550123": "US",
		"user:US.1349": "US", "user:us.1349": "", "user:USA.1": "", "user:US": "", "user:1.US.": "", "device:US.1": "",
		"+80012345678": "", "+9991234567": "", "user:1": "", "email:a@example.com": ""} {
		rows := reportBy(t, Query{GroupBy: []string{"country"}}, `sent recipient="`+recipient+`"`)
		if got := rows[0].Keys[0].Text; got != want {
			t.Errorf("%s: %q, want %q", recipient, got, want)
		}
	}
}

// What the events say of the country counts for recipients that are no numbers, the greatest of it.
func TestModel_Country_Said(t *testing.T) {
	for _, c := range []struct {
		events []string
		want   string
	}{
		{[]string{`sent country="KZ"`}, "RU"}, {[]string{`sent recipient="+80012345678" country="KZ"`}, ""},
		{[]string{`sent recipient="device:1" country="KZ"`, `delivered recipient="device:1" country="BY"`}, "KZ"},
		{[]string{`sent recipient="user:US.1" country="BY"`}, "BY"},
	} {
		if got := reportBy(t, Query{GroupBy: []string{"country"}}, c.events...)[0].Keys[0].Text; got != c.want {
			t.Errorf("%v: %q, want %q", c.events, got, c.want)
		}
	}
}

// Clicks and replies are facts on every route, and in the rates of those that report deliveries.
func TestModel_Routes_Blind(t *testing.T) {
	for _, c := range []struct {
		channel, provider string
		aliases           map[string]string
		blind             bool
	}{
		{"push", "fcm", nil, true}, {"push", "apns", nil, true}, {"push", "firebase", nil, true},
		{"telegram", "bot", nil, true}, {"push", "fastgate", nil, false},
		{"push", "", nil, false}, {"telegram", "gateway", nil, false}, {"telegram", "fcm", nil, false},
		{"sms", "bot", nil, false},
		{"push", "own", map[string]string{"own": "fcm"}, true},
		{"push", "firebase", map[string]string{"firebase": "own"}, false},
		{"push", "own", map[string]string{"own": "firebase"}, false}, // A name is replaced once.
	} {
		dims := ` channel="` + c.channel + `" provider="` + c.provider + `"`
		row := reportBy(t, Query{Aliases: map[string]map[string]string{"a": c.aliases}}, "sent"+dims,
			"replied @1m"+dims, "clicked @1m"+dims)[0]
		seen := row.Delivery.Den + row.DeliveredOfAttempted.Den + row.Reply.Num + row.Click.Num + row.Delivered1m.Den
		if row.Replied != 1 || row.Clicked != 1 || row.Read != 1 || row.Delivered != 1 || (seen == 0) != c.blind ||
			row.TimeToReply.Known == c.blind {
			t.Errorf("%+v: %+v", c, row)
		}
	}
}

// Events of a recipient belong to the attempt that definitions.md section 3 names.
func TestModel_Attribution_Cases(t *testing.T) {
	push := `delivered channel="push" recipient="device:1" `
	for name, c := range map[string]struct {
		events []string
		want   string // Unsubscribed, blocked and complained attempts by campaign.
	}{
		"of its message, whenever": {[]string{`delivered campaign="1"`,
			`unsubscribed message_id="m" @-500h`}, "1:100"},
		"on its channel": {[]string{`delivered campaign="1" @2h`,
			`delivered campaign="2" channel="viber" step=2`, `blocked channel="viber"`}, "1:000 2:010"},
		"else on any": {[]string{`delivered campaign="1"`,
			`delivered campaign="2" channel="viber" step=2 @2h`, `blocked channel="vk"`}, "1:000 2:010"},
		"the latest of its message": {[]string{`delivered campaign="1"`, `delivered campaign="2" step=2 @1m`,
			`complained`}, "1:000 2:001"},
		"the greatest step of one time": {[]string{`delivered campaign="1"`, `delivered campaign="2" step=2`,
			`complained`}, "1:000 2:001"},
		"of a message that is unknown": {[]string{`delivered campaign="1"`, `complained message_id="other"`},
			"1:000"},
		"of a message that was not delivered": {[]string{`failed campaign="1"`, `delivered campaign="2" message_id="n"`,
			`complained`}, "1:000 2:000"},
		"of what bounced": {[]string{`undelivered channel="email" permanent=true campaign="1"`,
			`delivered channel="email" campaign="1"`, `complained channel="email"`}, "1:000"},
		"of another account": {[]string{`delivered campaign="1"`, `complained account="b"`}, "1:000"},
		"without a message, the latest": {[]string{`delivered campaign="1"`,
			`delivered campaign="2" message_id="n" @1m`, `delivered campaign="3" message_id="o" @3m`,
			`unsubscribed message_id= @2m`}, "1:000 2:100 3:000"},
		"at the same time": {[]string{`delivered campaign="1"`, `unsubscribed message_id=`}, "1:100"},
		"7 days later":     {[]string{`delivered campaign="1" @-168h`, `unsubscribed message_id=`}, "1:100"},
		"more than 7 days later": {[]string{`delivered campaign="1" @-168h1ms`, `unsubscribed message_id= @1ns`,
			`unsubscribed message_id= @-168h2ms`}, "1:000"},
		"of another recipient": {[]string{`delivered campaign="1"`,
			`unsubscribed message_id= recipient="+79160000002"`}, "1:000"},
		"of another channel": {[]string{`delivered campaign="1"`, `unsubscribed message_id= channel="viber"`},
			"1:000"},
		"the greatest message_id": {[]string{`delivered campaign="1"`, `delivered campaign="2" message_id="M"`,
			`blocked message_id=`}, "1:010 2:000"},
		"an app": {[]string{push + `campaign="1" app="a"`,
			push + `campaign="2" app="b" message_id="n" @-1m`,
			`unsubscribed channel="push" recipient="device:1" message_id= app="b"`}, "1:000 2:100"},
		"an app that is not named": {[]string{push + `campaign="1"`,
			`unsubscribed channel="push" recipient="device:1" message_id= app="b"`}, "1:100"},
		"an attempt counts once": {[]string{`delivered campaign="1"`, `blocked @1m`, `blocked @2m`, `complained @3m`,
			`subscribed @4m`}, "1:011"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, row := range reportBy(t, Query{GroupBy: []string{"campaign"}}, c.events...) {
				got = append(got, fmt.Sprintf("%s:%d%d%d", row.Keys[0].Text, row.Unsubscribed, row.Blocked,
					row.Complained))
				if row.Block != (Rate{row.Blocked, row.Delivered}) || row.Unsubscribe.Num != row.Unsubscribed ||
					row.Complaint.Den != row.Delivered {
					t.Errorf("%+v", row)
				}
			}
			if joined := strings.Join(got, " "); joined != c.want {
				t.Errorf("%s, want %s", joined, c.want)
			}
		})
	}
	// On a route that reports no delivery they are counted, in no rate.
	blind := ` channel="push" provider="fcm"`
	if row := report(t, "clicked"+blind, "blocked"+blind+" @1m"); row.Blocked != 1 || row.Block != (Rate{}) {
		t.Errorf("%+v", row)
	}
}

// Latencies have 3 significant digits below 100 s, and whole seconds above.
func TestRow_MarshalJSON_Latencies(t *testing.T) {
	for after, want := range map[string]string{"7ms": "0.007", "123ms": "0.123", "1.005s": "1.01", "9.994s": "9.99",
		"9.996s": "10.0", "12.345s": "12.3", "99.949s": "99.9",
		"99.95s": "100.0", "100.4s": "100.0", "1234.5s": "1235.0", "0s": "0.0"} {
		encoded, err := report(t, "sent", "delivered @"+after).MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(encoded), `"time_to_deliver_p50":`+want+",") {
			t.Errorf("%s: want %s in %s", after, want, encoded)
		}
	}
	for text, right := range map[string]bool{"0.0123": true, "0.01234": false, "1.23": true, "1.234": false,
		"12.30": true, "12.34": false, "123": true, "123.0": true, "123.4": false, "12345": true, "0": true} {
		if printedRight(text) != right {
			t.Errorf("%s: %v", text, !right)
		}
	}
}
