package engine

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// diskInterval is how often free space is looked at: at 1 GB/s the largest limit is a second away.
	diskInterval = 200 * time.Millisecond

	// maxReserve bounds what is kept free: on a large disk 5 % would waste space.
	maxReserve = 1 << 30
)

// DiskState says how much room there is.
type DiskState string

// The states of a disk. Below 10 % it is time to make room. Below the reserve (5 %, at most 1 GB) nothing is written
// until there is half as much again.
const (
	DiskOK      DiskState = "ok"
	DiskWarning DiskState = "warning"
	DiskFull    DiskState = "full"
)

// DiskUsage is what the last look at a disk found.
type DiskUsage struct {
	Free, Total uint64
	State       DiskState
}

// Reserve is how many bytes of a file system are kept free: what is being written when the disk runs full still fits.
func Reserve(total uint64) uint64 { return min(total/20, maxReserve) }

// Disk watches the free space of the file system that a directory lies on. Broker and ClickHouse both stop writing when
// it says so, and so do it together.
type Disk struct {
	dir    string
	logger *slog.Logger
	// look reads free space; tests replace it to fill the disk.
	look func(dir string) (free, total uint64, err error)

	usage  atomic.Pointer[DiskUsage]
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// WatchDisk looks at the disk of dir, which it creates when absent, and goes on doing so until Close. Its error wraps
// [ErrDiskFull] when there is no room to start.
func WatchDisk(dir string, logger *slog.Logger) (*Disk, error) {
	return watchDisk(dir, logger, statDisk)
}

func watchDisk(dir string, logger *slog.Logger, look func(dir string) (free, total uint64, err error)) (*Disk, error) {
	if logger == nil {
		logger = slog.Default()
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create data directory: %w", err)
	}
	d := &Disk{dir: dir, logger: logger, look: look}
	d.usage.Store(&DiskUsage{State: DiskOK})
	if err := d.update(); err != nil {
		return nil, err
	}
	if u := d.Usage(); u.State == DiskFull {
		return nil, d.problem(u)
	}
	ctx, cancel := context.WithCancel(context.Background())
	d.cancel = cancel
	d.done.Go(func() { d.watch(ctx) })
	return d, nil
}

// Usage is what the last look found.
func (d *Disk) Usage() DiskUsage { return *d.usage.Load() }

// Full reports whether nothing may be written now.
func (d *Disk) Full() bool { return d.Usage().State == DiskFull }

// Err is nil while there is room, and wraps [ErrDiskFull] otherwise.
func (d *Disk) Err() error {
	if u := d.Usage(); u.State == DiskFull {
		return d.problem(u)
	}
	return nil
}

func (d *Disk) problem(u DiskUsage) error {
	return fmt.Errorf("%w: %d MB free for %s, at least %d MB are needed; free some space or choose a data directory "+
		"on another disk",
		ErrDiskFull, u.Free>>20, d.dir, Reserve(u.Total)>>20)
}

// WaitForRoom returns when there is room. When ctx ends first, it returns the error of ctx.
func (d *Disk) WaitForRoom(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !d.Full() {
			return nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(diskInterval):
		}
	}
}

// Close ends the watch.
func (d *Disk) Close() {
	d.cancel()
	d.done.Wait()
}

func (d *Disk) watch(ctx context.Context) {
	every := time.NewTicker(diskInterval)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		if err := d.update(); err != nil {
			d.logger.Warn("free space is unknown", "error", err)
		}
	}
}

// update looks once, and logs a change.
func (d *Disk) update() error {
	free, total, err := d.look(d.dir)
	if err != nil {
		return fmt.Errorf("read free space of %s: %w", d.dir, err)
	}
	was := d.Usage().State
	now := DiskUsage{Free: free, Total: total, State: diskState(was, free, total)}
	d.usage.Store(&now)
	if now.State == was {
		return nil
	}
	args := []any{"dir", d.dir, "free_mb", free >> 20, "total_mb", total >> 20}
	switch now.State {
	case DiskFull:
		d.logger.Error("the disk is nearly full: nothing is written until there is space again", args...)
	case DiskWarning:
		d.logger.Warn("the disk is filling up: less than a tenth is free", args...)
	case DiskOK:
		d.logger.Info("there is enough space on the disk again", args...)
	}
	return nil
}

// diskState allows writes again only with half a reserve to spare, so that the state does not flap.
func diskState(was DiskState, free, total uint64) DiskState {
	reserve := Reserve(total)
	if was == DiskFull {
		reserve += reserve / 2
	}
	switch {
	case free < reserve:
		return DiskFull
	case free < total/10:
		return DiskWarning
	}
	return DiskOK
}

func statDisk(dir string) (free, total uint64, err error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return 0, 0, err
	}
	return uint64(stat.Bavail) * uint64(stat.Bsize), uint64(stat.Blocks) * uint64(stat.Bsize), nil
}
