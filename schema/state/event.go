package state

import (
	"kaskad/schema"
	"kaskad/schema/law"
)

// Add notes an event of the message as view events_to_attempts does for table attempts, and events_to_replies for
// replies. The key is the caller's. Texts are kept by texts; the event may be forgotten.
func (m *Message) Add(ev *schema.Event, texts *Texts) {
	if ev.SubmittedMS != 0 {
		m.SubmittedMS = min(m.SubmittedMS, ev.SubmittedMS)
	}
	if ev.IDTimePlausible && ev.IDTimeMS != 0 {
		m.IDMS = min(m.IDMS, ev.IDTimeMS)
	}
	a := m.Attempt(ev.Step)
	for _, name := range [...]struct {
		to   *string
		from string
	}{{&a.Channel, ev.Channel}, {&a.Traffic, ev.Traffic}, {&a.Trigger, ev.Trigger}} {
		if *name.to < name.from {
			*name.to = name.from
		}
	}
	for _, dimension := range [...]struct {
		to   *string
		from []byte
	}{{&a.Provider, ev.Provider}, {&a.Campaign, ev.Campaign}, {&a.Template, ev.Template}, {&a.Sender, ev.Sender},
		{&a.App, ev.App}, {&a.Operator, ev.Operator}, {&a.SaidCountry, ev.SaidCountry}} {
		if *dimension.to < string(dimension.from) {
			*dimension.to = texts.Shared(dimension.from)
		}
	}
	if a.Contact < string(ev.Contact) {
		a.Contact = string(ev.Contact)
	}
	texts.scratch = append(append(append(texts.scratch[:0], ev.Recipient...), 0), ev.Country...)
	a.RecipientMark |= law.RecipientMark(texts.scratch)
	if a.RecipientCountry < string(texts.scratch) {
		a.RecipientCountry = string(texts.scratch)
	}
	a.Segments, a.SMSSegments = max(a.Segments, ev.Segments), max(a.SMSSegments, ev.SMSSegments)
	a.SMSMeasure, a.Parts = max(a.SMSMeasure, ev.SMSMeasure), max(a.Parts, ev.Parts)
	// 0 unknown, 1 false, 2 true: bits of column billable.
	a.Billable |= uint8(ev.Billable + 1)
	if len(ev.Currency) > 0 {
		a.AddPrice(law.Price{Currency: texts.Shared(ev.Currency), Part: ev.Part, Micros: ev.PriceMicros})
	}
	a.See(ev.Stored(), ev.OccurredMS, ev.Part, ev.Parts)
	if ev.Status.Failure() {
		if ev.Permanent {
			a.Permanent = 1
		}
		if len(ev.ErrorCode) > 0 {
			a.AddError(ev.OccurredMS, texts.Shared(ev.ErrorCode))
		}
	}
}

// maxTexts bounds the memory of Texts: an account may invent names without end, but uses few at a time.
const maxTexts = 1 << 16

// Texts keeps texts that come again and again once each. The zero value is ready; one goroutine uses it.
type Texts struct {
	known   map[string]string
	scratch []byte
}

// Shared returns the text of bytes that will change.
func (t *Texts) Shared(text []byte) string {
	if len(text) == 0 {
		return ""
	}
	if known, ok := t.known[string(text)]; ok {
		return known
	}
	if t.known == nil || len(t.known) >= maxTexts {
		t.known = map[string]string{}
	}
	fresh := string(text)
	t.known[fresh] = fresh
	return fresh
}
