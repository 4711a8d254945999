package query

import (
	"context"
	_ "embed"
	"math/big"
	"slices"
	"text/template"

	"kaskad/schema"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/gin-gonic/gin"
)

//go:embed penetration.sql
var penetrationSQL string

// penetrationTemplate fills in identifiers and expressions of this package, and nothing that a request carries.
var penetrationTemplate = template.Must(template.New("penetration.sql").Parse(penetrationSQL))

// penetrationKeys are the names of the penetration report. All but channel are of the attempt and cut the audience.
var penetrationKeys = slices.Concat(keySet{
	dimension("account"),
	enumeration("channel", schema.Channels, false),
	dimension("provider"),
	dimension("campaign"),
	dimension("template"),
	dimension("sender"),
	dimension("app"),
	dimension("operator"),
	dimension("country"),
	enumeration("traffic", schema.Traffics, true),
}, timeKeys)

var penetrationColumns = []string{"audience", "tested", "reached", "penetration", "tested_share", "messages", "messages_movable", "message_penetration", "mature"}

// tokenClasses are the failures that say that the app is gone: they are losses like the event uninstalled.
var tokenClasses = []string{"app_uninstalled", "token_invalid"}

// penetration serves GET /v1/reports/penetration (docs/definitions.md section 5): who can be reached where, as far as attempts tell.
//
// It speaks of the people who were tried. With a small tested_share penetration is a lower bound, and message_penetration with it. A filter by channel
// chooses rows; the audience stays that of all channels, as with the key.
func (s *Server) penetration(c *gin.Context) error {
	ask, err := s.readReportWith(c, "penetration", penetrationKeys, nil, "channel", "channel")
	if err != nil {
		return err
	}
	return s.sendWhole(c, ask, penetrationColumns, func(ctx context.Context, seen *pin) (*wholeAnswer, error) { return s.readPenetration(ctx, ask, seen) })
}

// penetrationQuery counts messages by what is known of their people.
type penetrationQuery struct {
	ask    *reportRequest
	routes []route
}

// notChannel keeps the names that cut the audience.
func notChannel(k key) bool { return k.name != "channel" }

// SQL returns the statement and its parameters.
func (q *penetrationQuery) SQL() (string, []any, error) {
	return q.ask.statement(penetrationTemplate, q.routes, notChannel, clickhouse.Named("channels", schema.Channels), clickhouse.Named("token_classes", tokenClasses))
}

// audience is a group: people and messages with an attempted step in it.
type audience struct {
	keys             []keyValue // all but the channel
	people, messages uint64
	channels         [16]reach // in the order of schema.Channels; a number of 128 bits has no more bytes
	settledMS        int64
}

// reach are the people of a group who were tried on a channel, those of them who can be reached, and the messages to these.
type reach struct {
	tested, reached, movable uint64
}

// add counts n messages that are alike: a byte per channel says how many of the people who are counted with each are tested and reached there, and
// whether any of its people is reached.
func (a *audience) add(movable, tested, reached *big.Int, people, n uint64) {
	a.people += people * n
	a.messages += n
	for i := range a.channels {
		of := &a.channels[i]
		of.tested += byteOf(tested, i) * n
		of.reached += byteOf(reached, i) * n
		of.movable += byteOf(movable, i) * n
	}
}

func byteOf(packed *big.Int, i int) uint64 {
	return new(big.Int).Rsh(packed, uint(8*i)).Uint64() & 255
}

func (s *Server) readPenetration(ctx context.Context, ask *reportRequest, seen *pin) (answer *wholeAnswer, err error) {
	q := penetrationQuery{ask: ask}
	if q.routes, err = s.readRoutes(ctx); err != nil {
		return nil, err
	}
	statement, args, err := q.SQL()
	if err != nil {
		return nil, err
	}
	reading, err := s.withErrorMap(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := s.deps.Conn.Query(reading, statement, args...)
	if err != nil {
		return nil, err
	}
	defer closeRows(rows, &err)
	scan := keyScan{keys: slices.DeleteFunc(slices.Clone(ask.keys), func(k key) bool { return !notChannel(k) })}
	var movable, tested, reached big.Int
	var people, n uint64
	var settledMS int64
	to := append(scan.destinations(), &movable, &tested, &reached, &people, &n, &settledMS)
	groups := map[string]*audience{}
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return nil, err
		}
		keys := scan.appendTo(nil)
		id := keysText(keys)
		group := groups[id]
		if group == nil {
			if len(groups) == maxWholeRows {
				return nil, tooManyRows()
			}
			group = &audience{keys: keys}
			groups[id] = group
		}
		group.add(&movable, &tested, &reached, people, n)
		group.settledMS = max(group.settledMS, settledMS)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	answer = &wholeAnswer{}
	seen.Mature = !seen.Lost
	for _, group := range groups {
		mature := seen.settled(group.settledMS)
		seen.Mature = seen.Mature && mature
		for i, channel := range schema.Channels {
			of := group.channels[i]
			if of.tested == 0 || !ask.keepsValue("channel", channel) {
				continue
			}
			if len(answer.rows) == maxWholeRows {
				return nil, tooManyRows()
			}
			answer.rows = append(answer.rows, wholeRow{
				keys: withChannel(ask.keys, group.keys, channel),
				cells: []value{count(group.people), count(of.tested), count(of.reached), rateOf(of.reached, group.people), rateOf(of.tested, group.people),
					count(group.messages), count(of.movable), rateOf(of.movable, group.messages), truth(mature)},
			})
		}
	}
	return answer, nil
}

// withChannel puts the channel to its place among the values of the other keys.
func withChannel(keys keySet, others []keyValue, channel string) []keyValue {
	at := slices.IndexFunc(keys, func(k key) bool { return k.name == "channel" })
	return slices.Insert(slices.Clone(others), at, keyValue{text: channel})
}

// withErrorMap sends the error maps of all accounts along with a statement.
func (s *Server) withErrorMap(ctx context.Context) (context.Context, error) {
	maps, err := schema.ReadErrorMaps(s.settings(ctx), s.deps.Conn)
	if err != nil {
		return nil, err
	}
	table, err := maps.Table()
	if err != nil {
		return nil, err
	}
	return clickhouse.Context(s.wholeSettings(ctx), clickhouse.WithExternalTable(table)), nil
}
