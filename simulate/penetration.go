package simulate

import (
	"slices"
)

// PenetrationRow tells how many people can be reached on a channel.
type PenetrationRow struct {
	Keys []Key // The channel among them.

	Audience, Tested, Reached, Messages, MessagesMovable int64
}

// MarshalJSON writes the keys, the counts and their quotients.
func (r PenetrationRow) MarshalJSON() ([]byte, error) {
	var w rowWriter
	w.keys(r.Keys)
	w.field("audience", r.Audience)
	w.field("tested", r.Tested)
	w.field("reached", r.Reached)
	w.rate("penetration", Rate{r.Reached, r.Audience})
	w.rate("tested_share", Rate{r.Tested, r.Audience})
	w.field("messages", r.Messages)
	w.field("messages_movable", r.MessagesMovable)
	w.rate("message_penetration", Rate{r.MessagesMovable, r.Messages})
	return w.finish()
}

// loss is something after which a recipient is not reached any more on a channel and app.
type loss struct {
	contact, recipient, app string
	at                      int64
}

// lossKey is where something can be lost.
type lossKey struct{ account, channel string }

// personKey is a person of an account.
type personKey struct{ account, who string }

// Penetration counts people. Names are those of the channel report. channel is a key of every row, the last one where GroupBy does not name it,
// and as a filter it selects rows: the audience stays that of all channels.
func (m *Model) Penetration(q ReachQuery) ([]PenetrationRow, error) {
	losses, err := m.losses(q.Numbers.ErrorMaps)
	if err != nil {
		return nil, err
	}
	names := slices.Clone(q.GroupBy)
	if !slices.Contains(names, "channel") {
		names = append(names, "channel")
	}
	place := slices.Index(names, "channel")
	cuts := slices.Delete(slices.Clone(names), place, place+1)

	cut := q.Query
	cut.Filters = make(map[string][]string)
	for name, values := range q.Filters {
		if name != "channel" {
			cut.Filters[name] = values
		}
	}
	steps, err := m.selected(cut, nil)
	if err != nil {
		return nil, err
	}
	groups := make(map[string][]*keyed)
	keysOf := make(map[string][]Key)
	for i := range steps {
		keys, id, err := m.groupOf(cuts, &steps[i], q.zone())
		if err != nil {
			return nil, err
		}
		groups[id], keysOf[id] = append(groups[id], &steps[i]), keys
	}
	var rows []PenetrationRow
	for id, group := range groups {
		for _, row := range m.penetration(group, losses) {
			channel := row.Keys[0]
			if wanted, filtered := q.Filters["channel"]; filtered && !slices.Contains(wanted, channel.Text) {
				continue
			}
			row.Keys = slices.Insert(slices.Clone(keysOf[id]), place, channel)
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(x, y PenetrationRow) int { return compareKeys(x.Keys, y.Keys) })
	return rows, nil
}

// penetration counts the people and messages of some steps, a row for each channel among them.
func (m *Model) penetration(steps []*keyed, losses map[lossKey][]loss) []PenetrationRow {
	audience := make(map[personKey]bool)
	messages := make(map[messageKey]bool)
	channels := make(map[string]bool)
	for _, x := range steps {
		audience[personOf(x)], messages[x.key], channels[m.channel(x.attempt)] = true, true, true
	}
	var rows []PenetrationRow
	for channel := range channels {
		tested := make(map[personKey]bool)
		latest := make(map[personKey]map[string]int64)               // Delivery, by app.
		recipients := make(map[personKey]map[string]map[string]bool) // Of delivered steps, by app.
		for _, x := range steps {
			if m.channel(x.attempt) != channel {
				continue
			}
			p, app := personOf(x), m.app(x.attempt)
			tested[p] = true
			if !x.facts.delivered {
				continue
			}
			if latest[p] == nil {
				latest[p], recipients[p] = make(map[string]int64), make(map[string]map[string]bool)
			}
			if recipients[p][app] == nil {
				recipients[p][app] = make(map[string]bool)
			}
			recipients[p][app][x.attempt.recipient] = true
			if known, found := latest[p][app]; !found || x.facts.deliveredAt > known {
				latest[p][app] = x.facts.deliveredAt
			}
		}
		reached := make(map[personKey]bool)
		for p, apps := range latest {
			for app, at := range apps {
				if !lost(losses[lossKey{p.account, channel}], p, recipients[p][app], app, at) {
					reached[p] = true
				}
			}
		}
		movable := make(map[messageKey]bool)
		for _, x := range steps {
			if reached[personOf(x)] {
				movable[x.key] = true
			}
		}
		rows = append(rows, PenetrationRow{Keys: []Key{{Name: "channel", Text: channel}}, Audience: int64(len(audience)), Tested: int64(len(tested)),
			Reached: int64(len(reached)), Messages: int64(len(messages)), MessagesMovable: int64(len(movable))})
	}
	return rows
}

func personOf(x *keyed) personKey {
	return personKey{x.account, who(x.attempt.contact, x.attempt.recipient)}
}

// lost tells whether a person was lost on an app after a delivery. A loss is a person's by its contact, without one by its recipient, and where
// its recipient is one that a step of the person was delivered to, on that channel and app.
func lost(losses []loss, p personKey, recipients map[string]bool, app string, after int64) bool {
	for _, l := range losses {
		theirs := who(l.contact, l.recipient) == p.who || recipients[l.recipient]
		if theirs && l.app == app && l.at > after {
			return true
		}
	}
	return false
}

// losses lists by account and channel what ends a person's reach, whenever it was.
func (m *Model) losses(own map[string][]ErrorMapLine) (map[lossKey][]loss, error) {
	codes, err := errorMaps(own)
	if err != nil {
		return nil, err
	}
	losses := make(map[lossKey][]loss)
	for e := range m.people {
		if oneOf(m.strings[e.status], "uninstalled", "unsubscribed", "blocked") {
			where := lossKey{m.strings[e.account], m.strings[e.channel]}
			losses[where] = append(losses[where], loss{e.contact, e.recipient, m.strings[e.app], e.occurred})
		}
	}
	for _, x := range m.foldedAttempts() {
		if m.tokenError(&x, codes(x.account)) {
			where := lossKey{x.account, m.channel(x.attempt)}
			losses[where] = append(losses[where], loss{x.attempt.contact, x.attempt.recipient, m.app(x.attempt), x.began()})
		}
	}
	return losses, nil
}
