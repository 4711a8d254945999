package simulate

import "math"

// addressKey is where a person can be reached.
type addressKey struct{ account, channel, app, recipient string }

// addressOf returns an attempt's address.
func (m *Model) addressOf(x *foldedAttempt) addressKey {
	return addressKey{x.account, m.channel(x.attempt), m.app(x.attempt), x.attempt.recipient}
}

// personKey is a person of an account.
type personKey struct{ account, who string }

// personOf returns the person that an attempt's message is to.
func (m *Model) personOf(x *foldedAttempt) personKey { return personKey{x.account, x.msg.person()} }

// lostAddresses returns a function that tells whether an address is lost: its app is gone, the person has left or
// blocked the sender, or the number is dead.
func (m *Model) lostAddresses(q NumbersQuery) (func(addressKey) bool, error) {
	codes, err := codeBooks(q.Shipped, q.ErrorMaps)
	if err != nil {
		return nil, err
	}
	verdicts, err := m.Numbers(q)
	if err != nil {
		return nil, err
	}
	dead := make(map[numberKey]bool)
	for _, v := range verdicts {
		dead[numberKey{v.Account, v.Number}] = v.State == "dead"
	}
	delivered := make(map[addressKey]int64)
	for _, x := range m.foldedAttempts() {
		if where := m.addressOf(&x); x.facts.delivered {
			delivered[where] = max(delivered[where], x.facts.deliveredAt)
		}
	}
	lost, back := make(map[addressKey]int64), make(map[addressKey]int64)
	for who, signals := range m.signals(codes) {
		for _, s := range signals {
			if s.at > m.asOf(q) {
				continue
			}
			where := addressKey{who.account, s.channel, s.app, who.number}
			switch s.kind {
			case "uninstalled", "unsubscribed", "blocked", "token":
				lost[where] = max(lost[where], s.at)
			case "subscribed":
				back[where] = max(back[where], s.at)
			}
		}
	}
	return func(where addressKey) bool {
		if oneOf(where.channel, "sms", "voice", "flash_call") && dead[numberKey{where.account, where.recipient}] {
			return true
		}
		at, found := lost[where]
		latest, ever := delivered[where]
		if !ever {
			latest = math.MinInt64
		}
		return found && at >= latest && back[where] <= at
	}, nil
}
