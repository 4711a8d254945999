package openapi

import (
	"encoding/json"
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"kaskad/query/answer"
)

const (
	jsonType    = "application/json"
	problemType = "application/problem+json"
)

// bare is a content type without its parameters.
func bare(media string) string {
	media, _, _ = strings.Cut(media, ";")
	return media
}

func reference(name string) *answer.Schema {
	return &answer.Schema{Ref: "#/components/schemas/" + name}
}

// responseOf is the answer of a route when all is well. Rows have a name of their own, for clients that are generated.
func (d *document) responseOf(id string, r *answer.Route, a *answer.Answer) response {
	shown := response{Description: a.Text, Content: map[string]media{}, Headers: map[string]header{}}
	for _, h := range a.Headers {
		shown.Headers[h.Name] = header{Description: h.Text, Schema: answer.AnyText()}
	}
	if r.Tagged {
		shown.Headers["ETag"] = header{Description: "Names the answer, for If-None-Match.", Schema: answer.AnyText()}
	}
	switch {
	case a.Columns != nil:
		d.Components.Schemas[upper(id)+"Row"] = answer.ObjectOf(a.Columns...)
		list := answer.ObjectOf(slices.Concat(a.Around, []answer.Column{{Name: "rows"}, {Name: "next_cursor",
			Text: "cursor of the next page", Null: "at the end"}})...)
		list.Properties["rows"] = answer.ListOf(reference(upper(id) + "Row"))
		shown.Content[jsonType] = media{Schema: list}
		if r.Takes("format") {
			for _, f := range answer.Formats() {
				if f != answer.FormatJSON {
					shown.Content[bare(f.ContentType())] = media{}
				}
			}
			for _, c := range append(slices.Clone(a.Around), answer.Column{Name: "next_cursor"}) {
				shown.Headers[HeaderOf(c.Name)] = header{Schema: answer.AnyText(),
					Description: "`" + c.Name + "`, in formats that have no place for it."}
			}
		}
	case a.Of != nil:
		shown.Content[jsonType] = media{Schema: a.Of}
	}
	for _, name := range a.Media {
		shown.Content[bare(name)] = media{}
	}
	return shown
}

// HeaderOf is the header that a member of the envelope has in formats without one.
func HeaderOf(member string) string {
	return "Kaskad-" + textproto.CanonicalMIMEHeaderKey(strings.ReplaceAll(member, "_", "-"))
}

func upper(id string) string { return strings.ToUpper(id[:1]) + id[1:] }

// failures are the errors of a route: those that follow from how it is served, and those that it declares.
func failures(r *answer.Route) map[int]string {
	all := map[int]string{
		http.StatusBadRequest: "Something is wrong with the request; `errors` names each parameter and how to mend it.",
		http.StatusForbidden: "The key's scopes do not suffice, it is of another account, or the request comes from " +
			"a page of another origin.",
	}
	if r.For != answer.Open {
		all[http.StatusUnauthorized] = "There is no key, it is not known, or the session is over."
		all[http.StatusTooManyRequests] = "The key asks too often, or too much at a time; Retry-After says when to " +
			"ask again."
		all[http.StatusServiceUnavailable] = "It cannot be answered now: the service is busy or ClickHouse away " +
			"(then Retry-After says when to ask again), or the answer would take too long or too much memory."
		all[http.StatusInternalServerError] = "Something went wrong inside; the server's log says what."
	}
	if r.Body != nil {
		all[http.StatusRequestTimeout] = "The body came too slowly."
		all[http.StatusRequestEntityTooLarge] = "The body is too large."
		all[http.StatusUnsupportedMediaType] = "The content type or encoding is not known here."
		all[http.StatusServiceUnavailable] = "The service is busy, or what it needs is away; Retry-After says when " +
			"to ask again."
	}
	if r.Method != http.MethodGet {
		all[http.StatusInsufficientStorage] = "The disk of the server is nearly full: nothing was stored."
	}
	if r.Takes("format") && len(r.Answers) > 0 && r.Answers[0].Columns != nil {
		all[http.StatusUnprocessableEntity] = "The rows do not fit into a workbook (format=xlsx)."
	}
	for status, text := range r.Errors {
		all[status] = strings.ToUpper(text[:1]) + text[1:] + "."
	}
	return all
}

func problemResponse(r *answer.Route, status int, text string) response {
	of := reference("Problem")
	if more := r.Besides[status]; more != nil {
		of = problem()
		for _, name := range more.PropertyOrder {
			if of.Properties[name] == nil {
				of.PropertyOrder = append(of.PropertyOrder, name)
				if slices.Contains(more.Required, name) {
					of.Required = append(of.Required, name)
				}
			}
			of.Properties[name] = more.Properties[name].CloneSchemas()
		}
	}
	shown := response{Description: text,
		Content: map[string]media{problemType: {Schema: of, Example: example(r, status, text)}}}
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusInsufficientStorage:
		shown.Headers = map[string]header{"Retry-After": {Description: "Seconds.", Schema: answer.AnyText()}}
	}
	return shown
}

// problem is what every error is.
func problem() *answer.Schema {
	return answer.ObjectOf(answer.Column{Name: "type", Text: "What kind of error it is, for programs",
		Of: answer.Matching("^urn:kaskad:problem:[a-z-]+$")},
		answer.Column{Name: "title", Text: "The name of the status"},
		answer.Column{Name: "status", Type: answer.CountColumn},
		answer.Column{Name: "detail", Text: "What is wrong, and how to mend it"},
		answer.Column{Name: "errors", Optional: true, Of: answer.ListOf(answer.ObjectOf(
			answer.Column{Name: "parameter", Text: "The name of a parameter, field or header"},
			answer.Column{Name: "reason", Text: "What is wrong with it, and how to mend it"}))})
}

// example is an error as it may come.
func example(r *answer.Route, status int, text string) json.RawMessage {
	shown := answer.NewProblem(status, "example", text)
	switch status {
	case http.StatusBadRequest:
		shown = answer.BadParameter("limt", "is unknown here; did you mean limit?")
	case http.StatusUnauthorized:
		shown = answer.NewProblem(status, "no-key", "a key is needed: send the header Authorization: Bearer KEY")
	case http.StatusForbidden:
		shown = answer.ForeignAccount()
	case http.StatusServiceUnavailable:
		shown = answer.NewProblem(status, "storage-unavailable", "ClickHouse cannot be reached; try again")
	}
	if r.Besides[status] != nil {
		return nil // it has more members than every problem
	}
	encoded, err := json.Marshal(shown)
	if err != nil {
		return nil
	}
	return encoded
}
