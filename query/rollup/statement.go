package rollup

import (
	"embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/query/store"
	"kaskad/schema/errormap"
	"kaskad/schema/law"
)

// sharedSQL are the parts that several statements have in common: which cells are visible, which addresses are lost,
// which opt-outs stand.
//
//go:embed sql/visible.sql sql/lost_addresses.sql sql/opt_outs.sql
var sharedSQL embed.FS

// Template makes the template of a statement of its texts, the last of which is its own; the others, and the parts
// that statements have in common, are there to be included. What fills it in are identifiers and expressions of the
// program, and nothing that a request carries. Like template.Must, it panics where a text is no template: they are part
// of the program.
func Template(name string, texts ...string) *template.Template {
	t := template.Must(law.Template(name).ParseFS(sharedSQL, "sql/*.sql"))
	for _, text := range texts {
		template.Must(t.Parse(text))
	}
	return t
}

// KeySQL is a key at its place in group_by.
type KeySQL struct {
	Cell, Column, Shown, Name, After string
}

// FilterSQL is a filter as it stands in a condition.
type FilterSQL struct {
	Shown, Parameter string
}

// StatementData is what statements of reports are filled in with.
type StatementData struct {
	CellsSQL
	Page             bool // not everything at once
	After            bool // rows up to a cursor are left out
	Keys             []KeySQL
	Filters          []FilterSQL
	Accounts, Single bool
	Route, Class     string
	Rank             string // what rows are sorted by before their keys
	Search           bool   // a key must hold parameter search
	Channel          bool   // no other than parameter channel is looked at
}

// InSQL reports whether a statement knows the key; what it does not know is found out after reading.
func (k Key) InSQL() bool { return k.Cell != "" }

// Statement fills a template for the keys and filters that inSQL keeps; the others are known after reading. cells are
// those that it reads, nil where it reads none.
func (r *Request) Statement(t *template.Template, routes []store.Capability, inSQL func(Key) bool, cells *Cells,
	more ...any) (string, []any, error) {
	args := []any{clickhouse.Named("from", store.Storable(r.FromMS)), clickhouse.Named("to", store.Storable(r.ToMS))}
	var data StatementData
	var routeArgs []any
	data.Route, routeArgs = store.CapabilitySQL(routes)
	if cells != nil {
		var cellArgs []any
		data.CellsSQL, cellArgs = cells.SQL()
		args = append(args, cellArgs...)
	}
	args = append(args, more...)
	data.Class, data.Page = errormap.ClassSQL("r"), r.Limit > 0
	args = append(args, routeArgs...)
	keyArgs, err := data.Fill(r.Keys, r.Filters, r.Zone.String(), inSQL)
	if err != nil {
		return "", nil, err
	}
	args = append(args, keyArgs...)
	if data.Search = r.Search != ""; data.Search {
		args = append(args, clickhouse.Named("search", r.Search))
	}
	if r.Order != nil {
		data.Rank = r.Order.SQL()
	}
	if r.At != nil {
		data.After = true
		if r.Order != nil {
			rank, err := strconv.ParseInt(string(r.At.After[len(r.At.After)-1]), 10, 64)
			if err != nil {
				return "", nil, fmt.Errorf("rank: %w", err)
			}
			args = append(args, clickhouse.Named("after_rank", rank))
		}
		for i, k := range r.Keys {
			argument, err := k.Argument(string(r.At.After[i]))
			if err != nil {
				return "", nil, err
			}
			args = append(args, clickhouse.Named("after"+strconv.Itoa(i), argument))
		}
	}
	statement, err := store.Fill(t, data)
	return statement, args, err
}

// Fill adds the keys and filters that knows keeps, and returns their parameters; tz is among them where one depends on
// the time zone.
func (d *StatementData) Fill(keys Keys, filters []Filter, tz string, knows func(Key) bool) (args []any, err error) {
	timed := false
	for _, k := range keys {
		if !knows(k) {
			continue
		}
		at := strconv.Itoa(len(d.Keys))
		d.Keys = append(d.Keys, KeySQL{Cell: k.Cell, Column: "c" + at, Shown: k.Shown("c" + at), Name: "k" + at,
			After: "{after" + at + ":" + k.ParameterType() + "}"})
		timed = timed || k.Timed()
	}
	for _, f := range filters {
		if !knows(f.Key) {
			continue
		}
		parameter := "filter_" + f.Key.Name
		d.Filters = append(d.Filters,
			FilterSQL{f.Key.Shown(f.Key.Cell), "{" + parameter + ":Array(" + f.Key.ParameterType() + ")}"})
		if f.Key.Name == "account" {
			d.Accounts, d.Single = true, len(f.Values) == 1
		}
		timed = timed || f.Key.Timed()
		values, err := f.Argument()
		if err != nil {
			return nil, err
		}
		args = append(args, clickhouse.Named(parameter, values))
	}
	if timed {
		args = append(args, clickhouse.Named("tz", tz))
	}
	return args, nil
}

// Argument is the shown key as a value of ClickHouse for ParameterType.
func (k Key) Argument(shown string) (any, error) {
	if !k.Number {
		return shown, nil
	}
	n, err := strconv.ParseUint(shown, 10, 8)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k.Name, err)
	}
	return uint16(n), nil
}

// Argument is what the filter keeps, as a value of ClickHouse for an array of ParameterType.
func (f Filter) Argument() (any, error) {
	if !f.Key.Number {
		return slices.Clone(f.Values), nil
	}
	// Not []uint8: that would be taken for a text.
	numbers := make([]uint16, len(f.Values))
	for i, v := range f.Values {
		n, err := strconv.ParseUint(v, 10, 8)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Key.Name, err)
		}
		numbers[i] = uint16(n)
	}
	return numbers, nil
}

// Timed reports whether the key depends on the time zone.
func (k Key) Timed() bool { return strings.Contains(k.Cell, "{tz:") }
