package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// lockWait is how long a start waits for a lock whose holder is dead: its
	// ClickHouse child inherited the lock and needs a moment to follow it.
	// lockWaitAlive is the same for a holder that seems alive: it may be on its
	// way out, or dead and not yet reaped.
	lockWait      = 10 * time.Second
	lockWaitAlive = time.Second
)

// lockDir takes the exclusive lock of a data directory, creating the directory
// when it is absent, and writes the own process id into the lock file. The lock
// lives until the returned file and all its inherited copies are closed, so a
// ClickHouse child that outlives its parent still protects its data.
func lockDir(dir string) (*os.File, error) {
	if err := privateDir(dir); err != nil {
		return nil, err
	}
	name := filepath.Join(dir, "LOCK")
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock data directory: %w", err)
	}
	for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			break
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			_ = file.Close()
			return nil, fmt.Errorf("lock data directory %s: %w", dir, err)
		}
		holder := lockHolder(name)
		patience := lockWait
		if alive(holder) {
			patience = lockWaitAlive
		}
		if time.Since(begin) < patience {
			continue
		}
		_ = file.Close()
		return nil, fmt.Errorf("%w: %s is used by process %d; stop that process or choose another data directory",
			ErrLocked, dir, holder)
	}
	if err := file.Truncate(0); err == nil {
		_, err = file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
		if err != nil {
			_ = file.Close()
			return nil, fmt.Errorf("write lock file: %w", err)
		}
	}
	return file, nil
}

// Holder is the process that runs an engine on a data directory, 0 when none
// does. While it runs, nobody else has its ports.
func Holder(dir string) int {
	name := filepath.Join(dir, "LOCK")
	file, err := os.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return 0
	}
	defer file.Close()
	if err := unix.Flock(int(file.Fd()), unix.LOCK_SH|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
		return 0
	}
	if holder := lockHolder(name); alive(holder) {
		return holder
	}
	return 0
}

// lockHolder reads the process id from a lock file; 0 when there is none (yet).
func lockHolder(name string) int {
	text, err := os.ReadFile(name)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}

// alive reports whether a process exists, including one of another user.
func alive(pid int) bool {
	err := unix.Kill(pid, 0)
	return err == nil || errors.Is(err, unix.EPERM)
}

// checkStamp refuses data that a newer engine wrote. Only year and month count
// ("26.7"): ClickHouse keeps its formats within a release. No stamp means new
// data.
func checkStamp(name, engineVersion string) error {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read version stamp: %w", err)
	}
	stamp := strings.TrimSpace(string(text))
	written, err := release(stamp)
	if err != nil {
		return fmt.Errorf("read version stamp %s: %w; restore it, or start over with an empty data directory", name,
			err)
	}
	engine, err := release(engineVersion)
	if err != nil {
		return fmt.Errorf("read engine version: %w", err)
	}
	if written[0] > engine[0] || written[0] == engine[0] && written[1] > engine[1] {
		return fmt.Errorf("%w: %s was written by ClickHouse %s, this engine is %s; use ClickHouse %s or newer (make "+
			"build), or another data directory",
			ErrNewerData, filepath.Dir(name), stamp, engineVersion, stamp)
	}
	return nil
}

// writeStamp records the engine version that wrote a data directory.
func writeStamp(name, engineVersion string) error {
	if text, err := os.ReadFile(name); err == nil && string(text) == engineVersion+"\n" {
		return nil
	}
	if err := replaceFile(name, []byte(engineVersion+"\n"), 0o644); err != nil {
		return fmt.Errorf("write version stamp: %w", err)
	}
	return nil
}

// release parses the year and month of a ClickHouse version such as "26.7.3.1".
func release(version string) ([2]int, error) {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) >= 2 {
		year, errYear := strconv.Atoi(parts[0])
		month, errMonth := strconv.Atoi(parts[1])
		if errYear == nil && errMonth == nil {
			return [2]int{year, month}, nil
		}
	}
	return [2]int{}, fmt.Errorf("%q is no ClickHouse version", version)
}

// replaceFile writes a file so that a reader, or a crash, sees the old or the
// new content and nothing between.
func replaceFile(name string, content []byte, mode os.FileMode) error {
	temporary := name + ".new"
	_ = os.Remove(temporary)
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(temporary, name)
}
