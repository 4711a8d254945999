package money

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"kaskad/schema"
)

// Lists of tariffs and templates come as JSON, YAML and CSV. A reader of each format brings them to rows of plain
// values with their lines, then one set of rules judges the values, so that all formats say the same and all problems
// are listed at once.

// MaxRowErrors is how many problems of a list are told at once; the last of them then says how many more there are.
const MaxRowErrors = 100

// What a list holds besides rows is bounded too, so that reading a file takes memory and time by its size alone.
const (
	// maxFields is how many fields a row may have, or cells: far more than are known.
	maxFields = 64
	// maxFieldBytes is how long a value may be: the longest text that a template has, escaped.
	maxFieldBytes = 64 << 10
	// maxNodes is about how many keys, values and lists a YAML document may have. Its library takes 200 bytes for each.
	maxNodes = 1_500_000
)

// RowError tells what is wrong with a list, where, and what would mend it.
type RowError struct {
	Row int // 1-based number of the row; 0 when the list as a whole is meant
	// 1-based line of the file, where the field or else the row stands; 0 when the list is not from a file
	Line   int
	Field  string // "" when the row as a whole is meant
	Reason string
}

// Error reads "row 3 (line 41): price: must not be negative…".
func (e RowError) Error() string {
	var b strings.Builder
	switch {
	case e.Row > 0 && e.Line > 0:
		fmt.Fprintf(&b, "row %d (line %d): ", e.Row, e.Line)
	case e.Row > 0:
		fmt.Fprintf(&b, "row %d: ", e.Row)
	case e.Line > 0:
		fmt.Fprintf(&b, "line %d: ", e.Line)
	}
	if e.Field != "" {
		b.WriteString(e.Field)
		b.WriteString(": ")
	}
	b.WriteString(e.Reason)
	return b.String()
}

// RowErrors is the error of all functions that parse or validate a list: every problem of it in the order of rows, at
// most [MaxRowErrors].
type RowErrors []RowError

// Error has a line for each problem.
func (e RowErrors) Error() string {
	lines := make([]string, len(e))
	for i := range e {
		lines[i] = e[i].Error()
	}
	return strings.Join(lines, "\n")
}

// problems collects what is wrong with a list.
type problems struct {
	list RowErrors
	more int
}

// full tells that no more problems are kept, only counted.
func (p *problems) full() bool { return len(p.list) >= MaxRowErrors }

func (p *problems) add(row, line int, field, reason string) {
	if p.full() {
		p.more++
		return
	}
	p.list = append(p.list, RowError{Row: row, Line: line, Field: field, Reason: reason})
}

// err returns RowErrors, or nil without problems.
func (p *problems) err() error {
	if len(p.list) == 0 {
		return nil
	}
	slices.SortStableFunc(p.list, func(a, b RowError) int { return cmp.Compare(a.Row, b.Row) })
	if p.more > 0 {
		p.list[MaxRowErrors-1] = RowError{Reason: fmt.Sprintf("%d more problems are not listed", p.more+1)}
	}
	return p.list
}

// list describes what a file may hold.
type list struct {
	name     string   // of the field of the JSON or YAML document that holds the rows
	beside   []string // fields of the document that are not read here: another list, what GET shows of it
	optional bool     // the document may lack the list; then there are no rows, not even an empty list of them
	prefix   string   // of the fields' names in problems, where a document has several lists
	fields   []string
	required []string // columns that no CSV header lacks
	limit    int
}

// reader brings a file to rows; problems of form go to p.
type reader func(body []byte, l *list, p *problems) []row

// kind is what a value is in its file.
type kind uint8

const (
	absent kind = iota // left out, null or an empty CSV cell
	textual
	numeric // an unquoted JSON number, in its own digits
	other   // what no field takes: true, false, a list, an object
)

type value struct {
	kind kind
	text string
	line int
}

// tooManyFields is the problem of a row that cannot be meant.
func tooManyFields(what string) string {
	return fmt.Sprintf("has more than %d %s: is this the right file?", maxFields, what)
}

// row has one value for each of its list's fields, in their order.
type row struct {
	number, line int
	values       []value
	list         *list
	refused      uint32 // bit i: list.fields[i] has a problem, and more about it would only confuse
	problems     *problems
}

func newRow(number, line int, l *list, p *problems) row {
	return row{number: number, line: line, values: make([]value, len(l.fields)), list: l, problems: p}
}

// set keeps a value of the row. It returns false when the field is unknown or there twice, which is a problem of the
// row.
func (r *row) set(name string, v value, seen *uint32) {
	i := slices.Index(r.list.fields, name)
	switch {
	case i < 0 && r.problems.full():
		r.problems.more++
	case i < 0:
		r.problems.add(r.number, v.line, r.list.prefix+shorten(name),
			"is unknown; the fields are "+strings.Join(r.list.fields, " "))
	case *seen&(1<<i) != 0:
		r.values[i].line = v.line
		r.refuse(name, "is there twice: leave one out")
	case len(v.text) > maxFieldBytes:
		*seen |= 1 << i
		r.values[i] = value{kind: other, line: v.line}
		r.refuse(name, fmt.Sprintf("is longer than %d bytes", maxFieldBytes))
	default:
		*seen |= 1 << i
		r.values[i] = v
	}
}

func (r *row) value(field string) value { return r.values[slices.Index(r.list.fields, field)] }

func (r *row) has(field string) bool { return r.value(field).kind != absent }

// refuse adds a problem of a field, unless it has one already.
func (r *row) refuse(field, reason string) {
	i := slices.Index(r.list.fields, field)
	if r.refused&(1<<i) != 0 {
		return
	}
	r.refused |= 1 << i
	line := r.values[i].line
	if line == 0 {
		line = r.line
	}
	r.problems.add(r.number, line, r.list.prefix+field, reason)
}

// sound tells whether none of the fields has a problem.
func (r *row) sound(fields ...string) bool {
	for _, f := range fields {
		if r.refused&(1<<slices.Index(r.list.fields, f)) != 0 {
			return false
		}
	}
	return true
}

// text returns a text, or otherwise when it is left out. Numbers are refused: 0123 and 123 are different senders.
func (r *row) text(field, otherwise string) string {
	switch v := r.value(field); v.kind {
	case absent:
		return otherwise
	case textual:
		return v.text
	}
	r.refuse(field, "must be text in quotes")
	return otherwise
}

// needed is text that may not be left out; example shows how to write it.
func (r *row) needed(field, example string) string {
	if !r.has(field) {
		r.refuse(field, "is required, such as "+example)
	}
	return r.text(field, "")
}

// decimal returns a price or 0 when it is left out.
func (r *row) decimal(field string) int64 {
	v := r.value(field)
	if v.kind == absent {
		return 0
	}
	if v.kind == other {
		r.refuse(field, `must be a decimal such as "2.50"`)
		return 0
	}
	micros, err := ParsePrice(v.text)
	if err != nil {
		r.refuse(field, err.Error())
	}
	return micros
}

const timeExample = `"2026-01-01T00:00:00Z" or "2026-01-01T00:00:00+03:00"`

// time returns Unix milliseconds, or otherwise when it is left out. A date alone is refused: whose midnight it means is
// worth money.
func (r *row) time(field string, otherwise int64) int64 {
	s := r.text(field, "")
	if !r.has(field) || !r.sound(field) {
		return otherwise
	}
	ms, ok := schema.ParseTime([]byte(s))
	if !ok {
		r.refuse(field, "must be a time with its zone (RFC 3339), such as "+timeExample)
		return otherwise
	}
	return ms
}

const quarterMS = 15 * 60 * 1000

// checkValidity judges the borders of a row's validity. FromMS is 0 and ToMS is schema.Never where they are unknown.
func checkValidity(fromMS, toMS int64, refuse func(field, reason string)) {
	check := func(field string, ms int64) {
		switch {
		case ms < 0 || ms >= schema.Never:
			refuse(field, "must lie in the years 1970 to 2286; leave valid_to out while the row has no end")
		case ms%quarterMS != 0:
			refuse(field, "must lie on a quarter hour of UTC, because prices change between quarter hours of "+
				"cohorts: :00, :15, :30 or :45 without seconds")
		}
	}
	check("valid_from", fromMS)
	if toMS != schema.Never {
		check("valid_to", toMS)
	}
	if toMS <= fromMS && fromMS < schema.Never {
		refuse("valid_to", "must be later than valid_from: the row is valid from valid_from until just before valid_to")
	}
}

// checkText judges a text that events are compared with: it must be one that an event can have.
func checkText(field, s string, refuse func(field, reason string)) {
	switch {
	case len(s) > schema.MaxTextBytes:
		refuse(field, fmt.Sprintf("must have at most %d bytes, as in events", schema.MaxTextBytes))
	case !utf8.ValidString(s):
		refuse(field, "must be UTF-8")
	case strings.ContainsFunc(s, unicode.IsControl):
		refuse(field, "must not hold line breaks, tabs or other control characters")
	}
}

// period is a row's validity under its keys.
type period[K comparable] struct {
	keys         K
	fromMS, toMS int64
	row          int // index
}

// overlaps calls found with the indexes of rows that have the same keys and are valid at the same time, the later row
// of the list first.
func overlaps[K comparable](periods []period[K], found func(row, with int)) {
	groups := make(map[K][]period[K], len(periods))
	for _, p := range periods {
		groups[p.keys] = append(groups[p.keys], p)
	}
	// In the order of the list, so that the same list has the same problems in the same order.
	for _, p := range periods {
		group := groups[p.keys]
		if len(group) < 2 {
			continue
		}
		delete(groups, p.keys)
		slices.SortStableFunc(group, func(a, b period[K]) int { return cmp.Compare(a.fromMS, b.fromMS) })
		last := group[0] // of those so far, the one that is valid longest
		for _, q := range group[1:] {
			if q.fromMS < last.toMS {
				found(max(q.row, last.row), min(q.row, last.row))
			}
			if q.toMS > last.toMS {
				last = q
			}
		}
	}
}

// shorten keeps messages readable where a file holds something long in the place of a name.
func shorten(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
