package query

import (
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"kaskad/query/answer"
	"kaskad/query/report"
	"kaskad/query/rollup"
)

// ownRoutes are those about events, erasures and the service itself.
func (s *Server) ownRoutes() []answer.Route {
	routes := []answer.Route{
		answer.Route{Method: http.MethodDelete, Path: "/v1/numbers/:number", Serve: s.eraseNumber,
			For: answer.ForAdmins,
			Errors: answer.Errors{http.StatusServiceUnavailable: "another number is being erased, " +
				"the erasure goes on, or there is no erasure key"}}.
			Says(answer.TagAccess, "Erase a phone number", "Everything about it is overwritten or deleted when this "+
				"answers. It may take long.", []answer.Param{answer.NumberParam(),
				answer.AccountParam("Needed where not exactly one account knows the number.")},
				answer.Answer{Text: "The number is erased.", Of: answer.Typed[erasureAnswer]()}),
		answer.Get(answer.ForAdmins, "/v1/erasures", s.erasures, "/v1/erasures").
			Says(answer.TagAccess, "Which numbers were erased, by their hashes", "",
				append([]answer.Param{answer.AccountParam("Erasures of this account.")}, answer.ListParams(false)...),
				answer.Answer{Text: "A page of erasures.", Columns: erasureColumns}),
		// The service is asked how it is when it is busy.
		answer.Route{Method: http.MethodGet, Path: "/v1/status", Serve: s.status, Turn: answer.Looking,
			For: answer.ForAdminsOfAll, Try: []string{"/v1/status"}}.
			Says(answer.TagService, "How far the figures are, and whether anything is lost", "", nil,
				answer.Answer{Text: "The state of the service.", Of: answer.Typed[statusAnswer]()}),
		answer.Get(answer.ForMessages, "/v1/definitions", s.definitions, "/v1/definitions").
			Says(answer.TagService, "What every figure means, and what each route can report", "", nil,
				answer.Answer{Text: "The definitions.", Of: definitionsSchema()}),
		s.eventsRoute(),
		answer.Route{Method: http.MethodGet, Path: "/healthz", Serve: s.healthy, For: answer.Open}.
			Says(answer.TagService, "Whether the process answers", "", nil,
				answer.Answer{Text: "It does.",
					Of: answer.ObjectOf(answer.Column{Name: "status", Of: answer.OneOf("ok")})}),
		answer.Route{Method: http.MethodGet, Path: "/readyz", Serve: s.ready, For: answer.Open,
			Try:    []string{"/readyz", "/metrics"},
			Errors: answer.Errors{http.StatusServiceUnavailable: "something is missing; `detail` says what"}}.
			Says(answer.TagService, "Whether reports and events would be served now", "", nil,
				answer.Answer{Text: "They would.",
					Of: answer.ObjectOf(answer.Column{Name: "status", Of: answer.OneOf("ready")})}),
	}
	if s.deps.Gatherer != nil {
		h := promhttp.HandlerFor(s.deps.Gatherer, promhttp.HandlerOpts{})
		routes = append(routes, answer.Route{Method: http.MethodGet, Path: "/metrics",
			For: answer.ForAdminsOfAll, Serve: func(c *gin.Context) error {
				if err := answer.NoParams(c); err != nil {
					return err
				}
				h.ServeHTTP(c.Writer, c.Request)
				return nil
			}}.Says(answer.TagService, "Metrics for Prometheus", "", nil,
			answer.Answer{Text: "The metrics.", Media: []string{"text/plain"}}))
	}
	return routes
}

// erasureColumns are the columns of erasures.
var erasureColumns = []answer.Column{{Name: "account"}, {Name: "hash"}, {Name: "at", Type: answer.TimeColumn},
	{Name: "done_at", Type: answer.TimeColumn, Null: "while it goes on"}, {Name: "by"}}

// eventsRoute takes events.
func (s *Server) eventsRoute() answer.Route {
	route := answer.Route{Method: http.MethodPost, Path: "/v1/events", Serve: s.events, For: answer.ForIngest,
		Errors: answer.Errors{http.StatusUnprocessableEntity: "none of the events is right; `rejected` says why"}}.
		Says(answer.TagService, "Send events",
			"One event, an array of them, one per line, or an Arrow stream. Twice the same event changes "+
				"nothing, so a request that got no answer is sent again. What an event may hold says docs/events.md.",
			nil, answer.Answer{Status: http.StatusAccepted, Of: answer.Typed[eventsAnswer](),
				Text: "What was accepted is safe; `rejected` says which lines were not, and why."})
	route.Besides = map[int]*answer.Schema{http.StatusUnprocessableEntity: answer.Typed[eventsAnswer]()}
	event := eventSchema()
	route.Body = &answer.Body{Of: &answer.Schema{AnyOf: []*answer.Schema{event, answer.ListOf(event.CloneSchemas())}},
		Media: []string{"application/x-ndjson", "application/vnd.apache.arrow.stream"},
		Example: `{"account":"shop","message_id":"m-2","status":"delivered","occurred_at":"2026-11-10T10:00:05Z",` +
			`"submitted_at":"2026-11-10T10:00:00Z","channel":"sms","provider":"smsc","recipient":"+79161234567"}`}
	return route
}

// definitionsSchema is what GET /v1/definitions answers: its sections hold the figures of reports beside their own
// members.
func definitionsSchema() *answer.Schema {
	s := answer.Typed[definitionsAnswer]()
	figures := answer.ListOf(answer.Typed[figure]())
	for _, r := range append(report.All(), report.Compare) {
		section := map[rollup.Section]string{rollup.Money: "money", rollup.Numbers: "numbers",
			rollup.Curves: "curves"}[r.Section]
		if section != "" {
			s.Properties[section].Properties[figuresName(r)] = figures.CloneSchemas()
		}
	}
	return s
}
