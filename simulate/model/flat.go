package model

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// decodeFlat decodes the plain case of an event, in a third of the time of encoding/json: an object of known fields, in
// strings without escapes, short whole numbers and booleans. It returns false for all else, right or wrong, and leaves
// that to decodeAny; a test holds both to the same result. The strings of w are pieces of line.
func decodeFlat(line string, w *wireEvent) bool {
	rest, open := strings.CutPrefix(line, "{")
	if !open {
		return false
	}
	for {
		name, after, ok := flatString(strings.TrimLeft(rest, " "))
		if !ok {
			return false
		}
		after, ok = strings.CutPrefix(strings.TrimLeft(after, " "), ":")
		if !ok {
			return false
		}
		if rest, ok = w.setFlat(name, strings.TrimLeft(after, " ")); !ok {
			return false
		}
		rest = strings.TrimLeft(rest, " ")
		if rest == "}" {
			return true
		}
		if rest, ok = strings.CutPrefix(rest, ","); !ok {
			return false
		}
	}
}

// setFlat sets the named field to the value that text starts with and returns what follows.
func (w *wireEvent) setFlat(name, text string) (rest string, ok bool) {
	if field := w.textField(name); field != nil {
		*field, rest, ok = flatString(text)
		return rest, ok
	}
	if field := w.numberField(name); field != nil {
		*field, rest, ok = flatNumber(text)
		// A zero is the slow decoder's: of some fields it is a fault.
		return rest, ok && *field != 0
	}
	field := w.saidField(name)
	if field == nil {
		return "", false
	}
	if rest, ok = strings.CutPrefix(text, "true"); ok {
		*field = saidTrue
		return rest, true
	}
	*field = SaidFalse
	return strings.CutPrefix(text, "false")
}

func (w *wireEvent) saidField(name string) *said {
	switch name {
	case "permanent":
		return &w.Permanent
	case "billable":
		return &w.Billable
	case "machine":
		return &w.Machine
	case "ported":
		return &w.Ported
	case "valid":
		return &w.Valid
	}
	return nil
}

// textFields are the names that textField knows.
func textFields() []string {
	return []string{"account", "contact", "message_id", "submitted_at", "channel", "status", "occurred_at", "recipient",
		"campaign", "template", "sender", "provider", "app", "operator", "traffic", "sms_text", "error_code", "trigger",
		"price", "currency", "country", "owner_changed_at", "event_id"}
}

func (w *wireEvent) textField(name string) *string {
	switch name {
	case "account":
		return &w.Account
	case "contact":
		return &w.Contact
	case "message_id":
		return &w.MessageID
	case "submitted_at":
		return &w.SubmittedAt
	case "channel":
		return &w.Channel
	case "status":
		return &w.Status
	case "occurred_at":
		return &w.OccurredAt
	case "recipient":
		return &w.Recipient
	case "campaign":
		return &w.Campaign
	case "template":
		return &w.Template
	case "sender":
		return &w.Sender
	case "provider":
		return &w.Provider
	case "app":
		return &w.App
	case "operator":
		return &w.Operator
	case "traffic":
		return &w.Traffic
	case "sms_text":
		return &w.SMSText
	case "error_code":
		return &w.ErrorCode
	case "trigger":
		return &w.Trigger
	case "price":
		return &w.Price
	case "currency":
		return &w.Currency
	case "country":
		return &w.Country
	case "owner_changed_at":
		return &w.OwnerChangedAt
	case "event_id":
		return &w.EventID
	}
	return nil
}

func (w *wireEvent) numberField(name string) *int64 {
	switch name {
	case "step":
		return &w.Step
	case "segments":
		return &w.Segments
	case "sms_segments":
		return &w.SMSSegments
	case "part":
		return &w.Part
	case "parts":
		return &w.Parts
	}
	return nil
}

// flatString reads a string without escapes.
func flatString(text string) (value, rest string, ok bool) {
	if text == "" || text[0] != '"' {
		return "", "", false
	}
	ascii := true
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			value = text[1:i]
			return value, text[i+1:], ascii || utf8.ValidString(value)
		case c == '\\' || c < ' ':
			return "", "", false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return "", "", false
}

// flatNumber reads a whole number of up to nine digits, without sign, fraction, exponent or leading zero.
func flatNumber(text string) (value int64, rest string, ok bool) {
	digits := 0
	for digits < len(text) && text[digits] >= '0' && text[digits] <= '9' {
		value = 10*value + int64(text[digits]-'0')
		if digits++; digits > 9 {
			return 0, "", false
		}
	}
	rest = text[digits:]
	// encoding/json takes no leading zero, and what follows must end the number.
	ok = digits > 0 && (digits == 1 || text[0] != '0') && rest != "" && strings.IndexByte(" ,}", rest[0]) >= 0
	return value, rest, ok
}

// decodeAny decodes any event. Of values of the wrong type it notes a fault of the field; the error is for a line that
// is no JSON object.
func decodeAny(line []byte, w *wireEvent, f *faults) error {
	*w = wireEvent{}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(line, &values); err != nil {
		return fmt.Errorf("%w: %w", errNotAnObject, err)
	}
	if values == nil || !utf8.Valid(line) {
		return errNotAnObject
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value := values[name]
		text, isText := string(value), false
		if value[0] == '"' {
			isText = true
			if err := json.Unmarshal(value, &text); err != nil {
				return fmt.Errorf("%w: %w", errNotAnObject, err)
			}
		}
		isNull := string(value) == "null"
		isNumber := value[0] == '-' || value[0] >= '0' && value[0] <= '9'
		if field := w.textField(name); field != nil && !isNull {
			if *field = text; !isText && !isNumber {
				*field = ""
				f.add(name, "%s is no text", value)
			}
		}
		if field := w.numberField(name); field != nil && !isNull && text != "" {
			whole, sign := strings.CutPrefix(text, "-")
			digits := strings.TrimLeft(whole, "0")
			n, err := strconv.ParseInt("0"+digits, 10, 64)
			switch {
			case whole == "" || strings.Trim(whole, "0123456789") != "" || sign && isText || err != nil:
				f.add(name, "%s is no whole number", value)
			case sign:
				f.add(name, "%s is negative", value)
			case n == 0 && oneOf(name, "step", "part"):
				*field = saidZero
			default:
				*field = n
			}
		}
		if field := w.saidField(name); field != nil {
			switch string(value) {
			case "true":
				*field = saidTrue
			case "false":
				*field = SaidFalse
			case "null":
			default:
				f.add(name, "%s is neither true nor false", value)
			}
		}
	}
	return nil
}
