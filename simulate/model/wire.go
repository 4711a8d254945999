package model

import (
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
	Delivered
	read
	clicked
	replied
	Undelivered
	Rejected
	Expired
	Failed
	skipped
	statuses
)

// statusNames are the message statuses of docs/events.md, at the index of their constant.
var statusNames = [statuses]string{"queued", "accepted", "sent", "delivered", "read", "clicked", "replied",
	"undelivered", "rejected", "expired", "failed", "skipped"}

// errNotAnObject is what Model.Add says of a line that is no JSON object.
var errNotAnObject = errors.New("line: not a JSON object of an event")

const (
	hourMS = int64(time.Hour / time.Millisecond)
	dayMS  = 24 * hourMS

	// Events outside [now − maxAge, now + maxAhead] are refused, and an id's time outside it around the event's own
	// time is no cohort.
	maxAge   = 400 * dayMS
	maxAhead = hourMS
)

// said is a boolean that may be missing.
type said int8

const (
	Unsaid said = iota
	SaidFalse
	saidTrue
)

// saidZero stands for a step or a part that the event gives as 0, which is outside its range, where a missing one is
// not.
const saidZero = -1

// wireEvent is the event as it stands in JSON. What is missing reads as empty or 0, which the definitions treat alike.
type wireEvent struct {
	Account, Contact, MessageID, SubmittedAt, Channel, Status, OccurredAt, Recipient string

	Campaign, Template, Sender, Provider, App, Operator, Traffic, SMSText, ErrorCode, Trigger string

	Price, Currency, Country, OwnerChangedAt, EventID string

	Step, Segments, SMSSegments, Part, Parts int64

	Permanent, Billable, Machine, Ported, Valid said
}

// parsed is a valid event. status is −1 for the events about a recipient, which belong to no message.
type parsed struct {
	status                int
	occurred, submittedAt int64 // Unix milliseconds; submittedAt is 0 when the event does not carry it.
	ownerChanged          int64 // Unix milliseconds of owner_changed_at, 0 without.
}

// faults gathers what is wrong with a line: the first fault of each field.
type faults struct {
	fields, texts []string
}

func (f *faults) add(field, rule string, args ...any) {
	if !f.has(field) {
		f.fields = append(f.fields, field)
		f.texts = append(f.texts, field+": "+fmt.Sprintf(rule, args...))
	}
}

func (f *faults) has(field string) bool { return oneOf(field, f.fields...) }

// parse decodes a line into w and checks it by the "Refused" list of docs/events.md. The error names every fault.
func parse(line []byte, w *wireEvent, now int64) (parsed, error) {
	var f faults
	*w = wireEvent{}
	if !decodeFlat(string(line), w) {
		if err := decodeAny(line, w, &f); err != nil {
			return parsed{}, err
		}
	}
	p := parsed{status: -1}
	for i, name := range statusNames {
		if name == w.Status {
			p.status = i
		}
	}
	w.checkRequired(p.status >= 0, &f)
	w.checkNames(p.status >= 0, &f)
	w.checkNumbers(&f)
	w.checkLengths(&f)
	p.occurred = checkedInstant("occurred_at", w.OccurredAt, now, &f)
	p.submittedAt = checkedInstant("submitted_at", w.SubmittedAt, now, &f)
	if w.OwnerChangedAt != "" {
		t, err := instant(w.OwnerChangedAt)
		if err != nil {
			f.add("owner_changed_at", "%v", err)
		}
		p.ownerChanged = t
	}
	if len(f.texts) > 0 {
		return p, errors.New(strings.Join(f.texts, "; "))
	}
	return p, nil
}

func (w *wireEvent) checkRequired(ofMessage bool, f *faults) {
	for _, field := range [...]struct{ name, value string }{{"account", w.Account}, {"status", w.Status},
		{"recipient", w.Recipient}, {"occurred_at", w.OccurredAt}, {"channel", w.Channel},
		{"message_id", w.MessageID}} {
		optional := field.name == "channel" && w.Status == "lookup" || field.name == "message_id" && !ofMessage
		if field.value == "" && !optional {
			f.add(field.name, "missing")
		}
	}
}

func (w *wireEvent) checkNames(ofMessage bool, f *faults) {
	if w.Status != "" && !ofMessage &&
		!oneOf(w.Status, "subscribed", "unsubscribed", "uninstalled", "complained", "blocked", "lookup", "inbound") {
		f.add("status", "%q is unknown", w.Status)
	}
	if w.Channel != "" && Settling(w.Channel) == 0 {
		f.add("channel", "%q is unknown", w.Channel)
	}
	if w.Traffic != "" && !oneOf(w.Traffic, "otp", "transactional", "service", "promo") {
		f.add("traffic", "%q is unknown", w.Traffic)
	}
	if w.Trigger != "" && !oneOf(w.Trigger, "first", "undelivered", "unread", "no_app", "expired", "rejected",
		"manual") {
		f.add("trigger", "%q is unknown", w.Trigger)
	}
	if w.Country != "" && !capitals(w.Country, 2) {
		f.add("country", "%q is not a code of ISO 3166", w.Country)
	}
	if w.Recipient != "" && !validRecipient(w.Recipient) {
		f.add("recipient", "%q is malformed", w.Recipient)
	}
}

func (w *wireEvent) checkNumbers(f *faults) {
	if w.Step < 0 || w.Step > 32 {
		f.add("step", "outside 1…32")
	}
	if w.Segments < 0 || w.Segments > 65535 {
		f.add("segments", "%d is outside 0…65535", w.Segments)
	}
	if w.SMSSegments < 0 || w.SMSSegments > 65535 {
		f.add("sms_segments", "%d is outside 0…65535", w.SMSSegments)
	}
	if w.Parts < 0 || w.Parts > 255 {
		f.add("parts", "%d is outside 0…255", w.Parts)
	}
	if !f.has("parts") && (w.Part < saidZero || w.Part == saidZero && w.Parts > 0 || w.Part > w.Parts) {
		f.add("part", "outside 1…parts (%d)", w.Parts)
	}
	if w.Price == "" {
		return
	}
	if _, valid := micros(w.Price); !valid {
		f.add("price", "%q is not a decimal with at most 6 decimals, up to 1 000 000 000", w.Price)
	}
	if w.Currency == "" {
		f.add("currency", "missing beside a price")
	} else if !capitals(w.Currency, 3) {
		f.add("currency", "%q is not a code of ISO 4217", w.Currency)
	}
}

func (w *wireEvent) checkLengths(f *faults) {
	for _, name := range textFields() {
		text, limit := *w.textField(name), 256
		switch name {
		case "message_id", "recipient":
			limit = 128
		case "sms_text":
			limit = 4 * 10_000
			if utf8.RuneCountInString(text) > 10_000 {
				f.add(name, "longer than 10 000 characters")
			}
		}
		if len(text) > limit {
			f.add(name, "longer than %d bytes", limit)
		}
	}
}

// checkedInstant reads a time near now, 0 for none and for a bad one.
func checkedInstant(field, text string, now int64, f *faults) int64 {
	if text == "" {
		return 0
	}
	ms, err := instant(text)
	if err != nil {
		f.add(field, "%v", err)
	} else if ms < now-maxAge || ms > now+maxAhead {
		f.add(field, "%s is outside [now − 400 d, now + 1 h]", text)
	}
	return ms
}

// instant reads a time as Unix milliseconds, further digits cut: RFC 3339, also with +0300 or a blank for the T, or
// Unix seconds of 10 digits, or milliseconds of 13.
func instant(text string) (int64, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && text[0] >= '0' && text[0] <= '9' {
		switch len(text) {
		case 10:
			return n * 1000, nil
		case 13:
			return n, nil
		}
	}
	shape := strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' {
			return '9'
		}
		return c
	}, text)
	const day, clock = "9999-99-99", "99:99:99"
	// The library takes a comma for the point.
	if strings.Contains(text, ",") || len(shape) < len(day)+1+len(clock) || shape[:len(day)] != day ||
		!oneOf(shape[len(day):len(day)+1], "T", "t", " ") ||
		shape[len(day)+1:len(day)+1+len(clock)] != clock {
		return 0, fmt.Errorf("%q is no time of RFC 3339 or Unix time", text)
	}
	zone := strings.TrimLeft(strings.TrimPrefix(shape[len(day)+1+len(clock):], "."), "9")
	zoneAt := len(text) - len(zone)
	plain := text[:len(day)] + "T" + text[len(day)+1:zoneAt]
	switch zone {
	case "Z", "z":
		plain += "Z"
	case "+9999", "-9999":
		plain += text[zoneAt:zoneAt+3] + ":" + text[zoneAt+3:]
	default:
		plain += text[zoneAt:]
	}
	t, err := time.Parse(time.RFC3339, plain)
	if err != nil {
		return 0, fmt.Errorf("%q is no time with a zone: %w", text, err)
	}
	return t.UnixMilli(), nil
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

// micros returns a price of 0…1 000 000 000 with at most 6 decimals, zeros beyond them cut, in micro-units, and false
// for any other text.
func micros(s string) (int64, bool) {
	whole, fraction, point := strings.Cut(s, ".")
	if whole == "" || strings.Trim(whole+fraction, "0123456789") != "" || point != (fraction != "") {
		return 0, false
	}
	for len(fraction) > 6 && strings.HasSuffix(fraction, "0") {
		fraction = fraction[:len(fraction)-1]
	}
	if len(fraction) > 6 {
		return 0, false
	}
	digits := strings.TrimLeft(whole+fraction+"000000"[len(fraction):], "0")
	if digits == "" {
		return 0, true
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil && n <= 1_000_000_000*1_000_000
}

// capitals tells whether the text is of so many capital letters.
func capitals(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// Pointer returns nil for what is not said.
func (s said) Pointer() *bool {
	if s == Unsaid {
		return nil
	}
	value := s == saidTrue
	return &value
}
