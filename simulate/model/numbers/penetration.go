package numbers

import (
	"slices"

	"kaskad/simulate/model"
	"kaskad/simulate/model/settings"
)

// PenetrationRow tells how many people can be reached on a channel.
type PenetrationRow struct {
	Keys []model.Key // The channel among them.

	Audience, Tested, Reached, Messages, MessagesMovable int64
}

// MarshalJSON writes the keys, the counts and their quotients.
func (r PenetrationRow) MarshalJSON() ([]byte, error) {
	var w model.RowWriter
	w.Keys(r.Keys)
	w.Field("audience", r.Audience)
	w.Field("tested", r.Tested)
	w.Field("reached", r.Reached)
	w.Share("penetration", model.Rate{Num: r.Reached, Den: r.Audience})
	w.Share("tested_share", model.Rate{Num: r.Tested, Den: r.Audience})
	w.Field("messages", r.Messages)
	w.Field("messages_movable", r.MessagesMovable)
	w.Share("message_penetration", model.Rate{Num: r.MessagesMovable, Den: r.Messages})
	return w.Finish()
}

// Penetration counts people. Names are those of the channel report. channel is a key of every row, the last one where
// GroupBy does not name it, and as a filter it selects rows: the audience stays that of all channels.
func Penetration(m *model.Model, q ReachQuery) ([]PenetrationRow, error) {
	reach, err := newReach(m, q.Numbers)
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
	steps, err := selected(m, cut, nil)
	if err != nil {
		return nil, err
	}
	groups := make(map[string][]*keyed)
	keysOf := make(map[string][]model.Key)
	for i := range steps {
		keys, id, err := groupOf(m, cuts, &steps[i], q.Zone())
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
	slices.SortFunc(rows, func(x, y PenetrationRow) int { return model.CompareKeys(x.Keys, y.Keys) })
	return rows, nil
}

// reach knows who can be reached.
type reach struct {
	model *model.Model
	codes func(account string) *codeBook
	lost  func(addressKey) bool
}

func newReach(m *model.Model, q settings.Numbers) (*reach, error) {
	codes, err := codeBooks(q.Shipped, q.ErrorMaps)
	if err != nil {
		return nil, err
	}
	lost, err := lostAddresses(m, q)
	if err != nil {
		return nil, err
	}
	return &reach{m, codes, lost}, nil
}

// blind tells whether an attempt went by a route that reports no deliveries.
func (r *reach) blind(x *model.Folded) bool {
	provider := r.model.Provider(x.Attempt)
	delivery, _ := model.Route(r.model.Channel(x.Attempt), provider,
		map[string]string{provider: r.codes(x.Account).alias(provider)})
	return !delivery
}

// people returns who was tested on a channel by some steps, and who of them was reached. Attempts on blind routes do
// neither.
func (r *reach) people(channel string, steps []*keyed) (tested, reached map[personKey]bool) {
	tested, reached = make(map[personKey]bool), make(map[personKey]bool)
	for _, x := range steps {
		if r.model.Channel(x.Attempt) != channel || r.blind(&x.Folded) {
			continue
		}
		who := personOf(r.model, &x.Folded)
		tested[who] = true
		if x.Facts.Delivered && !r.lost(addressOf(r.model, &x.Folded)) {
			reached[who] = true
		}
	}
	return tested, reached
}

// penetration counts the people and messages of some steps, a row for each channel that somebody was tested on.
func (r *reach) penetration(steps []*keyed) []PenetrationRow {
	audience := make(map[personKey]bool)
	messages := make(map[model.MessageKey]personKey)
	channels := make(map[string]bool)
	for _, x := range steps {
		who := personOf(r.model, &x.Folded)
		audience[who], messages[x.Key], channels[r.model.Channel(x.Attempt)] = true, who, true
	}
	var rows []PenetrationRow
	for channel := range channels {
		tested, reached := r.people(channel, steps)
		if len(tested) == 0 {
			continue
		}
		row := PenetrationRow{Keys: []model.Key{{Name: "channel", Text: channel}}, Audience: int64(len(audience)),
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
