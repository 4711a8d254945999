package query

import (
	"net/http"
	"strings"
	"testing"
)

// What net/http refuses by itself is a problem like any other.
func TestServer_Run_Refusals(t *testing.T) {
	address := listen(t, newServer(t, noConn{}))
	for _, c := range []struct {
		request string
		status  int
		word    string
	}{
		{"nonsense\r\n\r\n", http.StatusBadRequest, "no HTTP request"},
		{"GET\r\n\r\n", http.StatusBadRequest, "no HTTP request"},
		{"GET / HTTP/1.1\r\n\r\n", http.StatusBadRequest, "missing required Host header"},
		{"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", http.StatusBadRequest, "no HTTP request"},
		{"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", http.StatusBadRequest, "Host"},
		{"GET / HTTP/1.1\r\nHost: a\r\nA B: c\r\n\r\n", http.StatusBadRequest, "no HTTP request"},
		{"GET / HTTP/1.1\r\nHost: a\r\nA: \x00\r\n\r\n", http.StatusBadRequest, "no HTTP request"},
		{"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", http.StatusBadRequest, "no HTTP request"},
		{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", http.StatusBadRequest, "no HTTP request"},
		{"GET / HTTP/3.0\r\nHost: a\r\n\r\n", http.StatusHTTPVersionNotSupported, "HTTP/1.1"},
		{"POST /v1/events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", http.StatusNotImplemented,
			"chunked"},
		{"GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 2*maxHeaderBytes) + "\r\n\r\n",
			http.StatusRequestHeaderFieldsTooLarge, "64 KiB"},
		{"GET /" + strings.Repeat("x", 2*maxHeaderBytes) + " HTTP/1.1\r\nHost: a\r\n\r\n",
			http.StatusRequestHeaderFieldsTooLarge, "64 KiB"},
		{"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", http.StatusNotFound, "nothing at this path"},
		{"OPTIONS /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n", http.StatusMethodNotAllowed, "use GET"},
		{"BREW /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n", http.StatusMethodNotAllowed, "use GET"},
		{"CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n", http.StatusNotFound, "nothing at this path"},
		{"GET http://evil.example/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n", http.StatusForbidden, "evil.example"},
	} {
		t.Run(c.request[:min(len(c.request), 30)], func(t *testing.T) {
			dial(t, address).send("%s", c.request).wantAnswer(c.status, c.word)
		})
	}
	// An answer that looks like one of them is left alone.
	own := "HTTP/1.1 400 Bad Request" + refusalHead + "400 Bad Request"
	if asRefusal([]byte(own)) == nil || asRefusal([]byte(own+"\n")) != nil || asRefusal([]byte("a\r\n"+own)) != nil {
		t.Error("other answers are replaced")
	}
}

// A page of another origin changes nothing, another port of this machine included. Programs that are no browsers say no
// origin.
func TestServer_Guard_Origins(t *testing.T) {
	const host = "localhost:8080"
	for _, insecure := range []bool{false, true} {
		s := newServer(t, awayConn{}, func(c *Config, d *Deps) { c.InsecureListen, d.Producer = insecure, &records{} })
		changing := append([]string{"DELETE /v1/numbers/%2B79001234567", "DELETE /v1/numbers/%2B79001234567/override",
			"POST /v1/nowhere", "PATCH /v1/events"}, bodyRoutes...)
		for _, route := range changing {
			method, target, _ := strings.Cut(route, " ")
			for _, headers := range [][]string{{"Origin", "http://localhost:3000"}, {"Origin", "http://localhost"},
				{"Origin", "http://127.0.0.1:8080"}, {"Origin", "null"}, {"Origin", ""},
				{"Origin", "https://evil.example"}, {"Origin", "file://"},
				{"Origin", "http://localhost:8080@evil.example"}, {"Origin", "localhost:8080"},
				{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Site", "new"},
				{"Sec-Fetch-Site", "cross-site", "Origin", "http://" + host},
				{"Sec-Fetch-Site", "same-origin", "Origin", "http://localhost:3000"},
				{"Sec-Fetch-Site", "none", "Origin", "null"}} {
				w := call(s, method, target, strings.NewReader("{}"), append(headers, "Host", host)...)
				if wantProblem(t, w, http.StatusForbidden, "", "origin"); t.Failed() {
					t.Fatalf("%s %q", route, headers)
				}
			}
			for _, headers := range [][]string{nil, {"Origin", "http://" + host}, {"Origin", "http://LOCALHOST:8080"},
				{"Sec-Fetch-Site", "same-origin", "Origin", "http://" + host},
				{"Sec-Fetch-Site", "none"}} {
				if w := call(s, method, target, strings.NewReader("{}"),
					append(headers, "Host", host)...); w.Code == http.StatusForbidden {
					t.Errorf("%s %q: %s", route, headers, w.Body)
				}
			}
		}
		// Reading is refused to pages elsewhere by what browsers do with an answer that does not invite them.
		w := get(s, "/healthz", "Host", host, "Origin", "http://localhost:3000", "Sec-Fetch-Site", "same-site")
		if w.Code != http.StatusOK || w.Header().Get("Access-Control-Allow-Origin") != "" ||
			w.Header().Get("Cross-Origin-Resource-Policy") != "same-origin" {
			t.Errorf("%d %v", w.Code, w.Header())
		}
	}
}
