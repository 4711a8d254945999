package engine

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// reusable lets a listener share its port, if the owner of the port allows it.
func reusable(_, _ string, raw syscall.RawConn) error {
	return control(raw, func(fd int) error {
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	})
}
