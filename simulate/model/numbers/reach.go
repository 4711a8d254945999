package numbers

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"kaskad/simulate/model"
	"kaskad/simulate/model/settings"
)

// ReachQuery selects and groups what the reports of docs/definitions.md section 5 are about, and brings the reference
// data that they need.
type ReachQuery struct {
	model.Query
	Numbers settings.Numbers
}

// keyed is an attempt with its values of all names of a report.
type keyed struct {
	model.Folded
	// own are the names that only one report knows.
	own map[string]string
}

// reachKey returns the attempt's value of a group name.
func reachKey(m *model.Model, name string, x *keyed, zone *time.Location) (model.Key, error) {
	if value, found := x.own[name]; found {
		return model.Key{Name: name, Text: value}, nil
	}
	key, err := m.Key(name, x.Account, x.Attempt, x.Cohort, zone)
	if err != nil {
		return model.Key{}, fmt.Errorf("group_by: %q is no name of the report", name)
	}
	return key, nil
}

// selected returns the attempted steps of the period that pass the filters, with a report's own names given by a
// function, if it has any. An attempt for which it returns nil is left out.
func selected(m *model.Model, q model.Query, own func(x *model.Folded) map[string]string) ([]keyed, error) {
	from, to, err := m.Bounds(q)
	if err != nil {
		return nil, err
	}
	zone := q.Zone()
	var passed []keyed
	for _, x := range m.Attempts() {
		if x.Facts.Skipped || x.Cohort < from || x.Cohort >= to {
			continue
		}
		k := keyed{Folded: x}
		pass := true
		if own != nil {
			k.own = own(&x)
			pass = k.own != nil
		}
		for name, wanted := range q.Filters {
			if !pass {
				break
			}
			key, err := reachKey(m, name, &k, zone)
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

// groupOf returns the attempt's keys and a text that is the same for the same keys only.
func groupOf(m *model.Model, names []string, x *keyed, zone *time.Location) ([]model.Key, string, error) {
	var keys []model.Key
	id := ""
	for _, name := range names {
		key, err := reachKey(m, name, x, zone)
		if err != nil {
			return nil, "", err
		}
		keys = append(keys, key)
		id += strconv.Itoa(len(key.Text)) + ":" + key.Text + strconv.Itoa(key.Number) + ";"
	}
	return keys, id, nil
}

// tokenError tells whether an attempt failed because its app is gone.
func tokenError(m *model.Model, x *model.Folded, codes *codeBook) bool {
	return x.Facts.Failed && oneOf(reasonOf(m, x.Attempt, codes).class, "app_uninstalled", "token_invalid")
}
