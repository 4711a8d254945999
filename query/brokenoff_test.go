package query

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/klauspost/compress/zstd"

	"kaskad/engine/enginetest"
	"kaskad/query/querytest"
)

// storeBrokenList stores n dead numbers, behind which stands one that cannot be told: its leg is unknown.
func storeBrokenList(t *testing.T, conn driver.Conn, n int) {
	t.Helper()
	const columns = `INSERT INTO number_health (account, number, version, state, rule, since_ms, reasons, streak_legs,
		streak_codes, streak_sms_segments, streak_cohorts_ms, ported, valid) `
	querytest.Execute(t, conn, columns+`SELECT 'acme',
		concat('+79', leftPad(toString(sipHash64(number) % 900000000), 9, '0')),
		1700000000000000, 'dead', 'hard', 1790000000000 + sipHash64(number) % 1000000, map(hex(sipHash128(number)), 1),
		[], [], [], [], -1, -1 FROM numbers($1)`, uint64(n))
	querytest.Execute(t, conn, columns+`SELECT 'acme', '+79999999999', 1700000000000000, 'dead', 'hard', 1790000000000,
		map(), [12345], [9], [1], [1780000000000], -1, -1`)
}

// An export that fails in its midst is broken for who reads it, whatever it is packed as: the connection breaks, and
// what came has no end. So it is for a proxy that speaks HTTP/1.0.
func TestServer_Export_BrokenOff(t *testing.T) {
	conn := newConn(t)
	storeBrokenList(t, conn, 90_000) // more than a row group of Parquet
	server := httptest.NewServer(newServer(t, conn).Handler())
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	// The first and the last are not packed.
	for i, format := range []string{"arrow", "csv", "ndjson", "parquet"} {
		for j, packing := range []string{"identity", "gzip", "zstd"} {
			if !enginetest.Long() && i%3 != j {
				continue // each form, and each packing
			}
			target := "/v1/numbers/dead?limit=all&format=" + format
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+target, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Accept-Encoding", packing)
			w, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			came, err := io.ReadAll(w.Body)
			w.Body.Close()
			name := format + " as " + packing
			if !errors.Is(err, io.ErrUnexpectedEOF) || len(came) < 10_000 || w.StatusCode != http.StatusOK {
				t.Errorf("%s: %s, %d bytes, %v", name, w.Status, len(came), err)
			}
			encoding := w.Header.Get("Content-Encoding")
			if packed := packing != "identity" && i%3 != 0; packed != (encoding != "") {
				t.Errorf("%s: packed as %q", name, encoding)
			}
			if encoding != "" {
				if plain, err := unpack(encoding, came); err == nil || len(plain) == 0 {
					t.Errorf("%s: %d bytes have an end", name, len(plain))
				}
			}
			// The connection of HTTP/1.0 says by its own end that an answer is whole.
			head, err := oldClient(t, server.Listener.Addr().String(), target, packing)
			if err == nil || !strings.Contains(head, " 200 ") {
				t.Errorf("%s for HTTP/1.0: %.100q, %v", name, head, err)
			}
		}
	}
	// What is whole has an end.
	for _, packing := range []string{"identity", "gzip", "zstd"} {
		answered, err := oldClient(t, server.Listener.Addr().String(), "/v1/numbers/dead?format=csv", packing)
		if err != nil || !strings.Contains(answered, " 200 ") {
			t.Errorf("a page as %s for HTTP/1.0: %.100q, %v", packing, answered, err)
		}
	}
}

func unpack(encoding string, body []byte) ([]byte, error) {
	if encoding == "gzip" {
		r, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(r)
	}
	r, err := zstd.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// oldClient asks by HTTP/1.0 and reads to the end of the connection.
func oldClient(t *testing.T, address, target, packing string) (answered string, err error) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET "+target+" HTTP/1.0\r\nHost: 127.0.0.1\r\nAccept-Encoding: "+packing+
		"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(conn)
	return string(body), err
}
