package kafkaguard

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// A request grows from smallBuffer over largeBuffer, of which a few are
	// kept, to what it needs.
	smallBuffer  = 16 << 10
	largeBuffer  = 1 << 20
	largeBuffers = 16
)

// conn is a client's connection as kfake sees it. kfake reads from one goroutine
// and writes whole answers from another one.
type conn struct {
	net.Conn
	l      *listener
	reader *bufio.Reader

	small []byte // the buffer of small requests, kept
	frame []byte // the request that is handed over
	rest  []byte // what kfake has not read of it

	// held is guarded by the listener's mutex.
	held int64

	mu   sync.Mutex
	sent []sent // requests that kfake has not answered, oldest first

	// login is the hash of the password that the client has shown; nil before that. shaken: it has said that it will.
	login  atomic.Pointer[[sha256.Size]byte]
	shaken bool

	answered chan struct{} // has a token when sent got shorter
	closed   chan struct{}
	closing  sync.Once

	// For the choice of whom to close; times are in nanoseconds, 0 means no.
	opened  time.Time
	last    atomic.Int64 // when the last request was complete
	reading atomic.Int64 // since when a request is incomplete
	writing atomic.Int64 // since when the client takes an answer
	waiting atomic.Bool  // for memory
	open    atomic.Int32 // len(sent)
}

// sent is what is remembered of a request until its answer.
type sent struct {
	correlation int32
	key         int16
	version     int16
	held        int64
	silent      bool // the client wants no answer (acks=0)
}

func newConn(l *listener, raw net.Conn) *conn {
	return &conn{
		Conn: raw, l: l, reader: bufio.NewReaderSize(raw, 4<<10), opened: time.Now(),
		answered: make(chan struct{}, 1), closed: make(chan struct{}),
	}
}

func (c *conn) gone() bool {
	select {
	case <-c.closed:
		return true
	default:
		return false
	}
}

// idle reports whether nothing is under way.
func (c *conn) idle() bool {
	return c.last.Load() == 0 || c.open.Load() == 0 && c.reading.Load() == 0
}

func (c *conn) idlerThan(other *conn) bool {
	mine, theirs := c.last.Load(), other.last.Load()
	if mine == 0 && theirs == 0 {
		return c.opened.Before(other.opened)
	}
	return mine < theirs
}

// transferSince is when the transfer that is under way began.
func (c *conn) transferSince() int64 {
	reading, writing := c.reading.Load(), c.writing.Load()
	if reading == 0 || writing != 0 && writing < reading {
		return writing
	}
	return reading
}

func (c *conn) Close() error {
	c.closing.Do(func() {
		close(c.closed)
		c.l.forget(c)
	})
	return c.Conn.Close()
}

// Read hands out checked requests.
func (c *conn) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		if err := c.next(); err != nil {
			c.awaitAnswers()
			_ = c.Close()
			return 0, err
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	if len(c.rest) == 0 {
		c.dropFrame()
	}
	return n, nil
}

// awaitAnswers hides from kfake that a client is gone until kfake has answered it: where nobody takes the answer to a
// JoinGroup or SyncGroup, kfake starts no session, and the member stays in its group forever, with partitions that
// nobody reads.
func (c *conn) awaitAnswers() {
	for c.open.Load() > 0 {
		select {
		case <-c.answered:
		case <-c.closed:
			return
		}
	}
}

// dropFrame gives the buffer of a request back, which kfake has copied.
func (c *conn) dropFrame() {
	if cap(c.frame) == largeBuffer {
		select {
		case c.l.large <- c.frame:
		default:
		}
	}
	c.frame, c.rest = nil, nil
}

// next reads requests until there is one for kfake.
func (c *conn) next() error {
	for {
		held, err := c.readFrame()
		if err != nil {
			return err
		}
		verdict, err := c.judge()
		if err != nil {
			c.l.complain("embedded broker closes a connection because of what it sent", "error", err)
			return err
		}
		if verdict.answer != nil {
			c.dropFrame()
			if err := c.answer(verdict); err != nil {
				return err
			}
			c.l.release(c, held)
			if verdict.last {
				return io.EOF
			}
			continue
		}
		if verdict.frame != nil {
			c.dropFrame()
			c.frame = verdict.frame
		}
		verdict.sent.held = held
		c.mu.Lock()
		c.sent = append(c.sent, verdict.sent)
		c.open.Store(int32(len(c.sent)))
		c.mu.Unlock()
		c.rest = c.frame
		return nil
	}
}

// readFrame reads one request, its length included, into c.frame. Memory is
// counted, and allocated, as the bytes arrive; twice, because kfake makes a copy.
func (c *conn) readFrame() (held int64, err error) {
	wait := c.l.config.limits.idle
	if c.last.Load() == 0 {
		wait = c.l.config.limits.first
	}
	for {
		_ = c.SetReadDeadline(time.Now().Add(wait))
		if _, err = c.reader.Peek(1); err == nil {
			break
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) || c.open.Load() == 0 {
			return 0, err
		}
	}
	c.reading.Store(time.Now().UnixNano())
	defer c.reading.Store(0)
	_ = c.SetReadDeadline(time.Now().Add(c.l.config.limits.frame))

	prefix, err := c.reader.Peek(4)
	if err != nil {
		return 0, err
	}
	size := int64(binary.BigEndian.Uint32(prefix)) + 4
	if size < minRequest || size > maxRequest {
		err := fmt.Errorf("a request of %d bytes, the limit is %d", size-4, maxRequest-4)
		c.l.complain("embedded broker closes a connection because of what it sent", "error", err)
		return 0, err
	}
	if c.small == nil {
		c.small = make([]byte, smallBuffer)
	}
	buffer := c.small
	for have := int64(0); ; {
		end := min(size, int64(len(buffer)))
		if err := c.l.acquire(c, 2*(end-have)); err != nil {
			return 0, err
		}
		held += 2 * (end - have)
		if _, err := io.ReadFull(c.reader, buffer[have:end]); err != nil {
			return 0, err
		}
		have = end
		if have == size {
			break
		}
		buffer = c.grow(buffer, size)
	}
	c.frame = buffer[:size]
	c.last.Store(time.Now().UnixNano())
	return held, nil
}

// grow copies a full buffer to a larger one.
func (c *conn) grow(full []byte, size int64) []byte {
	var larger []byte
	if len(full) < largeBuffer && size <= largeBuffer {
		select {
		case larger = <-c.l.large:
			larger = larger[:largeBuffer]
		default:
			larger = make([]byte, largeBuffer)
		}
	} else {
		larger = make([]byte, min(size, max(largeBuffer/2, 4*int64(len(full)))))
	}
	copy(larger, full)
	return larger
}

// answer answers a request in kfake's stead, after those that came before it.
func (c *conn) answer(v verdict) error {
	if c.awaitAnswers(); c.gone() {
		return net.ErrClosed
	}
	if v.sent.silent {
		return errors.New("nothing is stored, and no answer is wanted that could say so")
	}
	return c.send(appendAnswer(nil, v.sent.correlation, v.answer))
}

// Write passes an answer of kfake's on.
func (c *conn) Write(p []byte) (int, error) {
	request, ok := c.oldest(p)
	if !ok {
		return 0, errors.New("an answer that nobody asked for")
	}
	c.l.release(c, request.held)
	var err error
	switch {
	case request.silent:
		err = checkSilent(p, request)
	case request.key == int16(kmsg.ApiVersions):
		var rewritten []byte
		if rewritten, err = withoutUnserved(p, request, c.l.config.Logins != nil); err == nil {
			err = c.send(rewritten)
		}
	default:
		c.l.count(c, int64(len(p)))
		err = c.send(p)
		c.l.release(c, int64(len(p)))
	}
	c.mu.Lock()
	c.sent = c.sent[1:]
	c.open.Store(int32(len(c.sent)))
	c.mu.Unlock()
	select {
	case c.answered <- struct{}{}:
	default:
	}
	if err != nil {
		_ = c.Close()
		return 0, err
	}
	return len(p), nil
}

// oldest is the request that an answer belongs to.
func (c *conn) oldest(answer []byte) (sent, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.sent) == 0 || len(answer) < 8 || c.sent[0].correlation != int32(binary.BigEndian.Uint32(answer[4:])) {
		return sent{}, false
	}
	return c.sent[0], true
}

func (c *conn) send(p []byte) error {
	now := time.Now()
	c.writing.Store(now.UnixNano())
	defer c.writing.Store(0)
	_ = c.SetWriteDeadline(now.Add(c.l.config.limits.answer))
	_, err := c.Conn.Write(p)
	return err
}
