package simulate

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The model agrees with a program that shares nothing with it: every number of the example, every field to the last digit.
func TestModel_Numbers_Examples(t *testing.T) {
	raw, err := os.ReadFile("testdata/examples/numbers.json")
	if err != nil {
		t.Fatal(err)
	}
	var example struct {
		Now     time.Time
		Events  string
		Numbers []map[string]any
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&example); err != nil {
		t.Fatal(err)
	}
	events, err := os.ReadFile("testdata/examples/" + example.Events)
	if err != nil {
		t.Fatal(err)
	}
	m := NewModel(example.Now)
	for _, line := range bytes.Split(bytes.TrimSpace(events), []byte("\n")) {
		if err := m.Add(line); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	verdicts, err := m.Numbers(NumbersQuery{})
	if err != nil {
		t.Fatal(err)
	}
	if len(verdicts) != len(example.Numbers) || len(verdicts) != 40 {
		t.Fatalf("%d verdicts, want the %d of the example, which are 40", len(verdicts), len(example.Numbers))
	}
	for i, v := range verdicts {
		encoded, err := v.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeRow(encoded)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range example.Numbers[i] {
			if value, found := got[name]; !found || !sameField(name, want, value) {
				t.Errorf("%s: %s is %v, want %v", v.Number, name, value, want)
			}
		}
		if last := len(v.History) - 1; last >= 0 && v.History[last].To != v.State || last < 0 && v.State != "unknown" {
			t.Errorf("%s: %s does not end the history %v", v.Number, v.State, v.History)
		}
	}
}

// sameField is sameValue for objects of numbers too.
func sameField(name string, want, got any) bool {
	x, isObject := want.(map[string]any)
	y, alsoObject := got.(map[string]any)
	if !isObject || !alsoObject {
		return sameValue(name, want, got)
	}
	if len(x) != len(y) {
		return false
	}
	for key, value := range x {
		if !sameValue(key, value, y[key]) {
			return false
		}
	}
	return true
}

var _ = rand.New
var _ = rapid.Check
