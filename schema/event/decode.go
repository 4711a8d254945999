package event

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/go-faster/jx"

	"kaskad/schema"
)

// Decoder reads events from JSON. It is not safe for concurrent use. MeasureSMS says what a text takes as SMS; it is
// given from outside because segments are the business of package money.
type Decoder struct {
	MeasureSMS func(text []byte) schema.SMSMeasure
	// NameUnknown makes [Decoder.UnknownNames] say which fields were ignored; it costs an allocation for each of them.
	NameUnknown bool

	countries countries
	json      jx.Decoder
	arena     []byte
	ev        schema.Event
	step      int64
	parts     int64
	part      int64
	hasPart   bool
	measure   schema.SMSMeasure // as the event says it, but for the segments
	times     struct{ occurred, submitted []byte }
	price     []byte
	hasPrice  bool
	faults    []*schema.FieldError
	unknown   []string
	field     func(d *jx.Decoder, key []byte) error
	scanning  bool // values come from token, not from json
	token     token
}

// channelNames are the names that the decoder compares with, one for each event.
var channelNames = schema.Channels.Names()

// errStop ends the walk over an object after a fault was kept in Decoder.faults: of the fast scan, which leaves events
// with faults to the JSON library, and of objects that cannot be read further.
var errStop = errors.New("stop")

// maxUnknownNames bounds the names kept of one event.
const maxUnknownNames = 20

// UnknownNames returns the ignored fields of the event that was decoded last, up to 20, if NameUnknown is set.
func (d *Decoder) UnknownNames() []string { return d.unknown }

// Decode reads one JSON object and validates it against the rules of docs/events.md at the time nowMS (Unix
// milliseconds). The event is valid until the next call, and as long as raw stays as it is. The error lists all faults
// of the event.
func (d *Decoder) Decode(raw []byte, nowMS int64) (*schema.Event, *schema.FieldError) {
	d.reset()
	d.scanning = true
	if d.scan(raw) {
		return d.finish(nowMS)
	}
	return d.decode(raw, nowMS)
}

// decode is Decode for whatever JSON there is.
func (d *Decoder) decode(raw []byte, nowMS int64) (*schema.Event, *schema.FieldError) {
	// A decoded string is never longer than its JSON, so an arena of this size does not move while slices point into
	// it.
	if cap(d.arena) < len(raw) {
		d.arena = make([]byte, 0, 2*len(raw))
	}
	d.reset()
	d.scanning = false
	if d.field == nil {
		d.field = d.readField
	}
	d.json.ResetBytes(raw)
	if t := d.json.Next(); t != jx.Object {
		return nil, fieldError(schema.ReasonMalformed, "", raw, "is not a JSON object")
	}
	if err := d.json.ObjBytes(d.field); err != nil {
		if errors.Is(err, errStop) {
			return nil, d.refusal()
		}
		return nil, fieldError(schema.ReasonMalformed, "", nil, "is not valid JSON: "+err.Error())
	}
	// At the end of the input Next finds no value and Skip no byte.
	if err := d.json.Skip(); !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, fieldError(schema.ReasonMalformed, "", nil,
			"has something after the JSON object: one object per line, or an array")
	}
	if !utf8.Valid(d.arena) {
		return nil, fieldError(schema.ReasonMalformed, "", nil, "is not UTF-8")
	}
	return d.finish(nowMS)
}

func (d *Decoder) reset() {
	d.arena = d.arena[:0]
	d.ev = schema.Event{Billable: -1, Ported: -1, Valid: -1}
	d.step, d.part, d.parts, d.hasPart = 1, 0, 0, false
	d.measure = schema.SMSMeasure{}
	d.times.occurred, d.times.submitted = nil, nil
	d.price, d.hasPrice, d.faults, d.unknown = nil, false, nil, nil
}

// fail keeps a fault. The walk goes on, so that the sender learns of all faults at once.
func (d *Decoder) fail(reason schema.Reason, field string, value []byte, rule string) error {
	d.faults = append(d.faults, fieldError(reason, field, value, rule))
	if d.scanning {
		return errStop
	}
	return nil
}

// failType is fail for a value of the wrong type, which has not been read yet.
func (d *Decoder) failType(field, rule string) error {
	if err := d.fail(schema.ReasonWrongType, field, nil, "holds "+kindName(d.kind())+"; "+rule); err != nil {
		return err
	}
	return d.skip(1)
}

// faulty reports whether the field has a fault already.
func (d *Decoder) faulty(field string) bool {
	return slices.ContainsFunc(d.faults, func(f *schema.FieldError) bool { return f.Field == field })
}

// refusal joins the faults that were found.
func (d *Decoder) refusal() *schema.FieldError {
	first := *d.faults[0]
	first.Others = d.faults[1:]
	return &first
}

func (d *Decoder) readField(_ *jx.Decoder, key []byte) error {
	switch string(key) {
	case "account":
		return d.text("account", &d.ev.Account, schema.MaxTextBytes)
	case "message_id":
		return d.text("message_id", &d.ev.MessageID, schema.MaxIDBytes)
	case "recipient":
		return d.text("recipient", &d.ev.Recipient, schema.MaxIDBytes)
	case "contact":
		return d.text("contact", &d.ev.Contact, schema.MaxTextBytes)
	case "campaign":
		return d.text("campaign", &d.ev.Campaign, schema.MaxTextBytes)
	case "template":
		return d.text("template", &d.ev.Template, schema.MaxTextBytes)
	case "sender":
		return d.text("sender", &d.ev.Sender, schema.MaxTextBytes)
	case "provider":
		return d.text("provider", &d.ev.Provider, schema.MaxTextBytes)
	case "app":
		return d.text("app", &d.ev.App, schema.MaxTextBytes)
	case "operator":
		return d.text("operator", &d.ev.Operator, schema.MaxTextBytes)
	case "error_code":
		return d.text("error_code", &d.ev.ErrorCode, schema.MaxTextBytes)
	case "currency":
		return d.text("currency", &d.ev.Currency, schema.MaxTextBytes)
	case "event_id":
		return d.text("event_id", &d.ev.EventID, schema.MaxTextBytes)
	case "sms_text":
		return d.text("sms_text", &d.ev.SMSText, 4*schema.MaxSMSCharacters)
	case "channel":
		return d.enum("channel", channelNames, &d.ev.Channel)
	case "traffic":
		return d.enum("traffic", schema.Traffics, &d.ev.Traffic)
	case "trigger":
		return d.enum("trigger", schema.Triggers, &d.ev.Trigger)
	case "status":
		return d.status()
	case "occurred_at":
		return d.text("occurred_at", &d.times.occurred, schema.MaxTextBytes)
	case "submitted_at":
		return d.text("submitted_at", &d.times.submitted, schema.MaxTextBytes)
	case "owner_changed_at":
		return d.ownerChanged()
	case "step":
		return d.integer("step", &d.step, 1, schema.MaxStep)
	case "segments":
		return d.uint16("segments", &d.ev.Segments)
	case "sms_segments":
		return d.uint16("sms_segments", &d.ev.SMSSegments)
	case "sms_segments_plain":
		return d.uint16("sms_segments_plain", &d.measure.Plain)
	case "sms_over_by":
		return d.uint16("sms_over_by", &d.measure.OverBy)
	case "sms_forced_chars":
		return d.uint16("sms_forced_chars", &d.measure.ForcedChars)
	case "part":
		d.hasPart = d.kind() != jx.Null
		return d.integer("part", &d.part, 0, 255)
	case "parts":
		return d.integer("parts", &d.parts, 0, 255)
	case "permanent":
		var v int8
		err := d.boolean("permanent", &v)
		d.ev.Permanent = v == 1
		return err
	case "machine":
		var v int8
		err := d.boolean("machine", &v)
		d.ev.Machine = v == 1
		return err
	case "billable":
		return d.boolean("billable", &d.ev.Billable)
	case "country":
		return d.country()
	case "ported":
		return d.boolean("ported", &d.ev.Ported)
	case "valid":
		return d.boolean("valid", &d.ev.Valid)
	case "price":
		d.hasPrice = d.kind() != jx.Null
		return d.text("price", &d.price, schema.MaxTextBytes)
	}
	d.ev.UnknownFields++
	if d.NameUnknown && len(d.unknown) < maxUnknownNames {
		d.unknown = append(d.unknown, string(key))
	}
	if d.scanning {
		return nil
	}
	return d.skip(1)
}

// text reads a string, or a number by its digits (providers send codes and ids both ways). null is missing.
func (d *Decoder) text(field string, to *[]byte, limit int) error {
	start := len(d.arena)
	var err error
	t := d.kind()
	switch {
	case t == jx.Null:
		*to = nil
		return d.null()
	case t != jx.String && t != jx.Number:
		return d.failType(field, "must be a string")
	case d.scanning:
	case t == jx.String:
		d.arena, err = d.json.StrAppend(d.arena)
	default:
		var n jx.Num
		n, err = d.json.Num()
		d.arena = append(d.arena, n...)
	}
	if err != nil {
		return err
	}
	value := d.token.raw
	if !d.scanning {
		value = d.arena[start:len(d.arena):len(d.arena)]
	}
	if len(value) > limit && field != "sms_text" {
		return d.fail(schema.ReasonTooLong, field, value,
			fmt.Sprintf("is %d bytes long; the limit is %d", len(value), limit))
	}
	if field == "sms_text" && utf8.RuneCount(value) > schema.MaxSMSCharacters {
		return d.fail(schema.ReasonTooLong, field, nil,
			fmt.Sprintf("is longer than %d characters", schema.MaxSMSCharacters))
	}
	*to = value
	return nil
}

func (d *Decoder) enum(field string, names []string, to *string) error {
	var raw []byte
	if err := d.text(field, &raw, schema.MaxTextBytes); err != nil {
		return err
	}
	if len(raw) == 0 {
		*to = ""
		return nil
	}
	name, ok := canonicalName(names, raw)
	if !ok {
		return d.fail(schema.ReasonUnknownValue, field, raw, oneOf(names))
	}
	*to = name
	return nil
}

func (d *Decoder) status() error {
	var raw []byte
	if err := d.text("status", &raw, schema.MaxTextBytes); err != nil {
		return err
	}
	d.ev.Status = schema.Statuses.Find(raw)
	if len(raw) > 0 && d.ev.Status == 0 {
		return d.fail(schema.ReasonUnknownValue, "status", raw, oneOf(schema.Statuses.Names()))
	}
	return nil
}

// integer reads a whole number in [lo, hi], as a JSON number or as digits in a string; null leaves the default.
func (d *Decoder) integer(field string, to *int64, lo, hi int64) error {
	rule := func() string { return fmt.Sprintf("must be a whole number, %d…%d", lo, hi) }
	switch t := d.kind(); t {
	case jx.Null:
		return d.null()
	case jx.Number, jx.String:
		raw, err := d.digits(t)
		if err != nil {
			return err
		}
		if t == jx.String && len(raw) == 0 {
			return nil // empty and missing are the same
		}
		n, ok := wholeNumber(raw)
		if !ok || n < lo || n > hi {
			return d.fail(schema.ReasonOutOfRange, field, raw, rule())
		}
		*to = n
		return nil
	default:
		return d.failType(field, rule())
	}
}

// digits reads the bytes of a number, or of a string.
func (d *Decoder) digits(t jx.Type) ([]byte, error) {
	if t == jx.Number {
		return d.number()
	}
	if d.scanning {
		return d.token.raw, nil
	}
	start := len(d.arena)
	var err error
	d.arena, err = d.json.StrAppend(d.arena)
	return d.arena[start:], err
}

func (d *Decoder) uint16(field string, to *uint16) error {
	n := int64(*to)
	err := d.integer(field, &n, 0, 65535)
	*to = uint16(n)
	return err
}

func (d *Decoder) boolean(field string, to *int8) error {
	switch d.kind() {
	case jx.Null:
		return d.null()
	case jx.Bool:
		v, err := d.bool()
		*to = 0
		if v {
			*to = 1
		}
		return err
	default:
		return d.failType(field, "must be true or false")
	}
}

func (d *Decoder) country() error {
	var raw []byte
	if err := d.text("country", &raw, schema.MaxTextBytes); err != nil {
		return err
	}
	if d.ev.SaidCountry = raw; len(raw) > 0 && !schema.KnownCountry(string(raw)) {
		return d.fail(schema.ReasonUnknownValue, "country", raw,
			"must be an ISO 3166 code of two capital letters such as RU")
	}
	return nil
}

func (d *Decoder) ownerChanged() error {
	var raw []byte
	if err := d.text("owner_changed_at", &raw, schema.MaxTextBytes); err != nil || len(raw) == 0 {
		return err
	}
	ms, ok := schema.ParseTime(raw)
	if !ok {
		return d.fail(schema.ReasonBadTime, "owner_changed_at", raw, timeRule)
	}
	d.ev.OwnerChangedMS = ms
	return nil
}

const timeRule = "must be an RFC 3339 time with its zone such as 2026-11-20T13:00:00.000+03:00, or Unix seconds (10 " +
	"digits) or milliseconds (13)"

// wholeNumber reads an integer literal of at most 18 digits.
func wholeNumber(raw []byte) (int64, bool) {
	negative := len(raw) > 0 && raw[0] == '-'
	if negative {
		raw = raw[1:]
	}
	if len(raw) == 0 || len(raw) > 18 {
		return 0, false
	}
	n, ok := schema.Digits(raw)
	if negative {
		n = -n
	}
	return n, ok
}

func kindName(t jx.Type) string {
	switch t {
	case jx.Object:
		return "an object"
	case jx.Array:
		return "an array"
	case jx.String:
		return "a string"
	case jx.Number:
		return "a number"
	case jx.Bool:
		return "true or false"
	case jx.Null:
		return "null"
	}
	return "something that is not JSON"
}

// skip passes over an unknown value of any shape, at most MaxDepth levels deep.
func (d *Decoder) skip(depth int) error {
	if depth > schema.MaxDepth {
		d.faults = append(d.faults, fieldError(schema.ReasonMalformed, "", nil,
			fmt.Sprintf("is nested deeper than %d levels", schema.MaxDepth)))
		return errStop
	}
	switch d.json.Next() {
	case jx.Object:
		return d.json.ObjBytes(func(*jx.Decoder, []byte) error { return d.skip(depth + 1) })
	case jx.Array:
		return d.json.Arr(func(*jx.Decoder) error { return d.skip(depth + 1) })
	}
	return d.json.Skip()
}
