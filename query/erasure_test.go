package query

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"kaskad/schema"
	"kaskad/schema/erasure"
	"kaskad/schema/event"
)

func newErasureKey(t *testing.T) *erasure.Key {
	t.Helper()
	key, err := erasure.OpenKey(filepath.Join(t.TempDir(), "erasure.key"))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

type erasureShown struct {
	Account string            `json:"account"`
	Hash    string            `json:"hash"`
	At      string            `json:"at"`
	DoneAt  *string           `json:"done_at"`
	Rows    map[string]uint64 `json:"rows"`
	By      string            `json:"by"`
}

func TestServer_EraseNumber(t *testing.T) {
	conn := newConn(t)
	key := newErasureKey(t)
	s := newServer(t, conn, func(c *Config, _ *Deps) { c.ErasureKey = key })
	const number = "+79001234567"
	var facts schema.Facts
	var decoder event.Decoder
	for _, account := range []string{"a", "b"} {
		ev, bad := decoder.Decode([]byte(`{"account":"`+account+`","message_id":"m","submitted_at":"2026-11-19T10:00:00Z","occurred_at":"2026-11-19T10:00:00Z","channel":"sms",`+
			`"status":"sent","recipient":"`+number+`"}`), testNow.UnixMilli())
		if bad != nil {
			t.Fatal(bad)
		}
		facts.Append(ev)
	}
	if err := facts.Insert(t.Context(), conn, uuid.New(), 0, facts.Rows()); err != nil {
		t.Fatal(err)
	}
	execute(t, conn, "INSERT INTO number_overrides VALUES ('a', '"+number+"', 1, 'dead', '', 'x', 1)")

	wantProblem(t, call(s, http.MethodDelete, "/v1/numbers/123", nil), http.StatusBadRequest, "number",
		"must begin with +")
	wantProblem(t, call(s, http.MethodDelete, "/v1/numbers/89030000001", nil), http.StatusBadRequest, "number",
		"must begin with + and the country code", "%2B79161234567")
	wantProblem(t, call(s, http.MethodDelete, "/v1/numbers/%2B79990000000", nil), http.StatusBadRequest, "account",
		"nothing is known")

	// One account is known to have set a verdict on the number: its own rows are erased, and the answer does not name
	// it.
	var first, again erasureShown
	w := call(s, http.MethodDelete, "/v1/numbers/%2B79001234567", nil)
	decode(t, w, http.StatusOK, &first)
	if first.Account != "a" || first.Hash != key.Hash("a", number) || first.DoneAt == nil ||
		first.Rows["attempts"] != 1 || first.Rows["number_overrides"] != 1 {
		t.Errorf("%+v", first)
	}
	if strings.Contains(w.Body.String(), "9001234567") || strings.Contains(w.Body.String(), "erased-") {
		t.Errorf("the answer tells the number or its pseudonym: %s", w.Body)
	}
	decode(t, call(s, http.MethodDelete, "/v1/numbers/%2B79001234567", nil), http.StatusOK, &again)
	if again.Hash != first.Hash || again.At != first.At || *again.DoneAt != *first.DoneAt || len(again.Rows) != 0 {
		t.Errorf("again %+v, first %+v", again, first)
	}
	var rows uint64
	if err := conn.QueryRow(t.Context(),
		"SELECT count() FROM attempts WHERE startsWith(recipient_country, '"+number+"')").Scan(&rows); err != nil ||
		rows != 1 {
		t.Errorf("%d attempts have the number (%v), want that of account b", rows, err)
	}

	// Account b names the number too, and by now two accounts know it.
	execute(t, conn, "INSERT INTO number_overrides VALUES ('b', '"+number+"', 1, 'dead', '', 'x', 1)")
	wantProblem(t, call(s, http.MethodDelete, "/v1/numbers/%2B79001234567", nil), http.StatusBadRequest, "account",
		"2 accounts")
	decode(t, call(s, http.MethodDelete, "/v1/numbers/%2B79001234567?account=b", nil), http.StatusOK, &again)
	if again.Hash == first.Hash || again.Rows["attempts"] != 1 {
		t.Errorf("%+v", again)
	}

	var page struct {
		Rows       []erasureShown `json:"rows"`
		NextCursor *string        `json:"next_cursor"`
	}
	decode(t, get(s, "/v1/erasures?limit=1"), http.StatusOK, &page)
	if len(page.Rows) != 1 || page.Rows[0].Hash != first.Hash || page.Rows[0].By != "auth off" ||
		page.Rows[0].DoneAt == nil || page.NextCursor == nil {
		t.Fatalf("%+v", page)
	}
	decode(t, get(s, "/v1/erasures?limit=1&cursor="+*page.NextCursor), http.StatusOK, &page)
	if len(page.Rows) != 1 || page.Rows[0].Hash != again.Hash || page.NextCursor != nil {
		t.Errorf("%+v", page)
	}
	decode(t, get(s, "/v1/erasures?account=b"), http.StatusOK, &page)
	if len(page.Rows) != 1 || page.Rows[0].Account != "b" {
		t.Errorf("%+v", page)
	}
}

func TestServer_EraseNumber_ErrKey(t *testing.T) {
	conn := newConn(t)
	wantProblem(t, call(newServer(t, conn), http.MethodDelete, "/v1/numbers/%2B79001234567?account=a", nil),
		http.StatusServiceUnavailable, "", "KASKAD_ERASURE_KEY")
	if _, err := erasure.Request(t.Context(), conn, newErasureKey(t), "a", "+79001234568", "x", testNow); err != nil {
		t.Fatal(err)
	}
	other := newServer(t, conn, func(c *Config, _ *Deps) { c.ErasureKey = newErasureKey(t) })
	wantProblem(t, call(other, http.MethodDelete, "/v1/numbers/%2B79001234567?account=a", nil),
		http.StatusServiceUnavailable, "", "another key")
}
