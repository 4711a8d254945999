package law

import (
	"math/big"
	"strings"

	"kaskad/schema"
)

// maxSkewMS is how much earlier than its start an attempt may be delivered before the clocks are taken to disagree.
const maxSkewMS = 60_000

// partTaken are the failures of single parts that prove that a provider took the message: bits of
// attempts.part_failures.
const partTaken = 1<<0 | 1<<2 // undelivered, expired

// Attempt is one step of a message as its facts are stored: a row of table attempts, merged.
type Attempt struct {
	Step    uint8
	Channel string
	// Times has the earliest time of each status, from queued to skipped; schema.Never while unseen.
	Times []int64
	// MachineMS is when a program read or clicked.
	MachineMS int64
	// SingleDeliveredMS is the delivery that names part 1 of 1.
	SingleDeliveredMS           int64
	Parts                       uint8
	DeliveredParts, FailedParts big.Int
	PartFailures                uint8
	PartsDeliveredMS            int64
	Permanent, Billable         uint8
	// LastError is the latest failure that carried a code: the 13 digits of its time, and the code. Facts of before
	// know the ErrorCode alone.
	LastError, AnyErrorCode string
	// Prices are by currency, with the part behind a blank.
	Prices map[string]int64
	// RecipientCountry is the recipient and the country in it, with a NUL byte between.
	RecipientCountry, SaidCountry string
}

// Outcome is what docs/definitions.md section 1 derives of an attempt. Times are Unix milliseconds, schema.Never when
// unknown.
type Outcome struct {
	MachineOpened, Bounced, Delivered, Read, Clicked, Replied, Failed, Skipped, Attempted, Sent, Pending, Skewed bool

	StartMS, DeliveredMS, ReadMS, RepliedMS int64
}

// At is the earliest time of a status.
func (a *Attempt) At(s schema.Status) int64 { return a.Times[s-1] }

func (a *Attempt) seen(statuses ...schema.Status) bool {
	for _, s := range statuses {
		if a.At(s) != schema.Never {
			return true
		}
	}
	return false
}

// AllParts reports whether every part of a multipart message was delivered.
func (a *Attempt) AllParts() bool {
	if a.Parts < 2 {
		return false
	}
	for p := range int(a.Parts) {
		if a.DeliveredParts.Bit(p) == 0 {
			return false
		}
	}
	return true
}

// OpenParts are those that failed and were not delivered.
func (a *Attempt) OpenParts() *big.Int { return new(big.Int).AndNot(&a.FailedParts, &a.DeliveredParts) }

// wholeDeliveredMS is when the message was reported as delivered, all of it. A part is read with the attempt's parts:
// of one part it is the whole.
func (a *Attempt) wholeDeliveredMS() int64 {
	ms := a.At(schema.Delivered)
	if a.Parts <= 1 {
		ms = min(ms, a.SingleDeliveredMS)
	}
	if a.AllParts() {
		ms = min(ms, a.PartsDeliveredMS)
	}
	return ms
}

// Recipient is whom the attempt addresses.
func (a *Attempt) Recipient() string {
	recipient, _, _ := strings.Cut(a.RecipientCountry, "\x00")
	return recipient
}

// Country is that of the phone number; of another recipient what events say, else that in its id.
func (a *Attempt) Country() string {
	recipient, country, _ := strings.Cut(a.RecipientCountry, "\x00")
	if a.SaidCountry != "" && !strings.HasPrefix(recipient, "+") {
		return a.SaidCountry
	}
	return country
}

// ErrorCode is the code of the latest failure that carried one.
func (a *Attempt) ErrorCode() string {
	const timeDigits = 13
	if a.LastError == "" {
		return a.AnyErrorCode
	}
	return a.LastError[timeDigits:]
}

// Reported sums the prices of parts by currency; where there are no parts, the greatest counts.
func (a *Attempt) Reported() map[string]int64 {
	sums := map[string]int64{}
	for key, micros := range a.Prices {
		currency, _, _ := strings.Cut(key, " ")
		if a.Parts > 1 {
			sums[currency] += micros
		} else {
			sums[currency] = max(sums[currency], micros)
		}
	}
	return sums
}

// Outcome applies the rules to the attempt of a message with the cohort (schema.Never when unknown).
func (a *Attempt) Outcome(cohortMS int64) Outcome {
	var o Outcome
	o.MachineOpened = a.MachineMS != schema.Never
	// Mail servers accept first and refuse later, and scanners open and click what bounces; a reply proves a reader.
	o.Bounced = schema.Channels.Find(a.Channel).Bounces && a.Permanent == 1 && !a.seen(schema.Replied)
	o.Clicked, o.Replied = !o.Bounced && a.seen(schema.Clicked), a.seen(schema.Replied)
	o.Read = !o.Bounced && a.seen(schema.Read, schema.Clicked, schema.Replied)
	o.Delivered = !o.Bounced && (o.Read || o.MachineOpened || a.wholeDeliveredMS() != schema.Never)
	o.Failed = !o.Delivered && (a.seen(schema.Undelivered, schema.Rejected, schema.Expired, schema.Failed) ||
		a.OpenParts().Sign() > 0)
	o.Sent = o.Delivered || o.MachineOpened || a.DeliveredParts.Sign() > 0 || a.PartFailures&partTaken != 0 ||
		a.seen(schema.Accepted, schema.Sent, schema.Delivered, schema.Read, schema.Clicked, schema.Replied,
			schema.Undelivered, schema.Expired)
	o.Skipped = a.seen(schema.Skipped) && !o.Sent && !o.Failed
	o.Attempted = !o.Skipped
	o.Pending = o.Attempted && !o.Delivered && !o.Failed

	o.StartMS = min(a.At(schema.Accepted), a.At(schema.Sent))
	if o.StartMS == schema.Never {
		o.StartMS = a.At(schema.Queued)
	}
	if o.StartMS == schema.Never && a.Step == 1 {
		o.StartMS = cohortMS
	}
	o.DeliveredMS, o.ReadMS, o.RepliedMS = schema.Never, schema.Never, schema.Never
	if !o.Bounced {
		o.RepliedMS = a.At(schema.Replied)
		o.ReadMS = min(a.At(schema.Read), a.At(schema.Clicked), o.RepliedMS)
		o.DeliveredMS = min(a.wholeDeliveredMS(), a.MachineMS, o.ReadMS)
	}
	o.Skewed = o.StartMS != schema.Never && o.DeliveredMS != schema.Never && o.DeliveredMS-o.StartMS < -maxSkewMS
	return o
}

// CohortMS is the earliest submitted_at that any attempt of a message knows, else the time in its id where that is
// plausible.
func CohortMS(submittedMS, idMS int64) int64 {
	if submittedMS == schema.Never {
		return idMS
	}
	return submittedMS
}
