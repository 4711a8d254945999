package query

import (
	"context"
	_ "embed"
	"slices"
	"text/template"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
	"kaskad/query/store"
	"kaskad/schema"
	"kaskad/schema/law"
)

//go:embed failures.sql
var failuresSQL string

// failuresTemplate fills in identifiers and expressions of this package, and nothing that a request carries.
var failuresTemplate = template.Must(template.Must(law.Template("failures.sql").Parse(visibleSQL)).Parse(failuresSQL))

// failuresKeys are the names of the failures report: those of the channel report, the class of the error code, and the
// code.
var failuresKeys = slices.Concat(channelKeys, keySet{
	ofShape(enumeration("reason", schema.ClassNames(), false)),
	dimension("error_code"),
})

var failuresColumns = []string{"count", "share_num", "share_den", "share_rate", "share_rate_low", "share_rate_high",
	"mature"}

// failures serves GET /v1/reports/failures (docs/definitions.md section 5).
//
// share_den counts the failed attempts of the row's channel in the period, of all channels where the channel is no key.
// Filters by what failed (provider, reason, error_code) choose rows and leave it as it is; the others choose what is
// looked at. The class is that of the error maps as they are now.
func (s *Server) failures(c *gin.Context) error {
	ask, err := s.readReport(c, "failures", failuresKeys, nil, "channel,provider,reason,error_code")
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
	ask        *reportRequest
	routes     []store.Capability
	generation uint64
}

// rowFilters choose rows of the report, not what shares are of.
var rowFilters = []string{"provider", "reason", "error_code"}

// SQL returns the statement and its parameters. The reason is known after reading, and filters that choose rows apply
// then.
func (q *failuresQuery) SQL() (string, []any, error) {
	ask := *q.ask
	ask.filters = slices.DeleteFunc(slices.Clone(ask.filters),
		func(f filter) bool { return slices.Contains(rowFilters, f.key.name) })
	return ask.statement(failuresTemplate, q.routes, key.inSQL, clickhouse.Named("generation", q.generation))
}

// failureSums are the failed attempts of a row.
type failureSums struct {
	keys      []keyValue
	channel   string // "" where it is no key
	failed    uint64
	settledMS int64
}

func (s *Server) readFailures(ctx context.Context, ask *reportRequest, seen *answer.Snapshot) (reply *wholeAnswer,
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
	scan := keyScan{keys: slices.DeleteFunc(slices.Clone(ask.keys), func(k key) bool { return !k.inSQL() })}
	reasonAt := slices.IndexFunc(ask.keys, func(k key) bool { return k.name == "reason" })
	_, byChannel := ask.keys.find("channel")
	var account, channel, provider, code string
	var expired uint8
	var failed uint64
	var settledMS int64
	to := append(scan.destinations(), &account, &channel, &provider, &code, &expired, &failed, &settledMS)
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
		if !ask.keepsValue("reason", reason) || !ask.keepsValue("provider", provider) ||
			!ask.keepsValue("error_code", code) {
			continue
		}
		keys := scan.appendTo(nil)
		if reasonAt >= 0 {
			keys = slices.Insert(keys, reasonAt, keyValue{text: reason})
		}
		id := keysText(keys)
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
	if len(ask.keys) == 0 && len(groups) == 0 {
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
