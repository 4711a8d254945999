package law

import (
	"strings"

	"kaskad/schema"
)

// maxSkewMS is how much earlier than its start an attempt may be delivered before the clocks are taken to disagree.
const maxSkewMS = 60_000

// partTaken are the failures of single parts that prove that a provider took the message: bits of
// attempts.part_failures.
const (
	partExpired = 1 << 2
	partTaken   = 1<<0 | partExpired // undelivered, expired
)

// Attempt is one step of a message as its facts are stored: a row of table attempts, merged, with the replies that
// table replies has of it. A new one comes from [NewAttempt].
type Attempt struct {
	Step uint8

	Channel, Provider, Campaign, Template, Sender, App, Operator, Traffic, Trigger string
	// RecipientCountry is the recipient and the country in it, with a NUL byte between.
	RecipientCountry string
	// RecipientMark tells attempts whose events name different recipients: each sets 16 of 32 bits.
	RecipientMark         uint32
	SaidCountry, Contact  string
	Segments, SMSSegments uint16
	SMSMeasure            uint32

	// Times has the earliest time of each status, from queued to skipped; schema.Never while unseen.
	Times [schema.Skipped]int64
	// MachineMS is when a program read or clicked.
	MachineMS int64
	// SingleDeliveredMS is the delivery that names part 1 of 1.
	SingleDeliveredMS int64
	// RepliesMS are all replies, in their order, each once. Facts of before know the earliest alone, in Times.
	RepliesMS []int64

	Parts                       uint8
	DeliveredParts, FailedParts PartSet
	PartFailures                uint8
	PartsDeliveredMS            int64
	Permanent, Billable         uint8
	// LastErrorMS and LastErrorCode are of the latest failure that carried a code. Facts of before know AnyErrorCode
	// alone.
	LastErrorMS                 int64
	LastErrorCode, AnyErrorCode string
	// Prices are the greatest of each currency and part, in the order of both.
	Prices []Price
}

// Price is what a provider reported of a part, or of the whole attempt: part 0.
type Price = schema.Price

// NewAttempt returns an attempt of which nothing is known.
func NewAttempt(step uint8) Attempt {
	var a Attempt
	a.Reset(step)
	return a
}

// Reset makes an attempt one of which nothing is known, and keeps its memory.
func (a *Attempt) Reset(step uint8) {
	*a = Attempt{Step: step, MachineMS: schema.Never, SingleDeliveredMS: schema.Never, RepliesMS: a.RepliesMS[:0],
		Prices: a.Prices[:0]}
	for i := range a.Times {
		a.Times[i] = schema.Never
	}
}

// Outcome is what docs/definitions.md section 1 derives of an attempt. Times are Unix milliseconds, schema.Never when
// unknown.
type Outcome struct {
	MachineOpened, Bounced, Delivered, Read, Clicked, Replied, Failed, Skipped, Attempted, Sent, Pending, Skewed bool
	// NotBilled: the provider said that it does not charge for the attempt. Expired: that status was seen, of the
	// attempt or of a part. Lowered: a later event took its delivery, if it had one: a bounce, or one that tells of
	// more parts.
	NotBilled, Expired, Lowered bool

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
func (a *Attempt) AllParts() bool { return a.Parts >= 2 && a.DeliveredParts.Count() == int(a.Parts) }

// OpenParts are those that failed and were not delivered.
func (a *Attempt) OpenParts() PartSet { return a.FailedParts.Without(&a.DeliveredParts) }

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
	if a.LastErrorCode == "" {
		return a.AnyErrorCode
	}
	return a.LastErrorCode
}

// Reported appends the prices by currency to sums, which are in the order of currencies. Those of parts add up; where
// there are no parts, the greatest counts.
func (a *Attempt) Reported(sums []Price) []Price {
	from := len(sums)
	for _, p := range a.Prices {
		last := len(sums) - 1
		switch {
		case last < from || sums[last].Currency != p.Currency:
			sums = append(sums, Price{Currency: p.Currency, Micros: p.Micros})
		case a.Parts > 1:
			sums[last].Micros += p.Micros
		default:
			sums[last].Micros = max(sums[last].Micros, p.Micros)
		}
	}
	return sums
}

// Outcome applies the rules to the attempt of a message with the cohort (schema.Never when unknown).
func (a *Attempt) Outcome(cohortMS int64) Outcome {
	var o Outcome
	o.MachineOpened = a.MachineMS != schema.Never
	// Mail servers accept first and refuse later, and scanners open and click what bounces; a reply proves a reader.
	o.Bounced = a.Permanent == 1 && !a.seen(schema.Replied) && schema.Channels.Find(a.Channel).Bounces
	o.Clicked, o.Replied = !o.Bounced && a.seen(schema.Clicked), a.seen(schema.Replied)
	o.Read = !o.Bounced && a.seen(schema.Read, schema.Clicked, schema.Replied)
	o.Delivered = !o.Bounced && (o.Read || o.MachineOpened || a.wholeDeliveredMS() != schema.Never)
	o.Failed = !o.Delivered && (a.seen(schema.Undelivered, schema.Rejected, schema.Expired, schema.Failed) ||
		!a.OpenParts().Empty())
	o.Sent = o.Delivered || o.MachineOpened || !a.DeliveredParts.Empty() || a.PartFailures&partTaken != 0 ||
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

	o.NotBilled = a.Billable == 1
	o.Expired = a.seen(schema.Expired) || a.PartFailures&partExpired != 0
	o.Lowered = o.Bounced || a.Parts >= 2 && !o.Delivered &&
		(a.SingleDeliveredMS != schema.Never || !a.DeliveredParts.Empty())
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
