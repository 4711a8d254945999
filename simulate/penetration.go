package simulate

import "slices"

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
	w.share("penetration", Rate{r.Reached, r.Audience})
	w.share("tested_share", Rate{r.Tested, r.Audience})
	w.field("messages", r.Messages)
	w.field("messages_movable", r.MessagesMovable)
	w.share("message_penetration", Rate{r.MessagesMovable, r.Messages})
	return w.finish()
}

// Penetration counts people. Names are those of the channel report. channel is a key of every row, the last one where
// GroupBy does not name it, and as a filter it selects rows: the audience stays that of all channels.
func (m *Model) Penetration(q ReachQuery) ([]PenetrationRow, error) {
	reach, err := m.reach(q.Numbers)
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
		for _, row := range reach.penetration(group) {
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

// reach knows who can be reached.
type reach struct {
	model *Model
	codes func(account string) *codeBook
	lost  func(addressKey) bool
}

func (m *Model) reach(q NumbersQuery) (*reach, error) {
	codes, err := codeBooks(q.Shipped, q.ErrorMaps)
	if err != nil {
		return nil, err
	}
	lost, err := m.lostAddresses(q)
	if err != nil {
		return nil, err
	}
	return &reach{m, codes, lost}, nil
}

// blind tells whether an attempt went by a route that reports no deliveries.
func (r *reach) blind(x *foldedAttempt) bool {
	provider := r.model.strings[x.attempt.dims[dimProvider]]
	delivery, _ := route(r.model.channel(x.attempt), provider,
		map[string]string{provider: r.codes(x.account).alias(provider)})
	return !delivery
}

// people returns who was tested on a channel by some steps, and who of them was reached. Attempts on blind routes do
// neither.
func (r *reach) people(channel string, steps []*keyed) (tested, reached map[personKey]bool) {
	tested, reached = make(map[personKey]bool), make(map[personKey]bool)
	for _, x := range steps {
		if r.model.channel(x.attempt) != channel || r.blind(&x.foldedAttempt) {
			continue
		}
		who := r.model.personOf(&x.foldedAttempt)
		tested[who] = true
		if x.facts.delivered && !r.lost(r.model.addressOf(&x.foldedAttempt)) {
			reached[who] = true
		}
	}
	return tested, reached
}

// penetration counts the people and messages of some steps, a row for each channel that somebody was tested on.
func (r *reach) penetration(steps []*keyed) []PenetrationRow {
	audience := make(map[personKey]bool)
	messages := make(map[messageKey]personKey)
	channels := make(map[string]bool)
	for _, x := range steps {
		who := r.model.personOf(&x.foldedAttempt)
		audience[who], messages[x.key], channels[r.model.channel(x.attempt)] = true, who, true
	}
	var rows []PenetrationRow
	for channel := range channels {
		tested, reached := r.people(channel, steps)
		if len(tested) == 0 {
			continue
		}
		row := PenetrationRow{Keys: []Key{{Name: "channel", Text: channel}}, Audience: int64(len(audience)),
			Tested:  int64(len(tested)),
			Reached: int64(len(reached)), Messages: int64(len(messages))}
		for _, who := range messages {
			if reached[who] {
				row.MessagesMovable++
			}
		}
		rows = append(rows, row)
	}
	return rows
}
