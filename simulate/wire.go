package simulate

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The statuses of a message, in the order in which the model keeps their times.
const (
	queued = iota
	accepted
	sent
	delivered
	read
	clicked
	replied
	undelivered
	rejected
	expired
	failed
	skipped
	statuses
)

// statusNames are the message statuses of docs/events.md, at the index of their constant.
var statusNames = [statuses]string{"queued", "accepted", "sent", "delivered", "read", "clicked", "replied",
	"undelivered", "rejected", "expired", "failed", "skipped"}

// errNotAnObject is what Model.Add says of a line that is no JSON object with fields of the right types.
var errNotAnObject = errors.New("line: not a JSON object of an event")

const (
	hourMS = int64(time.Hour / time.Millisecond)
	dayMS  = 24 * hourMS

	// Events outside [now − maxAge, now + maxAhead] are refused, and an id's time outside it around the event's own time is no cohort.
	maxAge   = 400 * dayMS
	maxAhead = hourMS
)

// said is a boolean that may be missing.
type said int8

const (
	unsaid said = iota
	saidFalse
	saidTrue
)

// UnmarshalJSON reads true or false; null says nothing.
func (s *said) UnmarshalJSON(text []byte) error {
	switch string(text) {
	case "true":
		*s = saidTrue
	case "false":
		*s = saidFalse
	case "null":
	default:
		return fmt.Errorf("%s is neither true nor false", text)
	}
	return nil
}

// wireEvent is the event as it stands in JSON. Numbers that are missing read as 0, which the definitions treat alike.
type wireEvent struct {
	Account        string `json:"account"`
	Contact        string `json:"contact"`
	MessageID      string `json:"message_id"`
	SubmittedAt    string `json:"submitted_at"`
	Step           int64  `json:"step"`
	Channel        string `json:"channel"`
	Status         string `json:"status"`
	OccurredAt     string `json:"occurred_at"`
	Recipient      string `json:"recipient"`
	Campaign       string `json:"campaign"`
	Template       string `json:"template"`
	Sender         string `json:"sender"`
	Provider       string `json:"provider"`
	App            string `json:"app"`
	Operator       string `json:"operator"`
	Traffic        string `json:"traffic"`
	Segments       int64  `json:"segments"`
	SMSSegments    int64  `json:"sms_segments"`
	SMSText        string `json:"sms_text"`
	Part           int64  `json:"part"`
	Parts          int64  `json:"parts"`
	ErrorCode      string `json:"error_code"`
	Permanent      said   `json:"permanent"`
	Trigger        string `json:"trigger"`
	Price          string `json:"price"`
	Currency       string `json:"currency"`
	Ported         said   `json:"ported"`
	Valid          said   `json:"valid"`
	OwnerChangedAt string `json:"owner_changed_at"`
	EventID        string `json:"event_id"`
}

// parsed is a valid event. status is −1 for the events about a recipient, which belong to no message.
type parsed struct {
	status                int
	occurred, submittedAt int64 // Unix milliseconds; submittedAt is 0 when the event does not carry it.
	ownerChanged          int64 // Unix milliseconds of owner_changed_at, 0 without.
}

// parse decodes a line into w and checks it by the "Refused" list of docs/events.md.
func parse(line []byte, w *wireEvent, now int64) (parsed, error) {
	*w = wireEvent{}
	if !decodeFlat(string(line), w) {
		*w = wireEvent{}
		if err := json.Unmarshal(line, w); err != nil {
			return parsed{}, fmt.Errorf("%w: %w", errNotAnObject, err)
		}
	}
	p := parsed{status: -1}
	for i, name := range statusNames {
		if name == w.Status {
			p.status = i
		}
	}
	switch {
	case w.Account == "":
		return p, errors.New("account: missing")
	case w.Recipient == "":
		return p, errors.New("recipient: missing")
	case w.Status == "":
		return p, errors.New("status: missing")
	case p.status < 0 && !oneOf(w.Status, "subscribed", "unsubscribed", "uninstalled", "complained", "blocked", "lookup"):
		return p, fmt.Errorf("status: %q is unknown", w.Status)
	case w.MessageID == "" && p.status >= 0:
		return p, errors.New("message_id: missing")
	case w.Channel == "" && w.Status != "lookup":
		return p, errors.New("channel: missing")
	case w.Channel != "" && settling(w.Channel) == 0:
		return p, fmt.Errorf("channel: %q is unknown", w.Channel)
	case w.Traffic != "" && !oneOf(w.Traffic, "otp", "transactional", "service", "promo"):
		return p, fmt.Errorf("traffic: %q is unknown", w.Traffic)
	case w.Trigger != "" && !oneOf(w.Trigger, "first", "undelivered", "unread", "no_app", "expired", "rejected", "manual"):
		return p, fmt.Errorf("trigger: %q is unknown", w.Trigger)
	case !validRecipient(w.Recipient):
		return p, fmt.Errorf("recipient: %q is malformed", w.Recipient)
	}
	if err := w.checkNumbers(); err != nil {
		return p, err
	}
	if err := w.checkLengths(); err != nil {
		return p, err
	}
	var err error
	if p.occurred, err = instant("occurred_at", w.OccurredAt, now); err != nil {
		return p, err
	}
	if w.SubmittedAt != "" {
		if p.submittedAt, err = instant("submitted_at", w.SubmittedAt, now); err != nil {
			return p, err
		}
	}
	if w.OwnerChangedAt != "" {
		t, err := time.Parse(time.RFC3339, w.OwnerChangedAt)
		if err != nil {
			return p, fmt.Errorf("owner_changed_at: %w", err)
		}
		p.ownerChanged = t.UnixMilli()
	}
	return p, nil
}

func (w *wireEvent) checkNumbers() error {
	switch {
	case w.Step < 0 || w.Step > 32:
		return fmt.Errorf("step: %d is outside 1…32", w.Step)
	case w.Segments < 0 || w.Segments > 65535:
		return fmt.Errorf("segments: %d is outside 0…65535", w.Segments)
	case w.SMSSegments < 0 || w.SMSSegments > 65535:
		return fmt.Errorf("sms_segments: %d is outside 0…65535", w.SMSSegments)
	case w.Parts < 0 || w.Parts > 255:
		return fmt.Errorf("parts: %d is outside 1…255", w.Parts)
	case w.Part < 0 || w.Part > w.Parts:
		return fmt.Errorf("part: %d is outside 1…parts (%d)", w.Part, w.Parts)
	case w.Price != "" && w.Currency == "":
		return errors.New("price: given without a currency")
	case w.Price != "" && !validPrice(w.Price):
		return fmt.Errorf("price: %q is not a decimal with at most 6 decimals, up to 1 000 000 000", w.Price)
	case w.Currency != "" && !validCurrency(w.Currency):
		return fmt.Errorf("currency: %q is not a code of ISO 4217", w.Currency)
	}
	return nil
}

func (w *wireEvent) checkLengths() error {
	if len(w.MessageID) > 128 || len(w.Recipient) > 128 {
		return errors.New("message_id, recipient: longer than 128 bytes")
	}
	for _, s := range [...]string{w.Account, w.Contact, w.Campaign, w.Template, w.Sender, w.Provider, w.App, w.Operator,
		w.ErrorCode, w.Price, w.Currency, w.EventID} {
		if len(s) > 256 {
			return errors.New("string: longer than 256 bytes")
		}
	}
	if len(w.SMSText) > 10_000 && utf8.RuneCountInString(w.SMSText) > 10_000 {
		return errors.New("sms_text: longer than 10 000 characters")
	}
	return nil
}

// instant reads an RFC 3339 time as Unix milliseconds, further digits cut.
func instant(field, text string, now int64) (int64, error) {
	if text == "" {
		return 0, fmt.Errorf("%s: missing", field)
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", field, err)
	}
	ms := t.UnixMilli()
	if ms < now-maxAge || ms > now+maxAhead {
		return 0, fmt.Errorf("%s: %s is outside [now − 400 d, now + 1 h]", field, text)
	}
	return ms, nil
}

func oneOf(s string, names ...string) bool {
	for _, name := range names {
		if s == name {
			return true
		}
	}
	return false
}

func validRecipient(s string) bool {
	digits, phone := strings.CutPrefix(s, "+")
	if !phone {
		for _, prefix := range [...]string{"user:", "device:", "email:"} {
			if rest, found := strings.CutPrefix(s, prefix); found {
				return rest != ""
			}
		}
		return false
	}
	return len(digits) >= 7 && len(digits) <= 15 && digits[0] != '0' && strings.Trim(digits, "0123456789") == ""
}

func validPrice(s string) bool {
	_, valid := micros(s)
	return valid
}

// micros returns a price of 0…1 000 000 000 with at most 6 decimals in micro-units, and false for any other text.
func micros(s string) (int64, bool) {
	whole, fraction, point := strings.Cut(s, ".")
	if whole == "" || strings.Trim(whole+fraction, "0123456789") != "" || len(fraction) > 6 || point != (fraction != "") {
		return 0, false
	}
	digits := strings.TrimLeft(whole+fraction+"000000"[len(fraction):], "0")
	if digits == "" {
		return 0, true
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil && n <= 1_000_000_000*1_000_000
}

func validCurrency(s string) bool {
	return len(s) == 3 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// idTime returns the Unix milliseconds inside a UUIDv7 or a ULID, and false for any other id.
func idTime(id string) (int64, bool) {
	switch len(id) {
	case 36:
		return uuidTime(id)
	case 26:
		return ulidTime(id)
	}
	return 0, false
}

func uuidTime(id string) (int64, bool) {
	var ms int64
	for i := range len(id) {
		c := id[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return 0, false
			}
			continue
		}
		digit := strings.IndexByte("0123456789abcdef", c|0x20)
		if digit < 0 || (c < '0' || c > '9') && c < 'A' {
			return 0, false
		}
		if i < 13 {
			ms = ms<<4 | int64(digit)
		}
	}
	return ms, id[14] == '7' && strings.IndexByte("89abAB", id[19]) >= 0
}

func ulidTime(id string) (int64, bool) {
	var ms int64
	for i := range len(id) {
		c := id[i]
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		digit := strings.IndexByte("0123456789ABCDEFGHJKMNPQRSTVWXYZ", c)
		if digit < 0 {
			return 0, false
		}
		if i < 10 {
			ms = ms<<5 | int64(digit)
		}
	}
	return ms, id[0] <= '7' // 128 bits leave 3 for the first of 26 characters.
}
