package answer

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
	"github.com/hbollon/go-edlib"
)

// Limits of a query string. A request's headers, its URL among them, are limited to maxHeaderBytes as a whole.
const (
	maxValues      = 1000
	maxValueBytes  = 256
	maxCursorBytes = 16 << 10

	defaultPage = 1000
	maxPage     = 10_000

	QuarterMS = 15 * 60 * 1000
)

// Params reads the query string of one request. What is wrong is collected, so that one answer names it all.
type Params struct {
	Values url.Values
	// Errs are the first of what is wrong, and more says how many were not kept.
	Errs []ParameterError
	more int
	// broken is why the parameters cannot be judged, which is no fault of theirs.
	broken error
}

// ReadParams refuses parameters that the route does not declare, and values without bound.
func ReadParams(c *gin.Context) (*Params, error) {
	return readParams(c.Request, RouteOf(c).Names(InQuery))
}

func readParams(r *http.Request, known []string) (*Params, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, NewProblem(http.StatusBadRequest, "bad-query",
			"the query string cannot be read: percent-encode the values, and separate them by &").Because(err)
	}
	p := &Params{Values: values}
	if err := p.bind(r, slices.Contains(known, "account")); err != nil {
		return nil, err
	}
	total := 0
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if !slices.Contains(known, name) {
			p.Unknown(name, "is unknown here; ", known)
			continue
		}
		total += len(values[name])
		limit := maxValueBytes
		if name == "cursor" {
			limit = maxCursorBytes
		}
		for _, v := range values[name] {
			if len(v) > limit {
				p.Fail(name, fmt.Sprintf("has a value of %d bytes; the limit is %d", len(v), limit))
			}
		}
	}
	if total > maxValues {
		p.Fail("", fmt.Sprintf("there are %d values in all; the limit is %d: ask in several requests", total,
			maxValues))
	}
	return p, nil
}

// NoParams refuses all parameters, for a route that takes none.
func NoParams(c *gin.Context) error {
	p, err := ReadParams(c)
	if err != nil {
		return err
	}
	return p.Err()
}

// maxParameterErrors is how many of the things that are wrong are told at once.
const maxParameterErrors = 100

func (p *Params) Fail(name, reason string) {
	if len(p.Errs) >= maxParameterErrors {
		p.more++
		return
	}
	p.Errs = append(p.Errs, ParameterError{name, reason})
}

// Unknown fails a name and says which was meant, unless nobody would read it: a body may hold millions of names.
func (p *Params) Unknown(name, reason string, known []string) {
	if len(p.Errs) < maxParameterErrors {
		reason += Suggest(name, known)
	}
	p.Fail(Shorten(name), reason)
}

// Err returns the problems found so far as one answer.
func (p *Params) Err() error {
	if p.broken != nil {
		return p.broken
	}
	if len(p.Errs) == 0 {
		return nil
	}
	details := make([]string, 0, len(p.Errs))
	for _, e := range p.Errs[:min(len(p.Errs), 5)] {
		details = append(details, strings.TrimPrefix(e.Parameter+": "+e.Reason, ": "))
	}
	answer := NewProblem(http.StatusBadRequest, "bad-parameter", strings.Join(details, "; "))
	if more := len(p.Errs) - len(details) + p.more; more > 0 {
		answer.Detail += fmt.Sprintf("; and %d more", more)
	}
	answer.Errors = p.Errs
	return answer
}

// One returns the value of a parameter that may be given once.
func (p *Params) One(name string) (string, bool) {
	values := p.Values[name]
	if len(values) == 0 {
		return "", false
	}
	if len(values) > 1 {
		p.Fail(name, "is given more than once; give it once")
	}
	return values[0], true
}

// Many returns the values of a parameter that may be given several times, in order and each once.
func (p *Params) Many(name string) []string {
	return slices.Compact(slices.Sorted(slices.Values(p.Values[name])))
}

// CheckAccount judges a name. A NUL byte parts names where several are looked up as one, so no list is stored for a
// name that holds one.
func (p *Params) CheckAccount(account string) {
	if account == "" || !utf8.ValidString(account) || strings.ContainsRune(account, 0) {
		p.Fail("account", "must be the name of an account, in UTF-8")
	}
}

// Accounts reads parameter account, which may be given several times. An empty one names no account.
func (p *Params) Accounts() []string {
	accounts := p.Many("account")
	if slices.Contains(accounts, "") {
		p.Fail("account", "is empty; name an account, or leave the parameter out")
	}
	return accounts
}

// Seconds reads a whole number of seconds, 0 without the parameter.
func (p *Params) Seconds(name string, most int) time.Duration {
	given, found := p.One(name)
	if !found {
		return 0
	}
	n, err := strconv.Atoi(given)
	if err != nil || n < 0 || n > most {
		p.Fail(name, fmt.Sprintf("%q must be a whole number of seconds, 0…%d", Shorten(given), most))
	}
	return time.Duration(n) * time.Second
}

// Zone returns the time zone of parameter tz, UTC without it.
func (p *Params) Zone() *time.Location {
	name, given := p.One("tz")
	if !given {
		return time.UTC
	}
	// Local is a zone of the server, not of the caller.
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		p.Fail("tz", fmt.Sprintf("%q is not an IANA time zone such as Europe/Moscow or UTC", Shorten(name)))
		return time.UTC
	}
	return zone
}

// Period returns from and to in Unix milliseconds, half-open, by the rules of docs/definitions.md section 1.
func (p *Params) Period(now time.Time, zone *time.Location) (from, to int64) {
	from = FloorTo(now.Add(-400*24*time.Hour).UnixMilli(), QuarterMS)
	to = -FloorTo(-now.Add(time.Hour).UnixMilli(), QuarterMS)
	from, to = p.Bound("from", zone, from), p.Bound("to", zone, to)
	if len(p.Errs) == 0 && from >= to {
		p.Fail("to", "must be later than from")
	}
	return from, to
}

func (p *Params) Bound(name string, zone *time.Location, missing int64) int64 {
	given, found := p.One(name)
	if !found {
		return missing
	}
	var t time.Time
	if day, err := time.Parse(time.DateOnly, given); err == nil {
		t = DayStart(day, zone)
	} else if t, err = ParseInstant(given); err != nil {
		p.Fail(name, fmt.Sprintf("%q must be a date such as 2026-11-20 or an RFC 3339 time such as "+
			"2026-11-20T13:00:00+03:00", Shorten(given)))
		return missing
	}
	if t.Nanosecond() != 0 || t.Unix()%(QuarterMS/1000) != 0 {
		p.Fail(name, fmt.Sprintf("%q must lie on a quarter hour: reports are kept in quarter hours", Shorten(given)))
	}
	return t.UnixMilli()
}

// ParseInstant reads RFC 3339. A plus sign that was not percent-encoded arrives as a space, and is taken for what it
// was meant to be.
func ParseInstant(s string) (time.Time, error) {
	if n := len(s) - len(" 03:00"); n > 0 && s[n] == ' ' {
		s = s[:n] + "+" + s[n+1:]
	}
	return time.Parse(time.RFC3339Nano, s)
}

// DayStart returns the first instant of a local day. It is not always 00:00: where clocks go forward at midnight the
// day starts later, and where they go back to it, 00:00 comes twice. So the quarter hours around are tried, for zones
// move by those.
func DayStart(day time.Time, zone *time.Location) time.Time {
	wanted := day.Format(time.DateOnly)
	for t := day.Add(-16 * time.Hour); ; t = t.Add(15 * time.Minute) {
		// Not before: there are days that a zone has skipped.
		if t.In(zone).Format(time.DateOnly) >= wanted {
			return t
		}
	}
}

func FloorTo(n, unit int64) int64 {
	rest := n % unit
	if rest < 0 {
		rest += unit
	}
	return n - rest
}

// Limit returns the size of a page.
func (p *Params) Limit() int {
	given, found := p.One("limit")
	if !found {
		return defaultPage
	}
	n, err := strconv.Atoi(given)
	if err != nil || n < 1 || n > maxPage {
		p.Fail("limit", fmt.Sprintf("%q must be a whole number, 1…%d", Shorten(given), maxPage))
		return defaultPage
	}
	return n
}

// PageOrAll returns the size of a page, or all when the whole list is wanted in one answer.
func (p *Params) PageOrAll(f Format) (limit int, all bool) {
	if given, _ := p.One("limit"); given != "all" {
		return p.Limit(), false
	}
	if f == FormatJSON {
		p.Fail("limit", "all goes with format=csv, ndjson, xlsx, arrow or parquet; pages of JSON have up to "+
			strconv.Itoa(maxPage)+" rows")
	}
	if _, given := p.Values["cursor"]; given {
		p.Fail("cursor", "goes with pages; limit=all gives everything at once")
	}
	return 0, true
}

// Shorten keeps what the caller sent from filling the answer.
func Shorten(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if r := []rune(s); len(r) > 64 {
		return string(r[:64]) + "…"
	}
	return s
}

// Suggest names what the caller may have meant: the nearest known name, or all of them.
func Suggest(name string, known []string) string {
	best, distance := "", 1+max(1, min(3, len(name)/2))
	for _, k := range known {
		if d := edlib.OSADamerauLevenshteinDistance(strings.ToLower(Shorten(name)), k); d < distance {
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
