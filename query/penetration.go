package query

import (
	"context"
	_ "embed"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
	"kaskad/query/report"
	"kaskad/query/store"
	"kaskad/schema"
)

//go:embed penetration.sql
var penetrationSQL string

// penetrationTemplate fills in identifiers and expressions of this package, and nothing that a request carries.
var penetrationTemplate = report.Template("penetration.sql", penetrationSQL)

// penetrationKeys are the names of the penetration report. All but channel are of the attempt and cut the audience.
var penetrationKeys = slices.Concat(report.Keys{
	report.Dimension("account"),
	report.Enumeration("channel", schema.Channels.Names(), false),
	report.Dimension("provider"),
	report.Dimension("campaign"),
	report.Dimension("template"),
	report.Dimension("sender"),
	report.Dimension("app"),
	report.Dimension("operator"),
	report.Dimension("country"),
	report.Enumeration("traffic", schema.Traffics, true),
}, report.TimeKeys)

var penetrationColumns = []string{"audience", "tested", "reached", "penetration", "penetration_low", "penetration_high",
	"tested_share", "tested_share_low", "tested_share_high", "messages", "messages_movable",
	"message_penetration", "message_penetration_low", "message_penetration_high", "mature"}

// penetration serves GET /v1/reports/penetration (docs/definitions.md section 5): who can be reached where, as far as
// attempts tell.
//
// It speaks of the people who were tried. With a small tested_share penetration is a lower bound, and
// message_penetration with it. A filter by channel chooses rows; the audience stays that of all channels, as with the
// key.
func (s *Server) penetration(c *gin.Context) error {
	ask, err := report.ReadWith(c, s.db, "penetration", penetrationKeys, nil, "channel", "channel")
	if err != nil {
		return err
	}
	return s.sendWhole(c, ask, penetrationColumns,
		func(ctx context.Context, seen *answer.Snapshot) (*wholeAnswer, error) {
			return s.readPenetration(ctx, ask, seen)
		})
}

// penetrationQuery counts messages by what is known of their people.
type penetrationQuery struct {
	ask    *report.Request
	routes []store.Capability
	asOfMS int64
}

// notChannel keeps the names that cut the audience.
func notChannel(k report.Key) bool { return k.Name != "channel" }

// SQL returns the statement and its parameters.
func (q *penetrationQuery) SQL() (string, []any, error) {
	return q.ask.Statement(penetrationTemplate, q.routes, notChannel, clickhouse.Named("channels", schema.Channels.Names()),
		clickhouse.Named("as_of", q.asOfMS),
		clickhouse.Named("phone_channels", schema.Channels.TellingOf(schema.KindPhone)))
}

// audience is a group: people and messages with an attempted step in it.
type audience struct {
	keys             []report.KeyValue // all but the channel
	people, messages uint64
	channels         [32]reach // in the order of schema.Channels: a number of 32 bits knows no more
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

func (s *Server) readPenetration(ctx context.Context, ask *report.Request, seen *answer.Snapshot) (reply *wholeAnswer,
	err error) {
	q := penetrationQuery{ask: ask, asOfMS: seen.UpTo()}
	if q.routes, err = s.db.Capabilities(ctx); err != nil {
		return nil, err
	}
	statement, args, err := q.SQL()
	if err != nil {
		return nil, err
	}
	reading, err := s.db.WithErrorMaps(s.db.SettingsFor(ctx, wholeTime))
	if err != nil {
		return nil, err
	}
	rows, err := s.db.Conn.Query(reading, statement, args...)
	if err != nil {
		return nil, err
	}
	defer store.CloseRows(rows, &err)
	scan := report.KeyScan{Keys: slices.DeleteFunc(slices.Clone(ask.Keys),
		func(k report.Key) bool { return !notChannel(k) })}
	var tested, reached uint32
	var people, messages uint64
	var settledMS int64
	to := append(scan.Destinations(), &tested, &reached, &people, &messages, &settledMS)
	groups := map[string]*audience{}
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return nil, err
		}
		keys := scan.AppendTo(nil)
		id := report.KeysText(keys)
		group := groups[id]
		if group == nil {
			if len(groups) == maxWholeRows {
				return nil, tooManyRows()
			}
			group = &audience{keys: keys}
			groups[id] = group
		}
		group.add(tested, reached, people, messages)
		group.settledMS = max(group.settledMS, settledMS)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	reply = &wholeAnswer{}
	seen.Mature = !seen.Lost
	for _, group := range groups {
		mature := seen.Settled(group.settledMS)
		seen.Mature = seen.Mature && mature
		for i, channel := range schema.Channels.Names() {
			of := group.channels[i]
			if of.tested == 0 || !ask.Keeps("channel", channel) {
				continue
			}
			if len(reply.rows) == maxWholeRows {
				return nil, tooManyRows()
			}
			reply.rows = append(reply.rows, wholeRow{
				keys: withChannel(ask.Keys, group.keys, channel),
				cells: slices.Concat([]answer.Value{answer.Count(group.people), answer.Count(of.tested),
					answer.Count(of.reached)},
					answer.Share(of.reached, group.people), answer.Share(of.tested, group.people),
					[]answer.Value{answer.Count(group.messages), answer.Count(of.movable)},
					answer.Share(of.movable, group.messages),
					[]answer.Value{answer.Bool(mature)}),
			})
		}
	}
	return reply, nil
}

// withChannel puts the channel to its place among the values of the other keys.
func withChannel(keys report.Keys, others []report.KeyValue, channel string) []report.KeyValue {
	at := slices.IndexFunc(keys, func(k report.Key) bool { return k.Name == "channel" })
	return slices.Insert(slices.Clone(others), at, report.KeyValue{Text: channel})
}
