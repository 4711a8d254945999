package schema

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

//go:embed errormap.csv
var errorMapCSV []byte

//go:embed error_class.sql
var errorClassSQL string

// AnyProvider stands in an error map for every provider that has no line of its own for a code.
const AnyProvider = "*"

// MaxErrorLines is how many lines of its own an account may put over the shipped ones.
const MaxErrorLines = 10_000

// The classes that a failure without a line gets (docs/definitions.md section 5).
const (
	ClassExpired           = "expired"
	ClassUnknown           = "unknown"
	ClassUnknownSubscriber = "unknown_subscriber"
)

// ErrorLine maps a provider's code ("*": any provider) to a reason class. Codes are as ingest stores them: without leading zeros.
type ErrorLine struct {
	Provider string `json:"provider"`
	Code     string `json:"code"`
	Class    string `json:"class"`
}

type errorKey struct{ provider, code string }

func (l ErrorLine) key() errorKey { return errorKey{l.Provider, l.Code} }

func compareErrorLines(a, b ErrorLine) int {
	return cmp.Or(strings.Compare(a.Provider, b.Provider), strings.Compare(a.Code, b.Code))
}

// ShippedErrorLines returns the lines that are part of the program, by provider and code. docs/errors.md names their sources.
func ShippedErrorLines() ([]ErrorLine, error) {
	records, err := csv.NewReader(bytes.NewReader(errorMapCSV)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read errormap.csv: %w", err)
	}
	lines := make([]ErrorLine, 0, len(records))
	for _, r := range records[1:] { // The first names the columns; the fourth column is for people.
		lines = append(lines, ErrorLine{Provider: r[0], Code: r[1], Class: r[2]})
	}
	slices.SortFunc(lines, compareErrorLines)
	return lines, nil
}

// ErrorMaps are the shipped map and the lines of accounts over it, as of one moment. They never change.
type ErrorMaps struct {
	shipped  map[errorKey]string
	own      map[string]map[errorKey]string
	versions map[string]uint64
}

// NewErrorMaps makes maps from the newest lists of accounts, as they are stored.
func NewErrorMaps(lists []Reference) (*ErrorMaps, error) {
	shipped, err := ShippedErrorLines()
	if err != nil {
		return nil, err
	}
	m := &ErrorMaps{shipped: errorLookup(shipped), own: map[string]map[errorKey]string{}, versions: map[string]uint64{}}
	for _, list := range lists {
		var lines []ErrorLine
		if err := json.Unmarshal(list.Body, &lines); err != nil {
			return nil, fmt.Errorf("read version %d of the error map of account %q: %w", list.Version, list.Account, err)
		}
		m.versions[list.Account] = list.Version
		if len(lines) > 0 {
			m.own[list.Account] = errorLookup(lines)
		}
	}
	return m, nil
}

func errorLookup(lines []ErrorLine) map[errorKey]string {
	classes := make(map[errorKey]string, len(lines))
	for _, l := range lines {
		classes[l.key()] = l.Class
	}
	return classes
}

// ReadErrorMaps returns the newest error maps of all accounts.
func ReadErrorMaps(ctx context.Context, conn driver.Conn) (*ErrorMaps, error) {
	lists, err := ReadReferences(ctx, conn, ReferenceErrorMap, 0)
	if err != nil {
		return nil, err
	}
	return NewErrorMaps(lists)
}

// Version returns the version of the account's lines, 0 when it never put any.
func (m *ErrorMaps) Version(account string) uint64 { return m.versions[account] }

// Own tells whether the line in force for a provider's code is the account's rather than a shipped one.
func (m *ErrorMaps) Own(account string, line ErrorLine) bool {
	_, own := m.own[account][line.key()]
	return own
}

// Lines returns the lines in force for an account, by provider and code: its own win over shipped ones of the same provider and code. Account ""
// has the shipped ones alone.
func (m *ErrorMaps) Lines(account string) []ErrorLine {
	own := m.own[account]
	lines := make([]ErrorLine, 0, len(m.shipped)+len(own))
	for key, class := range m.shipped {
		if _, replaced := own[key]; !replaced {
			lines = append(lines, ErrorLine{key.provider, key.code, class})
		}
	}
	for key, class := range own {
		lines = append(lines, ErrorLine{key.provider, key.code, class})
	}
	slices.SortFunc(lines, compareErrorLines)
	return lines
}

// Class returns the reason class of a failure by docs/definitions.md section 5. code is the attempt's greatest error code as ingest stores
// it, permanent whether any of its events said so, expired whether that status was seen.
func (m *ErrorMaps) Class(account, provider, code string, permanent, expired bool) string {
	if code == "" {
		if expired {
			return ClassExpired
		}
		return ClassUnknown
	}
	for _, key := range [...]errorKey{{provider, code}, {AnyProvider, code}} {
		if class, found := m.own[account][key]; found {
			return class
		}
		if class, found := m.shipped[key]; found {
			return class
		}
	}
	if permanent {
		return ClassUnknownSubscriber
	}
	return ClassUnknown
}

// Table returns the external table that [ClassSQL] and [MappedClassSQL] read: the lines in force of account "", which are the shipped ones, and of
// every account that has lines of its own.
func (m *ErrorMaps) Table() (*ext.Table, error) {
	table, err := ext.NewTable("error_map", ext.Column("account", "String"), ext.Column("provider", "String"), ext.Column("code", "String"),
		ext.Column("class", "String"))
	if err != nil {
		return nil, fmt.Errorf("make table error_map: %w", err)
	}
	accounts := []string{""}
	for account := range m.own {
		if account != "" {
			accounts = append(accounts, account)
		}
	}
	slices.Sort(accounts)
	for _, account := range accounts {
		for _, l := range m.Lines(account) {
			if err := table.Append(account, l.Provider, l.Code, l.Class); err != nil {
				return nil, fmt.Errorf("fill table error_map: %w", err)
			}
		}
	}
	return table, nil
}

// MappedClassSQL is an expression of ClickHouse for the class that a line maps a row's code to, ” when there is none. The row, known by its alias,
// has columns account, provider and error_code, and the query has the external table of [ErrorMaps.Table].
func MappedClassSQL(alias string) string { return errorClass(alias, "''", "''") }

// ClassSQL is an expression of ClickHouse for what [ErrorMaps.Class] returns. The row has columns permanent and expired, which are 0 or 1,
// besides those that [MappedClassSQL] needs.
func ClassSQL(alias string) string {
	return errorClass(alias, "if({row}.expired = 1, 'expired', 'unknown')", "if({row}.permanent = 1, 'unknown_subscriber', 'unknown')")
}

func errorClass(alias, without, otherwise string) string {
	filled := strings.NewReplacer("{without}", without, "{otherwise}", otherwise).Replace(errorClassSQL)
	return strings.ReplaceAll(filled, "{row}", alias)
}
