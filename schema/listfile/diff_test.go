package listfile

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// What a difference says, applied to the list before, is the list after; and nothing is said of what stays.
func TestCompare_LeadsFromOneToTheOther(t *testing.T) {
	keys := []string{"name", "since"}
	lists := func(r *rapid.T, name string) []Record {
		drawn := rapid.SliceOfNDistinct(rapid.IntRange(0, 8), 0, 8, rapid.ID[int]).Draw(r, name)
		rows := make([]Record, len(drawn))
		for i, n := range drawn {
			rows[i] = Record{"name": fmt.Sprint(n / 3), "since": nil, "price": json.Number(fmt.Sprint(
				rapid.IntRange(1, 3).Draw(r, name+" price")))}
			if n%3 > 0 {
				rows[i]["since"] = fmt.Sprint(n % 3)
			}
		}
		return rows
	}
	text := func(rows []Record) string {
		var lines []string
		for _, r := range rows {
			lines = append(lines, r.id(keys)+fmt.Sprint(r["price"]))
		}
		slices.Sort(lines)
		return fmt.Sprint(lines)
	}
	rapid.Check(t, func(r *rapid.T) {
		before, after := lists(r, "before"), lists(r, "after")
		d := Compare(keys, before, after)
		made := slices.Clone(before)
		for _, c := range d.Changes {
			if c.Before != nil {
				made = slices.DeleteFunc(made, func(one Record) bool { return one.id(keys) == c.Before.id(keys) })
			}
			if c.After != nil {
				made = append(made, c.After)
			}
			if c.Before != nil && c.After != nil && text([]Record{c.Before}) == text([]Record{c.After}) {
				r.Errorf("%v is said to change to itself", c.Before)
			}
		}
		if text(made) != text(after) {
			r.Errorf("%v becomes %v, want %v", before, made, after)
		}
		if d.Added+d.Changed+d.Equal != len(after) || d.Removed+d.Changed+d.Equal != len(before) ||
			d.Empty() != (text(before) == text(after)) {
			r.Errorf("%s from %v to %v", d, before, after)
		}
	})
}
