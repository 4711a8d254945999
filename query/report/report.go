package report

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"text/template"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/query/answer"
	"kaskad/query/rollup"
	"kaskad/query/store"
	"kaskad/schema"
)

// Report is a report of the API as a value. Its route, its entry on the landing page, its parameters, the columns of
// its CSV, its part of GET /v1/definitions, what readiness asks for, and the tests of errors and of its statement
// follow from it. A file of this package that adds one (see add) is all that the program must know.
type Report struct {
	// Name is the last part of its route: GET /v1/reports/{name}.
	Name string
	// For says who may ask for it.
	For answer.Access
	// Keys are the names of group_by, and of filters.
	Keys rollup.Keys
	// Extra are filters that are no keys; rows are always apart by them.
	Extra rollup.Keys
	// DefaultKeys is the group_by of a request without one.
	DefaultKeys string
	// Always names a key that rows are always apart by: the last one where group_by does not name it.
	Always string
	// Figures are the fields of a row behind its keys, in their order.
	Figures []rollup.Figure
	// Section is where GET /v1/definitions has the figures.
	Section rollup.Section
	// Try are queries that the landing page names besides the report without any.
	Try []string
	// Summary says in a few words what the report is, and Text in Markdown what its readers have to know besides.
	Summary, Text string
	// Around are the members of its envelope that not every report has.
	Around []answer.Column

	// Statement reads what the report is made of, Instead are what may be read in its place, and Tables are the tables
	// that they name.
	Statement *template.Template
	Instead   []*template.Template
	Tables    []string
	// Rollup is the table of cells that the statement reads, if it does.
	Rollup rollup.Rollup
	// Knows keeps the keys and filters that the statement knows; nil for those that have SQL.
	Knows func(rollup.Key) bool
	// RowFilters are filters that choose rows, not what they are of: the statement does not know them.
	RowFilters []string
	// Sorts are fields that rows may be sorted by. Searched says that rows may be searched.
	Sorts    []rollup.Ranked
	Searched bool
	// Long says that a page's time is not enough for the statement.
	Long bool

	// A report has one of these. Materialize computes all rows, in any order: they are kept until their cursors are too
	// old, because the tables that they are made of hold no past. Page reads a page by itself, from editions that stay
	// as they are. Both note in the snapshot whether all of the answer is mature.
	Materialize func(ctx context.Context, r *Reading) ([]Row, error)
	Page        func(ctx context.Context, r *Reading, page *Page) error
}

// Path is that of the report's route.
func (r *Report) Path() string { return "/v1/reports/" + r.Name }

func (r *Report) knows(k rollup.Key) bool {
	if r.Knows != nil {
		return r.Knows(k)
	}
	return k.InSQL()
}

// SQL returns the report's statement for a request, and its parameters. cells are those that it reads, if it does.
func (r *Report) SQL(request *rollup.Request, cells *rollup.Cells, routes *store.Routes, parameters ...any) (string,
	[]any, error) {
	return r.fill(r.Statement, request, cells, routes, parameters...)
}

// fill fills in a statement of the report.
func (r *Report) fill(t *template.Template, request *rollup.Request, cells *rollup.Cells, routes *store.Routes,
	parameters ...any) (string, []any, error) {
	known := *request
	known.Filters = r.filters(request)
	return known.Statement(t, routes.Lines, r.knows, cells, parameters...)
}

// filters are those that choose what is looked at.
func (r *Report) filters(request *rollup.Request) []rollup.Filter {
	return slices.DeleteFunc(slices.Clone(request.Filters),
		func(f rollup.Filter) bool { return slices.Contains(r.RowFilters, f.Key.Name) })
}

// cells are those that the report reads for a request, nil where it reads none.
func (r *Report) cells(request *rollup.Request, seen *answer.Snapshot, routes *store.Routes,
	borders []uint32) *rollup.Cells {
	if r.Rollup.Table == "" {
		return nil
	}
	return &rollup.Cells{Rollup: r.Rollup, Accounts: request.Accounts(), FromMS: request.FromMS, ToMS: request.ToMS,
		Keys: request.Keys, Filters: r.filters(request), Zone: request.Zone.String(), Seen: seen, Borders: borders,
		SettlingDays: routes.SettlingDays, OptOuts: true}
}

// reports are all that files of this package add while the program is loaded. It does not change afterwards.
var reports []*Report

// add makes a report known.
func add(r *Report) *Report {
	reports = append(reports, r)
	return r
}

// All lists the reports by name.
func All() []*Report {
	return slices.SortedFunc(slices.Values(reports), func(a, b *Report) int { return strings.Compare(a.Name, b.Name) })
}

// Tables lists the tables that reports read, each once.
func Tables() (tables []string) {
	for _, r := range reports {
		tables = append(tables, r.Tables...)
	}
	slices.Sort(tables)
	return slices.Compact(tables)
}

// Routes lists what the room serves.
func (s *Room) Routes() (routes []answer.Route) {
	for _, r := range All() {
		try := []string{r.Path()}
		for _, query := range r.Try {
			try = append(try, r.Path()+"?"+query)
		}
		routes = append(routes, answer.Route{Method: http.MethodGet, Path: r.Path(), Turn: answer.Reading, Try: try,
			For: r.For, Serve: s.serve(r), Tagged: r.Rollup.Table != ""}.
			Says(answer.TagReports, r.Summary, r.Text, r.Params(), r.Answer()))
	}
	return append(routes, s.compareRoute(), s.overlapRoute())
}

// borders is the parameter of statements whose rows are apart by the Unix seconds at which a price may change.
func borders(seconds []uint32) any {
	return clickhouse.Named("borders", append([]uint32{0}, seconds...))
}

// phoneChannels is the parameter of statements that ask whether a channel tells of phone numbers.
func phoneChannels() any {
	return clickhouse.Named("phone_channels", schema.Channels.TellingOf(schema.KindPhone))
}
