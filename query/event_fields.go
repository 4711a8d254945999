package query

import (
	"kaskad/query/answer"
	"kaskad/schema"
)

// eventSchema is what an event may hold (docs/events.md). Names that are not known are ignored, and counted in the
// answer; null and what is left out are the same.
func eventSchema() *answer.Schema {
	s := answer.ObjectOf(eventFields()...)
	s.AdditionalProperties = nil
	return s
}

func eventFields() []answer.Column {
	optional := func(name, text string, s *answer.Schema) answer.Column {
		return answer.Column{Name: name, Text: text, Of: s, Optional: true, Null: answer.NullSaid}
	}
	text := func(limit int) *answer.Schema { return &answer.Schema{Type: "string", MaxLength: new(limit)} }
	flag := func() *answer.Schema { return &answer.Schema{Type: "boolean"} }
	instant := func() *answer.Schema { return answer.Formed("date-time") }
	return []answer.Column{
		{Name: "account", Text: "The tenant", Of: text(schema.MaxTextBytes)},
		{Name: "status", Text: "What happened", Of: answer.OneOf(schema.Statuses.Names()...)},
		{Name: "occurred_at", Text: "When it happened, by the provider's clock", Of: instant()},
		{Name: "recipient", Text: "A phone number with +, or user:…, device:…, email:…", Of: text(schema.MaxIDBytes)},
		optional("channel", "Required of every status but lookup", answer.OneOf(schema.Channels.Names()...)),
		optional("message_id", "The logical message to one recipient, the same for every step of its cascade. "+
			"Required of statuses of messages", text(schema.MaxIDBytes)),
		optional("submitted_at", "When the message was accepted for sending, the same on all of its events", instant()),
		optional("step", "The attempt's number within the cascade, 1 where it is left out",
			answer.Whole(1, schema.MaxStep)),
		optional("trigger", "Why this step started", answer.OneOf(schema.Triggers...)),
		optional("campaign", "A dimension of reports", text(schema.MaxTextBytes)),
		optional("template", "A dimension of reports", text(schema.MaxTextBytes)),
		optional("sender", "A dimension of reports", text(schema.MaxTextBytes)),
		optional("provider", "A dimension of reports", text(schema.MaxTextBytes)),
		optional("app", "A dimension of reports", text(schema.MaxTextBytes)),
		optional("operator", "The mobile operator, MCC-MNC as you write it", text(schema.MaxTextBytes)),
		optional("traffic", "The kind of traffic", answer.OneOf(schema.Traffics...)),
		optional("contact", "The person, where the steps of a cascade address different things",
			text(schema.MaxTextBytes)),
		optional("segments", "SMS segments that the provider billed", answer.Whole(0, 65535)),
		optional("sms_segments", "Segments that the message would take as SMS", answer.Whole(0, 65535)),
		optional("sms_segments_plain", "Segments without the characters that force UCS-2", answer.Whole(0, 65535)),
		optional("sms_over_by", "How many units to cut to save a segment", answer.Whole(0, 65535)),
		optional("sms_forced_chars", "How many characters force UCS-2", answer.Whole(0, 65535)),
		optional("sms_text", "The text, to be measured in place of the four fields before. It is never stored",
			text(schema.MaxSMSCharacters)),
		optional("parts", "How many parts a multipart message has", answer.Whole(0, 255)),
		optional("part", "Which part this receipt is about", answer.Whole(1, 255)),
		optional("error_code", "The provider's code, kept of failures only", text(schema.MaxTextBytes)),
		optional("permanent", "The provider says that it is no use trying again", flag()),
		optional("machine", "The read or clicked was a program's", flag()),
		optional("billable", "Whether the provider charges for it", flag()),
		optional("country", "ISO 3166, of a recipient that is no phone number", answer.Matching("^[A-Z]{2}$")),
		optional("price", "What the provider says it charged", answer.Exact()),
		optional("currency", "ISO 4217. Required with a price", answer.Matching("^[A-Z]{3}$")),
		optional("ported", "Finding of a lookup", flag()),
		optional("valid", "Finding of a lookup", flag()),
		optional("owner_changed_at", "Finding of a lookup", instant()),
		optional("event_id", "Your own id, for tracing", text(schema.MaxTextBytes)),
	}
}
