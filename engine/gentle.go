package engine

import (
	"io"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// gentleConn is a connection to ClickHouse whose Close never resets it. The kernel resets a connection that is closed
// while something that came in is unread; a reset during the login is an exception that ends ClickHouse (see the
// package comment), and a client whose context ends between its Hello and the answer closes just so. A connection that
// merely ends is what ClickHouse expects of a client that went away: it cancels the query and closes its side.
type gentleConn struct {
	*net.TCPConn
	closed  atomic.Bool
	reading sync.Mutex
}

// newGentleConn takes a connection over. The driver drops one whose login took too long, as while ClickHouse is frozen,
// without a Close. The garbage collector would close the socket some time later, with the greeting of a ClickHouse that
// goes on again unread in it: a reset.
func newGentleConn(tcp *net.TCPConn) *gentleConn {
	conn := &gentleConn{TCPConn: tcp}
	runtime.SetFinalizer(conn, func(dropped *gentleConn) { _ = dropped.Close() })
	return conn
}

// Read reads until Close, and returns [net.ErrClosed] from then on.
func (c *gentleConn) Read(b []byte) (int, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	if c.closed.Load() {
		return 0, net.ErrClosed
	}
	n, err := c.TCPConn.Read(b)
	if c.closed.Load() {
		return 0, net.ErrClosed
	}
	return n, err
}

// WriteTo hides that of TCPConn, which would read past Read.
func (c *gentleConn) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, struct{ io.Reader }{c}) }

// Close says that nothing more will be sent, and returns at once; the socket itself is closed when ClickHouse has
// closed its side.
func (c *gentleConn) Close() error {
	if c.closed.Swap(true) {
		return net.ErrClosed
	}
	runtime.SetFinalizer(c, nil)
	_ = c.TCPConn.CloseWrite()
	_ = c.TCPConn.SetReadDeadline(time.Unix(1, 0)) // whoever reads stops
	go func() {
		c.reading.Lock()
		defer c.reading.Unlock()
		_ = c.TCPConn.SetReadDeadline(time.Time{})
		_, _ = io.Copy(io.Discard, struct{ io.Reader }{c.TCPConn})
		_ = c.TCPConn.Close()
	}()
	return nil
}

// SetReadDeadline is that of TCPConn until Close.
func (c *gentleConn) SetReadDeadline(t time.Time) error {
	if c.closed.Load() {
		return net.ErrClosed
	}
	return c.TCPConn.SetReadDeadline(t)
}

// SetDeadline is that of TCPConn until Close.
func (c *gentleConn) SetDeadline(t time.Time) error {
	if c.closed.Load() {
		return net.ErrClosed
	}
	return c.TCPConn.SetDeadline(t)
}
