package query

import (
	"math/big"
	"strings"

	"kaskad/schema"
)

// attempt is one step of a message as its facts are stored.
type attempt struct {
	account                                                                        string
	step                                                                           uint8
	submittedMS, idMS                                                              int64
	channel, provider, campaign, template, sender, app, operator, traffic, trigger string
	recipientCountry, saidCountry, contact                                         string
	segments, smsSegments                                                          uint16
	// by status, from queued to skipped; schema.Never while unseen
	times []int64
	// a read or click by a program
	machineMS int64
	// a delivery that names part 1 of 1
	singleDeliveredMS           int64
	parts                       uint8
	deliveredParts, failedParts big.Int
	partFailures                uint8
	partsDeliveredMS            int64
	errorCode                   string
	permanent                   uint8
	// by currency, with the part behind a blank
	prices   map[string]int64
	billable uint8
}

// facts are what docs/definitions.md section 1 derives of an attempt. Times are Unix milliseconds, schema.Never when
// unknown.
type facts struct {
	machineOpened, bounced, delivered, read, clicked, replied, failed, skipped, attempted, sent, pending, skewed bool

	startMS, deliveredMS, readMS, repliedMS int64
}

// The failures of single parts that prove that a provider took the message: bits of attempts.part_failures.
const partTaken = 1<<0 | 1<<2 // undelivered, expired

func (a *attempt) at(s schema.Status) int64 { return a.times[s-1] }

func (a *attempt) seen(statuses ...schema.Status) bool {
	for _, s := range statuses {
		if a.at(s) != schema.Never {
			return true
		}
	}
	return false
}

// allParts tells whether every part of a multipart message was delivered.
func (a *attempt) allParts() bool {
	if a.parts < 2 {
		return false
	}
	for p := range int(a.parts) {
		if a.deliveredParts.Bit(p) == 0 {
			return false
		}
	}
	return true
}

// wholeDeliveredMS is when the message was reported as delivered, all of it. A part is read with the attempt's parts:
// of one part it is the whole.
func (a *attempt) wholeDeliveredMS() int64 {
	ms := a.at(schema.Delivered)
	if a.parts <= 1 {
		ms = min(ms, a.singleDeliveredMS)
	}
	if a.allParts() {
		ms = min(ms, a.partsDeliveredMS)
	}
	return ms
}

// country is that of the phone number; of another recipient what events say, else that in its id.
func (a *attempt) country() string {
	recipient, country, _ := strings.Cut(a.recipientCountry, "\x00")
	if a.saidCountry != "" && !strings.HasPrefix(recipient, "+") {
		return a.saidCountry
	}
	return country
}

// reported sums the prices of parts by currency; where there are no parts, the greatest counts.
func (a *attempt) reported() map[string]int64 {
	sums := map[string]int64{}
	for key, micros := range a.prices {
		currency, _, _ := strings.Cut(key, " ")
		if a.parts > 1 {
			sums[currency] += micros
		} else {
			sums[currency] = max(sums[currency], micros)
		}
	}
	return sums
}

// derive applies the rules to the attempt of a message with the cohort (schema.Never when unknown).
func (a *attempt) derive(cohortMS int64) facts {
	var f facts
	openParts := new(big.Int).AndNot(&a.failedParts, &a.deliveredParts)
	f.machineOpened = a.machineMS != schema.Never
	f.bounced = schema.Channels.Find(a.channel).Bounces && a.permanent == 1 && !a.seen(schema.Replied)
	f.clicked, f.replied = !f.bounced && a.seen(schema.Clicked), a.seen(schema.Replied)
	f.read = !f.bounced && a.seen(schema.Read, schema.Clicked, schema.Replied)
	f.delivered = !f.bounced && (f.read || f.machineOpened || a.wholeDeliveredMS() != schema.Never)
	f.failed = !f.delivered && (a.seen(schema.Undelivered, schema.Rejected, schema.Expired, schema.Failed) ||
		openParts.Sign() > 0)
	f.sent = f.delivered || f.machineOpened || a.deliveredParts.Sign() > 0 || a.partFailures&partTaken != 0 ||
		a.seen(schema.Accepted, schema.Sent, schema.Delivered, schema.Read, schema.Clicked, schema.Replied,
			schema.Undelivered, schema.Expired)
	f.skipped = a.seen(schema.Skipped) && !f.sent && !f.failed
	f.attempted = !f.skipped
	f.pending = f.attempted && !f.delivered && !f.failed

	f.startMS = min(a.at(schema.Accepted), a.at(schema.Sent))
	if f.startMS == schema.Never {
		f.startMS = a.at(schema.Queued)
	}
	if f.startMS == schema.Never && a.step == 1 {
		f.startMS = cohortMS
	}
	f.deliveredMS, f.readMS, f.repliedMS = schema.Never, schema.Never, schema.Never
	if !f.bounced {
		f.repliedMS = a.at(schema.Replied)
		f.readMS = min(a.at(schema.Read), a.at(schema.Clicked), f.repliedMS)
		f.deliveredMS = min(a.wholeDeliveredMS(), a.machineMS, f.readMS)
	}
	f.skewed = f.startMS != schema.Never && f.deliveredMS != schema.Never && f.deliveredMS-f.startMS < -60_000
	return f
}
