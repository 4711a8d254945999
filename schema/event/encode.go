package event

import (
	"github.com/go-faster/jx"

	"kaskad/schema"
)

// AppendJSON appends an event as one JSON object in canonical form: known fields alone, in the order of
// docs/events.md, without empty ones, times in UTC with milliseconds, and sms_text replaced by its measure, for a text
// is never stored. Decoding it gives the same event again.
func AppendJSON(dst []byte, ev *schema.Event) []byte {
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
	m := schema.UnpackSMSMeasure(ev.SMSMeasure)
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
		o.w.Buf = append(schema.AppendTime(append(o.w.Buf, '"'), ms), '"')
	}
}

func (o *objectWriter) micros(name string, micros int64) {
	o.key(name)
	o.w.Buf = append(schema.AppendMicros(append(o.w.Buf, '"'), micros), '"')
}
