package report

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strconv"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/query/answer"
	"kaskad/query/rollup"
	"kaskad/query/store"
)

//go:embed sql/groups.sql
var groupsSQL string

// The groups report (docs/definitions.md section 3): a list of mailings, or of whatever else attempts have in common,
// however many there are. It has the counts and rates of the channel report that a list shows, and when each began.
var _ = add(&Report{
	Name:        "groups",
	For:         answer.ForMarketers,
	Keys:        rollup.ChannelKeys,
	DefaultKeys: "campaign",
	Section:     rollup.Curves,
	Summary:     "A list of mailings: when each began, and what became of its attempts",
	Text: "Counts and rates are those of the channel report. Rows are sorted and searched here, so a list of 100 000 " +
		"mailings is read page by page. Other keys make lists of templates, senders, …",
	Figures: []rollup.Figure{
		{Name: "first_at", Kind: rollup.Time,
			Formula: "start of the quarter hour of the earliest cohort of the period with " +
				"an attempt of the row, tried or skipped", Null: "when there is none"},
		{Name: "attempted", Formula: "as in the channel report"},
		{Name: "sent", Formula: "as in the channel report"},
		{Name: "delivered", Formula: "as in the channel report"},
		{Name: "read", Formula: "as in the channel report"},
		{Name: "clicked", Formula: "as in the channel report"},
		{Name: "replied", Formula: "as in the channel report"},
		{Name: "failed", Formula: "as in the channel report"},
		{Name: "pending", Formula: "as in the channel report"},
		{Name: "skipped", Formula: "as in the channel report"},
		{Name: "delivery", Kind: rollup.Rate, Numerator: "delivered", Denominator: "sent",
			Over: "routes that report delivery"},
		{Name: "open", Kind: rollup.Rate, Numerator: "read", Denominator: "delivered", Over: "routes that report reads",
			BoundIn: "open_rate_bound"},
		{Name: "click", Kind: rollup.Rate, Numerator: "clicked", Denominator: "delivered",
			Over: "routes that report delivery"},
		{Name: "reply", Kind: rollup.Rate, Numerator: "replied", Denominator: "delivered",
			Over: "routes that report delivery"},
		{Name: "open_rate_bound", Kind: rollup.Bound, Formula: "as in the channel report"},
		{Name: "mature", Kind: rollup.Flag, Formula: "every cohort of the row is older than its route's settling_days"},
	},
	Sorts: slices.Concat([]rollup.Ranked{{Field: "first_at", Value: "first_s"}},
		rollup.RankedCounts("attempted", "sent", "delivered", "read", "clicked", "replied", "failed", "pending"),
		[]rollup.Ranked{rollup.RankedRate("delivery", "delivery_den"), rollup.RankedRate("open", "open_den"),
			rollup.RankedRate("click", "delivery_num"), rollup.RankedRate("reply", "delivery_num")}),
	Searched:  true,
	Try:       []string{"sort=-first_at&limit=50", "group_by=template&sort=-open_rate&search=welcome"},
	Statement: rollup.Template("groups.sql", groupsSQL),
	Tables:    []string{"builds", "rollup_attempts", "routes"},
	Rollup:    rollup.Rollup{Table: "rollup_attempts", Routed: true, ByHours: true},
	Page:      readGroups,
})

// groupCounts is how many of the report's figures are counts.
const groupCounts = 9

// groupSums is a row as groups.sql returns it, behind its keys.
type groupSums struct {
	firstSeconds                                                   int64
	counts                                                         [groupCounts]uint64
	deliveryNum, deliveryDen, openNum, openDen, clickNum, replyNum uint64
	exact, lower, upper                                            uint64
	settledMS, rank                                                int64
}

// places are where a row is scanned to, behind its keys.
func (s *groupSums) places() []any {
	to := []any{&s.firstSeconds}
	for i := range s.counts {
		to = append(to, (*rollup.Count)(&s.counts[i]))
	}
	for _, n := range []*uint64{&s.deliveryNum, &s.deliveryDen, &s.openNum, &s.openDen, &s.clickNum, &s.replyNum,
		&s.exact, &s.lower, &s.upper} {
		to = append(to, (*rollup.Count)(n))
	}
	return append(to, &s.settledMS, &s.rank)
}

// row computes the fields of a row from its quantities.
func (s *groupSums) row(seen *answer.Snapshot, row []answer.Value) []answer.Value {
	row = append(row, answer.Moment(s.firstSeconds*1000))
	for _, n := range s.counts {
		row = append(row, answer.Count(n))
	}
	for _, r := range [][2]uint64{{s.deliveryNum, s.deliveryDen}, {s.openNum, s.openDen}, {s.clickNum, s.deliveryNum},
		{s.replyNum, s.deliveryNum}} {
		row = append(append(row, answer.Count(r[0]), answer.Count(r[1])), answer.Share(r[0], r[1])...)
	}
	bound := channelSums{exact: s.exact, lower: s.lower, upper: s.upper}
	return append(row, bound.bound(), answer.Bool(seen.Settled(s.settledMS)))
}

// readGroups reads a page, which ClickHouse adds up, sorts and cuts.
func readGroups(ctx context.Context, r *Reading, page *Page) (err error) {
	// One row too many is asked for, to know whether there are more.
	rows, err := r.query(ctx, clickhouse.Named("limit", uint32(r.Limit+1)))
	if err != nil {
		return err
	}
	defer store.CloseRows(rows, &err)
	var sums groupSums
	scan := r.keyScan()
	places := append(scan.Destinations(), sums.places()...)
	var keys []rollup.KeyValue
	var line []answer.Value
	mature := true
	for rows.Next() {
		if page.Rows == r.Limit {
			page.Last = r.Keys.Shown(keys)
			if r.Order != nil {
				page.Last = append(page.Last, strconv.AppendInt(nil, sums.rank, 10))
			}
			continue
		}
		if err := rows.Scan(places...); err != nil {
			return err
		}
		keys = scan.AppendTo(keys[:0])
		line = sums.row(r.Seen, r.Keys.Values(line[:0], keys))
		mature = mature && r.Seen.Settled(sums.settledMS)
		page.Add(line)
	}
	if err := rows.Err(); err != nil || r.At != nil {
		return err
	}
	if page.Last != nil {
		// The envelope speaks of the whole answer, so its totals are needed when there are more pages.
		if err := rows.Totals(places...); err != nil {
			return fmt.Errorf("read totals: %w", err)
		}
		mature = r.Seen.Settled(sums.settledMS)
	}
	r.Seen.Mature = mature && !r.Seen.Lost
	return nil
}
