package schema

import "slices"

// Weight is what a failure of a class means for the health of a number (docs/definitions.md section 5).
type Weight string

// The weights.
const (
	WeightHard  Weight = "hard"  // the number cannot be reached: a few failures in different mailings make it dead
	WeightSoft  Weight = "soft"  // the number could not be reached now: many failures over weeks make it dead
	WeightNever Weight = "never" // says nothing about the number
)

// Class says why an attempt failed, in the same terms for all providers.
type Class struct {
	Name string `json:"name"`
	// Scope is what the reason belongs to: a number, a person on a channel, a content and so on. Permanence is how long it lasts.
	Scope      string `json:"scope"`
	Permanence string `json:"permanence"`
	Weight     Weight `json:"weight"`
}

// Classes are all reason classes, in the order in which errors list them.
var Classes = []Class{
	{"unknown_subscriber", "number", "permanent", WeightHard},
	{"invalid_format", "number", "permanent", WeightHard},
	{"not_sms_capable", "number", "semi-permanent", WeightHard},
	{"deactivated", "number", "permanent", WeightHard},
	{"absent_subscriber", "number", "temporary", WeightSoft},
	{"memory_full", "number", "temporary", WeightSoft},
	{"handset_busy", "number", "temporary", WeightSoft},
	{"barred", "number", "long", WeightSoft},
	{"roaming", "number", "temporary", WeightSoft},
	{"expired", "number", "unknown", WeightSoft},
	{"blocked_by_user", "channel", "until changed", WeightNever},
	{"opted_out", "channel", "until changed", WeightNever},
	{"dnd", "channel", "until changed", WeightNever},
	{"channel_not_registered", "channel", "long", WeightNever},
	{"app_uninstalled", "token", "permanent", WeightNever},
	{"token_invalid", "token", "permanent", WeightNever},
	{"spam_filtered", "content", "until changed", WeightNever},
	{"content_rejected", "content", "until changed", WeightNever},
	{"sender_not_allowed", "sender", "until changed", WeightNever},
	{"template_rejected", "sender", "until changed", WeightNever},
	{"frequency_capped", "policy", "temporary", WeightNever},
	{"window_closed", "session", "temporary", WeightNever},
	{"network_congestion", "network", "temporary", WeightNever},
	{"system_failure", "network", "temporary", WeightNever},
	{"route_error", "network", "temporary", WeightNever},
	{"account", "account", "until changed", WeightNever},
	{"duplicate", "account", "until changed", WeightNever},
	{"cancelled", "account", "until changed", WeightNever},
	{"price_limit", "account", "until changed", WeightNever},
	{"unknown", "unknown", "unknown", WeightSoft},
}

// ClassNames returns the names of all classes, in the order of [Classes].
func ClassNames() []string {
	names := make([]string, len(Classes))
	for i, c := range Classes {
		names[i] = c.Name
	}
	return names
}

// ClassesOf returns the names of the classes of a weight.
func ClassesOf(weight Weight) (names []string) {
	for _, c := range Classes {
		if c.Weight == weight {
			names = append(names, c.Name)
		}
	}
	return names
}

// ClassHard tells whether failures of the class are hard ones.
func ClassHard(class string) bool { return weightOf(class) == WeightHard }

// ClassSoft tells whether failures of the class are soft ones.
func ClassSoft(class string) bool { return weightOf(class) == WeightSoft }

// weightOf returns the weight of a class; a name that is no class never counts.
func weightOf(class string) Weight {
	i := slices.IndexFunc(Classes, func(c Class) bool { return c.Name == class })
	if i < 0 {
		return WeightNever
	}
	return Classes[i].Weight
}
