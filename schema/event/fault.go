package event

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"kaskad/schema"
)

// Fields are the names of an event's fields, in the order of docs/events.md.
var Fields = []string{"account", "contact", "message_id", "submitted_at", "step", "channel", "status", "occurred_at",
	"recipient", "campaign",
	"template", "sender", "provider", "app", "operator", "traffic", "segments", "sms_segments", "sms_segments_plain",
	"sms_over_by",
	"sms_forced_chars", "sms_text", "part", "parts", "error_code",
	"permanent", "trigger", "price", "currency", "billable", "machine", "country", "ported", "valid",
	"owner_changed_at", "event_id"}

const shownBytes = 64

func fieldError(reason schema.Reason, field string, value []byte, rule string) *schema.FieldError {
	shown := string(value)
	if field == "recipient" || field == "contact" {
		shown = MaskRecipient(shown)
	}
	if len(shown) > shownBytes {
		cut := shownBytes
		for cut > 0 && !utf8.RuneStart(shown[cut]) {
			cut--
		}
		shown = shown[:cut] + "…"
	}
	return &schema.FieldError{Reason: reason, Field: field, Value: shown, Rule: rule}
}

// MaskRecipient hides all but the ends of a recipient: +79001234567 becomes +7900*****67. What is not a phone keeps its
// kind.
func MaskRecipient(r string) string {
	kind := ""
	if i := strings.IndexByte(r, ':'); i >= 0 && i < 8 {
		kind, r = r[:i+1], r[i+1:]
	}
	if len(r) <= 7 {
		return kind + strings.Repeat("*", len(r))
	}
	return kind + r[:5] + strings.Repeat("*", len(r)-7) + r[len(r)-2:]
}

func oneOf(names []string) string { return "must be one of " + strings.Join(names, " ") }

func timeText(ms int64) string {
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z07:00")
}

// canonicalName returns the shared copy of a name of the enumeration, so that no event allocates one.
func canonicalName(names []string, value []byte) (string, bool) {
	for _, n := range names {
		if n == string(value) {
			return n, true
		}
	}
	return "", false
}

// checkWindow refuses a time outside [now − 400 d, now + 1 h].
func checkWindow(field string, raw []byte, ms, nowMS int64) *schema.FieldError {
	if ms < nowMS-schema.MaxAge.Milliseconds() || ms > nowMS+schema.MaxAhead.Milliseconds() {
		return fieldError(schema.ReasonTimeWindow, field, raw,
			fmt.Sprintf("is outside of the accepted window, from %s to %s: check the sender's clock",
				timeText(nowMS-schema.MaxAge.Milliseconds()), timeText(nowMS+schema.MaxAhead.Milliseconds())))
	}
	return nil
}
