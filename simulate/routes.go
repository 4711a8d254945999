package simulate

// shippedAliases are the providers that are known by the name of another one.
var shippedAliases = [...]struct{ provider, like string }{
	{"nexmo", "vonage"}, {"360dialog", "whatsapp"}, {"firebase", "fcm"}, {"messagebird", "bird"},
}

// aliased replaces a provider's name once: by the account's own alias, or else by the shipped one.
func aliased(own map[string]string, provider string) string {
	if like, found := own[provider]; found {
		return like
	}
	for _, alias := range shippedAliases {
		if alias.provider == provider {
			return alias.like
		}
	}
	return provider
}

// The routes' ability to report reads, in the order that the bound is decided by.
const (
	readsNone = iota
	readsExact
	readsLower
	readsUpper
)

// route says what a channel and provider can report (docs/definitions.md section 2). aliases are the account's own.
func route(channel, provider string, aliases map[string]string) (delivery bool, reads int) {
	provider = aliased(aliases, provider)
	switch channel {
	case "sms", "flash_call", "voice":
		return true, readsNone
	case "push":
		if provider == "fcm" || provider == "apns" {
			return false, readsNone
		}
		return true, readsExact
	case "telegram":
		if provider == "bot" {
			return false, readsNone
		}
		return true, readsExact
	case "vk", "ok", "messenger", "instagram":
		return true, readsExact
	case "viber", "whatsapp", "rcs":
		return true, readsLower
	case "email":
		return true, readsUpper
	}
	return false, readsNone
}

// routeOf says what an attempt's route can report.
func (m *Model) routeOf(a *attempt, aliases map[string]string) (delivery bool, reads int) {
	return route(m.channel(a), m.strings[a.dims[dimProvider]], aliases)
}
