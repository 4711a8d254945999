// Package schematest gives tests databases that have the schema.
package schematest

import (
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/engine/enginetest"
	"kaskad/schema"
)

// Conn returns a migrated database of the test's own. The test runs beside others that have one.
func Conn(tb testing.TB) driver.Conn {
	tb.Helper()
	return enginetest.Open(tb, schema.Migrate)
}

// ConnColumns returns such a database, and what reads its large answers column by column.
func ConnColumns(tb testing.TB) (driver.Conn, schema.Columns) {
	tb.Helper()
	options := enginetest.Migrated(tb, schema.Migrate)
	conn, err := clickhouse.Open(options)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	return conn, schema.NewColumns(options)
}
