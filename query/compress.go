package query

import (
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzhttp"
)

// minCompressed is how large an answer is that is worth packing.
const minCompressed = 1024

// compressed packs answers as gzip or zstd for who accepts that. Rows that flow are packed as they flow; files that are
// packed by themselves are left alone.
func compressed(h http.Handler) (http.Handler, error) {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(minCompressed), gzhttp.ContentTypeFilter(func(media string) bool {
		media, _, _ = strings.Cut(media, ";")
		return strings.HasPrefix(media, "text/") || media == "application/json" ||
			media == "application/problem+json" ||
			media == "application/x-ndjson" || media == "application/vnd.apache.arrow.stream"
	}))
	if err != nil {
		return nil, err
	}
	return wrap(h), nil
}
