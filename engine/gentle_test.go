package engine

import (
	"errors"
	"io"
	"net"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// A client that goes away in the middle of its login, whether it resets the connection or closes it, does not end
// ClickHouse: neither one that comes by the port of the DSN nor one of the program's own.
func TestClickHouse_ClientsLeaveDuringLogin(t *testing.T) {
	c := startClickHouse(t, Config{Dir: t.TempDir()})
	packet := append(hello(User, c.password), make([]byte, 2)...) // and the beginning of what follows
	ways := map[string]func() (net.Conn, error){
		"by the port": func() (net.Conn, error) { return net.Dial("tcp4", c.Addr()) },
		"directly":    func() (net.Conn, error) { return c.Dial(t.Context(), "") },
	}
	for way, dial := range ways {
		t.Run(way, func(t *testing.T) {
			for round := range 120 {
				conn, err := dial()
				if err != nil {
					t.Fatal(err)
				}
				if _, err := conn.Write(packet[:len(packet)-round%3]); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Duration(round/6) * 50 * time.Microsecond) // before, while and after ClickHouse answers
				if tcp, is := conn.(*net.TCPConn); is && round%2 == 0 {
					if err := tcp.SetLinger(0); err != nil {
						t.Fatal(err)
					}
				}
				if err := conn.Close(); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(500 * time.Millisecond) // an end would come within this
			if got := value[uint8](t, open(t, c.DSN()), "SELECT 1"); got != 1 || c.Crashes() != 0 {
				t.Errorf("SELECT 1 is %d after %d crashes", got, c.Crashes())
			}
		})
	}
}

// Logins that are given up while ClickHouse is frozen do not end it when it goes on, even if nobody closes them, as the
// driver does not.
func TestClickHouse_FrozenDuringLogin(t *testing.T) {
	c := startClickHouse(t, Config{Dir: t.TempDir()})
	pid := c.PID()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Kill(pid, syscall.SIGCONT) }()
	for range 20 {
		conn, err := c.Dial(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(hello(User, c.password)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	// Whoever logs in now is greeted after them. Nobody holds them, so they are collected with the greeting unread.
	conn := open(t, c.DSN())
	for range 5 {
		if got := value[uint8](t, conn, "SELECT 1"); got != 1 {
			t.Errorf("SELECT 1 is %d", got)
		}
		runtime.GC()
		time.Sleep(100 * time.Millisecond) // an end would come within these
	}
	if c.Crashes() != 0 || c.PID() != pid {
		t.Errorf("%d crashes", c.Crashes())
	}
}

// Close of a gentle connection stops who reads, sends an end and no reset, and closes when the other side has.
func TestGentleConn_Close(t *testing.T) {
	listener, err := listenPlain()
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	other := make(chan error, 1)
	unread := make(chan struct{})
	go func() {
		conn, err := listener.AcceptTCP()
		if err != nil {
			other <- err
			return
		}
		defer conn.Close()
		_, err = conn.Write([]byte("unread"))
		close(unread)
		// A reset would be an error here and not an end.
		if _, failed := io.Copy(io.Discard, conn); err == nil {
			err = failed
		}
		if _, failed := conn.Write(make([]byte, 1<<20)); err == nil {
			err = failed
		}
		other <- err
	}()
	dialled, err := net.Dial("tcp4", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn := newGentleConn(dialled.(*net.TCPConn))
	reader := make(chan error, 1)
	go func() {
		_, err := io.ReadFull(conn, make([]byte, 3))
		for err == nil {
			_, err = conn.Read(make([]byte, 100))
		}
		reader <- err
	}()
	<-unread
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-reader; !errors.Is(err, net.ErrClosed) {
		t.Errorf("the reader got %v", err)
	}
	if err := <-other; err != nil {
		t.Errorf("the other side got %v", err)
	}
	for name, err := range map[string]error{
		"Close": conn.Close(), "SetDeadline": conn.SetDeadline(time.Now()),
		"SetReadDeadline": conn.SetReadDeadline(time.Now()),
	} {
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s of a closed connection: %v", name, err)
		}
	}
}
