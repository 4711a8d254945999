package ingest

import (
	"fmt"
	"io"

	"github.com/segmentio/kafka-go/compress"
)

// maxInflated is how large a batch of records may become when it is decompressed. kafka-go takes it into memory as a
// whole, and 15 kB of zstd may say that they are 15 GB. A batch that a broker accepted becomes as large as it is
// allowed to be times what its records repeat: honest ones stay far below this.
const maxInflated = 256 << 20

// BoundDecompression makes kafka-go give up on batches that become larger than that, in the whole process: its codecs
// are a table that all of its readers share. Call it once, before anything reads. The partition then waits at the
// batch, and the log names the offset: nothing is skipped by itself.
func BoundDecompression() {
	for i, codec := range compress.Codecs {
		if codec != nil {
			compress.Codecs[i] = boundedCodec{Codec: codec, limit: maxInflated}
		}
	}
}

type boundedCodec struct {
	compress.Codec
	limit int64
}

func (c boundedCodec) NewReader(r io.Reader) io.ReadCloser {
	return &boundedReader{ReadCloser: c.Codec.NewReader(r), codec: c.Name(), limit: c.limit, left: c.limit}
}

type boundedReader struct {
	io.ReadCloser
	codec       string
	limit, left int64
}

func (r *boundedReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if r.left -= int64(n); r.left < 0 {
		return 0, fmt.Errorf("a batch of records becomes larger than %d MB when decompressed with %s: delete it "+
			"(kafka-delete-records.sh) or move the group's offset behind it",
			r.limit>>20, r.codec)
	}
	return n, err
}
