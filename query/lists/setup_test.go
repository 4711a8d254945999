package lists

import (
	"flag"
	"net/http"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/engine/enginetest"
	"kaskad/query/querytest"
	"kaskad/schema/schematest"
)

var update = flag.Bool("update", false, "write the statements of testdata anew")

func TestMain(m *testing.M) { enginetest.Main(m) }

// newConn returns a migrated database of the test's own.
func newConn(tb testing.TB) driver.Conn {
	tb.Helper()
	return schematest.Conn(tb)
}

// newRoom makes the room under test over conn, called by its routes.
func newRoom(conn driver.Conn) http.Handler {
	db, gate := querytest.DB(conn), querytest.Gate()
	return querytest.Handler(db, gate, New(db, gate).Routes())
}
