package query

import (
	"encoding/json"
	"fmt"
	"slices"

	"kaskad/money"
	"kaskad/schema"
)

// Where a line of an error map comes from.
const (
	originShipped = "shipped"
	originAccount = "account"
)

// errorMapKind is /v1/error-map: what providers' error codes mean (docs/errors.md). An account's list holds the lines that it has over the shipped
// ones; GET shows all that are in force, so what it shows can be changed and put.
func errorMapKind() referenceKind {
	kind := newReferenceKind(schema.ReferenceErrorMap,
		[...]func([]byte) ([]money.ErrorMapRow, error){money.ParseErrorMapJSON, money.ParseErrorMapYAML, money.ParseErrorMapCSV},
		[...]func([]money.ErrorMapRow) ([]byte, error){money.ErrorMapJSON, money.ErrorMapYAML, money.ErrorMapCSV})
	readAll := kind.read
	kind.read = func(form listForm, body []byte) (int, []byte, error) {
		_, array, err := readAll(form, body)
		if err != nil {
			return 0, nil, err
		}
		return ownErrorLines(array)
	}
	kind.route, kind.show, kind.forAll, kind.verdicts = "error-map", errorLinesInForce, true, true
	return kind
}

// ownErrorLines leaves out the lines that say what a shipped one says: they would outlive a correction of it.
func ownErrorLines(array []byte) (int, []byte, error) {
	lines := []schema.ErrorLine{}
	if err := json.Unmarshal(array, &lines); err != nil {
		return 0, nil, fmt.Errorf("read error map: %w", err)
	}
	shipped, err := schema.ShippedErrorLines()
	if err != nil {
		return 0, nil, err
	}
	known := make(map[schema.ErrorLine]bool, len(shipped))
	for _, l := range shipped {
		known[l] = true
	}
	lines = slices.DeleteFunc(lines, func(l schema.ErrorLine) bool { return known[l] })
	if array, err = json.Marshal(lines); err != nil {
		return 0, nil, fmt.Errorf("print error map: %w", err)
	}
	return len(lines), array, nil
}

// errorLinesInForce shows an account's lines and the shipped ones that they leave in force.
func errorLinesInForce(list schema.Reference) ([]byte, error) {
	maps, err := schema.NewErrorMaps([]schema.Reference{list})
	if err != nil {
		return nil, err
	}
	lines := maps.Lines(list.Account)
	rows := make([]money.ErrorMapRow, len(lines))
	for i, l := range lines {
		rows[i] = money.ErrorMapRow{Provider: l.Provider, Code: l.Code, Class: l.Class, Origin: originShipped}
		if maps.Own(list.Account, l) {
			rows[i].Origin = originAccount
		}
	}
	return json.Marshal(rows)
}
