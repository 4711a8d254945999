package answer

import (
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"
)

// In says where a parameter is.
type In string

// The places of a parameter.
const (
	InQuery  In = ""
	InPath   In = "path"
	InHeader In = "header"
)

// Param is a parameter of a route, or a field of a flat body. A route knows those that it declares and no other, so
// what the document says of them and what ReadParams takes are one list.
type Param struct {
	Name string
	In   In
	// Text says what it does.
	Text string
	// Schema says what it may be; nil is any text.
	Schema *Schema
	// Many: it may be given several times. Comma: it is a list with commas.
	Many, Comma bool
	Required    bool
	// Example is a value that means something in the world of the document's examples (see package openapi), nil where
	// there is none.
	Example any
}

// Body is what a request carries.
type Body struct {
	Text string
	// Fields are those of one flat JSON object, which ReadFields knows; Of says what any other JSON is.
	Fields []Param
	Of     *Schema
	// Media are other content types that are taken.
	Media []string
	// Example is JSON that is taken.
	Example string
}

// Answer is what a route answers with when all is well.
type Answer struct {
	// Status is 200 where it is 0.
	Status int
	Text   string
	// Columns are those of rows. Around are the members that stand around the rows in JSON, and in headers elsewhere.
	Columns, Around []Column
	// Of says what an answer in JSON is that has no rows.
	Of *Schema
	// Media are content types besides JSON, and besides those of parameter format where there are rows.
	Media []string
	// Headers are what it is sent with besides.
	Headers []Param
}

// Errors says when a route answers with which status, beyond what follows from the rest of its description.
type Errors map[int]string

// Tag parts the document into chapters.
type Tag string

// The chapters of the document.
const (
	TagReports   Tag = "Reports"
	TagForecasts Tag = "Forecasts"
	TagMessages  Tag = "Messages"
	TagNumbers   Tag = "Numbers and people"
	TagLists     Tag = "Reference data"
	TagAccess    Tag = "Keys and access"
	TagService   Tag = "Service"
)

const routeKey = "kaskad route"

// Enter notes which route a request is of. The server calls it before anything else.
func (r *Route) Enter(c *gin.Context) { c.Set(routeKey, r) }

// RouteOf returns the route of a request; one that no server has mounted declares nothing.
func RouteOf(c *gin.Context) *Route {
	if r, known := c.Value(routeKey).(*Route); known {
		return r
	}
	return &Route{}
}

// Names lists the parameters of a place.
func (r *Route) Names(in In) (names []string) {
	for _, p := range r.Params {
		if p.In == in {
			names = append(names, p.Name)
		}
	}
	return names
}

// Takes tells whether the route has a parameter in the query.
func (r *Route) Takes(name string) bool { return slices.Contains(r.Names(InQuery), name) }

// AccountParam is an account that may be named once; text says what it is for.
func AccountParam(text string) Param {
	return Param{Name: "account", Text: text + " A key of one account need not name it, and may name no other.",
		Schema: &Schema{Type: "string", MinLength: new(1)}, Example: "shop"}
}

// AccountsParam chooses rows of some accounts.
func AccountsParam() Param {
	p := AccountParam("Rows of these accounts alone.")
	p.Many = true
	return p
}

// PathParam is a part of the path.
func PathParam(name, text string, example any) Param {
	return Param{Name: name, In: InPath, Text: text, Schema: AnyText(), Required: true, Example: example}
}

// NumberParam is the recipient of a path.
func NumberParam() Param {
	p := PathParam("number", "A phone number with its plus sign (percent-encoded %2B), or email:user@example.com.",
		"+79161234567")
	p.Schema = Matching(`^(\+[1-9][0-9]{6,14}|email:.+)$`)
	return p
}

// OfOne says that a parameter keeps rows that have one of its values.
func OfOne(name, text string, s *Schema, example any) Param {
	return Param{Name: name, Text: text, Schema: s, Many: true, Example: example}
}

// ZoneParam is parameter tz.
func ZoneParam() Param {
	return Param{Name: "tz", Text: "An IANA time zone. Dates and days are cut in it.",
		Schema: &Schema{Type: "string", Default: []byte(`"UTC"`)}, Example: "Europe/Moscow"}
}

// PeriodParams are from, to and tz; without says what they are when they are left out.
func PeriodParams(without string) []Param {
	bound := Matching(`^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9:.]+([Zz]|[+ -][0-9]{2}:[0-9]{2}))?$`)
	text := " of the period by cohort: a date, which begins at midnight in tz, or an RFC 3339 time, on a quarter hour. "
	return []Param{{Name: "from", Text: "The beginning" + text + without, Schema: bound, Example: "2026-11-01"},
		{Name: "to", Text: "The end" + text + without, Schema: bound, Example: "2026-11-20"}, ZoneParam()}
}

// LastDays says what the period of most routes is when nobody names one.
const LastDays = "Without it the last 400 days up to now."

// LimitParam is the size of a page; with all the whole list may be had in one answer.
func LimitParam(all bool) Param {
	p := Param{Name: "limit", Text: "How many rows a page has.", Schema: Whole(1, maxPage), Example: 100}
	p.Schema.Default = []byte("1000")
	if all {
		p.Text += " all sends the whole list as one answer, which goes with every format but json."
		p.Schema = &Schema{AnyOf: []*Schema{Whole(1, maxPage), OneOf("all")}, Default: []byte("1000")}
	}
	return p
}

// FormatParams are format and bom.
func FormatParams() []Param {
	return []Param{{Name: "format", Text: "The form of the answer; without it the header Accept decides.",
		Schema: OneOf(formatNames...), Example: "csv"},
		{Name: "bom", Text: "1 begins a CSV with a byte order mark, by which Excel knows that it is UTF-8. " +
			"It goes with format=csv alone.", Schema: OneOf("1")}}
}

// ListParams are those of a list: limit, cursor, format and bom.
func ListParams(all bool) []Param {
	return append([]Param{LimitParam(all), {Name: "cursor", Text: "next_cursor of the page before. It goes with the " +
		"query that it came from.", Schema: AnyText()}}, FormatParams()...)
}

// Fresh are the members of an answer that say how fresh it is.
func Fresh() []Column {
	return []Column{{Name: "as_of", Type: TimeColumn, Text: "Everything that was acknowledged before is in the answer",
		Null: "before the aggregator has spoken for the first time"},
		{Name: "lag_seconds", Type: DecimalColumn, Text: "now - as_of", Null: "when as_of is"}}
}

// Period are the members of an answer that say what it is of.
func Period(report string) []Column {
	return []Column{{Name: "report", Of: OneOf(report)}, {Name: "from", Of: Formed("date-time")},
		{Name: "to", Of: Formed("date-time")}, {Name: "tz"}}
}

// MatureColumn is the member of an answer that says whether its figures still move.
func MatureColumn() Column {
	return Column{Name: "mature", Type: BoolColumn, Text: "Whether all of the answer's figures have settled"}
}

// TariffVersion is the member of an answer that says which prices it was made with.
func TariffVersion() Column {
	return Column{Name: "tariff_version", Type: CountColumn,
		Text: "The greatest version among the tariffs of its accounts, 0 without any"}
}

// TemplateVersion is the member that says which templates told the segments of messages.
func TemplateVersion() Column {
	return Column{Name: "template_version", Type: CountColumn,
		Text: "The greatest version among the templates of its accounts, 0 without any"}
}

// StatusOf is the status of an answer.
func (a *Answer) StatusOf() int {
	if a.Status == 0 {
		return http.StatusOK
	}
	return a.Status
}
