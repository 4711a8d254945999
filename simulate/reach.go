package simulate

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// ReachQuery selects and groups what the reports of docs/definitions.md section 5 are about, and brings the reference
// data that they need.
type ReachQuery struct {
	Query
	Numbers NumbersQuery
}

// keyed is an attempt with its values of all names of a report.
type keyed struct {
	foldedAttempt
	// own are the names that only one report knows.
	own map[string]string
}

// reachKey returns the attempt's value of a group name.
func (m *Model) reachKey(name string, x *keyed, zone *time.Location) (Key, error) {
	if value, found := x.own[name]; found {
		return Key{Name: name, Text: value}, nil
	}
	key, err := m.key(name, x.account, x.attempt, x.cohort, zone)
	if err != nil {
		return Key{}, fmt.Errorf("group_by: %q is no name of the report", name)
	}
	return key, nil
}

// selected returns the attempted steps of the period that pass the filters, with a report's own names given by a
// function, if it has any. An attempt for which it returns nil is left out.
func (m *Model) selected(q Query, own func(x *foldedAttempt) map[string]string) ([]keyed, error) {
	from, to, err := m.bounds(q)
	if err != nil {
		return nil, err
	}
	zone := q.zone()
	var passed []keyed
	for _, x := range m.foldedAttempts() {
		if x.facts.skipped || x.cohort < from || x.cohort >= to {
			continue
		}
		k := keyed{foldedAttempt: x}
		pass := true
		if own != nil {
			k.own = own(&x)
			pass = k.own != nil
		}
		for name, wanted := range q.Filters {
			if !pass {
				break
			}
			key, err := m.reachKey(name, &k, zone)
			if err != nil {
				return nil, err
			}
			pass = slices.Contains(wanted, key.String())
		}
		if pass {
			passed = append(passed, k)
		}
	}
	return passed, nil
}

// zone is the zone of the time names.
func (q Query) zone() *time.Location {
	if q.TZ == nil {
		return time.UTC
	}
	return q.TZ
}

// groupOf returns the attempt's keys and a text that is the same for the same keys only.
func (m *Model) groupOf(names []string, x *keyed, zone *time.Location) ([]Key, string, error) {
	var keys []Key
	id := ""
	for _, name := range names {
		key, err := m.reachKey(name, x, zone)
		if err != nil {
			return nil, "", err
		}
		keys = append(keys, key)
		id += strconv.Itoa(len(key.Text)) + ":" + key.Text + strconv.Itoa(key.Number) + ";"
	}
	return keys, id, nil
}

func compareKeys(x, y []Key) int { return slices.CompareFunc(x, y, Key.compare) }

func (m *Model) channel(a *attempt) string { return m.strings[a.dims[dimChannel]] }

func (m *Model) app(a *attempt) string { return m.strings[a.dims[dimApp]] }

// tokenError tells whether an attempt failed because its app is gone.
func (m *Model) tokenError(x *foldedAttempt, codes *codeBook) bool {
	return x.facts.failed && oneOf(m.reason(x.attempt, codes).class, "app_uninstalled", "token_invalid")
}
