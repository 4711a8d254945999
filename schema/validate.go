package schema

import (
	"bytes"
	"slices"
	"strings"

	"golang.org/x/text/currency"
)

// required names the fields that no event may lack; message_id is required of message statuses, channel of all but lookup.
const requiredRule = "is required"

// finish checks the rules that need the whole event and derives country, cohort and bucket.
func (d *Decoder) finish(nowMS int64) (*Event, *FieldError) {
	ev := &d.ev
	switch {
	case len(ev.Account) == 0:
		return nil, fieldError(ReasonMissing, "account", nil, requiredRule)
	case ev.Status == 0:
		return nil, fieldError(ReasonMissing, "status", nil, requiredRule)
	case len(ev.Recipient) == 0:
		return nil, fieldError(ReasonMissing, "recipient", nil, requiredRule)
	case len(d.times.occurred) == 0:
		return nil, fieldError(ReasonMissing, "occurred_at", nil, requiredRule)
	case ev.Channel == "" && ev.Status != Lookup:
		return nil, fieldError(ReasonMissing, "channel", nil, requiredRule)
	case len(ev.MessageID) == 0 && ev.Status.OfMessage():
		return nil, fieldError(ReasonMissing, "message_id", nil, requiredRule+" of a message status")
	}
	for _, check := range [...]func(int64) *FieldError{d.finishTimes, d.finishRecipient, d.finishParts, d.finishPrice} {
		if err := check(nowMS); err != nil {
			return nil, err
		}
	}
	ev.Step = uint8(d.step)
	// Codes come with and without leading zeros ("001", "1"); a code of zeros means no error.
	ev.ErrorCode = bytes.TrimLeft(ev.ErrorCode, "0")
	d.finishSMS()
	d.locate()
	return ev, nil
}

func (d *Decoder) finishTimes(nowMS int64) *FieldError {
	ms, ok := ParseTime(d.times.occurred)
	if !ok {
		return fieldError(ReasonBadTime, "occurred_at", d.times.occurred, timeRule)
	}
	if err := checkWindow("occurred_at", d.times.occurred, ms, nowMS); err != nil {
		return err
	}
	d.ev.OccurredMS = ms
	if len(d.times.submitted) == 0 {
		return nil
	}
	if ms, ok = ParseTime(d.times.submitted); !ok {
		return fieldError(ReasonBadTime, "submitted_at", d.times.submitted, timeRule)
	}
	d.ev.SubmittedMS = ms
	return checkWindow("submitted_at", d.times.submitted, ms, nowMS)
}

func (d *Decoder) finishRecipient(int64) *FieldError {
	r := d.ev.Recipient
	if r[0] == '+' {
		n := len(r) - 1
		if _, ok := digits(r[1:]); !ok || n < 7 || n > 15 || r[1] == '0' {
			return fieldError(ReasonBadRecipient, "recipient", r, "must be + and 7 to 15 digits, the first not 0, or user:…, device:…, email:…")
		}
		d.ev.Country = d.countries.region(r)
		return nil
	}
	for _, kind := range [...]string{"user:", "device:", "email:"} {
		if len(r) > len(kind) && string(r[:len(kind)]) == kind {
			return nil
		}
	}
	return fieldError(ReasonBadRecipient, "recipient", r, "must be a phone number with + and country code, or user:…, device:…, email:…")
}

// finishParts keeps part and parts only of multipart messages: one part of one is an ordinary message.
func (d *Decoder) finishParts(int64) *FieldError {
	switch {
	case d.parts == 0 && d.part > 0:
		return fieldError(ReasonBadPart, "part", nil, "needs parts, the number of parts of the message")
	case d.parts > 0 && d.hasPart && (d.part < 1 || d.part > d.parts):
		return fieldError(ReasonBadPart, "part", nil, "must be 1…parts: parts are counted from 1")
	case d.parts == 1:
		d.part = 0
	}
	d.ev.Part, d.ev.Parts = uint8(d.part), uint8(d.parts)
	return nil
}

// maxPriceMicros keeps sums of a billion prices inside an int64.
const maxPriceMicros = 1_000_000_000 * 1_000_000

func (d *Decoder) finishPrice(int64) *FieldError {
	ev := &d.ev
	if !d.hasPrice || len(d.price) == 0 {
		ev.Currency = nil
		return nil
	}
	micros, ok := ParseMicros(d.price)
	if !ok || micros < 0 || micros > maxPriceMicros {
		return fieldError(ReasonBadPrice, "price", d.price, `must be a decimal string such as "2.50", not negative, with at most 6 decimals, up to 1000000000`)
	}
	if len(ev.Currency) == 0 {
		return fieldError(ReasonBadPrice, "currency", nil, "is required with a price (ISO 4217, such as RUB)")
	}
	if !KnownCurrency(string(ev.Currency)) {
		return fieldError(ReasonUnknownValue, "currency", ev.Currency, "is not an ISO 4217 code such as RUB")
	}
	ev.PriceMicros = micros
	return nil
}

// ParseMicros reads a plain decimal with at most 6 decimals into micro-units. No exponent, no sign but a leading minus.
func ParseMicros(s []byte) (int64, bool) {
	negative := len(s) > 0 && s[0] == '-'
	if negative {
		s = s[1:]
	}
	whole, fraction, dotted := bytes.Cut(s, []byte{'.'})
	if len(whole) == 0 || len(whole) > 12 || len(fraction) > 6 || (dotted && len(fraction) == 0) {
		return 0, false
	}
	w, ok1 := digits(whole)
	f, ok2 := digits(fraction)
	if !ok1 || !ok2 {
		return 0, false
	}
	for i := len(fraction); i < 6; i++ {
		f *= 10
	}
	n := w*1_000_000 + f
	if negative {
		n = -n
	}
	return n, true
}

// KnownCurrency tells whether the code is in ISO 4217, in capitals.
func KnownCurrency(code string) bool {
	if len(code) != 3 || strings.ToUpper(code) != code {
		return false
	}
	_, err := currency.ParseISO(code)
	return err == nil || slices.Contains(newCurrencies, code)
}

// newCurrencies are codes of ISO 4217 that are younger than the table of golang.org/x/text.
var newCurrencies = []string{"MRU", "SLE", "UYW", "VED", "VES", "XAD", "XCG", "ZWG"}

// locate derives where the event is stored: the hour of the id's time, judged by the id alone, else the hour of submitted_at.
func (d *Decoder) locate() {
	ev := &d.ev
	if !ev.Status.OfMessage() {
		return
	}
	ev.IDTimeMS = IDTime(ev.MessageID)
	switch {
	case ev.IDTimeMS > 0:
		ev.BucketMS = ev.IDTimeMS / HourMS * HourMS
		ev.IDTimePlausible = ev.IDTimeMS >= ev.OccurredMS-MaxAge.Milliseconds() && ev.IDTimeMS <= ev.OccurredMS+MaxAhead.Milliseconds()
	case ev.SubmittedMS > 0:
		ev.BucketMS = ev.SubmittedMS / HourMS * HourMS
	}
}
