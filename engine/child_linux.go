package engine

import "syscall"

// childAttributes binds the child to its parent. It gets a process group of its
// own, so that Ctrl-C reaches only the parent, which stops it in order; and the
// kernel kills it when the thread that started it ends (see StartBound, which
// keeps that thread).
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
