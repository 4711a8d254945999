package query

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/query/store"
	"kaskad/schema/law"
)

//go:embed channels.sql
var channelsSQL string

// channelsTemplate fills in identifiers and expressions of keys.go, and nothing that a request carries.
var channelsTemplate = template.Must(law.Template("channels.sql").Parse(channelsSQL))

// channelsQuery is one page of the channel report over one set of generations.
type channelsQuery struct {
	keys         []key
	filters      []filter
	routes       []store.Capability
	tz           string
	fromMS, toMS int64
	// generation: of every bucket the greatest generation up to this one is read.
	generation uint64
	// after holds the keys of the last row of the page before, as shown; nil on the first page.
	after []string
	limit int
}

// keySQL is a key at its place in group_by.
type keySQL struct {
	Cell, Column, Shown, Name, After string
}

type filterSQL struct {
	Shown, Parameter string
}

// SQL returns the statement and its parameters.
func (q *channelsQuery) SQL() (string, []any, error) {
	args := []any{
		clickhouse.Named("from", store.Storable(q.fromMS)),
		clickhouse.Named("to", store.Storable(q.toMS)),
		clickhouse.Named("generation", q.generation),
	}
	var data struct {
		Keys            []keySQL
		Filters         []filterSQL
		Accounts, After bool
		Route           string
	}
	route, routeArgs := store.CapabilitySQL(q.routes)
	data.Route, args = route, append(args, routeArgs...)
	timed := false
	for i, k := range q.keys {
		column := "c" + strconv.Itoa(i)
		data.Keys = append(data.Keys, keySQL{
			Cell: k.cell, Column: column, Shown: k.shown(column), Name: "k" + strconv.Itoa(i),
			After: fmt.Sprintf("{after%d:%s}", i, k.parameterType()),
		})
		timed = timed || k.timed()
	}
	for _, f := range q.filters {
		parameter := "filter_" + f.key.name
		data.Filters = append(data.Filters,
			filterSQL{f.key.shown(f.key.cell), "{" + parameter + ":Array(" + f.key.parameterType() + ")}"})
		data.Accounts = data.Accounts || f.key.name == "account"
		timed = timed || f.key.timed()
		values, err := f.argument()
		if err != nil {
			return "", nil, err
		}
		args = append(args, clickhouse.Named(parameter, values))
	}
	if q.after != nil {
		data.After = true
		for i, k := range q.keys {
			argument, err := k.argument(q.after[i])
			if err != nil {
				return "", nil, err
			}
			args = append(args, clickhouse.Named("after"+strconv.Itoa(i), argument))
		}
	}
	if timed {
		args = append(args, clickhouse.Named("tz", q.tz))
	}
	if len(q.keys) > 0 {
		args = append(args, clickhouse.Named("limit", uint32(q.limit)))
	}
	var statement strings.Builder
	if err := channelsTemplate.Execute(&statement, data); err != nil {
		return "", nil, fmt.Errorf("fill channels.sql: %w", err)
	}
	return statement.String(), args, nil
}

// argument is the shown key as a value of ClickHouse's parameterType.
func (k key) argument(shown string) (any, error) {
	if !k.number {
		return shown, nil
	}
	n, err := strconv.ParseUint(shown, 10, 8)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k.name, err)
	}
	return uint16(n), nil
}

func (f filter) argument() (any, error) {
	if !f.key.number {
		return slices.Clone(f.values), nil
	}
	// Not []uint8: that would be taken for a text.
	numbers := make([]uint16, len(f.values))
	for i, v := range f.values {
		n, err := strconv.ParseUint(v, 10, 8)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.key.name, err)
		}
		numbers[i] = uint16(n)
	}
	return numbers, nil
}
