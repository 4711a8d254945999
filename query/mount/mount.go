// Package mount puts what rooms serve on a router: each route behind its turn, its errors answered and logged.
//
// Its guarantee: an error of a handler is answered, and logged when it is our fault, in one place.
package mount

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
	"kaskad/query/store"
)

// Mount knows what routes take turns of, and where to log.
type Mount struct {
	DB     *store.DB
	Gate   *answer.Gate
	Logger *slog.Logger
	// Guard makes what stands before a route and judges who asks; nil lets everybody in.
	Guard func(route answer.Route, fail func(*gin.Context, error)) gin.HandlerFunc
}

// Routes adds routes to a router, each behind the turn that it takes. GET answers HEAD too.
func (m *Mount) Routes(r gin.IRoutes, routes []answer.Route) {
	reading, exporting := m.Take(&m.Gate.Queries), m.Take(&m.Gate.Exports)
	turns := map[answer.Turn]gin.HandlerFunc{
		answer.Reading:    reading,
		answer.Looking:    m.Take(&m.Gate.Looks),
		answer.Overriding: m.Take(&m.Gate.Overrides),
		answer.Listing: func(c *gin.Context) {
			if c.Query("limit") == "all" {
				exporting(c)
				return
			}
			reading(c)
		},
	}
	for i := range routes {
		route := routes[i]
		methods := []string{route.Method}
		if route.Method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
		handlers := gin.HandlersChain{m.Handle(route.Serve)}
		if route.Turn == answer.Looking || route.Method == http.MethodPut || route.Method == http.MethodDelete {
			// Who was told how far the figures are, or that a list is stored, sees that in every report.
			handlers = slices.Insert(handlers, 0, func(c *gin.Context) {
				defer m.DB.Forget()
				c.Next()
			})
		}
		if turn, taken := turns[route.Turn]; taken {
			handlers = slices.Insert(handlers, 0, turn)
		}
		if m.Guard != nil {
			handlers = slices.Insert(handlers, 0, m.Guard(route, m.fail))
		}
		r.Match(methods, route.Path, slices.Insert(handlers, 0, gin.HandlerFunc(route.Enter))...)
	}
}

// Handle turns a handler that returns an error into one that answers it, and logs what is our fault. It is the only
// place that does.
func (m *Mount) Handle(h func(*gin.Context) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := h(c); err != nil {
			m.fail(c, err)
		}
	}
}

// fail answers with an error, and logs what is our fault.
func (m *Mount) fail(c *gin.Context, err error) {
	if silent := store.Silent(c.Request.Context()); silent != nil {
		err = silent.Because(err)
	} else if c.Request.Context().Err() != nil && !slow(err) {
		// Nobody is waiting any more. The status is for the log and the metrics alone (nginx's "client closed
		// request").
		c.Abort()
		c.Status(499)
		answer.CutOff(c)
		return
	}
	p := answer.AsProblem(err)
	if p.Status >= http.StatusInternalServerError {
		level := slog.LevelError
		if p.Status == http.StatusServiceUnavailable {
			level = slog.LevelInfo // what is away says so itself; a program that starts is not ready yet
		}
		m.Logger.Log(c.Request.Context(), level, "request failed", "method", c.Request.Method, "route",
			c.FullPath(), "status", p.Status, "error", err)
	}
	answer.CutOff(c)
	p.Send(c)
}

// slow tells of a body that came too slowly: net/http takes that for a caller who left, and he is still there to be
// told.
func slow(err error) bool {
	var p *answer.Problem
	return errors.As(err, &p) && p.Status == http.StatusRequestTimeout
}

// Take waits for a turn, so that many requests at a time are slow one after another rather than all at once. It is for
// routes that read no body: those take their turn when the body is there.
func (m *Mount) Take(turns *answer.Turns) gin.HandlerFunc {
	return func(c *gin.Context) {
		end, err := m.DB.Reads(c, turns)
		var p *answer.Problem
		switch {
		case err == nil:
			defer end()
			c.Next()
		case errors.As(err, &p):
			p.Send(c)
		default:
			c.AbortWithStatus(499)
		}
	}
}
