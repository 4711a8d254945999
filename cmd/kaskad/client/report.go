package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/term"

	"kaskad/cmd/kaskad/output"
	"kaskad/query"
	"kaskad/query/answer"
)

// Tags of flags for completion: the values that a flag may have besides those of its enum, and whether it takes several
// with commas.
const (
	ValuesTag = "values"
	CommaTag  = "comma"
)

// tableRows is how many rows a terminal shows when nobody says, and pageRows the largest page of a server.
const (
	tableRows = 100
	pageRows  = 10_000
)

// columnsFlag is the one flag of a report that is no parameter.
const columnsFlag = "columns"

// formatTable is the one format that no server has.
const formatTable = "table"

// reportCommand has a command for each report of the API. Which there are, which flags each takes and which columns
// each has follows from the routes.
type reportCommand struct {
	kong.Plugins

	Last   string `help:"The period up to now, as 24h, 7d or 4w, in place of --from and --to." placeholder:"SPAN"`
	Format string `help:"table, or what the API gives: csv, json, ndjson, parquet, arrow, xlsx. By default a table on a terminal, else what the name of --output ends with, else csv." enum:",table,csv,json,ndjson,parquet,arrow,xlsx" default:"" placeholder:"FORM"`
	BOM    bool   `name:"bom" help:"Begin CSV with a mark by which Excel knows that it is UTF-8."`
	Output string `short:"o" help:"File to write; standard output without it." default:"-" placeholder:"FILE"`
	ServerAddress

	reports []answer.Route
}

// Help shows what there is to ask.
func (*reportCommand) Help() string {
	return `On a terminal a report is a table: rates with a bar, their 95 % interval and what they are of, ≥ and ≤ where
the truth can only be more or less, – where nothing is known. Elsewhere, and with --format, it is all rows as the API
gives them, byte for byte. Flags have the names of the API's parameters; filters may be given several times. All of
these commands need a running kaskad: the one on --data, or the one at --url.

    kaskad report channels --last 7d                                  # which channel do people read?
    kaskad report channels --group-by campaign,channel --account shop --columns open_rate,click_rate,time_to_read_p50
    kaskad report savings --month 2026-11 --group-by campaign         # what did the cascades save?
    kaskad report spend --from 2026-11-01 --to 2026-12-01 --tz Europe/Moscow -o invoice.xlsx
    kaskad report failures --channel sms --format ndjson | jq .

A day, week or month that is filtered by is the period as well, unless one is said. docs/definitions.md has the meaning
of every figure.`
}

// newReportCommand makes the commands of all reports.
func newReportCommand() (reportCommand, error) {
	var c reportCommand
	var err error
	if c.reports, err = query.Reports(); err != nil {
		return c, err
	}
	for i := range c.reports {
		c.Plugins = append(c.Plugins, reportFlags(&c.reports[i]))
	}
	return c, nil
}

// reportName is the last part of a report's path.
func reportName(r *answer.Route) string { return r.Path[strings.LastIndexByte(r.Path, '/')+1:] }

// flagName is that of a parameter.
func flagName(parameter string) string { return strings.ReplaceAll(parameter, "_", "-") }

// filterText begins what the API says of a filter; the title over filters says it once.
const (
	filterText  = "Keeps what has one of these values; it may be given several times."
	filterTitle = "Filters keep what has one of their values; each may be given several times:"
)

// ownParams are parameters that no flag of a report's own stands for.
var ownParams = []string{"cursor", "format", "bom"}

// reportFlags is a pointer to a structure with one command, as kong reads it, whose flags are the route's parameters.
func reportFlags(r *answer.Route) any {
	var fields []reflect.StructField
	for i, p := range r.Params {
		if slices.Contains(ownParams, p.Name) {
			continue
		}
		help, kind := strings.TrimPrefix(strings.TrimPrefix(p.Text, filterText), " "), reflect.TypeFor[*string]()
		tags := []string{"name", flagName(p.Name), "placeholder", "VALUE"}
		if p.Name == "limit" {
			help = fmt.Sprintf("How many rows, up to %d. Without it a table has %d, and files have all.", pageRows,
				tableRows)
		}
		if p.Many {
			// A value may hold commas, so each is given by a flag of its own.
			kind = reflect.TypeFor[[]string]()
			tags = append(tags, "sep", "none", "group", filterTitle)
		}
		if strings.Contains(p.Name, "_") {
			tags = append(tags, "aliases", p.Name)
		}
		if p.Schema != nil && len(p.Schema.Enum) > 0 {
			var values []string
			for _, v := range p.Schema.Enum {
				values = append(values, fmt.Sprint(v))
			}
			tags = append(tags, ValuesTag, strings.Join(values, ","))
			named := strings.Join(slices.DeleteFunc(values, func(v string) bool { return v == "" }), ", ")
			help = strings.TrimSpace(help + " One of " + named + ".")
		}
		if p.Comma {
			tags = append(tags, CommaTag, "yes")
		}
		fields = append(fields, reflect.StructField{Name: "Flag" + strconv.Itoa(i), Type: kind,
			Tag: structTag(append(tags, "help", help)...)})
	}
	var columns []string
	for _, column := range columnsOf(r) {
		columns = append(columns, column.Name)
	}
	fields = append(fields, reflect.StructField{Name: "Columns", Type: reflect.TypeFor[[]string](),
		Tag: structTag("name", columnsFlag, "placeholder", "NAME", ValuesTag, strings.Join(columns, ","),
			"help", "Columns of the table besides the names of --group-by, as the API calls them; without it those "+
				"that have room.")})
	command := reflect.StructOf(fields)
	return reflect.New(reflect.StructOf([]reflect.StructField{{Name: "Report", Type: command,
		Tag: structTag("cmd", "yes", "name", reportName(r), "help", r.Summary+".")}})).Interface()
}

func structTag(pairs ...string) reflect.StructTag {
	var tag strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		fmt.Fprintf(&tag, "%s:%s ", pairs[i], strconv.Quote(pairs[i+1]))
	}
	return reflect.StructTag(strings.TrimSpace(tag.String()))
}

// Run runs the report that was chosen.
func (c *reportCommand) Run(ctx context.Context, k *kong.Context) error {
	node := k.Selected()
	var names []string
	for i := range c.reports {
		names = append(names, reportName(&c.reports[i]))
	}
	at := slices.Index(names, node.Name)
	if at < 0 {
		return fmt.Errorf("name a report: %s; kaskad report --help says more", strings.Join(names, ", "))
	}
	q, columns, err := c.query(node, time.Now())
	if err != nil {
		return err
	}
	form, err := c.form()
	if err != nil {
		return err
	}
	asked := reportRequest{route: &c.reports[at], query: q}
	if len(columns) > 0 && form != formatTable {
		return errors.New("--columns: is for tables; the API gives all columns")
	}
	if err := asked.checkColumns(columns); err != nil {
		return err
	}
	if c.BOM && form != "csv" {
		return errors.New("--bom: goes with --format csv")
	}
	if asked.server, err = c.Find(ctx); err != nil {
		return err
	}
	if form == formatTable {
		table, err := asked.table(ctx)
		if err != nil {
			return err
		}
		return output.WriteFile(c.Output, func(w io.Writer) error {
			return table.print(w, columns, c.width(), c.coloured())
		})
	}
	q.Set("format", form)
	if c.BOM {
		q.Set("bom", "1")
	}
	return output.WriteFile(c.Output, func(w io.Writer) error { return asked.stream(ctx, w) })
}

// onTerminal tells whether a person reads standard output, and the report goes there.
func (c *reportCommand) onTerminal() bool {
	return c.Output == "-" && term.IsTerminal(int(os.Stdout.Fd()))
}

func (c *reportCommand) coloured() bool {
	_, no := os.LookupEnv("NO_COLOR")
	return !no && c.onTerminal()
}

// width is how many columns a table may take.
func (c *reportCommand) width() int {
	if width, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil && c.onTerminal() && width > 0 {
		return width
	}
	if width, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && width > 0 {
		return width
	}
	return 120
}

// form is the format that was asked for.
func (c *reportCommand) form() (string, error) {
	switch {
	case c.Format != "":
		return c.Format, nil
	case c.Output != "-":
		return formOf(c.Output, "csv", "json", "ndjson", "parquet", "arrow", "xlsx")
	case c.onTerminal():
		return formatTable, nil
	}
	return "csv", nil
}

// formOf is the form that a file's name ends with.
func formOf(file string, forms ...string) (string, error) {
	form := strings.TrimPrefix(strings.ToLower(filepath.Ext(file)), ".")
	switch form {
	case "jsonl":
		form = "ndjson"
	case "arrows":
		form = "arrow"
	}
	if slices.Contains(forms, form) {
		return form, nil
	}
	last := len(forms) - 1
	return "", fmt.Errorf("%s: the name does not end with .%s or .%s: say --format", file,
		strings.Join(forms[:last], ", ."), forms[last])
}

// query is that of the report's flags, without the columns that a table is to have.
func (c *reportCommand) query(node *kong.Node, now time.Time) (q url.Values, columns []string, err error) {
	q = url.Values{}
	for _, flag := range node.Flags {
		name := strings.ReplaceAll(flag.Name, "-", "_")
		switch value := flag.Target.Interface().(type) {
		case []string:
			if name == columnsFlag {
				columns = value
			} else if len(value) > 0 {
				q[name] = value
			}
		case *string:
			if value != nil {
				q.Set(name, *value)
			}
		}
	}
	return q, columns, c.setPeriod(q, now)
}

// setPeriod says the period where --last does, or filters by time do: without it a month that began more than 400 days
// ago would lack its first days.
func (c *reportCommand) setPeriod(q url.Values, now time.Time) error {
	said := q.Has("from") || q.Has("to")
	if c.Last != "" {
		if said {
			return errors.New("--last: goes without --from and --to")
		}
		span, err := parseSpan(c.Last)
		if err != nil {
			return fmt.Errorf("--last: %w", err)
		}
		q.Set("from", now.Add(-span).UTC().Truncate(15*time.Minute).Format(time.RFC3339))
		return nil
	}
	for _, unit := range []struct {
		name, layout string
		months, days int
	}{{"day", time.DateOnly, 0, 1}, {"week", time.DateOnly, 0, 7}, {"month", "2006-01", 1, 0}} {
		if first, last, known := earliestLatest(q[unit.name], unit.layout); known && !said {
			q.Set("from", first.Format(time.DateOnly))
			q.Set("to", last.AddDate(0, unit.months, unit.days).Format(time.DateOnly))
			said = true
		}
	}
	return nil
}

// earliestLatest reads times; known is false where there are none, or one is wrong: the server says so of that.
func earliestLatest(values []string, layout string) (earliest, latest time.Time, known bool) {
	for i, value := range values {
		at, err := time.Parse(layout, value)
		if err != nil {
			return earliest, latest, false
		}
		if i == 0 || at.Before(earliest) {
			earliest = at
		}
		if i == 0 || at.After(latest) {
			latest = at
		}
	}
	return earliest, latest, len(values) > 0
}

// parseSpan reads a span such as 7d.
func parseSpan(text string) (time.Duration, error) {
	units := map[string]time.Duration{"h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}
	if text != "" {
		last := len(text) - 1
		n, err := strconv.ParseUint(text[:last], 10, 16)
		if unit := units[text[last:]]; err == nil && n > 0 && unit > 0 {
			return time.Duration(n) * unit, nil
		}
	}
	return 0, fmt.Errorf("%q is no span such as 24h, 7d or 4w", text)
}
