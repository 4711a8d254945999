package messages

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/aggregate"
	"kaskad/engine/enginetest"
	"kaskad/query/prices"
	"kaskad/query/querytest"
	"kaskad/query/savings"
	"kaskad/query/store"
	"kaskad/schema"
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

// newRoom makes the room under test over conn, called by its routes. The savings report is beside it.
func newRoom(tb testing.TB, conn driver.Conn, with ...func(*store.DB)) http.Handler {
	tb.Helper()
	return newRoomWith(tb, conn, Letters{}, with...)
}

// withColumns lets a room read exports column by column.
func withColumns(columns schema.Columns) func(*store.DB) {
	return func(db *store.DB) { db.Columns = columns }
}

// newRoomWith makes one that replays dead letters.
func newRoomWith(tb testing.TB, conn driver.Conn, letters Letters, with ...func(*store.DB)) http.Handler {
	tb.Helper()
	db, gate := querytest.DB(conn), querytest.Gate()
	for _, set := range with {
		set(db)
	}
	lists := prices.NewCache(db)
	saved, err := savings.New(db, lists, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return querytest.Handler(db, gate, slices.Concat(New(db, gate, lists, letters).Routes(), saved.Routes()))
}

// publish has an aggregator compute all hours from the facts that are stored, until nothing is left to do.
func publish(tb testing.TB, conn driver.Conn) {
	tb.Helper()
	querytest.Execute(tb, conn,
		"INSERT INTO touched SELECT DISTINCT account, bucket, generateUUIDv4(), 0, 1 FROM attempts")
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	a := aggregate.New(aggregate.Config{Exclusive: true, Poll: 10 * time.Millisecond, Now: querytest.Now},
		aggregate.Deps{Conn: conn, Reject: func(context.Context, []schema.Rejection) error { return nil }})
	go func() { ended <- a.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			tb.Error(err)
		}
	}()
	for open := uint64(1); open > 0; time.Sleep(10 * time.Millisecond) {
		if err := conn.QueryRow(tb.Context(), `SELECT count() FROM
			(SELECT 1 FROM touched GROUP BY account, bucket, id HAVING sum(sign) > 0)`).Scan(&open); err != nil {
			tb.Fatal(err)
		}
	}
}
