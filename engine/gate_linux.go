package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// listenGuarded listens on a port that the child, being of the same user, may
// listen on too. The kernel offers connections to one of them; the filter
// decides to which: to the one that listened first, which is the gate.
func listenGuarded() (*net.TCPListener, error) {
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return control(raw, func(fd int) error {
			if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
				return fmt.Errorf("share the port: %w", err)
			}
			return letThrough(fd, 0)
		})
	}}
	listener, err := config.Listen(context.Background(), "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return listener.(*net.TCPListener), nil
}

// dialGuarded connects to the second listener of the port: it takes a port to
// connect from, which nobody else can have then, and names it to the filter.
func dialGuarded(ctx context.Context, listener *net.TCPListener, address string) (net.Conn, error) {
	guard, err := listener.SyscallConn()
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		return control(raw, func(fd int) error {
			if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: netip.MustParseAddr(ownIP).As4()}); err != nil {
				return fmt.Errorf("take a port: %w", err)
			}
			from, err := unix.Getsockname(fd)
			if err != nil {
				return fmt.Errorf("take a port: %w", err)
			}
			port := from.(*unix.SockaddrInet4).Port
			return control(guard, func(fd int) error { return letThrough(fd, port) })
		})
	}}
	conn, err := dialer.DialContext(ctx, "tcp4", address)
	shut := control(guard, func(fd int) error { return letThrough(fd, 0) })
	if err != nil || shut != nil {
		if conn != nil {
			_ = conn.Close()
		}
		return nil, errors.Join(err, shut)
	}
	return conn, nil
}

// ours reports whether a connection came from dialGuarded.
func ours(conn *net.TCPConn) bool {
	return conn.RemoteAddr().(*net.TCPAddr).IP.String() == ownIP
}

// letThrough sets the filter of a group of listeners: the second one gets
// connections from this port of ownIP, the first one all others. 0 is no port.
func letThrough(fd, port int) error {
	const (
		header     = 0xfff00000 // offsets from here on count from the IP header
		version4   = 0x45       // without IP options, behind which a port could be feigned
		sourceIP   = header + 12
		sourcePort = header + 20
	)
	ip := netip.MustParseAddr(ownIP).As4()
	program := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: 0}}
	if port != 0 {
		program = []unix.SockFilter{
			{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: header},
			{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: version4, Jf: 5},
			{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: sourceIP},
			{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: binary.BigEndian.Uint32(ip[:]), Jf: 3},
			{Code: unix.BPF_LD | unix.BPF_H | unix.BPF_ABS, K: sourcePort},
			{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: uint32(port), Jf: 1},
			{Code: unix.BPF_RET | unix.BPF_K, K: 1},
			{Code: unix.BPF_RET | unix.BPF_K, K: 0},
		}
	}
	err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_CBPF,
		&unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
	if err != nil {
		return fmt.Errorf("set the filter of the port: %w", err)
	}
	return nil
}

// control runs a function on the socket of a connection or listener.
func control(raw syscall.RawConn, do func(fd int) error) error {
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = do(int(fd)) }); err != nil {
		return err
	}
	return failed
}
