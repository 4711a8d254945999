package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"slices"
	"strings"

	"kaskad/simulate/model"
)

// mustAddUpMessages checks that what the list says of single messages adds up to the savings report, group by group.
func (k *kaskad) mustAddUpMessages() {
	k.t.Helper()
	names := []string{"account", "campaign", "template", "path", "reached_by"}
	read := func(lines []byte) (rows []map[string]any) {
		decoder := json.NewDecoder(strings.NewReader(string(lines)))
		decoder.UseNumber()
		for decoder.More() {
			var row map[string]any
			if err := decoder.Decode(&row); err != nil {
				k.t.Fatal(err)
			}
			rows = append(rows, row)
		}
		return rows
	}
	groups := map[string]map[string]*big.Rat{}
	add := func(row map[string]any, figure string, value any, sign int64) {
		amount, ok := new(big.Rat).SetString(fmt.Sprint(value))
		if !ok {
			k.t.Fatalf("%s is %v, want a number", figure, value)
		}
		group := fmt.Sprintf("%q", row["currency"])
		for _, name := range names {
			group += fmt.Sprintf(" %s=%q", name, row[name])
		}
		if groups[group] == nil {
			groups[group] = map[string]*big.Rat{}
		}
		if groups[group][figure] == nil {
			groups[group][figure] = new(big.Rat)
		}
		groups[group][figure].Add(groups[group][figure], amount.Mul(amount, big.NewRat(sign, 1)))
	}
	status, lines := k.request(http.MethodGet, "/v1/messages?limit=all&format=ndjson", "", nil)
	if status != http.StatusOK {
		k.t.Fatalf("GET /v1/messages: %d %.500s", status, lines)
	}
	counted := 0
	for _, row := range read(lines) {
		if row["state"] == "skipped" {
			continue
		}
		counted++
		add(row, "messages", 1, 1)
		if row["reached_by"] != "" {
			add(row, "reached", 1, 1)
		}
		if row["state"] == "read" || row["state"] == "replied" {
			add(row, "read", 1, 1)
		}
		if row["cost"] == nil {
			add(row, "unpriced", 1, 1)
			add(row, fmt.Sprint("unpriced for ", row["unpriced_reason"]), 1, 1)
		} else {
			add(row, "actual_cost", row["cost"], 1)
		}
	}
	var rows []map[string]any
	decoder := json.NewDecoder(strings.NewReader(string(k.reportRows("savings", model.Query{GroupBy: names}))))
	decoder.UseNumber()
	if err := decoder.Decode(&rows); err != nil {
		k.t.Fatal(err)
	}
	for _, row := range rows {
		for _, figure := range []string{"messages", "reached", "read", "unpriced", "actual_cost"} {
			if row[figure] != nil {
				add(row, figure, row[figure], -1)
			}
		}
		for _, reason := range row["unpriced_reasons"].([]any) {
			reason := reason.(map[string]any)
			add(row, fmt.Sprint("unpriced for ", reason["reason"]), reason["messages"], -1)
		}
	}
	if counted < len(rows) || len(rows) < 100 {
		k.t.Fatalf("%d messages in %d groups", counted, len(rows))
	}
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		for figure, difference := range groups[group] {
			if difference.Sign() != 0 {
				k.t.Errorf("%s: %s of single messages less that of the report is %v", group, figure,
					difference.RatString())
			}
		}
	}
}
