package listfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// readText cuts a byte order mark and refuses what is not UTF-8.
func readText(body []byte, p *Problems) ([]byte, bool) {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	if utf8.Valid(body) {
		return body, true
	}
	good := 0
	for good < len(body) {
		r, size := utf8.DecodeRune(body[good:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		good += size
	}
	p.Add(0, lineAt(body, good), "", "is not UTF-8: save the file as UTF-8 (in Excel as \"CSV UTF-8\")")
	return nil, false
}

func lineAt(body []byte, offset int) int {
	return 1 + bytes.Count(body[:min(max(offset, 0), len(body))], []byte{'\n'})
}

// ReadJSON reads {"<name>": [{…}, …]}. It goes token by token because the plain decoder takes the last of two equal
// keys in silence, and numbers for floats.
func ReadJSON(body []byte, l *Spec, p *Problems) []Row {
	body, ok := readText(body, p)
	if !ok {
		return nil
	}
	var whole json.RawMessage
	if err := json.Unmarshal(body, &whole); err != nil {
		line := 1
		if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
			line = lineAt(body, int(syntax.Offset)-1)
		}
		p.Add(0, line, "", "is not JSON: "+err.Error())
		return nil
	}
	r := jsonReader{body: body, tokens: json.NewDecoder(bytes.NewReader(body)), line: 1, list: l, problems: p}
	r.tokens.UseNumber()
	return r.document()
}

type jsonReader struct {
	body     []byte
	tokens   *json.Decoder
	offset   int64
	line     int // of the latest token: no token of JSON spans lines
	list     *Spec
	problems *Problems
	stopped  bool // there is too much of something, and the rest is not read
}

// next returns the next token. The body is known to be JSON, so there is one where one is asked for.
func (r *jsonReader) next() json.Token {
	token, err := r.tokens.Token()
	if err != nil {
		return nil
	}
	offset := r.tokens.InputOffset()
	r.line += bytes.Count(r.body[r.offset:offset], []byte{'\n'})
	r.offset = offset
	return token
}

// skip passes over what is left of a value after its first token.
func (r *jsonReader) skip(first json.Token) {
	depth := 0
	for token := first; ; token = r.next() {
		switch token {
		case json.Delim('['), json.Delim('{'):
			depth++
		case json.Delim(']'), json.Delim('}'):
			depth--
		}
		if depth == 0 {
			return
		}
	}
}

func (r *jsonReader) document() (rows []Row) {
	if first := r.next(); first != json.Delim('{') {
		r.problems.Add(0, r.line, "", fmt.Sprintf(`must be an object {"%s": [{…}, …]}`, r.list.Name))
		return nil
	}
	found := false
	for fields := 0; r.tokens.More() && !r.stopped; fields++ {
		name, _ := r.next().(string)
		switch {
		case fields == maxFields:
			r.problems.Add(0, r.line, "", tooManyFields("fields"))
			r.stopped = true
		case slices.Contains(r.list.Beside, name):
			r.skip(r.next())
		case name != r.list.Name:
			r.problems.Add(0, r.line, Shorten(name), fmt.Sprintf(`is unknown beside %q: leave it out`, r.list.Name))
			r.skip(r.next())
		case found:
			r.problems.Add(0, r.line, name, "is there twice: put all rows into one list")
			r.skip(r.next())
		default:
			found = true
			rows = append([]Row{}, r.rows()...)
		}
	}
	if !found && !r.list.Optional {
		r.problems.Add(0, 1, r.list.Name,
			fmt.Sprintf(`is required: {"%s": [{…}, …]}; an empty list removes all rows`, r.list.Name))
	}
	return rows
}

func (r *jsonReader) rows() (rows []Row) {
	first := r.next()
	if first != json.Delim('[') {
		r.problems.Add(0, r.line, r.list.Name, "must be a list of objects")
		r.skip(first)
		return nil
	}
	for number := 1; r.tokens.More() && !r.stopped; number++ {
		first := r.next()
		switch {
		case number > r.list.Limit:
			r.problems.Add(0, r.line, r.list.Name, TooMany(r.list))
			r.stopped = true
			return rows
		case first != json.Delim('{'):
			r.problems.Add(number, r.line, "", "must be an object")
			r.skip(first)
		default:
			rows = append(rows, r.row(number))
		}
	}
	r.next() // ]
	return rows
}

func (r *jsonReader) row(number int) Row {
	out := newRow(number, r.line, r.list, r.problems)
	var seen uint32
	for fields := 0; r.tokens.More(); fields++ {
		name, _ := r.next().(string)
		if fields == maxFields {
			r.problems.Add(number, r.line, "", tooManyFields("fields"))
			r.stopped = true
			return out
		}
		v := Value{line: r.line}
		switch token := r.next().(type) {
		case nil:
		case string:
			v.Kind, v.Text = textual, token
		case json.Number:
			v.Kind, v.Text = numeric, token.String()
		default:
			v.Kind = Other
			r.skip(token)
		}
		out.set(name, v, &seen)
	}
	r.next() // }
	return out
}

// TooMany is the problem of a list that has more rows than it may.
func TooMany(l *Spec) string {
	return fmt.Sprintf("has more than %d rows, the most that a list may have: use \"*\" for rows that differ in "+
		"nothing else", l.Limit)
}
