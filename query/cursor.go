package query

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"time"
)

// maxCursorAge is how long a cursor of a report stays good. The aggregator keeps a generation for 15 minutes after a
// newer one has replaced it, so a page of an older cursor could miss rows.
const maxCursorAge = 9 * time.Minute

// cursor is where a page ended, and what all pages of one answer share. It is a keyset, never an offset.
type cursor struct {
	// Version is that of the cursor's meaning; 0 where it never changed.
	Version int `json:"f,omitempty"`
	// Query is a hash of the route and of all parameters that decide the rows, the accounts among them: a cursor goes
	// on with its own query only. It is not written but sealed in (seal.go).
	Query []byte `json:"-"`
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
	return h.Sum(nil)
}

// cursor reads parameter cursor: nil without one. keys is how many keys a row has.
func (s *Server) cursor(ctx context.Context, p *params, query []byte, keys int) *cursor {
	return s.cursorOf(ctx, p, 0, query, keys)
}

// cursorOf reads a cursor whose meaning has versions.
func (s *Server) cursorOf(ctx context.Context, p *params, version int, query []byte, keys int) *cursor {
	given, found := p.one("cursor")
	if !found || p.failed("cursor") {
		return nil
	}
	opened, err := s.unseal(ctx, given, query)
	switch {
	case errors.Is(err, errOldCursor), errors.Is(err, errUnknownKey), errors.Is(err, errForeignCursor):
		p.fail("cursor", err.Error())
		return nil
	case err != nil:
		p.broken = err
		return nil
	}
	c := cursor{Query: query}
	switch err := json.Unmarshal(opened, &c); {
	case c.Version != version:
		p.fail("cursor", errOldCursor.Error())
	case err != nil || len(c.After) != keys:
		p.fail("cursor", "cannot be read: start again without a cursor")
	default:
		return &c
	}
	return nil
}
