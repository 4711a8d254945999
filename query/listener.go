package query

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"kaskad/query/answer"
)

// net/http answers by itself, in plain text, what it cannot read as a request: no handler sees it, and it has no hook
// for it. It writes such an answer in one piece to a connection that it then closes, so the piece is replaced there.
// Should a version of Go word it otherwise, its own words come through.

// problemListener makes problems of what net/http answers by itself.
type problemListener struct{ net.Listener }

func (l problemListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &problemConn{conn}, nil
}

type problemConn struct{ net.Conn }

const refusalHead = "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"

// Write replaces an answer of net/http's own.
func (c *problemConn) Write(b []byte) (int, error) {
	reply := asRefusal(b)
	if reply == nil {
		return c.Conn.Write(b)
	}
	if _, err := c.Conn.Write(reply); err != nil {
		return 0, err
	}
	return len(b), nil
}

// lingerTime is how long a client may go on sending what was refused. Many read the answer only then, and a connection
// that is closed before tells them nothing.
const lingerTime = 5 * time.Second

// CloseWrite is what net/http calls between an answer to a request that it has not read to its end and the end of the
// connection.
func (c *problemConn) CloseWrite() (err error) {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		err = half.CloseWrite()
	}
	if c.Conn.SetReadDeadline(time.Now().Add(lingerTime)) == nil {
		_, _ = io.Copy(io.Discard, c.Conn) // to the end, the deadline or a broken connection
	}
	return err
}

// asRefusal returns the answer to send instead of one of net/http's own, nil for any other. Its own have two headers
// and repeat the status line's text as their body, which no answer of a handler does.
func asRefusal(b []byte) []byte {
	line, found := bytes.CutPrefix(b, []byte("HTTP/1.1 "))
	if !found {
		return nil // looked for in all that an export sends, the headers cost more than making its rows
	}
	line, body, found := bytes.Cut(line, []byte(refusalHead))
	if !found || len(line) < 3 {
		return nil
	}
	status, err := strconv.Atoi(string(line[:3]))
	if err != nil || !bytes.Equal(line, body) && string(body) != "Unsupported transfer encoding" {
		return nil
	}
	var p *answer.Problem
	switch status {
	case 400:
		p = answer.NewProblem(status, "bad-request", "this is no HTTP request that can be read")
		if _, why, told := bytes.Cut(body, []byte(": ")); told {
			p.Detail += ": " + answer.Shorten(string(why))
		}
	case 431:
		p = answer.NewProblem(status, "headers-too-large",
			fmt.Sprintf("the request line and the headers are larger than %d KiB: ask for less at a time",
				maxHeaderBytes>>10))
	case 501:
		p = answer.NewProblem(status, "unsupported-encoding",
			"the transfer encoding is not known; send chunked, or Content-Length")
	case 505:
		p = answer.NewProblem(status, "unsupported-version", "this version of HTTP is not spoken here; use HTTP/1.1")
	default:
		return nil
	}
	encoded, err := json.Marshal(p)
	if err != nil {
		return nil
	}
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: application/problem+json\r\nContent-Length: "+
		"%d\r\nConnection: close\r\n"+
		"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\r\n%s", status, p.Title, len(encoded), encoded)
}
