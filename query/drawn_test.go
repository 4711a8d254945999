package query

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kaskad/engine/enginetest"
	"kaskad/query/answer"
	"kaskad/query/rollup"
)

// What a server remembers never shows: one that was asked many things answers, byte for byte, what a server says that
// was started just now over the same tables. Requests are drawn from what the routes say of themselves, so a route or
// parameter that is added is drawn too, and mostly they are like others before: what is kept under too short a name is
// given to such. In between events and receipts come late, lists of reference data change, people opt out and are
// erased, editions die, days are summed up, clocks go on.
func TestServer_Drawn_Remembered(t *testing.T) {
	rounds, questions := enginetest.World(t, 2, 2, 4), enginetest.World(t, 10, 14, 60)
	for seed := range enginetest.World(t, 1, 1, 40) {
		t.Run(fmt.Sprint("world ", seed), func(t *testing.T) {
			w := newDrawnWorld(t, uint64(seed+2))
			for range rounds {
				w.change()
				for range questions {
					w.ask(w.draw())
				}
				if t.Failed() {
					return
				}
				w.readOn()
			}
			if w.answered*2 < w.asked {
				t.Errorf("%d of %d requests were answered", w.answered, w.asked)
			}
		})
	}
}

// question is a request of a caller.
type question struct {
	route  *answer.Route
	path   string
	values url.Values
	key    string
}

func (q *question) target() string { return q.path + "?" + q.values.Encode() }

// unremembered are routes that answer with what the process, the key or the hour does, or not from what is stored.
var unremembered = []string{"/v1/audit", "/v1/keys", "/v1/session", "/v1/status", "/v1/rejected", "/v1/forecasts/",
	"/v1/sms/", "/v1/views", "/v1/definitions", "/v1/erasures"}

// drawnRoutes are those that requests are drawn for.
func drawnRoutes(s *Server) (routes []*answer.Route) {
	for i := range s.all {
		r := &s.all[i]
		if r.Method == http.MethodGet && strings.HasPrefix(r.Path, "/v1/") && !slices.ContainsFunc(unremembered,
			func(prefix string) bool { return strings.HasPrefix(r.Path, prefix) }) {
			routes = append(routes, r)
			if strings.HasPrefix(r.Path, "/v1/reports/") { // of these most is remembered
				routes = append(routes, r, r, r)
			}
		}
	}
	return routes
}

// draw draws a request: one from before, one that differs from such in a parameter, or a new one.
func (w *drawnWorld) draw() *question {
	kind := w.random.IntN(10)
	if len(w.questions) == 0 || kind < 3 {
		route := pick(w.random, w.routes)
		q := &question{route: route, values: url.Values{}, key: pick(w.random, w.keys),
			path: strings.NewReplacer(":number", url.PathEscape(pick(w.random, w.numbers)), ":id",
				url.PathEscape(pick(w.random, w.ids)), ":rule", "1").Replace(route.Path)}
		few := 1 + w.random.IntN(4)
		for _, i := range w.random.Perm(len(route.Params)) {
			p := &route.Params[i]
			usual := slices.Contains([]string{"account", "group_by", "from", "limit"}, p.Name) && w.random.IntN(3) > 0 ||
				len(w.seen[p.Name]) > 1 && w.random.IntN(4) == 0
			if p.In == answer.InQuery && (p.Required || usual || few > 0) {
				w.fill(q, p)
				few--
			}
		}
		return q
	}
	q := pick(w.random, w.questions)
	if kind == 3 {
		return q
	}
	other := &question{route: q.route, path: q.path, key: q.key, values: url.Values{}}
	for name, values := range q.values {
		other.values[name] = slices.Clone(values)
	}
	p := &q.route.Params[w.random.IntN(max(1, len(q.route.Params)))]
	if filters := w.filters(q); len(filters) > 0 && kind > 5 {
		p = pick(w.random, filters)
	}
	switch {
	case kind == 4:
		other.key = pick(w.random, w.keys)
	case kind == 6 && len(other.values[p.Name]) > 1: // values that are one
		other.values[p.Name] = []string{strings.Join(q.values[p.Name], pick(w.random, []string{"", ","}))}
	case kind == 6 && !p.Required:
		delete(other.values, p.Name)
	case p.In == answer.InQuery:
		w.fill(other, p)
	}
	return other
}

// filters are those that a request has.
func (w *drawnWorld) filters(q *question) (all []*answer.Param) {
	for i := range q.route.Params {
		if p := &q.route.Params[i]; p.Many && q.values[p.Name] != nil {
			all = append(all, p)
		}
	}
	return all
}

// words are values of texts: some are the end of others, some the names of filters, some put together give others.
var words = []string{"", "a", "b", "ab", "campaign"}

// fill gives a parameter of a request a value, or some.
func (w *drawnWorld) fill(q *question, p *answer.Param) {
	if p.Name == "cursor" || p.Name == "bom" {
		return
	}
	most := 1
	if p.Many {
		most = 3
	}
	values := []string{w.value(q, p)}
	for range w.random.IntN(most) {
		values = append(values, w.value(q, p))
	}
	slices.Sort(values)
	values = slices.Compact(values)
	w.random.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
	q.values[p.Name] = values
}

// value draws a value of a parameter: for what its schema leaves open, one that there is in this world.
func (w *drawnWorld) value(q *question, p *answer.Param) string {
	day := func(back int) time.Time { return w.now.AddDate(0, 0, -w.random.IntN(back)).Truncate(24 * time.Hour) }
	if w.random.IntN(40) == 0 {
		return "x" // which few are
	}
	if seen := w.seen[p.Name]; len(seen) > 0 && w.random.IntN(5) > 0 {
		return pick(w.random, seen)
	}
	switch p.Name {
	case "account":
		if own := w.names[q.key]; own != "" && w.random.IntN(4) > 0 {
			return own
		}
		return pick(w.random, w.accounts)
	case "week":
		return w.now.AddDate(0, 0, -7*w.random.IntN(4)-(int(w.now.Weekday())+6)%7).Format(time.DateOnly)
	case "from", "to":
		at := day(40).Add(time.Duration(w.random.IntN(96)) * 15 * time.Minute)
		if p.Name == "to" {
			at = at.AddDate(0, 0, 20)
		}
		return at.Format(pick(w.random, []string{time.DateOnly, time.RFC3339}))
	case "tz":
		return pick(w.random, []string{"UTC", "Europe/Moscow", "Asia/Kolkata", "America/New_York"})
	case "values":
		return pick(w.random, []string{"sms,viber", "viber,sms", "a,b", "ab,a", "1,2"})
	case "format":
		return pick(w.random, []string{"json", "csv", "ndjson", "arrow"})
	case "limit":
		return strconv.Itoa(1 + w.random.IntN(5))
	case "recipient", "contact", "number":
		return pick(w.random, w.numbers)
	case "le":
		return pick(w.random, []string{"1", "60", "3600", "0.5", "86400"})
	case "path":
		return pick(w.random, []string{"sms", "viber>sms", "push>viber>sms", "viber"})
	case "error_code":
		return pick(w.random, []string{"1", "2", "Unregistered", ""})
	}
	s := p.Schema
	if s != nil && s.AnyOf != nil {
		s = pick(w.random, s.AnyOf)
	}
	switch {
	case s != nil && len(s.Enum) > 0 && p.Comma:
		var names []string
		for range w.random.IntN(4) {
			if name := fmt.Sprint(pick(w.random, s.Enum)); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		return strings.Join(names, ",")
	case s != nil && len(s.Enum) > 0:
		return fmt.Sprint(pick(w.random, s.Enum))
	case s != nil && s.Minimum != nil:
		return strconv.Itoa(int(*s.Minimum) + w.random.IntN(min(8, 1+int(*s.Maximum-*s.Minimum))))
	case s != nil && s.Format == "date":
		return day(40).Format(time.DateOnly)
	case s != nil && s.Format == "date-time":
		return day(40).Add(time.Duration(w.random.IntN(24)) * time.Hour).Format(time.RFC3339)
	case s != nil && s.Pattern != "" && p.Example != nil:
		return fmt.Sprint(p.Example)
	case w.random.IntN(4) == 0 && p.Example != nil:
		return fmt.Sprint(p.Example)
	}
	return pick(w.random, words)
}

// learn notes what rows say of keys, so that filters by them leave something.
func (w *drawnWorld) learn(body []byte) {
	var page struct{ Rows []map[string]any }
	if json.Unmarshal(body, &page) != nil {
		return
	}
	for _, row := range page.Rows {
		for _, name := range slices.Sorted(maps.Keys(row)) {
			text := fmt.Sprint(row[name])
			_, kept := rollup.ChannelKeys.Find(name)
			if kept && name != "account" && len(w.seen[name]) < 20 && !slices.Contains(w.seen[name], text) {
				w.seen[name] = append(w.seen[name], text)
			}
		}
	}
}

func pick[E any](random *rand.Rand, of []E) E { return of[random.IntN(len(of))] }

// cursors differ from server to server, for they are sealed; so does how long an answer took to come about.
var (
	cursors   = regexp.MustCompile(`"next_cursor":"[^"]*"`)
	nextLines = []string{"Kaskad-Next-Cursor", "Etag", "Date"}
)

// said is what an answer says.
func said(code int, header http.Header, body string) string {
	text := fmt.Sprintln(code)
	for _, name := range slices.Sorted(maps.Keys(header)) {
		if !slices.Contains(nextLines, name) && name != "Content-Length" {
			text += fmt.Sprintln(name, header[name])
		}
	}
	return text + cursors.ReplaceAllString(body, `"next_cursor":""`)
}

// ask compares an answer with that of a server that knows nothing.
func (w *drawnWorld) ask(q *question) {
	w.t.Helper()
	target := q.target()
	fresh := w.server()
	headers := []string{"Authorization", "Bearer " + q.key}
	before, known := w.tags[q.key+target]
	if known {
		headers = append(headers, "If-None-Match", before.tag)
	}
	got := plain(w.old, target, headers...)
	want := plain(fresh, target, headers[:2]...)
	w.asked++
	if want.Code == http.StatusOK {
		w.answered++
		if !strings.Contains(want.Body.String(), `"rows":[]`) && !slices.Contains(w.questions, q) {
			w.questions = append(w.questions, q)
		}
		w.learn(want.Body.Bytes())
	}
	if got.Code == http.StatusNotModified {
		if wanted := settledText(said(want.Code, want.Header(), want.Body.String())); wanted != before.said {
			w.t.Errorf("%s: the tag holds, and the answer is\n%s\n, was\n%s", target, wanted, before.said)
		}
		return
	}
	of, wanted := said(got.Code, got.Header(), got.Body.String()), said(want.Code, want.Header(), want.Body.String())
	if of != wanted {
		w.t.Errorf("%s of %s: remembered\n%s\n, computed\n%s", target, w.names[q.key], of, wanted)
		return
	}
	if tag := got.Header().Get("ETag"); tag != "" && got.Code == http.StatusOK {
		w.tags[q.key+target] = tagged{tag, settledText(wanted)}
	}
	w.turn(q, fresh, got.Body.String(), want.Body.String())
}

type tagged struct{ tag, said string }

// settledText leaves out what goes on while a tag holds.
func settledText(text string) string {
	return regexp.MustCompile(`"(as_of|lag_seconds|to|mature)":("[^"]*"|[a-z0-9.]*)|"mature":(true|false)|Kaskad-[A-Za-z-]+ .*`).
		ReplaceAllString(text, "")
}

// turn compares the next pages of both servers, and notes the one of the old.
func (w *drawnWorld) turn(q *question, fresh *Server, got, want string) {
	w.t.Helper()
	next := func(body string) string {
		cursor, _ := strings.CutPrefix(cursors.FindString(body), `"next_cursor":"`)
		return strings.TrimSuffix(cursor, `"`)
	}
	if next(got) == "" {
		return
	}
	headers := []string{"Authorization", "Bearer " + q.key}
	target := q.target() + "&cursor=" + url.QueryEscape(next(got))
	of := plain(w.old, target, headers...)
	wanted := plain(fresh, q.target()+"&cursor="+url.QueryEscape(next(want)), headers...)
	page := said(wanted.Code, wanted.Header(), wanted.Body.String())
	if of := said(of.Code, of.Header(), of.Body.String()); of != page {
		w.t.Errorf("%s, behind a page: remembered\n%s\n, computed\n%s", q.target(), of, page)
	}
	if strings.HasPrefix(q.path, "/v1/reports/") {
		w.pages = append(w.pages, later{target, q.key, page})
	}
}

// later is a page that is read when other things have happened.
type later struct{ target, key, said string }

// readOn reads pages of a while ago: they are of what their first page was of, or nobody knows it any more.
func (w *drawnWorld) readOn() {
	w.t.Helper()
	for range min(3, len(w.pages)) {
		p := pick(w.random, w.pages)
		got := plain(w.old, p.target, "Authorization", "Bearer "+p.key)
		if text := said(got.Code, got.Header(), got.Body.String()); text != p.said && got.Code == http.StatusOK {
			w.t.Errorf("%s: a page is\n%s\n, was\n%s", p.target, text, p.said)
		}
	}
}
