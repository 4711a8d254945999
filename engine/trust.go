package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// errUntrusted is a file or directory that another user could change.
var errUntrusted = errors.New("another user can change it")

// trusted refuses a file or directory that another user could replace or write
// to: that belongs to somebody else than root and the own user, or is writable
// by others, or lies in such a directory. In a directory with the sticky bit, as
// /tmp, everybody may only change what is his own.
func trusted(name string) error {
	name, err := filepath.Abs(name)
	if err != nil {
		return err
	}
	target, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	if err := trustedPath(target); err != nil {
		return err
	}
	if parent := filepath.Dir(name); target != name && parent != name {
		return trustedPath(parent) // where the link lies
	}
	return nil
}

func trustedPath(name string) error {
	for {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		owner, group := owners(info)
		mode, own := info.Mode(), os.Geteuid()
		// The group of a user alone, as most Linux distributions make it.
		private := os.FileMode(0o022)
		if group == own && group == os.Getegid() {
			private = 0o002
		}
		switch {
		case owner != 0 && owner != own:
			return fmt.Errorf("%w: %s belongs to user %d; chown it", errUntrusted, name, owner)
		case mode.IsDir() && mode&os.ModeSticky != 0:
		case mode.Perm()&private != 0:
			return fmt.Errorf("%w: %s has mode %04o; chmod go-w it", errUntrusted, name, mode.Perm())
		case mode.IsDir() && mode.Perm()&0o011 == 0:
			return nil // nobody else gets further in than here
		}
		parent := filepath.Dir(name)
		if parent == name {
			return nil
		}
		name = parent
	}
}

// privateDir makes a directory that nobody else can look into. One that others
// could write to is refused, for nobody knows what they have put there.
func privateDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("create data directory: %w", err)
	}
	if err := trusted(dir); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	if info.Mode()&os.ModeSticky != 0 {
		return fmt.Errorf("data directory: %w: %s is for everybody; name a directory in it", errUntrusted, dir)
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(dir, 0o700); err != nil {
			return fmt.Errorf("close data directory to others: %w", err)
		}
	}
	return nil
}

func owners(info os.FileInfo) (user, group int) {
	stat := info.Sys().(*syscall.Stat_t)
	return int(stat.Uid), int(stat.Gid)
}
