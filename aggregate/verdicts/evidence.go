package verdicts

import (
	"errors"

	"kaskad/aggregate/health"
	"kaskad/schema"
)

// Bits of the first byte of a packed attempt (sql/evidence.sql).
const (
	packedDelivered   = 1 << iota
	packedBearsNumber // the channel depends on the number: sms, voice and flash_call of a phone, email of an address
	packedExpired
	packedCode    // some failure carries a code
	packedSeen    // it was read or answered
	packedFailure // it failed, on a channel that depends on the number
)

var errPacked = errors.New("packed evidence is cut short: this is a bug; the verdicts are left as they were")

// packedReader reads what evidence.sql packs; short says that it ended too early.
type packedReader struct {
	left  string
	short bool
}

func (r *packedReader) take(n int) string {
	if len(r.left) < n {
		r.left, r.short = "", true
		return "\x00\x00\x00\x00\x00\x00\x00\x00"[:min(n, 8)]
	}
	taken := r.left[:n]
	r.left = r.left[n:]
	return taken
}

func (r *packedReader) int64() int64   { return readInt64(r.take(8)) }
func (r *packedReader) uint16() uint16 { return readUint16(r.take(2)) }
func (r *packedReader) text() string   { return r.take(int(r.uint16())) }

// unpack adds the packed attempts to the evidence on the number at hand.
func unpack(c *health.Collector, packed string) error {
	r := packedReader{left: packed}
	for len(r.left) > 0 {
		flags := r.take(1)[0]
		a := health.Attempt{BearsNumber: flags&packedBearsNumber != 0, Delivered: flags&packedDelivered != 0,
			Expired: flags&packedExpired != 0, Failed: flags&packedFailure != 0, Seen: flags&packedSeen != 0,
			HasCode: flags&packedCode != 0}
		a.CohortMS, a.AtMS, a.Channel = r.int64(), r.int64(), r.text()
		if a.Seen || a.HasCode {
			a.App, a.Sender = r.text(), r.text()
		}
		if a.Seen {
			a.SeenMS = r.int64()
		}
		if a.HasCode {
			a.ErrorMS = r.int64()
			a.Provider, a.Code = r.text(), r.text()
		}
		if a.Failed {
			a.Pricing = schema.StreakAttempt{Leg: uint64(r.int64()),
				Code: uint32(r.uint16()) | uint32(r.uint16())<<16, SMSSegments: r.uint16(), CohortMS: a.CohortMS}
			a.Campaign = r.text()
		}
		if r.short {
			break
		}
		c.AddAttempt(&a)
	}
	if r.short {
		return errPacked
	}
	return nil
}

func readUint16(s string) uint16 { return uint16(s[0]) | uint16(s[1])<<8 }

func readInt64(s string) int64 {
	_ = s[7]
	return int64(uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 |
		uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56)
}
