package money

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"kaskad/schema"
)

// Error maps know no money, but they are lists that people keep as they keep price lists, so they are read by the same
// rules.

// Where a line or an alias that is shown comes from.
const (
	OriginShipped = "shipped"
	OriginAccount = "account"
)

// ErrorMap is an error map as the API, YAML and CSV show it.
type ErrorMap struct {
	Lines   []ErrorMapRow   `json:"lines" yaml:"lines"`
	Aliases []ErrorAliasRow `json:"aliases" yaml:"aliases"`
}

// ErrorMapRow is a line of an error map.
type ErrorMapRow struct {
	Provider string `json:"provider" yaml:"provider"`
	Code     string `json:"code" yaml:"code"`
	Class    string `json:"class" yaml:"class"`
	// Origin is shown, and ignored where a list is put.
	Origin string `json:"origin,omitempty" yaml:"origin,omitempty"`
}

// ErrorAliasRow says that the shipped lines of provider Like are also those of Provider.
type ErrorAliasRow struct {
	Provider string `json:"provider" yaml:"provider"`
	Like     string `json:"like" yaml:"like"`
	Origin   string `json:"origin,omitempty" yaml:"origin,omitempty"`
}

// List returns what is stored of a map that an account puts.
func (m ErrorMap) List() schema.ErrorList {
	var list schema.ErrorList
	for _, l := range m.Lines {
		list.Lines = append(list.Lines, schema.ErrorLine{Provider: l.Provider, Code: l.Code, Class: l.Class})
	}
	for _, a := range m.Aliases {
		list.Aliases = append(list.Aliases, schema.ErrorAlias{Provider: a.Provider, Like: a.Like})
	}
	return list
}

// ParseErrorMapJSON reads `{"lines": [{…}, …], "aliases": [{…}, …]}`, the body of PUT /v1/error-map (docs/errors.md),
// one of which may be left out. Leading zeros of codes are cut, as ingest does. What GET shows beside the two lists is
// ignored. The error is [RowErrors] with all problems.
func ParseErrorMapJSON(body []byte) (ErrorMap, error) { return parseErrorMap(body, readJSON) }

// ParseErrorMapYAML reads the same fields from a YAML document with lists `lines:` and `aliases:`.
func ParseErrorMapYAML(body []byte) (ErrorMap, error) { return parseErrorMap(body, readYAML) }

// ParseErrorMapCSV reads the same fields from a CSV file whose first line names them, as [ParseTariffsCSV] does. A row
// with a cell in column like is an alias.
func ParseErrorMapCSV(body []byte) (ErrorMap, error) {
	shipped, err := schema.ShippedErrors()
	if err != nil {
		return ErrorMap{}, err
	}
	l := list{name: schema.ReferenceErrorMap, fields: errorMapColumns(),
		limit: lineLimit(shipped) + aliasLimit(shipped)}
	var p problems
	var lines, aliases []row
	for _, r := range readCSV(body, &l, &p) {
		if !r.has("like") {
			lines = append(lines, r)
			continue
		}
		for _, field := range []string{"code", "class"} {
			if r.has(field) {
				r.refuse(field, "must be empty in a row with like, which is an alias: write a line and an alias as "+
					"two rows")
			}
		}
		aliases = append(aliases, r)
	}
	return judgeErrorMap(lines, aliases, shipped, &p)
}

// ErrorMapJSON writes what [ParseErrorMapJSON] reads.
func ErrorMapJSON(m ErrorMap) ([]byte, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("write error map as JSON: %w", err)
	}
	return body, nil
}

// ErrorMapYAML writes what [ParseErrorMapYAML] reads.
func ErrorMapYAML(m ErrorMap) ([]byte, error) { return writeYAMLDocument(schema.ReferenceErrorMap, m) }

// ErrorMapCSV writes what [ParseErrorMapCSV] reads.
func ErrorMapCSV(m ErrorMap) ([]byte, error) {
	return writeCSV(errorMapColumns(), len(m.Lines)+len(m.Aliases), func(i int) []string {
		if i < len(m.Lines) {
			l := m.Lines[i]
			return []string{l.Provider, l.Code, l.Class, "", l.Origin}
		}
		a := m.Aliases[i-len(m.Lines)]
		return []string{a.Provider, "", "", a.Like, a.Origin}
	})
}

func errorMapColumns() []string { return []string{"provider", "code", "class", "like", "origin"} }

// Who sends back what was shown sends what is shipped too.
func lineLimit(shipped schema.ErrorList) int  { return schema.MaxErrorLines + len(shipped.Lines) }
func aliasLimit(shipped schema.ErrorList) int { return schema.MaxErrorAliases + len(shipped.Aliases) }

func parseErrorMap(body []byte, read reader) (ErrorMap, error) {
	shipped, err := schema.ShippedErrors()
	if err != nil {
		return ErrorMap{}, err
	}
	beside := []string{"account", "version", "at"}
	var p problems
	lines := read(body, &list{name: "lines", beside: append(beside, "aliases"), optional: true,
		fields: []string{"provider", "code", "class", "origin"},
		limit:  lineLimit(shipped)}, &p)
	if slices.ContainsFunc(p.list, func(e RowError) bool { return e.Row == 0 }) {
		return ErrorMap{}, p.err() // the document is wrong, which would be told twice
	}
	aliases := read(body, &list{name: "aliases", beside: append(beside, "lines"), optional: true, prefix: "aliases.",
		fields: []string{"provider", "like", "origin"}, limit: aliasLimit(shipped)}, &p)
	if lines == nil && aliases == nil && len(p.list) == 0 {
		p.add(0, 1, "lines", `is required, or aliases: {"lines": [{…}, …], "aliases": [{…}, …]}; `+
			`empty lists remove all that the account has`)
	}
	return judgeErrorMap(lines, aliases, shipped, &p)
}

func judgeErrorMap(lines, aliases []row, shipped schema.ErrorList, p *problems) (ErrorMap, error) {
	m := ErrorMap{Lines: make([]ErrorMapRow, len(lines)), Aliases: make([]ErrorAliasRow, len(aliases))}
	type key struct{ provider, code string }
	seen, classes, known := make(map[key]int, len(lines)), schema.ClassNames(),
		map[string]bool{schema.ProviderBot: true}
	for _, l := range shipped.Lines {
		known[l.Provider] = true
	}
	for i := range lines {
		r := &lines[i]
		m.Lines[i] = parseErrorLine(r, classes)
		if !r.sound("provider", "code") {
			continue
		}
		k := key{m.Lines[i].Provider, m.Lines[i].Code}
		if first, found := seen[k]; found {
			r.refuse("code", fmt.Sprintf("is that of row %d, of the same provider (leading zeros do not count): "+
				"leave one out", first))
			continue
		}
		seen[k], known[k.provider] = r.number, true
	}
	delete(known, schema.AnyProvider)
	aliased := make(map[string]int, len(aliases))
	for i := range aliases {
		r := &aliases[i]
		m.Aliases[i] = parseErrorAlias(r, known)
		if !r.sound("provider") {
			continue
		}
		if first, found := aliased[m.Aliases[i].Provider]; found {
			r.refuse("provider", fmt.Sprintf("has an alias in row %d: leave one out", first))
			continue
		}
		aliased[m.Aliases[i].Provider] = r.number
	}
	if err := p.err(); err != nil {
		return ErrorMap{}, err
	}
	return m, nil
}

func parseErrorLine(r *row, classes []string) ErrorMapRow {
	given := r.needed("code", `"27"`)
	line := ErrorMapRow{
		Provider: r.text("provider", schema.AnyProvider),
		Code:     strings.TrimLeft(given, "0"),
		Class:    r.needed("class", `"unknown_subscriber"`),
		Origin:   r.text("origin", ""),
	}
	checkProvider(r, line.Provider, `, or "*" for any`)
	checkText("code", line.Code, r.refuse)
	switch {
	case given == "":
		r.refuse("code", "must not be empty: write what events carry as error_code")
	case line.Code == "":
		r.refuse("code", "holds nothing but zeros, which means no error: events with it have no code")
	}
	if !slices.Contains(classes, line.Class) {
		r.refuse("class", fmt.Sprintf("%q is no class; the classes are %s", shorten(line.Class),
			strings.Join(classes, " ")))
	}
	return line
}

func parseErrorAlias(r *row, known map[string]bool) ErrorAliasRow {
	alias := ErrorAliasRow{Provider: r.needed("provider", `"devino"`), Like: r.needed("like", `"map"`),
		Origin: r.text("origin", "")}
	checkProvider(r, alias.Provider, "")
	if alias.Provider == schema.AnyProvider {
		r.refuse("provider", "must be one provider: an alias for all would take the lines of every other")
	}
	if !known[alias.Like] {
		r.refuse("like", fmt.Sprintf("%q has no lines, neither shipped ones nor of this account (an alias is "+
			"replaced once, so it must not name another alias): "+
			"GET /v1/error-map shows which providers have", shorten(alias.Like)))
	}
	return alias
}

func checkProvider(r *row, provider, or string) {
	if provider == "" {
		r.refuse("provider", "must not be empty: write the name that events carry as provider"+or)
	}
	checkText("provider", provider, r.refuse)
}
