package report

import (
	"slices"
	"strings"

	"kaskad/query/answer"
)

// Figures that are neither counts nor named by how their names end.
var (
	textFigures = []string{"currency", "open_rate_bound", "by_channel", "unpriced_reasons", "metric", "bound"}
	decimals    = []string{"cost", "saved", "saved_unreached", "saved_reached", "double_paid", "double_paid_unread",
		"drift", "minimum_top_up", "saved_after_minimum", "of_unpriced", "cost_per_reached", "cost_per_read",
		"cost_per_delivered", "penetration", "message_penetration", "le"}
	decimalEnds = []string{"_cost", "_rate", "_low", "_high", "_share", "_p50", "_p90", "_p99"}
)

// Columns are the columns of rows with these keys and fields, with the types that Arrow and Parquet have them by.
func Columns(keys Keys, fields []string) []answer.Column {
	columns := make([]answer.Column, 0, len(keys)+len(fields))
	for _, k := range keys {
		c := answer.Column{Name: k.Name}
		if k.Number {
			c.Type = answer.CountColumn
		}
		columns = append(columns, c)
	}
	for _, name := range fields {
		columns = append(columns, answer.Column{Name: name, Type: typeOf(name)})
	}
	return columns
}

func typeOf(field string) answer.ColumnType {
	switch {
	case slices.Contains(textFigures, field):
		return answer.TextColumn
	case field == "mature":
		return answer.BoolColumn
	case slices.Contains(decimals, field), slices.ContainsFunc(decimalEnds, func(end string) bool {
		return strings.HasSuffix(field, end)
	}):
		return answer.DecimalColumn
	}
	return answer.CountColumn
}
