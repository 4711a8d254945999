package query

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"kaskad/engine/enginetest"
	"kaskad/query/answer"
	"kaskad/query/querytest"
)

func TestServer_Channels_Pages(t *testing.T) {
	conn := newConn(t)
	cells := randomCells(11, 1200, testNow, 30)
	insertCells(t, conn, cells)
	publish(t, conn, cells)
	s := newServer(t, conn)
	for _, groupBy := range []string{"campaign", "channel,campaign", "hour,step", "hour_of_day,weekday,account",
		"week,provider,trigger", "day"} {
		query := "tz=America/New_York&group_by=" + groupBy
		all, paged := channelReport(t, s, query+"&limit=10000"), 0
		for _, limit := range []int{1, 7, 50, 150} {
			if len(all.Rows) > enginetest.World(t, 12, 40, 40)*limit {
				continue
			}
			paged++
			var rows []map[string]any
			page := channelReport(t, s, fmt.Sprintf("%s&limit=%d", query, limit))
			for {
				rows = append(rows, page.Rows...)
				if page.Mature != all.Mature || *page.AsOf != *all.AsOf || page.From != all.From || page.To != all.To {
					t.Errorf("%s: the envelope changes from page to page", query)
				}
				if page.NextCursor == nil {
					break
				}
				if len(page.Rows) != limit {
					t.Fatalf("%s: a page of %d rows, want %d", query, len(page.Rows), limit)
				}
				page = channelReport(t, s, fmt.Sprintf("%s&limit=%d&cursor=%s", query, limit, *page.NextCursor))
			}
			querytest.SameRows(t, fmt.Sprintf("%s by %d", query, limit), rows, all.Rows)
		}
		if paged == 0 {
			t.Errorf("%s: %d rows are too many to page through", query, len(all.Rows))
		}
	}
}

func TestServer_Channels_Cursor_Errors(t *testing.T) {
	conn := newConn(t)
	cells := randomCells(5, 200, testNow, 3)
	insertCells(t, conn, cells)
	publish(t, conn, cells)
	s := newServer(t, conn)
	page := channelReport(t, s, "group_by=channel&limit=1&campaign=c1&campaign=c2")
	good := *page.NextCursor
	// Order and repetition of filter values, limit and format are no change.
	if got := channelReport(t, s, "campaign=c2&group_by=channel&campaign=c1&campaign=c2&limit=2&cursor="+good); len(got.Rows) != 2 {
		t.Errorf("%d rows", len(got.Rows))
	}
	old, err := s.db.Cursors.Seal(t.Context(),
		answer.Cursor{Query: answer.QueryHash("channels", "UTC", "channel", "", ""),
			After: [][]byte{[]byte("push")},
			Snapshot: &answer.Snapshot{Edition: 1, NowMS: testNow.UnixMilli(),
				ReadMS: time.Now().Add(-answer.MaxCursorAge - time.Second).UnixMilli()}})
	if err != nil {
		t.Fatal(err)
	}
	bare, err := s.db.Cursors.Seal(t.Context(),
		answer.Cursor{Query: answer.QueryHash("channels", "UTC", "channel", "", ""),
			After: [][]byte{[]byte("push")}})
	if err != nil {
		t.Fatal(err)
	}
	for query, word := range map[string]string{
		"group_by=channel&limit=1&campaign=c1&cursor=" + good:                      "another query",
		"group_by=channel,step&campaign=c1&campaign=c2&cursor=" + good:             "another query",
		"group_by=channel&campaign=c1&campaign=c2&tz=Europe/Moscow&cursor=" + good: "another query",
		"group_by=channel&campaign=c1&campaign=c2&from=2026-11-01&cursor=" + good:  "another query",
		"group_by=channel&cursor=" + old:                                           "older than 9 minutes",
		"group_by=channel&cursor=" + bare:                                          "cannot be read",
		"group_by=channel&cursor=!!":                                               "cannot be read",
		"group_by=channel&cursor=bm8":                                              "cannot be read",
		"group_by=channel&cursor=":                                                 "cannot be read",
	} {
		wantProblem(t, get(s, "/v1/reports/channels?"+query), http.StatusBadRequest, "cursor", word)
	}
}

func TestServer_Channels_Errors(t *testing.T) {
	s := newServer(t, newConn(t))
	for _, c := range []struct{ query, parameter, word string }{
		{"grup_by=channel", "grup_by", "did you mean group_by?"},
		{"group_by=chanel", "group_by", "did you mean channel?"},
		{"group_by=channel,channel", "group_by", "twice"},
		{"group_by=channel,", "group_by", "no name"},
		{"group_by=channel&group_by=step", "group_by", "once"},
		{"channel=smss", "channel", "did you mean sms?"},
		{"traffic=adverts", "traffic", "otp transactional service promo"},
		{"trigger=x", "trigger", "first"},
		{"step=0", "step", "1…32"},
		{"step=33", "step", "1…32"},
		{"step=1.0", "step", "1…32"},
		{"hour_of_day=24", "hour_of_day", "0…23"},
		{"weekday=0", "weekday", "1…7"},
		{"day=2026-13-01", "day", "2026-11-20"},
		{"week=2026-11-20", "week", "Monday"},
		{"month=2026-1", "month", "2026-11"},
		{"hour=2026-11-20T13:15:00Z", "hour", "start of an hour"},
		{"hour=13", "hour", "RFC 3339"},
		{"limit=0", "limit", "1…10000"},
		{"limit=10001", "limit", "1…10000"},
		{"limit=ten", "limit", "1…10000"},
		{"format=orc", "format", "json csv ndjson"},
		{"from=2026-11-01T00:01:00Z", "from", "quarter hour"},
		{"tz=Nowhere", "tz", "IANA"},
		{"account=" + strings.Repeat("x", 257), "account", "256"},
	} {
		wantProblem(t, get(s, "/v1/reports/channels?"+c.query), http.StatusBadRequest, c.parameter, c.word)
	}
	wantProblem(t, get(s, "/v1/reports/channels?from=%zz"), http.StatusBadRequest, "", "percent-encode")
	// All that is wrong is told at once.
	w := get(s, "/v1/reports/channels?limit=0&step=99&from=x")
	var p answer.Problem
	decode(t, w, http.StatusBadRequest, &p)
	if len(p.Errors) != 3 {
		t.Errorf("%d errors, want 3: %s", len(p.Errors), w.Body)
	}
}
