package query

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/query/querytest"
)

// countingRows counts the rows that ClickHouse reads for queries.
type countingRows struct {
	driver.Conn
	read atomic.Uint64
}

func (c *countingRows) Query(ctx context.Context, statement string, args ...any) (driver.Rows, error) {
	return c.Conn.Query(clickhouse.Context(ctx, clickhouse.WithProgress(func(p *clickhouse.Progress) {
		c.read.Add(p.Rows)
	})), statement, args...)
}

// A month of a busy account is read from sums of days; quarter hours are read of those days on which a route settles.
func TestServer_Channels_ReadsFewQuarters(t *testing.T) {
	conn := &countingRows{Conn: newConn(t)}
	const days, ofDay = 28, 20_000
	for _, fill := range []string{
		"SELECT 'acme', 'quarter', day, 5, at, at, 'sms', 'mts', 1, 1, 1, toUnixTimestamp(at) * 1000 FROM (SELECT " +
			"toDateTime('2026-10-22 00:00:00', 'UTC') + intDiv(number, $2) * 86400 + number % 96 * 900 AS at, " +
			"toDate(at) AS day FROM numbers($1 * $2))",
		"SELECT 'acme', 'route', toDate('2026-10-22') + number, 5, 0, toDateTime('2026-10-22 00:00:00', 'UTC') + " +
			"number * 86400 AS at, 'sms', 'mts', 1, $2, $2, toUnixTimestamp(at) * 1000 FROM numbers($1)",
	} {
		execute(t, conn, "INSERT INTO rollup_attempts (account, kind, day, edition, bucket, cohort, channel, provider, "+
			"step, attempted, sent, cohort_max_ms) "+fill, days, ofDay)
	}
	execute(t, conn, "INSERT INTO builds SELECT 'acme', toDate('2026-10-22') + number, 5, 1 FROM numbers($1)", days)
	querytest.Publish(t, conn, 5)
	var reply querytest.Report
	decode(t, get(newServer(t, conn), "/v1/reports/channels?account=acme&from=2026-10-22&to=2026-11-19"),
		http.StatusOK, &reply)
	if len(reply.Rows) != 1 || fmt.Sprint(reply.Rows[0]["attempted"]) != "560000" {
		t.Errorf("%v, want 560000 attempts", reply.Rows)
	}
	if read := conn.read.Load(); read > days*ofDay/3 || read < ofDay {
		t.Errorf("%d rows were read of %d", read, days*ofDay)
	}
}
