package answer

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// MaxCursorAge is how long a cursor of a report stays good. The aggregator keeps rows for 15 minutes after a
// newer one has replaced it, so a page of an older cursor could miss rows.
const MaxCursorAge = 9 * time.Minute

// Cursor is where a page ended, and what all pages of one answer share. It is a keyset, never an offset.
type Cursor struct {
	// Version is that of the cursor's meaning; 0 where it never changed.
	Version int `json:"f,omitempty"`
	// Query is a hash of the route and of all parameters that decide the rows, the accounts among them: a cursor goes
	// on with its own query only. It is not written but sealed in (seal.go).
	Query []byte `json:"-"`
	// After holds the keys of the last row, as bytes, for a text need not be UTF-8.
	After [][]byte `json:"k"`
	// Snapshot is what the first page saw; absent from lists that need none.
	Snapshot *Snapshot `json:"p,omitempty"`
}

// Snapshot is what the first page of an answer saw. It makes all pages speak of one moment.
type Snapshot struct {
	// Edition: what was published up to it is read. In lists of verdicts it is the greatest version.
	Edition uint64 `json:"g"`
	// Dead are older editions that were begun and never published, so they don't count.
	Dead []uint64 `json:"d,omitempty"`
	// NowMS decides the default period and what is mature. AsOfMS is nil when it is unknown.
	NowMS  int64  `json:"n"`
	AsOfMS *int64 `json:"a"`
	// ReadMS is when the edition was read, on the real clock.
	ReadMS int64 `json:"r"`
	// Mature is that of the answer as a whole.
	Mature bool `json:"m"`
	// Lost: an hour of the period lacks facts that were there, so nothing in the answer is mature.
	Lost bool `json:"l,omitempty"`
	// Prices are the lists that money was computed by; nil where there is no money.
	Prices *PriceVersions `json:"v,omitempty"`
}

// Settled reports whether figures whose youngest cohort settles at ms are mature.
func (p *Snapshot) Settled(ms int64) bool { return !p.Lost && ms < p.NowMS }

// UpTo is the moment up to which events count: as_of where it is known.
func (p *Snapshot) UpTo() int64 {
	if p.AsOfMS != nil {
		return *p.AsOfMS
	}
	return p.NowMS
}

// Members are the members of an envelope that say how fresh the rows are.
func (p *Snapshot) Members() []Member {
	asOf, lag := Null, Null
	if p.AsOfMS != nil {
		asOf, lag = Instant(*p.AsOfMS), Decimal(max(0, p.NowMS-*p.AsOfMS), 3)
	}
	return []Member{{"as_of", asOf}, {"lag_seconds", lag}}
}

// PriceVersions says with which lists an answer was priced: the greatest version among the lists of its accounts, 0
// when none has one.
type PriceVersions struct {
	Tariffs   uint64 `json:"t"`
	Templates uint64 `json:"m"`
	// Lists is the XOR of the lists' numbers: two sets of lists with the same versions differ in it when one
	// of them holds a row that its writer took back.
	Lists uint64 `json:"l"`
}

// QueryHash identifies a query by all that decides which rows it has and in which order.
func QueryHash(parts ...string) []byte {
	h := sha256.New()
	for _, p := range parts {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(p)))
		h.Write(size[:])
		h.Write([]byte(p))
	}
	return h.Sum(nil)
}
