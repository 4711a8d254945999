package law

import (
	"cmp"
	"slices"
	"strings"

	"kaskad/schema"
)

// Merge adds what another attempt of the same step knows, as table attempts merges two rows: earliest times, greatest
// texts and numbers, unions. The order and the number of merges changes nothing.
func (a *Attempt) Merge(b *Attempt) {
	for _, dimension := range [...]struct {
		to   *string
		from string
	}{
		{&a.Channel, b.Channel}, {&a.Provider, b.Provider}, {&a.Campaign, b.Campaign}, {&a.Template, b.Template},
		{&a.Sender, b.Sender}, {&a.App, b.App}, {&a.Operator, b.Operator}, {&a.Traffic, b.Traffic},
		{&a.Trigger, b.Trigger}, {&a.RecipientCountry, b.RecipientCountry}, {&a.SaidCountry, b.SaidCountry},
		{&a.Contact, b.Contact}, {&a.AnyErrorCode, b.AnyErrorCode},
	} {
		if *dimension.to < dimension.from {
			*dimension.to = dimension.from
		}
	}
	a.RecipientMark |= b.RecipientMark
	a.Segments, a.SMSSegments = max(a.Segments, b.Segments), max(a.SMSSegments, b.SMSSegments)
	a.SMSMeasure = max(a.SMSMeasure, b.SMSMeasure)
	for i, ms := range b.Times {
		a.Times[i] = min(a.Times[i], ms)
	}
	a.MachineMS, a.SingleDeliveredMS = min(a.MachineMS, b.MachineMS), min(a.SingleDeliveredMS, b.SingleDeliveredMS)
	for _, ms := range b.RepliesMS {
		a.AddReply(ms)
	}
	a.Parts = max(a.Parts, b.Parts)
	a.DeliveredParts.Add(&b.DeliveredParts)
	a.FailedParts.Add(&b.FailedParts)
	a.PartFailures |= b.PartFailures
	a.PartsDeliveredMS = max(a.PartsDeliveredMS, b.PartsDeliveredMS)
	a.Permanent, a.Billable = max(a.Permanent, b.Permanent), a.Billable|b.Billable
	a.AddError(b.LastErrorMS, b.LastErrorCode)
	for _, p := range b.Prices {
		a.AddPrice(p)
	}
}

// See notes a status that an event says of the attempt, or of its part (0: of the whole) as view events_to_attempts
// does. ofParts is how many parts the event knows of.
func (a *Attempt) See(s schema.Status, ms int64, part, ofParts uint8) {
	switch {
	case s == schema.MachineOpen:
		a.MachineMS = min(a.MachineMS, ms)
	case part > 0 && s == schema.Delivered:
		a.DeliveredParts.Set(part)
		a.PartsDeliveredMS = max(a.PartsDeliveredMS, ms)
		if part == 1 && ofParts == 1 {
			a.SingleDeliveredMS = min(a.SingleDeliveredMS, ms)
		}
	case part > 0 && s.Failure():
		a.FailedParts.Set(part)
		a.PartFailures |= 1 << (s - schema.Undelivered)
	case s >= schema.Queued && s <= schema.Skipped:
		a.Times[s-1] = min(a.Times[s-1], ms)
		if s == schema.Replied {
			a.AddReply(ms)
		}
	}
}

// AddReply notes one more reply. That the earliest one is known is the business of Times.
func (a *Attempt) AddReply(ms int64) {
	if at, known := slices.BinarySearch(a.RepliesMS, ms); !known {
		a.RepliesMS = slices.Insert(a.RepliesMS, at, ms)
	}
}

// AddError notes the code of a failure. The latest counts; of several at one time the greatest.
func (a *Attempt) AddError(ms int64, code string) {
	if code != "" && (ms > a.LastErrorMS || ms == a.LastErrorMS && code > a.LastErrorCode || a.LastErrorCode == "") {
		a.LastErrorMS, a.LastErrorCode = ms, code
	}
}

// AddPrice notes a price. The greatest of its currency and part counts.
func (a *Attempt) AddPrice(p Price) {
	at, known := slices.BinarySearchFunc(a.Prices, p, comparePrices)
	if known {
		a.Prices[at].Micros = max(a.Prices[at].Micros, p.Micros)
	} else {
		a.Prices = slices.Insert(a.Prices, at, p)
	}
}

func comparePrices(x, y Price) int {
	return cmp.Or(strings.Compare(x.Currency, y.Currency), cmp.Compare(x.Part, y.Part))
}
