package keys

import (
	"fmt"
	"slices"
	"strings"
)

// Scopes is a set of what a key may do.
type Scopes uint8

// The scopes, in the order of their names.
const (
	Analyst Scopes = 1 << iota
	Marketer
	CRM
	Ingest
	Admin
)

// Names are the names of all scopes.
var Names = [...]string{"analyst", "marketer", "crm", "ingest", "admin"}

// Any tells whether one of the others is among the scopes.
func (s Scopes) Any(others Scopes) bool { return s&others != 0 }

// List returns the names of the scopes.
func (s Scopes) List() []string {
	list := []string{}
	for i, name := range Names {
		if s&(1<<i) != 0 {
			list = append(list, name)
		}
	}
	return list
}

// String prints the names with commas between them.
func (s Scopes) String() string { return strings.Join(s.List(), ",") }

// ParseScopes reads names of scopes, one at least.
func ParseScopes(names []string) (all Scopes, err error) {
	for _, name := range names {
		i := slices.Index(Names[:], name)
		if i < 0 {
			return 0, fmt.Errorf("%.64q is no scope; it must be one of %s", name, strings.Join(Names[:], " "))
		}
		all |= 1 << i
	}
	if all == 0 {
		return 0, fmt.Errorf("name one scope or more: %s", strings.Join(Names[:], " "))
	}
	return all, nil
}
