package ingest

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go/compress"
)

// A small batch that becomes a large one ends with an error before it is in memory; one at the limit is read whole.
func TestBoundedCodec_Bomb(t *testing.T) {
	const limit = 1 << 20
	for _, compression := range []compress.Compression{compress.Gzip, compress.Snappy, compress.Lz4, compress.Zstd} {
		t.Run(compression.String(), func(t *testing.T) {
			codec := boundedCodec{Codec: compression.Codec(), limit: limit}
			for _, size := range []int{limit, 64 * limit} {
				var packed bytes.Buffer
				writer := codec.NewWriter(&packed)
				if _, err := writer.Write(make([]byte, size)); err != nil {
					t.Fatal(err)
				}
				if err := writer.Close(); err != nil {
					t.Fatal(err)
				}
				reader := codec.NewReader(&packed)
				n, err := io.Copy(io.Discard, reader)
				_ = reader.Close()
				switch {
				case size == limit && (err != nil || n != limit):
					t.Errorf("%d bytes, error %v, want all %d", n, err, limit)
				case size > limit && (err == nil || n > limit || !strings.Contains(err.Error(), "larger than 1 MB")):
					t.Errorf("%d bytes, error %v, want the end at %d", n, err, limit)
				}
			}
		})
	}
}
