package numbers

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/engine/enginetest"
	"kaskad/query/prices"
	"kaskad/query/querytest"
	"kaskad/query/store"
	"kaskad/schema"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// room is the room under test, called by its routes.
type room struct {
	*Numbers
	http.Handler
}

// newRoom makes a room over conn with the clock fixed; change alters what it reads ClickHouse by.
func newRoom(conn driver.Conn, change ...func(*store.DB)) room {
	db, gate := querytest.DB(conn), querytest.Gate()
	for _, f := range change {
		f(db)
	}
	n := New(db, gate, prices.NewCache(db))
	return room{n, querytest.Handler(db, gate, n.Routes())}
}

// withColumns lets a room read large answers column by column.
func withColumns(columns schema.Columns) func(*store.DB) {
	return func(db *store.DB) { db.Columns = columns }
}

type list struct {
	AsOf          *string          `json:"as_of"`
	TariffVersion json.Number      `json:"tariff_version"`
	Rows          []map[string]any `json:"rows"`
	NextCursor    *string          `json:"next_cursor"`
}

// get returns the answer of a route below /v1/numbers.
func (r room) list(tb testing.TB, route, query string) (reply list) {
	tb.Helper()
	querytest.Decode(tb, querytest.Get(r, "/v1/"+route+"?"+query), http.StatusOK, &reply)
	return reply
}
