package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kaskad/cmd/kaskad/datadir"
)

// The addresses in running.json count only while the process that wrote them has the directory: after its death anybody
// could have them.
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
		body, err := json.Marshal(datadir.Running{Clickhouse: "clickhouse://kaskad:secret@127.0.0.1:1/kaskad",
			PID: pid})
		if err != nil {
			t.Fatal(err)
		}
		if err := datadir.Replace(filepath.Join(dir, datadir.RunningFile), body); err != nil {
			t.Fatal(err)
		}
	}
	write(os.Getpid())
	if _, ok := datadir.ReadRunning(dir); ok {
		t.Error("counts although nobody has the directory")
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if _, ok := datadir.ReadRunning(dir); !ok {
		t.Error("does not count although its writer has the directory")
	}
	write(os.Getpid() + 1)
	if _, ok := datadir.ReadRunning(dir); ok {
		t.Error("counts although another process has the directory")
	}
	if info, err := os.Stat(filepath.Join(dir, datadir.RunningFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v (%v), want 0600", info.Mode(), err)
	}
}

// Where the file cannot be written at the start, as on a disk that is full just then, it is written as soon as it can
// be.
func TestRun_AnnouncesItselfLater(t *testing.T) {
	k := newKaskad(t)
	inTheWay := filepath.Join(k.dir, datadir.RunningFile, "in the way")
	if err := os.MkdirAll(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	k.start("")
	k.waitReady()
	for began := time.Now(); !strings.Contains(k.output.Tail(),
		"do not find this process yet"); time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > 2*time.Minute {
			t.Fatal("nothing is said of a file that cannot be written")
		}
	}
	if err := os.RemoveAll(filepath.Dir(inTheWay)); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if _, ok := datadir.ReadRunning(k.dir); ok {
			break
		}
		if time.Since(began) > 2*time.Minute {
			t.Fatal("the file is not written although it can be")
		}
	}
	k.stop()
	left, err := filepath.Glob(filepath.Join(k.dir, datadir.RunningFile+"*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v), want nothing", left, err)
	}
}
