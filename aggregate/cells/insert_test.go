package cells_test

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	"kaskad/aggregate/cells"
	"kaskad/engine/enginetest"
	"kaskad/schema"
	"kaskad/schema/schematest"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// columnTypes are those of tables rollup_*, as far as they are not Int64.
var columnTypes = map[string]string{"day": "Date", "edition": "UInt64", "bucket": "DateTime('UTC')",
	"cohort":     "DateTime('UTC')",
	"window_end": "DateTime('UTC')", "step": "UInt8", "permanent": "UInt8", "expired": "UInt8", "shape": "UInt64",
	"leg": "UInt64", "code": "UInt32", "sms_measure": "UInt32", "computed_segments": "UInt16",
	"message_segments": "UInt16",
	"sms_segments":     "UInt16", "reported_micros": "Int128", "reported": "Map(LowCardinality(String), Int128)",
	"to_deliver": "Map(UInt16, UInt64)", "to_read": "Map(UInt16, UInt64)", "to_reply": "Map(UInt16, UInt64)",
	"person": "UInt64", "other": "UInt64"}

// Blocks are what ClickHouse takes, and differences add up there to what they are of.
func TestSum_Blocks_Insert(t *testing.T) {
	conn := schematest.Conn(t)
	const at = `"occurred_at":"2026-11-20T10:01:00Z",` + submittedAt
	old := messageOf(t, `"status":"sent","price":"1.5","currency":"RUB",`+at)
	changed := messageOf(t, `"status":"sent","price":"1.5","currency":"RUB",`+at,
		`"status":"replied","price":"2","currency":"RUB","sms_segments":2,`+at,
		`"status":"failed","step":2,"error_code":"27",`+at)
	var first, second cells.Sum
	first.Replace(nil, old, nil, nil)
	second.Replace(old, changed, nil, nil)
	for edition, s := range []*cells.Sum{&first, &second} {
		for _, b := range s.Blocks(uint64(edition)) {
			table := b.Table
			if strings.HasPrefix(table, "rollup_") {
				table = "edition_" + table
				var columns []string
				for i, name := range b.Names {
					kind := cmp.Or(columnTypes[name], "Int64")
					switch b.Columns[i].(type) {
					case []string, *schema.Texts:
						kind = "LowCardinality(String)"
					case []int32:
						kind = "Int32"
					}
					columns = append(columns, name+" "+kind)
				}
				if err := conn.Exec(t.Context(),
					fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (%s) ENGINE = Memory", table,
						strings.Join(columns, ", "))); err != nil {
					t.Fatal(err)
				}
			}
			if err := schema.InsertColumns(t.Context(), conn, "INSERT INTO "+table+" ("+strings.Join(b.Names, ", ")+")",
				0,
				b.Rows, b.Columns); err != nil {
				t.Fatal(err)
			}
		}
	}
	for query, want := range map[string]string{
		`SELECT toString([sum(attempted), sum(sent), sum(delivered), sum(replied), sum(failed), sum(in_1m)]) FROM edition_rollup_attempts`: "[2,1,1,1,1,1]",
		`SELECT toString(arraySum(groupArray(arraySum(mapValues(to_deliver))))) FROM edition_rollup_attempts`:                              "1",
		`SELECT toString((sum(messages), sum(reported_micros))) FROM edition_rollup_cascades`:                                              "(1,2000000)",
		`SELECT toString((sum(attempts), sumMap(reported))) FROM edition_rollup_spend`:                                                     "(2,{'RUB':2000000})",
		`SELECT toString((any(day), sum(failed), any(error_code))) FROM edition_rollup_failures`:                                           "('2026-11-20',1,'27')",
		`SELECT toString((sum(attempts), sum(messages), sumIf(attempts, delivered_ms > 0))) FROM edition_rollup_people`:                    "(2,1,1)",
		`SELECT toString(count()) FROM legs FINAL`:                                                                                         "2",
		`SELECT toString((length(legs), sms_segments)) FROM shapes FINAL WHERE length(legs) > 1`:                                           "(2,2)",
		`SELECT toString(groupArray((step, code))) FROM (SELECT * FROM attempts_by_recipient FINAL ORDER BY step)`:                         "[(1,7),(2,8)]",
	} {
		var got string
		if err := conn.QueryRow(t.Context(), query).Scan(&got); err != nil || got != want {
			t.Errorf("%s\nis %s (%v), want %s", query, got, err, want)
		}
	}
}
