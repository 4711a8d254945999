package engine

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"
)

const (
	// maxHello bounds what is read of a client before it is known: names, a
	// password of 32 letters and a database.
	maxHello = 4 << 10

	// maxStrangers is how many connections may be undecided at a time. The oldest
	// goes first: a client of ours decides its own within a millisecond.
	maxStrangers = 1024

	// helloTimeout is how long a connection may stay undecided, dialTimeout how
	// long the way to the child may take, and loginTimeout how long a client that
	// was let through may take for its next packet. ClickHouse waits 300 s.
	helloTimeout = 5 * time.Second
	dialTimeout  = 5 * time.Second
	loginTimeout = time.Minute
)

// ownIP is where the gate connects from when it is guarded, so that it knows a
// connection of its own that no child took. All of 127.0.0.0/8 is this machine.
const ownIP = "127.0.0.2"

// errBadHello is what a client is told that is refused, whatever the reason.
var errBadHello = errors.New("authentication failed")

// gate is the only way to ClickHouse. It holds the engine's port for the whole
// life of the program, also while no child runs, so nobody else can take it and
// be told a password. What connects to the port reaches the gate, which reads
// the client's first packet and lets those through that know the password.
// ClickHouse itself sees none but connections that the gate has made, because
// a bad login ends it (see the package comment).
//
// On Linux the child listens on the very same port: both belong to one group of
// sockets, and a filter in the kernel gives the gate every connection but the
// one that is being dialled. Elsewhere, and where there is no such filter, the
// child listens on a port of its own, which the system's users can reach.
type gate struct {
	password string
	logger   *slog.Logger
	listener *net.TCPListener
	// guarded tells that the kernel keeps strangers from the child.
	guarded bool

	// dialing lets one connection through at a time.
	dialing sync.Mutex

	mu sync.Mutex
	// child is the port of the present child, alive reports whether it still runs.
	child int
	alive func() bool
	// strangers are the undecided connections, oldest first; open are all.
	strangers []net.Conn
	open      map[net.Conn]struct{}
	closed    bool
}

// openGate takes a free loopback port.
func openGate(password string, logger *slog.Logger, guard bool) (*gate, error) {
	g := &gate{password: password, logger: logger, guarded: guard, alive: func() bool { return false },
		open: map[net.Conn]struct{}{}}
	var err error
	if guard {
		if g.listener, err = listenGuarded(); err != nil {
			logger.Warn("this system cannot keep other users away from the embedded clickhouse's port", "error", err)
			g.guarded = false
		}
	}
	if !g.guarded {
		if g.listener, err = listenPlain(); err != nil {
			return nil, fmt.Errorf("listen for clients of ClickHouse: %w", err)
		}
	}
	go g.serve()
	return g, nil
}

func listenPlain() (*net.TCPListener, error) {
	return net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
}

func (g *gate) address() string { return g.listener.Addr().String() }

// nextPort is where the next child has to listen.
func (g *gate) nextPort() (int, error) {
	if g.guarded {
		return g.listener.Addr().(*net.TCPAddr).Port, nil
	}
	free, err := listenPlain()
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer free.Close()
	return free.Addr().(*net.TCPAddr).Port, nil
}

// lead makes a child the one that is dialled.
func (g *gate) lead(port int, alive func() bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.child, g.alive = port, alive
}

// dial connects to the child. What it returns belongs to the child, or is
// closed at once; it ends gently, see [gentleConn].
func (g *gate) dial(ctx context.Context) (net.Conn, error) {
	conn, err := g.dialChild(ctx)
	if err != nil {
		return nil, err
	}
	return newGentleConn(conn.(*net.TCPConn)), nil
}

func (g *gate) dialChild(ctx context.Context) (net.Conn, error) {
	g.mu.Lock()
	port, alive := g.child, g.alive
	g.mu.Unlock()
	address := net.JoinHostPort("127.0.0.1", fmt.Sprint(port))
	gone := &net.OpError{Op: "dial", Net: "tcp",
		Err: fmt.Errorf("embedded ClickHouse does not run: %w", syscall.ECONNREFUSED)}
	if !alive() {
		return nil, gone
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if g.guarded {
		g.dialing.Lock()
		defer g.dialing.Unlock()
		return dialGuarded(ctx, g.listener, address)
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp4", address)
	if err != nil {
		return nil, err
	}
	// A child that lives has had the port all the time.
	if !alive() {
		_ = conn.Close()
		return nil, gone
	}
	return conn, nil
}

// close ends all connections and gives the port back.
func (g *gate) close() {
	_ = g.listener.Close()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	for conn := range g.open {
		_ = conn.Close()
	}
}

func (g *gate) serve() {
	for {
		conn, err := g.listener.AcceptTCP()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // for example no file descriptors
			g.logger.Warn("accept a client of clickhouse", "error", err)
			time.Sleep(100 * time.Millisecond)
			continue
		}
		if ours(conn) {
			// It was meant for a child that does not listen.
			_ = conn.Close()
			continue
		}
		if g.enter(conn) {
			go g.handle(conn)
		}
	}
}

// enter counts an undecided connection, and ends the oldest one when there are
// too many.
func (g *gate) enter(conn net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		_ = conn.Close()
		return false
	}
	g.open[conn] = struct{}{}
	g.strangers = append(g.strangers, conn)
	if len(g.strangers) > maxStrangers {
		_ = g.strangers[0].Close()
		g.strangers = g.strangers[1:]
	}
	return true
}

// decided takes a connection off the undecided ones.
func (g *gate) decided(conn net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, stranger := range g.strangers {
		if stranger == conn {
			g.strangers = append(g.strangers[:i], g.strangers[i+1:]...)
			return
		}
	}
}

func (g *gate) handle(client *net.TCPConn) {
	defer func() {
		_ = client.Close()
		g.decided(client)
		g.mu.Lock()
		delete(g.open, client)
		g.mu.Unlock()
	}()
	hello, err := g.admit(client)
	if errors.Is(err, errBadHello) {
		_, _ = client.Write(refusal())
	}
	if err != nil {
		return
	}
	g.decided(client)
	child, err := g.dial(context.Background())
	if err != nil {
		return
	}
	defer child.Close()
	if _, err := child.Write(hello); err != nil {
		return
	}
	// Whichever side ends first ends the other, as does a client that stops in the middle of its login: for a login
	// that takes too long ends ClickHouse, too.
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer child.Close()
		if client.SetReadDeadline(time.Now().Add(loginTimeout)) != nil {
			return
		}
		first := make([]byte, maxHello)
		n, err := client.Read(first)
		if err != nil || client.SetReadDeadline(time.Time{}) != nil {
			return
		}
		if _, err := child.Write(first[:n]); err == nil {
			_, _ = io.Copy(child, client)
		}
	}()
	_, _ = io.Copy(client, child)
	_ = client.Close()
	<-done
}

// admit reads the first packet of a client and returns what it has read.
func (g *gate) admit(client net.Conn) ([]byte, error) {
	if err := client.SetDeadline(time.Now().Add(helloTimeout)); err != nil {
		return nil, err
	}
	buffer := make([]byte, 0, maxHello)
	for {
		n, err := client.Read(buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		user, password, parsed := parseHello(buffer)
		switch {
		case parsed == nil:
			known := subtle.ConstantTimeCompare([]byte(user), []byte(User)) &
				subtle.ConstantTimeCompare([]byte(password), []byte(g.password))
			if known != 1 {
				return nil, errBadHello
			}
			return buffer, client.SetDeadline(time.Time{})
		case !errors.Is(parsed, io.ErrUnexpectedEOF) || len(buffer) == cap(buffer):
			return nil, errBadHello
		case err != nil:
			return nil, err
		}
	}
}

// parseHello reads user and password from the packet that a client of the
// native protocol begins with. io.ErrUnexpectedEOF says that it is not whole.
func parseHello(packet []byte) (user, password string, err error) {
	number := func() (value uint64) {
		value, n := binary.Uvarint(packet)
		switch {
		case err != nil:
		case n == 0:
			err = io.ErrUnexpectedEOF
		case n < 0:
			err = errBadHello
		default:
			packet = packet[n:]
		}
		return value
	}
	text := func() (value string) {
		length := number()
		switch {
		case err != nil:
		case length > maxHello:
			err = errBadHello
		case length > uint64(len(packet)):
			err = io.ErrUnexpectedEOF
		default:
			value, packet = string(packet[:length]), packet[length:]
		}
		return value
	}
	if kind := number(); err == nil && kind != 0 {
		return "", "", errBadHello
	}
	text() // name of the client
	for range 3 {
		number() // its version, and that of the protocol
	}
	text() // database
	user, password = text(), text()
	return user, password, err
}

// refusal is the packet by which ClickHouse itself refuses a login.
func refusal() []byte {
	var packet bytes.Buffer
	text := func(value string) {
		packet.Write(binary.AppendUvarint(nil, uint64(len(value))))
		packet.WriteString(value)
	}
	const exception, authenticationFailed = 2, 516
	packet.WriteByte(exception)
	packet.Write(binary.LittleEndian.AppendUint32(nil, authenticationFailed))
	text("DB::Exception")
	text("DB::Exception: Authentication failed: the password is wrong, or there is no such user")
	text("")
	packet.WriteByte(0) // no nested exception
	return packet.Bytes()
}
