package schema

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"syscall"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// InterruptibleDial makes connections give up on ClickHouse's greeting when the context of the dial ends. The driver
// itself waits for DialTimeout whatever becomes of the context, so a statement could not be cancelled while ClickHouse
// is frozen.
func InterruptibleDial(options *clickhouse.Options) {
	dial := options.DialContext
	if dial == nil {
		dialer := &net.Dialer{Timeout: options.DialTimeout}
		over := dialer.DialContext
		if options.TLS != nil {
			over = (&tls.Dialer{NetDialer: dialer, Config: options.TLS}).DialContext
		}
		dial = func(ctx context.Context, address string) (net.Conn, error) { return over(ctx, "tcp", address) }
	}
	options.DialContext = func(ctx context.Context, address string) (net.Conn, error) {
		conn, err := dial(ctx, address)
		if err != nil {
			return nil, err
		}
		stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
		return &greetedConn{Conn: conn, greeted: sync.OnceFunc(func() { stop() })}, nil
	}
}

// greetedConn calls greeted when the first bytes have come, or will not come.
type greetedConn struct {
	net.Conn
	greeted func()
}

func (c *greetedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.greeted()
	return n, err
}

// SyscallConn lets the driver see whether the other end has closed a connection that lay idle.
func (c *greetedConn) SyscallConn() (syscall.RawConn, error) {
	conn := c.Conn
	if encrypted, ok := conn.(*tls.Conn); ok {
		conn = encrypted.NetConn()
	}
	if plain, ok := conn.(syscall.Conn); ok {
		return plain.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

func (c *greetedConn) Close() error {
	c.greeted()
	return c.Conn.Close()
}
