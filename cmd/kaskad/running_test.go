package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// The addresses in running.json count only while the process that wrote them has the directory: after its death anybody could have them.
func TestReadRunning_WriterHasTheDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "clickhouse"), 0o700); err != nil {
		t.Fatal(err)
	}
	lock, err := os.Create(filepath.Join(dir, "clickhouse", "LOCK"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if _, err := lock.WriteString(strconv.Itoa(os.Getpid())); err != nil {
		t.Fatal(err)
	}
	write := func(pid int) {
		t.Helper()
		body, err := json.Marshal(running{Clickhouse: "clickhouse://kaskad:secret@127.0.0.1:1/kaskad", PID: pid})
		if err != nil {
			t.Fatal(err)
		}
		if err := replace(filepath.Join(dir, runningFile), body); err != nil {
			t.Fatal(err)
		}
	}
	write(os.Getpid())
	if _, ok := readRunning(dir); ok {
		t.Error("counts although nobody has the directory")
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if _, ok := readRunning(dir); !ok {
		t.Error("does not count although its writer has the directory")
	}
	write(os.Getpid() + 1)
	if _, ok := readRunning(dir); ok {
		t.Error("counts although another process has the directory")
	}
	if info, err := os.Stat(filepath.Join(dir, runningFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v (%v), want 0600", info.Mode(), err)
	}
}
