package engine

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tree makes DIR/a/b/file and lets the test spoil it.
func tree(t *testing.T) (file string) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "a", "b")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	// Without this the test's own closed directory would make all beneath it safe.
	for _, open := range []string{filepath.Dir(filepath.Dir(folder)),
		filepath.Dir(filepath.Dir(filepath.Dir(folder)))} {
		if err := os.Chmod(open, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	file = filepath.Join(folder, "libchdb.so")
	if err := os.WriteFile(file, []byte("no library"), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func chmod(t *testing.T, name string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
}

func TestTrusted(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, file string){
		"OK":       func(*testing.T, string) {},
		"OKSticky": func(t *testing.T, file string) { chmod(t, filepath.Dir(filepath.Dir(file)), 0o777|os.ModeSticky) },
		"OKBehindPrivate": func(t *testing.T, file string) {
			chmod(t, file, 0o644)
			chmod(t, filepath.Dir(filepath.Dir(file)), 0o700)
		},
		"ErrFile":        func(t *testing.T, file string) { chmod(t, file, 0o666) },
		"ErrFolder":      func(t *testing.T, file string) { chmod(t, filepath.Dir(file), 0o777) },
		"ErrAbove":       func(t *testing.T, file string) { chmod(t, filepath.Dir(filepath.Dir(file)), 0o777) },
		"ErrOwner":       func(t *testing.T, file string) { giveAway(t, file) },
		"ErrOwnerFolder": func(t *testing.T, file string) { giveAway(t, filepath.Dir(file)) },
		"ErrGroup": func(t *testing.T, file string) {
			if os.Geteuid() == 0 {
				if err := os.Chown(file, 0, strangerUID); err != nil {
					t.Fatal(err)
				}
			} else {
				skipOutsideCI(t, "only root can choose the group")
			}
			chmod(t, file, 0o664)
		},
	} {
		t.Run(name, func(t *testing.T) {
			file := tree(t)
			spoil(t, file)
			err := trusted(file)
			if strings.HasPrefix(name, "OK") != (err == nil) || err != nil && !errors.Is(err, errUntrusted) {
				t.Errorf("trusted: %v", err)
			}
			// The same by a link that lies elsewhere, and for the library that is started.
			link := filepath.Join(t.TempDir(), "link.so")
			if err := os.Symlink(file, link); err != nil {
				t.Fatal(err)
			}
			t.Setenv(LibraryEnv, link)
			if _, err := locate(); strings.HasPrefix(name, "OK") != (err == nil) {
				t.Errorf("locate: %v", err)
			}
		})
	}
	t.Run("ErrLink", func(t *testing.T) {
		file := tree(t)
		folder := filepath.Dir(tree(t))
		link := filepath.Join(folder, "link.so")
		if err := os.Symlink(file, link); err != nil {
			t.Fatal(err)
		}
		chmod(t, folder, 0o777)
		if err := trusted(link); !errors.Is(err, errUntrusted) {
			t.Errorf("trusted: %v", err)
		}
	})
}

func giveAway(t *testing.T, name string) {
	t.Helper()
	if os.Geteuid() != 0 {
		skipOutsideCI(t, "only root can give a file away")
	}
	if err := os.Chown(name, strangerUID, strangerUID); err != nil {
		t.Fatal(err)
	}
}

// A library on the way that others can change is left aside, and the error says why.
func TestLocate_SkipsUntrusted(t *testing.T) {
	root := filepath.Dir(tree(t))
	t.Setenv(LibraryEnv, "")
	t.Setenv("PATH", root)
	t.Chdir(root)
	library := filepath.Join(root, "bin", "lib", "libchdb.so")
	if err := os.MkdirAll(filepath.Dir(library), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{filepath.Join(root, "go.mod"), library, filepath.Join(root, "clickhouse")} {
		if err := os.WriteFile(name, []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	chmod(t, library, 0o777)
	if found, err := locate(); err != nil || found.binary == "" {
		t.Errorf("found %+v %v, want the binary", found, err)
	}
	chmod(t, filepath.Join(root, "clickhouse"), 0o777)
	_, err := locate()
	if !errors.Is(err, ErrNoClickHouse) || strings.Count(err.Error(), errUntrusted.Error()) != 2 ||
		!strings.Contains(err.Error(), "chmod go-w") {
		t.Errorf("error %v, want %v with both reasons", err, ErrNoClickHouse)
	}
}

func TestPrivateDir(t *testing.T) {
	dir := filepath.Dir(tree(t))
	if err := privateDir(dir); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v (%v), want 0700", info.Mode(), err)
	}
	for _, mode := range []os.FileMode{0o777, 0o757, 0o777 | os.ModeSticky} {
		chmod(t, dir, mode)
		if err := privateDir(dir); !errors.Is(err, errUntrusted) {
			t.Errorf("mode %v: %v", mode, err)
		}
	}
	chmod(t, dir, 0o700)
	giveAway(t, dir)
	if err := privateDir(dir); !errors.Is(err, errUntrusted) {
		t.Errorf("somebody else's: %v", err)
	}
}

// What lies in the place of a file to be written is not written through.
func TestReplaceFile_FollowsNoLink(t *testing.T) {
	dir := t.TempDir()
	victim, name := filepath.Join(dir, "victim"), filepath.Join(dir, "config.xml")
	for _, link := range []string{name, name + ".new"} {
		if err := os.Symlink(victim, link); err != nil {
			t.Fatal(err)
		}
	}
	if err := replaceFile(name, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(victim); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the link was followed: %v", err)
	}
	if info, err := os.Lstat(name); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v (%v)", info.Mode(), err)
	}
}

// fetch.sh takes no library for granted that others can change.
func TestFetch_RefusesUntrusted(t *testing.T) {
	root := filepath.Dir(tree(t))
	for _, folder := range []string{"engine", filepath.Join("bin", "lib")} {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"fetch.sh", "package.json"} {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, "engine", name), content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	library := filepath.Join(root, "bin", "lib", "libchdb.so")
	if err := os.WriteFile(library, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{library, filepath.Dir(library), filepath.Join(root, "bin"), root} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		chmod(t, name, 0o777)
		output, err := exec.Command("sh", filepath.Join(root, "engine", "fetch.sh")).CombinedOutput()
		if err == nil || !strings.Contains(string(output), "others can write to "+name) {
			t.Errorf("%s: %v: %s", name, err, output)
		}
		chmod(t, name, info.Mode().Perm())
	}
}
