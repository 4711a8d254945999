package schema

import (
	"strconv"

	"github.com/go-faster/jx"
)

// AppendJSON appends the event as one JSON object in canonical form: known fields alone, in the order of
// docs/events.md, without empty ones, times in UTC with milliseconds, and sms_text replaced by its measure, for a text
// is never stored. Decoding it gives the same event again.
func (ev *Event) AppendJSON(dst []byte) []byte {
	w := objectWriter{w: jx.Writer{Buf: append(dst, '{')}}
	w.text("account", ev.Account)
	w.text("contact", ev.Contact)
	w.text("message_id", ev.MessageID)
	w.time("submitted_at", ev.SubmittedMS)
	w.number("step", int64(ev.Step))
	w.name("channel", ev.Channel)
	w.name("status", ev.Status.String())
	w.time("occurred_at", ev.OccurredMS)
	w.text("recipient", ev.Recipient)
	w.text("campaign", ev.Campaign)
	w.text("template", ev.Template)
	w.text("sender", ev.Sender)
	w.text("provider", ev.Provider)
	w.text("app", ev.App)
	w.text("operator", ev.Operator)
	w.name("traffic", ev.Traffic)
	w.number("segments", int64(ev.Segments))
	w.number("sms_segments", int64(ev.SMSSegments))
	m := UnpackSMSMeasure(ev.SMSMeasure)
	w.number("sms_segments_plain", int64(m.Plain))
	w.number("sms_over_by", int64(m.OverBy))
	w.number("sms_forced_chars", int64(m.ForcedChars))
	w.number("part", int64(ev.Part))
	w.number("parts", int64(ev.Parts))
	w.text("error_code", ev.ErrorCode)
	if ev.Permanent {
		w.boolean("permanent", true)
	}
	w.name("trigger", ev.Trigger)
	if len(ev.Currency) > 0 {
		w.micros("price", ev.PriceMicros)
		w.text("currency", ev.Currency)
	}
	if ev.Billable >= 0 {
		w.boolean("billable", ev.Billable == 1)
	}
	if ev.Machine {
		w.boolean("machine", true)
	}
	w.text("country", ev.SaidCountry)
	if ev.Ported >= 0 {
		w.boolean("ported", ev.Ported == 1)
	}
	if ev.Valid >= 0 {
		w.boolean("valid", ev.Valid == 1)
	}
	w.time("owner_changed_at", ev.OwnerChangedMS)
	w.text("event_id", ev.EventID)
	w.w.ObjEnd()
	return w.w.Buf
}

// objectWriter writes the fields of an object, leaving out the empty ones.
type objectWriter struct {
	w     jx.Writer
	later bool
}

func (o *objectWriter) key(name string) {
	if o.later {
		o.w.Comma()
	}
	o.later = true
	o.w.FieldStart(name)
}

func (o *objectWriter) text(name string, value []byte) {
	if len(value) > 0 {
		o.key(name)
		o.w.ByteStr(value)
	}
}

func (o *objectWriter) name(name, value string) {
	if value != "" {
		o.key(name)
		o.w.Str(value)
	}
}

func (o *objectWriter) number(name string, value int64) {
	if value != 0 {
		o.key(name)
		o.w.Int64(value)
	}
}

func (o *objectWriter) boolean(name string, value bool) {
	o.key(name)
	o.w.Bool(value)
}

func (o *objectWriter) time(name string, ms int64) {
	if ms != 0 {
		o.key(name)
		o.w.Buf = append(AppendTime(append(o.w.Buf, '"'), ms), '"')
	}
}

func (o *objectWriter) micros(name string, micros int64) {
	o.key(name)
	o.w.Buf = append(AppendMicros(append(o.w.Buf, '"'), micros), '"')
}

// AppendMicros appends micro-units as a plain decimal with at least 2 and at most 6 decimals: 2500000 becomes 2.50.
func AppendMicros(dst []byte, micros int64) []byte {
	if micros < 0 {
		dst = append(dst, '-')
	}
	whole, fraction := micros/1_000_000, micros%1_000_000
	if micros < 0 {
		whole, fraction = -whole, -fraction
	}
	dst = append(strconv.AppendInt(dst, whole, 10), '.')
	for unit := int64(100_000); unit > 0 && (fraction > 0 || unit >= 10_000); unit /= 10 {
		dst = append(dst, byte('0'+fraction/unit))
		fraction %= unit
	}
	return dst
}
