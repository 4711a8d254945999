package messages

import (
	"flag"
	"testing"

	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/schema"
	"kaskad/schema/state"
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
		for _, part := range []string{"attempts", "parked", "message_units"} {
			querytest.Golden(t, *update, name+"_"+part, messagePart{q, part}, hostile)
		}
	}
	after := &state.Key{Account: hostile, BucketMS: 7 * schema.HourMS, MessageID: hostile}
	all := []string{hostile}
	for name, q := range map[string]listPart{
		"hours": {q: listQuery{fromMS: 1000, toMS: 2000}},
		"hours_filtered": {q: listQuery{accounts: all, campaigns: all, channels: all, fromMS: 1000, toMS: 2000},
			after: after},
		"addressed":        {q: listQuery{accounts: all, recipients: all, fromMS: 1000, toMS: 2000}, after: after},
		"addressed_person": {q: listQuery{contacts: all, fromMS: 1000, toMS: 2000}},
		"list":             {name: "list.sql"},
		"list_page":        {q: listQuery{recipients: all}, name: "list.sql", after: after, last: after},
		"units":            {name: "units.sql"},
		"units_page":       {q: listQuery{recipients: all}, name: "units.sql", after: after, last: after},
		"bound":            {name: "bound.sql", after: after},
	} {
		querytest.Golden(t, *update, name, q, hostile)
	}
}

type messagePart struct {
	q    messageQuery
	name string
}

func (p messagePart) SQL() (string, []any, error) {
	return p.q.SQL(p.name, &answer.Snapshot{Edition: 7, Dead: []uint64{4}})
}

// listPart is a statement of the list, that of its targets where it has no name.
type listPart struct {
	q     listQuery
	name  string
	after *state.Key
	last  *state.Key
}

func (p listPart) SQL() (string, []any, error) {
	if p.name == "" {
		return p.q.targetSQL(p.after)
	}
	return p.q.readSQL(p.name, p.after, p.last, &answer.Snapshot{Edition: 7, Dead: []uint64{4}})
}
