package engine

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckStamp(t *testing.T) {
	for _, test := range []struct {
		stamp, engine string
		newer         bool
	}{
		{"26.7.2.1", "26.7.2.1", false},
		{"26.7.9.1", "26.7.2.1", false},
		{"26.8.1.1", "26.7.2.1", true},
		{"27.1.1.1", "26.7.2.1", true},
		{"25.12.1.1", "26.7.2.1", false},
		{"26.10.1.1", "26.9.1.1", true},
	} {
		name := filepath.Join(t.TempDir(), "VERSION")
		if err := writeStamp(name, test.stamp); err != nil {
			t.Fatal(err)
		}
		if err := checkStamp(name, test.engine); errors.Is(err, ErrNewerData) != test.newer {
			t.Errorf("stamp %s, engine %s: %v", test.stamp, test.engine, err)
		}
	}
}

func TestCheckStamp_Unreadable(t *testing.T) {
	name := filepath.Join(t.TempDir(), "VERSION")
	if err := checkStamp(name, "26.7.2.1"); err != nil {
		t.Errorf("new directory: %v", err)
	}
	if err := os.WriteFile(name, []byte("what\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := checkStamp(name, "26.7.2.1"); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("error %v, want one that names %s", err, name)
	}
}

func TestLocate_Order(t *testing.T) {
	write := func(name string, mode os.FileMode) string {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
		return name
	}
	t.Setenv(LibraryEnv, "")
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Join(root, "path"))
	t.Chdir(root)

	_, err = locate()
	if !errors.Is(err, ErrNoClickHouse) {
		t.Fatalf("error %v, want %v", err, ErrNoClickHouse)
	}
	for _, text := range []string{"libchdb.so", "clickhouse on PATH", "run engine/fetch.sh", "--clickhouse DSN"} {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q does not name %q", err, text)
		}
	}

	binary := write(filepath.Join(root, "path", "clickhouse"), 0o755)
	if found, err := locate(); err != nil || found.binary != binary {
		t.Errorf("found %+v %v, want %s", found, err, binary)
	}
	inModule := write(filepath.Join(root, "bin", "lib", "libchdb.so"), 0o644)
	write(filepath.Join(root, "go.mod"), 0o644)
	deep := filepath.Join(root, "a", "b")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(deep)
	if found, err := locate(); err != nil || found.library != inModule {
		t.Errorf("found %+v %v, want %s", found, err, inModule)
	}
	named := write(filepath.Join(root, "elsewhere", "libchdb.so"), 0o644)
	t.Setenv(LibraryEnv, named)
	if found, err := locate(); err != nil || found.library != named {
		t.Errorf("found %+v %v, want %s", found, err, named)
	}
	t.Setenv(LibraryEnv, named+".gone")
	if _, err := locate(); !errors.Is(err, ErrNoClickHouse) || !strings.Contains(err.Error(), LibraryEnv) {
		t.Errorf("error %v, want %v that names %s", err, ErrNoClickHouse, LibraryEnv)
	}
}
