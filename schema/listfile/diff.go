package listfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Record is a row of a list, with its fields as JSON shows them. Numbers keep their digits (json.Number).
type Record map[string]any

// ReadRecords reads a JSON array of rows.
func ReadRecords(encoded []byte) ([]Record, error) {
	var rows []Record
	d := json.NewDecoder(bytes.NewReader(encoded))
	d.UseNumber()
	if err := d.Decode(&rows); err != nil {
		return nil, fmt.Errorf("read rows: %w", err)
	}
	return rows, nil
}

// id is the same for rows with the same keys.
func (r Record) id(keys []string) string {
	parts := make([]string, len(keys))
	for i, k := range keys {
		parts[i] = strconv.Quote(fmt.Sprint(r[k]))
	}
	return strings.Join(parts, " ")
}

// Others are the names of the fields besides the keys.
func (r Record) Others(keys []string) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(r)), func(name string) bool { return slices.Contains(keys, name) })
}

// Change is a row before and after; one of them is nil when it was added or removed.
type Change struct{ Before, After Record }

// Difference is what a new list changes.
type Difference struct {
	Keys []string
	// Changes are the rows that are not as they were: those of the new list in its order, then those that are gone.
	Changes                        []Change
	Added, Removed, Changed, Equal int
}

// Compare tells rows apart by their keys, whatever their order. Lists have each key once, for two rows with the same
// keys and start would overlap.
func Compare(keys []string, before, after []Record) Difference {
	d := Difference{Keys: keys}
	old := make(map[string]Record, len(before))
	for _, r := range before {
		old[r.id(keys)] = r
	}
	for _, r := range after {
		id := r.id(keys)
		was, found := old[id]
		delete(old, id)
		switch {
		case !found:
			d.Added++
		case reflect.DeepEqual(was, r): // a value may be a list
			d.Equal++
			continue
		default:
			d.Changed++
		}
		d.Changes = append(d.Changes, Change{was, r})
	}
	d.Removed = len(old)
	for _, r := range before {
		if _, left := old[r.id(keys)]; left {
			d.Changes = append(d.Changes, Change{Before: r})
		}
	}
	return d
}

// Empty reports whether the lists hold the same rows.
func (d Difference) Empty() bool { return len(d.Changes) == 0 }

// String counts the rows.
func (d Difference) String() string {
	return fmt.Sprintf("%d added, %d removed, %d changed, %d as they were", d.Added, d.Removed, d.Changed, d.Equal)
}
