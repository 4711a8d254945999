package query

import (
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"kaskad/dashboards/web"
)

// aBrowser is what browsers send when somebody opens an address.
const aBrowser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

func withPage(t *testing.T) *Server {
	t.Helper()
	return newServer(t, noConn{}, func(_ *Config, d *Deps) {
		d.Page = fstest.MapFS{"index.html": {Data: []byte("<!doctype html>the page")},
			"assets/main-1a2b3c4d.js": {Data: []byte("let page")}, "assets/icon-5e6f.svg": {Data: []byte("<svg/>")},
			"assets/page-7a8b.css": {Data: []byte("body{}")}}
	})
}

// A browser is shown the page wherever it is sent, and a program what it was shown before there was one.
func TestServer_Site_Accept(t *testing.T) {
	s := withPage(t)
	for _, path := range []string{"/", "/channels", "/numbers?number=%2B79001234567", "/?account=lavka",
		"/nowhere/at/all"} {
		w := get(s, path, "Accept", aBrowser)
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "the page") {
			t.Errorf("%s: a browser is shown %d %s", path, w.Code, w.Body)
		}
		if got := w.Header().Get("Vary"); got != "Accept" {
			t.Errorf("%s: Vary is %q", path, got)
		}
	}
	for _, accept := range []string{"", "*/*", "application/json", "text/plain", "text/csv, text/*;q=0.5"} {
		if w := get(s, "/", "Accept", accept); !strings.Contains(w.Body.String(), `"try"`) {
			t.Errorf("Accept %q: a program is shown %s", accept, w.Body)
		}
		wantProblem(t, get(s, "/channels", "Accept", accept), http.StatusNotFound, "")
	}
	for _, path := range []string{"/v1/nowhere", "/v1", "/assets/main-00000000.js", "/v1/reports/channels?colour=red"} {
		if w := get(s, path, "Accept", aBrowser); w.Code < 400 || strings.Contains(w.Body.String(), "the page") {
			t.Errorf("%s: a browser is shown %d %s", path, w.Code, w.Body)
		}
	}
	if w := call(s, http.MethodPost, "/channels", nil, "Accept", aBrowser); w.Code != http.StatusNotFound {
		t.Errorf("POST: %d", w.Code)
	}
	without := newServer(t, noConn{})
	if w := get(without, "/", "Accept", aBrowser); !strings.Contains(w.Body.String(), `"try"`) {
		t.Errorf("a server without a page shows %s", w.Body)
	}
}

// Nothing but the server's own files is loaded, and what has a hash in its name is loaded once.
func TestServer_Site_Headers(t *testing.T) {
	s := withPage(t)
	w := get(s, "/savings", "Accept", aBrowser)
	policy := w.Header().Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "unsafe") ||
		strings.Contains(policy, "http") || strings.Contains(policy, "*") {
		t.Errorf("the policy is %q", policy)
	}
	if got := w.Header().Get("Cache-Control"); got != "no-cache" {
		t.Errorf("the index: Cache-Control is %q", got)
	}
	for path, media := range map[string]string{"/assets/main-1a2b3c4d.js": "text/javascript; charset=utf-8",
		"/assets/icon-5e6f.svg": "image/svg+xml", "/assets/page-7a8b.css": "text/css; charset=utf-8"} {
		h := get(s, path).Header()
		if got := h.Get("Content-Type"); got != media {
			t.Errorf("%s is %s", path, got)
		}
		if got := h.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("%s: Cache-Control is %q", path, got)
		}
	}
}

func TestNew_Site_NoIndex(t *testing.T) {
	if _, err := newSite(fstest.MapFS{"main.js": {Data: []byte("x")}}); err == nil {
		t.Error("a page without index.html is taken")
	}
}

// Without npm the program has a page too: how to build it.
func TestFiles_Complete(t *testing.T) {
	files, err := web.Files()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newSite(files); err != nil {
		t.Error(err)
	}
}

// A page knows without trying whether it has to ask for a key.
func TestServer_Session_AuthOff(t *testing.T) {
	var session struct {
		Auth    string
		Token   *string `json:"csrf_token"`
		Account *string
		Scopes  []string
	}
	decode(t, get(newServer(t, noConn{}), "/v1/session"), http.StatusOK, &session)
	if session.Auth != "off" || session.Token != nil || session.Account != nil || session.Scopes == nil {
		t.Errorf("%+v", session)
	}
}
