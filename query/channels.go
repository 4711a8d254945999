package query

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
	"kaskad/query/report"
	"kaskad/query/store"
)

// rateNames are the rates of the channel report in the order of docs/definitions.md section 3; their numerators and
// denominators come from channels.sql in the same order, but for denominators that two rates share.
var rateNames = [...]string{"delivery", "delivered_of_attempted", "open", "read_of_sent", "reply", "click",
	"delivered_1m", "delivered_24h", "read_24h",
	"unsubscribe", "block", "complaint"}

var countNames = [...]string{"attempted", "sent", "delivered", "read", "clicked", "replied", "failed", "pending",
	"skipped", "skewed", "machine_opened",
	"unsubscribed", "blocked", "complained"}

// channelColumns lists the fields of a row behind its keys.
func channelColumns() []string {
	columns := slices.Clone(countNames[:])
	for _, r := range rateNames {
		columns = append(columns, r+"_num", r+"_den", r+"_rate", r+"_rate_low", r+"_rate_high")
	}
	columns = append(columns, "open_rate_bound")
	for _, latency := range []string{"time_to_deliver", "time_to_read", "time_to_reply"} {
		columns = append(columns, latency+"_p50", latency+"_p90", latency+"_p99")
	}
	return append(columns, "mature")
}

// channelSums is a row as channels.sql returns it: quantities only.
type channelSums struct {
	texts   []string
	numbers []uint8

	counts                                               [len(countNames)]uint64
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

// destinations are the places that a row is scanned to.
func (s *channelSums) destinations(keys []report.Key) []any {
	s.texts, s.numbers = make([]string, len(keys)), make([]uint8, len(keys))
	var to []any
	for i, k := range keys {
		if k.Number {
			to = append(to, &s.numbers[i])
		} else {
			to = append(to, &s.texts[i])
		}
	}
	for i := range s.counts {
		to = append(to, &s.counts[i])
	}
	return append(to, &s.deliveryNum, &s.deliveryDen, &s.attemptedDen, &s.openNum, &s.openDen, &s.readOfSentDen,
		&s.replyNum, &s.clickNum,
		&s.within1mNum, &s.within1mDen, &s.within24hNum, &s.within24hDen, &s.read24hNum, &s.read24hDen,
		&s.optOutNum[0], &s.optOutNum[1], &s.optOutNum[2], &s.exact, &s.lower, &s.upper, &s.latencies[0].Cells,
		&s.latencies[0].Known, &s.latencies[1].Cells, &s.latencies[1].Known,
		&s.latencies[2].Cells, &s.latencies[2].Known, &s.settledMS)
}

// shownKeys returns the keys as texts, for a cursor.
func (s *channelSums) shownKeys(keys []report.Key) [][]byte {
	shown := make([][]byte, len(keys))
	for i, k := range keys {
		if k.Number {
			shown[i] = strconv.AppendUint(nil, uint64(s.numbers[i]), 10)
		} else {
			shown[i] = []byte(s.texts[i])
		}
	}
	return shown
}

// row computes the fields of a row from its quantities.
func (s *channelSums) row(keys []report.Key, seen *answer.Snapshot, row []answer.Value) []answer.Value {
	for i, k := range keys {
		if k.Number {
			row = append(row, answer.Count(uint64(s.numbers[i])))
		} else {
			row = append(row, answer.Text(s.texts[i]))
		}
	}
	for _, n := range s.counts {
		row = append(row, answer.Count(n))
	}
	for _, r := range [len(rateNames)][2]uint64{
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

// channels serves GET /v1/reports/channels.
func (s *Server) channels(c *gin.Context) error {
	ask, err := report.Read(c, s.db, "channels", report.ChannelKeys, nil, "channel")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), s.db.QueryTime)
	defer cancel()
	if err := s.db.CheckZone(ctx, ask.Zone); err != nil {
		return err
	}
	q := channelsQuery{keys: ask.Keys, filters: ask.Filters, tz: ask.Zone.String(), fromMS: ask.FromMS, toMS: ask.ToMS,
		limit: ask.Limit + 1}
	var seen answer.Snapshot
	if ask.At != nil {
		seen = *ask.At.Snapshot
		for _, k := range ask.At.After {
			q.after = append(q.after, string(k))
		}
	} else if seen, err = ask.Snapshot(ctx, s.db); err != nil {
		return err
	}
	q.generation = seen.Edition
	if q.routes, err = s.db.Capabilities(ctx); err != nil {
		return err
	}

	t := answer.NewTable(ask.Format, ask.Keys.Names(), channelColumns())
	next, err := s.readChannels(ctx, &q, &seen, t, ask.At == nil)
	if err != nil {
		return fmt.Errorf("channel report: %w", err)
	}
	return t.SendPage(c, ask.Envelope(&seen), s.db.Cursors, ask.Next(next, &seen))
}

// readChannels fills the table with a page and returns the keys of its last row when there are more.
func (s *Server) readChannels(ctx context.Context, q *channelsQuery, seen *answer.Snapshot, t *answer.Table,
	first bool) (next [][]byte,
	err error) {
	statement, args, err := q.SQL()
	if err != nil {
		return nil, err
	}
	rows, err := s.db.Conn.Query(s.db.Settings(ctx), statement, args...)
	if err != nil {
		return nil, err
	}
	defer store.CloseRows(rows, &err)
	var last channelSums
	var line []answer.Value
	mature := true
	for rows.Next() {
		if t.Rows == q.limit-1 && len(q.keys) > 0 {
			// One row too many was asked for, to know whether there are more.
			next = last.shownKeys(q.keys)
			continue
		}
		last = channelSums{}
		if err := rows.Scan(last.destinations(q.keys)...); err != nil {
			return nil, err
		}
		line = last.row(q.keys, seen, line[:0])
		mature = mature && seen.Settled(last.settledMS)
		t.Add(line)
	}
	if err := rows.Err(); err != nil || !first {
		return next, err
	}
	if next != nil {
		// The envelope speaks of the whole answer, so its totals are needed when there are more pages.
		var total channelSums
		if err := rows.Totals(total.destinations(q.keys)...); err != nil {
			return nil, fmt.Errorf("read totals: %w", err)
		}
		mature = seen.Settled(total.settledMS)
	}
	seen.Mature = mature && !seen.Lost
	return next, nil
}
