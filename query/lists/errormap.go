package lists

import (
	"encoding/json"
	"fmt"

	"kaskad/schema"
	"kaskad/schema/errormap"
)

// errorMapKind is /v1/error-map: what providers' error codes mean (docs/errors.md). An account's list holds the lines
// and aliases that it has over the shipped ones; GET shows all that are in force, so what it shows can be changed and
// put.
func errorMapKind() referenceKind {
	parse := [len(listForms)]func([]byte) (errormap.Document, error){errormap.ParseJSON, errormap.ParseYAML,
		errormap.ParseCSV}
	write := [len(listForms)]func(errormap.Document) ([]byte, error){errormap.WriteJSON, errormap.WriteYAML,
		errormap.WriteCSV}
	kind := referenceKind{
		name: schema.ReferenceErrorMap, route: "error-map", forAll: true, verdicts: true,
		members: []string{"lines", "aliases"}, show: errorMapInForce,
		read: func(form listForm, body []byte) (int, []byte, error) {
			put, err := parse[form](body)
			if err != nil {
				return 0, nil, err
			}
			own, err := put.List().Own()
			if err != nil {
				return 0, nil, err
			}
			stored, err := json.Marshal(own)
			if err != nil {
				return 0, nil, fmt.Errorf("print error map: %w", err)
			}
			return len(own.Lines) + len(own.Aliases), stored, nil
		},
		write: func(form listForm, shown []byte) ([]byte, error) {
			var m errormap.Document
			if err := json.Unmarshal(shown, &m); err != nil {
				return nil, fmt.Errorf("read error map: %w", err)
			}
			return write[form](m)
		},
	}
	describeErrorMap(&kind)
	return kind
}

// errorMapInForce shows an account's lines and aliases and the shipped ones that they leave in force.
func errorMapInForce(list schema.Reference) ([]byte, error) {
	maps, err := errormap.NewMaps([]schema.Reference{list})
	if err != nil {
		return nil, err
	}
	origin := func(own bool) string {
		if own {
			return errormap.OriginAccount
		}
		return errormap.OriginShipped
	}
	shown := errormap.Document{Lines: []errormap.Row{}, Aliases: []errormap.AliasRow{}}
	for _, l := range maps.Lines(list.Account) {
		shown.Lines = append(shown.Lines,
			errormap.Row{Provider: l.Provider, Code: l.Code, Class: l.Class,
				Origin: origin(maps.Own(list.Account, l))})
	}
	for _, a := range maps.Aliases(list.Account) {
		shown.Aliases = append(shown.Aliases,
			errormap.AliasRow{Provider: a.Provider, Like: a.Like,
				Origin: origin(maps.OwnAlias(list.Account, a.Provider))})
	}
	return json.Marshal(shown)
}
