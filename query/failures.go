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

//go:embed failures.sql
var failuresSQL string

// failuresTemplate fills in identifiers and expressions of this package, and nothing that a request carries.
var failuresTemplate = report.Template("failures.sql", failuresSQL)

// failuresKeys are the names of the failures report: those of the channel report, the class of the error code, and the
// code.
var failuresKeys = slices.Concat(report.ChannelKeys, report.Keys{
	report.AfterReading(report.Enumeration("reason", schema.ClassNames(), false)),
	report.Dimension("error_code"),
})

var failuresColumns = []string{"count", "share_num", "share_den", "share_rate", "share_rate_low", "share_rate_high",
	"mature"}

// failures serves GET /v1/reports/failures (docs/definitions.md section 5).
//
// share_den counts the failed attempts of the row's channel in the period, of all channels where the channel is no key.
// Filters by what failed (provider, reason, error_code) choose rows and leave it as it is; the others choose what is
// looked at. The class is that of the error maps as they are now.
func (s *Server) failures(c *gin.Context) error {
	ask, err := report.Read(c, s.db, "failures", failuresKeys, nil, "channel,provider,reason,error_code")
	if err != nil {
		return err
	}
	return s.sendWhole(c, ask, failuresColumns,
		func(ctx context.Context, seen *answer.Snapshot) (*wholeAnswer, error) {
			return s.readFailures(ctx, ask, seen)
		})
}

// failuresQuery counts failed attempts by what their class depends on.
type failuresQuery struct {
	ask        *report.Request
	routes     []store.Capability
	generation uint64
}

// rowFilters choose rows of the report, not what shares are of.
var rowFilters = []string{"provider", "reason", "error_code"}

// SQL returns the statement and its parameters. The reason is known after reading, and filters that choose rows apply
// then.
func (q *failuresQuery) SQL() (string, []any, error) {
	ask := *q.ask
	ask.Filters = slices.DeleteFunc(slices.Clone(ask.Filters),
		func(f report.Filter) bool { return slices.Contains(rowFilters, f.Key.Name) })
	return ask.Statement(failuresTemplate, q.routes, report.Key.InSQL, clickhouse.Named("generation", q.generation))
}

// failureSums are the failed attempts of a row.
type failureSums struct {
	keys      []report.KeyValue
	channel   string // "" where it is no key
	failed    uint64
	settledMS int64
}

func (s *Server) readFailures(ctx context.Context, ask *report.Request, seen *answer.Snapshot) (reply *wholeAnswer,
	err error) {
	maps, err := s.db.ErrorMaps(ctx)
	if err != nil {
		return nil, err
	}
	q := failuresQuery{ask: ask, generation: seen.Edition}
	if q.routes, err = s.db.Capabilities(ctx); err != nil {
		return nil, err
	}
	statement, args, err := q.SQL()
	if err != nil {
		return nil, err
	}
	rows, err := s.db.Conn.Query(s.db.Settings(ctx), statement, args...)
	if err != nil {
		return nil, err
	}
	defer store.CloseRows(rows, &err)
	scan := report.KeyScan{Keys: slices.DeleteFunc(slices.Clone(ask.Keys),
		func(k report.Key) bool { return !k.InSQL() })}
	reasonAt := slices.IndexFunc(ask.Keys, func(k report.Key) bool { return k.Name == "reason" })
	_, byChannel := ask.Keys.Find("channel")
	var account, channel, provider, code string
	var expired uint8
	var failed uint64
	var settledMS int64
	to := append(scan.Destinations(), &account, &channel, &provider, &code, &expired, &failed, &settledMS)
	groups, totals := map[string]*failureSums{}, map[string]uint64{}
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return nil, err
		}
		reason, _ := maps.Class(account, channel, provider, code, expired == 1)
		whole := ""
		if byChannel {
			whole = channel
		}
		totals[whole] += failed
		if !ask.Keeps("reason", reason) || !ask.Keeps("provider", provider) ||
			!ask.Keeps("error_code", code) {
			continue
		}
		keys := scan.AppendTo(nil)
		if reasonAt >= 0 {
			keys = slices.Insert(keys, reasonAt, report.KeyValue{Text: reason})
		}
		id := report.KeysText(keys)
		group := groups[id]
		if group == nil {
			if len(groups) == maxWholeRows {
				return nil, tooManyRows()
			}
			group = &failureSums{keys: keys, channel: whole}
			groups[id] = group
		}
		group.failed += failed
		group.settledMS = max(group.settledMS, settledMS)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if len(ask.Keys) == 0 && len(groups) == 0 {
		groups[""] = &failureSums{} // no key is one row
	}
	reply = &wholeAnswer{}
	seen.Mature = !seen.Lost
	for _, group := range groups {
		mature := seen.Settled(group.settledMS)
		seen.Mature = seen.Mature && mature
		total := totals[group.channel]
		reply.rows = append(reply.rows, wholeRow{group.keys,
			slices.Concat([]answer.Value{answer.Count(group.failed), answer.Count(group.failed), answer.Count(total)},
				answer.Share(group.failed, total),
				[]answer.Value{answer.Bool(mature)})})
	}
	return reply, nil
}
