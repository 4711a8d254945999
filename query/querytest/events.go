package querytest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"kaskad/schema"
	"kaskad/schema/event"
)

// StoreEvents decodes events and stores them as ingest does.
func StoreEvents(tb testing.TB, conn driver.Conn, lines ...string) {
	tb.Helper()
	var facts schema.Facts
	var orphans schema.Orphans
	var locations []schema.Location
	var decoder event.Decoder
	for i, line := range lines {
		ev, failure := decoder.Decode([]byte(line), Now().UnixMilli())
		if failure != nil {
			tb.Fatalf("%s: %v", line, failure)
		}
		if ev.BucketMS == 0 {
			orphans.Append(ev, schema.Place{Topic: "kaskad.events", Partition: 1, Offset: int64(i), Line: 1},
				[]byte(line), Now().UnixMilli())
			continue
		}
		if ev.IDTimeMS == 0 {
			locations = append(locations,
				schema.Location{Account: string(ev.Account), MessageID: string(ev.MessageID),
					BucketMS: ev.BucketMS})
		}
		facts.Append(ev)
	}
	ctx := tb.Context()
	for _, err := range []error{facts.Insert(ctx, conn, uuid.New(), 0, facts.Rows()),
		orphans.Insert(ctx, conn, uuid.New(), 0, orphans.Rows()),
		schema.InsertLocated(ctx, conn, uuid.New(), locations)} {
		if err != nil {
			tb.Fatal(err)
		}
	}
}

// AcmeEvent writes an event of message id in account acme; more are further fields in JSON.
func AcmeEvent(id string, step int, channel, status, at string, more ...string) string {
	fields := append([]string{fmt.Sprintf(`"message_id":%q,"step":%d,"channel":%q,"status":%q,"occurred_at":%q`, id,
		step, channel, status, at)}, more...)
	all := strings.Join(fields, ",")
	for name, value := range map[string]string{"account": "acme", "recipient": "+79001234567"} {
		if !strings.Contains(all, `"`+name+`"`) {
			all += fmt.Sprintf(",%q:%q", name, value)
		}
	}
	return "{" + all + "}"
}
