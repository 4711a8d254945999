package report

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/query/answer"
	"kaskad/query/rollup"
	"kaskad/query/store"
)

var (
	//go:embed sql/channels.sql
	channelsSQL string
	//go:embed sql/channel_days.sql
	channelDaysSQL string

	// channelsTemplate has the statement of a page, and that of what days are made of.
	channelsTemplate = rollup.Template("channels.sql", channelDaysSQL, channelsSQL)
)

// The channel report (docs/definitions.md section 3): what became of attempts.
var channelsReport = add(&Report{
	Name:        "channels",
	For:         answer.ForMarketers,
	Keys:        rollup.ChannelKeys,
	DefaultKeys: "channel",
	Section:     rollup.Metrics,
	Summary:     "What became of attempts: delivery, opens, replies, times",
	Figures: []rollup.Figure{
		{Name: "attempted", Kind: rollup.Number, Formula: "attempts that were not skipped", Over: "all routes"},
		{Name: "sent", Kind: rollup.Number, Formula: "attempts that a provider took", Over: "all routes"},
		{Name: "delivered", Kind: rollup.Number, Formula: "delivered attempts", Over: "all routes"},
		{Name: "read", Kind: rollup.Number, Formula: "read attempts", Over: "all routes"},
		{Name: "clicked", Kind: rollup.Number, Formula: "clicked attempts", Over: "all routes"},
		{Name: "replied", Kind: rollup.Number, Formula: "replied attempts", Over: "all routes"},
		{Name: "failed", Kind: rollup.Number, Formula: "failed attempts", Over: "all routes"},
		{Name: "pending", Kind: rollup.Number, Formula: "attempts neither delivered nor failed", Over: "all routes"},
		{Name: "skipped", Kind: rollup.Number, Formula: "steps that were never tried; in no other count",
			Over: "all routes"},
		{Name: "skewed", Kind: rollup.Number, Formula: "attempts delivered more than 60 s before their start",
			Over: "all routes"},
		{Name: "machine_opened", Kind: rollup.Number,
			Formula: "attempts that a machine opened (mail proxies, link scanners)", Over: "all routes"},
		{Name: "unsubscribed", Kind: rollup.Number,
			Formula: "attempts with at least one unsubscribed event attributed to them: an event that names a " +
				"message_id belongs to that message's delivered attempt with the greatest delivered time on the " +
				"event's channel, else on any; any other to the attempt delivered last within the 7 x 24 h before " +
				"it, of the same account, channel and recipient, and app where both name one (ties: greatest " +
				"message_id, then step)", Over: "all routes"},
		{Name: "blocked", Kind: rollup.Number,
			Formula: "attempts with at least one blocked event attributed to them, as unsubscribed",
			Over:    "all routes"},
		{Name: "complained", Kind: rollup.Number,
			Formula: "attempts with at least one complained event attributed to them, as unsubscribed",
			Over:    "all routes"},
		{Name: "delivery", Kind: rollup.Rate, Numerator: "delivered", Denominator: "sent",
			Over: "routes that report delivery"},
		{Name: "delivered_of_attempted", Kind: rollup.Rate, Numerator: "delivered", Denominator: "attempted",
			Over: "routes that report delivery"},
		{Name: "open", Kind: rollup.Rate, Numerator: "read", Denominator: "delivered", Over: "routes that report " +
			"reads", BoundIn: "open_rate_bound"},
		{Name: "read_of_sent", Kind: rollup.Rate, Numerator: "read", Denominator: "sent", Over: "routes that report " +
			"reads", BoundIn: "open_rate_bound"},
		{Name: "reply", Kind: rollup.Rate, Numerator: "replied", Denominator: "delivered",
			Over: "routes that report delivery"},
		{Name: "click", Kind: rollup.Rate, Numerator: "clicked", Denominator: "delivered",
			Over: "routes that report delivery"},
		{Name: "delivered_1m", Kind: rollup.Rate, Numerator: "time_to_deliver <= 60 s",
			Denominator: "sent with known start, not skewed, window of 60 s over",
			Over:        "routes that report delivery"},
		{Name: "delivered_24h", Kind: rollup.Rate, Numerator: "time_to_deliver <= 24 h",
			Denominator: "sent with known start, not skewed, window of 24 h over",
			Over:        "routes that report delivery"},
		{Name: "read_24h", Kind: rollup.Rate, Numerator: "time_to_read <= 24 h",
			Denominator: "sent with known start, not skewed, window of 24 h over", Over: "routes that report " +
				"reads", BoundIn: "open_rate_bound"},
		{Name: "unsubscribe", Kind: rollup.Rate, Numerator: "unsubscribed", Denominator: "delivered",
			Over: "routes that report delivery"},
		{Name: "block", Kind: rollup.Rate, Numerator: "blocked", Denominator: "delivered",
			Over: "routes that report delivery"},
		{Name: "complaint", Kind: rollup.Rate, Numerator: "complained", Denominator: "delivered",
			Over: "routes that report delivery"},
		{Name: "open_rate_bound", Kind: rollup.Bound,
			Formula: "exact; lower: some readers cannot be seen (lower, or lower and exact routes); upper: " +
				"some reads are no people (upper, or upper and exact); mixed: lower and upper routes",
			Over: "the attempts in open_den"},
		{Name: "time_to_deliver", Kind: rollup.Percentiles,
			Formula: "nearest rank, in seconds, relative error at most 2 %, with 3 significant digits below " +
				"100 s, in whole seconds above", Over: "routes that report delivery"},
		{Name: "time_to_read", Kind: rollup.Percentiles,
			Formula: "nearest rank, in seconds, relative error at most 2 %, with 3 significant digits below " +
				"100 s, in whole seconds above", Over: "routes that report reads"},
		{Name: "time_to_reply", Kind: rollup.Percentiles,
			Formula: "nearest rank, in seconds, relative error at most 2 %, with 3 significant digits below " +
				"100 s, in whole seconds above", Over: "routes that report delivery"},
		{Name: "mature", Kind: rollup.Flag, Formula: "every cohort of the row is older than its route's " +
			"settling_days", Over: "all routes"},
	},
	Try:       []string{"group_by=day,channel&tz=Europe/Moscow&format=csv"},
	Statement: channelsTemplate,
	Tables:    []string{"builds", "opt_outs", "rollup_attempts", "routes"},
	Rollup:    rollup.Rollup{Table: "rollup_attempts", Routed: true, ByRoute: true},
	Page:      readChannels,
})

// channelCounts is how many of the report's figures are counts; they come first. channelRates is how many are rates.
const channelCounts, channelRates = 14, 12

// channelSums is a row as channels.sql returns it, behind its keys: quantities only.
type channelSums struct {
	counts                                               [channelCounts]uint64
	deliveryNum, deliveryDen                             uint64
	attemptedDen                                         uint64
	openNum, openDen                                     uint64
	readOfSentDen                                        uint64
	replyNum, clickNum                                   uint64
	within1mNum, within1mDen, within24hNum, within24hDen uint64
	read24hNum, read24hDen                               uint64
	optOutNum                                            [3]uint64 // unsubscribed, blocked, complained
	exact, lower, upper                                  uint64
	latencies                                            [3]answer.LatencyRanks // to deliver, to read, to reply
	settledMS                                            int64
}

// places are where a row is scanned to, behind its keys.
func (s *channelSums) places() (to []any) {
	for i := range s.counts {
		to = append(to, (*rollup.Count)(&s.counts[i]))
	}
	for _, n := range []*uint64{&s.deliveryNum, &s.deliveryDen, &s.attemptedDen, &s.openNum, &s.openDen,
		&s.readOfSentDen, &s.replyNum, &s.clickNum, &s.within1mNum, &s.within1mDen, &s.within24hNum, &s.within24hDen,
		&s.read24hNum, &s.read24hDen, &s.optOutNum[0], &s.optOutNum[1], &s.optOutNum[2], &s.exact, &s.lower,
		&s.upper} {
		to = append(to, (*rollup.Count)(n))
	}
	for i := range s.latencies {
		to = append(to, &s.latencies[i].Cells, &s.latencies[i].Known)
	}
	return append(to, &s.settledMS)
}

// row computes the fields of a row from its quantities. Denominators that two rates share come from SQL once.
func (s *channelSums) row(seen *answer.Snapshot, row []answer.Value) []answer.Value {
	for _, n := range s.counts {
		row = append(row, answer.Count(n))
	}
	for _, r := range [channelRates][2]uint64{
		{s.deliveryNum, s.deliveryDen}, {s.deliveryNum, s.attemptedDen}, {s.openNum, s.openDen},
		{s.openNum, s.readOfSentDen},
		{s.replyNum, s.deliveryNum}, {s.clickNum, s.deliveryNum},
		{s.within1mNum, s.within1mDen}, {s.within24hNum, s.within24hDen}, {s.read24hNum, s.read24hDen},
		{s.optOutNum[0], s.deliveryNum}, {s.optOutNum[1], s.deliveryNum}, {s.optOutNum[2], s.deliveryNum},
	} {
		low, high := answer.Wilson(r[0], r[1])
		row = append(row, answer.Count(r[0]), answer.Count(r[1]), answer.Rate(r[0], r[1]), low, high)
	}
	row = append(row, s.bound())
	for _, latency := range s.latencies {
		row = latency.AppendSeconds(row)
	}
	return append(row, answer.Bool(seen.Settled(s.settledMS)))
}

// bound says which way the open rate errs, over the attempts in its denominator.
func (s *channelSums) bound() answer.Value {
	switch {
	case s.lower > 0 && s.upper > 0:
		return answer.Text("mixed")
	case s.upper > 0:
		return answer.Text("upper")
	case s.lower > 0:
		return answer.Text("lower")
	case s.exact > 0:
		return answer.Text("exact")
	}
	return answer.Null
}

// readChannels reads a page: of one account, and of all, from what is remembered of days, unless there are too many
// rows to hold.
func readChannels(ctx context.Context, r *Reading, page *Page) error {
	large := string(answer.QueryHash("large", string(r.Hash)))
	if len(r.Accounts()) <= 1 && r.room.channelMore.Get(large) == nil {
		rows, err := readChannelDays(ctx, r)
		if err == nil {
			err = cutChannels(r, page, rows)
		}
		if !errors.Is(err, errManyRows) {
			return err
		}
		// So is the answer to who asks the same again, most likely.
		r.room.channelMore.Put(large, &channelDay{})
	}
	return readChannelPage(ctx, r, page)
}

// readChannelPage has ClickHouse add up and cut all of the page.
func readChannelPage(ctx context.Context, r *Reading, page *Page) (err error) {
	var parameters []any
	if len(r.Keys) > 0 {
		// One row too many is asked for, to know whether there are more.
		parameters = append(parameters, clickhouse.Named("limit", uint32(r.Limit+1)))
	}
	rows, err := r.query(ctx, parameters...)
	if err != nil {
		return err
	}
	defer store.CloseRows(rows, &err)
	var sums channelSums
	scan := r.keyScan()
	places := append(scan.Destinations(), sums.places()...)
	var keys []rollup.KeyValue
	var line []answer.Value
	mature := true
	for rows.Next() {
		if page.Rows == r.Limit && len(r.Keys) > 0 {
			page.Last = r.Keys.Shown(keys)
			continue
		}
		sums = channelSums{}
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
		sums = channelSums{}
		if err := rows.Totals(places...); err != nil {
			return fmt.Errorf("read totals: %w", err)
		}
		mature = r.Seen.Settled(sums.settledMS)
	}
	r.Seen.Mature = mature && !r.Seen.Lost
	return nil
}
