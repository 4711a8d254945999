package engine

import (
	"os"
	"testing"
)

// A read of what is in memory goes to no other thread, whatever the file system.
func TestStartClickHouse_ReadsInPlace(t *testing.T) {
	for _, parent := range []string{os.TempDir(), "/dev/shm"} {
		t.Run(parent, func(t *testing.T) {
			if _, err := os.Stat(parent); err != nil {
				skipOutsideCI(t, err.Error())
			}
			t.Setenv("TMPDIR", parent)
			conn := open(t, startClickHouse(t, Config{Dir: t.TempDir()}).DSN())
			exec1(t, conn, "CREATE TABLE numbers (n UInt64) ENGINE = MergeTree ORDER BY n")
			exec1(t, conn, "INSERT INTO numbers SELECT number FROM system.numbers LIMIT 1000")
			if n := value[uint64](t, conn, "SELECT count() FROM numbers WHERE n % 2 = 0"); n != 500 {
				t.Errorf("%d rows, want 500", n)
			}
			if n := value[uint64](t, conn, "SELECT sum(value) FROM system.events "+
				"WHERE event = 'ThreadPoolReaderPageCacheMiss'"); n != 0 {
				t.Errorf("%d reads were handed to another thread", n)
			}
		})
	}
}
