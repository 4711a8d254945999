package forecast

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/engine/enginetest"
	"kaskad/query/answer"
	"kaskad/query/prices"
	"kaskad/query/querytest"
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

// newRoom makes the room under test over conn, called by its routes; others are rooms to call beside it. Without a
// conn nothing but what needs no database answers.
func newRoom(conn driver.Conn, others ...func(*store.DB, *prices.Cache) []answer.Route) http.Handler {
	db, gate := querytest.DB(conn), querytest.Gate()
	lists := prices.NewCache(db)
	routes := New(db, gate, lists).Routes()
	for _, other := range others {
		routes = slices.Concat(routes, other(db, lists))
	}
	return querytest.Handler(db, gate, routes)
}

func postJSON(h http.Handler, path, body string, headers ...string) *httptest.ResponseRecorder {
	return querytest.PostJSON(h, path, body, headers...)
}

// reportOf returns a report of another room.
func reportOf(tb testing.TB, h http.Handler, path string, values url.Values) (reply querytest.Report) {
	tb.Helper()
	querytest.Decode(tb, querytest.Get(h, path+"?"+values.Encode()), http.StatusOK, &reply)
	return reply
}
