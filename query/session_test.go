package query

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/query/door"
	"kaskad/query/querytest"
	"kaskad/schema/keys"
)

// signIn begins a session and returns its cookie and its token.
func signIn(t *testing.T, s *Server, key string, headers ...string) (*http.Cookie, string) {
	t.Helper()
	w := querytest.PostJSON(handler(s), "/v1/session", fmt.Sprintf(`{"key":%q}`, key), headers...)
	var reply struct {
		Token   string   `json:"csrf_token"`
		Expires string   `json:"expires_at"`
		Account *string  `json:"account"`
		Scopes  []string `json:"scopes"`
	}
	decode(t, w, http.StatusOK, &reply)
	cookies := w.Result().Cookies()
	if len(cookies) != 1 || reply.Token == "" || len(reply.Scopes) == 0 || reply.Expires == "" {
		t.Fatalf("%v %s", cookies, w.Body)
	}
	if strings.Contains(w.Body.String(), key) || strings.Contains(w.Body.String(), cookies[0].Value) {
		t.Error("the answer says what is secret")
	}
	return cookies[0], reply.Token
}

func withCookie(s *Server, c *http.Cookie, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	return call(s, method, target, strings.NewReader(body), append([]string{"Cookie", c.Name + "=" + c.Value},
		headers...)...)
}

// A browser does with its session what the key may, changes nothing without the token, and nothing at all once the
// session or the key has ended, on every server.
func TestServer_Session_Life(t *testing.T) {
	conn := newConn(t)
	s, other := newServer(t, conn, withKeys), newServer(t, conn, withKeys)
	key := makeKey(t, conn, "own", everyScope)
	cookie, token := signIn(t, s, key)
	if cookie.Name != "kaskad" || !cookie.HttpOnly || cookie.Secure || cookie.SameSite != http.SameSiteStrictMode ||
		cookie.MaxAge != int((12*time.Hour).Seconds()) {
		t.Errorf("on loopback: %+v", cookie)
	}
	if c, _ := signIn(t, s, key, "Host", "kaskad.example"); c.Name != "__Host-kaskad" || !c.Secure || c.Path != "/" ||
		c.Domain != "" {
		t.Errorf("behind a proxy: %+v", c)
	}
	for _, server := range []*Server{s, other} {
		var again struct {
			Token   string `json:"csrf_token"`
			Account string `json:"account"`
		}
		decode(t, withCookie(server, cookie, http.MethodGet, "/v1/session", ""), http.StatusOK, &again)
		if again.Token != token || again.Account != "own" {
			t.Errorf("%+v", again)
		}
	}
	rules := `{"number_rules":{}}`
	for _, wrong := range []string{"", "x", token + "x", cookie.Value} {
		wantProblem(t, withCookie(s, cookie, http.MethodPut, "/v1/number-rules", rules, "X-CSRF-Token", wrong),
			http.StatusForbidden, "", "X-CSRF-Token")
	}
	if w := withCookie(s, cookie, http.MethodPut, "/v1/number-rules", rules, "X-CSRF-Token", token); w.Code !=
		http.StatusOK {
		t.Errorf("with the token: %s", w.Body)
	}
	wantProblem(t, withCookie(s, cookie, http.MethodGet, "/v1/status", ""), http.StatusForbidden, "")
	wantProblem(t, withCookie(s, cookie, http.MethodGet, "/v1/keys?account=other", ""), http.StatusForbidden, "")

	if w := withCookie(s, cookie, http.MethodDelete, "/v1/session", "", "X-CSRF-Token", token); w.Code !=
		http.StatusNoContent || w.Result().Cookies()[0].MaxAge >= 0 {
		t.Errorf("end: %d %v", w.Code, w.Result().Cookies())
	}
	wantProblem(t, withCookie(s, cookie, http.MethodGet, "/v1/session", ""), http.StatusUnauthorized, "", "over")

	// The key ends, and its sessions with it, on servers that know both.
	cookie, _ = signIn(t, s, key)
	for _, server := range []*Server{s, other} {
		if w := withCookie(server, cookie, http.MethodGet, "/v1/session", ""); w.Code != http.StatusOK {
			t.Fatal(w.Body)
		}
	}
	revoke := bearer(s, adminKey, http.MethodDelete, "/v1/keys/"+keys.HashOf(key).ID(), "")
	if revoked := time.Now(); revoke.Code == http.StatusOK {
		wantProblem(t, bearer(s, key, http.MethodGet, "/v1/definitions", ""), http.StatusUnauthorized, "")
		for _, ask := range []func() *httptest.ResponseRecorder{
			func() *httptest.ResponseRecorder { return bearer(other, key, http.MethodGet, "/v1/definitions", "") },
			func() *httptest.ResponseRecorder { return withCookie(other, cookie, http.MethodGet, "/v1/session", "") },
		} {
			for ask().Code != http.StatusUnauthorized {
				if time.Since(revoked) > 5*time.Second {
					t.Fatal("a revoked key is good for more than five seconds")
				}
				time.Sleep(20 * time.Millisecond)
			}
		}
	} else {
		t.Fatal(revoke.Body)
	}
}

// Keys are made, listed and revoked over the API, within the account of who does it.
func TestServer_Keys_Manage(t *testing.T) {
	conn := newConn(t)
	s := newServer(t, conn, withKeys)
	make := func(by, body string) *httptest.ResponseRecorder {
		return bearer(s, by, http.MethodPost, "/v1/keys", body)
	}
	var made struct{ ID, Key string }
	decode(t, make(adminKey, `{"account":"own","scopes":["admin"],"note":"first"}`), http.StatusCreated, &made)
	admin := made.Key
	decode(t, make(admin, `{"scopes":["analyst","crm"],"expires_at":"2099-01-01T00:00:00Z"}`), http.StatusCreated, &made)
	if !strings.HasPrefix(made.Key, "kaskad_") || keys.HashOf(made.Key).ID() != made.ID {
		t.Errorf("%+v", made)
	}
	for _, body := range []string{`{"account":"other","scopes":["analyst"]}`, `{"account":"own2","scopes":["admin"]}`} {
		wantProblem(t, make(admin, body), http.StatusForbidden, "")
	}
	for body, parameter := range map[string]string{`{"scopes":["analyst"]}`: "account", `{"account":"a"}`: "scopes",
		`{"account":"a","scopes":["god"]}`: "scopes", `{"account":"","scopes":["crm"]}`: "account",
		`{"account":"a","scopes":["crm"],"expires_at":"2001-01-01T00:00:00Z"}`:       "expires_at",
		`{"account":"a","scopes":["crm"],"expires_at":"soon"}`:                       "expires_at",
		`{"account":"a","scopes":["crm"],"note":"` + strings.Repeat("x", 201) + `"}`: "note"} {
		wantProblem(t, make(adminKey, body), http.StatusBadRequest, parameter)
	}
	wantProblem(t, make(adminKey, `{"account":"a","scopes":["crm"],"colour":1}`), http.StatusBadRequest, "")
	if w := bearer(s, made.Key, http.MethodGet, "/v1/numbers/dead", ""); w.Code != http.StatusOK {
		t.Error(w.Body)
	}
	w := bearer(s, admin, http.MethodGet, "/v1/keys", "")
	var list pageAnswer
	decode(t, w, http.StatusOK, &list)
	if len(list.Rows) != 2 || strings.Contains(w.Body.String(), made.Key) {
		t.Errorf("%s", w.Body)
	}
	for _, row := range list.Rows {
		if row["account"] != "own" || row["made_by"] == "" {
			t.Errorf("%v", row)
		}
	}
	for range 2 {
		if w := bearer(s, admin, http.MethodDelete, "/v1/keys/"+made.ID, ""); w.Code != http.StatusOK {
			t.Error(w.Body)
		}
		wantProblem(t, bearer(s, made.Key, http.MethodGet, "/v1/numbers/dead", ""), http.StatusUnauthorized, "")
	}
	// At rest there is no key.
	var found uint64
	if err := conn.QueryRow(t.Context(), "SELECT count() FROM api_keys WHERE position(concat(id, hash, note, by), $1) > 0",
		made.Key).Scan(&found); err != nil || found != 0 {
		t.Error(found, err)
	}
	// The last one who can make keys stays.
	alone := newServer(t, conn, func(c *Config, _ *Deps) { c.Auth = "keys" })
	last := makeKey(t, conn, "", keys.Admin)
	wantProblem(t, bearer(alone, last, http.MethodDelete, "/v1/keys/"+keys.HashOf(last).ID(), ""), http.StatusConflict, "",
		"another one first")
	var audit pageAnswer
	decode(t, bearer(s, admin, http.MethodGet, "/v1/audit", ""), http.StatusOK, &audit)
	var lines []string
	for _, row := range audit.Rows {
		lines = append(lines, fmt.Sprint(row["method"], " ", row["route"], " ", row["about"]))
	}
	if all := strings.Join(lines, "\n"); !strings.Contains(all, "DELETE /v1/keys/:id revokes key "+made.ID) ||
		!strings.Contains(all, "GET /v1/numbers/dead") || !strings.Contains(all, "POST /v1/keys makes key") {
		t.Errorf("the audit says\n%s", all)
	}
}

// A key is good until it is over.
func TestServer_Door_Expiry(t *testing.T) {
	conn := newConn(t)
	s := newServer(t, conn, withKeys)
	key := makeKey(t, conn, "own", keys.Analyst, func(k *keys.Key) { k.ExpiresMS = time.Now().UnixMilli() + 3000 })
	begin := time.Now()
	for bearer(s, key, http.MethodGet, "/v1/definitions", "").Code == http.StatusOK {
		if time.Since(begin) > 30*time.Second {
			t.Fatal("it is still good")
		}
		time.Sleep(50 * time.Millisecond)
	}
	if time.Since(begin) < 2*time.Second {
		t.Errorf("it was over after %s", time.Since(begin))
	}
}

// Whole recipients are for crm and admin.
func TestServer_Door_Masking(t *testing.T) {
	conn := newConn(t)
	foreignData(t, conn)
	s := newServer(t, conn, withKeys)
	for i, name := range keys.Names {
		if name == "ingest" {
			continue
		}
		w := bearer(s, makeKey(t, conn, foreignAccount, 1<<i), http.MethodGet, "/v1/messages/"+foreignMessage, "")
		var reply struct{ Steps []map[string]any }
		decode(t, w, http.StatusOK, &reply)
		whole := name == "crm" || name == "admin"
		if got := reply.Steps[0]["recipient"] == foreignNumber; got != whole {
			t.Errorf("%s: %v", name, reply.Steps[0]["recipient"])
		}
		if got := reply.Steps[0]["contact"] == "user:"+foreignMark; got != whole {
			t.Errorf("%s: %v", name, reply.Steps[0]["contact"])
		}
	}
}

// switchedConn is a ClickHouse that is away while off is set.
type switchedConn struct {
	driver.Conn
	off atomic.Bool
}

func (c *switchedConn) Query(ctx context.Context, statement string, args ...any) (driver.Rows, error) {
	if c.off.Load() {
		return nil, io.EOF
	}
	return c.Conn.Query(ctx, statement, args...)
}

// While ClickHouse does not answer, who was known goes on sending events, and everything else is refused.
func TestServer_Door_Outage(t *testing.T) {
	conn := newConn(t)
	away := &switchedConn{Conn: conn}
	s := newServer(t, away, withKeys, func(_ *Config, d *Deps) { d.Producer = &records{} })
	key := makeKey(t, conn, "acme", keys.Ingest|keys.Analyst)
	send := func(key string) *httptest.ResponseRecorder {
		return bearer(s, key, http.MethodPost, "/v1/events", goodEvent)
	}
	if w := send(key); w.Code != http.StatusAccepted {
		t.Fatal(w.Body)
	}
	away.off.Store(true)
	for deadline := time.Now().Add(30 * time.Second); ; {
		w := bearer(s, key, http.MethodGet, "/v1/forecasts/break-even?channel_price=1&sms_price=2", "")
		if w.Code == http.StatusServiceUnavailable {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a key that cannot be checked is good")
		}
		time.Sleep(50 * time.Millisecond)
	}
	if w := send(key); w.Code != http.StatusAccepted {
		t.Errorf("events: %d %s", w.Code, w.Body)
	}
	wantProblem(t, send("kaskad_other"), http.StatusServiceUnavailable, "", "ClickHouse")
	if w := send(adminKey); w.Code != http.StatusAccepted {
		t.Errorf("events by the admin key: %d %s", w.Code, w.Body)
	}
	away.off.Store(false)
	for deadline := time.Now().Add(30 * time.Second); bearer(s, key, http.MethodGet, "/v1/definitions",
		"").Code != http.StatusOK; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("ClickHouse is back, and the key is not good")
		}
	}
}

// Two hundred clients with one key: so many as may are answered, the others are told when to come again.
func TestServer_Door_ManyClients(t *testing.T) {
	conn := newConn(t)
	s := newServer(t, conn, withKeys, func(c *Config, _ *Deps) {
		c.KeyLimits = door.Limits{PerSecond: 10, Burst: 20, Running: 200}
	})
	key, other := makeKey(t, conn, "own", keys.Analyst), makeKey(t, conn, "own", keys.Analyst)
	answered := make(chan *httptest.ResponseRecorder)
	begin := time.Now()
	for range 200 {
		go func() {
			answered <- bearer(s, key, http.MethodGet, "/v1/forecasts/break-even?channel_price=1&sms_price=2", "")
		}()
	}
	let := 0
	for range 200 {
		w := <-answered
		if w.Code == http.StatusOK {
			let++
			continue
		}
		wantProblem(t, w, http.StatusTooManyRequests, "")
		if w.Header().Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	if most := 20 + 10*int(1+time.Since(begin).Seconds()); let < 20 || let > most {
		t.Errorf("%d were answered, want 20 to %d", let, most)
	}
	if w := bearer(s, other, http.MethodGet, "/v1/definitions", ""); w.Code != http.StatusOK {
		t.Errorf("another key: %s", w.Body)
	}
}

// No answer, however wrong the request, and no line of the log says a key or a cookie.
func TestServer_Door_NothingSecret(t *testing.T) {
	conn := newConn(t)
	log := &strings.Builder{}
	s := newServer(t, conn, withKeys, func(_ *Config, d *Deps) {
		d.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	key := makeKey(t, conn, "own", keys.Analyst)
	cookie, _ := signIn(t, s, key)
	var said strings.Builder
	for _, w := range []*httptest.ResponseRecorder{
		bearer(s, key, http.MethodGet, "/v1/status", ""), bearer(s, key, http.MethodGet, "/v1/reports/channels?x=1", ""),
		withCookie(s, cookie, http.MethodPost, "/v1/sms/segments", "{}"),
		querytest.PostJSON(handler(s), "/v1/session", `{"key":"`+key+`","x":1}`),
		bearer(s, key[1:], http.MethodGet, "/v1/status", ""), bearer(s, key, http.MethodGet, "/v1/session", ""),
	} {
		said.WriteString(w.Body.String())
	}
	for _, secret := range []string{key[7:20], cookie.Value[7:20]} {
		if strings.Contains(said.String()+log.String(), secret) {
			t.Errorf("%s stands in %s or %s", secret, said.String(), log.String())
		}
	}
}

// A request that lasts ends with its key.
func TestServer_Door_RevokedMeanwhile(t *testing.T) {
	conn := newConn(t)
	s, other := newServer(t, conn, withKeys), newServer(t, conn, withKeys)
	key := makeKey(t, conn, "own", keys.CRM)
	ended := make(chan *httptest.ResponseRecorder)
	go func() { ended <- bearer(s, key, http.MethodGet, "/v1/numbers/changes?wait=30", "") }()
	for {
		var used uint64 // it is in
		if err := conn.QueryRow(t.Context(), "SELECT count() FROM api_key_uses").Scan(&used); err != nil {
			t.Fatal(err)
		}
		if used > 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if w := bearer(other, adminKey, http.MethodDelete, "/v1/keys/"+keys.HashOf(key).ID(), ""); w.Code != http.StatusOK {
		t.Fatal(w.Body)
	}
	revoked := time.Now()
	w := <-ended
	wantProblem(t, w, http.StatusUnauthorized, "", "meanwhile")
	if took := time.Since(revoked); took > 15*time.Second { // five seconds on a machine that has nothing else to do
		t.Errorf("it went on for %s", took)
	}
}
