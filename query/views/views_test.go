package views

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"pgregory.net/rapid"

	"kaskad/engine/enginetest"
	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/schema/keys"
	"kaskad/schema/schematest"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// newRoom makes the room over conn, as a caller sees it; nil is whoever comes while no key is asked for.
func newRoom(conn driver.Conn, caller *answer.Caller) http.Handler {
	db, gate := querytest.DB(conn), querytest.Gate()
	room := querytest.Handler(db, gate, New(db, gate).Routes())
	if caller == nil {
		return room
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		room.ServeHTTP(w, r.WithContext(answer.WithCaller(r.Context(), caller)))
	})
}

func callerOf(account, key string) *answer.Caller {
	return &answer.Caller{Account: account, All: account == "", KeyID: key, Scopes: keys.Marketer}
}

func put(s http.Handler, body string, headers ...string) *httptest.ResponseRecorder {
	return querytest.Call(s, http.MethodPut, "/v1/views", strings.NewReader(body), headers...)
}

const one = `{"views":[{"name":"Май в Viber","url":"/channels?channel=viber&from=2026-05-01#heat"}]}`

// What is put is there, with its version; the next version replaces it and by an older one nothing is.
func TestViews_PutAndGet(t *testing.T) {
	conn := schematest.Conn(t)
	s := newRoom(conn, nil)
	w := querytest.Get(s, "/v1/views")
	if got := strings.TrimSpace(w.Body.String()); got != `{"version":0,"at":null,"views":[]}` ||
		w.Header().Get("ETag") != `"0"` {
		t.Errorf("before the first: %s %v", got, w.Header())
	}
	w = put(s, one, "If-Match", `"0"`)
	if got := strings.TrimSpace(w.Body.String()); w.Code != http.StatusOK || got != `{"version":1,"rows":1}` ||
		w.Header().Get("ETag") != `"1"` {
		t.Fatalf("%d %s %v", w.Code, got, w.Header())
	}
	w = querytest.Get(s, "/v1/views")
	shown := w.Body.String()
	if strings.TrimSpace(shown) != `{"version":1,"at":"2026-11-20T00:00:00.000Z",`+one[1:] || w.Header().Get("ETag") != `"1"` {
		t.Errorf("after the first: %s", shown)
	}
	querytest.WantProblem(t, put(s, `{"views":[]}`, "If-Match", `"0"`), http.StatusPreconditionFailed, "", "any more")
	if got := querytest.Get(s, "/v1/views").Body.String(); got != shown {
		t.Errorf("after a conflict: %s", got)
	}
	// What GET gives can be put back, and without a version the newest is replaced.
	for range 3 {
		if w := put(s, shown); w.Code != http.StatusOK {
			t.Fatal(w.Body)
		}
	}
	if w := put(s, `{"views":[]}`, "If-Match", `"4"`); w.Code != http.StatusOK {
		t.Error(w.Body)
	}
	if got := querytest.Get(s, "/v1/views").Body.String(); !strings.Contains(got, `"version":5,`) ||
		!strings.Contains(got, `"views":[]`) {
		t.Errorf("emptied: %s", got)
	}
	var rows uint64
	if err := conn.QueryRow(t.Context(), "SELECT count() FROM api_views").Scan(&rows); err != nil || rows != 1 {
		t.Errorf("%d versions are kept, want 1: %v", rows, err)
	}
}

// A key sees and changes its own views and nobody else's, also where the statement that reads them forgets whose they
// are. They go when the key is revoked.
func TestViews_OfAKey(t *testing.T) {
	conn := schematest.Conn(t)
	callers := []*answer.Caller{nil, callerOf("acme", "k1"), callerOf("acme", "k2"), callerOf("beta", "k1"),
		callerOf("", "k3")}
	for i, caller := range callers {
		s := newRoom(conn, caller)
		if got := querytest.Get(s, "/v1/views").Body.String(); !strings.Contains(got, `"version":0,`) {
			t.Errorf("caller %d begins with %s", i, got)
		}
		if w := put(s, fmt.Sprintf(`{"views":[{"name":"of %d","url":"/"}]}`, i), "If-Match", `"0"`); w.Code != http.StatusOK {
			t.Errorf("caller %d: %s", i, w.Body)
		}
	}
	for i, caller := range callers {
		if got := querytest.Get(newRoom(conn, caller), "/v1/views").Body.String(); !strings.Contains(got,
			fmt.Sprintf(`"views":[{"name":"of %d","url":"/"}]`, i)) {
			t.Errorf("caller %d sees %s", i, got)
		}
	}
	db := querytest.DB(conn)
	var seen uint64
	ctx := answer.WithCaller(t.Context(), callerOf("acme", "k1"))
	if err := conn.QueryRow(db.Settings(ctx), "SELECT count() FROM api_views").Scan(&seen); err != nil || seen != 2 {
		t.Errorf("a statement without an owner finds %d views of acme, want 2: %v", seen, err)
	}
	if err := keys.Revoke(t.Context(), conn, &keys.Key{ID: "k1", Account: "acme", Scopes: keys.Marketer},
		1); err != nil {
		t.Fatal(err)
	}
	var left []string
	if err := conn.QueryRow(t.Context(), "SELECT arraySort(groupArray(concat(account, '/', key_id))) FROM api_views").
		Scan(&left); err != nil || fmt.Sprint(left) != "[/ /k3 acme/k2 beta/k1]" {
		t.Errorf("after the end of a key: %q, %v", left, err)
	}
}

// Of those who save at once by the same version one is stored and the others are told, on whatever server.
func TestViews_Put_Race(t *testing.T) {
	conn := schematest.Conn(t)
	caller := callerOf("acme", "k1")
	for round := range 3 {
		codes := map[int]int{}
		won := ""
		var mu sync.Mutex
		var group sync.WaitGroup
		for i := range 6 {
			s := newRoom(conn, caller)
			group.Go(func() {
				w := put(s, fmt.Sprintf(`{"views":[{"name":"%d %d","url":"/"}]}`, round, i), "If-Match",
					fmt.Sprintf(`"%d"`, round))
				mu.Lock()
				defer mu.Unlock()
				if codes[w.Code]++; w.Code == http.StatusOK {
					won = fmt.Sprintf(`"name":"%d %d"`, round, i)
				}
			})
		}
		group.Wait()
		got := querytest.Get(newRoom(conn, caller), "/v1/views").Body.String()
		if codes[http.StatusOK] != 1 || codes[http.StatusPreconditionFailed] != 5 || !strings.Contains(got, won) ||
			!strings.Contains(got, fmt.Sprintf(`"version":%d,`, round+1)) {
			t.Errorf("round %d: %v, %s wins, stored %s", round, codes, won, got)
		}
	}
}

func TestViews_Put_Refused(t *testing.T) {
	conn := schematest.Conn(t)
	s := newRoom(conn, nil)
	with := func(name, url string) string {
		encoded, err := json.Marshal(map[string]any{"views": []view{{"good", "/"}, {name, url}}})
		if err != nil {
			t.Fatal(err)
		}
		return string(encoded)
	}
	for _, c := range []struct{ body, parameter, says string }{
		{with("", "/"), "views[1].name", "empty"},
		{with(" \u00a0", "/"), "views[1].name", "empty"},
		{with("a ", "/"), "views[1].name", "space"},
		{with("good", "/"), "views[1].name", "views[0] too"},
		{with("a\nb", "/"), "views[1].name", "control"},
		{with("Ivan +79161234567", "/"), "views[1].name", "person"},
		{with("Ivan + 7 (916) 123-45-67", "/"), "views[1].name", "person"},
		{with("Black Friday + 2026", "/campaigns?campaign=Black+Friday+20261127"), "", ""},
		{with(strings.Repeat("я", maxNameRunes+1), "/"), "views[1].name", "shorten"},
		{with("a", ""), "views[1].url", "without scheme"},
		{with("a", "channels"), "views[1].url", "without scheme"},
		{with("a", "https://example.com/"), "views[1].url", "without scheme"},
		{with("a", "javascript:alert(1)"), "views[1].url", "without scheme"},
		{with("a", "//example.com/x"), "views[1].url", "without scheme"},
		{with("a", `/\example.com/x`), "views[1].url", "without scheme"},
		{with("a", `\\example.com/x`), "views[1].url", "without scheme"},
		{with("a", "/\t/example.com"), "views[1].url", "without scheme"},
		{with("a", "\n//example.com"), "views[1].url", "without scheme"},
		{with("a", "/%zz"), "views[1].url", "without scheme"},
		{with("a", "/channels?x=%zz"), "views[1].url", "percent-encode"},
		{with("a", "/v1/keys"), "views[1].url", "not of the API"},
		{with("a", "/x/../v1/session"), "views[1].url", "not of the API"},
		{with("a", "/%76%31/session"), "views[1].url", "not of the API"},
		{with("a", "/metrics"), "views[1].url", "not of the API"},
		{with("a", "/numbers/%2B79161234567"), "views[1].url", "person"},
		{with("a", "/numbers/+79161234567"), "views[1].url", "person"},
		{with("a", "/numbers?search=%2B7%20916%20"), "", ""},
		{with("a", "/numbers?search=%2B79161234567"), "views[1].url", "person"},
		{with("a", "/campaigns?recipient=x"), "views[1].url", "person"},
		{with("a", "/numbers/email%3Aa%40b.example"), "views[1].url", "person"},
		{with("a", "/#/numbers?number=%2B79161234567"), "views[1].url", "person"},
		{with("a", "/"+strings.Repeat("x", maxURLBytes)), "views[1].url", "longer"},
	} {
		w := put(s, c.body)
		if c.parameter == "" {
			if w.Code != http.StatusOK {
				t.Errorf("%s: %s", c.body, w.Body)
			}
			continue
		}
		querytest.WantProblem(t, w, http.StatusBadRequest, c.parameter, c.says, "nothing was changed")
	}
	many := make([]view, maxViews+1)
	for i := range many {
		many[i] = view{fmt.Sprint(i), "/"}
	}
	body, err := json.Marshal(map[string]any{"views": many})
	if err != nil {
		t.Fatal(err)
	}
	querytest.WantProblem(t, put(s, string(body)), http.StatusBadRequest, "views", "100 at most")
	for _, body := range []string{"", "[]", "{}", `{"views":{}}`, `{"views":null}`, `{"views":[{"name":"a","path":"/"}]}`, one + "x",
		`{"views":[{"name":1,"url":"/"}]}`, "{\"views\":[{\"name\":\"\xff\",\"url\":\"/\"}]}"} {
		querytest.WantProblem(t, put(s, body), http.StatusBadRequest, "", "nothing was changed")
	}
	querytest.WantProblem(t, put(s, `{"views":[{"name":"`+strings.Repeat("x", maxBody)+`","url":"/"}]}`),
		http.StatusRequestEntityTooLarge, "", "16 KiB")
	querytest.WantProblem(t, put(s, one, "Content-Type", "text/csv"), http.StatusUnsupportedMediaType, "")
	querytest.WantProblem(t, put(s, one, "If-Match", "*"), http.StatusBadRequest, "If-Match")
	querytest.WantProblem(t, querytest.Get(s, "/v1/views?account=acme"), http.StatusBadRequest, "account")
}

// Whatever a browser makes of an address that is taken, it stays on the page's own host.
func TestWrongURL_Stays(t *testing.T) {
	pieces := rapid.SampledFrom([]string{"/", "//", `\`, ".", "..", "v1", "channels", "?", "#", "@", ":", "evil.example",
		"https:", "\t", "\n", "%2f", "%5c", "&", "=", "viber", " ", "й"})
	rapid.Check(t, func(r *rapid.T) {
		address := strings.Join(rapid.SliceOfN(pieces, 1, 8).Draw(r, "pieces"), "")
		if wrongURL(address) != "" {
			return
		}
		// As browsers read an address: tabs and line breaks are left out, and a backslash is a slash.
		read := strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(strings.TrimSpace(address))
		if !strings.HasPrefix(read, "/") || strings.HasPrefix(read, "//") {
			r.Errorf("%q leads away", address)
		}
	})
}
