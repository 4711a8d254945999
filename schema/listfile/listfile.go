package listfile

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

// MaxRowErrors is how many problems of a list are listed at once; where there are more, the last says how many.
const MaxRowErrors = 100

// What a list holds besides rows is bounded too, so that reading a file takes memory and time by its size alone.
const (
	// maxFields is how many fields a row may have, or cells: far more than are known.
	maxFields = 64
	// maxFieldBytes is how long a value may be: the longest text that a template has, escaped.
	maxFieldBytes = 64 << 10
	// MaxNodes is about how many keys, values and lists a YAML document may have. Its library takes 200 bytes for each.
	MaxNodes = 1_500_000
)

// RowError says what is wrong with a list, where, and how to fix it.
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

// Problems collects what is wrong with a list.
type Problems struct {
	List RowErrors
	more int
}

// full reports whether further problems are only counted.
func (p *Problems) full() bool { return len(p.List) >= MaxRowErrors }

// Add adds a problem of a row, 0 for the list as a whole, and of a line of the file, 0 where there is no file.
func (p *Problems) Add(row, line int, field, reason string) {
	if p.full() {
		p.more++
		return
	}
	p.List = append(p.List, RowError{Row: row, Line: line, Field: field, Reason: reason})
}

// Err returns RowErrors, or nil without problems.
func (p *Problems) Err() error {
	if len(p.List) == 0 {
		return nil
	}
	slices.SortStableFunc(p.List, func(a, b RowError) int { return cmp.Compare(a.Row, b.Row) })
	if p.more > 0 {
		p.List[MaxRowErrors-1] = RowError{Reason: fmt.Sprintf("%d more problems are not listed", p.more+1)}
	}
	return p.List
}

// Spec describes what a file may hold.
type Spec struct {
	Name     string   // of the field of the JSON or YAML document that holds the rows
	Beside   []string // fields of the document that are not read here: another list, what GET shows of it
	Optional bool     // the document may lack the list; then there are no rows, not even an empty list of them
	Prefix   string   // of the fields' names in problems, where a document has several lists
	Fields   []string
	Required []string // columns that no CSV header lacks
	Limit    int
}

// Reader brings a file to rows; problems of form go to p.
type Reader func(body []byte, l *Spec, p *Problems) []Row

// Kind is what a value is in its file.
type Kind uint8

// The kinds of values that the owners of lists ask for.
const (
	Absent Kind = iota // left out, null or an empty CSV cell
	textual
	numeric // an unquoted JSON number, in its own digits
	Other   // what no field takes: true, false, a list, an object
)

// Value is what a row has in a field, as it was written.
type Value struct {
	Kind Kind
	Text string
	line int
}

// tooManyFields is the problem of a row that cannot be meant.
func tooManyFields(what string) string {
	return fmt.Sprintf("has more than %d %s: is this the right file?", maxFields, what)
}

// Row has one value for each of its list's fields, in their order.
type Row struct {
	Number, Line int
	values       []Value
	list         *Spec
	refused      uint32 // bit i: list.fields[i] has a problem, and more about it would only confuse
	problems     *Problems
}

func newRow(number, line int, l *Spec, p *Problems) Row {
	return Row{Number: number, Line: line, values: make([]Value, len(l.Fields)), list: l, problems: p}
}

// set keeps a value of the row. It returns false when the field is unknown or there twice, which is a problem of the
// row.
func (r *Row) set(name string, v Value, seen *uint32) {
	i := slices.Index(r.list.Fields, name)
	switch {
	case i < 0 && r.problems.full():
		r.problems.more++
	case i < 0:
		r.problems.Add(r.Number, v.line, r.list.Prefix+Shorten(name),
			"is unknown; the fields are "+strings.Join(r.list.Fields, " "))
	case *seen&(1<<i) != 0:
		r.values[i].line = v.line
		r.Refuse(name, "is there twice: leave one out")
	case len(v.Text) > maxFieldBytes:
		*seen |= 1 << i
		r.values[i] = Value{Kind: Other, line: v.line}
		r.Refuse(name, fmt.Sprintf("is longer than %d bytes", maxFieldBytes))
	default:
		*seen |= 1 << i
		r.values[i] = v
	}
}

// Value returns what the row has in one of the list's fields.
func (r *Row) Value(field string) Value { return r.values[slices.Index(r.list.Fields, field)] }

// Has reports whether the row has a value in the field.
func (r *Row) Has(field string) bool { return r.Value(field).Kind != Absent }

// Refuse adds a problem of a field, unless it has one already.
func (r *Row) Refuse(field, reason string) {
	i := slices.Index(r.list.Fields, field)
	if r.refused&(1<<i) != 0 {
		return
	}
	r.refused |= 1 << i
	line := r.values[i].line
	if line == 0 {
		line = r.Line
	}
	r.problems.Add(r.Number, line, r.list.Prefix+field, reason)
}

// Sound reports whether none of the fields has a problem.
func (r *Row) Sound(fields ...string) bool {
	for _, f := range fields {
		if r.refused&(1<<slices.Index(r.list.Fields, f)) != 0 {
			return false
		}
	}
	return true
}

// Text returns a text, or otherwise when it is left out. Numbers are refused: 0123 and 123 are different senders.
func (r *Row) Text(field, otherwise string) string {
	switch v := r.Value(field); v.Kind {
	case Absent:
		return otherwise
	case textual:
		return v.Text
	}
	r.Refuse(field, "must be text in quotes")
	return otherwise
}

// Needed is text that may not be left out; example shows how to write it.
func (r *Row) Needed(field, example string) string {
	if !r.Has(field) {
		r.Refuse(field, "is required, such as "+example)
	}
	return r.Text(field, "")
}

// TimeExample shows how a time is written.
const TimeExample = `"2026-01-01T00:00:00Z" or "2026-01-01T00:00:00+03:00"`

// Time returns Unix milliseconds, or otherwise when it is left out. A date alone is refused: whose midnight it means is
// worth money.
func (r *Row) Time(field string, otherwise int64) int64 {
	s := r.Text(field, "")
	if !r.Has(field) || !r.Sound(field) {
		return otherwise
	}
	ms, ok := schema.ParseTime([]byte(s))
	if !ok {
		r.Refuse(field, "must be a time with its zone (RFC 3339), such as "+TimeExample)
		return otherwise
	}
	return ms
}

// CheckText judges a text that events are compared with: it must be one that an event can have.
func CheckText(field, s string, refuse func(field, reason string)) {
	switch {
	case len(s) > schema.MaxTextBytes:
		refuse(field, fmt.Sprintf("must have at most %d bytes, as in events", schema.MaxTextBytes))
	case !utf8.ValidString(s):
		refuse(field, "must be UTF-8")
	case strings.ContainsFunc(s, unicode.IsControl):
		refuse(field, "must not hold line breaks, tabs or other control characters")
	}
}

// Shorten keeps messages readable where a file holds something long in the place of a name.
func Shorten(s string) string {
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
