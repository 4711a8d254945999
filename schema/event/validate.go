package event

import (
	"bytes"

	"kaskad/schema"
)

// required names the fields that no event may lack; message_id is required of message statuses, channel of all but
// lookup.
const requiredRule = "is required"

// finish checks the rules that need the whole event and derives country, cohort and bucket.
func (d *Decoder) finish(nowMS int64) (*schema.Event, *schema.FieldError) {
	ev := &d.ev
	for _, field := range [...]struct {
		name    string
		missing bool
		rule    string
	}{
		{"account", len(ev.Account) == 0, requiredRule},
		{"status", ev.Status == 0, requiredRule},
		{"recipient", len(ev.Recipient) == 0, requiredRule},
		{"occurred_at", len(d.times.occurred) == 0, requiredRule},
		{"channel", ev.Channel == "" && ev.Status != schema.Lookup, requiredRule},
		{"message_id", len(ev.MessageID) == 0 && ev.Status != 0 && ev.Status.OfMessage(),
			requiredRule + " of a message status"},
	} {
		if field.missing && !d.faulty(field.name) {
			d.faults = append(d.faults, fieldError(schema.ReasonMissing, field.name, nil, field.rule))
		}
	}
	d.finishTimes(nowMS)
	d.finishRecipient()
	d.finishParts()
	d.finishPrice()
	if len(d.faults) > 0 {
		return nil, d.refusal()
	}
	ev.Step = uint8(d.step)
	// Codes come with and without leading zeros ("001", "1"); a code of zeros means no error.
	ev.ErrorCode = bytes.TrimLeft(ev.ErrorCode, "0")
	d.finishSMS()
	d.locate()
	return ev, nil
}

// fault keeps a fault that was found after the whole event was read.
func (d *Decoder) fault(reason schema.Reason, field string, value []byte, rule string) {
	d.faults = append(d.faults, fieldError(reason, field, value, rule))
}

func (d *Decoder) finishTimes(nowMS int64) {
	for _, field := range [...]struct {
		name string
		raw  []byte
		to   *int64
	}{{"occurred_at", d.times.occurred, &d.ev.OccurredMS}, {"submitted_at", d.times.submitted, &d.ev.SubmittedMS}} {
		if len(field.raw) == 0 {
			continue
		}
		ms, ok := schema.ParseTime(field.raw)
		if !ok {
			d.fault(schema.ReasonBadTime, field.name, field.raw, timeRule)
			continue
		}
		if err := checkWindow(field.name, field.raw, ms, nowMS); err != nil {
			d.faults = append(d.faults, err)
		}
		*field.to = ms
	}
}

func (d *Decoder) finishRecipient() {
	r := d.ev.Recipient
	if len(r) == 0 {
		return
	}
	if r[0] == '+' {
		n := len(r) - 1
		if _, ok := schema.Digits(r[1:]); !ok || n < 7 || n > 15 || r[1] == '0' {
			d.fault(schema.ReasonBadRecipient, "recipient", r,
				"must be + and 7 to 15 digits, the first not 0, or user:…, device:…, email:…")
			return
		}
		d.ev.Country = d.countries.region(r)
		return
	}
	for _, kind := range schema.Kinds {
		if len(r) > len(kind.Prefix) && string(r[:len(kind.Prefix)]) == kind.Prefix {
			d.ev.Country = userCountry(r)
			return
		}
	}
	d.fault(schema.ReasonBadRecipient, "recipient", r,
		"must be a phone number with + and country code, or user:…, device:…, email:…")
}

// userCountry returns the country in an id of the form user:CC.…, as WhatsApp's business-scoped ids have it, or "".
func userCountry(r []byte) string {
	const kind = "user:"
	if len(r) < len(kind)+3 || string(r[:len(kind)]) != kind || r[len(kind)+2] != '.' {
		return ""
	}
	letters := r[len(kind) : len(kind)+2]
	for _, c := range letters {
		if c < 'A' || c > 'Z' {
			return ""
		}
	}
	return string(letters)
}

// finishParts checks part against the event's own parts. What a part means is decided when the attempt is folded, by
// the greatest parts of all its events.
func (d *Decoder) finishParts() {
	switch {
	case d.faulty("part") || d.faulty("parts"):
	case d.parts == 0 && d.part > 0:
		d.fault(schema.ReasonBadPart, "part", nil, "needs parts, the number of parts of the message")
	case d.parts > 0 && d.hasPart && (d.part < 1 || d.part > d.parts):
		d.fault(schema.ReasonBadPart, "part", nil, "must be 1…parts: parts are counted from 1")
	}
	d.ev.Part, d.ev.Parts = uint8(d.part), uint8(d.parts)
}

// maxPriceMicros keeps sums of a billion prices inside an int64.
const maxPriceMicros = 1_000_000_000 * 1_000_000

func (d *Decoder) finishPrice() {
	ev := &d.ev
	if !d.hasPrice || len(d.price) == 0 {
		ev.Currency = nil
		return
	}
	micros, ok := schema.ParseMicros(cutZeros(d.price))
	if !ok || micros < 0 || micros > maxPriceMicros {
		d.fault(schema.ReasonBadPrice, "price", d.price,
			`must be a decimal string such as "2.50", not negative, with at most 6 decimals, up to 1000000000`)
	}
	switch {
	case len(ev.Currency) == 0:
		if !d.faulty("currency") {
			d.fault(schema.ReasonBadPrice, "currency", nil, "is required with a price (ISO 4217, such as RUB)")
		}
	case !schema.KnownCurrency(string(ev.Currency)):
		d.fault(schema.ReasonUnknownValue, "currency", ev.Currency, "is not an ISO 4217 code such as RUB")
	}
	ev.PriceMicros = micros
}

// cutZeros cuts zeros beyond the sixth decimal, which say nothing.
func cutZeros(price []byte) []byte {
	if dot := bytes.IndexByte(price, '.'); dot >= 0 {
		for len(price) > dot+7 && price[len(price)-1] == '0' {
			price = price[:len(price)-1]
		}
	}
	return price
}

// locate derives where the event is stored: the hour of the id's time, judged by the id alone, else the hour of
// submitted_at.
func (d *Decoder) locate() {
	ev := &d.ev
	if !ev.Status.OfMessage() {
		return
	}
	ev.IDTimeMS = schema.IDTime(ev.MessageID)
	switch {
	case ev.IDTimeMS > 0:
		ev.BucketMS = ev.IDTimeMS / schema.HourMS * schema.HourMS
		ev.IDTimePlausible = ev.IDTimeMS >= ev.OccurredMS-schema.MaxAge.Milliseconds() &&
			ev.IDTimeMS <= ev.OccurredMS+schema.MaxAhead.Milliseconds()
	case ev.SubmittedMS > 0:
		ev.BucketMS = ev.SubmittedMS / schema.HourMS * schema.HourMS
	}
}

// finishSMS joins what the event says of its text with what the text itself measures: the greater counts.
func (d *Decoder) finishSMS() {
	ev := &d.ev
	d.measure.Segments = ev.SMSSegments
	ev.SMSMeasure = schema.PackSMSMeasure(d.measure)
	if len(ev.SMSText) > 0 && d.MeasureSMS != nil {
		m := d.MeasureSMS(ev.SMSText)
		ev.SMSSegments = max(ev.SMSSegments, m.Segments)
		ev.SMSMeasure = max(ev.SMSMeasure, schema.PackSMSMeasure(m))
	}
}
