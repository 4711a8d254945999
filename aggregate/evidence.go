package aggregate

import (
	"errors"
	"time"

	"kaskad/schema"
	"kaskad/schema/errormap"
)

// Bits of the first byte of a packed attempt (sql/numbers_evidence.sql).
const (
	packedDelivered = 1 << iota
	packedTells     // the channel tells of the number: sms, voice and flash_call of a phone, email of an address
	packedExpired
	packedCode    // some failure carries a code
	packedSeen    // it was read or answered
	packedFailure // it failed, on a channel that tells
)

var errPacked = errors.New("packed evidence is cut short: this is a bug; the verdicts are left as they were")

// gatherer turns what is stored of a number into the evidence for its verdict.
type gatherer struct {
	maps     *errormap.Maps
	windowMS int64 // how long evidence counts
	nowMS    int64
	// dayText remembers the last day that was a mailing: attempts of a mailing lie together.
	day     int64
	dayText string
}

// packedReader reads what numbers_evidence.sql packs; short tells that it ended too early.
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

// unpack adds the attempts of a number of the account.
func (g *gatherer) unpack(e *evidence, account string, packed string) error {
	r := packedReader{left: packed}
	for len(r.left) > 0 {
		flags := r.take(1)[0]
		cohort, at, channel := r.int64(), r.int64(), r.text()
		signal := signal{channel: channel}
		if flags&(packedSeen|packedCode) != 0 {
			signal.app, signal.sender = r.text(), r.text()
		}
		if flags&packedSeen != 0 {
			signal.kind, signal.atMS = signalSeen, r.int64()
			e.signals = append(e.signals, signal)
		}
		class, guessed := schema.ClassUnknown, false
		if flags&packedExpired != 0 {
			class = schema.ClassExpired
		}
		if flags&packedCode != 0 {
			errorMS := r.int64()
			provider, code := r.text(), r.text()
			class, guessed = g.maps.Class(account, channel, provider, code, flags&packedExpired != 0)
			if kind := optOutKind(class); kind != "" {
				signal.kind, signal.atMS = kind, errorMS
				e.signals = append(e.signals, signal)
			}
		}
		counts := flags&packedTells != 0 && g.counts(e, cohort)
		if flags&packedDelivered != 0 {
			e.deliveries = append(e.deliveries, delivery{channel, at, flags&packedTells != 0})
			if counts {
				e.successes = append(e.successes, at)
			}
		}
		if flags&packedFailure == 0 {
			continue
		}
		attempt := schema.StreakAttempt{Leg: uint64(r.int64()), Code: uint32(r.uint16()) | uint32(r.uint16())<<16,
			SMSSegments: r.uint16(), CohortMS: cohort}
		mailing := r.text()
		if !counts {
			continue
		}
		if mailing == "" {
			mailing = g.dayOf(cohort)
		}
		e.failures = append(e.failures, failure{atMS: at, class: class, guessed: guessed, mailing: mailing,
			attempt: attempt, priced: true})
	}
	if r.short {
		return errPacked
	}
	return nil
}

// addLookups adds the times at which look-ups found the number invalid.
func (g *gatherer) addLookups(e *evidence, invalid []int64) {
	for _, at := range invalid {
		if g.counts(e, at) {
			e.failures = append(e.failures, failure{atMS: at, class: ruleInvalidFormat, mailing: lookupMailing})
		}
	}
}

// counts tells whether evidence of this time is within the window, and notes when it leaves it.
func (g *gatherer) counts(e *evidence, ms int64) bool {
	if ms < g.nowMS-g.windowMS {
		return false
	}
	e.expiresMS = min(e.expiresMS, ms+g.windowMS+1)
	return true
}

// dayOf is the mailing of an attempt without a campaign: the UTC day of its cohort.
func (g *gatherer) dayOf(ms int64) string {
	if day := floorDay(ms); day != g.day || g.dayText == "" {
		g.day, g.dayText = day, time.UnixMilli(ms).UTC().Format(time.DateOnly)
	}
	return g.dayText
}

func readUint16(s string) uint16 { return uint16(s[0]) | uint16(s[1])<<8 }

func readInt64(s string) int64 {
	_ = s[7]
	return int64(uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 |
		uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56)
}
