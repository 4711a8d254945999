package query

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"
)

// maxCursorAge is how long a cursor of a report stays good. The aggregator keeps a generation for 15 minutes after a newer one has
// replaced it, so a page of an older cursor could miss rows.
const maxCursorAge = 9 * time.Minute

// cursor is where a page ended, and what all pages of one answer share. It is a keyset, never an offset.
type cursor struct {
	// Version is that of the cursor's meaning; 0 where it never changed.
	Version int `json:"f,omitempty"`
	// Query is a hash of the report's name and parameters: a cursor goes on with its own query only.
	Query []byte `json:"q"`
	// After holds the keys of the last row, as bytes, for a text need not be UTF-8.
	After [][]byte `json:"k"`
	// Pin is what the first page saw; absent from lists that need none.
	Pin *pin `json:"p,omitempty"`
}

// pin makes all pages of a report speak of one moment.
type pin struct {
	Generation uint64 `json:"g"`
	// NowMS decides the default period and what is mature. AsOfMS is nil when it is unknown.
	NowMS  int64  `json:"n"`
	AsOfMS *int64 `json:"a"`
	// ReadMS is when the generation was read, on the real clock.
	ReadMS int64 `json:"r"`
	// Mature is that of the answer as a whole.
	Mature bool `json:"m"`
	// Lost: an hour of the period lacks facts that were there, so nothing in the answer is mature.
	Lost bool `json:"l,omitempty"`
	// Prices are the lists that money was computed by; nil where there is no money.
	Prices *priceVersions `json:"v,omitempty"`
}

// settled tells whether figures whose youngest cohort settles at ms are mature.
func (p *pin) settled(ms int64) bool { return !p.Lost && ms < p.NowMS }

// queryHash identifies a query by all that decides which rows it has and in which order.
func queryHash(parts ...string) []byte {
	h := sha256.New()
	for _, p := range parts {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(p)))
		h.Write(size[:])
		h.Write([]byte(p))
	}
	return h.Sum(nil)[:12]
}

func (c cursor) String() (string, error) {
	encoded, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encode cursor: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(encoded), nil
}

// cursor reads parameter cursor: nil without one. keys is how many keys a row has.
func (p *params) cursor(query []byte, keys int) *cursor { return p.cursorOf(0, query, keys) }

// cursorOf reads a cursor whose meaning has versions. One of another version is refused before anything else is looked at: what it holds may be
// called otherwise.
func (p *params) cursorOf(version int, query []byte, keys int) *cursor {
	given, found := p.one("cursor")
	if !found {
		return nil
	}
	encoded, err := base64.RawURLEncoding.DecodeString(given)
	var c cursor
	var form struct {
		Version int `json:"f"`
	}
	if err == nil && json.Unmarshal(encoded, &form) == nil && form.Version != version {
		p.fail("cursor", "is from an older version, or a newer one, of Kaskad, which meant something else by it: start again without a cursor")
		return nil
	}
	if err == nil {
		decoder := json.NewDecoder(bytes.NewReader(encoded))
		decoder.DisallowUnknownFields()
		err = decoder.Decode(&c)
	}
	switch {
	case err != nil:
		p.fail("cursor", "cannot be read: pass next_cursor of the page before as it is, or start again without a cursor")
	case !bytes.Equal(c.Query, query):
		p.fail("cursor", "belongs to another query: repeat the parameters of the first page, or start again without a cursor")
	case len(c.After) != keys:
		p.fail("cursor", "cannot be read: start again without a cursor")
	default:
		return &c
	}
	return nil
}
