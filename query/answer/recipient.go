package answer

import (
	"fmt"
	"slices"
	"strings"

	"kaskad/schema"
)

// RecipientKinds are the kinds of recipients that have health; the first is the default of lists.
var RecipientKinds = schema.HealthKinds()

// Kind reads parameter kind of a list.
func (p *Params) Kind() string {
	kind, given := p.One("kind")
	if !given {
		return RecipientKinds[0]
	}
	if !slices.Contains(RecipientKinds, kind) {
		p.Fail("kind", fmt.Sprintf("%q is no kind of recipient; %s", Shorten(kind), Suggest(kind, RecipientKinds)))
	}
	return kind
}

// NumberProblem says what is wrong with a text that should be a phone number, "" when it is one.
func NumberProblem(number string) string {
	digits, plus := strings.CutPrefix(number, "+")
	switch {
	case number == "":
		return "is empty; a number is + and 7 to 15 digits"
	case strings.Trim(digits, "0123456789") != "":
		return "must be + and digits alone: leave out spaces, brackets and dashes"
	case !plus:
		return "must begin with + and the country code, such as +79161234567"
	case digits == "":
		return "has no digits behind the +"
	case digits[0] == '0':
		return "has a 0 where the country code begins; write it as it is dialled from abroad, such as +79161234567"
	case len(digits) < 7 || len(digits) > 15:
		return fmt.Sprintf("has %d digits; a number has 7 to 15 with its country code", len(digits))
	}
	return ""
}

// RecipientProblem says what is wrong with a text that should be a phone number or an e-mail address as events have
// them, "" when it is one.
func RecipientProblem(recipient string) string {
	address, mail := strings.CutPrefix(recipient, schema.KindPrefix(schema.KindEmail))
	switch {
	case !mail && strings.Contains(recipient, "@"):
		return "is an e-mail address without its kind: write it as events do, email:user@example.com"
	case !mail:
		return NumberProblem(recipient)
	case address == "":
		return "has no address behind email:"
	case len(recipient) > schema.MaxIDBytes:
		return fmt.Sprintf("is longer than the %d bytes that events may have", schema.MaxIDBytes)
	}
	return ""
}

// lostPlus brings back the plus sign of a recipient of a path or a query, where one that is not percent-encoded becomes
// a blank.
func lostPlus(given string) string {
	if strings.HasPrefix(given, schema.KindPrefix(schema.KindEmail)) {
		return strings.ReplaceAll(given, " ", "+") // an address has no blanks
	}
	if rest, blank := strings.CutPrefix(given, " "); blank {
		return "+" + strings.TrimLeft(rest, " ")
	}
	return given
}

// PathRecipient reads the phone number or e-mail address of a path or a query.
func PathRecipient(given string) (string, error) {
	recipient := lostPlus(given)
	if wrong := RecipientProblem(recipient); wrong != "" {
		return "", BadParameter("number", EncodedHint(recipient, wrong))
	}
	return recipient, nil
}

// Recipients reads a parameter that names recipients of any kind, as events have them, in order and each once.
func (p *Params) Recipients(name string) (all []string) {
	for _, given := range p.Many(name) {
		recipient := lostPlus(given)
		wrong := RecipientProblem(recipient)
		if slices.ContainsFunc(schema.Kinds, func(k schema.Kind) bool {
			return !k.Health && strings.HasPrefix(recipient, k.Prefix) && len(recipient) > len(k.Prefix)
		}) {
			wrong = "" // nobody asks for the health of these, and their messages can be listed all the same
		}
		if wrong != "" {
			p.Fail(name, EncodedHint(recipient, wrong))
			continue
		}
		all = append(all, recipient)
	}
	return all
}

// EncodedHint adds to what is wrong how a plus sign gets through a path or a query.
func EncodedHint(recipient, wrong string) string {
	if schema.KindOf(recipient) == "" {
		wrong += "; percent-encoded that is %2B79161234567, and email:user%40example.com for an e-mail address"
	}
	return wrong
}
