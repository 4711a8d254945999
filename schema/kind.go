package schema

import "strings"

// The kinds of recipients whose health is known.
const (
	KindPhone = "phone"
	KindEmail = "email"
)

// KindOf tells what a recipient is, "" for one whose health nobody knows: a device, a user of a messenger.
func KindOf(recipient string) string {
	switch {
	case strings.HasPrefix(recipient, "+"):
		return KindPhone
	case strings.HasPrefix(recipient, "email:"):
		return KindEmail
	}
	return ""
}
