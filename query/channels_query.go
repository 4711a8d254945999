package query

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/query/report"
	"kaskad/query/store"
)

//go:embed channels.sql
var channelsSQL string

// channelsTemplate fills in identifiers and expressions of keys.go, and nothing that a request carries.
var channelsTemplate = report.Template("channels.sql", channelsSQL)

// channelsQuery is one page of the channel report over one set of generations.
type channelsQuery struct {
	keys         []report.Key
	filters      []report.Filter
	routes       []store.Capability
	tz           string
	fromMS, toMS int64
	// generation: of every bucket the greatest generation up to this one is read.
	generation uint64
	// after holds the keys of the last row of the page before, as shown; nil on the first page.
	after []string
	limit int
}

// SQL returns the statement and its parameters.
func (q *channelsQuery) SQL() (string, []any, error) {
	args := []any{
		clickhouse.Named("from", store.Storable(q.fromMS)),
		clickhouse.Named("to", store.Storable(q.toMS)),
		clickhouse.Named("generation", q.generation),
	}
	var data struct {
		Keys            []report.KeySQL
		Filters         []report.FilterSQL
		Accounts, After bool
		Route           string
	}
	route, routeArgs := store.CapabilitySQL(q.routes)
	data.Route, args = route, append(args, routeArgs...)
	timed := false
	for i, k := range q.keys {
		column := "c" + strconv.Itoa(i)
		data.Keys = append(data.Keys, report.KeySQL{
			Cell: k.Cell, Column: column, Shown: k.Shown(column), Name: "k" + strconv.Itoa(i),
			After: fmt.Sprintf("{after%d:%s}", i, k.ParameterType()),
		})
		timed = timed || k.Timed()
	}
	for _, f := range q.filters {
		parameter := "filter_" + f.Key.Name
		data.Filters = append(data.Filters,
			report.FilterSQL{Shown: f.Key.Shown(f.Key.Cell),
				Parameter: "{" + parameter + ":Array(" + f.Key.ParameterType() + ")}"})
		data.Accounts = data.Accounts || f.Key.Name == "account"
		timed = timed || f.Key.Timed()
		values, err := f.Argument()
		if err != nil {
			return "", nil, err
		}
		args = append(args, clickhouse.Named(parameter, values))
	}
	if q.after != nil {
		data.After = true
		for i, k := range q.keys {
			argument, err := k.Argument(q.after[i])
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
