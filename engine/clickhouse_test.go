package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sys/unix"
)

// startClickHouse starts an engine that is stopped when the test ends.
func startClickHouse(t *testing.T, config Config) *ClickHouse {
	t.Helper()
	needClickHouse(t)
	config.Logger = quiet()
	c, err := StartClickHouse(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		_ = c.Stop(ctx)
	})
	return c
}

func open(t *testing.T, dsn string) driver.Conn {
	t.Helper()
	conn, err := connect(dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func connect(dsn string) (driver.Conn, error) {
	options, err := clickhouse.ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	return clickhouse.Open(options)
}

func exec1(t *testing.T, conn driver.Conn, statement string) {
	t.Helper()
	if err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func value[T any](t *testing.T, conn driver.Conn, query string) T {
	t.Helper()
	var got T
	if err := conn.QueryRow(t.Context(), query).Scan(&got); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return got
}

// runs reports whether a process exists and is no zombie that nobody has reaped.
func runs(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return runtime.GOOS != "linux" && alive(pid)
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z")
}

func stopNow(t *testing.T, c *ClickHouse) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := c.Stop(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestStartClickHouse_Serves(t *testing.T) {
	c := startClickHouse(t, Config{Dir: t.TempDir(), MaxMemory: 3 << 30,
		rights: []string{"SELECT ON system.server_settings"}})
	conn := open(t, c.DSN())
	for query, want := range map[string]string{
		"SELECT version()":         c.Version(),
		"SELECT currentUser()":     User,
		"SELECT currentDatabase()": Database,
		"SELECT timezone()":        "UTC",
		"SELECT engine FROM system.databases WHERE name = currentDatabase()":                                             "Atomic",
		"SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage'":                                strconv.Itoa(3 << 30),
		"SELECT toString(count()) FROM system.tables WHERE database = 'system' AND name LIKE '%\\_log'":                  "0",
		"SELECT value FROM system.merge_tree_settings WHERE name = 'number_of_free_entries_in_pool_to_execute_mutation'": "1",
		// Files with what was erased are gone within two minutes, and not before a lost write is noticed.
		"SELECT value FROM system.merge_tree_settings WHERE name = 'max_cleanup_delay_period'": "60",
		"SELECT value FROM system.merge_tree_settings WHERE name = 'old_parts_lifetime'":       "30",
		"SELECT toString(keep_free_space = intDiv(total_space, 20) OR keep_free_space = 1073741824) FROM " +
			"system.disks WHERE name = 'default'": "1",
	} {
		if got := value[string](t, conn, query); got != want {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
	group, err := unix.Getpgid(c.PID())
	if err != nil {
		t.Fatal(err)
	}
	if group != c.PID() {
		t.Errorf("the child is in process group %d, so Ctrl-C would reach it", group)
	}
}

func TestClickHouse_Stop_KeepsData(t *testing.T) {
	dir := t.TempDir()
	c := startClickHouse(t, Config{Dir: dir})
	conn := open(t, c.DSN())
	exec1(t, conn, "CREATE TABLE numbers (n UInt64) ENGINE = MergeTree ORDER BY n")
	exec1(t, conn, "INSERT INTO numbers SELECT number FROM system.numbers LIMIT 100000")

	// An open connection with a running query must not hold the end up.
	running := make(chan error, 1)
	go func() {
		running <- conn.Exec(context.Background(), "SELECT sleepEachRow(0.5) FROM system.numbers LIMIT 3 FORMAT Null")
	}()
	for value[uint64](t, conn, "SELECT count() FROM system.processes WHERE query LIKE 'SELECT sleep%'") == 0 {
		time.Sleep(10 * time.Millisecond)
	}
	stopNow(t, c)
	if err := <-running; err != nil {
		t.Logf("the running query: %v", err)
	}
	if err := c.Err(); err != nil {
		t.Errorf("after Stop: %v", err)
	}
	if err := c.Stop(t.Context()); err != nil {
		t.Errorf("second Stop: %v", err)
	}
	if runs(c.PID()) {
		t.Error("the child is still there")
	}

	again := startClickHouse(t, Config{Dir: dir})
	if got := value[uint64](t, open(t, again.DSN()), "SELECT sum(n) FROM numbers"); got != 100000*99999/2 {
		t.Errorf("sum is %d after a restart", got)
	}
}

func TestStartClickHouse_Locked(t *testing.T) {
	dir := t.TempDir()
	startClickHouse(t, Config{Dir: dir})
	_, err := StartClickHouse(t.Context(), Config{Dir: dir, Logger: quiet()})
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("error %v, want %v with process id %d", err, ErrLocked, os.Getpid())
	}
}

func TestStartClickHouse_NewerData(t *testing.T) {
	needClickHouse(t)
	dir := t.TempDir()
	stamp := filepath.Join(dir, "VERSION")
	if err := os.WriteFile(stamp, []byte("99.1.2.3\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := StartClickHouse(t.Context(), Config{Dir: dir, Logger: quiet()})
	if !errors.Is(err, ErrNewerData) || !strings.Contains(err.Error(), "99.1.2.3") {
		t.Fatalf("error %v, want %v", err, ErrNewerData)
	}
	if _, err := os.Stat(filepath.Join(dir, "store")); !os.IsNotExist(err) {
		t.Error("the refused start touched the data")
	}

	// Older data are taken and stamped anew.
	if err := os.WriteFile(stamp, []byte("25.3.1.1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c := startClickHouse(t, Config{Dir: dir})
	text, err := os.ReadFile(stamp)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(string(text)); got != c.Version() {
		t.Errorf("stamp %s, want %s", got, c.Version())
	}
}

func TestStartClickHouse_TriesOtherPorts(t *testing.T) {
	needClickHouse(t)
	taken, err := listenPlain()
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	calls := 0
	c := startClickHouse(t, Config{Dir: t.TempDir(), unguarded: true, port: func() (int, error) {
		calls++
		if calls == 1 {
			return taken.Addr().(*net.TCPAddr).Port, nil
		}
		return new(gate).nextPort()
	}})
	if calls != 2 {
		t.Errorf("ports were chosen %d times, want 2", calls)
	}
	if got := value[uint8](t, open(t, c.DSN()), "SELECT 1"); got != 1 {
		t.Errorf("SELECT 1 is %d", got)
	}
}

func TestStartClickHouse_BrokenLibrary(t *testing.T) {
	library := filepath.Join(t.TempDir(), "libchdb.so")
	if err := os.WriteFile(library, []byte("no library"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv(LibraryEnv, library)
	_, err := StartClickHouse(t.Context(), Config{Dir: t.TempDir(), Logger: quiet()})
	if !errors.Is(err, ErrExited) || !strings.Contains(err.Error(), library) {
		t.Errorf("error %v, want %v that names %s", err, ErrExited, library)
	}
}

func TestStartClickHouse_BinaryOnPath(t *testing.T) {
	needClickHouse(t)
	found, err := locate()
	if err != nil || found.library == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("the library is absent, with which this test plays the binary (CI=true, so this is a failure and " +
				"no skip)")
		}
		t.Skip("skipped: plays the binary with the library, which is absent")
	}
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The child may read the binary that it becomes and its own directory, so the library has to lie there.
	dir := t.TempDir()
	library := filepath.Join(dir, "libchdb.so")
	if err := os.Link(found.library, library); err != nil {
		whole, err := os.ReadFile(found.library)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(library, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	folder := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\n[ \"$1\" = local ] || exit 9\nshift\n"+
		"[ \"$1\" = --version ] && { echo 'ClickHouse local version 26.7.2.1 (official build).'; exit; }\n"+
		"%s=%s exec %s \"$@\"\n", childEnv, library, executable)
	if err := os.WriteFile(filepath.Join(folder, "clickhouse"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder+":"+os.Getenv("PATH"))
	t.Chdir(t.TempDir()) // away from bin/lib

	c := startClickHouse(t, Config{Dir: dir})
	if got := value[string](t, open(t, c.DSN()), "SELECT version()"); got != c.Version() {
		t.Errorf("version %s, want %s", got, c.Version())
	}
	stopNow(t, c)
	if err := os.WriteFile(filepath.Join(dir, "VERSION"), []byte("26.8.1.1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := StartClickHouse(t.Context(), Config{Dir: dir, Logger: quiet()}); !errors.Is(err, ErrNewerData) {
		t.Errorf("error %v, want %v", err, ErrNewerData)
	}
}

// The pool is small, and ClickHouse's defaults would then never merge a
// partition down to one part, nor run a mutation beside a merge.
func TestStartClickHouse_MergesColdPartitions(t *testing.T) {
	c := startClickHouse(t, Config{Dir: t.TempDir()})
	conn := open(t, c.DSN())
	exec1(t, conn, "CREATE TABLE cold (n UInt64) ENGINE = MergeTree ORDER BY n SETTINGS "+
		"min_age_to_force_merge_seconds = 1, min_age_to_force_merge_on_partition_only = 1, merge_selecting_sleep_ms "+
		"= 100")
	for range 3 {
		exec1(t, conn, "INSERT INTO cold SELECT number FROM system.numbers LIMIT 1000")
	}
	deadline := time.Now().Add(time.Minute)
	for value[uint64](t, conn, "SELECT count() FROM system.parts WHERE table = 'cold' AND active") > 1 {
		if time.Now().After(deadline) {
			t.Fatal("still several parts after a minute")
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// A keyed table is found by filters of keys, and unpacks its blocks quickly.
func TestStartClickHouse_KeyedTables(t *testing.T) {
	c := startClickHouse(t, Config{Dir: t.TempDir()})
	conn := open(t, c.DSN())
	exec1(t, conn, "CREATE TABLE keyed (key String, state String) ENGINE = EmbeddedRocksDB PRIMARY KEY key")
	exec1(t, conn, "INSERT INTO keyed SELECT toString(number), repeat('state', 10) FROM numbers(1000)")
	path := value[string](t, conn, "SELECT data_paths[1] FROM system.tables WHERE name = 'keyed'")
	if !filepath.IsAbs(path) {
		path = filepath.Join(c.config.Dir, "store", path)
	}
	files, err := filepath.Glob(filepath.Join(path, "OPTIONS-*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no options in %s: %v", path, err)
	}
	text, err := os.ReadFile(files[len(files)-1])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\n  compression=kLZ4Compression\n", "\n  filter_policy=bloomfilter:10"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the options of a keyed table are without %q", want)
		}
	}
}

func BenchmarkStartClickHouse(b *testing.B) {
	if err := Available(); err != nil {
		b.Skipf("skipped: %v", err)
	}
	dir := b.TempDir()
	for b.Loop() {
		c, err := StartClickHouse(b.Context(), Config{Dir: dir, Logger: quiet()})
		if err != nil {
			b.Fatal(err)
		}
		if err := c.Stop(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkClickHouse_Insert measures columnar inserts of 100 000 simple rows.
func BenchmarkClickHouse_Insert(b *testing.B) {
	if err := Available(); err != nil {
		b.Skipf("skipped: %v", err)
	}
	c, err := StartClickHouse(b.Context(), Config{Dir: b.TempDir(), Logger: quiet()})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = c.Stop(context.Background()) }()
	conn, err := connect(c.DSN())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Exec(b.Context(), "CREATE TABLE simple (account String, id UInt64, at DateTime64(3)) ENGINE = "+
		"MergeTree ORDER BY (account, id)"); err != nil {
		b.Fatal(err)
	}
	const rows = 100_000
	accounts, ids, times := make([]string, rows), make([]uint64, rows), make([]time.Time, rows)
	for i := range rows {
		accounts[i], ids[i], times[i] = "acme", uint64(i), time.UnixMilli(int64(1_700_000_000_000+i))
	}
	for b.Loop() {
		batch, err := conn.PrepareBatch(b.Context(), "INSERT INTO simple")
		if err != nil {
			b.Fatal(err)
		}
		if err := errors.Join(batch.Column(0).Append(accounts), batch.Column(1).Append(ids),
			batch.Column(2).Append(times), batch.Send()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
