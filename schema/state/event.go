package state

import (
	"kaskad/schema"
	"kaskad/schema/law"
)

// AddFact notes an event of the message as view events_to_attempts does for table attempts, and events_to_replies for
// replies. The key is the caller's. Texts are shared with the fact: a state that outlives the fact's block has to be
// stored ([Message.Append]) before the block changes.
func (m *Message) AddFact(f *schema.Fact) {
	if f.SubmittedMS != 0 {
		m.SubmittedMS = min(m.SubmittedMS, f.SubmittedMS)
	}
	if f.IDMS != 0 {
		m.IDMS = min(m.IDMS, f.IDMS)
	}
	a := m.Attempt(f.Step)
	a.Channel, a.Traffic, a.Trigger = max(a.Channel, f.Channel), max(a.Traffic, f.Traffic), max(a.Trigger, f.Trigger)
	a.Provider, a.Campaign = max(a.Provider, f.Provider), max(a.Campaign, f.Campaign)
	a.Template, a.Sender = max(a.Template, f.Template), max(a.Sender, f.Sender)
	a.App, a.Operator = max(a.App, f.App), max(a.Operator, f.Operator)
	a.SaidCountry, a.Contact = max(a.SaidCountry, f.SaidCountry), max(a.Contact, f.Contact)
	if a.RecipientMark == 0 || f.RecipientCountry != a.RecipientCountry {
		a.RecipientMark |= law.RecipientMark(f.RecipientCountry)
		a.RecipientCountry = max(a.RecipientCountry, f.RecipientCountry)
	}
	a.Segments, a.SMSSegments = max(a.Segments, f.Segments), max(a.SMSSegments, f.SMSSegments)
	a.SMSMeasure, a.Parts = max(a.SMSMeasure, f.SMSMeasure), max(a.Parts, f.Parts)
	a.Billable |= f.Billable
	if f.Currency != "" {
		a.AddPrice(law.Price{Currency: f.Currency, Part: f.Part, Micros: f.PriceMicros})
	}
	a.See(f.Status, f.OccurredMS, f.Part, f.Parts)
	a.Permanent = max(a.Permanent, f.Permanent)
	a.AddError(f.OccurredMS, f.ErrorCode)
}

// Add does so for an event that may be forgotten: its texts are kept by texts.
func (m *Message) Add(ev *schema.Event, texts *Texts) {
	if texts.block.Rows() == maxTexts {
		texts.block = schema.Facts{} // What states share with the old one they keep.
	}
	texts.block.Append(ev)
	texts.block.Read(texts.block.Rows()-1, &texts.fact)
	m.AddFact(&texts.fact)
}

// maxTexts bounds the events whose texts are kept though states need them no more.
const maxTexts = 1 << 10

// Texts keeps the texts of events. The zero value is ready; one goroutine uses it.
type Texts struct {
	block schema.Facts
	fact  schema.Fact
}
