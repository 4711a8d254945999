package rollup

import (
	"slices"

	"kaskad/query/answer"
)

// Columns are the columns of rows with these keys and fields, with the types that Arrow and Parquet have them by.
func Columns(keys Keys, fields []answer.Column) []answer.Column {
	return slices.Concat(keys.Columns(), fields)
}

// Columns are those of keys.
func (s Keys) Columns() []answer.Column {
	columns := make([]answer.Column, len(s))
	for i, k := range s {
		columns[i] = answer.Column{Name: k.Name, Of: k.Schema, Text: k.Meaning}
		if k.Number {
			columns[i].Type = answer.CountColumn
		}
	}
	return columns
}

// Params are the filters by names.
func (s Keys) Params() []answer.Param {
	params := make([]answer.Param, len(s))
	for i, k := range s {
		text := "Keeps what has one of these values; it may be given several times."
		if k.Meaning != "" {
			text += " " + k.Name + " is " + k.Meaning + "."
		}
		params[i] = answer.OfOne(k.Name, text, k.Schema, k.Example)
	}
	return params
}
