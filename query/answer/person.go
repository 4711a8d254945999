package answer

import "regexp"

var person = regexp.MustCompile(`(?i)\+([\s().-]*[0-9]){7}|\b(user|device|email):`)

// NamesPerson reports whether a text names a person: by a phone number with its plus, or a recipient of another kind.
// Texts that people write and that no erasure looks into must not.
func NamesPerson(text string) bool { return person.MatchString(text) }
