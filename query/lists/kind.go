package lists

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-faster/jx"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/schema"
	"kaskad/schema/listfile"
)

// maxList is what a list of reference data may weigh, in bytes, before and after decompression. It bounds the memory of
// a request, which takes several times as much. As many rows as package money allows fit while they are short: 100 000
// templates may take 167 bytes each.
const maxList = 16 << 20

// listForms are the forms of a list of reference data, in the order of listForm.
var listForms = [...]string{"json", "yaml", "csv"}

type listForm int

const (
	listJSON listForm = iota
	listYAML
	listCSV
)

func (f listForm) contentType() string {
	return [...]string{"application/json", "application/yaml", "text/csv; charset=utf-8; header=present"}[f]
}

// referenceKind is a kind of reference data: lists that an account replaces as a whole. All kinds have the same three
// routes.
type referenceKind struct {
	// name is the kind in the table and the field that holds the rows; route is its part of the routes, the name itself
	// when it is empty.
	name, route string
	// read checks a list as a whole. It returns the rows as JSON, as they are stored, and their number;
	// listfile.RowErrors when rows are wrong.
	read func(form listForm, body []byte) (rows int, array []byte, err error)
	// write prints what GET shows in another form; nil when there is none but JSON.
	write func(form listForm, array []byte) ([]byte, error)
	// show returns what GET shows of the list that is stored; its version is 0 when there is none. Without it that is
	// the list.
	show func(list schema.Reference) ([]byte, error)
	// keys tell one row from another: a row whose other fields differ has changed. rows takes apart what is stored
	// where that is not an array of rows, or members with one each.
	keys []string
	rows func(list schema.Reference) ([]listfile.Record, error)
	// members are the fields of what GET shows where it has several lists; without them it is one list, in a field of
	// the kind's name.
	members []string
	// forAll tells that GET without an account shows what holds for an account without a list.
	forAll bool
	// setting is a text beside the rows, "" for none; settingOf reads it from a body, and join and split put it
	// together with the rows for storing.
	setting   string
	settingOf func(form listForm, body []byte) (string, error)
	join      func(array []byte, setting string) []byte
	split     func(stored []byte) (array []byte, setting string, err error)
	// limit is what a body may weigh, maxList when it is 0.
	limit int64
	// compared returns what a dry run compares, where that is not what is stored.
	compared func(list schema.Reference) ([]byte, error)
	// complete makes of a list what is stored of it, given the one that it replaces and who puts it. What is refused is
	// listfile.RowErrors.
	complete func(caller *answer.Caller, before schema.Reference, body []byte) ([]byte, error)
	// title and about say what the list is; shown are the members that hold it in what GET shows, and taken those in
	// what PUT takes; example is a body that is taken.
	title, about, example string
	shown, taken          []answer.Column
	// verdicts tells that the list decides verdicts on numbers, which are asked for anew when it has changed.
	verdicts bool
}

// path is the route of the kind.
func (k referenceKind) path() string { return "/v1/" + cmp.Or(k.route, k.name) }

// newReferenceKind makes a kind from what reads and prints its lists in each form. {"name": array} is the JSON form.
func newReferenceKind[T any](name string, keys []string, read [len(listForms)]func([]byte) ([]T, error),
	write [len(listForms)]func([]T) ([]byte, error)) referenceKind {
	return referenceKind{
		name: name, keys: keys,
		read: func(form listForm, body []byte) (int, []byte, error) {
			if form == listJSON {
				body = withoutEnvelope(body, name)
			}
			list, err := read[form](body)
			if err != nil {
				return 0, nil, err
			}
			if list == nil {
				list = []T{} // null is no array
			}
			array, err := json.Marshal(list)
			if err != nil {
				return 0, nil, fmt.Errorf("print %s: %w", name, err)
			}
			return len(list), array, nil
		},
		write: func(form listForm, array []byte) ([]byte, error) {
			list, err := read[listJSON](slices.Concat([]byte(`{"`+name+`":`), array, []byte("}")))
			if err != nil {
				return nil, fmt.Errorf("read stored %s: %w", name, err)
			}
			return write[form](list)
		},
	}
}

// withoutEnvelope lets a caller send back what GET gave: the fields beside the rows are left out, and the rows stay on
// their lines. Any other body is returned as it is, for its reader to judge.
func withoutEnvelope(body []byte, name string) []byte {
	d := json.NewDecoder(bytes.NewReader(body))
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		return body
	}
	var rows json.RawMessage
	line := 0
	for d.More() {
		field, err := d.Token()
		var member json.RawMessage
		if err != nil || d.Decode(&member) != nil {
			return body
		}
		switch {
		case field == name && rows == nil:
			rows = member
			line = bytes.Count(body[:d.InputOffset()-int64(len(member))], []byte{'\n'})
		case field != "account" && field != "version" && field != "at" && field != money.BillingZoneField:
			return body
		}
	}
	if _, err := d.Token(); err != nil || rows == nil {
		return body
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return body
	}
	return slices.Concat([]byte("{"), bytes.Repeat([]byte{'\n'}, line), []byte(`"`+name+`":`), rows, []byte("}"))
}

// lists writes what GET shows as fields of its answer.
func (k referenceKind) lists(out *jx.Encoder, shown []byte) error {
	if k.members == nil {
		out.FieldStart(k.name)
		out.Raw(shown)
		return nil
	}
	var lists map[string]json.RawMessage
	if err := json.Unmarshal(shown, &lists); err != nil {
		return fmt.Errorf("show %s: %w", k.name, err)
	}
	for _, name := range k.members {
		out.FieldStart(name)
		out.Raw(lists[name])
	}
	return nil
}
