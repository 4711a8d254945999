package aggregate

import (
	"testing"
	"time"
)

// Of an hour without cells all that is computed counts, and nothing is compared. Whether it has some is told by cells
// alone: an hour that nothing else remembers is not counted twice.
func TestEdition_ReadWhole_HoursWithoutCells(t *testing.T) {
	conn := connect(t)
	at := noon.Add(-2 * time.Hour)
	load(t, conn, "t", []byte(line("m", "delivered", at, submitted(at)...)), noon)
	load(t, conn, "t2", []byte(line("n", "undelivered", at, submitted(at)...)), noon)
	forget := func() *Aggregator {
		t.Helper()
		for _, query := range []string{"INSERT INTO cold_hours SELECT DISTINCT account, bucket, " +
			"toUInt64(toUnixTimestamp64Micro(now64(6))), 1 FROM attempts",
			"INSERT INTO touched (account, bucket, id, at_ms, sign) SELECT DISTINCT account, bucket, " +
				"generateUUIDv4(), 1, 1 FROM attempts", "TRUNCATE TABLE generations"} {
			if err := conn.Exec(t.Context(), query); err != nil {
				t.Fatal(err)
			}
		}
		return newAggregator(conn, noon)
	}
	mustCount := func(when string) {
		t.Helper()
		for table, sum := range map[string]string{"rollup_attempts": "attempted", "rollup_cascades": "messages",
			"rollup_spend": "attempts", "rollup_failures": "2 * failed"} {
			if n := count(t, conn, "SELECT sum("+sum+")::UInt64 FROM "+published(table, "quarter")); n != 2 {
				t.Errorf("%s: %s of %s are %d, want 2", when, sum, table, n)
			}
		}
		if n := count(t, conn, "SELECT count() FROM attempts_by_recipient FINAL"); n != 2 {
			t.Errorf("%s: %d attempts by recipient, want 2", when, n)
		}
	}
	settle(t, forget())
	mustCount("at first")
	if n := count(t, conn, "SELECT count() FROM whole_attempts"); n != 0 {
		t.Errorf("%d cells were compared with nothing", n)
	}
	settle(t, forget())
	mustCount("once more")
	if n := count(t, conn, "SELECT count() FROM whole_attempts"); n == 0 {
		t.Error("no cell was compared with what is published")
	}
}
