package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	// mergeThread is what ClickHouse calls the threads of its pool for merges and mutations, which it starts together,
	// with the first table.
	mergeThread = "MergeMutate"
	// mergeNiceness leaves them a thirtieth of a processor that somebody else wants.
	mergeNiceness = 15
)

// yieldMerges has the merges of a process take what queries and inserts leave of the processors: they can wait, and
// whoever is asked cannot. An insert into a table whose parts have become too many waits for them as ever. ClickHouse
// does so itself with os_threads_nice_value_merge_mutate, but only where it has CAP_SYS_NICE, which nobody needs who
// raises the niceness of what is their own. It reports whether there are such threads.
func yieldMerges(pid int) (some bool, err error) {
	names, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/comm", pid))
	if err != nil {
		return false, err
	}
	for _, path := range names {
		name, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue // a thread that ended
		}
		if err != nil {
			return false, err
		}
		if strings.TrimSpace(string(name)) != mergeThread {
			continue
		}
		thread, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			return false, err
		}
		some = true
		// The kernel says 20 less the niceness. To lower one takes a right: it may be that of all processes here.
		if priority, err := unix.Getpriority(unix.PRIO_PROCESS, thread); err == nil && 20-priority >= mergeNiceness {
			continue
		}
		if err := unix.Setpriority(unix.PRIO_PROCESS, thread, mergeNiceness); err != nil {
			return false, fmt.Errorf("thread %d: %w", thread, err)
		}
	}
	return some, nil
}
