package numbers

import (
	"math"

	"kaskad/simulate/model"
	"kaskad/simulate/model/settings"
)

// addressKey is where a person can be reached.
type addressKey struct{ account, channel, app, recipient string }

// addressOf returns an attempt's address.
func addressOf(m *model.Model, x *model.Folded) addressKey {
	return addressKey{x.Account, m.Channel(x.Attempt), m.App(x.Attempt), x.Attempt.Recipient}
}

// personKey is a person of an account.
type personKey struct{ account, who string }

// personOf returns the person that an attempt's message is to.
func personOf(m *model.Model, x *model.Folded) personKey { return personKey{x.Account, x.Msg.Person()} }

// lostAddresses returns a function that tells whether an address is lost: its app is gone, the person has left or
// blocked the sender, or the number is dead.
func lostAddresses(m *model.Model, q settings.Numbers) (func(addressKey) bool, error) {
	codes, err := codeBooks(q.Shipped, q.ErrorMaps)
	if err != nil {
		return nil, err
	}
	verdicts, err := Verdicts(m, q)
	if err != nil {
		return nil, err
	}
	dead := make(map[numberKey]bool)
	for _, v := range verdicts {
		dead[numberKey{v.Account, v.Number}] = v.State == "dead"
	}
	delivered := make(map[addressKey]int64)
	for _, x := range m.Attempts() {
		if where := addressOf(m, &x); x.Facts.Delivered {
			delivered[where] = max(delivered[where], x.Facts.DeliveredAt)
		}
	}
	lost, back := make(map[addressKey]int64), make(map[addressKey]int64)
	for who, signals := range gatherSignals(m, codes) {
		for _, s := range signals {
			if s.at > asOf(m, q) {
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
