package schema

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

//go:embed errormap.csv
var errorMapCSV []byte

//go:embed erroraliases.csv
var errorAliasesCSV []byte

// AnyProvider stands in an account's error map for every provider that has no line of its own there for a code. No
// shipped line has it.
const AnyProvider = "*"

// The shipped tables that codes are guessed by where no line knows them: MAP/GSM causes on sms, Q.850 causes on voice
// and flash_call.
const (
	ProviderMAP  = "map"
	ProviderQ850 = "q850"
)

// ProviderBot is the provider that has no codes and yet a line of its own in the table of routes: a Telegram bot, which
// knows of no delivery.
const ProviderBot = "bot"

// MaxErrorLines and MaxErrorAliases are how many lines and aliases of its own an account may put over the shipped ones.
const (
	MaxErrorLines   = 10_000
	MaxErrorAliases = 1_000
)

// The classes that a failure without a line gets (docs/definitions.md section 5).
const (
	ClassExpired = "expired"
	ClassUnknown = "unknown"
)

// ErrorLine maps a provider's code ("*": any provider) to a reason class. Codes are as ingest stores them: without
// leading zeros.
type ErrorLine struct {
	Provider string `json:"provider"`
	Code     string `json:"code"`
	Class    string `json:"class"`
}

// ErrorAlias says that the shipped lines of provider Like are also those of Provider.
type ErrorAlias struct {
	Provider string `json:"provider"`
	Like     string `json:"like"`
}

// ErrorList is what an account puts over the shipped map, as it is stored.
type ErrorList struct {
	Lines   []ErrorLine  `json:"lines"`
	Aliases []ErrorAlias `json:"aliases"`
}

// UnmarshalJSON also reads what programs before aliases stored: an array of lines.
func (l *ErrorList) UnmarshalJSON(body []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) {
		*l = ErrorList{}
		return json.Unmarshal(body, &l.Lines)
	}
	type plain ErrorList
	return json.Unmarshal(body, (*plain)(l))
}

// Own leaves out what says the same as the shipped map and would say it without: it would outlive a correction of it. A
// line that keeps a shipped one in force beside a line for any provider, or beside an alias of its provider, stays.
func (l ErrorList) Own() (ErrorList, error) {
	shipped, err := ShippedErrors()
	if err != nil {
		return ErrorList{}, err
	}
	own := ErrorList{Aliases: slices.DeleteFunc(append([]ErrorAlias{}, l.Aliases...),
		func(a ErrorAlias) bool { return slices.Contains(shipped.Aliases, a) })}
	all, known := ErrorList{Lines: l.Lines, Aliases: own.Aliases}.table(), shipped.table()
	own.Lines = slices.DeleteFunc(append([]ErrorLine{}, l.Lines...), func(line ErrorLine) bool {
		_, replaced := all.lines[errorKey{AnyProvider, line.Code}]
		_, aliased := all.aliases[line.Provider]
		return !replaced && !aliased && known.lines[errorKey{line.Provider, line.Code}] == line.Class
	})
	return own, nil
}

type errorKey struct{ provider, code string }

// ShippedErrors returns the lines and aliases that are part of the program. docs/errors.md names their sources.
func ShippedErrors() (ErrorList, error) {
	var list ErrorList
	err := readShipped("errormap.csv", errorMapCSV, func(r []string) { // the fourth column is for people
		list.Lines = append(list.Lines, ErrorLine{Provider: r[0], Code: r[1], Class: r[2]})
	})
	if err != nil {
		return list, err
	}
	err = readShipped("erroraliases.csv", errorAliasesCSV, func(r []string) {
		list.Aliases = append(list.Aliases, ErrorAlias{Provider: r[0], Like: r[1]})
	})
	return list, err
}

// readShipped calls add with every record but the first, which names the columns.
func readShipped(name string, body []byte, add func(record []string)) error {
	records, err := csv.NewReader(bytes.NewReader(body)).ReadAll()
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	for _, r := range records[1:] {
		add(r)
	}
	return nil
}

// errorTable is an [ErrorList] to look up in.
type errorTable struct {
	lines   map[errorKey]string
	aliases map[string]string
}

func (l ErrorList) table() errorTable {
	t := errorTable{lines: make(map[errorKey]string, len(l.Lines)), aliases: make(map[string]string, len(l.Aliases))}
	for _, line := range l.Lines {
		t.lines[errorKey{line.Provider, line.Code}] = line.Class
	}
	for _, a := range l.Aliases {
		t.aliases[a.Provider] = a.Like
	}
	return t
}

// class looks up the line of a provider, then that of any provider.
func (t errorTable) class(provider, code string) (class string, found bool) {
	if class, found = t.lines[errorKey{provider, code}]; !found {
		class, found = t.lines[errorKey{AnyProvider, code}]
	}
	return class, found
}

// ErrorMaps are the shipped map and what accounts put over it, as of one moment. They never change.
type ErrorMaps struct {
	shipped  errorTable
	own      map[string]errorTable // of accounts that have lines or aliases
	versions map[string]uint64
}

// NewErrorMaps makes maps from the newest lists of accounts, as they are stored.
func NewErrorMaps(lists []Reference) (*ErrorMaps, error) {
	shipped, err := ShippedErrors()
	if err != nil {
		return nil, err
	}
	m := &ErrorMaps{shipped: shipped.table(), own: map[string]errorTable{}, versions: map[string]uint64{}}
	for _, list := range lists {
		var own ErrorList
		if err := json.Unmarshal(list.Body, &own); err != nil {
			return nil, fmt.Errorf("read version %d of the error map of account %q: %w", list.Version, list.Account,
				err)
		}
		m.versions[list.Account] = list.Version
		if len(own.Lines)+len(own.Aliases) > 0 {
			m.own[list.Account] = own.table()
		}
	}
	return m, nil
}

// ReadErrorMaps returns the newest error maps of all accounts.
func ReadErrorMaps(ctx context.Context, conn driver.Conn) (*ErrorMaps, error) {
	lists, err := ReadReferences(ctx, conn, ReferenceErrorMap, 0)
	if err != nil {
		return nil, err
	}
	return NewErrorMaps(lists)
}

// Version returns the version of the account's list, 0 when it never put any.
func (m *ErrorMaps) Version(account string) uint64 { return m.versions[account] }

// Accounts lists the accounts that have lines or aliases of their own, in order.
func (m *ErrorMaps) Accounts() []string { return slices.Sorted(maps.Keys(m.own)) }

// Own tells whether the line in force for a provider's code is the account's rather than a shipped one.
func (m *ErrorMaps) Own(account string, line ErrorLine) bool {
	_, own := m.own[account].lines[errorKey{line.Provider, line.Code}]
	return own
}

// OwnAlias tells whether the alias in force for a provider is the account's rather than a shipped one.
func (m *ErrorMaps) OwnAlias(account, provider string) bool {
	_, own := m.own[account].aliases[provider]
	return own
}

// Lines returns the lines in force for an account, by provider and code: a line of its own wins over shipped ones of
// its code, of its provider or, where it is for any provider, of all. Account "" has the shipped ones alone.
func (m *ErrorMaps) Lines(account string) []ErrorLine {
	own := m.own[account]
	lines := make([]ErrorLine, 0, len(m.shipped.lines)+len(own.lines))
	for key, class := range m.shipped.lines {
		if _, replaced := own.class(key.provider, key.code); !replaced {
			lines = append(lines, ErrorLine{key.provider, key.code, class})
		}
	}
	for key, class := range own.lines {
		lines = append(lines, ErrorLine{key.provider, key.code, class})
	}
	slices.SortFunc(lines, func(a, b ErrorLine) int {
		return cmp.Or(strings.Compare(a.Provider, b.Provider), strings.Compare(a.Code, b.Code))
	})
	return lines
}

// Aliases returns the aliases in force for an account, by provider: its own win over shipped ones. Account "" has the
// shipped ones alone.
func (m *ErrorMaps) Aliases(account string) []ErrorAlias {
	all := maps.Clone(m.shipped.aliases)
	maps.Copy(all, m.own[account].aliases)
	aliases := make([]ErrorAlias, 0, len(all))
	for _, provider := range slices.Sorted(maps.Keys(all)) {
		aliases = append(aliases, ErrorAlias{provider, all[provider]})
	}
	return aliases
}

// Provider returns the name by which a provider of the account's events is looked up in shipped tables, here and in the
// table of routes: its own or, replaced once, that of an alias.
func (m *ErrorMaps) Provider(account, provider string) string {
	if like, found := m.own[account].aliases[provider]; found {
		return like
	}
	if like, found := m.shipped.aliases[provider]; found {
		return like
	}
	return provider
}

// Class returns the reason class of a failure by docs/definitions.md section 5, and whether it is a guess. code is the
// attempt's error code as ingest stores it, expired whether that status was seen.
func (m *ErrorMaps) Class(account, channel, provider, code string, expired bool) (class string, guessed bool) {
	if code == "" {
		if expired {
			return ClassExpired, false
		}
		return ClassUnknown, false
	}
	if class, found := m.own[account].class(provider, code); found {
		return class, false
	}
	if class, found := m.shipped.lines[errorKey{m.Provider(account, provider), code}]; found {
		return class, false
	}
	if class, found := m.shipped.lines[errorKey{guessProvider(channel), code}]; found {
		return class, true
	}
	return ClassUnknown, false
}

// guessProvider is the shipped provider whose lines are guesses on a channel, "" for none. error_guess.sql says the
// same.
func guessProvider(channel string) string {
	switch channel {
	case "sms":
		return ProviderMAP
	case "voice", "flash_call":
		return ProviderQ850
	}
	return ""
}
