package report

import (
	"slices"
	"strings"

	"kaskad/query/answer"
)

// Fields are the columns of a row behind its keys.
func (r *Report) Fields() (columns []answer.Column) {
	for i := range r.Figures {
		columns = append(columns, r.Figures[i].Columns()...)
	}
	return columns
}

// Columns are the names of those.
func (r *Report) Columns() (columns []string) {
	for i := range r.Figures {
		columns = append(columns, r.Figures[i].Fields()...)
	}
	return columns
}

// Params are the parameters of the report: the period, what rows are apart by, a filter for each name, and how the
// answer comes.
func (r *Report) Params() []answer.Param {
	groupBy := answer.Param{Name: "group_by", Comma: true, Schema: answer.OneOf(r.Keys.Names()...),
		Text: "Names with commas that rows are apart by, in the order of the row's fields; group_by= gives one row. " +
			"Without it " + r.DefaultKeys + ".", Example: r.DefaultKeys}
	if r.Always != "" {
		groupBy.Text += " Rows are always apart by " + r.Always + "."
	}
	return slices.Concat(answer.PeriodParams(answer.LastDays), []answer.Param{groupBy},
		slices.Concat(r.Keys, r.Extra).Params(), r.listParams(), answer.ListParams(false))
}

// Answer is what the report answers with. Its keys are in a row as group_by names them.
func (r *Report) Answer() answer.Answer {
	fields := r.Fields()
	keys := slices.DeleteFunc(r.Keys.Columns(), func(k answer.Column) bool {
		// As a key the name takes the figure's place.
		return slices.ContainsFunc(fields, func(f answer.Column) bool { return f.Name == k.Name })
	})
	for i := range keys {
		keys[i].Optional = keys[i].Name != r.Always
		keys[i].Text = strings.TrimPrefix(keys[i].Text+"; there where group_by names it", "; ")
	}
	return answer.Answer{Text: "A page of the report.", Columns: append(keys, fields...),
		Around: slices.Concat(answer.Period(r.Name), answer.Fresh(), []answer.Column{answer.MatureColumn()}, r.Around)}
}
