package errormap

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"kaskad/schema"
)

//go:embed sql/error_class.sql
var classSQL string

//go:embed sql/error_guess.sql
var guessSQL string

// lossClasses are those that tell of a lost address, or of an opt-out (docs/definitions.md section 5).
var lossClasses = []string{"app_uninstalled", "token_invalid", "blocked_by_user", "opted_out", "dnd"}

// Table returns the external table that [ClassSQL], [MappedClassSQL] and [GuessSQL] read: what each code of each
// provider is for account "", which has the shipped map alone, and for every account that has lines or aliases of its
// own. Aliases are written out, so that SQL knows of none.
func (m *Maps) Table() (*ext.Table, error) { return tableOf(m.written()) }

// LossTable returns the part of Table that statements need which ask for classes of losses alone: the lines of codes
// that some line gives one of them. Of other codes [ClassSQL] then says some class of no loss. ClickHouse carries the
// table as a constant through every step of planning, so a few lines instead of all of them make these statements
// several times as fast.
func (m *Maps) LossTable() (*ext.Table, error) {
	lines := m.written()
	codes := lossCodes(lines)
	return tableOf(slices.DeleteFunc(lines, func(l writtenLine) bool { return !codes[l.Code] }))
}

// LossCodes returns the codes that some line of some account calls a loss. No other code is one.
func (m *Maps) LossCodes() []string { return slices.Sorted(maps.Keys(lossCodes(m.written()))) }

func lossCodes(lines []writtenLine) map[string]bool {
	codes := map[string]bool{}
	for _, l := range lines {
		if slices.Contains(lossClasses, l.Class) {
			codes[l.Code] = true
		}
	}
	return codes
}

func tableOf(lines []writtenLine) (*ext.Table, error) {
	table, err := ext.NewTable("error_map", ext.Column("account", "String"), ext.Column("provider", "String"),
		ext.Column("code", "String"),
		ext.Column("class", "String"))
	if err != nil {
		return nil, fmt.Errorf("make table error_map: %w", err)
	}
	for _, l := range lines {
		if err := table.Append(l.account, l.Provider, l.Code, l.Class); err != nil {
			return nil, fmt.Errorf("fill table error_map: %w", err)
		}
	}
	return table, nil
}

// writtenLine is a line of an account.
type writtenLine struct {
	account string
	Line
}

// written returns the lines of account "", and those of every account that has some of its own.
func (m *Maps) written() (lines []writtenLine) {
	byProvider := map[string][]Line{}
	for _, l := range m.Lines("") {
		byProvider[l.Provider] = append(byProvider[l.Provider], l)
	}
	for _, account := range slices.Compact(slices.Sorted(slices.Values(append(slices.Collect(maps.Keys(m.own)), "")))) {
		for _, l := range m.writtenOf(account, byProvider) {
			lines = append(lines, writtenLine{account, l})
		}
	}
	return lines
}

// writtenOf returns the account's lines and, under every name that finds them, the shipped ones that they leave in
// force.
func (m *Maps) writtenOf(account string, shipped map[string][]Line) (lines []Line) {
	own := m.own[account]
	names := make(map[string]bool, len(shipped))
	for provider := range shipped {
		names[provider] = true
	}
	for _, a := range m.Aliases(account) {
		names[a.Provider] = true
	}
	for _, provider := range slices.Sorted(maps.Keys(names)) {
		for _, l := range shipped[m.Provider(account, provider)] {
			if _, replaced := own.class(provider, l.Code); !replaced {
				lines = append(lines, Line{provider, l.Code, l.Class})
			}
		}
	}
	for key, class := range own.lines {
		lines = append(lines, Line{key.provider, key.code, class})
	}
	return lines
}

// MappedClassSQL is an expression of ClickHouse for the class that a line maps a row's code to, the empty text when
// there is none. The row, known by its alias, has columns account, provider and error_code, and the query has the
// external table of [Maps.Table].
func MappedClassSQL(alias string) string { return classExpression(alias, "''", "''") }

// GuessSQL is an expression of ClickHouse for the class that a row's code is guessed to have where no line knows it, or
// when there is no guess. The row has column channel besides those that [MappedClassSQL] needs.
func GuessSQL(alias string) string { return strings.ReplaceAll(guessExpression("''"), "{row}", alias) }

// ClassSQL is an expression of ClickHouse for the class that [Maps.Class] returns. The row has column expired,
// which is 0 or 1, besides those that [GuessSQL] needs.
func ClassSQL(alias string) string {
	return classExpression(alias, "if({row}.expired = 1, 'expired', 'unknown')",
		guessExpression("'unknown'"))
}

func guessExpression(otherwise string) string {
	channels, providers := schema.Channels.Guesses()
	return expression(guessSQL, "{channels}", schema.SQLArray(channels), "{providers}", schema.SQLArray(providers),
		"{otherwise}", otherwise)
}

func classExpression(alias, without, otherwise string) string {
	return strings.ReplaceAll(expression(classSQL, "{without}", without, "{otherwise}", otherwise), "{row}", alias)
}

// expression fills in the expression of a file.
func expression(file string, replacements ...string) string {
	_, found, _ := strings.Cut(file, "\n\n") // what comes before is for people
	return strings.NewReplacer(replacements...).Replace(strings.TrimSpace(found))
}
