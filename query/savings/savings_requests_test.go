package savings

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/query/store"
)

// A page is a part of the whole, whatever is published and put in between.
func TestSavings_Pages(t *testing.T) {
	conn, m, _ := newSavings(t, 11, 1500, 30)
	querytest.Scatter(t, conn, "rollup_cascades")
	for _, groupBy := range []string{"", "campaign", "path,campaign", "hour", "hour_of_day,weekday,account",
		"sms_segments,sender", "day,reached_by"} {
		for _, limit := range []int{1, 7, 50} {
			s := newRoom(t, conn)
			query := "tz=America/New_York&group_by=" + groupBy
			whole := savingsReport(t, s, query+"&limit=10000")
			if len(whole.Rows) > 40*limit {
				continue
			}
			var rows []map[string]any
			page := savingsReport(t, s, fmt.Sprintf("%s&limit=%d", query, limit))
			for {
				rows = append(rows, page.Rows...)
				if page.Mature != whole.Mature || *page.AsOf != *whole.AsOf || page.From != whole.From ||
					page.TariffVersion != whole.TariffVersion {
					t.Errorf("%s: the envelope changes from page to page", query)
				}
				if page.NextCursor == nil {
					break
				}
				if len(page.Rows) != limit {
					t.Fatalf("%s: a page of %d rows, want %d", query, len(page.Rows), limit)
				}
				page = savingsReport(t, s, fmt.Sprintf("%s&limit=%d&cursor=%s", query, limit, *page.NextCursor))
			}
			querytest.SameRows(t, fmt.Sprintf("%s by %d", query, limit), rows, whole.Rows)
		}
	}

	// Later lists and editions change the report, and no page of an older cursor; also where nothing is remembered.
	s := newRoom(t, conn)
	const query = "group_by=account,campaign&limit=5"
	whole := savingsReport(t, s, "group_by=account,campaign&limit=10000")
	page := savingsReport(t, s, query)
	newer := make([]cascade, 0, 10)
	for _, c := range m.cascades[:10] {
		c.edition = 100
		newer = append(newer, c)
	}
	insertCascades(t, conn, newer)
	querytest.PutTariffs(t, conn, "acme", querytest.TariffRow("sms", "per_segment_sent", "100"))
	querytest.PutTariffs(t, conn, "z", querytest.TariffRow("sms", "per_segment_sent", "100", "valid_from",
		"2026-10-29T00:00:00Z"))
	if now := savingsReport(t, s, "group_by=account,campaign&limit=10000"); fmt.Sprint(now.Rows) == fmt.Sprint(whole.Rows) || now.TariffVersion == whole.TariffVersion {
		t.Error("what was put is not seen")
	}
	for _, server := range []room{s, newRoom(t, conn)} {
		rows, next := page.Rows, page.NextCursor
		for next != nil {
			p := savingsReport(t, server, query+"&cursor="+*next)
			rows, next = append(slices.Clip(rows), p.Rows...), p.NextCursor
		}
		querytest.SameRows(t, "pages of the old cursor", rows, whole.Rows)
	}
}

func TestSavings_Cursor_Errors(t *testing.T) {
	conn, _, _ := newSavings(t, 5, 100, 3)
	s := newRoom(t, conn)
	good := *savingsReport(t, s, "group_by=weekday&limit=1&currency=RUB&currency=").NextCursor
	channels := answer.QueryHash("channels", "UTC", "channel", "", "")
	forge := func(name string, c answer.Cursor) string {
		c.Query = answer.QueryHash("savings", "UTC", name, "", "")
		encoded, err := s.db.Cursors.Seal(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		return encoded
	}
	seen := &answer.Snapshot{Edition: 1, NowMS: testNow.UnixMilli(), ReadMS: time.Now().UnixMilli(),
		Prices: &answer.PriceVersions{}}
	priceless := *seen
	priceless.Prices = nil
	old := *seen
	old.ReadMS -= answer.MaxCursorAge.Milliseconds() + 1000
	other, err := s.db.Cursors.Seal(t.Context(),
		answer.Cursor{Query: channels, After: [][]byte{[]byte("1"), nil}, Snapshot: seen})
	if err != nil {
		t.Fatal(err)
	}
	for query, word := range map[string]string{
		"group_by=weekday&currency=RUB&cursor=" + good: "another query",
		"group_by=weekday&cursor=" + other:             "another query",
		"group_by=weekday&cursor=" + forge("weekday",
			answer.Cursor{After: [][]byte{[]byte("1"), []byte("RUB")}, Snapshot: &priceless}): "cannot be read",
		"group_by=weekday&cursor=" + forge("weekday",
			answer.Cursor{After: [][]byte{[]byte("one"), []byte("RUB")}, Snapshot: seen}): "cannot be read",
		"group_by=weekday&cursor=" + forge("weekday",
			answer.Cursor{After: [][]byte{[]byte("1")}, Snapshot: seen}): "cannot be read",
		"group_by=weekday&cursor=" + forge("weekday",
			answer.Cursor{After: [][]byte{[]byte("1"), []byte("RUB")}}): "cannot be read",
		"group_by=weekday&cursor=" + forge("weekday",
			answer.Cursor{After: [][]byte{[]byte("1"), []byte("RUB")}, Snapshot: &old}): "older than 9 minutes",
		"group_by=weekday&limit=1&currency=RUB&currency=&tz=Asia/Tokyo&cursor=" +
			url.QueryEscape(good): "another query",
		"group_by=sms_segments&cursor=" +
			forge("sms_segments", answer.Cursor{After: [][]byte{[]byte("70000"), []byte("RUB")},
				Snapshot: seen}): "cannot be read",
	} {
		querytest.WantProblem(t, querytest.Get(s, "/v1/reports/savings?"+query), http.StatusBadRequest, "cursor", word)
	}
	if w := querytest.Get(s, "/v1/reports/savings?group_by=weekday&currency=&currency=RUB&limit=3&cursor="+good); w.Code != http.StatusOK {
		t.Errorf("order of filter values and limit are no change: %s", w.Body)
	}
}

func TestSavings_Errors(t *testing.T) {
	s := newRoom(t, newConn(t))
	for _, c := range []struct{ query, parameter, word string }{
		{"group_by=channel", "group_by", "no name"},
		{"group_by=currency", "group_by", "no name"},
		{"group_by=senders", "group_by", "did you mean sender?"},
		{"group_by=path,path", "group_by", "twice"},
		{"channel=sms", "channel", "unknown here"},
		{"provider=mts", "provider", "unknown here"},
		{"currency=rub", "currency", "ISO 4217"},
		{"currency=XXQ", "currency", "ISO 4217"},
		{"first_channel=", "first_channel", "sms"},
		{"first_channel=smss", "first_channel", "did you mean sms?"},
		{"reached_by=smss", "reached_by", "did you mean sms?"},
		{"path=sms>smss", "path", "did you mean sms?"},
		{"path=", "path", "joined by >"},
		{"sms_segments=-1", "sms_segments", "0…65535"},
		{"sms_segments=1.5", "sms_segments", "0…65535"},
		{"traffic=adverts", "traffic", "otp transactional service promo"},
		{"from=2026-11-01T00:01:00Z", "from", "quarter hour"},
		{"format=pdf", "format", "json csv ndjson xlsx"},
		{"limit=0", "limit", "1…10000"},
		{"account=a&acount=b", "acount", "did you mean account?"},
	} {
		querytest.WantProblem(t, querytest.Get(s, "/v1/reports/savings?"+c.query), http.StatusBadRequest, c.parameter,
			c.word)
	}
}

func TestSavings_Routes(t *testing.T) {
	overrides := []store.Capability{{Account: "acme", Channel: "push", Provider: "*", SettlingDays: 5},
		{Account: "z", Channel: "push", Provider: "fcm", SettlingDays: 2},
		{Channel: "sms", Provider: "mts", SettlingDays: 9}, {Channel: "sms", Provider: "*", SettlingDays: 3},
		{Channel: "push", Provider: "*", SettlingDays: 1}}
	table := store.NewCapabilities(overrides)
	for _, c := range []struct {
		account, channel, provider string
		days                       int64
	}{{"acme", "push", "fcm", 5}, {"acme", "push", "", 5}, {"z", "push", "fcm", 2}, {"z", "push", "apns", 1},
		{"acme", "sms", "mts", 9}, {"q", "sms", "*", 3}, {"q", "voice", "", 0}} {
		if got := int64(table.Find(c.account, c.channel, c.provider).SettlingDays); got != c.days {
			t.Errorf("%+v: %d days", c, got)
		}
	}
}
