package rules_test

import (
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/engine/enginetest"
	"kaskad/schema"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

func put(t *testing.T, conn driver.Conn, kind, account string, rows int, body string) uint64 {
	t.Helper()
	version, err := schema.InsertReference(t.Context(), conn, kind, account, "auth off", rows, []byte(body),
		time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return version
}
