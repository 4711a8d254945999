package query

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
)

// recover turns a panic into a 500, so that one request cannot end the process that ingests.
func (s *Server) recover(c *gin.Context) {
	defer func() {
		reason := recover()
		if reason == nil {
			return
		}
		if err, ok := reason.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(reason) // net/http's own way to drop a connection.
		}
		s.logger.Error("request panicked", "method", c.Request.Method, "route", c.FullPath(), "reason", reason, "stack",
			string(debug.Stack()))
		answer.NewProblem(http.StatusInternalServerError, "internal",
			"something went wrong inside; the server's log says what").Send(c)
	}()
	c.Next()
}

// observe counts the request and writes the access log: the route rather than the path, and no query, for both may name
// people.
func (s *Server) observe(c *gin.Context) {
	begin := time.Now()
	defer func() { // also when the connection is cut
		took := time.Since(begin)
		route := c.FullPath()
		if route == "" {
			route = "none"
		}
		s.metrics.requests.WithLabelValues(route, c.Request.Method,
			strconv.Itoa(c.Writer.Status())).Observe(took.Seconds())
		level := slog.LevelInfo
		if route == "/healthz" || route == "/readyz" || route == "/metrics" {
			level = slog.LevelDebug
		}
		s.logger.Log(c.Request.Context(), level, "request", "method", c.Request.Method, "route", route, "status",
			c.Writer.Status(),
			"bytes", max(0, c.Writer.Size()), "took", took.Round(10*time.Microsecond), "from", c.Request.RemoteAddr)
	}()
	c.Next()
}

// secure sets the headers of every answer and, with Auth "off", keeps web pages of other sites from using the browser
// of somebody on this machine: a name that resolves to loopback shows in Host, and a page of another site in Origin.
func (s *Server) secure(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	if !sameOrigin(c.Request) {
		answer.NewProblem(http.StatusForbidden, "foreign-origin",
			"nothing is changed for a web page of another origin; this request comes from "+
				strconv.Quote(answer.Shorten(c.GetHeader("Origin")))+" by way of a browser").Send(c)
		return
	}
	if s.config.TLS != nil {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	if s.config.InsecureListen || s.config.Auth == authKeys {
		return
	}
	if !loopbackName(c.Request.Host) {
		answer.NewProblem(http.StatusForbidden, "foreign-host",
			"with --auth off only requests to localhost, 127.0.0.1 or [::1] are served; this one names "+
				strconv.Quote(answer.Shorten(c.Request.Host))).Send(c)
		return
	}
	for _, origin := range c.Request.Header.Values("Origin") {
		if u, err := url.Parse(origin); err != nil || !loopbackName(u.Host) {
			answer.NewProblem(http.StatusForbidden, "foreign-origin",
				"with --auth off no request from a web page of another origin is served; this one comes from "+
					strconv.Quote(answer.Shorten(origin))).Send(c)
			return
		}
	}
}

// sameOrigin tells whether a request that may change something comes from a page of this very host and port, or from no
// page at all. Other programs on this machine serve pages on its loopback too.
func sameOrigin(r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions {
		return true
	}
	for _, origin := range r.Header.Values("Origin") {
		if u, err := url.Parse(origin); err != nil || u.Host == "" || !strings.EqualFold(u.Host, r.Host) {
			return false
		}
	}
	for _, site := range r.Header.Values("Sec-Fetch-Site") {
		if site != "same-origin" && site != "none" {
			return false
		}
	}
	return true
}

// loopbackName tells whether host, with or without a port, is one of the names of this machine's loopback.
func loopbackName(host string) bool {
	name := host
	if h, port, err := net.SplitHostPort(host); err == nil {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return false
		}
		name = h
	} else if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		name = host[1 : len(host)-1]
	} else if strings.Contains(host, ":") {
		return false
	}
	return slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, strings.ToLower(name))
}
