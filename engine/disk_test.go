package engine

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

func TestDiskState_Hysteresis(t *testing.T) {
	const mb = 1 << 20
	for _, test := range []struct {
		was         DiskState
		free, total uint64
		want        DiskState
	}{
		{DiskOK, 512 * mb, 512 * mb, DiskOK},
		{DiskOK, 51 * mb, 512 * mb, DiskWarning},
		{DiskWarning, 25 * mb, 512 * mb, DiskFull},
		{DiskFull, 30 * mb, 512 * mb, DiskFull},
		{DiskFull, 40 * mb, 512 * mb, DiskWarning},
		{DiskFull, 60 * mb, 512 * mb, DiskOK},
		// On a large disk a gigabyte is enough.
		{DiskOK, 2000 * mb, 1 << 40, DiskWarning},
		{DiskWarning, 1000 * mb, 1 << 40, DiskFull},
		{DiskFull, 1500 * mb, 1 << 40, DiskFull},
		{DiskFull, 1600 * mb, 1 << 40, DiskWarning},
	} {
		if got := diskState(test.was, test.free, test.total); got != test.want {
			t.Errorf("%s with %d of %d MB: %s, want %s", test.was, test.free/mb, test.total/mb, got, test.want)
		}
	}
}

func TestWatchDisk_Full(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	_, err := watchDisk(dir, quiet(), func(string) (free, total uint64, err error) { return 1, 1 << 30, nil })
	if !errors.Is(err, ErrDiskFull) || !strings.Contains(err.Error(), dir) {
		t.Errorf("error %v, want %v that names %s", err, ErrDiskFull, dir)
	}
	disk, err := WatchDisk(dir, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	if u := disk.Usage(); u.Total == 0 || u.Free > u.Total {
		t.Errorf("%+v", u)
	}
}
