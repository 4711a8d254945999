package schema

import (
	"strconv"
	"strings"
	"time"
)

// Limits of an event's fields (docs/events.md). Text limits are bytes but for sms_text, which counts characters.
const (
	MaxIDBytes       = 128
	MaxTextBytes     = 256
	MaxSMSCharacters = 10_000
	MaxStep          = 32
	MaxDepth         = 16

	// MaxAge and MaxAhead bound occurred_at and submitted_at around now, so that a broken clock cannot scatter facts
	// over centuries.
	MaxAge   = 400 * 24 * time.Hour
	MaxAhead = time.Hour

	// Never stands for a time that was not seen: later than any real time, so that it loses every minimum.
	Never int64 = 9_999_999_999_999
)

// Status is what happened to a message or to a recipient. The numbers are stored (migrations/00001_facts.sql) and never
// change.
type Status uint8

// The statuses. Queued to Skipped speak of an attempt, the others of a recipient.
const (
	Queued Status = iota + 1
	Accepted
	Sent
	Delivered
	Read
	Clicked
	Replied
	Undelivered
	Rejected
	Expired
	Failed
	Skipped
	Subscribed
	Unsubscribed
	Uninstalled
	Complained
	Blocked
	Lookup
	// Inbound is a message from the customer that answers none of ours.
	Inbound

	// machineOpen is how a read or click by a program is stored: it proves delivery and nothing else. No event names
	// it.
	MachineOpen
)

var statusNames = [...]string{"", "queued", "accepted", "sent", "delivered", "read", "clicked", "replied",
	"undelivered", "rejected",
	"expired", "failed", "skipped", "subscribed", "unsubscribed", "uninstalled", "complained", "blocked", "lookup",
	"inbound"}

// String returns the name used in events.
func (s Status) String() string { return statusNames[s] }

// OfMessage tells whether the status speaks of an attempt rather than of a recipient.
func (s Status) OfMessage() bool { return s <= Skipped }

// MovesFigures reports whether an event of a recipient changes figures that are computed ahead: verdicts on numbers,
// conversations, and what messages are blamed for. The others are looked at when a report is read.
func (s Status) MovesFigures() bool {
	switch s {
	case Lookup, Inbound, Subscribed, Unsubscribed, Complained, Blocked:
		return true
	}
	return false
}

// Failure tells whether the status is one of undelivered, rejected, expired, failed.
func (s Status) Failure() bool { return s >= Undelivered && s <= Failed }

// Names of the enumerations, in the order in which errors list them.
var (
	Channels = []string{"sms", "push", "viber", "whatsapp", "vk", "ok", "telegram", "messenger", "instagram", "rcs",
		"email", "flash_call", "voice"}
	Traffics = []string{"otp", "transactional", "service", "promo"}
	Triggers = []string{"first", "undelivered", "unread", "no_app", "expired", "rejected", "manual"}
	Statuses = statusNames[1:]
)

// Event is one decoded and validated event. Its byte slices point into the decoder and hold until the next Decode.
// Empty text, 0 and missing are the same (docs/definitions.md section 1).
type Event struct {
	Account, MessageID, Recipient, Contact              []byte
	Campaign, Template, Sender, Provider, App, Operator []byte
	ErrorCode, Currency, SMSText, EventID               []byte
	Channel, Traffic, Trigger                           string
	Status                                              Status
	Step, Part, Parts                                   uint8
	Segments, SMSSegments                               uint16
	SMSMeasure                                          uint32 // packed by PackSMSMeasure
	OccurredMS, SubmittedMS, OwnerChangedMS             int64
	PriceMicros                                         int64
	Permanent, Machine                                  bool
	Billable, Ported, Valid                             int8   // -1 unknown, 0 false, 1 true
	SaidCountry                                         []byte // field country: of a recipient that is no phone number
	// of the recipient itself: libphonenumber's, or that of a user:CC.… id
	Country  string
	IDTimeMS int64 // time inside a UUIDv7 or ULID message_id, else 0
	// start of the hour where the message is stored; 0 while unknown
	BucketMS        int64
	IDTimePlausible bool // the id's time may serve as the cohort
	UnknownFields   int
}

// Reason classifies why an event was refused; dead letters are counted by it.
type Reason string

// The reasons of refusal.
const (
	ReasonMalformed    Reason = "malformed_json"
	ReasonMissing      Reason = "missing_field"
	ReasonUnknownValue Reason = "unknown_value"
	ReasonOutOfRange   Reason = "out_of_range"
	ReasonWrongType    Reason = "wrong_type"
	ReasonTooLong      Reason = "too_long"
	ReasonBadTime      Reason = "bad_time"
	ReasonTimeWindow   Reason = "time_out_of_window"
	ReasonBadRecipient Reason = "bad_recipient"
	ReasonBadPrice     Reason = "bad_price"
	ReasonBadPart      Reason = "bad_part"
	ReasonNoCohort     Reason = "no_cohort"
	ReasonUnstorable   Reason = "unstorable"
)

// FieldError says which field of an event is wrong, its value, and the rule it breaks.
type FieldError struct {
	Reason Reason
	Field  string // "" when the whole event is unreadable
	Value  string // as sent, shortened; phone numbers are masked
	Rule   string
	// Others are the event's further faults, in the order in which they were found; they have no others themselves.
	Others []*FieldError
}

// Error reads "field: value: rule", for every fault of the event, joined by "; ".
func (e *FieldError) Error() string {
	texts := []string{e.text()}
	for _, other := range e.Others {
		texts = append(texts, other.text())
	}
	return strings.Join(texts, "; ")
}

func (e *FieldError) text() string {
	var b strings.Builder
	if e.Field != "" {
		b.WriteString(e.Field)
		b.WriteString(": ")
	}
	if e.Value != "" {
		b.WriteString(strconv.Quote(e.Value))
		b.WriteString(" ")
	}
	b.WriteString(e.Rule)
	return b.String()
}
