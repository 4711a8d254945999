package engine

import (
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestStartClickHouse_LoopbackOnly(t *testing.T) {
	c := startClickHouse(t, Config{Dir: t.TempDir()})
	for _, address := range []string{c.Addr(), c.HTTPAddr()} {
		host, port, err := net.SplitHostPort(address)
		if err != nil || host != "127.0.0.1" {
			t.Errorf("address %s, want one of 127.0.0.1 (%v)", address, err)
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
}

func TestStartClickHouse_DefaultUserCanDoNothing(t *testing.T) {
	c := startClickHouse(t, Config{Dir: t.TempDir()})
	conn := open(t, c.DSN())
	exec1(t, conn, "CREATE TABLE secrets (n UInt8) ENGINE = MergeTree ORDER BY n")

	stranger := open(t, "clickhouse://default@"+c.Addr()+"/")
	for _, query := range []string{
		"SELECT count() FROM kaskad.secrets",
		"INSERT INTO kaskad.secrets VALUES (1)",
		"CREATE TABLE kaskad.more (n UInt8) ENGINE = Memory",
		"CREATE TEMPORARY TABLE more (n UInt8)",
		"DROP DATABASE kaskad",
		"SELECT * FROM file('/etc/passwd', LineAsString)",
		"SELECT * FROM numbers(1)",
		"SELECT * FROM system.users",
		"SELECT name FROM system.tables",
		"SELECT sum(n) FROM (SELECT arrayJoin(range(100000000)) AS n)",
		"SET max_memory_usage = 0",
		"SELECT 1 SETTINGS max_execution_time = 0",
		"SYSTEM STOP LISTEN TCP",
		"SYSTEM START LISTEN TCP",
		"SYSTEM SHUTDOWN",
	} {
		if err := stranger.Exec(t.Context(), query); err == nil {
			t.Errorf("user default may %s over the native protocol", query)
		}
		response, err := http.Post("http://"+c.HTTPAddr()+"/", "text/plain", strings.NewReader(query))
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode == http.StatusOK && !strings.HasPrefix(query, "SET ") {
			t.Errorf("user default may %s over HTTP", query)
		}
	}
	if got := value[string](t, conn, "SELECT toString(groupArray(access_type)) FROM system.grants WHERE user_name = 'default'"); got != "['SYSTEM LISTEN']" {
		t.Errorf("user default has the rights %s", got)
	}
	for _, login := range []string{"?user=kaskad", "?user=kaskad&password=wrong"} {
		response, err := http.Post("http://"+c.HTTPAddr()+"/"+login, "text/plain", strings.NewReader("SELECT 1"))
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusForbidden && response.StatusCode != http.StatusUnauthorized {
			t.Errorf("login %s got status %s", login, response.Status)
		}
	}
	if c.Crashes() != 0 {
		t.Errorf("%d crashes on the way", c.Crashes())
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
