package messages

import (
	"net/http"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/engine/enginetest"
	"kaskad/query/querytest"
	"kaskad/schema/schematest"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// testNow is the clock of most tests.
var testNow = querytest.Now()

// newConn returns a migrated database of the test's own.
func newConn(tb testing.TB) driver.Conn {
	tb.Helper()
	return schematest.Conn(tb)
}

// newRoom makes the room under test over conn, called by its routes.
func newRoom(conn driver.Conn) http.Handler {
	db := querytest.DB(conn)
	return querytest.Handler(db, querytest.Gate(), New(db).Routes())
}
