package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	pretty "github.com/jedib0t/go-pretty/v6/text"

	"kaskad/query/answer"
)

// The width of bars, and to how many columns a key is shortened where a table has no room.
const (
	minBar, maxBar = 8, 20
	minKey         = 12
)

// reportTable is a page of a report, to be shown as a table.
type reportTable struct {
	route *answer.Route
	// members are those around the rows.
	members map[string]json.RawMessage
	rows    []reportRow
	more    bool
}

// reportRow is a row with its fields in their order.
type reportRow struct {
	names  []string
	values map[string]any
}

// UnmarshalJSON keeps the order of fields, and the digits of numbers.
func (r *reportRow) UnmarshalJSON(body []byte) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if _, err := d.Token(); err != nil {
		return err
	}
	r.values = map[string]any{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		name, isName := token.(string)
		var value any
		if err := d.Decode(&value); err != nil || !isName {
			return errors.Join(err, errors.New("a row is no object"))
		}
		r.names = append(r.names, name)
		r.values[name] = value
	}
	return nil
}

// glance names the columns that tell most of a report, most important first: a table shows as many as it has room for.
// A report that is not here shows its columns in their order.
func glance(report string) []string {
	return map[string][]string{
		"channels": {"open_rate", "delivery_rate", "attempted", "failed", "pending", "reply_rate", "click_rate",
			"time_to_deliver_p50", "time_to_read_p50"},
		"savings": {"currency", "saved_reached", "sms_only_cost", "actual_cost", "priced_messages", "unpriced",
			"saved_unreached", "saved_rate", "double_paid", "wasted_cost", "cost_per_reached"},
		"spend": {"currency", "attempts", "units", "cost", "unpriced", "cost_per_delivered", "reported_cost", "drift",
			"segment_drift"},
		"penetration": {"penetration", "tested_share", "message_penetration"},
		"failures":    {"count", "share_rate"},
		"segment-waste": {"currency", "avoidable_cost", "avoidable_segments", "messages_over", "messages_forced",
			"billed_cost", "unpriced"},
		"dead-spend": {"currency", "attempts", "cost", "avoidable_cost", "delivered", "unpriced"},
	}[report]
}

// table asks for the rows of a table.
func (r *reportRequest) table(ctx context.Context) (*reportTable, error) {
	r.query.Set("format", "json")
	r.limit(tableRows)
	body, err := r.server.Send(ctx, http.MethodGet, r.route.Path+"?"+r.query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	t := &reportTable{route: r.route}
	if err := t.read(body); err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", r.server.address, err)
	}
	return t, nil
}

func (t *reportTable) read(body []byte) error {
	if err := json.Unmarshal(body, &t.members); err != nil {
		return err
	}
	t.more = !t.isNull("next_cursor")
	return json.Unmarshal(t.members["rows"], &t.rows)
}

// columnsOf are those of the report's rows, keys among them.
func columnsOf(r *answer.Route) []answer.Column {
	if len(r.Answers) == 0 {
		return nil
	}
	return r.Answers[0].Columns
}

// checkColumns refuses columns that the report does not have.
func (r *reportRequest) checkColumns(names []string) error {
	var known []string
	for _, c := range columnsOf(r.route) {
		known = append(known, c.Name)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return fmt.Errorf("--columns: report %s has no %q; %s", reportName(r.route), name,
				answer.Suggest(name, known))
		}
	}
	return nil
}

// keys are the columns that rows are apart by: they come first, as group_by names them.
func (t *reportTable) keys() (keys []string) {
	if len(t.rows) == 0 {
		return nil
	}
	at := slices.IndexFunc(t.route.Params, func(p answer.Param) bool { return p.Name == "group_by" })
	if at < 0 || t.route.Params[at].Schema == nil {
		return nil
	}
	for _, name := range t.rows[0].names {
		if !slices.Contains(t.route.Params[at].Schema.Enum, any(name)) {
			break
		}
		keys = append(keys, name)
	}
	return keys
}

// shown are the columns that may be shown besides keys, most important first.
func (t *reportTable) shown(keys []string) (names []string) {
	all := columnsOf(t.route)
	if names = glance(reportName(t.route)); names == nil {
		for i := range all {
			if c := &all[i]; !partOfRate(all, c.Name) && c.Type != answer.BoolColumn {
				names = append(names, c.Name)
			}
		}
	}
	return slices.DeleteFunc(names, func(name string) bool {
		_, there := t.rows[0].values[name]
		return !there || slices.Contains(keys, name)
	})
}

// partOfRate tells whether a column is shown with a rate: its bounds, and what it is of.
func partOfRate(all []answer.Column, name string) bool {
	for _, end := range []string{"_low", "_high", "_num", "_den", "_bound"} {
		rate, cut := strings.CutSuffix(name, end)
		if cut && slices.ContainsFunc(all, func(c answer.Column) bool {
			return c.Name == rate || c.Name == rate+"_rate"
		}) {
			return true
		}
	}
	return false
}

// print writes the table, no wider than width unless columns are chosen, and what there is to know of it.
func (t *reportTable) print(out io.Writer, chosen []string, width int, coloured bool) error {
	var legend []string
	if len(t.rows) > 0 {
		keys := t.keys()
		columns := make([]*tableColumn, 0, len(keys))
		for _, name := range keys {
			columns = append(columns, t.column(name))
		}
		if len(chosen) > 0 {
			for _, name := range chosen {
				if !slices.Contains(keys, name) {
					columns = append(columns, t.column(name))
				}
			}
			shortenKeys(columns[:len(keys)], widthOf(columns)-width)
		} else {
			columns = t.fit(columns, t.shown(keys), width)
		}
		layBars(columns, width)
		if _, err := io.WriteString(out, t.render(columns, coloured)+"\n\n"); err != nil {
			return fmt.Errorf("print the report: %w", err)
		}
		legend = legendOf(columns)
	}
	for _, paragraph := range append(legend, t.footer()...) {
		for _, line := range strings.Split(pretty.WrapSoft(paragraph, width), "\n") {
			if _, err := io.WriteString(out, strings.TrimRight(line, " ")+"\n"); err != nil {
				return fmt.Errorf("print the report: %w", err)
			}
		}
	}
	return nil
}

// fit adds columns for as long as there is room. Two are shown even where keys have to be shortened for them.
func (t *reportTable) fit(keys []*tableColumn, names []string, width int) []*tableColumn {
	columns := slices.Clone(keys)
	for i, name := range names {
		more := append(slices.Clone(columns), t.column(name))
		over := widthOf(more) - width
		if i < 2 && over > 0 {
			shortenKeys(keys, over)
			over = widthOf(more) - width
		}
		if i > 0 && over > 0 {
			continue
		}
		columns = more
	}
	return columns
}

// widthOf is what columns take, with two spaces between them. The first rate has a bar.
func widthOf(columns []*tableColumn) (width int) {
	bar := minBar + 1
	for _, c := range columns {
		width += c.width() + 2
		if c.rates != nil {
			width, bar = width+bar, 0
		}
	}
	return width - 2
}

// shortenKeys shortens the widest texts among keys until the table is narrower by so much, or they are short.
func shortenKeys(keys []*tableColumn, over int) {
	for ; over > 0; over-- {
		var widest *tableColumn
		for _, k := range keys {
			if !k.right && (widest == nil || k.width() > widest.width()) {
				widest = k
			}
		}
		if widest == nil || widest.width() <= minKey {
			return
		}
		widest.shorten(widest.width() - 1)
	}
}

// layBars draws bars before rates: before the first, and before others for as long as there is room, all of one width.
func layBars(columns []*tableColumn, width int) {
	spare := width - widthOf(columns)
	var rates []*tableColumn
	for _, c := range columns {
		if c.rates == nil || len(rates) > 0 && spare < minBar+1 {
			continue
		}
		if len(rates) > 0 {
			spare -= minBar + 1
		}
		rates = append(rates, c)
	}
	if len(rates) == 0 {
		return
	}
	size := min(maxBar, minBar+max(0, spare)/len(rates))
	for _, c := range rates {
		c.bar = size
	}
}

func (t *reportTable) render(columns []*tableColumn, coloured bool) string {
	w := table.NewWriter()
	w.SuppressTrailingSpaces()
	style := table.Style{Name: "kaskad", Box: table.BoxStyle{PaddingRight: "  "},
		Format: table.FormatOptions{Header: pretty.FormatDefault}}
	var configs []table.ColumnConfig
	header := table.Row{}
	for i, c := range columns {
		align := pretty.AlignLeft
		if c.right && c.rates == nil {
			align = pretty.AlignRight
		}
		configs = append(configs, table.ColumnConfig{Number: i + 1, Align: align, AlignHeader: align,
			VAlignHeader: pretty.VAlignBottom})
		header = append(header, strings.Join(c.header(), "\n"))
	}
	if coloured {
		style.Color.Header = pretty.Colors{pretty.Bold}
	}
	w.SetStyle(style)
	w.SetColumnConfigs(configs)
	w.AppendHeader(header)
	for i := range t.rows {
		row := table.Row{}
		for _, c := range columns {
			row = append(row, c.cell(i, coloured))
		}
		w.AppendRow(row)
	}
	return w.Render()
}
