package report

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
	"kaskad/query/rollup"
	"kaskad/schema"
)

const overlapPath = "/v1/reports/overlap"

// overlapColumns are those of GET /v1/reports/overlap.
var overlapColumns = []answer.Column{
	{Name: "channels", Text: "channels on which these people are reached, as in penetration, with commas and in the " +
		"order of their names; of the channels that are told apart these alone; empty where none of them reaches"},
	{Name: "people", Type: answer.CountColumn, Text: "how many people that is"},
	{Name: "audience", Type: answer.CountColumn, Text: "all people of attempted steps, as in penetration"},
	{Name: "share", Type: answer.DecimalColumn, Text: "people / audience"},
	{Name: "share_low", Type: answer.DecimalColumn, Text: "lower bound of the 95 % Wilson interval of share"},
	{Name: "share_high", Type: answer.DecimalColumn, Text: "upper bound of it"},
}

// overlap serves GET /v1/reports/overlap (docs/definitions.md section 5): which channels reach the same people. Its
// people are those of the penetration report, so their rows with a channel add up to what is reached there.
//
// It is no report like the others: a filter by channel chooses which channels are told apart, and no rows.
func (s *Room) overlap(c *gin.Context) error {
	p, err := answer.ReadParams(c)
	if err != nil {
		return err
	}
	request := &rollup.Request{Name: "overlap", Format: p.Format(c.Request), Zone: p.Zone(), Now: s.db.Now()}
	request.Filters = penetration.Keys.Filters(p, request.Zone)
	request.FromMS, request.ToMS = p.Period(request.Now, request.Zone)
	if err := p.Err(); err != nil {
		return err
	}
	connection := http.NewResponseController(c.Writer)
	// not every writer has deadlines
	_ = connection.SetReadDeadline(time.Now().Add(materializeTime + answer.WriteTimeout))
	_ = connection.SetWriteDeadline(time.Now().Add(materializeTime + answer.WriteTimeout))
	ctx, cancel := context.WithTimeout(c.Request.Context(), materializeTime)
	defer cancel()
	if err := s.db.CheckZone(ctx, request.Zone); err != nil {
		return err
	}
	state, err := request.State(ctx, s.db)
	if err != nil {
		return err
	}
	r := &Reading{Request: request, DB: s.db, Prices: s.prices, State: state, Seen: &state.Snapshot,
		report: penetration, room: s}
	r.Seen.Mature = !r.Seen.Lost
	t := answer.NewList(request.Format, overlapColumns)
	if err := r.addOverlap(ctx, t); err != nil {
		return fmt.Errorf("report overlap: %w", err)
	}
	return t.Send(c, request.Envelope(r.Seen), answer.Null)
}

// addOverlap adds a row for each set of channels that people are reached on, the largest first.
func (r *Reading) addOverlap(ctx context.Context, t *answer.Table) error {
	all, err := r.audiences(ctx)
	if err != nil {
		return err
	}
	people := map[string]uint64{}
	var audience uint64
	for _, g := range all { // without keys there is one group at most
		r.settled(g.Sums.settledMS)
		audience += g.Sums.people
		for reached, count := range g.Sums.together {
			people[r.toldApart(reached)] += count
		}
	}
	sets := make([]string, 0, len(people))
	for set := range people {
		sets = append(sets, set)
	}
	slices.SortFunc(sets, func(a, b string) int {
		if people[a] != people[b] {
			if people[a] > people[b] {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	for _, set := range sets {
		t.Add(append([]answer.Value{answer.Text(set), answer.Count(people[set]), answer.Count(audience)},
			answer.Share(people[set], audience)...))
	}
	return nil
}

// toldApart names the channels of a person that are told apart: all of them, or those of the filter.
func (r *Reading) toldApart(reached uint32) string {
	var names []string
	for i, name := range schema.Channels.Names() {
		if reached>>i&1 == 1 && r.Keeps("channel", name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}

// overlapRoute is the route.
func (s *Room) overlapRoute() answer.Route {
	params := slices.Concat(answer.PeriodParams(answer.LastDays), penetration.Keys.Params(), answer.FormatParams())
	for i := range params {
		if params[i].Name == "channel" {
			params[i].Text = "Tells these channels apart and no others; it may be given several times. Without it all."
		}
	}
	return answer.Get(penetration.For, overlapPath, s.overlap, overlapPath, overlapPath+"?channel=sms&channel=viber").
		Says(answer.TagReports, "Which channels reach the same people", "Everybody of the audience is in one row, "+
			"the largest first. It speaks of the people who were tried, as penetration does: more may be reached.",
			params, answer.Answer{Text: "One row per set of channels.", Columns: overlapColumns,
				Around: append(slices.Concat(answer.Period("overlap"), answer.Fresh()), answer.MatureColumn())})
}
