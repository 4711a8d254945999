package query

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"kaskad/query/messages"
	"kaskad/query/querytest"
	"kaskad/schema"
	"kaskad/schema/keys"
)

// What the page stores, as it does it: with a session, its token and the version that it has shown.
func TestServer_Page_Stores(t *testing.T) {
	conn := newConn(t)
	s := newServer(t, conn, withKeys)
	key := makeKey(t, conn, "own", keys.Admin)
	cookie, token := signIn(t, s, key)
	other, otherToken := signIn(t, s, makeKey(t, conn, "other", everyScope))
	const one = `{"views":[{"name":"one","url":"/channels"}]}`
	for target, body := range map[string]string{"/v1/views": one, "/v1/number-rules?dry_run=1": `{"number_rules":{}}`} {
		wantProblem(t, withCookie(s, cookie, http.MethodPut, target, body), http.StatusForbidden, "", "X-CSRF-Token")
		wantProblem(t, withCookie(s, cookie, http.MethodPut, target, body, "X-CSRF-Token", otherToken),
			http.StatusForbidden, "", "X-CSRF-Token")
		wantProblem(t, withCookie(s, cookie, http.MethodPut, target, body, "X-CSRF-Token", token, "Origin",
			"https://evil.example"), http.StatusForbidden, "", "another origin")
	}
	for _, step := range []struct {
		version string
		status  int
	}{{`"0"`, http.StatusOK}, {`"0"`, http.StatusPreconditionFailed}, {`"1"`, http.StatusOK}} {
		if w := withCookie(s, cookie, http.MethodPut, "/v1/views", one, "X-CSRF-Token", token, "If-Match",
			step.version); w.Code != step.status {
			t.Errorf("If-Match %s: %d %s", step.version, w.Code, w.Body)
		}
	}
	// The key sees what its session has put, and another key nothing of it.
	if got := bearer(s, key, http.MethodGet, "/v1/views", "").Body.String(); !strings.Contains(got, `"version":2,`) ||
		!strings.Contains(got, one[1:]) {
		t.Errorf("by the key: %s", got)
	}
	for _, got := range []string{withCookie(s, other, http.MethodGet, "/v1/views", "").Body.String(),
		bearer(s, adminKey, http.MethodGet, "/v1/views", "").Body.String(),
		bearer(s, makeKey(t, conn, "own", keys.Admin), http.MethodGet, "/v1/views", "").Body.String()} {
		if !strings.Contains(got, `"version":0,`) || strings.Contains(got, "one") {
			t.Errorf("another key sees %s", got)
		}
	}
	wantProblem(t, withCookie(s, other, http.MethodGet, "/v1/views?account=own", ""), http.StatusForbidden, "")
	if w := bearer(s, adminKey, http.MethodDelete, "/v1/keys/"+keys.HashOf(key).ID(), ""); w.Code != http.StatusOK {
		t.Fatal(w.Body)
	}
	var left uint64
	if err := conn.QueryRow(t.Context(), "SELECT count() FROM api_views").Scan(&left); err != nil || left != 0 {
		t.Errorf("%d views of a revoked key are left: %v", left, err)
	}
}

// Dead letters are replayed by admins of all accounts alone, and the audit says by whom and what.
func TestServer_Replay_Audited(t *testing.T) {
	for _, auth := range []string{"keys", "off"} {
		conn := newConn(t)
		replayed := 0
		s := newServer(t, conn, func(c *Config, d *Deps) {
			c.Auth, c.AdminKey = auth, adminKey
			d.Letters = messages.Letters{
				Count: func(context.Context, schema.LetterFilter) (uint64, uint64, error) { return 1, 0, nil },
				Replay: func(context.Context, schema.LetterFilter) (schema.Replayed, error) {
					replayed++
					return schema.Replayed{Sent: 1}, nil
				}}
		})
		const target, body = "/v1/rejected/replay", `{"reason":"bad_time","places":[{"topic":"t","offset":1,"line":1}]}`
		by := "auth off"
		if auth == "keys" {
			by = "the admin key of the server"
			for _, scope := range []keys.Scopes{keys.Analyst, keys.Ingest, everyScope} {
				wantProblem(t, bearer(s, makeKey(t, conn, "own", scope), http.MethodPost, target, body),
					http.StatusForbidden, "")
			}
			cookie, token := signIn(t, s, adminKey)
			wantProblem(t, withCookie(s, cookie, http.MethodPost, target, body), http.StatusForbidden, "", "X-CSRF-Token")
			if w := withCookie(s, cookie, http.MethodPost, target, body, "X-CSRF-Token", token); w.Code != http.StatusOK {
				t.Error(w.Body)
			}
			replayed--
		}
		if w := bearer(s, adminKey, http.MethodPost, target, body); w.Code != http.StatusOK || replayed != 1 {
			t.Errorf("%s: replayed %d times, %s", auth, replayed, w.Body)
		}
		var rows pageAnswer
		decode(t, bearer(s, adminKey, http.MethodGet, "/v1/audit?limit=1", ""), http.StatusOK, &rows)
		const about = `replays dead letters reason "bad_time" to 2026-11-20T00:00:00.001Z of 1 places`
		if r := rows.Rows[0]; r["by"] != by || r["about"] != about || r["route"] != target || r["method"] != "POST" {
			t.Errorf("%s: the audit says %v", auth, r)
		}
	}
}

// The page asks GET /v1/session first: with --auth off it is let in without a login, else it shows one at 401, be it
// that a session has ended or that none was begun.
func TestServer_Session_PageBegins(t *testing.T) {
	conn := newConn(t)
	off := get(newServer(t, conn), "/v1/session")
	if got := strings.TrimSpace(off.Body.String()); off.Code != http.StatusOK || got != `{"auth":"off","key_id":null,`+
		`"csrf_token":null,"expires_at":null,"account":null,"scopes":["analyst","marketer","crm","ingest","admin"]}` {
		t.Errorf("auth off: %d %s", off.Code, got)
	}
	s := newServer(t, conn, withKeys)
	none := get(s, "/v1/session")
	wantProblem(t, none, http.StatusUnauthorized, "")
	if !strings.Contains(none.Body.String(), ":no-key") {
		t.Error(none.Body)
	}
	key := makeKey(t, conn, "own", keys.Marketer)
	cookie, token := signIn(t, s, key)
	var reply struct {
		Auth    string   `json:"auth"`
		KeyID   string   `json:"key_id"`
		Token   string   `json:"csrf_token"`
		Expires string   `json:"expires_at"`
		Account string   `json:"account"`
		Scopes  []string `json:"scopes"`
	}
	decode(t, withCookie(s, cookie, http.MethodGet, "/v1/session", ""), http.StatusOK, &reply)
	if reply.Auth != "keys" || reply.KeyID != keys.HashOf(key).ID() || reply.Token != token || reply.Account != "own" ||
		fmt.Sprint(reply.Scopes) != "[marketer]" || reply.Expires == "" {
		t.Errorf("%+v", reply)
	}
	querytest.Execute(t, conn, "INSERT INTO api_sessions SELECT hash, key_id, made_ms, expires_ms, 1 FROM api_sessions")
	ended := newServer(t, conn, withKeys) // which has not known the session
	for _, method := range []string{http.MethodGet, http.MethodPut} {
		w := withCookie(ended, cookie, method, "/v1/views", `{"views":[]}`)
		wantProblem(t, w, http.StatusUnauthorized, "", "POST /v1/session")
		if !strings.Contains(w.Body.String(), ":no-session") || w.Header().Get("WWW-Authenticate") != "" {
			t.Errorf("%s by a session that has ended: %v %s", method, w.Header(), w.Body)
		}
	}
}
