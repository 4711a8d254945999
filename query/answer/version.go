package answer

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// VersionTag is the ETag of what is stored in versions.
func VersionTag(version uint64) string { return `"` + strconv.FormatUint(version, 10) + `"` }

// IfMatch reads the version that a request is to replace and no other. A tag that a proxy has weakened, because it
// packed the answer, names a version as well.
func (p *Params) IfMatch(r *http.Request) (version uint64, given bool) {
	tag := strings.Join(r.Header.Values("If-Match"), ", ")
	if tag == "" {
		return 0, false
	}
	// The database counts up to 2^64, but a condition is passed to it as a signed number.
	version, err := strconv.ParseUint(strings.Trim(strings.TrimPrefix(tag, "W/"), `"`), 10, 63)
	if err != nil {
		p.Fail("If-Match", fmt.Sprintf("%q is no version: send the ETag of the GET as it is", Shorten(tag)))
	}
	return version, true
}
