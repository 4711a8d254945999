package openapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// share moves the parameters and responses that several operations have in common to the components: said once each,
// they are a fraction of the document, and clients that are generated have one type of each.
func (d *document) share() error {
	parameters := commons[parameter]{seen: map[string]int{}, names: map[string]string{}, parts: d.Components.Parameters}
	responses := commons[response]{seen: map[string]int{}, names: map[string]string{}, parts: d.Components.Responses}
	for _, o := range d.operations {
		for _, p := range o.Parameters {
			if err := parameters.count(p); err != nil {
				return err
			}
		}
		for _, r := range o.Responses {
			if err := responses.count(r); err != nil {
				return err
			}
		}
	}
	for _, o := range d.operations {
		for i, p := range o.Parameters {
			if name := parameters.name(p, camel(p.Name)+"Parameter"); name != "" {
				o.Parameters[i] = parameter{Ref: "#/components/parameters/" + name}
			}
		}
		for _, status := range slices.Sorted(maps.Keys(o.Responses)) {
			code, err := strconv.Atoi(status)
			if err != nil {
				return fmt.Errorf("share responses: %w", err)
			}
			if name := responses.name(o.Responses[status], camel(http.StatusText(code))); name != "" {
				o.Responses[status] = response{Ref: "#/components/responses/" + name}
			}
		}
	}
	// oapi-codegen makes no Go of a choice of schemas in a parameter that is shared, unless the choice has a name.
	for name, p := range d.Components.Parameters {
		if p.Schema.AnyOf != nil {
			d.Components.Schemas[name+"Value"] = p.Schema
			p.Schema = reference(name + "Value")
			d.Components.Parameters[name] = p
		}
	}
	return nil
}

// commons are the parts of one kind that operations have in common.
type commons[T any] struct {
	// seen is how often a part is there, and names what it is called; both by its JSON.
	seen  map[string]int
	names map[string]string
	parts map[string]T
}

func (c *commons[T]) count(part T) error {
	text, err := json.Marshal(part)
	if err != nil {
		return fmt.Errorf("look for what operations have in common: %w", err)
	}
	c.seen[string(text)]++
	return nil
}

// name returns what a part is called, "" for one that is there once. Others of the same base are numbered as they come.
func (c *commons[T]) name(part T, base string) string {
	text, err := json.Marshal(part)
	if err != nil || c.seen[string(text)] < 2 {
		return "" // what has no JSON was refused when it was counted
	}
	name, known := c.names[string(text)]
	if !known {
		name = base
		for n := 2; ; n++ {
			if _, taken := c.parts[name]; !taken {
				break
			}
			name = base + strconv.Itoa(n)
		}
		c.names[string(text)], c.parts[name] = name, part
	}
	return name
}

// camel makes one word of the words of a name.
func camel(name string) (word string) {
	for _, part := range strings.FieldsFunc(name, func(c rune) bool { return c == ' ' || c == '-' || c == '_' }) {
		word += upper(part)
	}
	return word
}
