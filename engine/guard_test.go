package engine

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sys/unix"
)

// With an insert ClickHouse sends how many of its writes failed, also when it acknowledges it: of a block that it is
// sent, and of what it selects itself.
func TestInsert_Intact(t *testing.T) {
	needClickHouse(t)
	for name, prepare := range map[string]prepared{"Block": watchedBlock, "Select": watchedSelect} {
		t.Run(name, func(t *testing.T) { testIntact(t, prepare) })
	}
}

func testIntact(t *testing.T, prepare prepared) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700,size=300m"); err != nil {
		skipOutsideCI(t, fmt.Sprintf("mount a tmpfs: %v: run as root", err))
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	c := startClickHouse(t, Config{Dir: filepath.Join(dir, "data")})
	conn := open(t, c.DSN())
	exec1(t, conn, "CREATE TABLE t (text String) ENGINE = MergeTree ORDER BY tuple()")

	in, send, err := prepare(t, c, conn, 1000)
	if err != nil {
		t.Fatal(err)
	}
	in.Begin()
	if err := send(); err != nil {
		t.Fatal(err)
	}
	if err := in.Intact(t.Context(), nil); err != nil { // and nothing was asked
		t.Fatal(err)
	}
	// Room for one block and hardly more.
	const block = 50 << 20
	room, total, err := statDisk(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Fallocate(int(create(t, filepath.Join(dir, "taken")).Fd()), 0, 0,
		int64(room-Reserve(total)-block-block/4)); err != nil {
		t.Fatal(err)
	}
	for range 40 {
		// The guard may have replaced the process for what the try before lost.
		truncated := func() bool { return conn.Exec(t.Context(), "TRUNCATE TABLE t SYNC") == nil }
		for began := time.Now(); !truncated(); time.Sleep(50 * time.Millisecond) {
			if time.Since(began) > time.Minute {
				t.Fatal("ClickHouse does not come back")
			}
		}
		in, send, err := prepare(t, c, conn, block/100)
		if err != nil {
			continue
		}
		written, filled := make(chan struct{}), make(chan struct{})
		go fillOnceWritten(filepath.Join(dir, "filler"), written, filled)
		renewed := c.Renewed() // before the epoch is read: the guard may replace the process at any moment
		in.Begin()
		err = send()
		failed, asked := failedWrites(t.Context(), conn)
		close(written)
		<-filled
		if err != nil || asked != nil || failed == 0 || c.Renewed() != renewed {
			t.Log("no insert with lost writes was acknowledged:", err)
			continue
		}
		// The guard may have noticed before.
		err = in.Intact(t.Context(), nil)
		if in.failed == 0 || !errors.Is(err, ErrLostWrite) || c.Renewed() <= renewed {
			t.Fatalf("an insert with %d lost writes, of which it says %d: %v", failed, in.failed, err)
		}
		return
	}
	t.Error("no insert lost a write")
}

func create(t *testing.T, name string) *os.File {
	t.Helper()
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return file
}

// prepared prepares an insert of rows of 100 bytes that cannot be packed, to be sent.
type prepared func(t *testing.T, c *ClickHouse, conn driver.Conn, rows int) (in *Insert, send func() error, err error)

func watchedBlock(t *testing.T, c *ClickHouse, conn driver.Conn, rows int) (*Insert, func() error, error) {
	t.Helper()
	ctx, in := c.Watch(t.Context())
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO t")
	if err != nil {
		return nil, nil, err
	}
	text := make([]byte, 100)
	for range rows {
		for i := range text {
			text[i] = byte(rand.Uint32())
		}
		if err := batch.Append(string(text)); err != nil {
			t.Fatal(err)
		}
	}
	return in, batch.Send, nil
}

func watchedSelect(t *testing.T, c *ClickHouse, conn driver.Conn, rows int) (*Insert, func() error, error) {
	t.Helper()
	ctx, in := c.Watch(t.Context())
	return in, func() error {
		return conn.Exec(ctx, fmt.Sprintf("INSERT INTO t SELECT randomString(100) FROM numbers(%d) SETTINGS "+
			"min_insert_block_size_rows = %[1]d, max_block_size = %[1]d", rows))
	}, nil
}

// fillOnceWritten takes all space of a disk as soon as somebody takes some, until it is written, and gives it back.
func fillOnceWritten(name string, written <-chan struct{}, filled chan<- struct{}) {
	defer close(filled)
	defer os.Remove(name)
	file, err := os.Create(name)
	if err != nil {
		return
	}
	defer file.Close()
	before, _, _ := statDisk(filepath.Dir(name))
	const little, step = 1 << 20, 8 << 20
	for {
		select {
		case <-written:
			return
		default:
		}
		if free, _, err := statDisk(filepath.Dir(name)); err == nil && free+little < before {
			_, _ = file.Write(make([]byte, step))
		}
	}
}
