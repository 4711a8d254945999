package query

import (
	"net/http"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"kaskad/query/answer"
	"kaskad/query/openapi"
)

// served lists the whole API, in the order in which GET / names it.
func (s *Server) served() (routes []answer.Route) {
	for _, r := range s.rooms {
		routes = append(routes, r.Routes()...)
	}
	for i := range routes {
		if routes[i].Tagged {
			routes[i].Serve = s.tagged(routes[i].Serve)
		}
	}
	return slices.Concat(routes, s.ownRoutes(), s.page.Routes())
}

// Document is GET /openapi.json of a server with keys and metrics, without any service that it would need.
func Document(version string) ([]byte, error) {
	nowhere := struct{ driver.Conn }{} // nothing is read
	s, err := New(Config{Auth: authKeys, Version: version}, Deps{Conn: nowhere, Gatherer: prometheus.NewRegistry()})
	if err != nil {
		return nil, err
	}
	return openapi.Write(version, s.all)
}

// landing serves GET /: the page to a browser, and to whom has none what there is to ask for.
func (s *Server) landing(c *gin.Context, try []string) error {
	if s.site.wanted(c.Request) {
		return s.site.show(c)
	}
	c.Header("Vary", "Accept")
	if err := answer.NoParams(c); err != nil {
		return err
	}
	c.PureJSON(http.StatusOK, landingAnswer{"kaskad", s.config.Version, try})
	return nil
}

// landingAnswer is what GET / answers.
type landingAnswer struct {
	Name    string   `json:"name"`
	Version string   `json:"version,omitempty"`
	Try     []string `json:"try"`
}
