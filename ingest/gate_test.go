package ingest

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/segmentio/kafka-go"
)

// gate is a TCP proxy that can be shut: refuse ends connections and takes no new ones, stall holds every byte back.
type gate struct {
	t        testing.TB
	target   string
	listener net.Listener

	// greeting is held by connections that are inside ClickHouse's handshake, and taken to shut the gate: the embedded
	// ClickHouse does not survive a client that goes away in the middle of its greeting. greets says that the target is
	// ClickHouse.
	greeting sync.RWMutex
	greets   bool

	mu      sync.Mutex
	changed *sync.Cond
	refused bool
	stalled bool
	conns   map[net.Conn]struct{}
}

func newGate(t testing.TB, target string) *gate {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{t: t, target: target, listener: listener, conns: map[net.Conn]struct{}{}}
	g.changed = sync.NewCond(&g.mu)
	go g.accept()
	t.Cleanup(func() {
		_ = listener.Close()
		g.set(true, false)
	})
	return g
}

func (g *gate) addr() string { return g.listener.Addr().String() }
func (g *gate) open()        { g.set(false, false) }
func (g *gate) refuse()      { g.set(true, false) }
func (g *gate) stall()       { g.set(false, true) }

func (g *gate) set(refused, stalled bool) {
	g.greeting.Lock()
	defer g.greeting.Unlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refused, g.stalled = refused, stalled
	if refused {
		for c := range g.conns {
			_ = c.Close()
		}
		clear(g.conns)
	}
	g.changed.Broadcast()
}

func (g *gate) accept() {
	for {
		in, err := g.listener.Accept()
		if err != nil {
			return
		}
		g.mu.Lock()
		refused := g.refused
		g.mu.Unlock()
		if refused {
			_ = in.Close()
			continue
		}
		go g.serve(in)
	}
}

// serve connects to the target with the client's first bytes in hand, and lets a greeting end before the gate can be
// shut.
func (g *gate) serve(in net.Conn) {
	g.keep(in)
	first := make([]byte, 64<<10)
	n, err := in.Read(first)
	if err != nil {
		_ = in.Close()
		return
	}
	for {
		if !g.pass() {
			_ = in.Close()
			return
		}
		// The gate may have been shut again before the lock was had.
		g.greeting.RLock()
		if g.isOpen() {
			break
		}
		g.greeting.RUnlock()
	}
	defer g.greeting.RUnlock()
	out, err := net.Dial("tcp", g.target)
	if err != nil {
		_ = in.Close()
		return
	}
	if _, err := out.Write(first[:n]); err != nil {
		_ = in.Close()
		_ = out.Close()
		return
	}
	// The server's hello, and the client's word after it: then the handshake is over.
	for _, hop := range [][2]net.Conn{{out, in}, {in, out}} {
		if !g.greets {
			break
		}
		n, err := hop[0].Read(first)
		if err == nil {
			_, err = hop[1].Write(first[:n])
		}
		if err != nil {
			_ = in.Close()
			_ = out.Close()
			return
		}
	}
	g.keep(out)
	go g.pipe(in, out)
	go g.pipe(out, in)
}

func (g *gate) keep(c net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.conns[c] = struct{}{}
}

func (g *gate) isOpen() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.refused && !g.stalled
}

// pass waits while the gate is stalled and reports whether it is open.
func (g *gate) pass() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.stalled {
		g.changed.Wait()
	}
	return !g.refused
}

func (g *gate) pipe(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if !g.pass() {
			return
		}
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// gateDialer dials every address by way of the gate.
func gateDialer(g *gate) *kafka.Dialer {
	return &kafka.Dialer{Timeout: dialTimeout,
		DialFunc: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, g.addr())
		}}
}
