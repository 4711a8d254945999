package savings

import (
	"flag"
	"net/http"
	"slices"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"

	"kaskad/engine/enginetest"
	"kaskad/query/lists"
	"kaskad/query/prices"
	"kaskad/query/querytest"
	"kaskad/query/rollup"
	"kaskad/query/store"
	"kaskad/schema/schematest"
)

var update = flag.Bool("update", false, "write the statements of testdata anew")

func TestMain(m *testing.M) { enginetest.Main(m) }

// testNow is the clock of most tests.
var testNow = querytest.Now()

// newConn returns a migrated database of the test's own.
func newConn(tb testing.TB) driver.Conn {
	tb.Helper()
	return schematest.Conn(tb)
}

// room is the room under test, called by its routes. Price lists can be put by theirs.
type room struct {
	*Savings
	http.Handler
	registry *prometheus.Registry
}

// newRoom makes a room over conn with the clock fixed; change alters what it reads ClickHouse by.
func newRoom(tb testing.TB, conn driver.Conn, change ...func(*store.DB)) room {
	tb.Helper()
	db, gate, registry := querytest.DB(conn), querytest.Gate(), prometheus.NewRegistry()
	for _, f := range change {
		f(db)
	}
	s, err := New(db, prices.NewCache(db), registry)
	if err != nil {
		tb.Fatal(err)
	}
	return room{s, querytest.Handler(db, gate, slices.Concat(s.Routes(), lists.New(db, gate).Routes())), registry}
}

// answersBy returns how many answers came about in a way, "" for none.
func (r room) answersBy(tb testing.TB, how string) string {
	tb.Helper()
	return querytest.Metric(tb, r.registry, `kaskad_query_answers_total{how="`+how+`"}`)
}

// named returns the keys of the report with these names.
func named(t *testing.T, names ...string) (found rollup.Keys) {
	t.Helper()
	for _, name := range names {
		k, known := Keys.Find(name)
		if !known {
			t.Fatal(name)
		}
		found = append(found, k)
	}
	return found
}
