package query

import (
	"flag"
	"testing"

	"kaskad/query/querytest"
	"kaskad/query/report"
)

var update = flag.Bool("update", false, "write the statements of testdata anew")

func keysNamed(t *testing.T, names ...string) (found report.Keys) {
	t.Helper()
	return named(t, report.ChannelKeys, names...)
}

// named returns the keys of the set with these names.
func named(t *testing.T, s report.Keys, names ...string) (found report.Keys) {
	t.Helper()
	for _, name := range names {
		k, known := s.Find(name)
		if !known {
			t.Fatal(name)
		}
		found = append(found, k)
	}
	return found
}

func TestSQL_Golden(t *testing.T) {
	hostile := "x' OR '1'='1 {id:String}"
	for name, q := range map[string]querytest.Statement{
		"rejected_first": &rejectedQuery{limit: 1001},
		"rejected_page":  &rejectedQuery{limit: 11, reasons: []string{hostile}, after: &letter{1, hostile, 2, 3, 4}},
	} {
		checkGolden(t, name, q, hostile)
	}
	for name, q := range map[string]messageQuery{
		"message_located": {id: hostile},
		"message_uuid7":   {id: "01a1a8c8-f88e-7ddf-837b-235096e0a668", account: hostile},
	} {
		for _, part := range []string{"attempts", "parked"} {
			checkGolden(t, name+"_"+part, messagePart{q, part}, hostile)
		}
	}
}

type messagePart struct {
	q    messageQuery
	name string
}

func (p messagePart) SQL() (string, []any, error) { return p.q.SQL(p.name) }

// checkGolden compares a statement with its file in testdata.
func checkGolden(t *testing.T, name string, q querytest.Statement, hostile string) {
	t.Helper()
	querytest.Golden(t, *update, name, q, hostile)
}
