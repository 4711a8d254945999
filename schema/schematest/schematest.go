// Package schematest gives tests databases that have the schema.
package schematest

import (
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/engine/enginetest"
	"kaskad/schema"
)

// Conn returns a migrated database of the test's own. The test runs beside others that have one.
func Conn(tb testing.TB) driver.Conn {
	tb.Helper()
	return enginetest.Open(tb, schema.Migrate)
}
