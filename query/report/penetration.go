package report

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"text/template"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/query/answer"
	"kaskad/query/rollup"
	"kaskad/schema"
)

//go:embed sql/penetration.sql
var penetrationSQL string

// The penetration report (docs/definitions.md section 5): who can be reached where, as far as attempts tell. All keys
// but channel are of the attempt and cut the audience.
//
// It speaks of the people who were tried. With a small tested_share penetration is a lower bound, and
// message_penetration with it. A filter by channel chooses rows; the audience stays that of all channels, as with the
// key.
var penetration = add(&Report{
	Name: "penetration",
	For:  answer.ForMarketers,
	Keys: slices.DeleteFunc(slices.Clone(rollup.ChannelKeys),
		func(k rollup.Key) bool { return k.Name == "step" || k.Name == "trigger" }),
	DefaultKeys: "channel",
	Always:      "channel",
	Section:     rollup.Numbers,
	Summary:     "Who can be reached on which channel, as far as attempts tell",
	Text: "It speaks of the people who were tried: with a small `tested_share` penetration is a lower bound. A " +
		"filter by channel chooses rows; the audience stays that of all channels.",
	Figures: []rollup.Figure{
		{Name: "audience", Formula: "different people (see derived, person) of attempted steps, on any " +
			"channel", Over: "messages of the period and group"},
		{Name: "tested", Formula: "those with an attempted step on the channel",
			Over: "routes that report delivery"},
		{Name: "reached",
			Formula: "those of the tested who were delivered to on it in the period, at an address that is " +
				"not lost", Over: "routes that report delivery"},
		{Name: "penetration", Kind: rollup.Share, Formula: "reached / audience", Null: "when audience is 0"},
		{Name: "penetration_low", Kind: rollup.Share, Formula: "lower bound of the 95 % Wilson interval of penetration",
			Null: "when audience is 0"},
		{Name: "penetration_high", Kind: rollup.Share,
			Formula: "upper bound of the 95 % Wilson interval of penetration", Null: "when audience is 0"},
		{Name: "tested_share", Kind: rollup.Share, Formula: "tested / audience", Null: "when audience is 0"},
		{Name: "tested_share_low", Kind: rollup.Share,
			Formula: "lower bound of the 95 % Wilson interval of tested_share", Null: "when audience is 0"},
		{Name: "tested_share_high", Kind: rollup.Share,
			Formula: "upper bound of the 95 % Wilson interval of tested_share", Null: "when audience is 0"},
		{Name: "messages", Formula: "messages with an attempted step"},
		{Name: "messages_movable",
			Formula: "messages with an attempted step to people who are reached on the channel"},
		{Name: "message_penetration", Kind: rollup.Share, Formula: "messages_movable / messages",
			Null: "when messages is 0"},
		{Name: "message_penetration_low", Kind: rollup.Share, Formula: "lower bound of the 95 % Wilson interval of " +
			"message_penetration", Null: "when messages is 0"},
		{Name: "message_penetration_high", Kind: rollup.Share,
			Formula: "upper bound of the 95 % Wilson interval of message_penetration", Null: "when messages " +
				"is 0"},
		{Name: "mature", Kind: rollup.Flag,
			Formula: "every cohort is older than its route's settling_days; after that only losses move the " +
				"row"},
	},
	Statement: rollup.Template("penetration.sql", penetrationSQL),
	Instead: []*template.Template{penetrationCounts, penetrationOwners, penetrationUnchanged,
		penetrationOwnersUnchanged, penetrationSeen, penetrationWays, penetrationSettled},
	Tables: []string{"attempts_by_recipient", "builds", "day_changes", "legs", "number_health", "recipient_events",
		"rollup_attempts", "rollup_people", "routes"},
	Knows:       func(k rollup.Key) bool { return k.Name != "channel" },
	Long:        true,
	Materialize: readPenetration,
})

// audience is a group: people and messages with an attempted step in it.
type audience struct {
	people, messages uint64
	channels         [32]reach         // in the order of schema.Channels: a number of 32 bits knows no more
	together         map[uint32]uint64 // people by the channels that reach them, a bit per channel
	settledMS        int64
}

// reach are the people of a group who were tried on a channel, those of them who can be reached, and the messages to
// these.
type reach struct {
	tested, reached, movable uint64
}

// add counts people who are alike, and their messages: a bit per channel says whether they were tested, and are
// reached, there.
func (a *audience) add(tested, reached uint32, people, messages uint64) {
	a.people += people
	a.messages += messages
	if a.together == nil {
		a.together = map[uint32]uint64{}
	}
	a.together[reached] += people
	for i := range a.channels {
		of := &a.channels[i]
		if tested>>i&1 == 1 {
			of.tested += people
		}
		if reached>>i&1 == 1 {
			of.reached += people
			of.movable += messages
		}
	}
}

// row shows what is known of the people of a channel.
func (a *audience) row(of *reach, mature bool) []answer.Value {
	return slices.Concat(
		[]answer.Value{answer.Count(a.people), answer.Count(of.tested), answer.Count(of.reached)},
		answer.Share(of.reached, a.people), answer.Share(of.tested, a.people),
		[]answer.Value{answer.Count(a.messages), answer.Count(of.movable)},
		answer.Share(of.movable, a.messages), []answer.Value{answer.Bool(mature)})
}

// audiences are the groups of people of an answer, which never change.
type audiences struct{ groups rollup.Groups[audience] }

// Bytes is about what they take.
func (a *audiences) Bytes() int64 {
	size := int64(100)
	for id, g := range a.groups {
		size += 1000 + 2*int64(len(id)) + 40*int64(len(g.Sums.together))
	}
	return size
}

// audiences returns the groups of people, whatever the channel: penetration and overlap have the same.
func (r *Reading) audiences(ctx context.Context) (rollup.Groups[audience], error) {
	routes, err := r.DB.Routes(ctx, r.State.References)
	if err != nil {
		return nil, err
	}
	parts := []string{r.Zone.String(), routes.Fingerprint, fmt.Sprint(r.Seen.Edition, r.Seen.Dead, r.State.Epoch),
		fmt.Sprint(r.FromMS, r.ToMS, rollup.NowQuarter(r.Seen))}
	for _, k := range r.Keys {
		if k.Name != "channel" {
			parts = append(parts, k.Name)
		}
	}
	for _, f := range r.Filters {
		if f.Key.Name != "channel" {
			parts = append(parts, f.Parts()...)
		}
	}
	ask := rollup.NewAsk(r.DB, r.State.References, r.Accounts(), r.Seen.UpTo(), []string{"legs", "routes"}, parts...)
	of, err := r.room.audiences.Of(ctx, r.DB, ask, func(ctx context.Context) (*audiences, error) {
		read := r.readAttempts
		if fromCounts(r.Request) {
			read = r.readCounts
		}
		all, err := read(ctx)
		return &audiences{all}, err
	})
	if err != nil {
		return nil, err
	}
	return of.groups, nil
}

func readPenetration(ctx context.Context, r *Reading) ([]Row, error) {
	all, err := r.audiences(ctx)
	if err != nil {
		return nil, err
	}
	var rows []Row
	r.Seen.Mature = !r.Seen.Lost
	channelAt := slices.IndexFunc(r.Keys, func(k rollup.Key) bool { return k.Name == "channel" })
	for _, g := range all {
		mature := r.settled(g.Sums.settledMS)
		for i, channel := range schema.Channels.Names() {
			of := &g.Sums.channels[i]
			if of.tested == 0 || !r.Keeps("channel", channel) {
				continue
			}
			if len(rows) == rollup.MaxRows {
				return nil, rollup.TooManyRows()
			}
			rows = append(rows, Row{slices.Insert(slices.Clone(g.Keys), channelAt, rollup.KeyValue{Text: channel}),
				g.Sums.row(of, mature)})
		}
	}
	return rows, nil
}

// readAttempts reads the audiences from attempts by recipient.
func (r *Reading) readAttempts(ctx context.Context) (rollup.Groups[audience], error) {
	ctx, err := r.DB.WithLossCodes(ctx)
	if err != nil {
		return nil, err
	}
	var tested, reached uint32
	var people, messages uint64
	var settledMS int64
	all := rollup.Groups[audience]{}
	return all, r.each(ctx, []any{&tested, &reached, &people, &messages, &settledMS},
		func(keys []rollup.KeyValue) error {
			group, err := all.At(keys)
			if err != nil {
				return err
			}
			group.add(tested, reached, people, messages)
			group.settledMS = max(group.settledMS, settledMS)
			return nil
		}, clickhouse.Named("channels", schema.Channels.Names()), clickhouse.Named("as_of", r.Seen.UpTo()),
		phoneChannels())
}
