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

// Names of the enumerations, in the order in which errors list them. States of messages store their places (package
// state), so a new one goes to the end.
var (
	Traffics = []string{"otp", "transactional", "service", "promo"}
	Triggers = []string{"first", "undelivered", "unread", "no_app", "expired", "rejected", "manual"}
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
