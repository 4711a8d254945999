package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Merges give way to all else that ClickHouse does, also in the process that replaces one that crashed.
func TestClickHouse_MergesYield(t *testing.T) {
	c := startClickHouse(t, Config{Dir: t.TempDir()})
	exec1(t, open(t, c.DSN()), "CREATE TABLE numbers (n UInt64) ENGINE = MergeTree ORDER BY n")
	yields := func() error {
		own, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
		if err != nil {
			return err
		}
		names, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/comm", c.PID()))
		if err != nil {
			return err
		}
		merging := 0
		for _, path := range names {
			thread, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			if err != nil {
				return err
			}
			name, err := os.ReadFile(path)
			priority, gone := unix.Getpriority(unix.PRIO_PROCESS, thread)
			if err != nil || gone != nil {
				continue // it has ended
			}
			merges := strings.TrimSpace(string(name)) == "MergeMutate"
			if merges {
				merging++
			}
			// The kernel says 20 less a niceness.
			if merges && priority != min(own, 20-15) || !merges && priority < own {
				return fmt.Errorf("thread %s has the niceness %d, the process %d", name, 20-priority, 20-own)
			}
		}
		if merging == 0 || merging == len(names) {
			return fmt.Errorf("%d of %d threads merge", merging, len(names))
		}
		return nil
	}
	waitFor(t, "merges to give way", func() bool { return yields() == nil })
	before := c.PID()
	if err := unix.Kill(before, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "those of another process to give way", func() bool { return c.PID() != before && yields() == nil })
	if err := yields(); err != nil {
		t.Error(err)
	}
}
