package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// rowChange is a row before and after; one of them is nil when it was added or removed.
type rowChange struct{ before, after row }

// listDifference is what a new list changes.
type listDifference struct {
	keys                           []string
	changes                        []rowChange
	added, removed, changed, equal int
}

// compareRows tells rows apart by their keys, whatever their order. Lists have each key once, for two rows with the
// same keys and start would overlap.
func compareRows(keys []string, before, after []row) listDifference {
	d := listDifference{keys: keys}
	old := map[string]row{}
	for _, r := range before {
		old[r.id(keys)] = r
	}
	for _, r := range after {
		id := r.id(keys)
		was, found := old[id]
		delete(old, id)
		switch {
		case !found:
			d.added++
		case maps.Equal(was, r):
			d.equal++
			continue
		default:
			d.changed++
		}
		d.changes = append(d.changes, rowChange{was, r})
	}
	d.removed = len(old)
	for _, r := range before {
		if _, left := old[r.id(keys)]; left {
			d.changes = append(d.changes, rowChange{before: r})
		}
	}
	return d
}

func (d listDifference) empty() bool { return len(d.changes) == 0 }

// String counts the rows.
func (d listDifference) String() string {
	return fmt.Sprintf("%d added, %d removed, %d changed, %d as they were", d.added, d.removed, d.changed, d.equal)
}

// print writes a line for every row that is not as it was.
func (d listDifference) print(out io.Writer) {
	for _, c := range d.changes {
		switch {
		case c.before == nil:
			fmt.Fprintln(out, "+", c.after.describe(d.keys), c.after.describe(c.after.others(d.keys)))
		case c.after == nil:
			fmt.Fprintln(out, "-", c.before.describe(d.keys), c.before.describe(c.before.others(d.keys)))
		default:
			var fields []string
			names := maps.Clone(c.before)
			maps.Copy(names, c.after)
			for _, name := range names.others(d.keys) {
				if c.before[name] != c.after[name] {
					fields = append(fields, fmt.Sprintf("%s %s → %s", name, show(c.before[name]), show(c.after[name])))
				}
			}
			fmt.Fprintln(out, "~", c.after.describe(d.keys)+":", strings.Join(fields, ", "))
		}
	}
}

// id is the same for rows with the same keys.
func (r row) id(keys []string) string {
	parts := make([]string, len(keys))
	for i, k := range keys {
		parts[i] = strconv.Quote(fmt.Sprint(r[k]))
	}
	return strings.Join(parts, " ")
}

// others are the names of the fields besides the keys.
func (r row) others(keys []string) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(r)), func(name string) bool { return slices.Contains(keys, name) })
}

// describe prints the fields that are set.
func (r row) describe(names []string) string {
	var parts []string
	for _, name := range names {
		if v := r[name]; v != nil && v != "*" {
			parts = append(parts, name+"="+show(v))
		}
	}
	return strings.Join(parts, " ")
}

func show(v any) string {
	if v == nil {
		return "none"
	}
	text := fmt.Sprint(v)
	if text == "" || strings.ContainsAny(text, " =,\"→") || strconv.Quote(text) != `"`+text+`"` {
		return strconv.Quote(text)
	}
	return text
}
