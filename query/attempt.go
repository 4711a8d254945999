package query

import (
	"math/big"

	"kaskad/schema"
)

// attempt is one step of a message as its facts are stored.
type attempt struct {
	account                                                                        string
	step                                                                           uint8
	submittedMS, idMS                                                              int64
	channel, provider, campaign, template, sender, app, operator, traffic, trigger string
	recipientCountry, contact                                                      string
	segments, smsSegments                                                          uint16
	times                                                                          []int64 // by status, from queued to skipped; schema.Never while unseen
	parts                                                                          uint8
	deliveredParts, failedParts                                                    big.Int
	partFailures                                                                   uint8
	partsDeliveredMS                                                               int64
	errorCode                                                                      string
	permanent                                                                      uint8
	prices                                                                         map[string]int64
}

// facts are what docs/definitions.md section 1 derives of an attempt. Times are Unix milliseconds, schema.Never when unknown.
type facts struct {
	delivered, read, clicked, replied, failed, skipped, attempted, sent, pending, skewed bool

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

// derive applies the rules to the attempt of a message with the cohort (schema.Never when unknown).
func (a *attempt) derive(cohortMS int64) facts {
	var f facts
	f.clicked, f.replied = a.seen(schema.Clicked), a.seen(schema.Replied)
	f.read = f.clicked || f.replied || a.seen(schema.Read)
	f.delivered = f.read || a.seen(schema.Delivered) || a.allParts()
	openParts := new(big.Int).AndNot(&a.failedParts, &a.deliveredParts)
	f.failed = !f.delivered && (a.seen(schema.Undelivered, schema.Rejected, schema.Expired, schema.Failed) || openParts.Sign() > 0)
	onlySkipped := !a.seen(schema.Accepted, schema.Sent, schema.Delivered, schema.Read, schema.Clicked, schema.Replied, schema.Undelivered,
		schema.Rejected, schema.Expired, schema.Failed) && a.deliveredParts.Sign() == 0 && a.failedParts.Sign() == 0
	f.skipped = a.seen(schema.Skipped) && onlySkipped
	f.attempted = !f.skipped
	f.sent = f.delivered || a.seen(schema.Accepted, schema.Sent, schema.Undelivered, schema.Expired) || a.deliveredParts.Sign() > 0 ||
		a.partFailures&partTaken != 0
	f.pending = f.attempted && !f.delivered && !f.failed

	f.startMS = min(a.at(schema.Accepted), a.at(schema.Sent))
	if f.startMS == schema.Never {
		f.startMS = a.at(schema.Queued)
	}
	if f.startMS == schema.Never && a.step == 1 {
		f.startMS = cohortMS
	}
	f.repliedMS = a.at(schema.Replied)
	f.readMS = min(a.at(schema.Read), a.at(schema.Clicked), f.repliedMS)
	f.deliveredMS = min(a.at(schema.Delivered), f.readMS)
	if a.allParts() {
		f.deliveredMS = min(f.deliveredMS, a.partsDeliveredMS)
	}
	f.skewed = f.startMS != schema.Never && f.deliveredMS != schema.Never && f.deliveredMS-f.startMS < -60_000
	return f
}
