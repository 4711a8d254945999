package errormap

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"kaskad/schema"
	"kaskad/schema/listfile"
)

// Error maps know no money, but they are lists that people keep as they keep price lists, so they are read by the same
// rules.

// Where a line or an alias that is shown comes from.
const (
	OriginShipped = "shipped"
	OriginAccount = "account"
)

// Document is an error map as the API, YAML and CSV show it.
type Document struct {
	Lines   []Row      `json:"lines" yaml:"lines"`
	Aliases []AliasRow `json:"aliases" yaml:"aliases"`
}

// Row is a line of an error map.
type Row struct {
	Provider string `json:"provider" yaml:"provider"`
	Code     string `json:"code" yaml:"code"`
	Class    string `json:"class" yaml:"class"`
	// Origin is shown, and ignored where a list is put.
	Origin string `json:"origin,omitempty" yaml:"origin,omitempty"`
}

// AliasRow says that the shipped lines of provider Like are also those of Provider.
type AliasRow struct {
	Provider string `json:"provider" yaml:"provider"`
	Like     string `json:"like" yaml:"like"`
	Origin   string `json:"origin,omitempty" yaml:"origin,omitempty"`
}

// Keys are the fields that tell one line of a map from another, and one alias.
func Keys() []string { return []string{"provider", "code"} }

// List returns what is stored of a map that an account puts.
func (m Document) List() List {
	var list List
	for _, l := range m.Lines {
		list.Lines = append(list.Lines, Line{Provider: l.Provider, Code: l.Code, Class: l.Class})
	}
	for _, a := range m.Aliases {
		list.Aliases = append(list.Aliases, Alias{Provider: a.Provider, Like: a.Like})
	}
	return list
}

// ParseJSON reads `{"lines": [{…}, …], "aliases": [{…}, …]}`, the body of PUT /v1/error-map (docs/errors.md),
// one of which may be left out. Leading zeros of codes are cut, as ingest does. What GET shows beside the two lists is
// ignored. The error is [listfile.RowErrors] with all problems.
func ParseJSON(body []byte) (Document, error) { return parse(body, listfile.ReadJSON) }

// ParseYAML reads the same fields from a YAML document with lists `lines:` and `aliases:`.
func ParseYAML(body []byte) (Document, error) { return parse(body, listfile.ReadYAML) }

// ParseCSV reads the same fields from a CSV file whose first line names them, as money.ParseTariffsCSV does. A row
// with a cell in column like is an alias.
func ParseCSV(body []byte) (Document, error) {
	shipped, err := Shipped()
	if err != nil {
		return Document{}, err
	}
	l := listfile.Spec{Name: schema.ReferenceErrorMap, Fields: columns(),
		Limit: lineLimit(shipped) + aliasLimit(shipped)}
	var p listfile.Problems
	var lines, aliases []listfile.Row
	for _, r := range listfile.ReadCSV(body, &l, &p) {
		if !r.Has("like") {
			lines = append(lines, r)
			continue
		}
		for _, field := range []string{"code", "class"} {
			if r.Has(field) {
				r.Refuse(field, "must be empty in a row with like, which is an alias: write a line and an alias as "+
					"two rows")
			}
		}
		aliases = append(aliases, r)
	}
	return judge(lines, aliases, shipped, &p)
}

// WriteJSON writes what [ParseJSON] reads.
func WriteJSON(m Document) ([]byte, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("write error map as JSON: %w", err)
	}
	return body, nil
}

// WriteYAML writes what [ParseYAML] reads.
func WriteYAML(m Document) ([]byte, error) {
	return listfile.WriteYAMLDocument(schema.ReferenceErrorMap, m)
}

// WriteCSV writes what [ParseCSV] reads.
func WriteCSV(m Document) ([]byte, error) {
	return listfile.WriteCSV(columns(), len(m.Lines)+len(m.Aliases), func(i int) []string {
		if i < len(m.Lines) {
			l := m.Lines[i]
			return []string{l.Provider, l.Code, l.Class, "", l.Origin}
		}
		a := m.Aliases[i-len(m.Lines)]
		return []string{a.Provider, "", "", a.Like, a.Origin}
	})
}

func columns() []string { return []string{"provider", "code", "class", "like", "origin"} }

// Who sends back what was shown sends what is shipped too.
func lineLimit(shipped List) int  { return MaxLines + len(shipped.Lines) }
func aliasLimit(shipped List) int { return MaxAliases + len(shipped.Aliases) }

func parse(body []byte, read listfile.Reader) (Document, error) {
	shipped, err := Shipped()
	if err != nil {
		return Document{}, err
	}
	beside := []string{"account", "version", "at"}
	var p listfile.Problems
	lines := read(body, &listfile.Spec{Name: "lines", Beside: append(beside, "aliases"), Optional: true,
		Fields: []string{"provider", "code", "class", "origin"},
		Limit:  lineLimit(shipped)}, &p)
	if slices.ContainsFunc(p.List, func(e listfile.RowError) bool { return e.Row == 0 }) {
		return Document{}, p.Err() // the document is wrong, which would be told twice
	}
	aliases := read(body, &listfile.Spec{Name: "aliases", Beside: append(beside, "lines"), Optional: true,
		Prefix: "aliases.",
		Fields: []string{"provider", "like", "origin"}, Limit: aliasLimit(shipped)}, &p)
	if lines == nil && aliases == nil && len(p.List) == 0 {
		p.Add(0, 1, "lines", `is required, or aliases: {"lines": [{…}, …], "aliases": [{…}, …]}; `+
			`empty lists remove all that the account has`)
	}
	return judge(lines, aliases, shipped, &p)
}

func judge(lines, aliases []listfile.Row, shipped List, p *listfile.Problems) (Document, error) {
	m := Document{Lines: make([]Row, len(lines)), Aliases: make([]AliasRow, len(aliases))}
	type key struct{ provider, code string }
	seen, classes, known := make(map[key]int, len(lines)), schema.ClassNames(),
		map[string]bool{ProviderBot: true}
	for _, l := range shipped.Lines {
		known[l.Provider] = true
	}
	for i := range lines {
		r := &lines[i]
		m.Lines[i] = parseLine(r, classes)
		if !r.Sound("provider", "code") {
			continue
		}
		k := key{m.Lines[i].Provider, m.Lines[i].Code}
		if first, found := seen[k]; found {
			r.Refuse("code", fmt.Sprintf("is that of row %d, of the same provider (leading zeros do not count): "+
				"leave one out", first))
			continue
		}
		seen[k], known[k.provider] = r.Number, true
	}
	delete(known, AnyProvider)
	aliased := make(map[string]int, len(aliases))
	for i := range aliases {
		r := &aliases[i]
		m.Aliases[i] = parseAlias(r, known)
		if !r.Sound("provider") {
			continue
		}
		if first, found := aliased[m.Aliases[i].Provider]; found {
			r.Refuse("provider", fmt.Sprintf("has an alias in row %d: leave one out", first))
			continue
		}
		aliased[m.Aliases[i].Provider] = r.Number
	}
	if err := p.Err(); err != nil {
		return Document{}, err
	}
	return m, nil
}

func parseLine(r *listfile.Row, classes []string) Row {
	given := r.Needed("code", `"27"`)
	line := Row{
		Provider: r.Text("provider", AnyProvider),
		Code:     strings.TrimLeft(given, "0"),
		Class:    r.Needed("class", `"unknown_subscriber"`),
		Origin:   r.Text("origin", ""),
	}
	checkProvider(r, line.Provider, `, or "*" for any`)
	listfile.CheckText("code", line.Code, r.Refuse)
	switch {
	case given == "":
		r.Refuse("code", "must not be empty: write what events carry as error_code")
	case line.Code == "":
		r.Refuse("code", "holds nothing but zeros, which means no error: events with it have no code")
	}
	if !slices.Contains(classes, line.Class) {
		r.Refuse("class", fmt.Sprintf("%q is no class; the classes are %s", listfile.Shorten(line.Class),
			strings.Join(classes, " ")))
	}
	return line
}

func parseAlias(r *listfile.Row, known map[string]bool) AliasRow {
	alias := AliasRow{Provider: r.Needed("provider", `"devino"`), Like: r.Needed("like", `"map"`),
		Origin: r.Text("origin", "")}
	checkProvider(r, alias.Provider, "")
	if alias.Provider == AnyProvider {
		r.Refuse("provider", "must be one provider: an alias for all would take the lines of every other")
	}
	if !known[alias.Like] {
		r.Refuse("like", fmt.Sprintf("%q has no lines, neither shipped ones nor of this account (an alias is "+
			"replaced once, so it must not name another alias): "+
			"GET /v1/error-map shows which providers have", listfile.Shorten(alias.Like)))
	}
	return alias
}

func checkProvider(r *listfile.Row, provider, or string) {
	if provider == "" {
		r.Refuse("provider", "must not be empty: write the name that events carry as provider"+or)
	}
	listfile.CheckText("provider", provider, r.Refuse)
}
