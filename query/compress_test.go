package query

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"kaskad/query/querytest"
)

// unpacked reads a body as its header says it is packed.
func unpacked(tb testing.TB, encoding string, body []byte) string {
	tb.Helper()
	var r io.Reader = bytes.NewReader(body)
	var err error
	switch encoding {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "zstd":
		var d *zstd.Decoder
		if d, err = zstd.NewReader(r); err == nil {
			defer d.Close()
			r = d
		}
	}
	if err != nil {
		tb.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		tb.Fatal(err)
	}
	return string(plain)
}

// An answer of any form is the same packed and not; what is packed by itself, Arrow, and what is small, is
// left alone.
func TestServer_Compression(t *testing.T) {
	conn := newConn(t)
	querytest.Execute(t, conn, `INSERT INTO rejected (reason, field, error, raw, topic, partition, offset, line, at_ms)
		SELECT 'bad_time', 'status', 'is required', repeat('x', 50), 't', 0, number, 1, 1790000000000 FROM numbers(300)`)
	s := newServer(t, conn)
	for _, format := range []string{"json", "csv", "ndjson", "arrow", "parquet", "xlsx"} {
		target := "/v1/rejected?limit=300&format=" + format
		plain := get(s, target)
		if plain.Code != http.StatusOK || plain.Header().Get("Content-Encoding") != "" {
			t.Fatalf("%s: %d %v %s", format, plain.Code, plain.Header(), plain.Body)
		}
		for accepted, want := range map[string]string{"gzip": "gzip", "zstd": "zstd", "gzip;q=0.5, zstd": "zstd",
			"gzip, zstd;q=0": "gzip", "br": "", "identity": ""} {
			if format == "arrow" || format == "parquet" || format == "xlsx" {
				want = ""
			}
			w := get(s, target, "Accept-Encoding", accepted)
			got := w.Header().Get("Content-Encoding")
			if got != want || !strings.Contains(strings.Join(w.Header().Values("Vary"), ","), "Accept-Encoding") {
				t.Errorf("%s for %q: packed as %q, %v", format, accepted, got, w.Header())
				continue
			}
			if body := unpacked(t, got, w.Body.Bytes()); format != "xlsx" && body != plain.Body.String() {
				t.Errorf("%s as %q differs", format, got)
			}
			if want != "" && w.Body.Len()*3 > plain.Body.Len() {
				t.Errorf("%s as %s takes %d bytes of %d", format, want, w.Body.Len(), plain.Body.Len())
			}
		}
	}
	if w := get(s, "/healthz", "Accept-Encoding", "gzip"); w.Header().Get("Content-Encoding") != "" {
		t.Errorf("a small answer is packed: %v", w.Header())
	}
}
