package schema

import "slices"

// Weight is what a failure of a class means for the health of a phone number or an e-mail address (docs/definitions.md
// section 5).
type Weight string

// The weights.
const (
	WeightHard  Weight = "hard"  // the recipient cannot be reached: a few failures in different mailings make it dead
	WeightSoft  Weight = "soft"  // the recipient could not be reached now: many failures over weeks make it dead
	WeightNever Weight = "never" // says nothing about the recipient
)

// Class says why an attempt failed, in the same terms for all providers.
type Class struct {
	Name string `json:"name"`
	// Scope is what the reason belongs to: a number, a person on a channel, a content and so on. Permanence is how long
	// it lasts.
	Scope      string `json:"scope"`
	Permanence string `json:"permanence"`
	// Weight is that for phone numbers, EmailWeight that for e-mail addresses.
	Weight      Weight `json:"weight"`
	EmailWeight Weight `json:"email_weight"`
}

// Classes are all reason classes, in the order in which errors list them.
var Classes = []Class{
	{"unknown_subscriber", "number", "permanent", WeightHard, WeightNever},
	{"invalid_format", "number", "permanent", WeightHard, WeightNever},
	{"not_sms_capable", "number", "semi-permanent", WeightHard, WeightNever},
	{"deactivated", "number", "permanent", WeightHard, WeightNever},
	{"absent_subscriber", "number", "temporary", WeightSoft, WeightNever},
	{"memory_full", "number", "temporary", WeightSoft, WeightNever},
	{"handset_busy", "number", "temporary", WeightSoft, WeightNever},
	{"barred", "number", "long", WeightSoft, WeightNever},
	{"roaming", "number", "temporary", WeightSoft, WeightNever},
	{"expired", "number", "unknown", WeightSoft, WeightSoft},
	{"no_mailbox", "address", "permanent", WeightNever, WeightHard},
	{"mailbox_full", "address", "temporary", WeightNever, WeightSoft},
	{"not_answered", "call", "temporary", WeightNever, WeightNever},
	{"blocked_by_user", "channel", "until changed", WeightNever, WeightNever},
	{"opted_out", "channel", "until changed", WeightNever, WeightNever},
	{"dnd", "channel", "until changed", WeightNever, WeightNever},
	{"channel_not_registered", "channel", "long", WeightNever, WeightNever},
	{"app_uninstalled", "token", "permanent", WeightNever, WeightNever},
	{"token_invalid", "token", "permanent", WeightNever, WeightNever},
	{"spam_filtered", "content", "until changed", WeightNever, WeightNever},
	{"content_rejected", "content", "until changed", WeightNever, WeightNever},
	{"sender_not_allowed", "sender", "until changed", WeightNever, WeightNever},
	{"template_rejected", "sender", "until changed", WeightNever, WeightNever},
	{"reputation_block", "sender", "temporary", WeightNever, WeightNever},
	{"frequency_capped", "policy", "temporary", WeightNever, WeightNever},
	{"window_closed", "session", "temporary", WeightNever, WeightNever},
	{"network_congestion", "network", "temporary", WeightNever, WeightNever},
	{"system_failure", "network", "temporary", WeightNever, WeightNever},
	{"route_error", "network", "temporary", WeightNever, WeightNever},
	{"account", "account", "until changed", WeightNever, WeightNever},
	{"duplicate", "account", "until changed", WeightNever, WeightNever},
	{"cancelled", "account", "until changed", WeightNever, WeightNever},
	{"price_limit", "account", "until changed", WeightNever, WeightNever},
	{"unknown", "unknown", "unknown", WeightSoft, WeightSoft},
}

// The classes that a failure without a line gets (docs/definitions.md section 5).
const (
	ClassExpired = "expired"
	ClassUnknown = "unknown"
)

// ClassNames returns the names of all classes, in the order of [Classes].
func ClassNames() []string {
	names := make([]string, len(Classes))
	for i, c := range Classes {
		names[i] = c.Name
	}
	return names
}

// ClassHard reports whether failures of the class are hard ones for recipients of the kind.
func ClassHard(kind, class string) bool { return weightOf(kind, class) == WeightHard }

// ClassSoft reports whether failures of the class are soft ones for recipients of the kind.
func ClassSoft(kind, class string) bool { return weightOf(kind, class) == WeightSoft }

// weightOf returns the weight of a class; a name that is no class never counts.
func weightOf(kind, class string) Weight {
	i := slices.IndexFunc(Classes, func(c Class) bool { return c.Name == class })
	switch {
	case i < 0:
		return WeightNever
	case kind == KindEmail:
		return Classes[i].EmailWeight
	}
	return Classes[i].Weight
}
