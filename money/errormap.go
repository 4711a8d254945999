package money

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"kaskad/schema"
)

// Error maps know no money, but they are lists that people keep as they keep price lists, so they are read by the same rules.

// ErrorMapRow is a line of an error map as the API, YAML and CSV show it.
type ErrorMapRow struct {
	Provider string `json:"provider" yaml:"provider"`
	Code     string `json:"code" yaml:"code"`
	Class    string `json:"class" yaml:"class"`
	// Origin says where a line comes from, "shipped" or "account". It is shown, and ignored where a list is put.
	Origin string `json:"origin,omitempty" yaml:"origin,omitempty"`
}

func errorMapList() (*list, error) {
	shipped, err := schema.ShippedErrorLines()
	// Who sends back what was shown sends the shipped lines too.
	return &list{name: schema.ReferenceErrorMap, fields: []string{"provider", "code", "class", "origin"}, required: []string{"code", "class"},
		limit: schema.MaxErrorLines + len(shipped)}, err
}

// ParseErrorMapJSON reads `{"error_map": [{…}, …]}`, the body of PUT /v1/error-map (docs/errors.md). Leading zeros of codes are cut, as ingest
// does. The error is [RowErrors] with all problems of the list.
func ParseErrorMapJSON(body []byte) ([]ErrorMapRow, error) { return parseErrorMap(body, readJSON) }

// ParseErrorMapYAML reads the same fields from a YAML document `error_map:` with a list of rows.
func ParseErrorMapYAML(body []byte) ([]ErrorMapRow, error) { return parseErrorMap(body, readYAML) }

// ParseErrorMapCSV reads the same fields from a CSV file whose first line names them, as [ParseTariffsCSV] does.
func ParseErrorMapCSV(body []byte) ([]ErrorMapRow, error) { return parseErrorMap(body, readCSV) }

// ErrorMapJSON writes what [ParseErrorMapJSON] reads.
func ErrorMapJSON(rows []ErrorMapRow) ([]byte, error) {
	body, err := json.Marshal(map[string][]ErrorMapRow{schema.ReferenceErrorMap: rows})
	if err != nil {
		return nil, fmt.Errorf("write error map as JSON: %w", err)
	}
	return body, nil
}

// ErrorMapYAML writes what [ParseErrorMapYAML] reads.
func ErrorMapYAML(rows []ErrorMapRow) ([]byte, error) {
	return writeYAML(schema.ReferenceErrorMap, rows)
}

// ErrorMapCSV writes what [ParseErrorMapCSV] reads.
func ErrorMapCSV(rows []ErrorMapRow) ([]byte, error) {
	return writeCSV([]string{"provider", "code", "class", "origin"}, len(rows), func(i int) []string {
		return []string{rows[i].Provider, rows[i].Code, rows[i].Class, rows[i].Origin}
	})
}

func parseErrorMap(body []byte, read reader) ([]ErrorMapRow, error) {
	l, err := errorMapList()
	if err != nil {
		return nil, err
	}
	var p problems
	rows := read(body, l, &p)
	type key struct{ provider, code string }
	lines, seen, classes := make([]ErrorMapRow, len(rows)), make(map[key]int, len(rows)), schema.ClassNames()
	for i := range rows {
		r := &rows[i]
		lines[i] = parseErrorLine(r, classes)
		if !r.sound("provider", "code") {
			continue
		}
		k := key{lines[i].Provider, lines[i].Code}
		if first, found := seen[k]; found {
			r.refuse("code", fmt.Sprintf("is that of row %d, of the same provider (leading zeros do not count): leave one out", first))
			continue
		}
		seen[k] = r.number
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	return lines, nil
}

func parseErrorLine(r *row, classes []string) ErrorMapRow {
	given := r.needed("code", `"27"`)
	line := ErrorMapRow{
		Provider: r.text("provider", schema.AnyProvider),
		Code:     strings.TrimLeft(given, "0"),
		Class:    r.needed("class", `"unknown_subscriber"`),
		Origin:   r.text("origin", ""),
	}
	if line.Provider == "" {
		r.refuse("provider", `must not be empty: write the name that events carry as provider, or "*" for any`)
	}
	checkText("provider", line.Provider, r.refuse)
	checkText("code", line.Code, r.refuse)
	switch {
	case given == "":
		r.refuse("code", "must not be empty: write what events carry as error_code")
	case line.Code == "":
		r.refuse("code", "holds nothing but zeros, which means no error: events with it have no code")
	}
	if !slices.Contains(classes, line.Class) {
		r.refuse("class", fmt.Sprintf("%q is no class; the classes are %s", shorten(line.Class), strings.Join(classes, " ")))
	}
	return line
}
