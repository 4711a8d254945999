package query

import (
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"kaskad/query/answer"
)

// served lists the whole API, in the order in which GET / names it.
func (s *Server) served() (routes []answer.Route) {
	for _, r := range s.rooms {
		routes = append(routes, r.Routes()...)
	}
	tagged := taggedRoutes()
	for i := range routes {
		if tagged[routes[i].Path] {
			routes[i].Serve = s.tagged(routes[i].Serve)
		}
	}
	return append(routes, s.ownRoutes()...)
}

// ownRoutes are those about events, erasures and the service itself.
func (s *Server) ownRoutes() []answer.Route {
	routes := []answer.Route{
		{Method: http.MethodDelete, Path: "/v1/numbers/:number", Serve: s.eraseNumber,
			For: answer.ForAdmins},
		answer.Get(answer.ForAdmins, "/v1/erasures", s.erasures, "/v1/erasures"),
		// The service is asked how it is when it is busy.
		{Method: http.MethodGet, Path: "/v1/status", Serve: s.status, Turn: answer.Looking,
			For: answer.ForAdminsOfAll, Try: []string{"/v1/status"}},
		answer.Get(answer.ForMessages, "/v1/definitions", s.definitions, "/v1/definitions"),
		{Method: http.MethodPost, Path: "/v1/events", Serve: s.events, For: answer.ForIngest},
		{Method: http.MethodGet, Path: "/healthz", Serve: s.healthy, For: answer.Open},
		{Method: http.MethodGet, Path: "/readyz", Serve: s.ready, For: answer.Open,
			Try: []string{"/readyz", "/metrics"}},
	}
	if s.deps.Gatherer != nil {
		h := promhttp.HandlerFor(s.deps.Gatherer, promhttp.HandlerOpts{})
		routes = append(routes, answer.Route{Method: http.MethodGet, Path: "/metrics",
			For: answer.ForAdminsOfAll, Serve: func(c *gin.Context) error {
				h.ServeHTTP(c.Writer, c.Request)
				return nil
			}})
	}
	return routes
}

// landing serves GET /: the page to a browser, and to whom has none what there is to ask for.
func (s *Server) landing(c *gin.Context, try []string) error {
	if s.page.wanted(c.Request) {
		return s.page.show(c)
	}
	c.Header("Vary", "Accept")
	if err := answer.NoParams(c); err != nil {
		return err
	}
	c.PureJSON(http.StatusOK, struct {
		Name    string   `json:"name"`
		Version string   `json:"version,omitempty"`
		Try     []string `json:"try"`
	}{"kaskad", s.config.Version, try})
	return nil
}
