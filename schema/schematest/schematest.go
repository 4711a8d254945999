// Package schematest gives tests databases that have the schema.
package schematest

import (
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/engine/enginetest"
	"kaskad/schema"
)

// Conn returns a migrated database of the test's own.
func Conn(tb testing.TB) driver.Conn {
	tb.Helper()
	options, err := clickhouse.ParseDSN(enginetest.ClickHouse(tb))
	if err != nil {
		tb.Fatal(err)
	}
	db := clickhouse.OpenDB(options)
	defer db.Close()
	if _, err := schema.Migrate(tb.Context(), db); err != nil {
		tb.Fatal(err)
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	return conn
}
