package schema_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"kaskad/schema"
	"kaskad/schema/schematest"
)

// Changes that were answered leave the disk although large parts are not merged any more.
func TestInsertChanges_Answered_LeaveTheDisk(t *testing.T) {
	conn := schematest.Conn(t)
	exec := func(statement string) {
		t.Helper()
		if err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	// What is large here is a few rows.
	exec("ALTER TABLE changes MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 20000")
	var changes schema.Changes
	insert := func(rows int) uuid.UUID {
		t.Helper()
		changes.Reset()
		for i := range rows {
			changes.Append([]byte("acme"), schema.HourMS, fmt.Append(nil, uuid.New()), fmt.Append(nil, uuid.New(), i))
		}
		batch := uuid.New()
		if err := schema.InsertChanges(t.Context(), conn, batch, &changes); err != nil {
			t.Fatal(err)
		}
		return batch
	}
	large := []uuid.UUID{insert(2000), insert(2000)}
	exec(fmt.Sprintf("DELETE FROM changes WHERE batch IN ('%s', '%s')", large[0], large[1]))
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		insert(1)
		var rows uint64
		if err := conn.QueryRow(t.Context(), "SELECT sum(rows) FROM system.parts WHERE active AND "+
			"database = currentDatabase() AND table = 'changes'").Scan(&rows); err != nil {
			t.Fatal(err)
		}
		if rows < 2000 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d rows are still on disk", rows)
		}
	}
}
