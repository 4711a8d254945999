package answer

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// Route is an entry of the API, as the room that serves it describes it. The server mounts it: GET answers HEAD too,
// and an error that Serve returns becomes a Problem.
type Route struct {
	Method string
	// Path is as gin writes it.
	Path  string
	Serve func(*gin.Context) error
	// For says who may use it: nobody where it is left out.
	For Access
	// Whole: it shows recipients or contacts as they are to who may see them, and such reads are audited.
	Whole bool
	// Turn is what the server waits for before Serve is called. A route that reads a body takes its turn by itself,
	// when the body is there.
	Turn Turn
	// Try are addresses that GET / names, so that a person who opens it in a browser finds the way.
	Try []string
	// Tagged: its answers follow from a published edition, reference data and the quarter hour alone, so they have an
	// ETag, and who shows it is told 304 for as long as they are the same.
	Tagged bool

	// The rest is what GET /openapi.json tells of the route. Params are also what ReadParams knows, and the fields of
	// Body what ReadFields does.
	Tag     Tag
	Summary string
	// Hidden: the document leaves the route out, for it only says where another one is.
	Hidden bool
	// Text is more about it, in Markdown.
	Text    string
	Params  []Param
	Body    *Body
	Answers []Answer
	Errors  Errors
	// Besides are the members that problems of a status have besides those of every problem, or in place of them.
	Besides map[int]*Schema
}

// Turn names the turns that a route takes.
type Turn int

// The turns of a route.
const (
	// NoTurn: Serve takes its turns by itself, or needs none.
	NoTurn Turn = iota
	// Reading takes one of Gate.Queries.
	Reading
	// Listing takes one of Gate.Exports with limit=all, else one of Gate.Queries.
	Listing
	// Looking takes one of Gate.Looks.
	Looking
	// Overriding takes one of Gate.Overrides.
	Overriding
)

// Get is a route that reads in a turn of Gate.Queries.
func Get(who Access, path string, serve func(*gin.Context) error, try ...string) Route {
	return Route{Method: http.MethodGet, Path: path, Serve: serve, Turn: Reading, Try: try, For: who}
}

// Says returns the route with what the document tells of it.
func (r Route) Says(tag Tag, summary, text string, params []Param, answers ...Answer) Route {
	r.Tag, r.Summary, r.Text, r.Params, r.Answers = tag, summary, text, params, answers
	return r
}
