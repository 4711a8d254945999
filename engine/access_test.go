package engine

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestStartClickHouse_LoopbackOnly(t *testing.T) {
	c := startClickHouse(t, Config{Dir: t.TempDir()})
	host, port, err := net.SplitHostPort(c.Addr())
	if err != nil || host != "127.0.0.1" {
		t.Errorf("address %s, want one of 127.0.0.1 (%v)", c.Addr(), err)
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, candidate := range own {
		network, ok := candidate.(*net.IPNet)
		if !ok || network.IP.IsLoopback() {
			continue
		}
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(network.IP.String(), port), time.Second)
		if err == nil {
			_ = conn.Close()
			t.Errorf("port %s is reachable on %s", port, network.IP)
		}
	}
}

func TestStartClickHouse_PasswordIsNotOnDisk(t *testing.T) {
	dir := t.TempDir()
	first := startClickHouse(t, Config{Dir: dir})
	stopNow(t, first)
	second := startClickHouse(t, Config{Dir: dir})
	if first.password == second.password {
		t.Error("two starts share a password")
	}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if strings.Contains(string(content), second.password) {
			t.Errorf("%s holds the password", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "users.xml"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("users.xml has mode %o", info.Mode().Perm())
	}
}
