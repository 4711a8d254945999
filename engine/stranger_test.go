package engine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// strangerUID is another local user: nobody.
const strangerUID = 65534

// playStranger tries to get into the engine at an address, knowing no password, and prints what it should not have got.
func playStranger(address string, out io.Writer) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, login := range []clickhouse.Auth{
		{Username: "default"}, {Username: "default", Password: "default"}, {Username: User},
		{Username: User, Password: "wrong"},
		{Username: "", Password: ""}, {Username: " INTERSERVER SECRET "}, {Username: User, Database: "nope"},
		{Username: strings.Repeat("u", 100_000)},
	} {
		conn, err := clickhouse.Open(&clickhouse.Options{Addr: []string{address}, Auth: login,
			DialTimeout: 5 * time.Second})
		if err != nil {
			return err
		}
		if err := conn.Ping(ctx); err == nil {
			fmt.Fprintf(out, "logged in as %.20q with %q\n", login.Username, login.Password)
		}
		_ = conn.Close()
	}
	client := http.Client{Timeout: 2 * time.Second}
	for _, path := range []string{"/", "/ping", "/play", "/dashboard", "/binary", "/replicas_status", "/metrics",
		"/js/uplot.js",
		"/?query=SELECT+1", "/?user=default&query=SELECT+file('/etc/passwd')"} {
		if response, err := client.Get("http://" + address + path); err == nil {
			_ = response.Body.Close()
			fmt.Fprintf(out, "HTTP answers %s to %s\n", response.Status, path)
		}
	}
	for _, from := range []string{"127.0.0.1", "127.0.0.2", "127.0.0.3"} {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 2 * time.Second}
		conn, err := dialer.Dial("tcp4", address)
		if err != nil {
			continue // 127.0.0.2 is Linux's alone
		}
		// ClickHouse ends when it reads this.
		_, _ = conn.Write([]byte("\x00\x01x\x01\x01\xb2\xa9\x03\x00\x07default\x01x"))
		_ = conn.SetReadDeadline(time.Now().Add(2 * time.Second))
		if answer, _ := io.ReadAll(conn); strings.Contains(string(answer), "ClickHouse") {
			fmt.Fprintf(out, "ClickHouse itself answers to %s\n", from)
		}
		_ = conn.Close()
	}
	if os.Geteuid() == strangerUID {
		for _, host := range []string{"127.0.0.1", ""} {
			_, port, _ := net.SplitHostPort(address)
			if listener, err := (&net.ListenConfig{Control: reusable}).Listen(ctx, "tcp4",
				net.JoinHostPort(host, port)); err == nil {
				_ = listener.Close()
				fmt.Fprintf(out, "listens on %q too\n", host)
			}
		}
	}
	fmt.Fprintln(out, "done")
	return nil
}

// asStranger runs playStranger as another user where this one may do that (CI is root), and as this one elsewhere.
func asStranger(t *testing.T, address string) []string {
	t.Helper()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// Others may not look into the directory in which tests are built.
	dir, err := os.MkdirTemp("", "kaskad-stranger-") //nolint:usetesting // others may not enter t.TempDir either
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	program, err := os.ReadFile(executable)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(dir, "stranger")
	if err := errors.Join(os.WriteFile(copied, program, 0o755), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(copied)
	command.Dir = "/"
	command.Env = []string{roleEnv + "=stranger=" + address}
	command.Stderr = os.Stderr
	if os.Geteuid() == 0 {
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: strangerUID, Gid: strangerUID}}
	}
	output, err := command.Output()
	if err != nil {
		t.Fatalf("play the stranger: %v: %s", err, output)
	}
	lines := strings.Split(strings.TrimSpace(string(output)), "\n")
	if last := len(lines) - 1; lines[last] != "done" {
		t.Fatalf("the stranger did not finish: %s", output)
	}
	return lines[:len(lines)-1]
}

func TestStartClickHouse_StrangersAreKeptOut(t *testing.T) {
	c := startClickHouse(t, Config{Dir: t.TempDir()})
	conn := open(t, c.DSN())
	exec1(t, conn, "CREATE TABLE secrets (n UInt8) ENGINE = MergeTree ORDER BY n")
	if runtime.GOOS == "linux" && !c.gate.guarded {
		t.Fatal("the port is not guarded")
	}
	addresses := []string{c.Addr()}
	if runtime.GOOS == "linux" {
		if addresses = listening(t, c.PID()); len(addresses) != 1 || addresses[0] != c.Addr() {
			t.Errorf("ClickHouse listens on %v, want %s alone", addresses, c.Addr())
		}
	}
	for _, address := range addresses {
		for range 10 { // more than restarts are allowed
			for _, got := range asStranger(t, address) {
				t.Errorf("%s: a stranger %s", address, got)
			}
		}
	}
	if c.Crashes() != 0 {
		t.Errorf("%d crashes on the way", c.Crashes())
	}
	if got := value[uint64](t, conn, "SELECT count() FROM secrets"); got != 0 {
		t.Errorf("%d rows", got)
	}
}

// listening returns the addresses on which a process listens, by the inodes of its files.
func listening(t *testing.T, pid int) []string {
	t.Helper()
	inodes := map[string]bool{}
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if name, err := os.Readlink(file); err == nil && strings.HasPrefix(name, "socket:[") {
			inodes[strings.Trim(name, "socket:[]")] = true
		}
	}
	var addresses []string
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		file, err := os.Open(table)
		if err != nil {
			continue // no IPv6
		}
		defer file.Close()
		for scanner := bufio.NewScanner(file); scanner.Scan(); {
			fields := strings.Fields(scanner.Text())
			if len(fields) < 10 || fields[3] != "0A" || !inodes[fields[9]] {
				continue
			}
			var ip uint32
			var port int
			if _, err := fmt.Sscanf(fields[1], "%8X:%4X", &ip, &port); err != nil {
				addresses = append(addresses, fields[1])
				continue
			}
			addresses = append(addresses,
				fmt.Sprintf("%d.%d.%d.%d:%d", byte(ip), byte(ip>>8), byte(ip>>16), byte(ip>>24), port))
		}
	}
	return addresses
}

// What a stranger does to the port holds up neither the program nor its DSN.
func TestClickHouse_WorksUnderAttack(t *testing.T) {
	c := startClickHouse(t, Config{Dir: t.TempDir()})
	options, err := clickhouse.ParseDSN(c.DSN())
	if err != nil {
		t.Fatal(err)
	}
	options.DialContext = c.Dial
	own, err := clickhouse.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	exec1(t, own, "CREATE TABLE facts (n UInt64) ENGINE = MergeTree ORDER BY n")

	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan int)
	const attackers = 4
	for i := range attackers {
		go func() {
			tries := 0
			for ; ctx.Err() == nil; tries++ {
				dialer := net.Dialer{Timeout: time.Second}
				if i == 0 && runtime.GOOS == "linux" {
					dialer.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}
				}
				conn, err := dialer.Dial("tcp4", c.Addr())
				if err != nil {
					continue
				}
				switch i {
				case 0, 1:
					_, _ = conn.Write([]byte("\x00\x01x\x01\x01\xb2\xa9\x03\x00\x06kaskad\x05wrong"))
					_, _ = io.ReadAll(conn)
				case 2:
					_, _ = conn.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
				case 3:
					// It stays silent and open until it is thrown out.
					go func() { _, _ = io.ReadAll(conn); _ = conn.Close() }()
					continue
				}
				_ = conn.Close()
			}
			ended <- tries
		}()
	}
	const inserts = 60
	for i := range inserts {
		exec1(t, own, fmt.Sprintf("INSERT INTO facts SELECT %d FROM system.numbers LIMIT 1000", i))
		// A new connection by the way of the DSN may have to try again: strangers get as far as the gate.
		for tries := 1; ; tries++ {
			another := open(t, c.DSN())
			var got uint64
			err := another.QueryRow(t.Context(), "SELECT count() FROM facts").Scan(&got)
			_ = another.Close()
			if err == nil && got == uint64(i+1)*1000 {
				break
			}
			if err == nil || tries == 20 {
				t.Fatalf("%d rows after insert %d: %v", got, i, err)
			}
		}
	}
	cancel()
	total := 0
	for range attackers {
		total += <-ended
	}
	t.Logf("%d attacks", total)
	if total < 100 {
		t.Errorf("%d attacks are none", total)
	}
	if c.Crashes() != 0 {
		t.Errorf("%d crashes", c.Crashes())
	}
}
