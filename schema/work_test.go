package schema_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/schema"
	"kaskad/schema/schematest"
)

// What asks for verdicts names the numbers under a batch, and that batch is open.
func TestAskVerdicts_QueuesAndTouches(t *testing.T) {
	conn := schematest.Conn(t)
	all, err := schema.AskVerdicts(t.Context(), conn, "acme", nil, referenceNow)
	if err != nil {
		t.Fatal(err)
	}
	some, err := schema.AskVerdicts(t.Context(), conn, "acme", []string{"+79160000001", "+79160000002"}, referenceNow)
	if err != nil {
		t.Fatal(err)
	}
	if none, err := schema.AskVerdicts(t.Context(), conn, "acme", []string{}, referenceNow); err != nil || none == all {
		t.Fatal(none, err)
	}
	got := readStrings(t, conn, "SELECT concat(toString(batch), ' ', account, ' ', "+
		"toString(toUnixTimestamp(bucket)), ' ', toString(message), ' ', number) FROM number_queue ORDER BY number")
	if want := []string{all.String() + " acme 0 0 ", some.String() + " acme 0 0 +79160000001",
		some.String() + " acme 0 0 +79160000002"}; !slices.Equal(got, want) {
		t.Errorf("queued %q, want %q", got, want)
	}
	got = readStrings(t, conn, "SELECT concat(account, ' ', toString(toUnixTimestamp(bucket)), ' ', toString(id), ' "+
		"', toString(at_ms), ' ', toString(sign)) FROM touched ORDER BY id = $1", some)
	at := fmt.Sprint(referenceNow.UnixMilli())
	if want := []string{"acme 0 " + all.String() + " " + at + " 1",
		"acme 0 " + some.String() + " " + at + " 1"}; !slices.Equal(got, want) {
		t.Errorf("touched %q, want %q", got, want)
	}
}

func readStrings(t *testing.T, conn driver.Conn, statement string, args ...any) (all []string) {
	t.Helper()
	rows, err := conn.Query(t.Context(), statement, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
