package erasure_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"kaskad/schema/erasure"
	"kaskad/schema/schematest"
)

// Changes that hold an erased number go, as recipient or as contact with its + or without, and the hours of their
// messages are computed from facts; no others.
func TestEraseNumber_Changes(t *testing.T) {
	r := &erasureRig{T: t, conn: schematest.Conn(t)}
	var events []string
	for i, whom := range [][2]string{{erasedNumber, ""}, {"user:1", `,"contact":"` + erasedNumber + `"`},
		{"user:2", `,"contact":` + erasedNumber[1:]}, {strangersNumber, ""},
		{"user:3", `,"contact":"` + strangersNumber + `"`},
		{"user:4", ""}} {
		at := eraseNow.Add(-time.Duration(i+1) * time.Hour)
		for _, account := range []string{"a", "b"} {
			events = append(events, erasureEvent(account, fmt.Sprint("m-", i), "sms", "sent", whom[0], at,
				fmt.Sprintf(`,"submitted_at":%q%s`, at.Format(time.RFC3339Nano), whom[1])))
		}
	}
	r.store(events...)
	r.exec("TRUNCATE TABLE touched")
	key := newErasureKey(t, "erasure.key")
	asked, err := erasure.Request(t.Context(), r.conn, key, "a", erasedNumber, "test", eraseNow)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []uint64{3, 0} {
		rows, err := erasure.EraseNumber(t.Context(), r.conn, "a", erasedNumber, asked.Pseudonym)
		if err != nil || rows["changes"] != want {
			t.Errorf("%v, %v, want %d changes", rows, err, want)
		}
		for query, want := range map[string][]string{
			"SELECT concat(account, ' ', message_id) AS c FROM changes ORDER BY c": {
				"a m-3", "a m-4", "a m-5", "b m-0", "b m-1", "b m-2", "b m-3", "b m-4", "b m-5"},
			"SELECT concat(account, ' ', toString(bucket)) AS h FROM touched WHERE sign > 0 AND bucket > 0 ORDER BY h": {
				"a 2026-11-20 09:00:00", "a 2026-11-20 10:00:00", "a 2026-11-20 11:00:00"},
		} {
			if got := r.texts(query); !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", query, got, want)
			}
		}
	}
}

// Changes alone may hold it: those of a process that ended between them and its offsets, after the number was erased.
func TestStoredInPlain_Changes(t *testing.T) {
	r := &erasureRig{T: t, conn: schematest.Conn(t)}
	at := eraseNow.Add(-time.Hour)
	further := fmt.Sprintf(`,"submitted_at":%q`, at.Format(time.RFC3339Nano))
	r.store(erasureEvent("a", "m-1", "sms", "sent", erasedNumber, at, further),
		erasureEvent("a", "m-2", "sms", "sent", "user:1", at, further+`,"contact":"`+erasedNumber+`"`),
		erasureEvent("a", "m-3", "sms", "sent", "user:1", at, further+`,"contact":"`+erasedNumber[1:]+`"`),
		erasureEvent("a", "m-4", "sms", "sent", strangersNumber, at, further))
	r.exec("TRUNCATE TABLE attempts")
	var hidden []erasure.Hidden
	for i := range 5 {
		hidden = append(hidden, erasure.Hidden{Account: "a", Number: erasedNumber, MessageID: fmt.Sprint("m-", i+1),
			Bucket: at.Truncate(time.Hour)})
	}
	stored, err := erasure.StoredInPlain(t.Context(), r.conn, hidden)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, h := range stored {
		found = append(found, h.MessageID)
	}
	slices.Sort(found)
	if want := []string{"m-1", "m-2", "m-3"}; !slices.Equal(found, want) {
		t.Errorf("the number stands in plain in %q, want %q", found, want)
	}
}
