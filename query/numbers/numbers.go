// Package numbers is the room of the API about numbers, e-mail addresses and the people behind them: the list of the
// dead, one number with its evidence, a check before a mailing, the feed of changes, verdicts that somebody sets by
// hand, audiences, and the best channel of each person (docs/definitions.md section 5).
//
// Its guarantees: the pages of a list are together what one moment knew, whatever verdicts change meanwhile; whoever
// follows the feed gets each change once and in order, also from another process; an override that was answered is
// stored.
package numbers

import (
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
	"kaskad/query/prices"
	"kaskad/query/store"
)

// Numbers serves the routes about numbers. It is safe for concurrent use.
type Numbers struct {
	db     *store.DB
	gate   *answer.Gate
	prices *prices.Cache
	// verdictWait is how long a request waits for the verdict that it asked for.
	verdictWait time.Duration
	feed        feedHead
	counts      deadCounts
	// overriding lets one override be stored at a time.
	overriding sync.Mutex
}

// New makes the room.
func New(db *store.DB, gate *answer.Gate, lists *prices.Cache) *Numbers {
	return &Numbers{db: db, gate: gate, prices: lists, verdictWait: verdictWait}
}

// Routes lists what the room serves.
func (n *Numbers) Routes() []answer.Route {
	routes := []answer.Route{
		{Method: http.MethodGet, Path: "/v1/numbers/dead", Serve: n.dead, Turn: answer.Listing,
			Try: []string{"/v1/numbers/dead"}},
		{Method: http.MethodGet, Path: "/v1/numbers/:number", Serve: n.one, Turn: answer.Reading,
			Try: []string{"/v1/numbers/{number}"}},
		// It may wait for long, and takes its turns by itself.
		{Method: http.MethodGet, Path: "/v1/numbers/changes", Serve: n.changes,
			Try: []string{"/v1/numbers/changes"}},
		{Method: http.MethodGet, Path: "/v1/numbers/best-channel", Serve: n.bestChannel, Turn: answer.Listing,
			Try: []string{"/v1/numbers/best-channel"}},
		{Method: http.MethodPost, Path: "/v1/numbers/check", Serve: n.check},
		{Method: http.MethodGet, Path: "/v1/numbers/check", Serve: func(c *gin.Context) error {
			c.Header("Allow", http.MethodPost)
			return answer.NewProblem(http.StatusMethodNotAllowed, "method-not-allowed",
				`send the numbers: POST {"numbers":["+79161234567", …]}`)
		}},
		{Method: http.MethodPut, Path: "/v1/numbers/:number/override", Serve: n.putOverride},
		{Method: http.MethodDelete, Path: "/v1/numbers/:number/override", Serve: n.deleteOverride,
			Turn: answer.Overriding},
	}
	for _, state := range audienceStates {
		route := answer.Route{Method: http.MethodGet, Path: "/v1/audience/" + state, Turn: answer.Listing,
			Serve: func(c *gin.Context) error { return n.audience(c, state) }}
		if state == "uninstalled" {
			route.Try = []string{route.Path + "?app={app}"}
		}
		routes = append(routes, route)
	}
	for i := range routes {
		routes[i].For, routes[i].Whole = answer.ForCRM, true
	}
	return routes
}
