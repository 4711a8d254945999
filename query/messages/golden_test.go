package messages

import (
	"flag"
	"testing"

	"kaskad/query/querytest"
)

var update = flag.Bool("update", false, "write the statements of testdata anew")

func TestSQL_Golden(t *testing.T) {
	hostile := "x' OR '1'='1 {id:String}"
	for name, q := range map[string]querytest.Statement{
		"rejected_first": &rejectedQuery{limit: 1001},
		"rejected_page":  &rejectedQuery{limit: 11, reasons: []string{hostile}, after: &letter{1, hostile, 2, 3, 4}},
	} {
		querytest.Golden(t, *update, name, q, hostile)
	}
	for name, q := range map[string]messageQuery{
		"located": {id: hostile},
		"uuid7":   {id: "01a1a8c8-f88e-7ddf-837b-235096e0a668", account: hostile},
	} {
		for _, part := range []string{"attempts", "parked"} {
			querytest.Golden(t, *update, name+"_"+part, messagePart{q, part}, hostile)
		}
	}
}

type messagePart struct {
	q    messageQuery
	name string
}

func (p messagePart) SQL() (string, []any, error) { return p.q.SQL(p.name) }
