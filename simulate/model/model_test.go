package model

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
	"time"
)

type exampleFile struct {
	Now     time.Time
	Events  string
	Reports []struct {
		GroupBy []string `json:"group_by"`
		TZ      string
		Rows    []json.RawMessage
	}
}

func readExample(t testing.TB) (exampleFile, [][]byte) {
	t.Helper()
	raw, err := os.ReadFile("testdata/examples/channels.json")
	if err != nil {
		t.Fatal(err)
	}
	var example exampleFile
	if err := json.Unmarshal(raw, &example); err != nil {
		t.Fatal(err)
	}
	events, err := os.ReadFile("testdata/examples/" + example.Events)
	if err != nil {
		t.Fatal(err)
	}
	return example, bytes.Split(bytes.TrimSpace(events), []byte("\n"))
}

// TestModel_ChannelReport_Examples holds the model to the eight reports of a program that shares nothing with it: the
// same rows in the same order, the same fields in the same order, the same digits.
func TestModel_ChannelReport_Examples(t *testing.T) {
	example, lines := readExample(t)
	model := New(example.Now)
	for _, line := range lines {
		if err := model.Add(line); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	if len(example.Reports) != 8 {
		t.Fatalf("%d reports in the example, want 8", len(example.Reports))
	}
	for _, report := range example.Reports {
		zone, err := time.LoadLocation(report.TZ)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := model.ChannelReport(Query{GroupBy: report.GroupBy, TZ: zone})
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) != len(report.Rows) {
			t.Fatalf("%v: %d rows, want %d", report.GroupBy, len(rows), len(report.Rows))
		}
		for i, row := range rows {
			got, err := row.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			// The example ends before what recipients did.
			cut := bytes.Index(got, []byte(`,"unsubscribed":`))
			var want bytes.Buffer
			if err := json.Compact(&want, unescape(t, report.Rows[i])); err != nil {
				t.Fatal(err)
			}
			if string(got[:cut])+"}" != want.String() {
				t.Errorf("%v row %d:\n got %s\nwant %s", report.GroupBy, i, got[:cut], want.String())
			}
		}
	}
}

// unescape turns the example's \uXXXX escapes into the characters that the model writes.
func unescape(t *testing.T, raw json.RawMessage) []byte {
	t.Helper()
	out := []byte(raw)
	for {
		i := bytes.Index(out, []byte(`\u`))
		if i < 0 {
			return out
		}
		var s string
		if err := json.Unmarshal([]byte(`"`+string(out[i:i+6])+`"`), &s); err != nil {
			t.Fatal(err)
		}
		out = append(append(append([]byte{}, out[:i]...), s...), out[i+6:]...)
	}
}
