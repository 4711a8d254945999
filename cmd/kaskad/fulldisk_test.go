package main

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// smallDisk mounts a tmpfs of that many megabytes and returns its directory. Mounting needs root: without it the test
// is skipped, and fails with CI=true.
func smallDisk(t testing.TB, megabytes int) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700,size="+strconv.Itoa(megabytes)+"m"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("mount a tmpfs: %v (CI=true, so this is a failure and no skip: run as root)", err)
		}
		t.Skipf("skipped: mount a tmpfs: %v: run as root", err)
	}
	t.Cleanup(func() {
		// What a killed process tree has open is closed a moment later.
		for range 100 {
			if err := unix.Unmount(dir, 0); !errors.Is(err, unix.EBUSY) {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
		_ = unix.Unmount(dir, unix.MNT_DETACH)
	})
	return dir
}

// freeBytes is what is left of the file system of a directory.
func freeBytes(t testing.TB, dir string) int64 {
	t.Helper()
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		t.Fatal(err)
	}
	return int64(stat.Bavail) * int64(stat.Bsize)
}

// filler takes all space of a disk, as another program would that writes without end.
type filler struct {
	t    testing.TB
	dir  string
	file *os.File
	stop chan struct{}
	done sync.WaitGroup
}

func newFiller(t testing.TB, dir string) *filler {
	t.Helper()
	f := &filler{t: t, dir: dir}
	t.Cleanup(f.release)
	return f
}

// fill takes all that is free, step bytes at a time (0: in one go), and whatever is freed later, until release.
func (f *filler) fill(step int64, pause time.Duration) {
	f.t.Helper()
	file, err := os.OpenFile(filepath.Join(f.dir, "filler"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		f.t.Fatal(err)
	}
	f.file, f.stop = file, make(chan struct{})
	first := make(chan struct{})
	f.done.Go(func() {
		var size int64
		var once sync.Once
		defer once.Do(func() { close(first) })
		for {
			want := freeBytes(f.t, f.dir)
			if step > 0 {
				want = min(want, step)
			}
			// The last bytes are taken page by page, for others write at the same time.
			for ; want > 0; want /= 2 {
				if err := unix.Fallocate(int(file.Fd()), 0, size, want); err == nil {
					size += want
					break
				}
			}
			if want == 0 {
				once.Do(func() { close(first) })
			}
			wait := pause
			if step == 0 || want == 0 {
				wait = time.Millisecond
			}
			select {
			case <-f.stop:
				return
			case <-time.After(wait):
			}
		}
	})
	<-first
}

// release gives all of it back.
func (f *filler) release() {
	if f.file == nil {
		return
	}
	close(f.stop)
	f.done.Wait()
	_ = f.file.Close()
	_ = os.Remove(f.file.Name())
	f.file = nil
}
