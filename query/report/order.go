package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kaskad/query/answer"
	"kaskad/query/rollup"
)

// sortNames are the values of parameter sort.
func (r *Report) sortNames() (names []string) {
	for _, by := range r.Sorts {
		names = append(names, by.Field, "-"+by.Field)
	}
	return names
}

// listParams are the parameters of a report whose rows are sorted and searched.
func (r *Report) listParams() (params []answer.Param) {
	if len(r.Sorts) > 0 {
		params = append(params, answer.Param{Name: "sort", Schema: answer.OneOf(r.sortNames()...),
			Example: r.sortNames()[1],
			Text: "A field that rows are sorted by, the least first, or with - the greatest; what is not known comes " +
				"last, and rows alike in the order of their keys. Without it all come in that order."})
	}
	if r.Searched {
		params = append(params, answer.Param{Name: "search", Schema: &answer.Schema{Type: "string", MinLength: new(1)},
			Example: "spring", Text: "Keeps rows with this text in one of their keys, whatever its case."})
	}
	return params
}

// readOrder reads how a list is sorted, and what is searched for.
func (r *Report) readOrder(p *answer.Params, request *rollup.Request) {
	if name, given := p.One("sort"); given && len(r.Sorts) > 0 {
		field, down := strings.CutPrefix(name, "-")
		at := slices.IndexFunc(r.Sorts, func(by rollup.Ranked) bool { return by.Field == field })
		switch {
		case at < 0:
			p.Fail("sort", fmt.Sprintf("%q is no order; %s", answer.Shorten(name), answer.Suggest(name, r.sortNames())))
		case len(request.Keys) > 0: // one row has no order
			request.Order = &rollup.Order{Ranked: r.Sorts[at], Down: down}
		}
	}
	if text, given := p.One("search"); given && r.Searched {
		if text == "" {
			p.Fail("search", "is empty; say what a key must hold, or leave the parameter out")
		}
		request.Search = text
	}
}

// orderParts are what tells the order and the search apart from others, for a hash.
func orderParts(r *rollup.Request) (parts []string) {
	if r.Order != nil {
		parts = append(parts, "sort", r.Order.Field, strconv.FormatBool(r.Order.Down))
	}
	if r.Search != "" {
		parts = append(parts, "search", r.Search)
	}
	return parts
}
