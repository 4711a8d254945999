package aggregate

import (
	"errors"
	"time"

	"kaskad/schema"
)

// Bits of the first byte of a packed attempt (sql/numbers_evidence.sql).
const (
	packedDelivered = 1 << iota
	packedTells     // the channel tells of the number: sms, voice or flash_call
	packedCall      // the channel is voice or flash_call
	packedExpired
)

var errPacked = errors.New("packed evidence is cut short: this is a bug; the verdicts are left as they were")

// gatherer turns what is stored of a number into the evidence for its verdict.
type gatherer struct {
	maps     *schema.ErrorMaps
	windowMS int64 // how long evidence counts
	nowMS    int64
	// dayText remembers the last day that was a mailing: attempts of a mailing lie together.
	day     int64
	dayText string
}

// unpack adds the attempts of a number of the account.
func (g *gatherer) unpack(e *evidence, account string, packed string) error {
	for len(packed) > 0 {
		if len(packed) < 17 {
			return errPacked
		}
		flags, cohort, at := packed[0], readInt64(packed[1:]), readInt64(packed[9:])
		packed = packed[17:]
		counts := flags&packedTells != 0 && g.counts(e, cohort)
		if flags&packedDelivered != 0 {
			e.deliveries = append(e.deliveries, at)
			if counts {
				e.successes = append(e.successes, at)
			}
			continue
		}
		if len(packed) < 14 {
			return errPacked
		}
		attempt := schema.StreakAttempt{Leg: uint64(readInt64(packed)), Code: uint32(readUint16(packed[8:])) | uint32(readUint16(packed[10:]))<<16,
			SMSSegments: readUint16(packed[12:]), CohortMS: cohort}
		packed = packed[14:]
		var texts [3]string // campaign, provider, error code
		for i := range texts {
			if len(packed) < 2 {
				return errPacked
			}
			n := int(readUint16(packed))
			if len(packed) < 2+n {
				return errPacked
			}
			texts[i], packed = packed[2:2+n], packed[2+n:]
		}
		if !counts {
			continue
		}
		channel := "sms"
		if flags&packedCall != 0 {
			channel = "voice" // the codes of a flash call mean the same
		}
		class, guessed := g.maps.Class(account, channel, texts[1], texts[2], flags&packedExpired != 0)
		mailing := texts[0]
		if mailing == "" {
			mailing = g.dayOf(cohort)
		}
		e.failures = append(e.failures, failure{atMS: at, class: class, guessed: guessed, mailing: mailing, attempt: attempt, priced: true})
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
	return int64(uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56)
}
