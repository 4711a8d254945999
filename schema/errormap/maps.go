package errormap

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

	"kaskad/schema"
)

//go:embed errormap.csv
var linesCSV []byte

//go:embed erroraliases.csv
var aliasesCSV []byte

// AnyProvider stands in an account's error map for every provider that has no line of its own there for a code. No
// shipped line has it.
const AnyProvider = "*"

// ProviderBot is the provider that has no codes and yet a line of its own in the table of routes: a Telegram bot, which
// knows of no delivery.
const ProviderBot = "bot"

// MaxLines and MaxAliases are how many lines and aliases of its own an account may put over the shipped ones.
const (
	MaxLines   = 10_000
	MaxAliases = 1_000
)

// Line maps a provider's code ("*": any provider) to a reason class. Codes are as ingest stores them: without
// leading zeros.
type Line struct {
	Provider string `json:"provider"`
	Code     string `json:"code"`
	Class    string `json:"class"`
}

// Alias says that the shipped lines of provider Like are also those of Provider.
type Alias struct {
	Provider string `json:"provider"`
	Like     string `json:"like"`
}

// List is what an account puts over the shipped map, as it is stored.
type List struct {
	Lines   []Line  `json:"lines"`
	Aliases []Alias `json:"aliases"`
}

// UnmarshalJSON also reads what programs before aliases stored: an array of lines.
func (l *List) UnmarshalJSON(body []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) {
		*l = List{}
		return json.Unmarshal(body, &l.Lines)
	}
	type plain List
	return json.Unmarshal(body, (*plain)(l))
}

// Own leaves out what says the same as the shipped map and would say it without: it would outlive a correction of it. A
// line that keeps a shipped one in force beside a line for any provider, or beside an alias of its provider, stays.
func (l List) Own() (List, error) {
	shipped, err := Shipped()
	if err != nil {
		return List{}, err
	}
	own := List{Aliases: slices.DeleteFunc(append([]Alias{}, l.Aliases...),
		func(a Alias) bool { return slices.Contains(shipped.Aliases, a) })}
	all, known := List{Lines: l.Lines, Aliases: own.Aliases}.table(), shipped.table()
	own.Lines = slices.DeleteFunc(append([]Line{}, l.Lines...), func(line Line) bool {
		_, replaced := all.lines[key{AnyProvider, line.Code}]
		_, aliased := all.aliases[line.Provider]
		return !replaced && !aliased && known.lines[key{line.Provider, line.Code}] == line.Class
	})
	return own, nil
}

type key struct{ provider, code string }

// Shipped returns the lines and aliases that are part of the program. docs/errors.md names their sources.
func Shipped() (List, error) {
	var list List
	err := readShipped("errormap.csv", linesCSV, func(r []string) { // the fourth column is for people
		list.Lines = append(list.Lines, Line{Provider: r[0], Code: r[1], Class: r[2]})
	})
	if err != nil {
		return list, err
	}
	err = readShipped("erroraliases.csv", aliasesCSV, func(r []string) {
		list.Aliases = append(list.Aliases, Alias{Provider: r[0], Like: r[1]})
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

// table is an [List] to look up in.
type table struct {
	lines   map[key]string
	aliases map[string]string
}

func (l List) table() table {
	t := table{lines: make(map[key]string, len(l.Lines)), aliases: make(map[string]string, len(l.Aliases))}
	for _, line := range l.Lines {
		t.lines[key{line.Provider, line.Code}] = line.Class
	}
	for _, a := range l.Aliases {
		t.aliases[a.Provider] = a.Like
	}
	return t
}

// class looks up the line of a provider, then that of any provider.
func (t table) class(provider, code string) (class string, found bool) {
	if class, found = t.lines[key{provider, code}]; !found {
		class, found = t.lines[key{AnyProvider, code}]
	}
	return class, found
}

// Maps are the shipped map and what accounts put over it, as of one moment. They never change.
type Maps struct {
	shipped  table
	own      map[string]table // of accounts that have lines or aliases
	versions map[string]uint64
}

// NewMaps makes maps from the newest lists of accounts, as they are stored.
func NewMaps(lists []schema.Reference) (*Maps, error) {
	shipped, err := Shipped()
	if err != nil {
		return nil, err
	}
	m := &Maps{shipped: shipped.table(), own: map[string]table{}, versions: map[string]uint64{}}
	for _, list := range lists {
		var own List
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

// Read returns the newest error maps of all accounts.
func Read(ctx context.Context, conn driver.Conn) (*Maps, error) {
	lists, err := schema.ReadReferences(ctx, conn, schema.ReferenceErrorMap, 0)
	if err != nil {
		return nil, err
	}
	return NewMaps(lists)
}

// Version returns the version of the account's list, 0 when it never put any.
func (m *Maps) Version(account string) uint64 { return m.versions[account] }

// Accounts lists the accounts that have lines or aliases of their own, in order.
func (m *Maps) Accounts() []string { return slices.Sorted(maps.Keys(m.own)) }

// Own reports whether the line in force for a provider's code is the account's rather than a shipped one.
func (m *Maps) Own(account string, line Line) bool {
	_, own := m.own[account].lines[key{line.Provider, line.Code}]
	return own
}

// OwnAlias reports whether the alias in force for a provider is the account's rather than a shipped one.
func (m *Maps) OwnAlias(account, provider string) bool {
	_, own := m.own[account].aliases[provider]
	return own
}

// Lines returns the lines in force for an account, by provider and code: a line of its own wins over shipped ones of
// its code, of its provider or, where it is for any provider, of all. Account "" has the shipped ones alone.
func (m *Maps) Lines(account string) []Line {
	own := m.own[account]
	lines := make([]Line, 0, len(m.shipped.lines)+len(own.lines))
	for key, class := range m.shipped.lines {
		if _, replaced := own.class(key.provider, key.code); !replaced {
			lines = append(lines, Line{key.provider, key.code, class})
		}
	}
	for key, class := range own.lines {
		lines = append(lines, Line{key.provider, key.code, class})
	}
	slices.SortFunc(lines, func(a, b Line) int {
		return cmp.Or(strings.Compare(a.Provider, b.Provider), strings.Compare(a.Code, b.Code))
	})
	return lines
}

// Aliases returns the aliases in force for an account, by provider: its own win over shipped ones. Account "" has the
// shipped ones alone.
func (m *Maps) Aliases(account string) []Alias {
	all := maps.Clone(m.shipped.aliases)
	maps.Copy(all, m.own[account].aliases)
	aliases := make([]Alias, 0, len(all))
	for _, provider := range slices.Sorted(maps.Keys(all)) {
		aliases = append(aliases, Alias{provider, all[provider]})
	}
	return aliases
}

// Provider returns the name by which a provider of the account's events is looked up in shipped tables, here and in the
// table of routes: its own or, replaced once, that of an alias.
func (m *Maps) Provider(account, provider string) string {
	if like, found := m.own[account].aliases[provider]; found {
		return like
	}
	if like, found := m.shipped.aliases[provider]; found {
		return like
	}
	return provider
}

// Mapped reports whether a line knows a code of an account's provider; what is guessed of others is no line.
func (m *Maps) Mapped(account, provider, code string) bool {
	if _, found := m.own[account].class(provider, code); found {
		return true
	}
	_, found := m.shipped.lines[key{m.Provider(account, provider), code}]
	return found
}

// Class returns the reason class of a failure by docs/definitions.md section 5, and whether it is a guess. code is the
// attempt's error code as ingest stores it, expired whether that status was seen.
func (m *Maps) Class(account, channel, provider, code string, expired bool) (class string, guessed bool) {
	if code == "" {
		if expired {
			return schema.ClassExpired, false
		}
		return schema.ClassUnknown, false
	}
	if class, found := m.own[account].class(provider, code); found {
		return class, false
	}
	if class, found := m.shipped.lines[key{m.Provider(account, provider), code}]; found {
		return class, false
	}
	if class, found := m.shipped.lines[key{schema.Channels.Find(channel).GuessedBy, code}]; found {
		return class, true
	}
	return schema.ClassUnknown, false
}
