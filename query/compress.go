package query

import (
	"crypto/tls"
	"net"
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzhttp"
)

// minCompressed is how large an answer is that is worth packing.
const minCompressed = 1024

// compressed packs answers as gzip or zstd for who accepts that. Rows that flow are packed as they flow; files that are
// packed by themselves are left alone, and so is Arrow: every client in Go and most in Python accept gzip without being
// told to, and packing took as long as all else that makes the stream. An answer that is cut off gets no end: neither
// that of its packing, nor one that the protocol takes for it.
func compressed(h http.Handler) (http.Handler, error) {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(minCompressed), gzhttp.ContentTypeFilter(func(media string) bool {
		media, _, _ = strings.Cut(media, ";")
		return strings.HasPrefix(media, "text/") || media == "application/json" ||
			media == "application/problem+json" || media == "application/x-ndjson"
	}))
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := &cuttable{ResponseWriter: w}
		packed := wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			whole := false
			defer func() { out.cut = !whole }()
			h.ServeHTTP(w, r)
			whole = true
		}))
		defer func() {
			if out.cut && !r.ProtoAtLeast(1, 1) {
				reset(w)
			}
		}()
		packed(out, r)
	}), nil
}

// cuttable sends nothing any more once an answer is cut: what packs it would write its end even then.
type cuttable struct {
	http.ResponseWriter
	cut bool
}

func (w *cuttable) Write(b []byte) (int, error) {
	if w.cut {
		return 0, http.ErrAbortHandler
	}
	return w.ResponseWriter.Write(b)
}

// Flush is for packers that know no ResponseController.
func (w *cuttable) Flush() {
	if !w.cut {
		_ = http.NewResponseController(w.ResponseWriter).Flush() // a recorder of tests may have none
	}
}

// Unwrap is for ResponseController, which sets deadlines.
func (w *cuttable) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// reset breaks a connection rather than closing it. HTTP/1.0, which many a proxy speaks to what is behind it, takes the
// end of a connection for that of the answer.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return // it is closed then
	}
	for inner := conn; ; {
		switch c := inner.(type) {
		case *tls.Conn:
			inner = c.NetConn()
			continue
		case *problemConn:
			inner = c.Conn
			continue
		case *net.TCPConn:
			_ = c.SetLinger(0)
			_ = c.Close()
		default:
			_ = conn.Close()
		}
		return
	}
}
