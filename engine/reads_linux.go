package engine

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// readMethod is how ClickHouse reads files that lie where this one does. Its default takes what the page cache has at
// once, and hands what has to be waited for to another thread. tmpfs can't be asked not to wait, so there every read
// would go to another thread.
func readMethod(file *os.File) string {
	_, err := unix.Preadv2(int(file.Fd()), [][]byte{make([]byte, 1)}, 0, unix.RWF_NOWAIT)
	if errors.Is(err, unix.EOPNOTSUPP) {
		return "pread"
	}
	return "pread_threadpool"
}
