package numbers

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/gin-gonic/gin"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/prices"
	"kaskad/query/rollup"
	"kaskad/query/store"
	"kaskad/schema"
)

//go:embed sql/best_counts.sql
var bestCountsSQL string

var bestCountsTemplate = rollup.Template("best_counts.sql", bestEvidenceSQL, bestCountsSQL)

// countsSQL returns the statement that counts people who are alike, and its parameters.
func (q *bestChannelQuery) countsSQL() (string, []any, error) {
	return q.request.Statement(bestCountsTemplate, nil, rollup.Key.InSQL, nil, clickhouse.Named("as_of", q.asOfMS),
		clickhouse.Named("phone_channels", schema.Channels.TellingOf(schema.KindPhone)))
}

// bestCountColumns are those of GET /v1/numbers/best-channel/counts.
var bestCountColumns = []answer.Column{
	{Name: "channel", Of: answer.OneOf(schema.Channels.Names()...), Text: "the best channel, as in the list"},
	{Name: "evidence", Of: answer.OneOf("read", "delivered"), Text: "as in the list"},
	{Name: "people", Type: answer.CountColumn, Text: "how many people it is the best channel of: rows of the list"},
	{Name: "unpriced", Type: answer.CountColumn, Text: "those of them whose row has no cost"},
}

// bestCountsRoute is that of GET /v1/numbers/best-channel/counts.
func (n *Numbers) bestCountsRoute() answer.Route {
	const path = "/v1/numbers/best-channel/counts"
	return answer.Route{Method: http.MethodGet, Path: path, Serve: n.bestCounts, Try: []string{path}}.
		Says(answer.TagNumbers, "Of how many people each channel is the best", "All people of the period are "+
			"looked at, as by the whole list.",
			slices.Concat(bestChannelFilters.Params(), answer.PeriodParams(answer.LastDays), answer.FormatParams()),
			answer.Answer{Text: "One row per channel and evidence.", Columns: bestCountColumns,
				Around: slices.Concat(answer.Period("best-channel"), answer.Fresh(),
					[]answer.Column{answer.TariffVersion()})})
}

// bestCounts serves it. It takes the turn of an export, for that is what it reads.
func (n *Numbers) bestCounts(c *gin.Context) error {
	p, err := answer.ReadParams(c)
	if err != nil {
		return err
	}
	request := &rollup.Request{Name: "best-channel", Format: p.Format(c.Request), Zone: p.Zone(), Now: n.db.Now()}
	request.Filters = bestChannelFilters.Filters(p, request.Zone)
	request.FromMS, request.ToMS = p.Period(request.Now, request.Zone)
	if err := p.Err(); err != nil {
		return err
	}
	connection := http.NewResponseController(c.Writer)
	// not every writer has deadlines
	_ = connection.SetReadDeadline(time.Now().Add(answer.ExportTime + answer.WriteTimeout))
	_ = connection.SetWriteDeadline(time.Now().Add(answer.ExportTime + answer.WriteTimeout))
	end, err := n.db.Reads(c, &n.gate.Exports)
	if err != nil {
		return err
	}
	defer end()
	ctx, cancel := context.WithTimeout(c.Request.Context(), answer.ExportTime)
	defer cancel()
	if err := n.db.CheckZone(ctx, request.Zone); err != nil {
		return err
	}
	seen, err := n.db.Snapshot(ctx, request.Now)
	if err != nil {
		return err
	}
	lists, err := n.prices.Lists(ctx, request.Accounts(), nil)
	if err != nil {
		return err
	}
	found, err := n.countBest(ctx, &bestChannelQuery{request: request, asOfMS: seen.UpTo()}, lists)
	if err != nil {
		return fmt.Errorf("count best channels: %w", err)
	}
	t := answer.NewList(request.Format, bestCountColumns)
	for _, of := range found {
		t.Add([]answer.Value{answer.Text(of.channel), answer.Text(of.evidence), answer.Count(of.people),
			answer.Count(of.unpriced)})
	}
	return t.Send(c, append(request.FreshEnvelope(&seen),
		answer.Member{Name: "tariff_version", Value: answer.Count(lists.Versions.Tariffs)}), answer.Null)
}

// alike are people whose best channel depends on the same: of each evidence the channel, and what a price depends on
// (sql/best_counts.sql).
type alike struct {
	account        string
	read           uint8
	reads          []uint8
	channels, keys []string
	people         uint64
}

// everybody are all people of a period. They never change.
type everybody struct{ groups []alike }

// Bytes is about what they take.
func (e *everybody) Bytes() int64 {
	size := int64(100)
	for i := range e.groups {
		size += 150
		for _, key := range e.groups[i].keys {
			size += 33 + int64(len(key))
		}
	}
	return size
}

// everybody returns the people of a period, whatever the prices.
func (n *Numbers) everybody(ctx context.Context, q *bestChannelQuery) (*everybody, error) {
	r := q.request
	parts := []string{fmt.Sprint(r.FromMS, r.ToMS)}
	for _, f := range r.Filters {
		parts = append(parts, f.Parts()...)
	}
	known, err := n.db.References(ctx)
	if err != nil {
		return nil, err
	}
	return n.everyone.Of(ctx, n.db, rollup.NewAsk(n.db, known, r.Accounts(), q.asOfMS, nil, parts...),
		func(ctx context.Context) (*everybody, error) { return n.readEverybody(ctx, q) })
}

func (n *Numbers) readEverybody(ctx context.Context, q *bestChannelQuery) (all *everybody, err error) {
	statement, args, err := q.countsSQL()
	if err != nil {
		return nil, err
	}
	reading, err := n.db.WithLossCodes(n.db.ListSettings(ctx, true))
	if err != nil {
		return nil, err
	}
	rows, err := n.db.Conn.Query(reading, statement, args...)
	if err != nil {
		return nil, err
	}
	defer store.CloseRows(rows, &err)
	all = &everybody{}
	for rows.Next() {
		var g alike
		if err := rows.Scan(&g.account, &g.read, &g.reads, &g.channels, &g.keys, &g.people); err != nil {
			return nil, err
		}
		all.groups = append(all.groups, g)
	}
	return all, rows.Err()
}

// bestCount is how many people have a channel as their best by some evidence.
type bestCount struct {
	channel, evidence string
	people, unpriced  uint64
}

// countBest finds the best channel of everybody.
func (n *Numbers) countBest(ctx context.Context, q *bestChannelQuery, lists *prices.Lists) (counts []bestCount,
	err error) {
	all, err := n.everybody(ctx, q)
	if err != nil {
		return nil, err
	}
	found := map[[2]string]*bestCount{}
	priced := map[[3]string]offer{}
	var offers []offer
	for i := range all.groups {
		g := &all.groups[i]
		offers = offers[:0]
		for at, channel := range g.channels {
			id := [3]string{g.account, channel, g.keys[at]}
			o, known := priced[id]
			if !known {
				o = newOffer(lists.Of(g.account), stepOf(channel, g.keys[at]), "", q.asOfMS)
				priced[id] = o
			}
			offers = append(offers, o)
		}
		best := bestOffer(offers, g.reads, g.read)
		key := [2]string{best.channel, evidenceName(g.read)}
		if found[key] == nil {
			found[key] = &bestCount{channel: key[0], evidence: key[1]}
		}
		found[key].people += g.people
		if best.cost == nil {
			found[key].unpriced += g.people
		}
	}
	for _, of := range found {
		counts = append(counts, *of)
	}
	slices.SortFunc(counts, func(a, b bestCount) int {
		return cmp.Or(cmp.Compare(a.channel, b.channel), cmp.Compare(a.evidence, b.evidence))
	})
	return counts, nil
}

// stepOf is what a price depends on, as best_counts.sql packs it.
func stepOf(channel, key string) *money.Step {
	s := &money.Step{Channel: channel, Segments: answer.LE16(key)}
	key = key[2:]
	for _, text := range []*string{&s.Provider, &s.Operator, &s.Country, &s.Traffic, &s.Sender, &s.App} {
		end := 2 + int(answer.LE16(key))
		*text, key = key[2:end], key[end:]
	}
	return s
}
