package answer

import (
	"encoding/json"
	"reflect"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"

	"kaskad/money"
)

// Schema says in JSON Schema 2020-12 what a value may be.
type Schema = jsonschema.Schema

// moneyPattern is that of money in JSON: an exact decimal in a text, with two decimals at least.
const moneyPattern = `^-?[0-9]+\.[0-9]{2,}$`

// AnyText is any text.
func AnyText() *Schema { return &Schema{Type: "string"} }

// OneOf is one of some texts.
func OneOf[T ~string](names ...T) *Schema {
	s := AnyText()
	for _, name := range names {
		s.Enum = append(s.Enum, string(name))
	}
	return s
}

// Formed is a text of a format that JSON Schema names, such as date or date-time.
func Formed(format string) *Schema { return &Schema{Type: "string", Format: format} }

// Matching is a text that matches a pattern.
func Matching(pattern string) *Schema { return &Schema{Type: "string", Pattern: pattern} }

// Whole is a whole number, lo…hi.
func Whole(lo, hi int) *Schema {
	return &Schema{Type: "integer", Minimum: new(float64(lo)), Maximum: new(float64(hi))}
}

// Exact is a decimal of a body: a text, or a JSON number that is taken by its digits.
func Exact() *Schema {
	return &Schema{AnyOf: []*Schema{Matching(`^-?[0-9]+(\.[0-9]+)?$`), {Type: "number"}}}
}

// Amounts is money in JSON.
func Amounts() *Schema { return Matching(moneyPattern) }

// ListOf is a list of such values.
func ListOf(items *Schema) *Schema { return &Schema{Type: "array", Items: items} }

// OrNull lets a value be unknown as well.
func OrNull(s *Schema) *Schema {
	s = s.CloneSchemas()
	if s.Type != "" {
		s.Types, s.Type = []string{s.Type}, ""
	}
	if s.AnyOf != nil {
		s.AnyOf = append(s.AnyOf, &Schema{Type: "null"})
	}
	if s.Types != nil && !slices.Contains(s.Types, "null") {
		s.Types = append(slices.Clone(s.Types), "null")
	}
	if s.Enum != nil && !slices.Contains(s.Enum, nil) {
		s.Enum = append(slices.Clone(s.Enum), nil)
	}
	return s
}

// ObjectOf is a closed object of these fields, in their order, and of no other.
func ObjectOf(columns ...Column) *Schema {
	s := &Schema{Type: "object", Properties: map[string]*Schema{}, AdditionalProperties: &Schema{Not: &Schema{}}}
	for i := range columns {
		c := &columns[i]
		s.Properties[c.Name] = c.Schema()
		s.PropertyOrder = append(s.PropertyOrder, c.Name)
		if !c.Optional {
			s.Required = append(s.Required, c.Name)
		}
	}
	return s
}

// Typed is what a value of a Go type is in JSON: an object knows its fields and no other, a field without omitempty is
// always there, a pointer may be null, a list may not, and a tag jsonschema describes. Of a type that has no JSON it is
// what no value meets, with the reason; a test looks at all routes.
func Typed[T any]() *Schema {
	named := map[reflect.Type]*Schema{
		reflect.TypeFor[json.Number]():    {Type: "number"},
		reflect.TypeFor[money.Billing]():  OneOf(money.Billings...),
		reflect.TypeFor[money.Encoding](): OneOf(money.GSM7, money.UCS2),
	}
	row := typed(reflect.TypeFor[money.TariffRow](), named)
	for _, name := range []string{"price", "connect_price", "monthly_minimum"} {
		row.Properties[name].Pattern = moneyPattern
	}
	for _, name := range []string{"valid_from", "valid_to"} {
		row.Properties[name].Format = "date-time"
	}
	named[reflect.TypeFor[money.Tariff]()] = row
	return typed(reflect.TypeFor[T](), named)
}

func typed(t reflect.Type, named map[reflect.Type]*Schema) *Schema {
	s, err := jsonschema.ForType(t, &jsonschema.ForOptions{TypeSchemas: named})
	if err != nil {
		return &Schema{Not: &Schema{}, Comment: err.Error()}
	}
	noNullLists(s)
	return s
}

// noNullLists says of lists that they are never null: answers have empty ones.
func noNullLists(s *Schema) {
	if s == nil {
		return
	}
	if slices.Equal(s.Types, []string{"null", "array"}) {
		s.Type, s.Types = "array", nil
	}
	noNullLists(s.Items)
	noNullLists(s.AdditionalProperties)
	for _, of := range s.Properties {
		noNullLists(of)
	}
}

// Schema says what the column holds in JSON.
func (c *Column) Schema() *Schema {
	var s *Schema
	switch {
	case c.Of != nil:
		s = c.Of.CloneSchemas()
	case c.Type == CountColumn:
		s = &Schema{Type: "integer"}
	case c.Type == BoolColumn:
		s = &Schema{Type: "boolean"}
	case c.Type == TimeColumn:
		s = Formed("date-time")
	case c.Type == CountsColumn:
		s = &Schema{Type: "object", AdditionalProperties: &Schema{Type: "integer"}}
	case c.Type == DecimalColumn:
		s = &Schema{Type: "number"}
	case c.Type == MoneyColumn:
		s = Amounts()
	default:
		s = AnyText()
	}
	if c.Null != "" {
		s = OrNull(s)
	}
	s.Description = c.Text
	if c.Null != "" && c.Null != NullSaid {
		s.Description += ". Null " + c.Null
	}
	return s
}
