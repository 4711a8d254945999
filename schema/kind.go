package schema

import "strings"

// The kinds of recipients whose health is known.
const (
	KindPhone = "phone"
	KindEmail = "email"
)

// Kind is a kind of recipients, recognized by what they begin with.
type Kind struct {
	Name, Prefix string
	// Health means that Kaskad finds out who of them is dead.
	Health bool
}

// Kinds are all kinds of recipients; of those with health the first is the default of lists.
var Kinds = []Kind{
	{KindPhone, "+", true},
	{"user", "user:", false},
	{"device", "device:", false},
	{KindEmail, "email:", true},
}

// HealthKinds returns the names of the kinds that have health.
func HealthKinds() (names []string) {
	for _, k := range Kinds {
		if k.Health {
			names = append(names, k.Name)
		}
	}
	return names
}

// KindPrefix returns what recipients of the kind begin with.
func KindPrefix(kind string) string {
	for _, k := range Kinds {
		if k.Name == kind {
			return k.Prefix
		}
	}
	return ""
}

// KindOf returns the kind of a recipient, "" for one whose health nobody knows: a device, a user of a messenger.
func KindOf(recipient string) string {
	for _, k := range Kinds {
		if k.Health && strings.HasPrefix(recipient, k.Prefix) {
			return k.Name
		}
	}
	return ""
}
