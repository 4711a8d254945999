package engine

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

func hello(user, password string) []byte {
	packet := []byte{0}
	for _, field := range []any{"client", 2, 50, 54483, "kaskad", user, password} {
		switch field := field.(type) {
		case int:
			packet = binary.AppendUvarint(packet, uint64(field))
		case string:
			packet = append(binary.AppendUvarint(packet, uint64(len(field))), field...)
		}
	}
	return packet
}

func TestParseHello(t *testing.T) {
	packet := hello("somebody", "secret")
	user, password, err := parseHello(append(packet, "more"...))
	if err != nil || user != "somebody" || password != "secret" {
		t.Errorf("got %q %q %v", user, password, err)
	}
	for length := range packet {
		if _, _, err := parseHello(packet[:length]); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("the first %d bytes: %v", length, err)
		}
	}
	for _, bad := range []string{"GET / HTTP/1.1\r\n", "\x01", "\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
		"\x00\xff\xff\xff\xff\x0f"} {
		if _, _, err := parseHello([]byte(bad)); !errors.Is(err, errBadHello) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// A port without a child, or whose child has just died, is told no password: the gate has it all the time.
func TestGate_NoChildNoPassword(t *testing.T) {
	if runtime.GOOS != "linux" {
		skipOutsideCI(t, "guards are Linux's")
	}
	g, err := openGate("secret", quiet(), true)
	if err != nil || !g.guarded {
		t.Fatalf("guarded: %t, error %v", g.guarded, err)
	}
	defer g.close()
	port, err := g.nextPort()
	if err != nil {
		t.Fatal(err)
	}
	if conn, err := g.dial(t.Context()); err == nil {
		_ = conn.Close()
		t.Error("dialled a child before there was one")
	}
	g.lead(port, func() bool { return true })
	conn, err := g.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, _ = conn.Write(hello(User, "secret"))
	if n, err := conn.Read(make([]byte, 1)); n != 0 || errors.Is(err, net.ErrClosed) {
		t.Errorf("read %d bytes, %v", n, err)
	}
}

// Where no filter keeps strangers from the child, the port of the DSN is the gate's all the same, and stays over
// crashes.
func TestStartClickHouse_Unguarded(t *testing.T) {
	c := startClickHouse(t, Config{Dir: t.TempDir(), unguarded: true})
	conn := open(t, c.DSN())
	if got := value[uint8](t, conn, "SELECT 1"); got != 1 {
		t.Errorf("SELECT 1 is %d", got)
	}
	for _, got := range asStranger(t, c.Addr()) {
		t.Errorf("a stranger %s", got)
	}
	if c.Crashes() != 0 {
		t.Errorf("%d crashes", c.Crashes())
	}
	// At the child's own port a stranger is user default, who has no right but to open ports.
	options := &clickhouse.Options{Addr: []string{net.JoinHostPort("127.0.0.1", strconv.Itoa(c.gate.child))},
		Auth: clickhouse.Auth{Username: "default"}}
	stranger, err := clickhouse.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	for _, query := range []string{"SELECT file('/etc/passwd')", "SELECT * FROM system.users", "CREATE DATABASE other",
		"SELECT name FROM system.tables"} {
		if err := stranger.Exec(t.Context(), query); err == nil || strings.Contains(err.Error(), "root:") {
			t.Errorf("user default may %s (%v)", query, err)
		}
	}
}
