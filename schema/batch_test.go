package schema

import (
	"slices"
	"testing"
)

// What is written in the place of a recipient leaves the country and the neighbours as they are.
func TestFacts_RewriteParties(t *testing.T) {
	var facts Facts
	for _, recipient := range []string{"+79001234567", "user:1", "+491700000000"} {
		ev := Event{Account: []byte("a"), Recipient: []byte(recipient), Contact: []byte("c-" + recipient),
			Country: "C" + recipient[1:2], Status: Sent}
		facts.Append(&ev)
	}
	facts.RewriteParties(func(p *Parties) {
		if string(p.Recipient) == "user:1" {
			p.Recipient, p.Contact = []byte("somebody else"), nil
		}
	})
	if got, want := facts.recipientCountry.strings(0, 3), []string{"+79001234567\x00C7", "somebody else\x00Cs",
		"+491700000000\x00C4"}; !slices.Equal(got, want) {
		t.Errorf("recipients %q, want %q", got, want)
	}
	if got, want := facts.contact.strings(0, 3), []string{"c-+79001234567", "",
		"c-+491700000000"}; !slices.Equal(got, want) {
		t.Errorf("contacts %q, want %q", got, want)
	}
}
