package engine

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	readFiles = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR | unix.LANDLOCK_ACCESS_FS_EXECUTE

	// minLandlock can move files between directories, netLandlock rules the network.
	minLandlock = 2
	netLandlock = 4
)

// enterJail takes rights away from this process for good: it reads system files
// and works in its current directory, and no more, whatever a query asks it for.
// It may listen on port, and connect to nobody unless connect is set. A kernel
// without Landlock (before 5.19) restricts less or nothing.
//
// The rights are those of one thread, so the caller has to be on a locked one and
// to execute a program from it.
func enterJail(port int, connect bool, program ...string) error {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 || version < minLandlock {
		return nil
	}
	own := uint64(unix.LANDLOCK_ACCESS_FS_REFER)<<1 - 1 // all rights up to this one
	if version >= 3 {
		own |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	rules := unix.LandlockRulesetAttr{Handled_access_fs: own}
	if version >= netLandlock {
		rules.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP
		if !connect {
			rules.Handled_access_net |= unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
		}
	}
	// An older kernel refuses a structure with fields that it does not know and that are not zero.
	made, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&rules)),
		unsafe.Sizeof(rules), 0)
	if errno != 0 {
		return fmt.Errorf("make a Landlock ruleset: %w", errno)
	}
	set := int(made)
	defer unix.Close(set)

	allowed := map[string]uint64{".": own}
	// Of devices those that hold nothing: all of /dev is disks, and what others keep in /dev/shm.
	for _, name := range []string{"null", "zero", "full", "random", "urandom"} {
		allowed["/dev/"+name] = readFiles | unix.LANDLOCK_ACCESS_FS_WRITE_FILE
	}
	for _, name := range []string{"/usr", "/lib", "/lib64", "/opt", "/nix", "/proc", "/sys", "/etc/ld.so.cache",
		"/etc/localtime", "/etc/timezone"} {
		allowed[name] = readFiles
	}
	for _, name := range program {
		allowed[name] = readFiles
	}
	for name, rights := range allowed {
		if err := allowPath(set, name, rights); err != nil {
			return err
		}
	}
	if version >= netLandlock {
		rule := struct{ access, port uint64 }{unix.LANDLOCK_ACCESS_NET_BIND_TCP, uint64(port)}
		const ruleNetPort = 2
		if _, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(set), ruleNetPort,
			uintptr(unsafe.Pointer(&rule)), 0, 0, 0); errno != 0 {
			return fmt.Errorf("allow port %d: %w", port, errno)
		}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("give up new privileges: %w", err)
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(set), 0, 0); errno != 0 {
		return fmt.Errorf("enter the Landlock ruleset: %w", errno)
	}
	return nil
}

// allowPath lets a process use a file, or what is beneath a directory. What does
// not exist needs no rule.
func allowPath(set int, name string, rights uint64) error {
	fd, err := unix.Open(name, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	var info unix.Stat_t
	if err := unix.Fstat(fd, &info); err != nil {
		return fmt.Errorf("allow %s: %w", name, err)
	}
	if info.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &= unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE |
			unix.LANDLOCK_ACCESS_FS_EXECUTE
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: rights, Parent_fd: int32(fd)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(set), unix.LANDLOCK_RULE_PATH_BENEATH,
		uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	if errno != 0 {
		return fmt.Errorf("allow %s: %w", name, errno)
	}
	return nil
}
