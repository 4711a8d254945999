package engine

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// A read of a table hands nothing to another thread where all of it is in memory, whatever the file system.
func TestStartClickHouse_ReadsInPlace(t *testing.T) {
	for name, dir := range map[string]string{"Disk": t.TempDir(), "Memory": memory(t)} {
		t.Run(name, func(t *testing.T) {
			conn := open(t, startClickHouse(t, Config{Dir: dir}).DSN())
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

// memory is a directory on tmpfs, or any where there is none.
func memory(t *testing.T) string {
	var found unix.Statfs_t
	if err := unix.Statfs("/dev/shm", &found); err != nil || found.Type != unix.TMPFS_MAGIC {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp("/dev/shm", "kaskad-test-reads-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "store")
}
