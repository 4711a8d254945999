package query

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"kaskad/engine/enginetest"
	"kaskad/ingest"
	"kaskad/query/answer"
	"kaskad/query/openapi"
	"kaskad/query/querytest"
	"kaskad/schema"
	"kaskad/schema/erasure"
)

// document is GET /openapi.json as far as tests look into it.
type document struct {
	OpenAPI string
	Paths   map[string]map[string]struct {
		OperationID string
		Summary     string
		Tags        []string
		Parameters  []documentParameter
		Responses   map[string]json.RawMessage
	}
	Components struct {
		Parameters map[string]documentParameter
		Responses  map[string]json.RawMessage
	}
}

type documentParameter struct {
	Ref      string `json:"$ref"`
	Name, In string
}

// maxDocument bounds the document: what operations have in common is said once.
const maxDocument = 400 << 10

// Each route is in the document and nothing else is; each says what it is, what its path names, and how it fails.
func TestServer_Document_Routes(t *testing.T) {
	s := newServer(t, noConn{}, withKeys)
	var d document
	w := get(s, "/openapi.json")
	size := w.Body.Len()
	decode(t, w, http.StatusOK, &d)
	if d.OpenAPI != "3.1.0" || size > maxDocument {
		t.Errorf("OpenAPI %q, %d bytes", d.OpenAPI, size)
	}
	documented, ids := 0, map[string]bool{}
	for _, operations := range d.Paths {
		documented += len(operations)
	}
	for _, route := range s.all {
		o, found := d.Paths[openapi.Path(route.Path)][strings.ToLower(route.Method)]
		if found == route.Hidden {
			t.Errorf("%s %s: in the document %v, hidden %v", route.Method, route.Path, found, route.Hidden)
			continue
		}
		if route.Hidden {
			continue
		}
		documented--
		if o.Summary == "" || len(o.Tags) != 1 || o.Tags[0] == "" || o.OperationID == "" || ids[o.OperationID] {
			t.Errorf("%s %s: %+v", route.Method, route.Path, o)
		}
		ids[o.OperationID] = true
		for _, part := range strings.Split(route.Path, "/") {
			if name, variable := strings.CutPrefix(part, ":"); variable && !slices.Contains(route.Names(answer.InPath), name) {
				t.Errorf("%s %s does not say what %s is", route.Method, route.Path, name)
			}
		}
		var given []string
		for _, p := range o.Parameters {
			if name, shared := strings.CutPrefix(p.Ref, "#/components/parameters/"); shared {
				p = d.Components.Parameters[name]
			}
			if p.Name != "If-None-Match" {
				given = append(given, p.Name)
			}
		}
		if want := slices.Concat(route.Names(answer.InPath), route.Names(answer.InQuery),
			route.Names(answer.InHeader)); !slices.Equal(slices.Sorted(slices.Values(given)),
			slices.Sorted(slices.Values(want))) {
			t.Errorf("%s %s has parameters %v, want %v", route.Method, route.Path, given, want)
		}
		for status, response := range o.Responses {
			var shared struct {
				Ref string `json:"$ref"`
			}
			if err := json.Unmarshal(response, &shared); err != nil {
				t.Fatal(err)
			}
			if name, is := strings.CutPrefix(shared.Ref, "#/components/responses/"); is && d.Components.Responses[name] == nil {
				t.Errorf("%s %s %s: there is no %s", route.Method, route.Path, status, name)
			}
		}
		statuses := []string{"400", "403"}
		if route.For != answer.Open {
			statuses = append(statuses, "401", "429", "500", "503")
		}
		if route.Body != nil {
			statuses = append(statuses, "408", "413", "415", "503")
		}
		for _, status := range statuses {
			if o.Responses[status] == nil {
				t.Errorf("%s %s does not say when it answers %s", route.Method, route.Path, status)
			}
		}
	}
	if documented != 0 {
		t.Errorf("%d operations have no route", documented)
	}
	// A type without JSON would leave its reason in the document.
	if text := get(s, "/openapi.json").Body.String(); strings.Contains(text, "$comment") {
		t.Error("a schema says what is wrong with it")
	}
}

// exampleServer has what the examples of the document name.
func exampleServer(t *testing.T, change ...func(*Config, *Deps)) *Server {
	conn := newConn(t)
	event := func(message string, step int, channel, status string, second int, more ...string) string {
		return querytest.AcmeEvent(message, step, channel, status, fmt.Sprintf("2026-11-10T10:00:%02d.000Z", second),
			append(more, `"account":"shop","submitted_at":"2026-11-10T10:00:00.000Z","campaign":"spring",`+
				`"template":"welcome","recipient":"+79161234567","contact":"crm-1","sms_segments":2,"provider":"smsc"`)...)
	}
	querytest.StoreEvents(t, conn, event("m-1", 1, "push", "failed", 2, `"error_code":"1"`),
		event("m-1", 2, "sms", "delivered", 9, `"segments":2`))
	querytest.PutTariffs(t, conn, "shop", querytest.TariffRow("sms", "per_segment_sent", "2.00", "valid_to", "2099-01-01T00:00:00Z"))
	storeLives(t, conn)
	s := newServer(t, conn, append(change, withKeys, func(c *Config, d *Deps) {
		c.ErasureKey = &erasure.Key{1}
		to := producerFunc(func(context.Context, [][]byte, [][]byte) error { return nil })
		d.Producer = to
		d.Letters.Count = func(ctx context.Context, f schema.LetterFilter) (waiting, replayed uint64, err error) {
			return ingest.CountLetters(ctx, conn, f)
		}
		d.Letters.Replay = func(ctx context.Context, f schema.LetterFilter) (schema.Replayed, error) {
			return ingest.Replay(ctx, conn, to, f, c.Now)
		}
	})...)
	s.stop.Do(func() { close(s.gate.Stopping) }) // nobody waits for a verdict that no aggregator gives
	return s
}

// example sends a route's examples: what is required, the account, the body, and more.
func example(s *Server, route *answer.Route, more url.Values) *httptest.ResponseRecorder {
	path, query := route.Path, url.Values{}
	for _, p := range route.Params {
		shown := fmt.Sprint(p.Example)
		switch {
		case p.In == answer.InPath:
			path = strings.ReplaceAll(path, ":"+p.Name, url.PathEscape(shown))
		case p.In == answer.InQuery && (p.Required || p.Name == "account"):
			query.Set(p.Name, shown)
		}
	}
	for name, values := range more {
		query[name] = values
	}
	body := ""
	if route.Body != nil {
		body = route.Body.Example
	}
	return bearer(s, adminKey, route.Method, path+"?"+query.Encode(), body)
}

// The examples of the document are right: of bodies and paths, and of each parameter. A parameter that is not declared
// is refused, and named.
func TestServer_Document_Examples(t *testing.T) {
	s := exampleServer(t)
	routes := slices.DeleteFunc(slices.Clone(s.all), func(r answer.Route) bool {
		// No key and no session of the examples' is there.
		return r.Hidden || r.Path == "/v1/keys/:id" || strings.HasPrefix(r.Path, "/v1/session")
	})
	slices.SortStableFunc(routes, func(a, b answer.Route) int { return -strings.Compare(a.Method, b.Method) })
	for i := range routes {
		route := &routes[i]
		name := route.Method + " " + route.Path
		if w := example(s, route, url.Values{"zz": {"1"}}); w.Code != http.StatusBadRequest ||
			!strings.Contains(w.Body.String(), `"parameter":"zz"`) {
			t.Errorf("%s?zz=1: %d %.300s", name, w.Code, w.Body)
		}
		if route.Path == "/readyz" {
			continue // nothing runs that would make it ready
		}
		if w := example(s, route, nil); w.Code >= http.StatusBadRequest {
			t.Errorf("%s: %d %.2000s", name, w.Code, w.Body)
		}
		all := url.Values{}
		for _, p := range route.Params {
			if p.In == answer.InQuery && p.Example != nil {
				all.Set(p.Name, fmt.Sprint(p.Example))
			}
		}
		// One request of all of them is enough where none is refused, or goes with no other.
		if !enginetest.Long() && example(s, route, all).Code < http.StatusBadRequest {
			continue
		}
		for parameter, values := range all {
			if w := example(s, route, url.Values{parameter: values}); w.Code >= http.StatusBadRequest {
				t.Errorf("%s with %s=%v: %d %.2000s", name, parameter, values, w.Code, w.Body)
			}
		}
	}
}
