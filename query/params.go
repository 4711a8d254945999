package query

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
)

// Limits of a query string. A request's headers, its URL among them, are limited to maxHeaderBytes as a whole.
const (
	maxValues      = 1000
	maxValueBytes  = 256
	maxCursorBytes = 16 << 10

	defaultPage = 1000
	maxPage     = 10_000

	quarterMS = 15 * 60 * 1000
)

// params reads the query string of one request. What is wrong is collected, so that one answer names it all.
type params struct {
	values url.Values
	// errs are the first of what is wrong, and more says how many were not kept.
	errs []ParameterError
	more int
	// broken is why the parameters cannot be judged, which is no fault of theirs.
	broken error
}

// readParams refuses parameters that are not known, and values without bound. known lists every name that the route
// takes.
func readParams(r *http.Request, known []string) (*params, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, problem(http.StatusBadRequest, "bad-query",
			"the query string cannot be read: percent-encode the values, and separate them by &").because(err)
	}
	p := &params{values: values}
	total := 0
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if !slices.Contains(known, name) {
			p.unknown(name, "is unknown here; ", known)
			continue
		}
		total += len(values[name])
		limit := maxValueBytes
		if name == "cursor" {
			limit = maxCursorBytes
		}
		for _, v := range values[name] {
			if len(v) > limit {
				p.fail(name, fmt.Sprintf("has a value of %d bytes; the limit is %d", len(v), limit))
			}
		}
	}
	if total > maxValues {
		p.fail("", fmt.Sprintf("there are %d values in all; the limit is %d: ask in several requests", total,
			maxValues))
	}
	return p, nil
}

// noParams refuses all parameters, for a route that takes none.
func noParams(c *gin.Context) error {
	p, err := readParams(c.Request, nil)
	if err != nil {
		return err
	}
	return p.err()
}

// maxParameterErrors is how many of the things that are wrong are told at once.
const maxParameterErrors = 100

func (p *params) fail(name, reason string) {
	if len(p.errs) >= maxParameterErrors {
		p.more++
		return
	}
	p.errs = append(p.errs, ParameterError{name, reason})
}

// unknown fails a name and says which was meant, unless nobody would read it: a body may hold millions of names.
func (p *params) unknown(name, reason string, known []string) {
	if len(p.errs) < maxParameterErrors {
		reason += suggest(name, known)
	}
	p.fail(shorten(name), reason)
}

// err returns the problems found so far as one answer.
func (p *params) err() error {
	if p.broken != nil {
		return p.broken
	}
	if len(p.errs) == 0 {
		return nil
	}
	details := make([]string, 0, len(p.errs))
	for _, e := range p.errs[:min(len(p.errs), 5)] {
		details = append(details, strings.TrimPrefix(e.Parameter+": "+e.Reason, ": "))
	}
	answer := problem(http.StatusBadRequest, "bad-parameter", strings.Join(details, "; "))
	if more := len(p.errs) - len(details) + p.more; more > 0 {
		answer.Detail += fmt.Sprintf("; and %d more", more)
	}
	answer.Errors = p.errs
	return answer
}

// one returns the value of a parameter that may be given once.
func (p *params) one(name string) (string, bool) {
	values := p.values[name]
	if len(values) == 0 {
		return "", false
	}
	if len(values) > 1 {
		p.fail(name, "is given more than once; give it once")
	}
	return values[0], true
}

// many returns the values of a parameter that may be given several times, in order and each once.
func (p *params) many(name string) []string {
	return slices.Compact(slices.Sorted(slices.Values(p.values[name])))
}

// checkAccount judges a name. A NUL byte parts names where several are looked up as one, so no list is stored for a
// name that holds one.
func (p *params) checkAccount(account string) {
	if account == "" || !utf8.ValidString(account) || strings.ContainsRune(account, 0) {
		p.fail("account", "must be the name of an account, in UTF-8")
	}
}

// accountFilter reads parameter account, which may be given several times. An empty one names no account.
func (p *params) accountFilter() []string {
	accounts := p.many("account")
	if slices.Contains(accounts, "") {
		p.fail("account", "is empty; name an account, or leave the parameter out")
	}
	return accounts
}

// seconds reads a whole number of seconds, 0 without the parameter.
func (p *params) seconds(name string, most int) time.Duration {
	given, found := p.one(name)
	if !found {
		return 0
	}
	n, err := strconv.Atoi(given)
	if err != nil || n < 0 || n > most {
		p.fail(name, fmt.Sprintf("%q must be a whole number of seconds, 0…%d", shorten(given), most))
	}
	return time.Duration(n) * time.Second
}

// zone returns the time zone of parameter tz, UTC without it.
func (p *params) zone() *time.Location {
	name, given := p.one("tz")
	if !given {
		return time.UTC
	}
	// Local is a zone of the server, not of the caller.
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		p.fail("tz", fmt.Sprintf("%q is not an IANA time zone such as Europe/Moscow or UTC", shorten(name)))
		return time.UTC
	}
	return zone
}

// period returns from and to in Unix milliseconds, half-open, by the rules of docs/definitions.md section 1.
func (p *params) period(now time.Time, zone *time.Location) (from, to int64) {
	from = floorTo(now.Add(-400*24*time.Hour).UnixMilli(), quarterMS)
	to = -floorTo(-now.Add(time.Hour).UnixMilli(), quarterMS)
	from, to = p.bound("from", zone, from), p.bound("to", zone, to)
	if len(p.errs) == 0 && from >= to {
		p.fail("to", "must be later than from")
	}
	return from, to
}

func (p *params) bound(name string, zone *time.Location, missing int64) int64 {
	given, found := p.one(name)
	if !found {
		return missing
	}
	var t time.Time
	if day, err := time.Parse(time.DateOnly, given); err == nil {
		t = dayStart(day, zone)
	} else if t, err = parseInstant(given); err != nil {
		p.fail(name, fmt.Sprintf("%q must be a date such as 2026-11-20 or an RFC 3339 time such as "+
			"2026-11-20T13:00:00+03:00", shorten(given)))
		return missing
	}
	if t.Nanosecond() != 0 || t.Unix()%(quarterMS/1000) != 0 {
		p.fail(name, fmt.Sprintf("%q must lie on a quarter hour: reports are kept in quarter hours", shorten(given)))
	}
	return t.UnixMilli()
}

// parseInstant reads RFC 3339. A plus sign that was not percent-encoded arrives as a space, and is taken for what it
// was meant to be.
func parseInstant(s string) (time.Time, error) {
	if n := len(s) - len(" 03:00"); n > 0 && s[n] == ' ' {
		s = s[:n] + "+" + s[n+1:]
	}
	return time.Parse(time.RFC3339Nano, s)
}

// dayStart returns the first instant of a local day. It is not always 00:00: where clocks go forward at midnight the
// day starts later, and where they go back to it, 00:00 comes twice. So the quarter hours around are tried, for zones
// move by those.
func dayStart(day time.Time, zone *time.Location) time.Time {
	wanted := day.Format(time.DateOnly)
	for t := day.Add(-16 * time.Hour); ; t = t.Add(15 * time.Minute) {
		// Not before: there are days that a zone has skipped.
		if t.In(zone).Format(time.DateOnly) >= wanted {
			return t
		}
	}
}

func floorTo(n, unit int64) int64 {
	rest := n % unit
	if rest < 0 {
		rest += unit
	}
	return n - rest
}

// limit returns the size of a page.
func (p *params) limit() int {
	given, found := p.one("limit")
	if !found {
		return defaultPage
	}
	n, err := strconv.Atoi(given)
	if err != nil || n < 1 || n > maxPage {
		p.fail("limit", fmt.Sprintf("%q must be a whole number, 1…%d", shorten(given), maxPage))
		return defaultPage
	}
	return n
}

// pageOrAll returns the size of a page, or all when the whole list is wanted in one answer.
func (p *params) pageOrAll(f format) (limit int, all bool) {
	if given, _ := p.one("limit"); given != "all" {
		return p.limit(), false
	}
	if f == formatJSON {
		p.fail("limit", "all goes with format=csv, ndjson, xlsx or arrow; pages of JSON have up to "+strconv.Itoa(maxPage)+" rows")
	}
	if _, given := p.values["cursor"]; given {
		p.fail("cursor", "goes with pages; limit=all gives everything at once")
	}
	return 0, true
}

// shorten keeps what the caller sent from filling the answer.
func shorten(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if r := []rune(s); len(r) > 64 {
		return string(r[:64]) + "…"
	}
	return s
}

// suggest names what the caller may have meant: the nearest known name, or all of them.
func suggest(name string, known []string) string {
	best, distance := "", 1+max(1, min(3, len(name)/2))
	for _, k := range known {
		if d := editDistance(strings.ToLower(shorten(name)), k); d < distance {
			best, distance = k, d
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	if len(known) == 0 {
		return "this route takes none"
	}
	return "it must be one of " + strings.Join(known, " ")
}

// editDistance is Levenshtein's, with swapped neighbours counted as one step.
func editDistance(a, b string) int {
	before, previous, current := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := range len(a) {
		current[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			current[j+1] = min(previous[j]+cost, previous[j+1]+1, current[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				current[j+1] = min(current[j+1], before[j-1]+1)
			}
		}
		before, previous, current = previous, current, before
	}
	return previous[len(b)]
}
