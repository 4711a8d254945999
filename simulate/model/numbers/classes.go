package numbers

import (
	"fmt"
	"strings"

	"kaskad/simulate/model"
	"kaskad/simulate/model/settings"
)

// shippedCodes are the codes that the model knows unless it is given the shipped error map, by provider and class. They
// are some of those that Kaskad ships.
var shippedCodes = [...]struct{ provider, class, codes string }{
	// Causes of MAP and GSM 04.08: guesses on sms.
	{"map", "unknown_subscriber", "1 144"},
	{"map", "absent_subscriber", "6 27"},
	{"map", "barred", "9 12 13"},
	{"map", "not_sms_capable", "11"},
	{"map", "handset_busy", "31"},
	{"map", "unknown", "5 21 32"},
	{"map", "memory_full", "256"},
	{"map", "system_failure", "34 35 36"},
	{"map", "network_congestion", "33 51"},
	{"map", "roaming", "8"},
	// Causes of calls: guesses on voice and flash_call.
	{"q850", "unknown_subscriber", "1 22"},
	{"q850", "invalid_format", "28"},
	{"q850", "absent_subscriber", "18 20"},
	{"q850", "not_answered", "17 19 21"},
	{"q850", "route_error", "3 27"},
	{"q850", "network_congestion", "34 42"},
	{"q850", "system_failure", "38 41"},
	{"q850", "unknown", "16 31"},

	{"twilio", "absent_subscriber", "30003"},
	{"twilio", "unknown_subscriber", "30005"},
	{"twilio", "unknown", "30006"},
	{"twilio", "spam_filtered", "30007"},
	{"twilio", "opted_out", "21610"},
	{"vonage", "unknown", "1"},
	{"vonage", "route_error", "5 11"},
	{"vonage", "opted_out", "9"},
	{"fcm", "app_uninstalled", "UNREGISTERED"},
	{"apns", "app_uninstalled", "Unregistered"},
	{"apns", "token_invalid", "BadDeviceToken DeviceTokenNotForTopic"},
	{"viber", "channel_not_registered", "SRVC_NOT_VIBER_USER SRVC_NO_SUITABLE_DEVICE"},
	{"viber", "blocked_by_user", "SRVC_USER_BLOCKED"},
	{"whatsapp", "channel_not_registered", "131026"},
	{"whatsapp", "window_closed", "131047"},
	{"whatsapp", "opted_out", "131050"},
}

// guessTable names the shipped table that tells what a code probably means on a channel, empty for none.
func guessTable(channel string) string {
	switch channel {
	case "sms":
		return "map"
	case "voice", "flash_call":
		return "q850"
	}
	return ""
}

// codeBook is what an account's codes mean.
type codeBook struct {
	own, shipped               map[errorKey]string
	ownAliases, shippedAliases map[string]string
}

type errorKey struct{ provider, code string }

// codeBooks returns a function that finds the book of an account. A nil shipped map is the model's own.
func codeBooks(shipped *settings.ErrorMap, own map[string]settings.ErrorMap) (func(account string) *codeBook, error) {
	if shipped == nil {
		shipped = modelsErrorMap()
	}
	lines, aliases, err := read(*shipped, "shipped error map")
	if err != nil {
		return nil, err
	}
	books := make(map[string]*codeBook)
	for account, list := range own {
		book := &codeBook{shipped: lines, shippedAliases: aliases}
		if book.own, book.ownAliases, err = read(list, "error map of "+account); err != nil {
			return nil, err
		}
		books[account] = book
	}
	common := &codeBook{shipped: lines, shippedAliases: aliases}
	return func(account string) *codeBook {
		if book, found := books[account]; found {
			return book
		}
		return common
	}, nil
}

func modelsErrorMap() *settings.ErrorMap {
	var list settings.ErrorMap
	for _, alias := range model.ShippedAliases {
		list.Aliases = append(list.Aliases, settings.ErrorAlias{Provider: alias.Provider, Like: alias.Like})
	}
	for _, line := range shippedCodes {
		for _, code := range strings.Fields(line.codes) {
			list.Lines = append(list.Lines, settings.ErrorLine{Provider: line.provider, Code: code, Class: line.class})
		}
	}
	return &list
}

// read returns the classes by provider and code, codes without their leading zeros, and the aliases by provider.
func read(e settings.ErrorMap, name string) (lines map[errorKey]string, aliases map[string]string, err error) {
	lines, aliases = make(map[errorKey]string), make(map[string]string)
	for _, line := range e.Lines {
		code := strings.TrimLeft(line.Code, "0")
		if line.Provider == "" || code == "" || line.Class == "" {
			return nil, nil, fmt.Errorf("%s: %+v lacks a provider, a code or a class", name, line)
		}
		lines[errorKey{line.Provider, code}] = line.Class
	}
	for _, alias := range e.Aliases {
		if alias.Provider == "" || alias.Like == "" {
			return nil, nil, fmt.Errorf("%s: %+v lacks a provider or what it is like", name, alias)
		}
		aliases[alias.Provider] = alias.Like
	}
	return lines, aliases, nil
}

// alias replaces a provider's name once, by the account's aliases before the shipped ones.
func (c *codeBook) alias(provider string) string {
	if like, found := c.ownAliases[provider]; found {
		return like
	}
	if like, found := c.shippedAliases[provider]; found {
		return like
	}
	return provider
}

// reason is the class of a failure, and how it is known.
type reason struct {
	class   string
	guessed bool
	// unmapped tells of a code for which there is neither a line nor a guess.
	unmapped bool
}

// reason looks a code up, which is not empty.
func (c *codeBook) reason(channel, provider, code string) reason {
	for _, key := range [...]errorKey{{provider, code}, {"*", code}} {
		if class, found := c.own[key]; found {
			return reason{class: class}
		}
	}
	if class, found := c.shipped[errorKey{c.alias(provider), code}]; found {
		return reason{class: class}
	}
	if class, found := c.shipped[errorKey{guessTable(channel), code}]; found {
		return reason{class: class, guessed: true}
	}
	return reason{class: "unknown", unmapped: true}
}

// codeReason returns what an attempt's error code says, whether the attempt failed or not, and false without a code.
func codeReason(m *model.Model, a *model.Attempt, codes *codeBook) (reason, bool) {
	code := m.ErrorCode(a)
	if code == "" {
		return reason{}, false
	}
	return codes.reason(m.Channel(a), m.Provider(a), code), true
}

// reason returns why a failed attempt failed.
func reasonOf(m *model.Model, a *model.Attempt, codes *codeBook) reason {
	if r, found := codeReason(m, a, codes); found {
		return r
	}
	if a.SawExpired() {
		return reason{class: "expired"}
	}
	return reason{class: "unknown"}
}
