package states

import (
	"fmt"
	"strings"
	"testing"

	"kaskad/engine/enginetest"
	"kaskad/schema/schematest"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// One statement does what two do, of a log of any size that is written as a block.
func TestStore_Apply_OneBlock(t *testing.T) {
	conn := schematest.Conn(t)
	s := New(Config{}, Deps{Conn: conn})
	count := func(query string) (n uint64) {
		t.Helper()
		if err := conn.QueryRow(t.Context(), query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	const contents = "SELECT sum(cityHash64(key, state)) FROM message_states"
	for edition, rows := range map[uint64]int{10: 1, 20: 3, 30: 70_000} {
		log := Log{}
		for i := range rows {
			log.Add(fmt.Sprintf("key %d of %d", i, edition), strings.Repeat("state ", i%60))
		}
		if err := log.End(t.Context(), conn, edition); err != nil {
			t.Fatal(err)
		}
		if log.blocks != 1 {
			t.Fatalf("%d rows are %d blocks", rows, log.blocks)
		}
		var sums [2]uint64
		for i, oneBlock := range []bool{false, true} {
			if err := conn.Exec(t.Context(), "TRUNCATE TABLE message_states"); err != nil {
				t.Fatal(err)
			}
			if err := s.apply(t.Context(), edition, oneBlock); err != nil {
				t.Fatal(err)
			}
			sums[i] = count(contents)
		}
		if n := count("SELECT count() FROM message_states"); n != uint64(rows)+1 || sums[0] != sums[1] {
			t.Errorf("%d rows, want %d and what says that they are applied; sums %v", n, rows, sums)
		}
	}
}
