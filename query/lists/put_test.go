package lists

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"kaskad/query/querytest"
	"kaskad/schema"
)

// putAnswer is the answer of a PUT, or a problem.
type putAnswer struct {
	Account string
	Version uint64
	Rows    int
	Detail  string
	Errors  []rowProblem
}

func putList(tb testing.TB, s http.Handler, target, body string, headers ...string) (int, putAnswer) {
	tb.Helper()
	w := querytest.Call(s, http.MethodPut, target, strings.NewReader(body), headers...)
	var answer putAnswer
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		tb.Fatalf("%v in %s", err, w.Body)
	}
	return w.Code, answer
}

type listAnswer struct {
	Account   string            `json:"account"`
	Version   uint64            `json:"version"`
	At        *string           `json:"at"`
	Tariffs   []json.RawMessage `json:"tariffs"`
	Templates []json.RawMessage `json:"templates"`
}

func getList(tb testing.TB, s http.Handler, target string) (answer listAnswer) {
	tb.Helper()
	querytest.Decode(tb, querytest.Get(s, target), http.StatusOK, &answer)
	return answer
}

const (
	smsRow = `{"channel":"sms","provider":"*","operator":"*","country":"*","traffic":"*","sender":"*","app":"*","valid_from":"2026-01-01T00:00:00Z","valid_to":null,` +
		`"currency":"RUB","billing":"per_segment_sent","price":"2.00","connect_price":null,"monthly_minimum":null}`
	flashRow = `{"channel":"flash_call","provider":"*","operator":"*","country":"RU","traffic":"otp","sender":"+7 900","app":"*","valid_from":"2026-01-01T00:00:00Z",` +
		`"valid_to":"2027-01-01T00:00:00Z","currency":"RUB","billing":"attempt_plus_connect","price":"0.10","connect_price":"0.70","monthly_minimum":"30000.00"}`
	shortSMS = `{"channel":"sms","valid_from":"2026-01-01T03:00:00+03:00","currency":"RUB","billing":"per_segment_sent","price":"2.00"}`
)

func TestLists_Tariffs_PutAndGet(t *testing.T) {
	conn := newConn(t)
	s := newRoom(conn)
	const path = "/v1/tariffs?account=acme"
	if got := querytest.Get(s, path).Body.String(); got != `{"account":"acme","version":0,"at":null,"billing_zone":"UTC","tariffs":[]}` {
		t.Errorf("before the first: %s", got)
	}
	w := querytest.Call(s, http.MethodPut, path, strings.NewReader(`{"tariffs":[`+shortSMS+`]}`))
	if got := w.Body.String(); w.Code != http.StatusOK ||
		strings.TrimSpace(got) != `{"account":"acme","version":1,"rows":1}` || w.Header().Get("ETag") != `"1"` {
		t.Fatalf("%d %s %v", w.Code, got, w.Header())
	}
	first := `{"account":"acme","version":1,"at":"2026-11-20T00:00:00.000Z","billing_zone":"UTC","tariffs":[` + smsRow +
		`]}`
	if got := querytest.Get(s, path); got.Body.String() != first || got.Header().Get("ETag") != `"1"` ||
		got.Header().Get("Content-Type") != "application/json" {
		t.Errorf("after the first: %s %v", got.Body, got.Header())
	}
	if got := querytest.Put(t, s, "/v1/tariffs?account=beta", `{"tariffs":[]}`); got != 2 {
		t.Errorf("another account's list has version %d, want 2", got)
	}
	if got := querytest.Put(t, s, path, `{"tariffs":[`+flashRow+`,`+smsRow+`]}`); got != 3 {
		t.Errorf("the second has version %d, want 3", got)
	}
	second := `{"account":"acme","version":3,"at":"2026-11-20T00:00:00.000Z","billing_zone":"UTC","tariffs":[` +
		flashRow + `,` + smsRow + `]}`
	for query, want := range map[string]string{"": second, "&version=1": first, "&version=2": first,
		"&version=3": second} {
		if got := querytest.Get(s, path+query).Body.String(); got != want {
			t.Errorf("GET %s: %s, want %s", query, got, want)
		}
	}
	if got := querytest.Get(s, "/v1/tariffs?account=beta&version=1").Body.String(); !strings.HasPrefix(got,
		`{"account":"beta","version":0,"at":null,`) {
		t.Errorf("beta had none at version 1: %s", got)
	}
	want := `{"account":"acme","rows":[{"version":3,"at":"2026-11-20T00:00:00.000Z","by":"auth off","rows":2,"note":"","why":""},{"version":1,"at":"2026-11-20T00:00:00.000Z","by":"auth off","rows":1,"note":"","why":""}],"next_cursor":null}`
	if got := querytest.Get(s, "/v1/tariffs/versions?account=acme").Body.String(); got != want {
		t.Errorf("versions: %s, want %s", got, want)
	}
	var page struct {
		Rows       []struct{ Version uint64 }
		NextCursor *string `json:"next_cursor"`
	}
	querytest.Decode(t, querytest.Get(s, "/v1/tariffs/versions?account=acme&limit=1"), http.StatusOK, &page)
	if len(page.Rows) != 1 || page.Rows[0].Version != 3 || page.NextCursor == nil {
		t.Fatalf("first page: %+v", page)
	}
	cursor := *page.NextCursor
	querytest.Decode(t, querytest.Get(s, "/v1/tariffs/versions?account=acme&limit=1&cursor="+cursor), http.StatusOK,
		&page)
	if len(page.Rows) != 1 || page.Rows[0].Version != 1 || page.NextCursor != nil {
		t.Errorf("second page: %+v", page)
	}
	querytest.WantProblem(t, querytest.Get(s, "/v1/tariffs/versions?account=beta&cursor="+cursor),
		http.StatusBadRequest, "cursor",
		"another query")
	querytest.WantProblem(t, querytest.Get(s, "/v1/templates/versions?account=acme&cursor="+cursor),
		http.StatusBadRequest, "cursor",
		"another query")
	if got := querytest.Get(s, "/v1/tariffs/versions?account=acme&format=csv").Body.String(); got != "version,at,by,rows,note,why\r\n3,2026-11-20T00:00:00.000Z,auth off,2,,\r\n1,2026-11-20T00:00:00.000Z,auth off,1,,\r\n" {
		t.Errorf("versions as CSV: %s", got)
	}
}

// What GET gives in a form can be put again in that form, and is the same list.
func TestLists_Tariffs_EveryFormComesBack(t *testing.T) {
	s := newRoom(newConn(t))
	const path = "/v1/tariffs?account=acme"
	querytest.Put(t, s, path, `{"tariffs":[`+flashRow+`,`+smsRow+`]}`)
	for i, c := range []struct{ format, contentType, begin string }{
		{"json", "application/json", `{"account":"acme","version":`},
		{"yaml", "application/yaml", "tariffs:\n"},
		{"csv", "text/csv", "channel,provider,operator,country,traffic,sender,app,valid_from,valid_to,currency,billing,price,connect_price,monthly_minimum\n"},
	} {
		w := querytest.Get(s, path+"&format="+c.format)
		if w.Code != http.StatusOK || !strings.HasPrefix(w.Body.String(), c.begin) ||
			!strings.HasPrefix(w.Header().Get("Content-Type"), c.contentType) {
			t.Errorf("%s: %d %v %s", c.format, w.Code, w.Header(), w.Body)
		}
		if c.format != "json" && (w.Header().Get("Kaskad-Version") != fmt.Sprint(i+1) ||
			w.Header().Get("Kaskad-At") != "2026-11-20T00:00:00.000Z") {
			t.Errorf("%s: headers %v", c.format, w.Header())
		}
		if got := querytest.Get(s, path, "Accept", c.contentType).Body.String(); got != w.Body.String() {
			t.Errorf("Accept: %s gives %s", c.contentType, got)
		}
		if version := querytest.Put(t, s, path, w.Body.String(), "Content-Type",
			c.contentType); version != uint64(i+2) {
			t.Errorf("%s: version %d", c.format, version)
		}
		if got := getList(t, s, path).Tariffs; len(got) != 2 || string(got[0]) != flashRow || string(got[1]) != smsRow {
			t.Errorf("%s came back as %s", c.format, got)
		}
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(`{"tariffs":[` + smsRow + `]}`))
	_ = z.Close()
	querytest.Put(t, s, path, packed.String(), "Content-Encoding", "gzip")
	if got := getList(t, s, path).Tariffs; len(got) != 1 || string(got[0]) != smsRow {
		t.Errorf("gzip came back as %s", got)
	}
	// An empty list has all forms too.
	querytest.Put(t, s, path, `{"tariffs":[]}`)
	for _, c := range [][2]string{{"yaml", "application/yaml"}, {"csv", "text/csv"}} {
		querytest.Put(t, s, path, querytest.Get(s, path+"&format="+c[0]).Body.String(), "Content-Type", c[1])
		if got := getList(t, s, path).Tariffs; got == nil || len(got) != 0 {
			t.Errorf("an empty list as %s: %v", c[0], got)
		}
	}
}

// Who sends back what GET gave, changed, is told the lines of what was sent.
func TestWithoutEnvelope_KeepsLines(t *testing.T) {
	for body, want := range map[string]string{
		"{\n\"account\":\"a\",\n\"version\":1,\"at\":null,\n\"tariffs\":[\n{}]}": "{\n\n\n\"tariffs\":[\n{}]}",
		"{\"tariffs\":\n\n[1],\"version\":2}\n":                                  "{\n\n\"tariffs\":[1]}",
		`{"tariffs":[],"other":1}`:                                               "",
		`{"tariffs":[],"tariffs":[]}`:                                            "",
		`{"tariffs":[]} {}`:                                                      "",
		`{"version":1}`:                                                          "",
		`{"tariffs":[1,]}`:                                                       "",
		`[]`:                                                                     "",
		``:                                                                       "",
	} {
		if want == "" {
			want = body
		}
		if got := string(withoutEnvelope([]byte(body), "tariffs")); got != want {
			t.Errorf("%s becomes %q, want %q", body, got, want)
		}
	}
}

func TestLists_Reference_Parameters(t *testing.T) {
	s := newRoom(newConn(t))
	for _, kind := range []string{"tariffs", "templates"} {
		list := `{"` + kind + `":[]}`
		for _, c := range []struct {
			method, query, parameter, words string
		}{
			{"GET", "", "account", "account=…"},
			{"PUT", "", "account", "account=…"},
			{"GET", "?account=", "account", "name of an account"},
			{"PUT", "?account=%FF", "account", "UTF-8"},
			{"GET", "?account=a&account=b", "account", "more than once"},
			{"GET", "?account=a&version=x", "version", "version"},
			{"GET", "?account=a&version=-1", "version", "version"},
			{"GET", "?account=a&format=xml", "format", "json yaml csv"},
			{"GET", "?account=a&channel=sms", "channel", "unknown"},
			{"PUT", "?account=a&if_version=x", "if_version", "version"},
			{"PUT", "?account=a&version=1", "version", "if_version"},
		} {
			querytest.WantProblem(t, querytest.Call(s, c.method, "/v1/"+kind+c.query, strings.NewReader(list)),
				http.StatusBadRequest,
				c.parameter, c.words)
		}
		querytest.WantProblem(t, querytest.Get(s, "/v1/"+kind+"/versions"), http.StatusBadRequest, "account",
			"account=…")
		querytest.WantProblem(t, querytest.Get(s, "/v1/"+kind+"/versions?account=a&limit=0"), http.StatusBadRequest,
			"limit")
		querytest.WantProblem(t, querytest.Call(s, http.MethodPut, "/v1/"+kind+"?account=a", strings.NewReader(list),
			"If-Match", "x"),
			http.StatusBadRequest, "If-Match")
		querytest.WantProblem(t, querytest.Call(s, http.MethodPut, "/v1/"+kind+"?account=a", strings.NewReader(list),
			"Content-Type",
			"image/png"), http.StatusUnsupportedMediaType, "", "application/yaml")
		querytest.WantProblem(t, querytest.Call(s, http.MethodPut, "/v1/"+kind+"?account=a",
			strings.NewReader(strings.Repeat(" ", maxList+1))), http.StatusRequestEntityTooLarge, "", "16 MiB")
		if got := getList(t, s, "/v1/"+kind+"?account=a"); got.Version != 0 {
			t.Errorf("%s: %+v", kind, got)
		}
		if w := querytest.Call(s, http.MethodHead, "/v1/"+kind+"?account=a", nil); w.Code != http.StatusOK {
			t.Errorf("HEAD: %d", w.Code)
		}
	}
}

// A list that was made from an old version does not overwrite a newer one.
func TestLists_Tariffs_NoLostUpdate(t *testing.T) {
	s := newRoom(newConn(t))
	const path, list = "/v1/tariffs?account=acme", `{"tariffs":[` + smsRow + `]}`
	if got := querytest.Put(t, s, path+"&if_version=0", list); got != 1 {
		t.Fatal(got)
	}
	conflict := func(w *httptest.ResponseRecorder) {
		t.Helper()
		querytest.WantProblem(t, w, http.StatusPreconditionFailed, "", "not at version 0", "nothing was changed")
	}
	conflict(querytest.Call(s, http.MethodPut, path+"&if_version=0", strings.NewReader(`{"tariffs":[]}`)))
	conflict(querytest.Call(s, http.MethodPut, path, strings.NewReader(`{"tariffs":[]}`), "If-Match", `"0"`))
	if got := getList(t, s, path); got.Version != 1 || len(got.Tariffs) != 1 {
		t.Errorf("%+v", got)
	}
	if got := querytest.Put(t, s, path, list, "If-Match", querytest.Get(s, path).Header().Get("ETag")); got != 2 {
		t.Errorf("version %d", got)
	}
	// Of many that replace one version at the same time, one wins.
	var group sync.WaitGroup
	codes := make([]int, 8)
	for i := range codes {
		group.Go(func() {
			codes[i] = querytest.Call(s, http.MethodPut, path+"&if_version=2", strings.NewReader(list)).Code
		})
	}
	group.Wait()
	slices.Sort(codes)
	if want := []int{200, 412, 412, 412, 412, 412, 412, 412}; !slices.Equal(codes, want) {
		t.Errorf("%v, want %v", codes, want)
	}
	if got := getList(t, s, path); got.Version != 3 {
		t.Errorf("version %d, want 3", got.Version)
	}
}

// The text of a template is measured and stored nowhere.
func TestLists_Templates_TextIsNotKept(t *testing.T) {
	conn := newConn(t)
	s := newRoom(conn)
	const path, secret = "/v1/templates?account=acme", "Секретный текст"
	long := secret + strings.Repeat(" и ещё", 20)
	body := fmt.Sprintf(`{"templates":[{"template":"order","sms_text":%q,"valid_from":"2026-01-01T00:00:00Z"},{"template":"bday","sms_segments":4,"valid_from":"2026-01-01T00:00:00Z","valid_to":"2026-07-01T00:00:00Z"}]}`, long)
	w := querytest.Call(s, http.MethodPut, path, strings.NewReader(body))
	if w.Code != http.StatusOK || strings.Contains(w.Body.String(), secret) {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	want := `{"account":"acme","version":1,"at":"2026-11-20T00:00:00.000Z","templates":[{"template":"order","sms_segments":3,"valid_from":"2026-01-01T00:00:00Z","valid_to":null},` +
		`{"template":"bday","sms_segments":4,"valid_from":"2026-01-01T00:00:00Z","valid_to":"2026-07-01T00:00:00Z"}]}`
	if got := querytest.Get(s, path).Body.String(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for format, contentType := range map[string]string{"json": "application/json", "yaml": "application/yaml",
		"csv": "text/csv"} {
		querytest.Put(t, s, path, querytest.Get(s, path+"&format="+format).Body.String(), "Content-Type", contentType)
		if got := getList(t, s, path); len(got.Templates) != 2 || !strings.Contains(want, string(got.Templates[0])) ||
			!strings.Contains(want, string(got.Templates[1])) {
			t.Errorf("%s came back as %s", format, got.Templates)
		}
	}
	// A refused list does not tell its texts either.
	w = querytest.Call(s, http.MethodPut, path,
		strings.NewReader(fmt.Sprintf(`{"templates":[{"template":"order","sms_text":%q,"sms_segments":2,"valid_from":"2026-01-01T00:00:00Z"}]}`, long)))
	if w.Code != http.StatusUnprocessableEntity || strings.Contains(w.Body.String(), secret) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	var kept uint64
	if err := conn.QueryRow(t.Context(),
		"SELECT count() FROM reference WHERE positionCaseInsensitiveUTF8(body, 'секрет') > 0 OR position(body, "+
			"'\\\\u0') > 0").Scan(&kept); err != nil || kept != 0 {
		t.Errorf("%d rows keep the text (%v)", kept, err)
	}
	// Tariffs and templates are two lists.
	if got := getList(t, s, "/v1/tariffs?account=acme"); got.Version != 0 {
		t.Errorf("tariffs: %+v", got)
	}
	list, found, err := schema.ReadReference(t.Context(), conn, schema.ReferenceTemplates, "acme", 0)
	if err != nil || !found || list.Rows != 2 {
		t.Errorf("%+v %v %v", list, found, err)
	}
}
