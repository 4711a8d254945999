// Package openapi writes what routes say of themselves as a document of OpenAPI 3.1, and shows it to people.
//
// Its guarantee: the document says of a route what the route declares and what follows from how it is served, and
// nothing stands in it that is written beside the routes.
package openapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode"

	"kaskad/query/answer"
)

// document and the types below are the parts of OpenAPI 3.1 that are needed. Maps are printed by name, so the document
// of the same routes is the same text.
type document struct {
	OpenAPI    string                `json:"openapi"`
	Info       info                  `json:"info"`
	Servers    []server              `json:"servers"`
	Tags       []tag                 `json:"tags"`
	Security   []map[string][]string `json:"security"`
	Paths      map[string]pathItem   `json:"paths"`
	Components components            `json:"components"`

	operations []*operation // in the order of the routes
}

type info struct {
	Title       string            `json:"title"`
	Version     string            `json:"version"`
	Description string            `json:"description"`
	License     map[string]string `json:"license"`
}

type server struct {
	URL         string `json:"url"`
	Description string `json:"description"`
}

type tag struct {
	Name string `json:"name"`
}

// pathItem has the operations of a path by method in small letters.
type pathItem map[string]*operation

type operation struct {
	OperationID string                `json:"operationId"`
	Tags        []string              `json:"tags"`
	Summary     string                `json:"summary"`
	Description string                `json:"description,omitempty"`
	Parameters  []parameter           `json:"parameters,omitempty"`
	RequestBody *requestBody          `json:"requestBody,omitempty"`
	Responses   map[string]response   `json:"responses"`
	Security    []map[string][]string `json:"security"`
}

type parameter struct {
	Ref         string         `json:"$ref,omitempty"`
	Name        string         `json:"name,omitempty"`
	In          string         `json:"in,omitempty"`
	Description string         `json:"description,omitempty"`
	Required    bool           `json:"required,omitempty"`
	Style       string         `json:"style,omitempty"`
	Explode     *bool          `json:"explode,omitempty"`
	Schema      *answer.Schema `json:"schema,omitempty"`
	Example     any            `json:"example,omitempty"`
}

type requestBody struct {
	Description string           `json:"description,omitempty"`
	Required    bool             `json:"required"`
	Content     map[string]media `json:"content"`
}

type media struct {
	Schema  *answer.Schema  `json:"schema,omitempty"`
	Example json.RawMessage `json:"example,omitempty"`
}

type response struct {
	Ref         string            `json:"$ref,omitempty"`
	Description string            `json:"description,omitempty"`
	Headers     map[string]header `json:"headers,omitempty"`
	Content     map[string]media  `json:"content,omitempty"`
}

type header struct {
	Description string         `json:"description,omitempty"`
	Schema      *answer.Schema `json:"schema"`
}

type components struct {
	Schemas         map[string]*answer.Schema `json:"schemas"`
	Parameters      map[string]parameter      `json:"parameters"`
	Responses       map[string]response       `json:"responses"`
	SecuritySchemes map[string]any            `json:"securitySchemes"`
}

const about = "Delivery status and cost of business messages: what became of each, what it cost, what it saved.\n\n" +
	"A key goes into the header `Authorization: Bearer KEY`; browsers begin a session with it and send " +
	"`X-CSRF-Token` with every request that is no GET. Where the server runs with `--auth off` none is needed.\n\n" +
	"Money is an exact decimal in a text, other figures are numbers, and what is not known is null. Times are " +
	"RFC 3339. Lists come in pages: `next_cursor` of one is `cursor` of the next, and null at the end.\n\n" +
	"Errors are problems of RFC 9457: `type` is for programs, `detail` says what is wrong and how to mend it, and " +
	"`errors` names each parameter."

// Write writes the document of routes.
func Write(version string, routes []answer.Route) ([]byte, error) {
	if version == "" {
		version = "unknown"
	}
	d := document{OpenAPI: "3.1.0", Info: info{Title: "Kaskad", Version: version, Description: about,
		License: map[string]string{"name": "Apache 2.0", "identifier": "Apache-2.0"}},
		Servers:  []server{{"/", "The server that serves this document"}},
		Security: []map[string][]string{},
		Paths:    map[string]pathItem{},
		Components: components{Schemas: map[string]*answer.Schema{}, Parameters: map[string]parameter{},
			Responses: map[string]response{}, SecuritySchemes: map[string]any{
				bearer: map[string]string{"type": "http", "scheme": "bearer",
					"description": "A key, as `kaskad keys create` prints it."},
				session: map[string]string{"type": "apiKey", "in": "cookie", "name": "__Host-kaskad",
					"description": "The session of a browser, begun by POST /v1/session; on loopback without TLS the " +
						"cookie is named `kaskad`. It needs the header X-CSRF-Token but for GET."},
				token: map[string]string{"type": "apiKey", "in": "header", "name": "X-CSRF-Token",
					"description": "csrf_token of the session."},
			}}}
	for _, name := range []answer.Tag{answer.TagReports, answer.TagForecasts, answer.TagMessages, answer.TagNumbers,
		answer.TagLists,
		answer.TagAccess, answer.TagService} {
		d.Tags = append(d.Tags, tag{string(name)})
	}
	d.Components.Schemas["Problem"] = problem()
	for i := range routes {
		if routes[i].Hidden {
			continue
		}
		path := Path(routes[i].Path)
		if d.Paths[path] == nil {
			d.Paths[path] = pathItem{}
		}
		o := d.operation(&routes[i])
		d.operations = append(d.operations, o)
		d.Paths[path][strings.ToLower(routes[i].Method)] = o
	}
	if err := d.share(); err != nil {
		return nil, err
	}
	text, err := json.Marshal(&d)
	if err != nil {
		return nil, fmt.Errorf("write the OpenAPI document: %w", err)
	}
	return text, nil
}

// Path is a path of gin as OpenAPI writes it.
func Path(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if name, variable := strings.CutPrefix(part, ":"); variable {
			parts[i] = "{" + name + "}"
		}
	}
	return strings.Join(parts, "/")
}

// operationID follows from method and path: GET /v1/numbers/{number}/messages is getNumbersByNumberMessages.
func operationID(r *answer.Route) string {
	id := strings.ToLower(r.Method)
	for _, part := range strings.Split(strings.TrimPrefix(r.Path, "/v1"), "/") {
		if name, variable := strings.CutPrefix(part, ":"); variable {
			part = "by-" + name
		}
		for _, word := range strings.FieldsFunc(part, func(c rune) bool { return !unicode.IsLetter(c) }) {
			id += strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return id
}

func (d *document) operation(r *answer.Route) *operation {
	o := &operation{OperationID: operationID(r), Tags: []string{string(r.Tag)}, Summary: r.Summary,
		Description: description(r), Security: security(r), Responses: map[string]response{}}
	for _, p := range r.Params {
		o.Parameters = append(o.Parameters, parameterOf(p))
	}
	if r.Tagged {
		o.Parameters = append(o.Parameters, parameter{Name: "If-None-Match", In: "header",
			Description: "The ETag of an answer that is there; 304 says that it still holds.",
			Schema:      answer.AnyText()})
	}
	if r.Body != nil {
		o.RequestBody = bodyOf(r.Body)
	}
	for i := range r.Answers {
		a := &r.Answers[i]
		o.Responses[strconv.Itoa(a.StatusOf())] = d.responseOf(o.OperationID, r, a)
	}
	for status, text := range failures(r) {
		o.Responses[strconv.Itoa(status)] = problemResponse(r, status, text)
	}
	if r.Tagged {
		o.Responses[strconv.Itoa(http.StatusNotModified)] = response{
			Description: "The answer of that ETag still holds.",
			Headers:     map[string]header{"ETag": {Schema: answer.AnyText()}}}
	}
	return o
}

// description adds to what a route says who may use it.
func description(r *answer.Route) string {
	var who string
	switch scopes := r.For.Scopes().List(); r.For {
	case answer.Open:
		who = "Needs no key."
	case answer.Signed:
		who = "Needs a key of any scope."
	case answer.ForAdminsOfAll:
		who = "Needs an admin key of all accounts."
	default:
		who = "Needs a key with one of the scopes " + strings.Join(scopes, ", ") + "."
	}
	if r.Whole {
		who += " Recipients and contacts are whole for crm and admin, and masked for others."
	}
	return strings.TrimSpace(r.Text + "\n\n" + who)
}

// The names of the security schemes.
const (
	bearer  = "bearer"
	session = "session"
	token   = "csrf"
)

func security(r *answer.Route) []map[string][]string {
	if r.For == answer.Open {
		return []map[string][]string{}
	}
	scopes := r.For.Scopes().List()
	cookie := map[string][]string{session: scopes}
	if r.Method != http.MethodGet {
		cookie[token] = []string{}
	}
	return []map[string][]string{{bearer: scopes}, cookie}
}

func parameterOf(p answer.Param) parameter {
	shown := parameter{Name: p.Name, In: string(p.In), Description: p.Text, Required: p.Required, Schema: p.Schema,
		Example: p.Example}
	if shown.In == "" {
		shown.In = "query"
	}
	if shown.Schema == nil {
		shown.Schema = answer.AnyText()
	}
	switch {
	case p.Comma:
		shown.Style, shown.Explode = "form", new(false)
		shown.Schema = answer.ListOf(shown.Schema)
		if text, isText := p.Example.(string); isText {
			shown.Example = strings.Split(text, ",")
		}
	case p.Many:
		shown.Style, shown.Explode = "form", new(true)
		shown.Schema = answer.ListOf(shown.Schema)
		if p.Example != nil {
			shown.Example = []any{p.Example}
		}
	}
	return shown
}

func bodyOf(b *answer.Body) *requestBody {
	s := b.Of
	if s == nil {
		var fields []answer.Column
		for _, f := range b.Fields {
			of := f.Schema
			if of == nil {
				of = answer.AnyText()
			}
			null := answer.NullSaid
			if f.Required {
				null = ""
			}
			fields = append(fields, answer.Column{Name: f.Name, Text: f.Text, Of: of,
				Optional: !f.Required, Null: null})
		}
		s = answer.ObjectOf(fields...)
	}
	shown := &requestBody{Description: b.Text, Required: true,
		Content: map[string]media{jsonType: {Schema: s, Example: json.RawMessage(b.Example)}}}
	for _, name := range b.Media {
		shown.Content[bare(name)] = media{}
	}
	return shown
}
