package answer

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
)

// A body has to come at minBodyRate bytes a second once bodyGrace is over, and within bodyTime in all.
const (
	BodyGrace   = 5 * time.Second
	MinBodyRate = 16_000
	bodyTime    = ReadTimeout
	// firstBuffer is what is taken for a body whose length nobody said.
	firstBuffer = 4 << 10
)

var (
	errBodyTooLarge = errors.New("the body is larger than its limit")
	errNoBodyRoom   = errors.New("all memory for bodies is taken")
)

// BodyMemory is what a request has taken of the memory that all bodies share. It is not safe for concurrent use.
type BodyMemory struct {
	left *atomic.Int64 // of all
	held int64
}

// take returns false when there is not so much left.
func (m *BodyMemory) take(bytes int64) bool {
	if m.left.Add(-bytes) < 0 {
		m.left.Add(bytes)
		return false
	}
	m.held += bytes
	return true
}

func (m *BodyMemory) give(bytes int64) {
	m.held -= bytes
	m.left.Add(bytes)
}

// Release gives everything back. Again, there is nothing to give.
func (m *BodyMemory) Release() { m.give(m.held) }

// Receive reads the request's body, unpacked, up to limit bytes either way; larger says what to do with a larger one.
// No turn is taken meanwhile, so a slow sender keeps nobody waiting. The memory is the caller's until it is released,
// which is done here when there is an error.
func (g *Gate) Receive(c *gin.Context, limit int64, larger string) (body []byte, memory *BodyMemory, err error) {
	held := &BodyMemory{left: &g.Bodies}
	defer func() {
		if memory == nil { // also in a panic
			held.Release()
			c.Header("Connection", "close") // what is left of the body is not waited for
		}
	}()
	if c.Request.ContentLength > limit {
		return nil, nil, NewProblem(http.StatusRequestEntityTooLarge, "body-too-large", larger)
	}
	paced := newPacedBody(c, limit)
	reader, expected := io.Reader(paced), c.Request.ContentLength
	switch encoding := strings.ToLower(c.Request.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
	case "gzip", "x-gzip":
		unpacked, err := gzip.NewReader(paced)
		if err != nil {
			return nil, nil, bodyProblem(err, larger)
		}
		reader, expected = unpacked, -1
	default:
		return nil, nil, NewProblem(http.StatusUnsupportedMediaType, "unsupported-encoding",
			fmt.Sprintf("content encoding %q is not known; send gzip, or no encoding", Shorten(encoding)))
	}
	if body, err = held.readAll(reader, limit, expected); err != nil {
		return nil, nil, bodyProblem(err, larger)
	}
	paced.over()
	return body, held, nil
}

// ByteSize prints a limit.
func ByteSize(bytes int64) string {
	if bytes < 1<<20 {
		return fmt.Sprintf("%d KiB", bytes>>10)
	}
	return fmt.Sprintf("%d MiB", bytes>>20)
}

func bodyProblem(err error, larger string) *Problem {
	var large *http.MaxBytesError
	switch {
	case errors.Is(err, errBodyTooLarge), errors.As(err, &large):
		return NewProblem(http.StatusRequestEntityTooLarge, "body-too-large", larger)
	case errors.Is(err, errNoBodyRoom):
		return NewProblem(http.StatusServiceUnavailable, "busy",
			"the requests that are being sent take all memory that there is for bodies; send this one again").After(2)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return NewProblem(http.StatusRequestTimeout, "body-too-slow",
			fmt.Sprintf("the body comes too slowly: it has %d seconds in all, and has to come at %d kB/s after the "+
				"first %d",
				bodyTime/time.Second, MinBodyRate/1000, BodyGrace/time.Second))
	}
	return NewProblem(http.StatusBadRequest, "bad-body", "the body cannot be read: "+err.Error())
}

// readAll reads up to limit bytes. What it takes grows with what has come, not with what was promised: expected is the
// promise, -1 without one.
func (m *BodyMemory) readAll(r io.Reader, limit, expected int64) ([]byte, error) {
	var body []byte
	for {
		if len(body) == cap(body) {
			size := max(2*int64(cap(body)), firstBuffer)
			for _, most := range []int64{limit, expected} {
				if size >= most && most >= int64(len(body)) {
					size = most + 1 // to see the end
				}
			}
			if !m.take(size) {
				return nil, errNoBodyRoom
			}
			grown := make([]byte, len(body), size)
			copy(grown, body)
			m.give(int64(cap(body)))
			body = grown
		}
		n, err := r.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case int64(len(body)) > limit:
			return nil, errBodyTooLarge
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return nil, err
		}
	}
}

// pacedBody is a body as it comes over the wire. Its reads end when it comes too slowly.
type pacedBody struct {
	io.Reader
	connection *http.ResponseController
	begin      time.Time
	read       int64
}

func newPacedBody(c *gin.Context, limit int64) *pacedBody {
	return &pacedBody{Reader: http.MaxBytesReader(c.Writer, c.Request.Body, limit),
		connection: http.NewResponseController(c.Writer), begin: time.Now()}
}

// Read waits for as long as what has been read has earned.
func (b *pacedBody) Read(p []byte) (int, error) {
	earned := BodyGrace + time.Duration(b.read)*time.Second/MinBodyRate
	_ = b.connection.SetReadDeadline(b.begin.Add(min(earned, bodyTime))) // a recorder of tests has none
	n, err := b.Reader.Read(p)
	b.read += int64(n)
	return n, err
}

// over gives the connection the time that a request has: from now on reading only tells whether the caller is still
// there.
func (b *pacedBody) over() { _ = b.connection.SetReadDeadline(time.Now().Add(ReadTimeout)) }
