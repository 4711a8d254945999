package query

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/aggregate"
	"kaskad/query/querytest"
	"kaskad/query/report"
	"kaskad/schema"
)

// typedPaths are lists, and every report by its default keys and by a number.
func typedPaths() []string {
	paths := []string{"/v1/rejected", "/v1/erasures", "/v1/error-map/unmapped", "/v1/tariffs/versions?account=acme",
		"/v1/audience/subscribed", "/v1/numbers/changes", "/v1/numbers/dead", "/v1/numbers/best-channel", "/v1/messages",
		"/v1/reports/savings", "/v1/reports/savings?group_by=sms_segments,month"}
	for _, r := range report.All() {
		paths = append(paths, r.Path(), r.Path()+"?group_by=")
		if _, found := r.Keys.Find("weekday"); found {
			paths = append(paths, r.Path()+"?group_by=account,weekday")
		}
	}
	return paths
}

// Every report and list is the same in JSON, as an Arrow stream and as Parquet: digit by digit, and with no floats.
func TestServer_Reports_Typed(t *testing.T) {
	conn := newConn(t)
	storeLives(t, conn)
	s := newServer(t, conn)
	filled := 0
	for _, path := range typedPaths() {
		join := "?"
		if strings.Contains(path, "?") {
			join = "&"
		}
		var reply pageAnswer
		decode(t, get(s, path), http.StatusOK, &reply)
		filled += min(1, len(reply.Rows))
		stream, file := get(s, path+join+"format=arrow"), get(s, path, "Accept", "application/vnd.apache.parquet")
		if stream.Code != http.StatusOK || file.Code != http.StatusOK {
			t.Errorf("%s: %s %s", path, stream.Body, file.Body)
			continue
		}
		if got := file.Header().Get("Content-Type"); got != "application/vnd.apache.parquet" {
			t.Errorf("%s: content type %q", path, got)
		}
		rows, schema := querytest.ReadArrow(t, bytes.NewReader(stream.Body.Bytes()))
		parquetRows, parquetSchema := querytest.ReadParquet(t, file.Body.Bytes())
		if schema != parquetSchema || strings.Contains(schema, "float") {
			t.Errorf("%s: schema %s, of Parquet %s", path, schema, parquetSchema)
		}
		querytest.SameRows(t, path+" as Parquet", parquetRows, rows)
		if len(rows) != len(reply.Rows) {
			t.Errorf("%s: %d rows, want %d", path, len(rows), len(reply.Rows))
			continue
		}
		for i, want := range reply.Rows {
			for name, value := range want {
				if got, found := rows[i][name]; !found || !sameValue(got, value) {
					t.Errorf("%s: row %d: %s is %v, want %v", path, i, name, got, value)
				}
			}
		}
	}
	if filled < 20 {
		t.Errorf("%d answers have rows", filled)
	}
}

// storeLives stores messages to a number that dies and to people who read, with prices, and has an aggregator compute
// all that follows from them.
func storeLives(t *testing.T, conn driver.Conn) {
	t.Helper()
	var lines []string
	for day := 10; day < 19; day++ {
		at := func(second int) string { return fmt.Sprintf("2026-11-%dT10:00:%02d.000Z", day, second) }
		common := fmt.Sprintf(`"submitted_at":%q,"campaign":"день %d","template":"t","sms_segments":%d`, at(0), day, day%3)
		lines = append(lines,
			querytest.AcmeEvent(fmt.Sprint("dead-", day), 1, "sms", "undelivered", at(5), common,
				`"provider":"map","error_code":"1","segments":2,"price":"1.10","currency":"RUB"`),
			querytest.AcmeEvent(fmt.Sprint("read-", day), 1, "viber", "read", at(4), common, `"recipient":"+79005550000"`),
			querytest.AcmeEvent(fmt.Sprint("read-", day), 2, "sms", "delivered", at(9), common, `"segments":1`,
				`"recipient":"+79005550000"`),
			querytest.AcmeEvent(fmt.Sprint("odd-", day), 1, "email", "failed", at(3), common,
				`"recipient":"email:a@example.com","error_code":"odd"`))
	}
	querytest.StoreEvents(t, conn, lines...)
	querytest.PutTariffs(t, conn, "acme", querytest.TariffRow("sms", "per_segment_sent", "2.5"),
		querytest.TariffRow("viber", "per_message_delivered", "0.333333"))
	aggregateUntil(t, conn, "SELECT count() > 0 FROM number_health WHERE state = 'dead'")
}

// aggregateUntil has an aggregator compute all that follows from what is stored, until a query says that it has.
func aggregateUntil(t *testing.T, conn driver.Conn, query string) {
	t.Helper()
	querytest.Execute(t, conn,
		"INSERT INTO touched SELECT DISTINCT account, bucket, generateUUIDv4(), 0, 1 FROM attempts")
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	a := aggregate.New(aggregate.Config{Exclusive: true, Poll: 10 * time.Millisecond, Now: querytest.Now},
		aggregate.Deps{Conn: conn, Reject: func(context.Context, []schema.Rejection) error { return nil }})
	go func() { ended <- a.Run(ctx) }()
	for done := false; !done; time.Sleep(20 * time.Millisecond) {
		if err := conn.QueryRow(t.Context(), query).Scan(&done); err != nil {
			t.Error(err)
			break
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// sameValue compares a value of a typed column, as it is printed, with one of JSON.
func sameValue(got, want any) bool {
	if reflect.DeepEqual(got, want) {
		return true
	}
	shown, isText := got.(string)
	switch want := want.(type) {
	case nil:
		return got == nil
	case bool:
		return got == fmt.Sprint(want)
	case json.Number:
		x, ok1 := new(big.Rat).SetString(shown)
		y, ok2 := new(big.Rat).SetString(want.String())
		return ok1 && ok2 && x.Cmp(y) == 0
	case string:
		if at, err := time.Parse(time.RFC3339, want); err == nil && isText {
			same, err := time.Parse("2006-01-02 15:04:05.999999999Z0700", shown)
			return shown == want || err == nil && same.Equal(at)
		}
		return shown == want
	}
	encoded, err := json.Marshal(want)
	var again any
	return err == nil && json.Unmarshal([]byte(shown), &again) == nil && slices.Equal(encoded, mustMarshal(again))
}

func mustMarshal(value any) []byte {
	encoded, err := json.Marshal(value)
	if err != nil {
		return []byte(err.Error())
	}
	return encoded
}
