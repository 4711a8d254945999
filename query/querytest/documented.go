package querytest

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"kaskad/query/answer"
	"kaskad/query/openapi"
)

// statusUndocumented is the status of an answer that is not as GET /openapi.json says; the body says why.
const statusUndocumented = 599

// Documented is a handler whose answers are held against the document of its routes.
type Documented struct {
	http.Handler
	routes []answer.Route
	once   sync.Once
	*described
}

// documents are those of this test process, by what the routes say: servers come by the hundred, one like the other,
// and to write and read a document takes 100 ms.
var documents sync.Map

// described is a document, and what was compiled of it.
type described struct {
	once     sync.Once
	document any
	err      error
	compiler *jsonschema.Compiler
	mu       sync.Mutex
	schemas  map[string]*jsonschema.Schema
}

// Document returns the handler of these routes, held against what they say of themselves.
func Document(h http.Handler, routes []answer.Route) *Documented {
	return &Documented{Handler: h, routes: routes}
}

// find finds the document of the routes, which is made for the first handler that has such routes.
func (d *Documented) find() {
	var said strings.Builder
	for _, r := range d.routes {
		fmt.Fprintln(&said, r.Method, r.Path, r.For, r.Whole, r.Tagged, r.Hidden, r.Tag, r.Summary, r.Text,
			r.Body != nil, len(r.Answers), r.Errors, len(r.Besides))
		for _, p := range r.Params {
			fmt.Fprintln(&said, p.Name, p.In, p.Text, p.Many, p.Comma, p.Required, p.Example)
		}
	}
	found, _ := documents.LoadOrStore(said.String(), &described{schemas: map[string]*jsonschema.Schema{}})
	d.described = found.(*described)
	d.described.once.Do(func() { d.described.load(d.routes) })
}

// load reads the document as a client does.
func (d *described) load(routes []answer.Route) {
	text, err := openapi.Write("test", routes)
	if err != nil {
		d.err = err
		return
	}
	if d.document, d.err = jsonschema.UnmarshalJSON(bytes.NewReader(text)); d.err != nil {
		return
	}
	d.compiler = jsonschema.NewCompiler()
	d.compiler.AssertFormat()
	d.err = d.compiler.AddResource("openapi.json", d.document)
}

// member walks into the document; nil is where nothing is.
func member(of any, names ...string) any {
	for _, name := range names {
		object, _ := of.(map[string]any)
		of = object[name]
	}
	return of
}

// Check returns what is not documented of an answer.
func (d *Documented) Check(r *http.Request, w *httptest.ResponseRecorder) error {
	if d.once.Do(d.find); d.err != nil {
		return d.err
	}
	path, known := d.pathOf(r.URL)
	if !known {
		return nil // there is nothing there, or what only says where something is
	}
	method := strings.ToLower(r.Method)
	if method == "head" {
		method = "get"
	}
	operation := member(d.document, "paths", path, method)
	if operation == nil {
		if w.Code < http.StatusBadRequest {
			return fmt.Errorf("%s %s is not documented, and answers %d", r.Method, path, w.Code)
		}
		return nil
	}
	status := strconv.Itoa(w.Code)
	place := []string{"paths", path, method, "responses", status}
	response := member(d.document, place...)
	if shared, is := member(response, "$ref").(string); is {
		place = strings.Split(strings.TrimPrefix(shared, "#/"), "/")
		response = member(d.document, place...)
	}
	if response == nil {
		return fmt.Errorf("%s %s: status %s is not documented", r.Method, path, status)
	}
	for name := range w.Header() {
		if strings.HasPrefix(name, "Kaskad-") && member(response, "headers", name) == nil {
			return fmt.Errorf("%s %s: header %s is not documented", r.Method, path, name)
		}
	}
	if w.Body.Len() == 0 {
		return nil
	}
	media, _, err := mime.ParseMediaType(w.Header().Get("Content-Type"))
	if err != nil || member(response, "content", media) == nil {
		return fmt.Errorf("%s %s: %s of content type %q is not documented", r.Method, path, status, media)
	}
	if w.Header().Get("Content-Encoding") != "" {
		return nil
	}
	switch media {
	case "application/x-ndjson": // its rows are those of JSON
		id, _ := member(operation, "operationId").(string)
		for line := range bytes.Lines(w.Body.Bytes()) {
			if err := d.checkBody(line, "components", "schemas", strings.ToUpper(id[:1])+id[1:]+"Row"); err != nil {
				return err
			}
		}
		return nil
	case "application/json", "application/problem+json":
	default:
		return nil
	}
	return d.checkBody(w.Body.Bytes(), append(place, "content", media, "schema")...)
}

// checkBody holds JSON against the schema at a place of the document.
func (d *described) checkBody(body []byte, place ...string) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: %w", strings.Join(place, " "), err)
	}
	pointer := "openapi.json#"
	for _, name := range place {
		pointer += "/" + url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.schemas[pointer]
	if s == nil {
		if s, err = d.compiler.Compile(pointer); err != nil {
			return err
		}
		d.schemas[pointer] = s
	}
	if err := s.Validate(value); err != nil {
		return fmt.Errorf("%s: %w in %.2000s", strings.Join(place, " "), err, body)
	}
	return nil
}

// pathOf finds the path of the document that an address is of: the one with the fewest variables.
func (d *described) pathOf(u *url.URL) (found string, known bool) {
	given := strings.Split(u.EscapedPath(), "/")
	paths, _ := member(d.document, "paths").(map[string]any)
	fewest := len(given) + 1
	for path := range paths {
		parts := strings.Split(path, "/")
		variables := 0
		if len(parts) != len(given) {
			continue
		}
		for i, part := range parts {
			switch {
			case strings.HasPrefix(part, "{") && given[i] != "":
				variables++
			case part != given[i]:
				variables = fewest
			}
		}
		if variables < fewest {
			found, fewest, known = path, variables, true
		}
	}
	return found, known
}

// check replaces an answer that is not as documented, so that a test which asks for it fails and says why.
func check(h http.Handler, r *http.Request, w *httptest.ResponseRecorder) *httptest.ResponseRecorder {
	d, documented := h.(*Documented)
	if !documented || w.Code == 499 {
		return w
	}
	err := d.Check(r, w)
	if err == nil {
		return w
	}
	wrong := httptest.NewRecorder()
	wrong.WriteHeader(statusUndocumented)
	_, _ = io.WriteString(wrong, err.Error()) // a recorder takes everything
	return wrong
}
