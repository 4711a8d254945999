package numbers

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
	"kaskad/query/prices"
	"kaskad/query/report"
	"kaskad/query/store"
	"kaskad/schema"
)

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
	request := &report.Request{Name: "best-channel", Format: p.Format(c.Request), Zone: p.Zone(), Now: n.db.Now()}
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

// bestCount is how many people have a channel as their best by some evidence.
type bestCount struct {
	channel, evidence string
	people, unpriced  uint64
}

// countBest reads the best channel of everybody.
func (n *Numbers) countBest(ctx context.Context, q *bestChannelQuery, lists *prices.Lists) (counts []bestCount,
	err error) {
	statement, args, err := q.SQL()
	if err != nil {
		return nil, err
	}
	reading, err := n.db.WithErrorMaps(n.db.ListSettings(ctx, true))
	if err != nil {
		return nil, err
	}
	rows, err := n.db.Conn.Query(reading, statement, args...)
	if err != nil {
		return nil, err
	}
	defer store.CloseRows(rows, &err)
	found := map[[2]string]*bestCount{}
	var p proofs
	for rows.Next() {
		if err := rows.Scan(p.destinations()...); err != nil {
			return nil, err
		}
		best := p.best(lists.Of(p.account), q.asOfMS)
		key := [2]string{best.channel, p.evidence()}
		if found[key] == nil {
			found[key] = &bestCount{channel: key[0], evidence: key[1]}
		}
		found[key].people++
		if best.cost == nil {
			found[key].unpriced++
		}
	}
	for _, of := range found {
		counts = append(counts, *of)
	}
	slices.SortFunc(counts, func(a, b bestCount) int {
		return cmp.Or(cmp.Compare(a.channel, b.channel), cmp.Compare(a.evidence, b.evidence))
	})
	return counts, rows.Err()
}
