package rollup

import "kaskad/query/answer"

// Figure is a field of a report, or several that belong together.
type Figure struct {
	Name string
	// Kind is how the figure is shown, and so which fields it has and of which type they are.
	Kind Kind
	// Formula is how it is computed, Over what it is computed over, and Null when it is unknown: "" for never.
	Formula, Over, Null string
	// Numerator and Denominator are those of a Rate, and BoundIn the field that says which way it errs.
	Numerator, Denominator, BoundIn string
	// Of says what a Listing holds.
	Of *answer.Schema
}

// Kind is how a figure is shown.
type Kind string

// The kinds of figures. All but Rate and Percentiles are one field.
const (
	// Plain is a count, as Number is.
	Plain  Kind = ""
	Number Kind = "count"
	Bound  Kind = "bound"
	Flag   Kind = "flag"
	Text   Kind = "text"
	// Time is a moment.
	Time Kind = "time"
	// Amount is exact money: a decimal in a text.
	Amount Kind = "amount"
	// Share is a quotient of 0 to 1 or any other, with 6 decimals.
	Share Kind = "share"
	// Rate is shown with its numerator, its denominator and its Wilson interval.
	Rate Kind = "rate"
	// Percentiles are the nearest ranks of 50, 90 and 99 %.
	Percentiles Kind = "percentiles"
	// Listing is a list of objects.
	Listing Kind = "list"
)

// Fields are those of the figure.
func (f *Figure) Fields() []string {
	switch f.Kind {
	case Rate:
		return []string{f.Name + "_num", f.Name + "_den", f.Name + "_rate", f.Name + "_rate_low", f.Name + "_rate_high"}
	case Percentiles:
		return []string{f.Name + "_p50", f.Name + "_p90", f.Name + "_p99"}
	default:
		return []string{f.Name}
	}
}

// Text says what the figure is.
func (f *Figure) Text() string {
	text := f.Formula
	if f.Kind == Rate {
		text = f.Numerator + " / " + f.Denominator
	}
	if f.Over != "" {
		text += " (over " + f.Over + ")"
	}
	if f.BoundIn != "" {
		text += "; " + f.BoundIn + " says which way it errs"
	}
	return text
}

// types are those of the fields of a kind.
func (k Kind) types() []answer.ColumnType {
	switch k {
	case Flag:
		return []answer.ColumnType{answer.BoolColumn}
	case Text, Bound, Listing:
		return []answer.ColumnType{answer.TextColumn}
	case Time:
		return []answer.ColumnType{answer.TimeColumn}
	case Amount:
		return []answer.ColumnType{answer.MoneyColumn}
	case Share:
		return []answer.ColumnType{answer.DecimalColumn}
	case Rate:
		return []answer.ColumnType{answer.CountColumn, answer.CountColumn, answer.DecimalColumn, answer.DecimalColumn,
			answer.DecimalColumn}
	case Percentiles:
		return []answer.ColumnType{answer.DecimalColumn, answer.DecimalColumn, answer.DecimalColumn}
	}
	return []answer.ColumnType{answer.CountColumn}
}

// Currencies are codes of ISO 4217, or none.
func Currencies() *answer.Schema { return CurrencyFilter.Schema }

// Bounds are the values of a Bound.
var Bounds = []string{"exact", "lower", "upper", "mixed"}

// Columns are the fields of the figure with their types and what they mean.
func (f *Figure) Columns() []answer.Column {
	types, names := f.Kind.types(), f.Fields()
	columns := make([]answer.Column, len(names))
	for i, name := range names {
		columns[i] = answer.Column{Name: name, Type: types[i], Text: f.Text(), Null: f.Null, Of: f.Of}
		switch {
		case f.Kind == Rate && types[i] == answer.DecimalColumn:
			columns[i].Null = "when " + f.Name + "_den is 0"
		case f.Kind == Percentiles:
			columns[i].Null = "when no attempt has that time"
		case f.Kind == Bound:
			columns[i].Of, columns[i].Null = answer.OneOf(Bounds...), "when open_den is 0"
		}
	}
	return columns
}

// Section is a part of GET /v1/definitions.
type Section int

// The sections that have figures of reports.
const (
	// Metrics are those of the channel report.
	Metrics Section = iota
	// Money has what costs, and what is saved.
	Money
	// Numbers has what is known of numbers and people.
	Numbers
	// Curves has what pictures are drawn of: latencies, and two values side by side.
	Curves
)
