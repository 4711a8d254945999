package messages

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/schema"
)

type rejectedAnswer struct {
	Rows []struct {
		Reason, Field, Error, Raw, Topic, At string
		Encoding                             *string
		Partition, Offset, Line              int64
	} `json:"rows"`
	NextCursor *string `json:"next_cursor"`
}

func TestMessages_Rejected_Pages(t *testing.T) {
	conn := newConn(t)
	var letters []schema.Rejection
	for i := range 50 {
		reason := schema.ReasonMissing
		if i%5 == 0 {
			reason = schema.ReasonBadTime
		}
		letters = append(letters, schema.Rejection{Place: schema.Place{Topic: "kaskad.events", Partition: int32(i % 3),
			Offset: int64(i), Line: uint32(i%2 + 1)},
			Err: schema.FieldError{Reason: reason, Field: "status", Rule: "is required"},
			Raw: []byte(fmt.Sprintf(`{"n":%d}`, i)),
			// Several at the same time.
			AtMS: testNow.UnixMilli() + int64(i/4)})
	}
	letters[7].Raw = []byte("\xff\x00{")
	// The last part of the list is read again later, with the same time.
	for _, part := range [][]schema.Rejection{letters, letters[10:20]} {
		if err := schema.InsertRejected(t.Context(), conn, part); err != nil {
			t.Fatal(err)
		}
	}
	s := newRoom(t, conn)
	read := func(query string) (all rejectedAnswer) {
		t.Helper()
		querytest.Decode(t, querytest.Get(s, "/v1/rejected?"+query), http.StatusOK, &all)
		return all
	}
	all := read("")
	if len(all.Rows) != 50 || all.NextCursor != nil {
		t.Fatalf("%d rows", len(all.Rows))
	}
	for i := 1; i < len(all.Rows); i++ {
		if all.Rows[i].At > all.Rows[i-1].At {
			t.Errorf("row %d is newer than the one before", i)
		}
	}
	seen := map[int64]bool{}
	for _, r := range all.Rows {
		l := letters[r.Offset]
		seen[r.Offset] = true
		raw, encoding := answer.TextOrBase64(string(l.Raw))
		if r.Raw != raw || (r.Encoding != nil) != (encoding != "") || r.Reason != string(l.Err.Reason) ||
			r.Error != "status: is required" || r.Field != "status" ||
			r.Partition != int64(l.Partition) || r.Line != int64(l.Line) || r.Topic != "kaskad.events" ||
			r.At != answer.TimeText(l.AtMS) {
			t.Errorf("row %+v, want %+v", r, l)
		}
	}
	if len(seen) != 50 {
		t.Errorf("%d different rows", len(seen))
	}
	if got := querytest.Get(s, "/v1/rejected?limit=1&reason=bad_time").Body.String(); !strings.Contains(got,
		`{"reason":"bad_time","field":"status","error":"status: is required","raw":"{\"n\":45}","topic":"kaskad.events","partition":0,"offset":45,"line":2,"at":"2026-11-20T00:00:00.011Z","replayed_at":null}`) {
		t.Errorf("one row: %s", got)
	}
	for _, query := range []string{"", "&reason=missing_field", "&reason=bad_time&reason=missing_field"} {
		want := read(strings.TrimPrefix(query, "&"))
		var rows int
		page := read("limit=7" + query)
		for {
			for _, r := range page.Rows {
				if r != want.Rows[rows] && r.Encoding == nil {
					t.Errorf("%s: row %d differs", query, rows)
				}
				rows++
			}
			if page.NextCursor == nil {
				break
			}
			page = read("limit=7" + query + "&cursor=" + *page.NextCursor)
		}
		if rows != len(want.Rows) {
			t.Errorf("%s: %d rows by pages, want %d", query, rows, len(want.Rows))
		}
	}
	cursor := *read("limit=7").NextCursor
	querytest.WantProblem(t, querytest.Get(s, "/v1/rejected?reason=bad_time&cursor="+cursor), http.StatusBadRequest,
		"cursor",
		"another query")
	querytest.WantProblem(t, querytest.Get(s, "/v1/rejected?cursor=x"), http.StatusBadRequest, "cursor")
	querytest.WantProblem(t, querytest.Get(s, "/v1/rejected?limit=0"), http.StatusBadRequest, "limit")
	querytest.WantProblem(t, querytest.Get(s, "/v1/rejected?from=2026-11-01"), http.StatusBadRequest, "from")
	if got := querytest.Get(s, "/v1/rejected?format=csv&limit=2").Body.String(); !strings.HasPrefix(got,
		"reason,field,error,raw,encoding,topic,partition,offset,line,at,replayed_at\r\n") {
		t.Errorf("csv: %s", got)
	}
}

// A page is bounded by its bytes too, and what has no room is on the next one: all pages are each letter once, in their
// order, and one that is larger than a page has a page of its own.
func TestMessages_Rejected_LargeLetters(t *testing.T) {
	conn := newConn(t)
	var letters []schema.Rejection
	for i := range 40 {
		size := 1 << 20
		switch {
		case i == 3:
			size = maxLetterBytes + 1
		case i > 36:
			size = 10
		}
		letters = append(letters, schema.Rejection{Place: schema.Place{Topic: "kaskad.events", Offset: int64(i), Line: 1},
			Err: schema.FieldError{Reason: schema.ReasonMalformed}, AtMS: testNow.UnixMilli() - int64(i),
			Raw: bytes.Repeat([]byte{byte('a' + i%26)}, size)})
	}
	if err := schema.InsertRejected(t.Context(), conn, letters); err != nil {
		t.Fatal(err)
	}
	s := newRoom(t, conn)
	for _, limit := range []int{10_000, 5} {
		offset, pages, query := int64(0), 0, fmt.Sprintf("/v1/rejected?limit=%d", limit)
		for next := query; next != ""; pages++ {
			var page rejectedAnswer
			querytest.Decode(t, querytest.Get(s, next), http.StatusOK, &page)
			size := 0
			for i, row := range page.Rows {
				if row.Offset != offset || row.Raw != string(letters[offset].Raw) {
					t.Fatalf("limit %d, page %d, row %d: letter %d of %d bytes, want %d", limit, pages, i, row.Offset,
						len(row.Raw), offset)
				}
				if size >= maxLetterBytes {
					t.Errorf("limit %d, page %d has a row behind %d bytes", limit, pages, size)
				}
				size += len(row.Raw)
				offset++
			}
			if len(page.Rows) == 0 || len(page.Rows) > limit {
				t.Fatalf("limit %d, page %d: %d rows", limit, pages, len(page.Rows))
			}
			if next = ""; page.NextCursor != nil {
				next = query + "&cursor=" + *page.NextCursor
			}
		}
		if offset != 40 || limit > 1000 && (pages < 3 || pages > 4) || limit == 5 && pages != 9 {
			t.Errorf("limit %d: %d letters on %d pages", limit, offset, pages)
		}
	}
}
