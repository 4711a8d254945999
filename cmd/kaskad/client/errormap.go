package client

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/alecthomas/kong"

	"kaskad/schema/errormap"
)

type errorMapCommand struct {
	listCommands `embed:""`
}

// Help shows how an error map is kept.
func (errorMapCommand) Help() string {
	return `Keep an account's own lines and aliases of the error map in a file, as YAML, CSV or JSON:

    lines:
      - provider: devino
        code: "40"
        class: memory_full
    aliases:
      - provider: mts-smpp
        like: map

    kaskad error-map check errors.yaml
    kaskad error-map import errors.yaml --account acme --dry-run
    kaskad error-map import errors.yaml --account acme

In CSV (provider,code,class,like) a row with a value under like is an alias. docs/errors.md explains classes, providers
and aliases. Lines equal to shipped ones are left out. After an import the verdicts on all of the account's numbers are
decided again.`
}

// AfterApply tells the chosen command which kind of list it works with.
func (errorMapCommand) AfterApply(c *kong.Context) error {
	c.Bind(listKind{name: "error-map", noun: "lines and aliases", lists: []string{"lines", "aliases"},
		keys: errormap.Keys(),
		read: readErrorMap, own: ownErrorMap, write: writeErrorMap})
	return nil
}

func readErrorMap(form string, body []byte) ([]byte, error) {
	parse := map[string]func([]byte) (errormap.Document, error){"json": errormap.ParseJSON,
		"yaml": errormap.ParseYAML, "csv": errormap.ParseCSV}
	m, err := parse[form](body)
	if err != nil {
		return nil, err
	}
	list, err := m.List().Own()
	if err != nil {
		return nil, err
	}
	return json.Marshal(list)
}

// ownErrorMap leaves out the shipped lines and aliases that the server shows beside the account's.
func ownErrorMap(shown []byte) ([]byte, error) {
	var m errormap.Document
	if err := json.Unmarshal(shown, &m); err != nil {
		return nil, err
	}
	m.Lines = slices.DeleteFunc(m.Lines, func(l errormap.Row) bool { return l.Origin != errormap.OriginAccount })
	m.Aliases = slices.DeleteFunc(m.Aliases,
		func(a errormap.AliasRow) bool { return a.Origin != errormap.OriginAccount })
	list, err := m.List().Own()
	if err != nil {
		return nil, err
	}
	return json.Marshal(list)
}

func writeErrorMap(form string, lists []byte) ([]byte, error) {
	var m errormap.Document
	if err := json.Unmarshal(lists, &m); err != nil {
		return nil, fmt.Errorf("read error map: %w", err)
	}
	if form == "csv" {
		return errormap.WriteCSV(m)
	}
	return errormap.WriteYAML(m)
}
