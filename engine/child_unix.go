//go:build unix && !linux

package engine

import "syscall"

// childAttributes gives the child a process group of its own, so that Ctrl-C
// reaches only the parent, which stops it in order. When the parent is killed,
// the child's standard input closes and it ends by itself.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
