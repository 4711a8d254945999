package client

import (
	"fmt"
	"io"
	"maps"
	"strconv"
	"strings"

	"kaskad/schema/listfile"
)

// printDifference writes a line for every row that is not as it was.
func printDifference(out io.Writer, d listfile.Difference) {
	for _, c := range d.Changes {
		switch {
		case c.Before == nil:
			fmt.Fprintln(out, "+", describe(c.After, d.Keys), describe(c.After, c.After.Others(d.Keys)))
		case c.After == nil:
			fmt.Fprintln(out, "-", describe(c.Before, d.Keys), describe(c.Before, c.Before.Others(d.Keys)))
		default:
			var fields []string
			names := maps.Clone(c.Before)
			maps.Copy(names, c.After)
			for _, name := range names.Others(d.Keys) {
				if c.Before[name] != c.After[name] {
					fields = append(fields, fmt.Sprintf("%s %s → %s", name, show(c.Before[name]), show(c.After[name])))
				}
			}
			fmt.Fprintln(out, "~", describe(c.After, d.Keys)+":", strings.Join(fields, ", "))
		}
	}
}

// describe prints the fields of a row that are set.
func describe(r listfile.Record, names []string) string {
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
