package model

// ShippedAliases are the providers that are known by the name of another one.
var ShippedAliases = [...]struct{ Provider, Like string }{
	{"nexmo", "vonage"}, {"360dialog", "whatsapp"}, {"firebase", "fcm"}, {"messagebird", "bird"},
}

// aliased replaces a provider's name once: by the account's own alias, or else by the shipped one.
func aliased(own map[string]string, provider string) string {
	if like, found := own[provider]; found {
		return like
	}
	for _, alias := range ShippedAliases {
		if alias.Provider == provider {
			return alias.Like
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

// Route says what a channel and provider can report (docs/definitions.md section 2). aliases are the account's own.
func Route(channel, provider string, aliases map[string]string) (delivery bool, reads int) {
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
func (m *Model) routeOf(a *Attempt, aliases map[string]string) (delivery bool, reads int) {
	return Route(m.Channel(a), m.strings[a.dims[dimProvider]], aliases)
}
