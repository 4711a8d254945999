package query

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/schema"
)

const goodEvent = `{"account":"acme","message_id":"m1","submitted_at":"2026-11-19T10:00:00Z","channel":"sms","status":"delivered",` +
	`"occurred_at":"2026-11-19T10:00:05Z","recipient":"+79001234567","unknown":{"a":[1]}}`

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }

type producerFunc func(ctx context.Context, keys, values [][]byte) error

func (f producerFunc) Produce(ctx context.Context, keys, values [][]byte) error {
	return f(ctx, keys, values)
}

// records keeps what was produced.
type records struct {
	keys, values []string
	err          error
}

func (r *records) Produce(_ context.Context, keys, values [][]byte) error {
	if r.err != nil {
		return r.err
	}
	for i := range keys {
		r.keys, r.values = append(r.keys, string(keys[i])), append(r.values, string(values[i]))
	}
	return nil
}

func newIntake(t *testing.T) (*Server, *records) {
	to := &records{}
	s := newServer(t, noConn{}, func(_ *Config, d *Deps) {
		d.Producer = to
		d.MeasureSMS = func(text []byte) schema.SMSMeasure {
			return schema.SMSMeasure{Segments: uint16(len(text) / 10), OverBy: 3}
		}
	})
	return s, to
}

func post(s *Server, body string, headers ...string) *httptest.ResponseRecorder {
	return call(s, http.MethodPost, "/v1/events", strings.NewReader(body), headers...)
}

func TestServer_Events_Bodies(t *testing.T) {
	other := strings.Replace(goodEvent, "m1", "m2", 1)
	lookup := `{"account":"acme","status":"lookup","valid":true,"occurred_at":"2026-11-19T10:00:05Z","recipient":"+79001234567"}`
	bad := `{"account":"acme"}`
	const missing = `status: is required; recipient: is required; occurred_at: is required; channel: is required`
	for name, c := range map[string]struct {
		body, want string
		headers    []string
		values     []string
	}{
		"object": {goodEvent, `{"accepted":1,"rejected":[],"unknown_fields":{"unknown":1}}`, nil,
			[]string{goodEvent}},
		"object in rows": {strings.ReplaceAll(goodEvent, ",", ",\n"),
			`{"accepted":1,"rejected":[],"unknown_fields":{"unknown":1}}`, nil,
			[]string{strings.ReplaceAll(goodEvent, ",", ",\n")}},
		"array": {"[" + goodEvent + " , " + other + "]",
			`{"accepted":2,"rejected":[],"unknown_fields":{"unknown":2}}`,
			[]string{"Content-Type", "application/json; charset=utf-8"}, []string{goodEvent, other}},
		"ndjson": {goodEvent + "\n\n" + other + "\r\n",
			`{"accepted":2,"rejected":[],"unknown_fields":{"unknown":2}}`,
			[]string{"Content-Type", "application/x-ndjson"}, []string{goodEvent, other}},
		"curl's default": {goodEvent, `{"accepted":1,"rejected":[],"unknown_fields":{"unknown":1}}`,
			[]string{"Content-Type", "application/x-www-form-urlencoded"}, []string{goodEvent}},
		"neighbours": {goodEvent + "\n" + bad + "\nnonsense\n" + lookup,
			`{"accepted":2,"rejected":[{"line":2,"error":"` + missing +
				`"},{"line":3,"error":"\"nonsense\" is not a JSON object"}],"unknown_fields":{"unknown":1}}`,
			nil, []string{goodEvent, lookup}},
	} {
		s, to := newIntake(t)
		w := post(s, c.body, c.headers...)
		if w.Code != http.StatusAccepted || strings.TrimSpace(w.Body.String()) != c.want {
			t.Errorf("%s: %d %s, want 202 %s", name, w.Code, w.Body, c.want)
		}
		if fmt.Sprintf("%q", to.values) != fmt.Sprintf("%q", c.values) {
			t.Errorf("%s: produced %q, want %q", name, to.values, c.values)
		}
	}
}

func TestServer_Events_NamesUnknownFields(t *testing.T) {
	with := func(field string) string { return strings.Replace(goodEvent, `"unknown":{"a":[1]}`, field, 1) }
	var lines []string
	for range 12 {
		lines = append(lines, with(`"campain":"autumn"`))
	}
	many := make([]string, 30)
	for i := range many {
		many[i] = fmt.Sprintf(`"x%02d":1`, i)
	}
	for name, c := range map[string]struct{ body, want string }{
		"none": {with(`"campaign":"autumn"`), `{"accepted":1,"rejected":[]}`},
		"of several lines": {strings.Join(lines, "\n"),
			`{"accepted":12,"rejected":[],"unknown_fields":{"campain":12}}`},
		"twice in a line": {with(`"campain":"a","campain":"b","Status":"sent"`),
			`{"accepted":1,"rejected":[],"unknown_fields":{"Status":1,"campain":1}}`},
		"long": {with(`"` + strings.Repeat("x", 1000) + `":1`),
			`{"accepted":1,"rejected":[],"unknown_fields":{"` + strings.Repeat("x", 64) + `…":1}}`},
		"also of a refused line": {with(`"stats":"sent"`) + "\n" +
			strings.Replace(with(`"a":1`), `"status"`, `"stats"`, 1),
			`{"accepted":1,"rejected":[{"line":2,"error":"status: is required"}],"unknown_fields":{"a":1,"stats":2}}`},
	} {
		s, _ := newIntake(t)
		if w := post(s, c.body); w.Code != http.StatusAccepted || strings.TrimSpace(w.Body.String()) != c.want {
			t.Errorf("%s: %d %s, want 202 %s", name, w.Code, w.Body, c.want)
		}
	}
	s, _ := newIntake(t)
	var answer eventsAnswer
	body := with(strings.Join(many[:15], ",")) + "\n" + with(strings.Join(many[10:], ","))
	decode(t, post(s, body), http.StatusAccepted, &answer)
	if len(answer.UnknownFields) != maxUnknownFields || answer.UnknownFields["x12"] != 2 ||
		answer.UnknownFields["x00"] != 1 {
		t.Errorf("of 30 names: %v", answer.UnknownFields)
	}
	decode(t, post(s, `{"acount":"acme"}`), http.StatusUnprocessableEntity, &answer)
	if answer.UnknownFields["acount"] != 1 {
		t.Errorf("where nothing was accepted: %v", answer.UnknownFields)
	}
}

func TestServer_Events_TellsAllFaultsOfALine(t *testing.T) {
	s, to := newIntake(t)
	wrong := strings.NewReplacer(`"sms"`, `"smss"`, `"delivered"`, `"arrived"`, `"2026-11-19T10:00:05Z"`,
		`"yesterday"`).Replace(goodEvent)
	var answer eventsAnswer
	decode(t, post(s, goodEvent+"\n"+wrong), http.StatusAccepted, &answer)
	if len(answer.Rejected) != 1 || len(to.values) != 1 {
		t.Fatalf("%+v", answer)
	}
	for _, part := range []string{`channel: "smss"`, `status: "arrived"`, `occurred_at: "yesterday"`} {
		if got := answer.Rejected[0].Error; !strings.Contains(got, part) || strings.Count(got, "; ") < 2 {
			t.Errorf("%s is not in %s", part, got)
		}
	}
}

func TestServer_Events_Keys(t *testing.T) {
	s, to := newIntake(t)
	lookup := `{"account":"acme","status":"lookup","message_id":"m1","occurred_at":"2026-11-19T10:00:05Z","recipient":"+79001234567"}`
	if w := post(s, goodEvent+"\n"+lookup); w.Code != http.StatusAccepted {
		t.Fatal(w.Body)
	}
	if want := []string{"acme\x00m1", "acme\x00+79001234567"}; fmt.Sprintf("%q", to.keys) != fmt.Sprintf("%q", want) {
		t.Errorf("keys %q, want %q", to.keys, want)
	}
	if got := metricOf(t, s, `kaskad_query_events_total{outcome="accepted"}`); got != "2" {
		t.Errorf("accepted counts %v", got)
	}
}

// A text is measured and does not leave the server, whatever hides it.
func TestServer_Events_SMSText(t *testing.T) {
	for _, field := range []string{`"sms_text":"secret secret secret!"`,
		`"sms_text":"secret secret secret!","sms_text":null`, `"sms_\u0074ext":"secret secret secret!"`,
		`"sms_segments":1,"sms_text":"secret secret secret!"`} {
		s, to := newIntake(t)
		if w := post(s, strings.Replace(goodEvent, `"account"`, field+`,"account"`, 1)); w.Code != http.StatusAccepted {
			t.Fatal(w.Body)
		}
		if strings.Contains(to.values[0], "secret") {
			t.Errorf("%s: %s", field, to.values[0])
		}
		var event map[string]any
		if err := json.Unmarshal([]byte(to.values[0]), &event); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(field, "null") && (event["sms_segments"] != 2.0 || event["sms_over_by"] != 3.0) {
			t.Errorf("%s: %v segments, over by %v", field, event["sms_segments"], event["sms_over_by"])
		}
		if event["message_id"] != "m1" || event["recipient"] != "+79001234567" {
			t.Errorf("%s: %s", field, to.values[0])
		}
	}
}

func TestServer_Events_Refusals(t *testing.T) {
	s, to := newIntake(t)
	w := post(s, `{"account":"acme"}`+"\n"+`[]`)
	wantProblem(t, w, http.StatusUnprocessableEntity, "", "none of the 2 events")
	var answer eventsAnswer
	decode(t, w, http.StatusUnprocessableEntity, &answer)
	if answer.Accepted != 0 || len(answer.Rejected) != 2 || answer.Rejected[0].Line != 1 || answer.RejectedTotal != 0 {
		t.Errorf("%s", w.Body)
	}
	if got := metricOf(t, s, `kaskad_query_events_total{outcome="rejected"}`); got != "2" {
		t.Errorf("rejected counts %v", got)
	}
	for _, body := range []string{"", " \n ", "[]"} {
		wantProblem(t, post(s, body), http.StatusBadRequest, "", "no event")
	}
	huge := strings.Replace(goodEvent, `[1]`, `"`+strings.Repeat("x", maxEventBytes)+`"`, 1)
	decode(t, post(s, goodEvent+"\n"+huge), http.StatusAccepted, &answer)
	if answer.Accepted != 1 || !strings.Contains(answer.Rejected[0].Error, "limit is 900000") {
		t.Errorf("a huge event: %+v", answer)
	}
	decode(t, post(s, goodEvent+strings.Repeat("\nx", maxRefusals+5)), http.StatusAccepted, &answer)
	if len(answer.Rejected) != maxRefusals || answer.RejectedTotal != maxRefusals+5 {
		t.Errorf("%d of %d refused lines are listed", len(answer.Rejected), answer.RejectedTotal)
	}
	if len(to.values) != 2 {
		t.Errorf("%d produced, want 2", len(to.values))
	}
}

func TestServer_Events_Encodings(t *testing.T) {
	s, to := newIntake(t)
	if w := post(s, querytest.Gzip(t, goodEvent), "Content-Encoding", "gzip"); w.Code != http.StatusAccepted ||
		to.values[0] != goodEvent {
		t.Errorf("gzip: %s", w.Body)
	}
	wantProblem(t, post(s, goodEvent, "Content-Encoding", "gzip"), http.StatusBadRequest, "", "cannot be read")
	packed := querytest.Gzip(t, goodEvent)
	wantProblem(t, post(s, packed[:len(packed)-5], "Content-Encoding", "gzip"), http.StatusBadRequest, "",
		"cannot be read")
	wantProblem(t, post(s, goodEvent, "Content-Encoding", "br"), http.StatusUnsupportedMediaType, "", "gzip")
	wantProblem(t, post(s, goodEvent, "Content-Type", "text/xml"), http.StatusUnsupportedMediaType, "",
		"application/x-ndjson")
	wantProblem(t, post(s, goodEvent, "Content-Type", ";;"), http.StatusUnsupportedMediaType, "",
		"application/x-ndjson")

	small := newServer(t, noConn{}, func(c *Config, d *Deps) { c.MaxBody, d.Producer = 1000, to })
	if w := post(small, goodEvent+strings.Repeat(" ", 1000-len(goodEvent))); w.Code != http.StatusAccepted {
		t.Errorf("a body of the limit: %s", w.Body)
	}
	wantProblem(t, post(small, goodEvent+strings.Repeat(" ", 1001-len(goodEvent))), http.StatusRequestEntityTooLarge,
		"", "several requests")
	wantProblem(t, post(small, querytest.Gzip(t, strings.Repeat(" ", 1001)), "Content-Encoding", "gzip"),
		http.StatusRequestEntityTooLarge, "", "several requests")
}

type away struct{}

func (away) Error() string     { return "no broker" }
func (away) Unavailable() bool { return true }

func TestServer_Events_Kafka(t *testing.T) {
	for name, err := range map[string]error{"sentinel": fmt.Errorf("produce: %w", answer.ErrUnavailable),
		"method":   fmt.Errorf("produce: %w", away{}),
		"deadline": context.DeadlineExceeded} {
		s, to := newIntake(t)
		to.err = err
		w := post(s, goodEvent)
		wantProblem(t, w, http.StatusServiceUnavailable, "", "nothing was accepted")
		if w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", name)
		}
		if got := metricOf(t, s, `kaskad_query_events_total{outcome="unavailable"}`); got != "1" {
			t.Errorf("%s: unavailable counts %v", name, got)
		}
	}
	s, to := newIntake(t)
	to.err = errors.New("record too large at broker 10.0.0.1")
	w := post(s, goodEvent)
	wantProblem(t, w, http.StatusInternalServerError, "", "log")
	if strings.Contains(w.Body.String(), "10.0.0.1") {
		t.Errorf("an inner error was sent: %s", w.Body)
	}
	wantProblem(t, post(newServer(t, noConn{}), goodEvent), http.StatusServiceUnavailable, "", "--kafka")
}
