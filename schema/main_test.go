package schema_test

import (
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/engine/enginetest"
	"kaskad/schema"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

func newConn(t testing.TB) driver.Conn {
	t.Helper()
	return enginetest.Open(t, schema.Migrate)
}
